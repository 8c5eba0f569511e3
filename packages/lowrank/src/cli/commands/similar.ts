/** `lowrank similar`: items (or users) whose factors point the same way. */
import { LowrankError, openRecommender, type Similar } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import type { Command } from "commander";
import { UsageError } from "../exit.ts";
import {
  addEngineFlags,
  addOutputFlags,
  type EngineFlags,
  engineOptions,
  type OutputFlags,
  text,
  whole,
} from "../flags.ts";
import { count, csvLine, table } from "../format.ts";
import { named } from "../lists.ts";
import { loadModelFile, loadTitles } from "../load.ts";
import type { Job, Shell } from "../shell.ts";

interface SimilarFlags extends EngineFlags, OutputFlags {
  item?: string;
  user?: string;
  n?: number;
  titles?: string;
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
    .argument("<model>", "a model file")
    .option("-i, --item <id>", "an item of the model", text("--item"))
    .option("-u, --user <id>", "a user of the model", text("--user"))
    .option("-n, --n <n>", `how many (${DEFAULT_N})`, whole("--n", 1, 1_000_000))
    .option("--titles <file>", "file of item titles, to show beside the ids", text("--titles"));
  addEngineFlags(command);
  addOutputFlags(command).option("--csv", "CSV lines on stdout");
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
  const id = ids.parse(item ?? user ?? "");
  const recommender = await openRecommender(model, engineOptions(flags));
  let answer: Similar;
  try {
    const n = flags.n ?? DEFAULT_N;
    answer = await (side === "item" ? recommender.similarItems(id, n) : recommender.similarUsers(id, n));
  } finally {
    recommender.close();
  }
  if (answer.status === "unknown") {
    throw new LowrankError(
      `unknown-${side}`,
      `${side} ${show(id)} is not among the ${count(ids.size)} ${side}s of ${file}`,
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
    const columns = [
      { title: "", align: "right" },
      { title: "similarity", align: "right" },
      { title: side, align: "right" },
      { title: titles.size > 0 ? "title" : "", flexible: true },
    ] as const;
    const rows = answer.similar.map((each, at) => [
      String(at + 1),
      each.similarity.toFixed(3),
      String(each.id),
      titles.get(String(each.id)) ?? "",
    ]);
    output.print(...table(columns, rows, output.width));
    if (answer.short !== undefined) output.say(`  ${answer.short.reason}`);
  }
  output.json({ ...answer, similar: answer.similar.map((each) => ({ ...each, title: titles.get(String(each.id)) })) });
}
