/**
 * rankSweep: ratings, several ranks and a method in; one row of figures per rank and a suggested rank out.
 *
 * Every rank is trained anew from the same seed, so that a row is what `factorize` gives with that rank; where models of
 * lower rank are part of one of higher rank (svd), one training serves all ranks. Starting a rank from the tables of the one
 * before was measured and left out: see docs/rank-sweep.md. Not here: how a rank is chosen (suggest-rank.ts), drawing.
 */
import {
  type CertificateChoice,
  certificateChoice,
  type Factorizer,
  type Finding,
  type FitReport,
  factorize,
  hasWholeSpectrum,
  isBounded,
  type ModelOptima,
  modelOptima,
  optimumCostsLittle,
  type Progress,
  type SvdOptimum,
} from "../factorizers/index.ts";
import { type EngineOptions, engineOptionNames, type Kernels, kernelsFor } from "../kernels/index.ts";
import { type Model, modelDigest } from "../model/index.ts";
import { asRatings, Ratings, randomSplit, type Split } from "../ratings/index.ts";
import {
  DivergenceError,
  type Facts,
  finiteNumber,
  knownOptions,
  LowrankError,
  OptionError,
  throwIfAborted,
  wholeNumber,
} from "../support/index.ts";
import { type HeldOutFigure, Measure } from "./held-out-figure.ts";
import { type Evidence, type SuggestedRank, suggestRank } from "./suggest-rank.ts";
import type { ValidationMetric } from "./validation.ts";

export interface RankSweepProgress {
  readonly rank: number;
  /** Ranks done before this one, and in all */
  readonly done: number;
  readonly ranks: number;
  /** The training of this rank */
  readonly training: Progress;
}

export interface RankSweepOptions extends EngineOptions {
  /** Distinct whole numbers from 1, in any order */
  readonly ranks: readonly number[];
  /** The method at a rank, such as `(rank) => als({ rank })` */
  readonly method: (rank: number) => Factorizer<Model>;
  /** The share of the ratings to hold out and measure, or a split of them. Left out: nothing is held out */
  readonly validation?: number | Split | undefined;
  /**
   * Find what no model of a rank can beat, for complete ratings: true always, false never, `auto` (default) where that costs little
   * (as `certificate` of `factorize`) or, nothing being held out, where the suggestion comes of it: a side of at most 512
   */
  readonly svdOptimum?: CertificateChoice | undefined;
  /** What is measured on held-out ratings. Default rmse for methods that fit ratings, ndcg (of 10) for the others */
  readonly metric?: ValidationMetric | undefined;
  /** Of the split and of every training. Default 0 */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RankSweepProgress) => void) | undefined;
}

/** A rank that was trained, and its figures. */
export interface TrainedRank {
  readonly rank: number;
  readonly failure?: undefined;
  /** The training figure after the last pass */
  readonly loss: number;
  readonly lossName: string;
  readonly passes: number;
  readonly heldOut: HeldOutFigure | undefined;
  /**
   * What no model of this rank can beat; undefined where nothing is known (ratings with holes, nets, scores that are no ratings), where it was
   * not wanted, and where there was no memory for it
   */
  readonly svdOptimum: RankOptimum | undefined;
  /** Of this rank's training, docs/findings.md; with one training for all ranks they stand at the highest that was trained */
  readonly findings: readonly Finding[];
  /** Of the training; for ranks that another rank's training serves, that training's */
  readonly seconds: number;
  /** Of the model */
  readonly digest: string;
}

/** A rank whose training failed: it diverged, or there is no memory for it. */
export interface FailedRank
  extends Readonly<Partial<Record<Exclude<keyof TrainedRank, "rank" | "failure">, undefined>>> {
  readonly rank: number;
  /** As the error that `factorize` throws at this rank */
  readonly failure: { readonly code: string; readonly message: string; readonly facts: Facts };
}

/** One rank's figures, or why there are none: figures are undefined where `failure` is not. */
export type RankSweepRow = TrainedRank | FailedRank;

/**
 * The smallest ‖A − B‖_F of any model of a rank, the method's centre and fitted biases included. As the loss of a model that is as near,
 * it is 0 below 2⁻²³ ‖A‖_F: single precision, in which ratings and factors are kept, cannot tell that from 0.
 */
export interface RankOptimum extends SvdOptimum {
  /**
   * Whose errors cannot be less: those over the training ratings; or, where ratings were held out of complete ones, those
   * over training and held-out ratings together
   */
  readonly over: "training ratings" | "all ratings";
}

export interface RankSweep {
  readonly method: string;
  /** Ascending by rank, one for each rank asked for */
  readonly rows: readonly RankSweepRow[];
  readonly suggested: SuggestedRank;
  /** Columns of the ratings that the method does not look at */
  readonly ignored: readonly string[];
}

