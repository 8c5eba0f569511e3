/**
 * Planted worlds: ratings or clicks made from tables of low rank that are handed back, so that tests can ask how much of
 * the truth a method finds. Popularity and activity can follow the steep curves of real data.
 *
 *   score(u, i) = mean + userBias_u + itemBias_i + userFactors_u · itemFactors_i
 *   rating      = score + noise · N(0, 1), then put on the scale
 *
 * Cost: O(users × items) for long rows or with `selection`, else O(ratings · ln items).
 */
import {
  exponential,
  finiteNumber,
  knownOptions,
  logarithm,
  normal,
  OptionError,
  oneOf,
  shuffled,
  streamSeed,
  trueOrFalse,
  unit,
  wholeNumber,
} from "../../support/index.ts";
import { CellValues } from "../cell-values.ts";
import type { Ratings } from "../ratings.ts";
import { chooseCells } from "./choose-cells.ts";
import { worldRatings } from "./world.ts";

/** Ratings from `min` to `max` in steps of `step`: half stars are { min: 0.5, max: 5, step: 0.5 }. */
export interface RatingScale {
  readonly min: number;
  readonly max: number;
  readonly step: number;
}

export interface PlantedOptions {
  /** Default 200 */
  readonly users?: number | undefined;
  /** Default 100 */
  readonly items?: number | undefined;
  /** Rank of the truth; default 4 */
  readonly rank?: number | undefined;
  /** Number of cells, exact. Or give `density` */
  readonly ratings?: number | undefined;
  /** Share of all cells, rounded to whole cells; default 0.2 where `ratings` is not given */
  readonly density?: number | undefined;
  /** `clicks` has no rating column: what is chosen says it all. Default `ratings` */
  readonly values?: "ratings" | "clicks" | undefined;
  /** Standard deviation of what is added to each rating; default 0. Not for clicks */
  readonly noise?: number | undefined;
  /** Default 0 */
  readonly mean?: number | undefined;
  /** Standard deviation of user biases and of item biases; default 0 */
  readonly biasSpread?: number | undefined;
  /** Standard deviation of the dot products; default 1 */
  readonly signal?: number | undefined;
  /** Item number r in popularity has a weight of r^-popularityExponent; default 0, real data have about 1 */
  readonly popularityExponent?: number | undefined;
  /** Standard deviation of the logarithm of user activity; default 0, real data have about 1 */
  readonly activitySpread?: number | undefined;
  /** An item's weight for a user grows as e^(selection · (score − mean)); default 0 (missing at random), for clicks 2 */
  readonly selection?: number | undefined;
  /** Default: ratings are real numbers. Not for clicks */
  readonly scale?: RatingScale | undefined;
  /** Whether cells have times: whole seconds over 1000 days, in no connection with the ratings. Default false */
  readonly times?: boolean | undefined;
  /** Whole number from 0 to 2^32 - 1; default 0 */
  readonly seed?: number | undefined;
}

/** Ids are 0, 1, 2, …, so an id is also the row of each table. */
export interface PlantedWorld {
  readonly ratings: Ratings;
  readonly rank: number;
  readonly mean: number;
  /** f32[users × rank], row-major */
  readonly userFactors: Float32Array;
  /** f32[items × rank], row-major */
  readonly itemFactors: Float32Array;
  /** f32[users] */
  readonly userBias: Float32Array;
  /** f32[items] */
  readonly itemBias: Float32Array;
  /** f64[items]: how likely an item is drawn before taste, in proportion */
  readonly popularity: Float64Array;
  /** f64[users]: how many cells a user gets, in proportion */
  readonly activity: Float64Array;
  /** The truth: without noise and not put on the scale */
  score(user: number, item: number): number;
}

const known = [
  "users",
  "items",
  "rank",
  "ratings",
  "density",
  "values",
  "noise",
  "mean",
  "biasSpread",
  "signal",
  "popularityExponent",
  "activitySpread",
  "selection",
  "scale",
  "times",
  "seed",
] as const;

/** Beyond this the weight of an item for a user grows no further: e^60 is as good as certain. */
const MAX_EXPONENT = 60;
const SECONDS = 86_400_000;

export function plantedWorld(options: PlantedOptions = {}): PlantedWorld {
  const plan = checked(options);
  const truth = plant(plan);
  const { users, items } = plan;
  const popularity = powerLaw(items, plan.popularityExponent, streamSeed(plan.seed, "popularity"));
  const activitySeed = streamSeed(plan.seed, "activity");
  const activity = Float64Array.from({ length: users }, (_, user) =>
    exponential(plan.activitySpread * normal(activitySeed, user)),
  );
  const { start, index } = chooseCells({
    users,
    items,
    count: plan.count,
    activity,
    popularity,
    weigh: plan.selection === 0 ? undefined : taste(plan, truth.score),
    seed: streamSeed(plan.seed, "cells"),
  });
  const values = new Float32Array(index.length).fill(1);
  if (plan.values === "ratings") {
    const noiseSeed = streamSeed(plan.seed, "noise");
    for (let user = 0; user < users; user++) {
      for (let cell = start[user]; cell < start[user + 1]; cell++) {
        const noise = plan.noise === 0 ? 0 : plan.noise * normal(noiseSeed, cell);
        values[cell] = onScale(truth.score(user, index[cell]) + noise, plan.scale);
      }
    }
  }
  const timeSeed = streamSeed(plan.seed, "times");
  const time = plan.times
    ? Float64Array.from(index, (_, cell) => Math.floor(SECONDS * unit(timeSeed, cell)))
    : undefined;
  const cells = { rows: users, columns: items, start, index, value: CellValues.of(values), time };
  const ratings = worldRatings(cells, plan.values === "ratings");
  return { ratings, rank: plan.rank, mean: plan.mean, ...truth, popularity, activity };
}

