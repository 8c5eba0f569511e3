/**
 * `lowrank recommend`: a model file in, lists out: for one or several users, for somebody who is not in the model but has
 * a history, or for everybody as CSV or JSON lines.
 */
import {
  type Id,
  LowrankError,
  type Model,
  openRecommender,
  type PopularList,
  type Recommendations,
  type RecommendationsForHistory,
  type Recommender,
  type ShortList,
  type UnknownIds,
} from "@lowrank/core";
import { show } from "@lowrank/core/support";
import type { Command } from "commander";
import { UsageError } from "../exit.ts";
import {
  addEngineFlags,
  addOutputFlags,
  type EngineFlags,
  engineOptions,
  given,
  type OutputFlags,
  several,
  text,
  whole,
  word,
} from "../flags.ts";
import { count, counted, csvLine, duration, listed, scaleNumber, table } from "../format.ts";
import { idList, idOf } from "../ids.ts";
import { listColumns, scoreText, scoreTitle, titled } from "../lists.ts";
import { loadModelFile, loadTitles, requireHistory } from "../load.ts";
import type { Job, Shell } from "../shell.ts";

interface RecommendFlags extends EngineFlags, OutputFlags {
  user?: readonly string[];
  all?: true;
  history?: readonly string[];
  n?: number;
  titles?: string;
  only?: readonly string[];
  except?: readonly string[];
  includeSeen?: true;
  fallback?: "popular";
  csv?: true;
}

type Titles = ReadonlyMap<string, string>;

/** What a list may hold, for every way to ask. */
interface ListOptions {
  readonly n: number;
  readonly only?: Id[];
  readonly except?: Id[];
  readonly includeSeen?: boolean;
  readonly fallback?: "popular";
}

const DEFAULT_N = 10;

export function addRecommend(program: Command, shell: Shell): void {
  const command = program
    .command("recommend")
    .summary("list items for a user, for a history, or for everybody")
    .description(
      "Lists the items that a model puts first: for users of the model, for somebody new with a history, or for everybody.\n" +
        "Items that a user has in the training ratings are left out.",
    )
    .argument("<model>", "a model file")
    .optionsGroup("For whom:")
    .option("-u, --user <id>", "a user of the model; may be given several times", several())
    .option("--history <list>", "somebody new: item:rating,item:rating,… (clicks: item,item,…)", several())
    .option("--all", "every user of the model: CSV lines, or JSON lines with --json")
    .optionsGroup("Lists:")
    .option("-n, --n <n>", `items in a list (${DEFAULT_N})`, whole("--n", 1, 1_000_000))
    .option("--titles <file>", "file of item titles, such as movies.csv, to show beside the ids", text("--titles"))
    .option("--only <ids>", "these items only: ids with commas between, or @file with one on each line", several())
    .option("--except <ids>", "never these items: ids, or @file", several())
    .option("--include-seen", "let lists hold items that the user has already")
    .option("--fallback <word>", "popular: for an unknown user, the most rated items", word("--fallback", ["popular"]));
  addEngineFlags(command);
  addOutputFlags(command).option("--csv", "CSV lines on stdout");
  command.action((file: string, flags: RecommendFlags) => recommend(shell.job(command, flags), file, flags));
}

async function recommend(job: Job, file: string, flags: RecommendFlags): Promise<void> {
  refuseUnclearQuestion(flags);
  const model = await loadModelFile(file);
  if (!flags.includeSeen && flags.history === undefined) {
    requireHistory(model, file, "leaving out what users have seen", "add --include-seen, or ");
  }
  if (flags.fallback !== undefined) requireHistory(model, file, "--fallback popular");
  const titles = await loadTitles(job, flags.titles);
  const options = await listOptions(model, flags);
  const recommender = await openRecommender(model, engineOptions(flags));
  try {
    if (flags.all) await forAll(job, recommender, options, titles);
    else if (flags.history !== undefined) await forHistory(job, recommender, model, options, titles, flags);
    else await forUsers(job, recommender, model, options, titles, flags, file);
  } finally {
    recommender.close();
  }
}

function refuseUnclearQuestion(flags: RecommendFlags): void {
  const asked = [
    ...(flags.user === undefined ? [] : ["--user"]),
    ...(flags.history === undefined ? [] : ["--history"]),
    ...(flags.all === undefined ? [] : ["--all"]),
  ];
  if (asked.length === 0) throw new UsageError("for whom? State --user <id>, --history <list> or --all");
  if (asked.length > 1) throw new UsageError(`${listed(asked)} cannot go together; state one of them`);
  if (flags.json && flags.csv) throw new UsageError("--json and --csv cannot go together; state one of them");
  if (flags.all && flags.fallback)
    throw new UsageError("--fallback acts only for an unknown user, and --all asks for known ones; leave it out");
}

async function listOptions(model: Model, flags: RecommendFlags): Promise<ListOptions> {
  return {
    n: flags.n ?? DEFAULT_N,
    ...given("only", flags.only && (await idList("--only", flags.only, model.items))),
    ...given("except", flags.except && (await idList("--except", flags.except, model.items))),
    ...given("includeSeen", flags.includeSeen),
    ...given("fallback", flags.fallback),
  };
}

