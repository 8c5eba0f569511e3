/**
 * rankSweep: ratings, several ranks and a method in; one row of figures per rank and a suggested rank out.
 *
 * Every rank is trained anew from the same seed, so that a row is what `factorize` gives with that rank; where models of
 * lower rank are part of one of higher rank (svd), one training serves all ranks. Starting a rank from the tables of the one
 * before was measured and left out: see docs/rank-sweep.md. Not here: how a rank is chosen (suggest-rank.ts), drawing.
 */
import {
  type Factorizer,
  factorize,
  type Progress,
  svdOptimum,
  truncatedSvd,
  type Validation,
} from "../factorizers/index.ts";
import { type EngineOptions, engineOptionNames, type Kernels, kernelsFor } from "../kernels/index.ts";
import { type Center, centers, type Model, modelDigest } from "../model/index.ts";
import { Ratings, randomSplit, type Split, subset } from "../ratings/index.ts";
import {
  finiteNumber,
  knownOptions,
  OptionError,
  shuffled,
  streamSeed,
  throwIfAborted,
  wholeNumber,
} from "../support/index.ts";
import { type Evidence, type SuggestedRank, standardErrorOf, suggestRank } from "./suggest-rank.ts";
import { defaultMetric, heldOut, type ValidationMetric } from "./validation.ts";

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
  /** What is measured on held-out ratings. Default rmse for methods that fit ratings, ndcg (of 10) for the others */
  readonly metric?: ValidationMetric | undefined;
  /** Of the split and of every training. Default 0 */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: RankSweepProgress) => void) | undefined;
}

/** One rank's figures. */
export interface RankSweepRow {
  readonly rank: number;
  /** The training figure after the last pass */
  readonly loss: number;
  readonly lossName: string;
  readonly passes: number;
  readonly heldOut:
    | {
        readonly name: string;
        readonly value: number;
        /** The same figure of each of ten groups of held-out users, the same at every rank; empty with fewer than 20 users */
        readonly groups: readonly number[];
        /** Of the value, from ten groups of held-out users; undefined with fewer than 20 such users */
        readonly standardError: number | undefined;
      }
    | undefined;
  /**
   * Complete ratings: the smallest ‖A − B‖_F of any B of this rank, less the method's centre; a rank more for each side
   * with fitted biases. Undefined otherwise, and for nets
   */
  readonly svdOptimum: number | undefined;
  /** Of the training; for ranks that another rank's training serves, that training's */
  readonly seconds: number;
  /** Of the model */
  readonly digest: string;
}

export interface RankSweep {
  readonly method: string;
  /** Ascending by rank */
  readonly rows: readonly RankSweepRow[];
  readonly suggested: SuggestedRank;
}

const WHO = "rankSweep";
const GROUPS = 10;
const LEAST_USERS = 2 * GROUPS;
/** All singular values are computed up to this many, exactly and at little cost beside the trainings. */
const WHOLE_SPECTRUM = 512;

const optionNames = [
  "ranks",
  "method",
  "validation",
  "metric",
  "seed",
  "signal",
  "onProgress",
  ...engineOptionNames,
] as const satisfies readonly (keyof RankSweepOptions)[];

/**
 * Trains a method at several ranks and compares them.
 *
 * @throws OptionError for arguments that cannot be; what `factorize` and `heldOut` throw; AbortedError
 */
export async function rankSweep(ratings: Ratings, options: RankSweepOptions): Promise<RankSweep> {
  knownOptions(WHO, options, optionNames);
  const seed = wholeNumber(WHO, "seed", options.seed ?? 0, 0, 2 ** 32 - 1);
  const methods = methodsOf(options);
  const { train, test } = partsOf(ratings, options.validation, seed);
  const measure = test === undefined ? undefined : new Measure(train, test, methods[0], options.metric, seed);
  if (measure === undefined && options.metric !== undefined) {
    throw new OptionError(WHO, "metric", options.metric, "left out without validation", "it is of held-out ratings");
  }
  const kernels = await kernelsFor(WHO, options);
  const bounds = await boundsOf(train, methods, kernels, options.signal);
  const rows: RankSweepRow[] = [];
  const run = { train, seed, kernels, options, measure, bounds };
  const [first] = methods;
  if (first.lowerRank !== undefined) rows.push(...(await nestedRows(run, methods)));
  else for (const method of methods) rows.push(await rowOf(run, method, rows.length, methods.length));
  const isBounded = rows[0].svdOptimum !== undefined;
  const evidence: Evidence = { better: measure?.better, spectrum: isBounded ? bounds?.spectrum : undefined };
  return { method: first.name, rows, suggested: suggestRank(rows, evidence) };
}

interface SweepRun {
  readonly train: Ratings;
  readonly seed: number;
  readonly kernels: Kernels;
  readonly options: RankSweepOptions;
  readonly measure: Measure | undefined;
  readonly bounds: Bounds | undefined;
}