function checked(options: PlantedOptions) {
  const who = "plantedWorld";
  knownOptions(who, options, known);
  const users = wholeNumber(who, "users", options.users ?? 200, 1, 1 << 24);
  const items = wholeNumber(who, "items", options.items ?? 100, 1, 1 << 24);
  const values = oneOf(who, "values", options.values ?? "ratings", ["ratings", "clicks"]);
  for (const option of ["noise", "scale"] as const) {
    if (values === "clicks" && options[option] !== undefined)
      throw new OptionError(who, option, options[option], "left out: clicks have no ratings");
  }
  if (options.ratings !== undefined && options.density !== undefined)
    throw new OptionError(who, "density", options.density, "left out when `ratings` is given");
  const density = finiteNumber(who, "density", options.density ?? 0.2, 0, 1);
  const cells = Math.min(users * items, 0xffffffff);
  const wanted = options.ratings ?? Math.max(1, Math.floor(density * users * items + 0.5));
  const count = wholeNumber(who, "ratings", wanted, 1, cells);
  return {
    users,
    items,
    values,
    count,
    rank: wholeNumber(who, "rank", options.rank ?? 4, 1, 1024),
    noise: finiteNumber(who, "noise", options.noise ?? 0, 0),
    mean: finiteNumber(who, "mean", options.mean ?? 0),
    biasSpread: finiteNumber(who, "biasSpread", options.biasSpread ?? 0, 0),
    signal: finiteNumber(who, "signal", options.signal ?? 1, 0),
    popularityExponent: finiteNumber(who, "popularityExponent", options.popularityExponent ?? 0, 0, 10),
    activitySpread: finiteNumber(who, "activitySpread", options.activitySpread ?? 0, 0, 10),
    selection: finiteNumber(who, "selection", options.selection ?? (values === "clicks" ? 2 : 0)),
    scale: options.scale === undefined ? undefined : checkedScale(who, options.scale),
    times: trueOrFalse(who, "times", options.times ?? false),
    seed: wholeNumber(who, "seed", options.seed ?? 0, 0, 0xffffffff),
  };
}

type Plan = ReturnType<typeof checked>;

function checkedScale(who: string, scale: RatingScale): RatingScale {
  knownOptions(`${who} scale`, scale, ["min", "max", "step"]);
  const min = finiteNumber(who, "scale.min", scale.min);
  const max = finiteNumber(who, "scale.max", scale.max, min);
  const step = finiteNumber(who, "scale.step", scale.step);
  if (step > 0) return { min, max, step };
  throw new OptionError(who, "scale.step", step, "above 0");
}

/** Factors are normal numbers, scaled so that dot products have the standard deviation `signal`. */
function plant(plan: Plan) {
  const { users, items, rank, mean } = plan;
  const spread = Math.sqrt(plan.signal) / Math.sqrt(Math.sqrt(rank));
  const table = (purpose: string, length: number, factor: number) => {
    const seed = streamSeed(plan.seed, purpose);
    return Float32Array.from({ length }, (_, i) => factor * normal(seed, i));
  };
  const userFactors = table("user factors", users * rank, spread);
  const itemFactors = table("item factors", items * rank, spread);
  const userBias = table("user bias", users, plan.biasSpread);
  const itemBias = table("item bias", items, plan.biasSpread);
  const score = (user: number, item: number) => {
    let sum = mean + userBias[user] + itemBias[item];
    for (let k = 0; k < rank; k++) sum += userFactors[user * rank + k] * itemFactors[item * rank + k];
    return sum;
  };
  return { userFactors, itemFactors, userBias, itemBias, score };
}

/** Weights 1, 2^-e, 3^-e, … in an order of their own, so that popularity and ids have nothing to do with each other. */
function powerLaw(items: number, exponent: number, seed: number): Float64Array {
  const weights = new Float64Array(items);
  const order = shuffled(seed, items);
  for (let place = 0; place < items; place++) weights[order[place]] = exponential(-exponent * logarithm(place + 1));
  return weights;
}

function taste(plan: Plan, score: PlantedWorld["score"]) {
  return (user: number, weights: Float64Array) => {
    for (let item = 0; item < weights.length; item++) {
      const liking = plan.selection * (score(user, item) - plan.mean);
      weights[item] *= exponential(Math.max(-MAX_EXPONENT, Math.min(MAX_EXPONENT, liking)));
    }
  };
}

function onScale(rating: number, scale: RatingScale | undefined): number {
  if (scale === undefined) return rating;
  const steps = Math.floor((rating - scale.min) / scale.step + 0.5);
  const last = Math.floor((scale.max - scale.min) / scale.step);
  return scale.min + scale.step * Math.max(0, Math.min(last, steps));
}
