/** `lowrank similar`: items (or users) whose factors point the same way. */
import { LowrankError, openRecommender, type Similar } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import type { Command } from "commander";
import { UsageError } from "../exit.ts";
import { addQuestionFlags, engineOptions, type QuestionFlags } from "../flags.ts";
import { count, csvLine, shellWord, table } from "../format.ts";
import { idOf } from "../ids.ts";
import { listColumns, named } from "../lists.ts";
import { loadModelFile, loadTitles } from "../load.ts";
import type { Job, Shell } from "../shell.ts";

interface SimilarFlags extends QuestionFlags {
  csv?: true;
}

const DEFAULT_N = 10;

export function addSimilar(program: Command, shell: Shell): void {
  const command = program
    .command("similar")
    .summary("list items like an item, or users like a user")
    .description(
      "Lists the items nearest to an item, or the users nearest to a user: by the angle between their factors.",
    )
    .argument("<model>", "a model file");
  addQuestionFlags(command, `how many (${DEFAULT_N})`).option("--csv", "CSV lines on stdout");
  command.action((file: string, flags: SimilarFlags) => similar(shell.job(command, flags), file, flags));
}

async function similar(job: Job, file: string, flags: SimilarFlags): Promise<void> {
  const { output } = job;
  const { item, user } = flags;
  if ((item === undefined) === (user === undefined))
    throw new UsageError("similar to what? State one of --item <id> and --user <id>");
  if (flags.json && flags.csv) throw new UsageError("--json and --csv cannot go together; state one of them");
  if (user !== undefined && flags.titles !== undefined)
    throw new UsageError("--titles acts only with --item; leave it out");
  const model = await loadModelFile(file);
  const titles = await loadTitles(job, flags.titles);
  const side = item === undefined ? "user" : "item";
  const ids = side === "item" ? model.items : model.users;
  const id = idOf(ids, item ?? user ?? "");
  const recommender = await openRecommender(model, engineOptions(flags));
  let answer: Similar;
  try {
    const options = { n: flags.n ?? DEFAULT_N, signal: job.signal };
    answer = await (side === "item" ? recommender.similarItems(id, options) : recommender.similarUsers(id, options));
  } finally {
    recommender.close();
  }
  if (answer.status === "unknown") {
    throw new LowrankError(
      `unknown-${side}`,
      `${side} ${show(id)} is not among the ${count(ids.size)} ${side}s of ${file}; lowrank inspect ${shellWord(file)} shows what its ids look like`,
      { [side]: id, file },
    );
  }
  if (answer.status === "zero-row") {
    throw new LowrankError(
      "zero-row",
      `${side} ${show(id)} has no training ratings in ${file}, so nothing can be said to be like it`,
      { [side]: id, file },
    );
  }
  if (flags.csv) {
    const rows = answer.similar.map((each, at) =>
      csvLine([each.id, at + 1, each.similarity, ...(titles.size > 0 ? [titles.get(String(each.id)) ?? ""] : [])]),
    );
    await output.data(csvLine([side, "place", "similarity", ...(titles.size > 0 ? ["title"] : [])]) + rows.join(""));
  } else {
    output.say(`Like ${side} ${named(titles, id)}:`);
    const rows = answer.similar.map((each, at) => [
      String(at + 1),
      each.similarity.toFixed(3),
      String(each.id),
      titles.get(String(each.id)) ?? "",
    ]);
    output.print(...table(listColumns("similarity", titles, side), rows, output.width));
    if (answer.short !== undefined) output.say(`  ${answer.short.reason}`);
  }
  output.json({ ...answer, similar: answer.similar.map((each) => ({ ...each, title: titles.get(String(each.id)) })) });
}