const WHO = "rankSweep";
const optionNames = [
  "ranks",
  "method",
  "validation",
  "metric",
  "svdOptimum",
  "seed",
  "signal",
  "onProgress",
  ...engineOptionNames,
] as const satisfies readonly (keyof RankSweepOptions)[];

/**
 * Trains a method at several ranks and compares them. A rank that diverges, or that there is no memory for, says so in its row, and
 * the others stay. Every other error ends the sweep.
 *
 * @throws OptionError for arguments that cannot be; AbortedError; what `heldOut` and callbacks throw; what `factorize` throws, at
 *   the lowest rank when no rank can be trained
 */
export async function rankSweep(ratings: Ratings, options: RankSweepOptions): Promise<RankSweep> {
  asRatings(WHO, "ratings", ratings);
  knownOptions(WHO, options, optionNames);
  const seed = wholeNumber(WHO, "seed", options.seed ?? 0, 0, 2 ** 32 - 1);
  const methods = methodsOf(options);
  const { train, test } = partsOf(ratings, options.validation, seed);
  const measure = test === undefined ? undefined : new Measure(train, test, methods[0], options.metric, seed);
  if (measure === undefined && options.metric !== undefined) {
    throw new OptionError(WHO, "metric", options.metric, "left out without validation", "it is of held-out ratings");
  }
  const wanted = certificateChoice(WHO, "svdOptimum", options.svdOptimum);
  const kernels = await kernelsFor(WHO, options);
  const run = { train, seed, kernels, options, measure };
  const [first] = methods;
  const trained = first.lowerRank === undefined ? await eachTrained(run, methods) : await nested(run, methods);
  const bounds = await boundsOf(run, wanted, ratings, methods, trained);
  const rows = trained.map((rank, place): RankSweepRow => {
    if ("failure" in rank) return rank;
    return { ...rank.row, svdOptimum: bounds?.at(place) };
  });
  const evidence: Evidence = { better: measure?.better, spectrum: bounds?.spectrum, hasBiases: bounds?.hasBiases };
  const suggested = suggestRank(
    rows.filter((row) => row.failure === undefined),
    evidence,
  );
  const ignored = trained.flatMap((rank) => ("failure" in rank ? [] : [rank.ignored]))[0] ?? [];
  return { method: first.name, rows, suggested, ignored };
}

interface SweepRun {
  readonly train: Ratings;
  readonly seed: number;
  readonly kernels: Kernels;
  readonly options: RankSweepOptions;
  readonly measure: Measure | undefined;
}

/** A rank that was trained, before it is known what bounds it. */
interface Trained {
  readonly row: TrainedRank;
  readonly isBounded: boolean;
  readonly ignored: readonly string[];
}

/** A method whose models have factors. */
type Ranked = Factorizer<Model> & { readonly rank: number };

/** The methods, ascending by rank. */
function methodsOf({ ranks, method }: RankSweepOptions): Ranked[] {
  if (!Array.isArray(ranks) || ranks.length === 0) {
    throw new OptionError(WHO, "ranks", ranks, "a list of at least one whole number");
  }
  for (const rank of ranks) wholeNumber(WHO, "ranks", rank, 1, Number.MAX_SAFE_INTEGER);
  if (new Set(ranks).size < ranks.length) throw new OptionError(WHO, "ranks", ranks, "different from each other");
  if (typeof method !== "function") {
    throw new OptionError(WHO, "method", method, "a function such as (rank) => als({ rank })");
  }
  return [...ranks]
    .sort((a, b) => a - b)
    .map((rank) => {
      const made = method(rank);
      if (made?.rank === rank) return made as Ranked;
      throw new OptionError(WHO, "method", made?.rank, `a method of rank ${rank} when called with it`);
    });
}

function partsOf(
  ratings: Ratings,
  validation: RankSweepOptions["validation"],
  seed: number,
): { train: Ratings; test: Ratings | undefined } {
  if (validation === undefined) return { train: ratings, test: undefined };
  if (typeof validation !== "number") {
    const { train, test } = (validation ?? {}) as Partial<Split>;
    if (train instanceof Ratings && test instanceof Ratings) return { train, test };
    throw new OptionError(
      WHO,
      "validation",
      validation,
      "a share such as 0.1, or a split such as randomSplit(ratings)",
    );
  }
  finiteNumber(WHO, "validation", validation, 0.001, 0.9);
  return randomSplit(ratings, { testFraction: validation, seed });
}

interface Bounds {
  /** Of the method in this place */
  at(place: number): RankOptimum;
  /** For a suggestion; undefined where ratings were held out, which say more */
  readonly spectrum: Evidence["spectrum"];
  readonly hasBiases: boolean;
}

