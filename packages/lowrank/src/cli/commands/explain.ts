/** `lowrank explain`: a score taken apart into what each item of the user's history brings to it. */
import { type Explanation, type Id, LowrankError, openRecommender } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import type { Command } from "commander";
import { shellWord } from "../../shell-word.ts";
import { UsageError } from "../exit.ts";
import { addQuestionFlags, engineOptions, type QuestionFlags } from "../flags.ts";
import { count, decimal, hanging, listed, scaleNumber, table } from "../format.ts";
import { idOf } from "../ids.ts";
import { named, ratingSize, signed, titled } from "../lists.ts";
import { loadModelFile, loadTitles, requireHistory } from "../load.ts";
import type { Job, Shell } from "../shell.ts";

const DEFAULT_N = 10;

export function addExplain(program: Command, shell: Shell): void {
  const command = program
    .command("explain")
    .summary("show why an item has its score for a user")
    .description(
      "Takes a score apart: what every user starts from, and what each item of the user's history adds or takes.",
    )
    .argument("<model>", "a model file");
  addQuestionFlags(command, `reasons shown, the largest first (${DEFAULT_N})`);
  command.action((file: string, flags: QuestionFlags) => explain(shell.job(command, flags), file, flags));
}

async function explain(job: Job, file: string, flags: QuestionFlags): Promise<void> {
  const { output } = job;
  if (flags.user === undefined || flags.item === undefined)
    throw new UsageError("explain needs both --user <id> and --item <id>");
  if (flags.json && flags.n !== undefined)
    throw new UsageError("--n acts on the printed table, and --json gives every reason; leave it out");
  const model = await loadModelFile(file);
  requireHistory(model, file, "explain");
  const titles = await loadTitles(job, flags.titles);
  const user = idOf(model.users, flags.user);
  const item = idOf(model.items, flags.item);
  const recommender = await openRecommender(model, engineOptions(flags));
  let answer: Explanation;
  try {
    answer = await recommender.explain(user, item);
  } finally {
    recommender.close();
  }
  if (answer.status !== "known") throw cannotExplain(answer, user, item, file);
  const { score, baseline, contributions, remainder, remainderReason } = answer;
  const shownCount = flags.n ?? DEFAULT_N;
  const top = contributions.slice(0, shownCount);
  const rest = contributions.slice(shownCount).reduce((sum, each) => sum + each.contribution, 0);
  output.say(`Why item ${named(titles, item)} has this score for user ${user}:`);
  const size = ratingSize(model);
  const valueTitle = model.scale === "rating" ? "their rating" : "";
  const rows = [
    ...(model.scale === "rating" ? [[signed(baseline, size), "", "", "where everybody starts with this item"]] : []),
    ...top.map((each) => [
      signed(each.contribution, size),
      model.scale === "rating" ? scaleNumber(each.rating) : "",
      String(each.item),
      titled(titles, each.item),
    ]),
    ...(contributions.length > top.length
      ? [[signed(rest, size), "", "", `${count(contributions.length - top.length)} other items of the history`]]
      : []),
    ...(remainderReason === undefined
      ? []
      : [[signed(remainder, size), "", "", "not explained by the history, see below"]]),
    [`= ${decimal(score, 3, size ?? 1)}`, "", "", model.scale === "rating" ? "predicted rating" : "score"],
  ];
  output.print(
    ...table(
      [
        { title: "adds", align: "right" },
        { title: valueTitle, align: "right" },
        { title: "item", align: "right" },
        { title: "", flexible: true },
      ],
      rows,
      output.width,
    ),
    ...(remainderReason === undefined ? [] : hanging(`${signed(remainder, size)}: ${remainderReason}`, output.width)),
  );
  output.json({
    user,
    ...answer,
    contributions: answer.contributions.map((each) => ({ ...each, title: titles.get(String(each.item)) })),
  });
}

function cannotExplain(
  answer: Exclude<Explanation, { status: "known" }>,
  user: Id,
  item: Id,
  file: string,
): LowrankError {
  if (answer.status === "empty-history") {
    return new LowrankError(
      "empty-history",
      `user ${show(user)} has no training ratings in ${file}, so there is nothing to explain by`,
      { user, file },
    );
  }
  const missing = answer.missing.map((side) => `${side} ${show(side === "user" ? user : item)}`);
  const remedy = answer.missing.includes("user")
    ? `lowrank recommend ${shellWord(file)} --user ${shellWord(String(user))} --fallback popular lists the most rated items for a user like that`
    : `lowrank inspect ${shellWord(file)} shows what its ids look like`;
  return new LowrankError(
    "unknown-id",
    `${listed(missing)} ${missing.length === 1 ? "is" : "are"} unknown to ${file}; ${remedy}`,
    { missing: answer.missing, file },
  );
}
