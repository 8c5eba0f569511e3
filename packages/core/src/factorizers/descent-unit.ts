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
import { type Ratings, standardDeviation } from "../ratings/index.ts";

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
  auto: "the standard deviation of the ratings, or 1 where learningRate is given",
  min: 1e-12,
  max: 1e12,
  about: "what ratings are divided by while they are fitted; learningRate, initScale and clipNorm are in this unit",
} as const;

/** @param hasRate a learning rate is given, which is one for the ratings as they are */
export function unitFor(unit: number | "auto", hasRate: boolean, { byUser, mean }: Ratings): number {
  if (unit !== "auto") return unit;
  if (hasRate) return 1;
  // Equal ratings: what they are all like is their size.
  return standardDeviation(byUser.value, mean) || Math.abs(mean) || 1;
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