/** What no model of a rank can beat, for models that predict complete ratings. */
async function boundsOf(
  { train, measure, kernels, options }: SweepRun,
  choice: CertificateChoice,
  ratings: Ratings,
  methods: readonly Ranked[],
  trained: readonly (Trained | FailedRank)[],
): Promise<Bounds | undefined> {
  if (choice === false || !trained.some((rank) => "row" in rank && rank.isBounded)) return undefined;
  // Held-out ratings are holes of the training part; with them the whole is a matrix again, if the part was taken from it.
  const isPart = train.users === ratings.users && train.items === ratings.items;
  const whole = train.isComplete || !isPart ? train : ratings;
  const isEvidence = measure === undefined && hasWholeSpectrum(whole);
  if (choice === "auto" && !isEvidence && !optimumCostsLittle(whole)) return undefined;
  const ranks = methods.map(({ rank }) => rank);
  const wanted = { kernels, signal: options.signal, isWhole: measure === undefined };
  let bounds: ModelOptima | undefined;
  try {
    bounds = await modelOptima(methods[0], ranks, whole, train, wanted);
  } catch (error) {
    // The trained ranks are worth more than what bounds them.
    if (!isMemory(error)) throw error;
  }
  if (bounds === undefined) return undefined;
  const over = whole === train ? "training ratings" : "all ratings";
  const spectrum = measure === undefined ? bounds.spectrum : undefined;
  return { at: (place) => ({ ...bounds.optima[place], over }), spectrum, hasBiases: bounds.hasBiases };
}

function isMemory(error: unknown): error is LowrankError {
  return error instanceof LowrankError && error.code === "memory";
}

/** An error that another rank may not have. */
function isOfRank(error: unknown): error is LowrankError {
  return error instanceof DivergenceError || isMemory(error);
}

function failedRank({ rank }: Ranked, { code, message, facts }: LowrankError): FailedRank {
  return { rank, failure: { code, message, facts } };
}

/** One training for each rank. @throws the error of the lowest rank when all fail */
async function eachTrained(run: SweepRun, methods: readonly Ranked[]): Promise<(Trained | FailedRank)[]> {
  const ranks: (Trained | FailedRank)[] = [];
  let first: LowrankError | undefined;
  for (const method of methods) {
    try {
      ranks.push(await trainedAt(run, method, ranks.length, methods.length));
    } catch (error) {
      if (!isOfRank(error)) throw error;
      first ??= error;
      ranks.push(failedRank(method, error));
    }
  }
  if (first !== undefined && !ranks.some((rank) => "row" in rank)) throw first;
  return ranks;
}

/** Trains at one rank. */
async function trainedAt(run: SweepRun, method: Ranked, done: number, ranks: number): Promise<Trained> {
  const { model, report } = await fit(run, method, done, ranks);
  return trainedRank(run, method.rank, model, report, report.loss[report.loss.length - 1]);
}

async function trainedRank(
  { kernels, options, measure }: SweepRun,
  rank: number,
  model: Model,
  report: FitReport,
  loss: number,
): Promise<Trained> {
  const row: TrainedRank = {
    rank,
    loss,
    lossName: report.lossName,
    passes: report.loss.length,
    heldOut: await measure?.of(model, kernels, options.signal),
    svdOptimum: undefined,
    findings: report.findings,
    seconds: report.seconds.total,
    digest: modelDigest(model),
  };
  return { row, isBounded: isBounded(model), ignored: report.ignored };
}

function fit({ train, seed, kernels, options }: SweepRun, method: Ranked, done: number, ranks: number) {
  return factorize<Model>(train, method, {
    seed,
    kernels,
    signal: options.signal,
    keepHistory: false,
    certificate: false,
    onProgress: (training) => options.onProgress?.({ rank: method.rank, done, ranks, training }),
  });
}

/** One training at the highest rank that can be trained, and from it every lower one. @throws the error of the lowest rank when all fail */
async function nested(run: SweepRun, methods: readonly Ranked[]): Promise<(Trained | FailedRank)[]> {
  const failed: FailedRank[] = [];
  for (let count = methods.length; ; count--) {
    try {
      const fitted = await fit(run, methods[count - 1], 0, methods.length);
      return [...(await lowerRanks(run, methods.slice(0, count), fitted)), ...failed];
    } catch (error) {
      if (count === 1 || !isOfRank(error)) throw error;
      failed.unshift(failedRank(methods[count - 1], error));
    }
  }
}

/** @param methods ascending, the last one that which was trained */
async function lowerRanks(
  run: SweepRun,
  methods: readonly Ranked[],
  { model, report }: Awaited<ReturnType<typeof fit>>,
): Promise<Trained[]> {
  const last = methods[methods.length - 1];
  const ranks: Trained[] = [];
  for (const method of methods) {
    throwIfAborted(WHO, run.options.signal);
    const lower = method.lowerRank?.(model, report);
    if (lower === undefined) throw new OptionError(WHO, "method", method.name, "the same method at every rank");
    // What was found amiss was found at the rank that was trained.
    const own = method === last ? report : { ...report, findings: [] };
    ranks.push(await trainedRank(run, method.rank, lower.model, own, lower.loss));
  }
  return ranks;
}
