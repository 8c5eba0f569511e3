/**
 * From a history to the numbers that the kernels want: penalties and centres per row, confidences per cell.
 *
 * Training and everything that solves a row afterwards (fold-in, explain) call these and nothing else, so that both
 * solve the very same rows. See RowObjective for the formulas, kernels.ts for the objectives they enter.
 */
import type { CellValues } from "../ratings/index.ts";
import { DataError, logOnePlus, power } from "../support/index.ts";
import {
  type FactorModel,
  type HistoryObjective,
  isBiased,
  type RowObjective,
  type SolvedObjective,
} from "./factor-model.ts";

/**
 * The penalty of each row: regularization · n^e for explicit, regularization · (n + unobservedWeight · others)^e for
 * implicit, with n the number of entries of the row.
 *
 * @param start u32[rows + 1], as in SparseRows
 * @param otherSideCount rows of the other side: items when users are solved
 * @param out f32[rows]
 */
export function regularizations(
  objective: SolvedObjective,
  start: Uint32Array,
  otherSideCount: number,
  out: Float32Array,
): void {
  const { regularization, regularizationExponent } = objective;
  const unseen = objective.kind === "implicit" ? objective.unobservedWeight * otherSideCount : 0;
  for (let row = 0; row < out.length; row++) {
    out[row] = regularization * power(start[row + 1] - start[row] + unseen, regularizationExponent);
  }
}

/**
 * The penalty of each row's bias: biasRegularization · n^biasRegularizationExponent.
 *
 * @param out f32[rows]; left alone for an objective without biases
 */
export function biasRegularizations(objective: RowObjective, start: Uint32Array, out: Float32Array): void {
  if (objective.kind !== "explicit" || objective.biasRegularization === undefined) return;
  const { biasRegularization, biasRegularizationExponent } = objective;
  for (let row = 0; row < out.length; row++) {
    out[row] = biasRegularization * power(start[row + 1] - start[row], biasRegularizationExponent);
  }
}

/** Whether rows of this side have a fitted bias beside their factors. */
export function hasBias(objective: RowObjective, side: "user" | "item"): boolean {
  return objective.kind === "explicit" && isBiased(objective.biases, side);
}

/** Whether each row of this side has a centre of its own: the mean of its ratings. */
export function isCenter(objective: RowObjective, side: "user" | "item"): boolean {
  return objective.kind === "explicit" && objective.center === side;
}

/**
 * What the mean of each row's values differs from the mean of all: the centre that `center` "user" or "item" takes away,
 * beside the mean. 0 for a row without entries. Sums in double precision, in the order of the entries.
 *
 * @param start u32[rows + 1], as in SparseRows
 * @param value the entries' values
 * @param mean of all values
 * @param out [rows]
 */
export function rowCenters(
  start: Uint32Array,
  value: CellValues,
  mean: number,
  out: Float32Array | Float64Array,
): void {
  let longest = 0;
  for (let row = 0; row < out.length; row++) longest = Math.max(longest, start[row + 1] - start[row]);
  const own = new Float32Array(longest);
  for (let row = 0; row < out.length; row++) {
    const count = start[row + 1] - start[row];
    value.writeTo(own, start[row], start[row + 1]);
    let sum = 0;
    for (let entry = 0; entry < count; entry++) sum += own[entry];
    out[row] = count === 0 ? 0 : sum / count - mean;
  }
}

/**
 * Each entry's value without its row's centre; the mean of all is still in it.
 *
 * @param center as `rowCenters` gives it; undefined subtracts nothing
 * @param out [entries]
 */
export function withoutCenters(
  start: Uint32Array,
  value: CellValues,
  center: Float32Array | Float64Array | undefined,
  out: Float32Array | Float64Array,
): void {
  value.writeTo(out);
  if (center === undefined) return;
  for (let row = 0; row < center.length; row++) {
    for (let entry = start[row]; entry < start[row + 1]; entry++) out[entry] -= center[row];
  }
}

/**
 * The row that a history makes, in double precision, in the order of the entries.
 *
 * @param index of items, at least one
 * @param out f64[rank]
 * @returns what the sum of the items' rows was multiplied by
 */
