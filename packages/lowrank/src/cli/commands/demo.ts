/**
 * `lowrank demo`: the whole job in one minute on real ratings. Reads, trains both methods, measures them on held-out ratings
 * beside the rulers, and ends in ten recommendations with reasons for a person whose ratings are shown.
 */
import {
  als,
  type Evaluation,
  evaluate,
  type Factorizer,
  type FactorModel,
  type FitReport,
  factorize,
  type Id,
  ials,
  LowrankError,
  openRecommender,
  type Ratings,
  type Recommender,
  randomSplit,
} from "@lowrank/core";
import { show } from "@lowrank/core/support";
import type { Command } from "commander";
import { printable, shortened } from "../../terminal-text.ts";
import { type DemoData, demoData } from "../demo-data.ts";
import { addEngineFlags, addOutputFlags, type EngineFlags, engineOptions, type OutputFlags, text } from "../flags.ts";
import { bytes, count, counted, duration, figure, listed, table } from "../format.ts";
import { ratingsLines } from "../load.ts";
import { countedProgress, trainingProgress } from "../progress.ts";
import type { Job, Shell } from "../shell.ts";
import { columnTitle } from "../words.ts";

interface DemoFlags extends EngineFlags, OutputFlags {
  user?: string;
}

/**
 * The best of 36 settings by NDCG@10 on a tenth of the training part, test ratings apart. So few ratings want firmer
 * settings than the defaults.
 */
const RANKER = { rank: 64, unobservedWeight: 0.3, regularization: 0.01 };
const TEST_FRACTION = 0.1;
const LIST = 10;
/** Ratings of the person that are shown */
const SHOWN = 8;

export function addDemo(program: Command, shell: Shell): void {
  const command = program
    .command("demo")
    .summary("see it work on real ratings")
    .description(
      "Trains on MovieLens latest-small (from the folder in LOWRANK_DATA, from the cache, or from its publisher; " +
        "a made-up world where none can be had), measures on held-out ratings, and recommends ten movies to a " +
        "person, with reasons.",
    )
    .option("-u, --user <id>", "whom to recommend to (somebody with a middling number of ratings)", text("--user"));
  addEngineFlags(command);
  addOutputFlags(command);
  command.action((flags: DemoFlags) => demo(shell.job(command, flags), flags));
}

interface Trained {
  readonly model: FactorModel;
  readonly report: FitReport;
  readonly evaluation: Evaluation;
}

async function demo(job: Job, flags: DemoFlags): Promise<void> {
  const { output } = job;
  const data = await found(job);
  const { train, test } = randomSplit(data.ratings, { testFraction: TEST_FRACTION });
  const person = chosenPerson(data.ratings, train, flags.user);

  output.print(
    "",
    output.heading(`2  Training on ${count(train.size)} of them, the other ${count(test.size)} held out`),
  );
  const predictor = await trained(job, train, test, als(), flags, "learns how much people like things");
  const ranker = await trained(job, train, test, ials(RANKER), flags, "learns what people choose");

  output.print("", output.heading("3  How good that is on the held-out ratings"), "");
  output.print(...qualityLines(predictor.evaluation, ranker.evaluation, output.width));

  output.print("", output.heading(`4  A person: user ${person}`), "");
  output.print(...personLines(job, data, train, person));

  output.print("", output.heading(`5  Ten recommendations for user ${person}, and why`));
  output.print(
    output.dim("   in the order of ials, what they are likely to choose; the stars are what als expects them to give"),
    "",
  );
  const picks = await recommendations(job, data, test, predictor.model, ranker.model, person, flags);
  output.print(...picks.flatMap((pick, at) => pickLines(job, pick, at)));
  output.print("", "Your own ratings:  npx lowrank fit ratings.csv  ·  everything else:  npx lowrank --help");
  output.json({
    data: { origin: data.origin, noRealData: data.noRealData, ...data.ratings.report },
    als: { report: predictor.report, evaluation: predictor.evaluation },
    ials: { report: ranker.report, evaluation: ranker.evaluation },
    user: person,
    recommendations: picks,
  });
}

