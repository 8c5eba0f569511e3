/** `lowrank sweep`: rating files in; loss and held-out figure of each rank as a table and a curve, and a suggested rank, out. */
import {
  type Factorizer,
  type Model,
  type RankSweep,
  type RankSweepProgress,
  type Ratings,
  rankSweep,
  type ValidationMetric,
} from "@lowrank/core";
import type { Command } from "commander";
import { shellWord } from "../../shell-word.ts";
import { UsageError } from "../exit.ts";
import { ignoredLines, warnOfAll } from "../findings.ts";
import {
  addEngineFlags,
  addMetricFlag,
  addOutputFlags,
  addReadingFlags,
  addSeedFlag,
  type EngineFlags,
  engineOptions,
  type OutputFlags,
  type ReadingFlags,
  ranks,
  readOptions,
  share,
  text,
} from "../flags.ts";
import { bytes, counted, duration, hanging, inPercent, listed } from "../format.ts";
import { type LoadedRatings, loadRatings, refuseOneSided, sourceNames } from "../load.ts";
import { type InputFile, inputFiles, ratingPaths, refuseOverwritingInput } from "../overwriting.ts";
import { partsProgress } from "../progress.ts";
import {
  addMethodFlags,
  type ChosenMethod,
  chooseMethod,
  type MethodRequest,
  methodRequest,
  needRank,
  refuseHoldingOut,
  settingsSentence,
} from "../settings.ts";
import type { Job, Shell } from "../shell.ts";
import { optimumNote, suggestionOf, sweepCharts, sweepRows, sweepTable } from "../sweep-view.ts";
import { inFlags } from "../words.ts";

interface SweepFlags extends ReadingFlags, EngineFlags, OutputFlags {
  ranks?: readonly number[];
  validation?: number | false;
  metric?: ValidationMetric;
  seed?: number;
  svdOptimum?: boolean;
  svg?: string;
}

/** Without `--ranks`: those of these that the data have room for. */
const DEFAULT_RANKS = [1, 2, 4, 8, 16, 32];
const DEFAULT_VALIDATION = 0.1;

export function addSweep(program: Command, shell: Shell): void {
  const command = program
    .command("sweep")
    .summary("train at several ranks and suggest one")
    .description(
      "Trains at each rank, shows the loss and the figure on held-out ratings, beside the least possible loss where every " +
        "pair is rated, and suggests a rank with the reason. No model is written.",
    )
    .argument("<files...>", "rating files, together one data set")
    .option("--ranks <list>", `such as 1,2,4,8,16 or 1-9 (${DEFAULT_RANKS.join(",")})`, ranks("--ranks"))
    .option(
      "--validation <share>",
      `hold out this share of the ratings at random (${DEFAULT_VALIDATION}; nothing where every pair is rated)`,
      share("--validation"),
    )
    .option("--no-validation", "hold out nothing")
    .option("--svd-optimum", "find what no model of a rank can beat where every pair is rated, whatever that costs")
    .option("--no-svd-optimum", "do not; else found where it costs little, or nothing is held out to suggest by")
    .option("--svg <file>", "draw the curve into this .svg", text("--svg"));
  addMetricFlag(command);
  addMethodFlags(command, ["rank"]);
  command.optionsGroup("Engine:");
  addSeedFlag(command);
  addEngineFlags(command);
  addReadingFlags(command);
  addOutputFlags(command);
  command.action((files: string[], flags: SweepFlags) => sweep(shell.job(command, flags), command, files, flags));
}

async function sweep(job: Job, command: Command, files: readonly string[], flags: SweepFlags): Promise<void> {
  const request = methodRequest({ ...flags });
  needRank(request, "sweep");
  if (flags.validation === false && flags.metric !== undefined)
    throw new UsageError("--metric is of held-out ratings, and --no-validation holds out none; leave one of them out");
  const inputs = await inputFiles(await ratingPaths(files, flags));
  await tryDrawing(flags.svg, inputs);
  const loaded = await loadRatings(job, files, readOptions(flags, job.signal));
  refuseOneSided(loaded.ratings, files, flags.rows);
  const trained = await train(job, loaded.ratings, request, flags);
  await tell(job, { ...trained, loaded, source: sourceNames(files) }, flags.svg, inputs);
  const { rank } = trained.result.suggested;
  if (rank !== undefined) job.output.say(`Next: lowrank fit ${againFor(command, files)} --rank ${rank}`);
}

