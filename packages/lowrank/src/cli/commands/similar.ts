/** `lowrank similar`: items (or users) whose factors point the same way. */
import { LowrankError, openRecommender, type Similar } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import type { Command } from "commander";
import { shellWord } from "../../shell-word.ts";
import { UsageError } from "../exit.ts";
import { addQuestionFlags, engineOptions, type QuestionFlags, whole } from "../flags.ts";
import { count, csvLine, table } from "../format.ts";
import { idOf } from "../ids.ts";
import { listColumns, named } from "../lists.ts";
import { loadModelFile, loadTitles } from "../load.ts";
import type { Job, Shell } from "../shell.ts";

interface SimilarFlags extends QuestionFlags {
  csv?: true;
  minRatings?: number;
}

const DEFAULT_N = 10;

/** A row that follows from fewer ratings points nearly at random, and such rows are many: they would fill the list. */
const DEFAULT_MIN_RATINGS = 5;

export function addSimilar(program: Command, shell: Shell): void {
  const command = program
    .command("similar")
    .summary("list items like an item, or users like a user")
    .description(
      "Lists the items nearest to an item, or the users nearest to a user: by the angle between their factors.",
    )
    .argument("<model>", "a model file");
  addQuestionFlags(command, `how many (${DEFAULT_N})`)
    .option(
      "--min-ratings <n>",
      `leave out whatever has fewer training ratings (${DEFAULT_MIN_RATINGS})`,
      whole("--min-ratings", 1, 1_000_000_000),
    )
    .option("--csv", "CSV lines on stdout");
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
    const minRatings = flags.minRatings ?? (model.history === undefined ? 1 : DEFAULT_MIN_RATINGS);
    const options = { n: flags.n ?? DEFAULT_N, minRatings, signal: job.signal };
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
      csvLine([
        each.id,
        at + 1,
        each.similarity,
        each.ratings ?? "",
        ...(titles.size > 0 ? [titles.get(String(each.id)) ?? ""] : []),
      ]),
    );
    await output.data(
      csvLine([side, "place", "similarity", "ratings", ...(titles.size > 0 ? ["title"] : [])]) + rows.join(""),
    );
  } else {
    output.say(`Like ${side} ${named(titles, id)}:`);
    const rows = answer.similar.map((each, at) => [
      String(at + 1),
      each.similarity.toFixed(3),
      each.ratings === undefined ? "–" : count(each.ratings),
      String(each.id),
      titles.get(String(each.id)) ?? "",
    ]);
    const [place, figure, ...rest] = listColumns("similarity", titles, side);
    output.print(...table([place, figure, { title: "ratings", align: "right" }, ...rest], rows, output.width));
    if (answer.short !== undefined) output.say(`  ${answer.short.reason}`);
  }
  output.json({ ...answer, similar: answer.similar.map((each) => ({ ...each, title: titles.get(String(each.id)) })) });
}
