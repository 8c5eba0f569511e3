/**
 * `lowrank evaluate`: how good a model is on held-out ratings, beside rulers that learn nothing. Either a model file and
 * test ratings, or ratings alone, which are split, trained on and judged, once or in folds.
 */
import {
  type CrossValidation,
  crossValidate,
  evaluate,
  kFold,
  leaveLastOut,
  type MeasureOptions,
  type Model,
  type Ratings,
  type RelevantFrom,
  randomSplit,
  type Split,
  splitByTime,
} from "@lowrank/core";
import { show } from "@lowrank/core/support";
import type { Command } from "commander";
import { singleSpread, tellEvaluation } from "../evaluation-view.ts";
import { UsageError } from "../exit.ts";
import { ignoredLines, warnOfAll } from "../findings.ts";
import {
  addEngineFlags,
  addOutputFlags,
  addReadingFlags,
  addSeedFlag,
  type EngineFlags,
  engineOptions,
  given,
  type OutputFlags,
  type ReadingFlags,
  readOptions,
  several,
  share,
  text,
  whole,
  wholes,
  word,
} from "../flags.ts";
import { counted, inPercent } from "../format.ts";
import { isModelFile, loadModelFile, loadRatings, refuseOneSided, requireHistory } from "../load.ts";
import { countedProgress, foldProgress } from "../progress.ts";
import {
  addMethodFlags,
  chooseMethod,
  type MethodRequest,
  methodRequest,
  refuseHoldingOut,
  settingsSentence,
} from "../settings.ts";
import type { Job, Shell } from "../shell.ts";
import { kebab } from "../words.ts";

interface EvaluateFlags extends ReadingFlags, EngineFlags, OutputFlags {
  folds?: number;
  testFraction?: number;
  testLast?: number;
  testLatest?: number;
  n?: readonly number[];
  relevantFrom?: string;
  gain?: "binary" | "linear" | "exponential";
  recallDenominator?: NonNullable<MeasureOptions["recallDenominator"]>;
  clamp?: boolean;
  includeSeen?: true;
  rulers?: boolean;
  train?: readonly string[];
  seed?: number;
}

const splitFlags = ["folds", "testFraction", "testLast", "testLatest"] as const;

export function addEvaluate(program: Command, shell: Shell): void {
  const command = program
    .command("evaluate")
    .summary("measure a model, or a method, on held-out ratings")
    .description(
      "Measures on held-out ratings, beside rulers that learn nothing: popularity, biases only, chance.\n" +
        "With a model file first, the other files are test ratings. With rating files alone, part of them is " +
        "held out, a model is trained on the rest, and no file is written.",
    )
    .usage("<model> <test-files...> | <rating-files...> [options]")
    .argument("<files...>", "a model file and test ratings, or ratings to be split")
    .option("--train <file>", "training ratings of a model without its history; may be given several times", several())
    .optionsGroup("What is held out (without a model file):")
    .option("--test-fraction <share>", "this share of the ratings, at random (0.1)", share("--test-fraction"))
    .option("--folds <k>", "each of k parts in turn, at random", whole("--folds", 2))
    .option("--test-last <n>", "each user's last n ratings in time", whole("--test-last", 1))
    .option("--test-latest <share>", "the latest share of all ratings in time", share("--test-latest"));
  addMeasureFlags(command);
  addMethodFlags(command);
  command.optionsGroup("Engine:");
  addSeedFlag(command);
  addEngineFlags(command);
  addReadingFlags(command);
  addOutputFlags(command);
  command.action((files: string[], flags: EvaluateFlags) => run(shell.job(command, flags), files, flags));
}