/** The methods, ascending by rank. */
function methodsOf({ ranks, method }: RankSweepOptions): Factorizer<Model>[] {
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
      if (made?.rank === rank) return made;
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

/** The held-out figure of a model and its standard error. */
class Measure {
  readonly #whole: Validation;
  readonly #groups: readonly Validation[];

  constructor(
    train: Ratings,
    test: Ratings,
    method: Factorizer<Model>,
    metric: ValidationMetric | undefined,
    seed: number,
  ) {
    const own = metric ?? defaultMetric(test, method);
    this.#whole = heldOut(test, train, own);
    this.#groups = groupsOf(test, seed).map((group) => heldOut(group, train, own));
  }

  get better(): "lower" | "higher" {
    return this.#whole.better;
  }

  async of(model: Model, kernels: Kernels, signal: AbortSignal | undefined): Promise<RankSweepRow["heldOut"]> {
    const value = await this.#whole.measure(model, { kernels, signal });
    const figures: number[] = [];
    for (const group of this.#groups) figures.push(await group.measure(model, { kernels, signal }));
    return { name: this.#whole.name, value, groups: figures, standardError: standardErrorOf(figures) };
  }
}

/** The held-out ratings in groups of users, each user in one: their figures are independent of each other. */
function groupsOf(test: Ratings, seed: number): Ratings[] {
  const { start, rows } = test.byUser;
  const users: number[] = [];
  for (let user = 0; user < rows; user++) if (start[user + 1] > start[user]) users.push(user);
  if (users.length < LEAST_USERS) return [];
  const order = shuffled(streamSeed(seed, "held-out groups"), users.length);
  return Array.from({ length: GROUPS }, (_, group) => {
    const keep = new Uint8Array(test.size);
    for (let n = group; n < users.length; n += GROUPS) {
      const user = users[order[n]];
      keep.fill(1, start[user], start[user + 1]);
    }
    return subset(test, keep);
  });
}

interface Bounds {
  /** One per method */
  readonly optimum: readonly number[];
  readonly spectrum: Evidence["spectrum"];
}

/** What no model of a rank can beat, for complete ratings. */
async function boundsOf(
  train: Ratings,
  methods: readonly Factorizer<Model>[],
  kernels: Kernels,
  signal: AbortSignal | undefined,
): Promise<Bounds | undefined> {
  const { size: users } = train.users;
  const { size: items } = train.items;
  if (!train.hasRatings || train.size === 0 || train.size < users * items) return undefined;
  const { center, biases } = methods[0].options;
  const own: Center = centers.find((one) => one === center) ?? "none";
  const sides = biases === "both" ? 2 : biases === "user" || biases === "item" ? 1 : 0;
  const ranks = methods.map(({ rank }) => rank + sides);
  const short = Math.min(users, items);
  if (short > WHOLE_SPECTRUM) {
    return { optimum: await svdOptimum(train, ranks, { center: own, kernels, signal }), spectrum: undefined };
  }
  const { values } = await truncatedSvd(train, { rank: short, center: own, kernels, signal });
  const optimum = ranks.map((rank) => Math.hypot(...values.subarray(rank)));
  return { optimum, spectrum: { values, short, long: Math.max(users, items) } };
}

/** Trains at one rank. */
async function rowOf(run: SweepRun, method: Factorizer<Model>, done: number, ranks: number): Promise<RankSweepRow> {
  const { kernels, options, measure, bounds } = run;
  const { model, report } = await fit(run, method, done, ranks);
  return {
    rank: method.rank,
    loss: report.loss[report.loss.length - 1],
    lossName: report.lossName,
    passes: report.loss.length,
    heldOut: await measure?.of(model, kernels, options.signal),
    // A net is no product of two tables, and no rank bounds it.
    svdOptimum: model.kind === "factors" ? bounds?.optimum[done] : undefined,
    seconds: report.seconds.total,
    digest: report.digest,
  };
}

function fit({ train, seed, kernels, options }: SweepRun, method: Factorizer<Model>, done: number, ranks: number) {
  return factorize<Model>(train, method, {
    seed,
    kernels,
    signal: options.signal,
    keepHistory: false,
    certificate: false,
    onProgress: (training) => options.onProgress?.({ rank: method.rank, done, ranks, training }),
  });
}

/** One training at the highest rank, and from it every lower one. */
async function nestedRows(run: SweepRun, methods: readonly Factorizer<Model>[]): Promise<RankSweepRow[]> {
  const { kernels, options, measure, bounds } = run;
  const last = methods[methods.length - 1];
  const { model, report } = await fit(run, last, 0, methods.length);
  const rows: RankSweepRow[] = [];
  for (const [place, method] of methods.entries()) {
    throwIfAborted(WHO, options.signal);
    const lower = method.lowerRank?.(model, report);
    if (lower === undefined) throw new OptionError(WHO, "method", method.name, "the same method at every rank");
    rows.push({
      rank: method.rank,
      loss: lower.loss,
      lossName: report.lossName,
      passes: report.loss.length,
      heldOut: await measure?.of(lower.model, kernels, options.signal),
      svdOptimum: bounds?.optimum[place],
      seconds: report.seconds.total,
      digest: modelDigest(lower.model),
    });
  }
  return rows;
}