/** Columns that a chart needs. */
const LEAST_CHART = 40;

const drawingWords = { flag: "--svg", sources: "rating files", result: "the chart" };

/** Refuses, before long work, a file that cannot be written or is one of the ratings'. */
async function tryDrawing(file: string | undefined, inputs: readonly InputFile[]): Promise<void> {
  if (file === undefined) return;
  if (!/\.svg$/i.test(file))
    throw new UsageError(`--svg must end in .svg, got ${JSON.stringify(file)}; a chart is drawn as SVG only`, {
      svg: file,
    });
  await refuseOverwritingInput(inputs, file, drawingWords);
  const { tryWriting } = await import("../../outputs.ts");
  await tryWriting(file, "chart");
}

interface Trained {
  readonly chosen: ChosenMethod;
  readonly result: RankSweep;
  /** Of the ratings; undefined when none are held out */
  readonly share: number | undefined;
  readonly seed: number;
  /** One training served every rank */
  readonly isNested: boolean;
  readonly seconds: number;
}

/** Trains at every rank, with the bar or lines of progress. */
async function train(job: Job, ratings: Ratings, request: MethodRequest, flags: SweepFlags): Promise<Trained> {
  const { output, signal } = job;
  const asked = flags.ranks ?? fittingRanks(ratings);
  const at = (rank: number) => chooseMethod({ ...request, settings: { ...request.settings, rank } }, ratings);
  const { method: first, reason } = at(asked[0]);
  const options = atEveryRank(asked.map((rank) => at(rank).method.options));
  const method = { ...first, options };
  const share = heldOutShare(ratings, method, flags);
  if (share !== undefined) {
    const flag = flags.validation === undefined ? "--metric" : "--validation";
    refuseHoldingOut(method, ratings, `leave ${flag} out: the singular values suggest a rank`);
  }
  const seed = flags.seed ?? 0;
  const isNested = method.lowerRank !== undefined;
  output.say(`Training ${method.name}${reason === undefined ? "" : `, because ${reason}`}`);
  const which = `${asked.length === 1 ? "rank" : "ranks"} ${listed(asked.map(String))}`;
  const settings = settingsSentence(method, "");
  output.say(...hanging(`${which}; ${settings === "" ? "" : `${settings}, `}seed ${seed}`, output.width));
  output.say(
    `  ${share === undefined ? "holding out nothing" : `holding out ${inPercent(share)} of the ratings, at random`}`,
  );
  const progress = partsProgress(output);
  signal.addEventListener("abort", progress.stop);
  const started = performance.now();
  try {
    const result = await rankSweep(ratings, {
      ...engineOptions(flags),
      ranks: asked,
      method: (rank) => at(rank).method,
      validation: share,
      metric: flags.metric,
      svdOptimum: flags.svdOptimum,
      seed,
      signal,
      onProgress: ({ rank, done, ranks: parts, training }: RankSweepProgress) => {
        if (signal.aborted) return;
        progress.onProgress(
          isNested
            ? { name: "", part: 1, parts: 1, training }
            : { name: `rank ${rank}`, part: done + 1, parts, training },
        );
      },
    });
    return { chosen: { method, reason }, result, share, seed, isNested, seconds: (performance.now() - started) / 1000 };
  } finally {
    progress.stop();
    signal.removeEventListener("abort", progress.stop);
  }
}

/** The settings that all ranks share: the rank is none, nor is a size of the starting factors that follows from it. */
function atEveryRank(options: readonly Factorizer<Model>["options"][]): Factorizer<Model>["options"] {
  const [first, ...others] = options;
  const isShared = ([name, value]: [string, unknown]) =>
    name !== "rank" && others.every((other) => JSON.stringify(other[name]) === JSON.stringify(value));
  return Object.fromEntries(Object.entries(first).filter(isShared));
}

/**
 * A matrix without holes has its singular values to choose by, and svd would refuse the holes that holding out makes. They
 * say nothing to a method that takes ratings for clicks.
 */
function heldOutShare(
  ratings: Ratings,
  method: ChosenMethod["method"],
  { validation, metric }: SweepFlags,
): number | undefined {
  if (validation !== undefined) return validation === false ? undefined : validation;
  const hasSpectrum = ratings.hasRatings && ratings.isComplete && !method.ignores.includes("rating");
  return hasSpectrum && metric === undefined ? undefined : DEFAULT_VALIDATION;
}