function addMeasureFlags(command: Command): void {
  command
    .optionsGroup("Measuring:")
    .option("-n, --n <list>", "list lengths, such as 10,20 (10)", wholes("--n"))
    .option(
      "--relevant-from <rating>",
      'a held-out item is relevant from this rating on, or "all" (the median rating; all of clicks)',
      text("--relevant-from"),
    )
    .option(
      "--gain <word>",
      "of a hit in NDCG: binary, linear, exponential (binary)",
      word("--gain", ["binary", "linear", "exponential"]),
    )
    .option(
      "--recall-denominator <word>",
      "relevant: all relevant items; reachable: at most the list length (relevant)",
      word("--recall-denominator", ["relevant", "reachable"]),
    )
    .option("--no-clamp", "do not cut predictions to the range of the ratings")
    .option("--include-seen", "let lists hold items that the user has in training")
    .option("--no-rulers", "the model alone");
}

async function run(job: Job, files: readonly string[], flags: EvaluateFlags): Promise<void> {
  const request = methodRequest({ ...flags });
  const measure = measureOptions(flags);
  const models = await Promise.all(files.map(isModelFile));
  const second = models.indexOf(true, 1);
  if (second > 0) {
    throw new UsageError(
      models[0]
        ? `${files[0]} and ${files[second]} are both model files; evaluate one at a time`
        : `${files[second]} is a model file, and the model file goes first: lowrank evaluate ${files[second]} ${files[0]}`,
      { files: files.filter((_, at) => models[at]) },
    );
  }
  if (models[0]) {
    refuseSplitFlags(flags, request);
    if (files.length === 1)
      throw new UsageError(`evaluate needs test ratings after the model file: lowrank evaluate ${files[0]} test.csv`);
    await evaluateModel(job, files[0], files.slice(1), flags, measure);
  } else {
    if (flags.train !== undefined) throw new UsageError("--train acts only with a model file; leave it out");
    await evaluateMethod(job, files, flags, request, measure);
  }
}

function measureOptions(flags: EvaluateFlags) {
  const from = flags.relevantFrom;
  const relevantFrom: RelevantFrom | undefined = from === undefined || from === "all" ? from : Number(from);
  if (Number.isNaN(relevantFrom)) {
    throw new UsageError(`--relevant-from must be a rating or "all", got ${show(from)}`);
  }
  return {
    ...given("n", flags.n),
    ...given("relevantFrom", relevantFrom),
    ...given("gain", flags.gain),
    ...given("recallDenominator", flags.recallDenominator),
    ...(flags.clamp === false ? { clamp: false } : {}),
    ...(flags.includeSeen ? { includeSeen: true } : {}),
    ...(flags.rulers === false ? { rulers: false } : {}),
  };
}

/** A model is measured as it is: flags about splitting and training cannot act. */
function refuseSplitFlags(flags: EvaluateFlags, request: MethodRequest): void {
  const split = splitFlags.find((name) => flags[name] !== undefined);
  const setting = request.method === "auto" ? Object.keys(request.settings)[0] : "method";
  const name = split ?? setting;
  if (name !== undefined) {
    throw new UsageError(
      `--${kebab(name)} acts only when ratings are split and trained on, and a model file is given; leave it out`,
    );
  }
}

async function evaluateModel(
  job: Job,
  modelFile: string,
  files: readonly string[],
  flags: EvaluateFlags,
  measure: ReturnType<typeof measureOptions>,
): Promise<void> {
  const model = await loadModelFile(modelFile);
  if (flags.train !== undefined && flags.mask !== undefined)
    throw new UsageError(
      "--mask would act on the test matrix and on --train alike; write NaN into the matrices where there is no rating",
    );
  const reading = { ...readOptions(flags, job.signal), stringIds: idsAsText(model, modelFile, flags) };
  if (flags.train === undefined) requireHistory(model, modelFile, "evaluate", "state them with --train <file>, or ");
  const train = flags.train && (await loadRatings(job, flags.train, reading)).ratings;
  const { ratings } = await loadRatings(job, files, reading);
  const progress = countedProgress(job.output, (users) => counted(users, "user"));
  try {
    const evaluation = await evaluate(model, ratings, {
      ...measure,
      ...engineOptions(flags),
      ...given("seed", flags.seed),
      train,
      signal: job.signal,
      onProgress: ({ users, usersTotal }) => progress.update(users, usersTotal),
    });
    progress.stop();
    tellEvaluation(job.output, singleSpread(evaluation), evaluation.rulers.map(singleSpread), [evaluation]);
    job.output.json(evaluation);
  } finally {
    progress.stop();
  }
}

