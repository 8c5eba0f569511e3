/**
 * The unit that descents measure ratings in: a learning rate suits ratings of one size only, and this makes all ratings
 * that size. Ratings are divided by the unit s on their way into kernel memory; tables and figures come out in the ratings' own:
 *
 *   rating = s · rating'     factor = √s · factor'     bias = s · bias'     cost = s² · cost'  (s · cost' for the norm)
 *
 * so x · y + b is s times x' · y' + b', and with penalties λ' and λ_b' as below cost' is the same cost in another unit. With s = 1
 * not a bit changes.
 */
import type { Objective, Reals } from "../kernels/index.ts";
import type { Center } from "../model/index.ts";
import { type Ratings, standardDeviation } from "../ratings/index.ts";
import { MAX_PENALTY } from "./common-options.ts";

/** What a number in kernel memory is multiplied by, to be one of the ratings' own. */
export interface Unit {
  readonly rating: number;
  readonly factor: number;
  readonly cost: number;
  /** Penalties of the cost in kernel memory */
  readonly regularization: number;
  readonly biasRegularization: number;
}

export const unitOption = {
  type: "number",
  default: "auto",
  auto: "the standard deviation of the ratings, with center none at least 1/5 of their root mean square; or 1 where learningRate is given",
  min: 1e-30,
  max: MAX_PENALTY,
  about: "what ratings are divided by while they are fitted; learningRate and initScale are in this unit",
} as const;

/**
 * Root mean square of ratings without a centre, in units, at most. From 100 units on, sgd diverges and adam takes all its steps to get there;
 * with 1, sgd takes too small steps for what tells the ratings apart. MovieLens is 3.3 deviations away. docs/gradient.md has figures.
 */
const MOST_UNITS = 5;

/** What of the unit the options alone decide: a learning rate that is given is one for the ratings as they are. */
export function unitBeside(learningRate: number | "auto", unit: number | "auto"): number | "auto" {
  return unit === "auto" && learningRate !== "auto" ? 1 : unit;
}

/** Errors of 1 % of the ratings' spread: whether they go up or down below that means nothing. */
const SMALL_ERROR = 0.01;

/** Standard deviation of the ratings. Where they are equal, what they are all like is their size; 1 of zeros. */
export function spreadOf({ byUser, mean }: Ratings): number {
  return standardDeviation(byUser.value, mean) || Math.abs(mean) || 1;
}

/** The error below which a training has nothing more to learn. */
export function smallError(ratings: Ratings): number {
  return SMALL_ERROR * spreadOf(ratings);
}

/** The unit as a number. Without a centre scores have to get from 0 to the ratings, which are not to be too many units away. */
export function unitFor(unit: number | "auto", center: Center, ratings: Ratings): number {
  if (unit !== "auto") return unit;
  const spread = spreadOf(ratings);
  return center === "none" ? Math.max(spread, standardDeviation(ratings.byUser.value, 0) / MOST_UNITS) : spread;
}

/**
 * A learning rate as a remedy names it: by itself it would be one for unit 1.
 *
 * @param options with the numbers that came of `auto`
 * @returns such as `; give it with unit: 102.1`, or nothing where the unit is 1, not known or not an option
 */
export function withUnit({ unit }: Readonly<Record<string, unknown>>): string {
  return typeof unit === "number" && unit !== 1 ? `; give it with unit: ${Number(unit.toPrecision(4))}` : "";
}

/** @param penalties of the cost in the ratings' own unit */
export function unitOf(
  unit: number,
  objective: Objective,
  penalties: { readonly regularization: number; readonly biasRegularization: number },
): Unit {
  const cost = objective === "norm" ? unit : unit * unit;
  return {
    rating: unit,
    factor: Math.sqrt(unit),
    cost,
    regularization: (penalties.regularization * unit) / cost,
    biasRegularization: (penalties.biasRegularization * unit * unit) / cost,
  };
}

/** In place. */
export function multiply<T extends Reals>(values: T, by: number): T {
  if (by !== 1) for (let i = 0; i < values.length; i++) values[i] *= by;
  return values;
}
