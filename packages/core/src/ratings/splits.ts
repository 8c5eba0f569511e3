/**
 * Splits: one Ratings in, a training and a test part out. Both parts keep the ids of the whole, so a user or item may
 * be without ratings in one of them. Same ratings and seed, same parts, on every machine.
 *
 * Counts are exact: a fraction f of n cells is f · n, rounded half up. A part that would be empty is refused.
 */
import {
  DataError,
  finiteNumber,
  hash32,
  knownOptions,
  OptionError,
  shuffled,
  streamSeed,
  unit,
  wholeNumber,
} from "../support/index.ts";
import { asRatings, type Ratings, subset } from "./ratings.ts";

export interface Split {
  readonly train: Ratings;
  readonly test: Ratings;
}

export interface RandomSplitOptions {
  /** Share of the cells that go to the test part, above 0 and below 1; default 0.1 */
  readonly testFraction?: number | undefined;
  /** Whole number from 0 to 2^32 - 1; default 0 */
  readonly seed?: number | undefined;
}

export interface KFoldOptions {
  /** From 2 up to the number of cells; default 5 */
  readonly folds?: number | undefined;
  /** Whole number from 0 to 2^32 - 1; default 0 */
  readonly seed?: number | undefined;
}

export interface LeaveLastOutOptions {
  /** Cells of each user that go to the test part; default 1 */
  readonly count?: number | undefined;
}

/** Either a share of the cells (above 0 and below 1, default 0.1), or the first time of the test part. */
export type TimeSplitOptions =
  | { readonly testFraction?: number | undefined; readonly at?: undefined }
  | { readonly at: number; readonly testFraction?: undefined };

export interface PerUserSplitOptions {
  /** Share of each user's cells that goes to the test part, above 0; 1 leaves everyone a single cell in training; default 0.1 */
  readonly testFraction?: number | undefined;
  /** Whole number from 0 to 2^32 - 1; default 0 */
  readonly seed?: number | undefined;
}

/** Cells chosen evenly at random, whatever their user. */
export function randomSplit(ratings: Ratings, options: RandomSplitOptions = {}): Split {
  asRatings("randomSplit", "ratings", ratings);
  knownOptions("randomSplit", options, ["testFraction", "seed"]);
  const testFraction = fraction("randomSplit", options.testFraction);
  const order = shuffled(streamSeed(seedOf("randomSplit", options.seed), "random split"), ratings.size);
  const inTest = new Uint8Array(ratings.size);
  const count = portion(testFraction, ratings.size);
  for (let i = 0; i < count; i++) inTest[order[i]] = 1;
  return parts("randomSplit", ratings, inTest);
}

/** Every cell is in the test part of exactly one of the folds, evenly at random; test parts differ by one cell at most. */
export function kFold(ratings: Ratings, options: KFoldOptions = {}): Split[] {
  asRatings("kFold", "ratings", ratings);
  knownOptions("kFold", options, ["folds", "seed"]);
  const folds = wholeNumber("kFold", "folds", options.folds ?? 5, 2, Math.max(2, ratings.size));
  const order = shuffled(streamSeed(seedOf("kFold", options.seed), "k folds"), ratings.size);
  const inTest = new Uint8Array(ratings.size);
  return Array.from({ length: folds }, (_, fold) => {
    inTest.fill(0);
    for (let i = fold; i < order.length; i += folds) inTest[order[i]] = 1;
    return parts("kFold", ratings, inTest);
  });
}

/**
 * The same share of each user's cells, at random: `testFraction` of a user's n cells, rounded half up, but at least one
 * cell of each user stays in the training part.
 */
export function splitPerUser(ratings: Ratings, options: PerUserSplitOptions = {}): Split {
  asRatings("splitPerUser", "ratings", ratings);
  knownOptions("splitPerUser", options, ["testFraction", "seed"]);
  const testFraction = options.testFraction === 1 ? 1 : fraction("splitPerUser", options.testFraction);
  const stream = streamSeed(seedOf("splitPerUser", options.seed), "split per user");
  const { rows, start } = ratings.byUser;
  const order = new Uint32Array(ratings.size);
  for (let cell = 0; cell < order.length; cell++) order[cell] = cell;
  const inTest = new Uint8Array(ratings.size);
  for (let user = 0; user < rows; user++) {
    const from = start[user];
    const length = start[user + 1] - from;
    const count = Math.min(portion(testFraction, length), length - 1);
    const userStream = hash32(stream, user);
    // The first `count` steps of a Fisher–Yates shuffle of this user's cells
    for (let i = 0; i < count; i++) {
      const j = i + Math.floor(unit(userStream, i) * (length - i));
      const cell = order[from + j];
      order[from + j] = order[from + i];
      order[from + i] = cell;
      inTest[cell] = 1;
    }
  }
  return parts("splitPerUser", ratings, inTest);
}