/** Ids of both files must be of one kind to be compared: that of the model. */
function idsAsText(model: Model, modelFile: string, flags: EvaluateFlags): boolean | "user" | "item" {
  const [users, items] = [model.users.kind === "string", model.items.kind === "string"];
  if (flags.stringIds && !(users && items)) {
    const side = users ? "item" : "user";
    throw new UsageError(`--string-ids cannot act: the ${side} ids of ${modelFile} are whole numbers; leave it out`);
  }
  return users === items ? users : users ? "user" : "item";
}

async function evaluateMethod(
  job: Job,
  files: readonly string[],
  flags: EvaluateFlags,
  request: MethodRequest,
  measure: ReturnType<typeof measureOptions>,
): Promise<void> {
  const split = splitter(flags);
  const { ratings } = await loadRatings(job, files, readOptions(flags, job.signal));
  refuseOneSided(ratings, files, flags.rows);
  const { method, reason } = chooseMethod(request, ratings);
  refuseHoldingOut(method, ratings, "lowrank fit --certificate says how near the model comes to all of them");
  const seed = flags.seed ?? 0;
  const splits = split.make(ratings, seed);
  job.output.say(`Training ${method.name}${reason === undefined ? "" : `, because ${reason}`}`);
  job.output.say(`  ${settingsSentence(method)}, seed ${seed}`);
  job.output.say(`Holding out ${split.sentence}`);
  const progress = foldProgress(job.output);
  try {
    const result = await crossValidate(splits, method, {
      ...measure,
      ...engineOptions(flags),
      seed,
      signal: job.signal,
      onProgress: progress.onProgress,
    });
    progress.stop();
    job.output.say(...ignoredLines(method.name, result.folds[0].report.ignored));
    const trainings = result.folds.map(({ report }, at) => ({ name: `fold ${at + 1}`, findings: report.findings }));
    warnOfAll(job, trainings, true);
    tellEvaluation(
      job.output,
      result,
      result.rulers,
      result.folds.map((fold) => fold.evaluation),
    );
    job.output.json(forJson(result));
  } finally {
    progress.stop();
  }
}

/** What the flags say is held out; 10 % at random when they say nothing. More than one way is refused. */
function splitter(flags: EvaluateFlags): { sentence: string; make: (ratings: Ratings, seed: number) => Split[] } {
  const [first, second] = splitFlags.filter((name) => flags[name] !== undefined);
  if (second !== undefined)
    throw new UsageError(`--${kebab(first)} and --${kebab(second)} are two ways to hold out ratings; state one`);
  if (flags.folds !== undefined) {
    const folds = flags.folds;
    return { sentence: `each of ${folds} parts in turn`, make: (ratings, seed) => kFold(ratings, { folds, seed }) };
  }
  if (flags.testLast !== undefined) {
    const last = flags.testLast;
    return {
      sentence: `each user's last ${counted(last, "rating")}`,
      make: (ratings) => [leaveLastOut(ratings, { count: last })],
    };
  }
  if (flags.testLatest !== undefined) {
    const testFraction = flags.testLatest;
    return {
      sentence: `the latest ${inPercent(testFraction)} of the ratings`,
      make: (ratings) => [splitByTime(ratings, { testFraction })],
    };
  }
  const testFraction = flags.testFraction ?? 0.1;
  return {
    sentence: `${inPercent(testFraction)} of the ratings, at random`,
    make: (ratings, seed) => [randomSplit(ratings, { testFraction, seed })],
  };
}

/** Without what every fold repeats. */
function forJson(result: CrossValidation): unknown {
  const { folds, ...rest } = result;
  return { ...rest, folds: folds.map(({ seed, evaluation, report }) => ({ seed, evaluation, report })) };
}