async function found(job: Job): Promise<DemoData> {
  const { output, signal } = job;
  const progress = countedProgress(output, bytes);
  let data: DemoData;
  try {
    data = await demoData(signal, ({ done, total }) => progress.update(done, total));
  } finally {
    progress.stop();
  }
  if (data.noRealData !== undefined) output.warn(`no real ratings, so this demo uses made-up ones: ${data.noRealData}`);
  output.print(
    output.heading("1  The ratings"),
    `   ${data.origin}`,
    ...ratingsLines(data.ratings).map((line) => `   ${line}`),
  );
  return data;
}

async function trained(
  job: Job,
  train: Ratings,
  test: Ratings,
  method: Factorizer,
  flags: DemoFlags,
  what: string,
): Promise<Trained> {
  const { output, signal } = job;
  const engine = engineOptions(flags);
  const progress = trainingProgress(output, { lines: false });
  try {
    const { model, report } = await factorize(train, method, { ...engine, signal, onProgress: progress.onProgress });
    progress.stop();
    const evaluation = await evaluate(model, test, { ...engine, train, n: [LIST], signal });
    const [passes, seconds] = [counted(report.passes, report.passName.slice(0, -1)), duration(report.seconds.total)];
    output.print(
      `   ${method.name.padEnd(5)}${what.padEnd(38)}rank ${method.rank}, ${passes} in ${seconds} on ${counted(report.threads, "thread")}`,
    );
    return { model, report, evaluation };
  } finally {
    progress.stop();
  }
}

/** Both methods and the rulers, and a plain reading of the figures. */
function qualityLines(predictor: Evaluation, ranker: Evaluation, width: number): string[] {
  const all = [predictor, ranker, ...predictor.rulers];
  const columns = [
    { title: "" },
    ...all.map((each) => ({ title: columnTitle(each.name), align: "right" as const })),
    { title: "", flexible: true },
  ];
  const ranking = (pick: "ndcg" | "recall" | "hitRate") =>
    all.map((each) => (each.ranking === undefined ? "–" : each.ranking[0][pick].toFixed(3)));
  const rows = [
    ["predicted ratings: RMSE", ...all.map((each) => each.errors?.rmse.toFixed(3) ?? "–"), "lower is better"],
    [`lists of ${LIST}: NDCG`, ...ranking("ndcg"), "higher is better"],
    [`lists of ${LIST}: recall`, ...ranking("recall")],
    [`lists of ${LIST}: hit rate`, ...ranking("hitRate")],
  ];
  const hits = Math.round(100 * (ranker.ranking?.[0].hitRate ?? 0));
  return [
    ...table(columns, rows, width, "   "),
    "",
    `   als is ${figure(predictor.errors?.rmse ?? 0, 2)} off when it predicts a rating (root mean square). In lists of ${LIST} made by ials,`,
    `   ${hits} of 100 people find something that they went on to like; everything else was in the running.`,
  ];
}

/** The one asked for; else whoever has the middling number of ratings, so that neither a stray visitor nor a collector is shown. */
function chosenPerson(all: Ratings, train: Ratings, asked: string | undefined): Id {
  const { start } = train.byUser;
  if (asked !== undefined) {
    const id = all.users.parse(asked);
    const index = all.users.index(id);
    if (index !== undefined && start[index + 1] > start[index]) return id;
    throw new LowrankError(
      "unknown-user",
      `user ${show(id)} is not among the ${count(all.users.size)} users of the demo`,
      { user: id },
    );
  }
  const order = Array.from({ length: all.users.size }, (_, user) => user);
  order.sort((a, b) => start[a + 1] - start[a] - (start[b + 1] - start[b]) || a - b);
  return all.users.id(order[order.length >> 1]);
}