async function forUsers(
  job: Job,
  recommender: Recommender,
  model: Model,
  options: ListOptions,
  titles: Titles,
  flags: RecommendFlags,
  file: string,
): Promise<void> {
  const { output } = job;
  const answers: Recommendations[] = [];
  for (const written of flags.user ?? [])
    answers.push(await recommender.recommend(idOf(model.users, written), options));
  const unanswered = answers.filter((answer) => answer.status !== "known" && answer.popular === undefined);
  if (flags.csv) await output.data(csvLine(csvHead(titles)));
  for (const [at, answer] of answers.entries()) {
    if (unanswered.includes(answer)) continue;
    if (flags.csv) await output.data(csvLines(answer, titles));
    else tellAnswer(job, model, answer, titles, at > 0);
  }
  const json = answers.map((answer) => withTitles(answer, titles));
  output.json(json.length === 1 ? json[0] : json);
  if (unanswered.length > 0) throw unansweredError(unanswered, model, file);
}

function unansweredError(unanswered: readonly Recommendations[], model: Model, file: string): LowrankError {
  const ids = unanswered.map((answer) => ("user" in answer ? answer.user : ""));
  const who = ids.length === 1 ? `user ${show(ids[0])}` : `users ${listed(ids.map(show))}`;
  const isUnknown = unanswered.some((answer) => answer.status === "unknown-user");
  const what = isUnknown
    ? `${who} ${ids.length === 1 ? "is" : "are"} not among the ${count(model.users.size)} users of ${file}`
    : `${who} ${ids.length === 1 ? "has" : "have"} no training ratings in ${file}`;
  return new LowrankError(
    "unknown-user",
    `${what}; add --fallback popular for the most rated items, or --history "item:rating,…" for somebody new`,
    { users: ids, file },
  );
}

/** One list for people. */
function tellAnswer(job: Job, model: Model, answer: Recommendations, titles: Titles, blankBefore: boolean): void {
  const { output } = job;
  if (blankBefore) output.print("");
  if (answer.status === "known") {
    output.say(`For user ${answer.user}:`);
    output.print(...listLines(model, answer.items, titles, output.width));
    remarks(job, answer.short, answer.unknownIds);
    return;
  }
  const reason = answer.status === "unknown-user" ? "is unknown to this model" : "has no training ratings";
  output.say(`User ${answer.user} ${reason}; the most rated items instead:`);
  if (answer.popular !== undefined) tellPopular(job, answer.popular, titles);
}

function tellPopular(job: Job, popular: PopularList, titles: Titles): void {
  const rows = popular.items.map(({ item, count: ratings }, at) => [
    String(at + 1),
    count(ratings),
    String(item),
    titled(titles, item),
  ]);
  job.output.print(...table(listColumns("ratings", titles), rows, job.output.width));
  remarks(job, popular.short, popular.unknownIds);
}

function listLines(
  model: Model,
  items: readonly { item: Id; score: number }[],
  titles: Titles,
  width: number,
): string[] {
  const rows = items.map(({ item, score }, at) => [
    String(at + 1),
    scoreText(model, score),
    String(item),
    titled(titles, item),
  ]);
  return table(listColumns(scoreTitle(model.scale), titles), rows, width);
}

function remarks({ output }: Job, short: ShortList | undefined, unknownIds: UnknownIds): void {
  if (short !== undefined) output.say(`  ${short.reason}`);
  for (const [flag, ids] of [
    ["--only", unknownIds.only],
    ["--except", unknownIds.except],
  ] as const) {
    if (ids.length > 0) output.warn(`${flag}: ${unknownItems(ids)}`);
  }
}

function unknownItems(ids: readonly Id[]): string {
  const shown = ids.slice(0, 5).map(show);
  const more = ids.length > shown.length ? [`${count(ids.length - shown.length)} more`] : [];
  return `the model does not know ${ids.length === 1 ? "item" : "items"} ${listed([...shown, ...more])}`;
}

async function forHistory(
  job: Job,
  recommender: Recommender,
  model: Model,
  options: ListOptions,
  titles: Titles,
  flags: RecommendFlags,
): Promise<void> {
  const { output } = job;
  const history = parseHistory(flags.history ?? [], model);
  warnOfHistory(job, history, model);
  const answer = await recommender.recommendFor(history, options);
  if (answer.unknownHistory.length > 0) output.warn(`--history: ${unknownItems(answer.unknownHistory)}`);
  if (answer.status === "known") {
    if (flags.csv) await output.data(csvLine(csvHead(titles)) + csvLines(answer, titles));
    else {
      output.say(`For somebody with ${counted(answer.used, "rating")}:`);
      output.print(...listLines(model, answer.items, titles, output.width));
      remarks(job, answer.short, answer.unknownIds);
    }
  } else if (answer.popular !== undefined) {
    output.say("Nothing in the history is known to this model; the most rated items instead:");
    if (flags.csv) await output.data(csvLine(csvHead(titles)) + csvLines(answer, titles));
    else tellPopular(job, answer.popular, titles);
  }
  output.json(withTitles(answer, titles));
  if (answer.status !== "known" && answer.popular === undefined) {
    throw new LowrankError(
      "empty-history",
      "nothing in --history is known to this model; add --fallback popular for the most rated items",
    );
  }
}