function fittingRanks({ users, items }: Ratings): number[] {
  const room = Math.max(1, Math.min(users.size, items.size));
  return DEFAULT_RANKS.filter((rank) => rank <= room);
}

interface Outcome extends Trained {
  readonly loaded: LoadedRatings;
  /** Of the rating files */
  readonly source: string;
}

async function tell(job: Job, outcome: Outcome, svg: string | undefined, inputs: readonly InputFile[]): Promise<void> {
  const { output } = job;
  const { chosen, result, share, seed, isNested, seconds, loaded, source } = outcome;
  const { method, reason } = chosen;
  const { stackedCharts, terminalChart } = await import("../../plots/index.ts");
  const rows = sweepRows(result.rows, method.options, loaded.ratings.size);
  const failures = result.rows.filter((row) => row.failure !== undefined);
  const { users, items } = loaded.ratings;
  const room = method.rankMayExceedSize ? undefined : Math.min(users.size, items.size);
  const suggested = suggestionOf(result, room);
  const { rank, reason: why } = suggested;
  const held = share === undefined ? "" : `, ${inPercent(share)} held out`;
  const charts = sweepCharts(rows, rank, `${method.name} on ${source}${held}, seed ${seed}`);
  tellFindings(job, outcome);
  for (const { rank, failure } of failures) output.warn(`rank ${rank} failed: ${inFlags(failure.message, job.has)}`);
  output.say("");
  const { width, isUnicode: unicode } = output;
  const failed = failures.map((row) => row.rank);
  output.print(...sweepTable(rows, failed, rank, { width, times: !isNested, unicode }), "");
  const note = optimumNote(rows);
  if (note !== undefined) output.print(...hanging(note, width), "");
  if (rows.length > 1) {
    const indent = width < LEAST_CHART + 2 ? "" : "  ";
    const size = { width: Math.min(80, width - indent.length), unicode };
    for (const chart of charts)
      output.print(...terminalChart({ ...chart, ...size }).map((line) => `${indent}${line}`.trimEnd()), "");
  }
  output.print(...hanging(`suggested: ${rank === undefined ? "no rank:" : `rank ${rank},`} ${why}`, width));
  const drawn = svg === undefined ? undefined : await draw(svg, stackedCharts(charts), inputs);
  if (drawn !== undefined) output.say(`  ${drawn.file}, ${bytes(drawn.bytes)}`);
  output.say(`  ${isNested ? "one training for all ranks" : counted(rows.length, "training")} in ${duration(seconds)}`);
  output.json({
    method: method.name,
    reason,
    options: method.options,
    seed,
    validation: share,
    data: { ...loaded.ratings.report, hash: loaded.ratings.hash, notes: loaded.notes },
    rows: result.rows,
    ignored: result.ignored,
    suggested,
    svg: drawn,
    seconds,
  });
}

/** What was found amiss, as `fit` says it, and what the method did not look at. */
function tellFindings(job: Job, { chosen, result, share }: Outcome): void {
  job.output.say(...ignoredLines(chosen.method.name, result.ignored));
  const trained = result.rows.filter((row) => row.failure === undefined);
  const trainings = trained.map(({ rank, findings }) => ({ name: `rank ${rank}`, findings }));
  warnOfAll(job, trainings, share !== undefined);
}

async function draw(file: string, picture: string, inputs: readonly InputFile[]) {
  await refuseOverwritingInput(inputs, file, drawingWords);
  const { writeWhole } = await import("../../outputs.ts");
  return { file, ...(await writeWhole(file, [new TextEncoder().encode(picture)], "chart")) };
}

/** These files again, with the flags that act in `fit` too, as one would type them. */
function againFor(command: Command, files: readonly string[]): string {
  const own = ["ranks", "validation", "metric", "svdOptimum", "svg", "json", "quiet", "debug"];
  const flags = command.options.flatMap((option) => {
    const name = option.attributeName();
    const value: unknown = command.getOptionValue(name);
    // `--header` and `--no-header` are two options with one value.
    if (value === undefined || own.includes(name) || (value === false) !== option.negate) return [];
    return typeof value === "boolean" ? [option.long] : [option.long, shellWord(String(value))];
  });
  return [...files.map(shellWord), ...flags].join(" ");
}