function personLines(job: Job, data: DemoData, train: Ratings, person: Id): string[] {
  const row = train.users.index(person) ?? 0;
  const { start, index, value } = train.byUser;
  const cells = Array.from({ length: start[row + 1] - start[row] }, (_, at) => start[row] + at);
  cells.sort((a, b) => value.at(b) - value.at(a) || a - b);
  const shown = cells.slice(0, SHOWN);
  const lines = shown.map((cell) => `   ${value.at(cell).toFixed(1)}  ${title(data, train.items.id(index[cell]))}`);
  const rest = cells.length - shown.length;
  const lowest = value.at(cells[cells.length - 1]);
  const how = lowest === value.at(cells[0]) ? `all ${lowest.toFixed(1)}` : `down to ${lowest.toFixed(1)}`;
  return [
    ...lines.map((line) => shortened(line, job.output.width)),
    ...(rest > 0 ? [job.output.dim(`   and ${counted(rest, "more rating")}, ${how}`)] : []),
  ];
}

/** Two titles of this width, their ratings and the words around them fit a line of 92 columns. */
const REASON_WIDTH = 24;

interface Pick {
  readonly item: Id;
  readonly title: string;
  /** What als expects the person to rate it, within the scale */
  readonly rating: number;
  readonly reasons: readonly string[];
  /** What the person did rate it, held out from training */
  readonly heldOut: number | undefined;
}

/** The list of the ranking model, each item with its expected rating and the two of the person's items, with their ratings, that speak for it most. */
async function recommendations(
  job: Job,
  data: DemoData,
  test: Ratings,
  predictor: FactorModel,
  ranker: FactorModel,
  person: Id,
  flags: DemoFlags,
): Promise<Pick[]> {
  const lists = await openRecommender(ranker, engineOptions(flags));
  const ratings = await openRecommender(predictor, engineOptions(flags));
  try {
    const answer = await lists.recommend(person, { n: LIST, signal: job.signal });
    if (answer.status !== "known")
      throw new LowrankError("unknown-user", `user ${show(person)} has no training ratings`, { user: person });
    const picks: Pick[] = [];
    for (const { item } of answer.items) {
      const expected = ratings.predict(person, item, { clamp: true });
      picks.push({
        item,
        title: title(data, item),
        rating: expected.status === "known" ? expected.score : predictor.mean,
        reasons: await reasons(lists, data, person, item),
        heldOut: heldOutRating(test, person, item),
      });
    }
    return picks;
  } finally {
    lists.close();
    ratings.close();
  }
}

/** Of the items that speak for this one, two that the person liked: at or above their own mean. */
async function reasons(recommender: Recommender, data: DemoData, person: Id, item: Id): Promise<string[]> {
  const explanation = await recommender.explain(person, item);
  if (explanation.status !== "known") return [];
  const { contributions } = explanation;
  const mean = contributions.reduce((sum, { rating }) => sum + rating, 0) / contributions.length;
  return contributions
    .filter(({ contribution, rating }) => contribution > 0 && rating >= mean)
    .slice(0, 2)
    .map((reason) => `${shortened(title(data, reason.item), REASON_WIDTH)} ★${reason.rating.toFixed(1)}`);
}

function heldOutRating(test: Ratings, person: Id, item: Id): number | undefined {
  const user = test.users.index(person);
  const column = test.items.index(item);
  if (user === undefined || column === undefined) return undefined;
  const { start, index, value } = test.byUser;
  const cell = index.subarray(start[user], start[user + 1]).indexOf(column);
  return cell < 0 ? undefined : value.at(start[user] + cell);
}

function pickLines(job: Job, pick: Pick, at: number): string[] {
  const { output } = job;
  const { rating, reasons: because, heldOut } = pick;
  const proof = heldOut === undefined ? "" : `  ← held out: they gave it ${heldOut.toFixed(1)}`;
  const head = `  ${String(at + 1).padStart(2)}  ${figure(rating, 2)} stars  ${shortened(pick.title, output.width - 16 - proof.length)}${proof}`;
  if (because.length === 0) return [head];
  return [head, output.dim(shortened(`                 because of ${listed(because)}`, output.width))];
}

/** `Matrix, The (1999)` reads better as `The Matrix (1999)`. */
function title(data: DemoData, item: Id): string {
  const filed = printable(data.titles.get(String(item)) ?? `item ${item}`);
  return filed.replace(/^(.+), (The|A|An|La|Le|Les|Il|Der|Die|Das|El)( \(.*\))$/, "$2 $1$3");
}