/** `318:5,260:3.5` → records. The rating is what follows the last colon; without one the entry is a click. */
function parseHistory(texts: readonly string[], model: Model): { item: Id; rating?: number }[] {
  const entries = texts.flatMap((written) => written.split(",")).map((entry) => entry.trim());
  const full = entries.filter((entry) => entry !== "");
  if (full.length === 0) {
    throw new UsageError("--history is empty; write item:rating,item:rating,… (clicks: item,item,…)", {
      flag: "--history",
    });
  }
  return full.map((entry) => {
    const colon = entry.lastIndexOf(":");
    const rating = colon < 0 ? Number.NaN : Number(entry.slice(colon + 1));
    const hasRating = colon > 0 && entry.slice(colon + 1).trim() !== "" && Number.isFinite(rating);
    if (!hasRating && model.scale === "rating") {
      throw new UsageError(
        `--history: ${show(entry)} has no rating, and this model is about ratings; write item:rating`,
      );
    }
    return hasRating ? { item: idOf(model.items, entry.slice(0, colon)), rating } : { item: idOf(model.items, entry) };
  });
}

/** A model to which an entry is an entry, whatever it says: of items, or of users that are made of items. */
function isOnes(model: Model): boolean {
  if (model.kind === "items") return model.values === "ones";
  return model.kind === "factors" && model.objective?.kind === "history";
}

/** What was typed and cannot act as meant: a slip in one rating turns the whole list, so it is told. */
function warnOfHistory(job: Job, history: ReturnType<typeof parseHistory>, model: Model): void {
  const { range } = model;
  const objective = model.kind === "factors" ? model.objective : undefined;
  const repeated = history.map(({ item }) => item).find((item, at, items) => items.indexOf(item) < at);
  if (repeated !== undefined) {
    const adds = objective?.kind === "implicit" || (model.kind === "items" && range === undefined);
    const effect = isOnes(model) ? "it counts once" : adds ? "they are added up" : "the last one counts";
    job.output.warn(`--history: item ${show(repeated)} is there more than once; ${effect}`);
  }
  const ignoresRatings = isOnes(model) || (objective?.kind === "implicit" && objective.confidence === "constant");
  if (ignoresRatings && history.some(({ rating }) => rating !== undefined))
    job.output.warn("--history: this model does not look at ratings, only at which items are there");
  if (range === undefined) return;
  for (const { item, rating } of history) {
    if (rating !== undefined && (rating < range.min || rating > range.max))
      job.output.warn(
        `--history: rating ${rating} of item ${show(item)} lies outside ${scaleNumber(range.min)} to ${scaleNumber(range.max)}, the ratings that the model was trained on`,
      );
  }
}

/** Every user's list, streamed: memory does not grow with the number of users. */
async function forAll(job: Job, recommender: Recommender, options: ListOptions, titles: Titles): Promise<void> {
  const { output, signal } = job;
  const started = performance.now();
  const { json } = output.mode;
  if (!json) await output.data(csvLine(csvHead(titles)));
  let users = 0;
  let chunk = "";
  for await (const answer of recommender.recommendAll({ ...options, signal })) {
    chunk += json ? `${JSON.stringify(withTitles(answer, titles))}\n` : csvLines(answer, titles);
    users++;
    if (chunk.length > 1 << 16) {
      await output.data(chunk);
      chunk = "";
    }
  }
  await output.data(chunk);
  output.say(
    `Lists of ${options.n} for ${counted(users, "user")} in ${duration((performance.now() - started) / 1000)}`,
  );
}

function csvHead(titles: Titles): string[] {
  return ["user", "place", "item", "score", ...(titles.size > 0 ? ["title"] : [])];
}

/** Popular items have no score; somebody new has no id: those fields are empty. */
function csvLines(answer: Recommendations | RecommendationsForHistory, titles: Titles): string {
  const user = "user" in answer ? answer.user : "";
  const items: readonly { item: Id; score?: number }[] =
    answer.status === "known" ? answer.items : (answer.popular?.items ?? []);
  let lines = "";
  for (const [at, { item, score }] of items.entries()) {
    const fields = [user, at + 1, item, score ?? ""];
    lines += csvLine(titles.size > 0 ? [...fields, titled(titles, item)] : fields);
  }
  return lines;
}

/** The answer as it is, titles beside the items. */
function withTitles(answer: Recommendations | RecommendationsForHistory, titles: Titles): unknown {
  if (titles.size === 0) return answer;
  const add = <T extends { item: Id }>(items: readonly T[]) =>
    items.map((each) => ({ ...each, title: titles.get(String(each.item)) }));
  if (answer.status === "known") return { ...answer, items: add(answer.items) };
  return { ...answer, popular: answer.popular && { ...answer.popular, items: add(answer.popular.items) } };
}