/**
 * Each user's last `count` cells go to the test part; users with no more than `count` cells stay in training whole.
 * Of equal times the item with the greater id counts as later.
 *
 * @throws DataError when the ratings have no times
 */
export function leaveLastOut(ratings: Ratings, options: LeaveLastOutOptions = {}): Split {
  asRatings("leaveLastOut", "ratings", ratings);
  knownOptions("leaveLastOut", options, ["count"]);
  const count = wholeNumber("leaveLastOut", "count", options.count ?? 1, 1, Number.MAX_SAFE_INTEGER);
  const time = timesOf("leaveLastOut", ratings);
  const { rows, start } = ratings.byUser;
  const inTest = new Uint8Array(ratings.size);
  for (let user = 0; user < rows; user++) {
    if (start[user + 1] - start[user] > count) markLatest(time, start[user], start[user + 1], count, inTest);
  }
  return parts("leaveLastOut", ratings, inTest);
}

/**
 * One moment for everybody: what came later is the test part. With `at`, cells of that time or later; with
 * `testFraction`, exactly that share of the cells, where of equal times the greater user id, then item id, is later.
 *
 * @throws DataError when the ratings have no times
 */
export function splitByTime(ratings: Ratings, options: TimeSplitOptions = {}): Split {
  asRatings("splitByTime", "ratings", ratings);
  knownOptions("splitByTime", options, ["testFraction", "at"]);
  const time = timesOf("splitByTime", ratings);
  const inTest = new Uint8Array(ratings.size);
  if (options.at === undefined) {
    const count = portion(fraction("splitByTime", options.testFraction), ratings.size);
    markLatest(time, 0, ratings.size, count, inTest);
  } else {
    if (options.testFraction !== undefined)
      throw new OptionError(
        "splitByTime",
        "testFraction",
        (options as RandomSplitOptions).testFraction,
        "left out when `at` is given",
      );
    const at = finiteNumber("splitByTime", "at", options.at);
    for (let cell = 0; cell < time.length; cell++) if (time[cell] >= at) inTest[cell] = 1;
  }
  return parts("splitByTime", ratings, inTest);
}

/** Marks the `count` latest of the cells from .. to - 1; of equal times the later cell. */
function markLatest(time: Float64Array, from: number, to: number, count: number, inTest: Uint8Array): void {
  if (count === 0) return;
  const sorted = time.slice(from, to).sort();
  const limit = sorted[sorted.length - count];
  let wanted = count;
  for (let cell = from; cell < to; cell++) {
    if (time[cell] <= limit) continue;
    inTest[cell] = 1;
    wanted--;
  }
  for (let cell = to - 1; wanted > 0; cell--) {
    if (time[cell] !== limit) continue;
    inTest[cell] = 1;
    wanted--;
  }
}

function parts(who: string, ratings: Ratings, inTest: Uint8Array): Split {
  const inTrain = new Uint8Array(inTest.length);
  for (let cell = 0; cell < inTest.length; cell++) inTrain[cell] = 1 - inTest[cell];
  const split = { train: subset(ratings, inTrain), test: subset(ratings, inTest) };
  if (split.train.size === 0 || split.test.size === 0) {
    const part = split.train.size === 0 ? "training" : "test";
    throw new DataError(
      `${who}: the ${part} part of these ${ratings.size} ratings would be empty; ` +
        "give more ratings or split them elsewhere",
      { who, part, ratings: ratings.size },
    );
  }
  return split;
}

function timesOf(who: string, ratings: Ratings): Float64Array {
  if (ratings.byUser.time !== undefined) return ratings.byUser.time;
  throw new DataError(`${who}: these ratings have no times; give every record a time, or split at random`, { who });
}

/** f · n rounded half up. */
function portion(testFraction: number, count: number): number {
  return Math.floor(testFraction * count + 0.5);
}

function fraction(who: string, value: number | undefined): number {
  const share = value ?? 0.1;
  if (typeof share === "number" && share > 0 && share < 1) return share;
  throw new OptionError(who, "testFraction", share, "a number above 0 and below 1");
}

function seedOf(who: string, seed: number | undefined): number {
  return wholeNumber(who, "seed", seed ?? 0, 0, 0xffffffff);
}