export function rowOfHistory(
  { historyWeight, normalized }: HistoryObjective,
  { rank, itemFactors }: Pick<FactorModel, "rank" | "itemFactors">,
  index: Uint32Array,
  out: Float64Array,
): number {
  out.fill(0);
  for (const item of index) {
    for (let k = 0; k < rank; k++) out[k] += itemFactors[item * rank + k];
  }
  if (normalized) return toLength1(out);
  const scale = historyShare(historyWeight, index.length);
  for (let k = 0; k < rank; k++) out[k] *= scale;
  return scale;
}

/** What each item's row is multiplied by in the row of a user who chose this many. */
export function historyShare(historyWeight: number, count: number): number {
  return count === 0 ? 0 : historyWeight / Math.sqrt(count);
}

/** Divides a row by its length, if it has one. Returns what it was multiplied by: 0 for a row of zeros. */
export function toLength1(row: Float64Array): number {
  let squares = 0;
  for (let k = 0; k < row.length; k++) squares += row[k] * row[k];
  const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
  for (let k = 0; k < row.length; k++) row[k] *= scale;
  return scale;
}

/** What observed cells are aimed at: the solved row is linear in it, so the row for 1 times this. */
export function targetOf(objective: RowObjective): number {
  return objective.kind === "implicit" ? (objective.target ?? 1) : 1;
}

/**
 * What values are divided by while rows are solved for them, and factors by its root: the power of 4 near their spread, so that both are exact. Values
 * with a spread from 0.5 to 2 stay as they are; of those that are far larger or smaller no square overflows or vanishes in 32 bits.
 *
 * @param spread finite, ≥ 0; 0 gives 1
 */
export function exactUnit(spread: number): number {
  let unit = 1;
  if (!(spread > 0)) return unit;
  while (spread > 2 * unit) unit *= 4;
  while (spread < unit / 2) unit /= 4;
  return unit;
}

/**
 * The same objective for values divided by `unit`, factors by its root and biases by `unit`: the cost is divided by unit². Penalties of biases stay.
 *
 * @param unit 1 for implicit objectives
 */
export function inUnit<T extends SolvedObjective>(objective: T, unit: number): T {
  return unit === 1 ? objective : { ...objective, regularization: objective.regularization / unit };
}

/** What ImplicitRows calls `overlap`: the weight that an observed cell already has from the unobserved term. */
export function overlapOf(objective: RowObjective & { readonly kind: "implicit" }): number {
  return objective.observedInUnobserved ? 0 : objective.unobservedWeight;
}

/**
 * The confidence c of each observed cell, from its value.
 *
 * @param value of the entries: ratings, or counts of events
 * @param out f32[entries]
 * @throws DataError when a value yields a confidence below the overlap (a negative one without it), which no row can be
 *   solved with; facts: `entry`, `value`, `confidence`, `least`
 */
export function confidences(
  objective: RowObjective & { readonly kind: "implicit" },
  value: CellValues,
  out: Float32Array,
): void {
  const least = Math.fround(overlapOf(objective));
  for (let entry = 0; entry < out.length; entry++) {
    const given = value.at(entry);
    const confidence = confidenceOf(objective, given);
    out[entry] = confidence;
    if (!(out[entry] >= least && out[entry] < Number.POSITIVE_INFINITY)) refuse(entry, given, confidence, least);
  }
}

function confidenceOf(objective: RowObjective & { readonly kind: "implicit" }, value: number): number {
  switch (objective.confidence) {
    case "constant":
      return 1;
    case "proportional":
      return objective.confidenceScale * value;
    case "linear":
      return 1 + objective.confidenceScale * value;
    case "log":
      return value > -1 ? 1 + objective.confidenceScale * logOnePlus(value) : Number.NaN;
    default:
      return objective.confidence satisfies never;
  }
}

function refuse(entry: number, value: number, confidence: number, least: number): never {
  throw new DataError(
    `ratings: value ${value} gives the confidence ${confidence}, which must be a finite number of at least ${least}; ` +
      `use counts or ratings of 0 and more, or confidence "constant"`,
    { entry, value, confidence, least },
  );
}
