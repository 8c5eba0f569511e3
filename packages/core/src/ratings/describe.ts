/**
 * Summary facts of a data set, for `inspect` and reports: how dense, which values, how unevenly spread.
 */
import { type CellValues, MAX_CODES } from "./cell-values.ts";
import type { CompressedRows } from "./compressed-rows.ts";
import { asRatings, type Ratings } from "./ratings.ts";

/** Cells per user or per item, over those with at least one. Quantiles by nearest rank. */
export interface Quantiles {
  /** Users or items with at least one cell */
  readonly count: number;
  readonly min: number;
  readonly tenth: number;
  readonly median: number;
  readonly ninetieth: number;
  readonly max: number;
  readonly mean: number;
  /** Those with exactly one cell: nothing can be held out for them */
  readonly withOne: number;
}

export interface RatingsDescription {
  readonly users: number;
  readonly items: number;
  readonly ratings: number;
  /** Cells over users × items, those with at least one cell; 0 to 1 */
  readonly density: number;
  readonly values: {
    readonly mean: number;
    /** Standard deviation, population form */
    readonly deviation: number;
    readonly min: number;
    readonly median: number;
    readonly max: number;
    /** Every value with its count, ascending; undefined when there are more than 20 different ones */
    readonly histogram: readonly { readonly value: number; readonly count: number }[] | undefined;
  };
  readonly perUser: Quantiles;
  readonly perItem: Quantiles;
  /** Share of all cells that fall to the ten most rated items; 0 to 1 */
  readonly topTenItemsShare: number;
  /** First and last time; undefined for ratings without times */
  readonly times: { readonly first: number; readonly last: number } | undefined;
}

const MAX_HISTOGRAM = 20;

/** @throws DataError when there is no cell */
export function describeRatings(ratings: Ratings): RatingsDescription {
  asRatings("describeRatings", "ratings", ratings);
  const mean = ratings.mean;
  const { value } = ratings.byUser;
  const perUser = rowLengths(ratings.byUser);
  const perItem = itemCounts(ratings.byUser);
  return {
    users: perUser.length,
    items: perItem.length,
    ratings: ratings.size,
    density: ratings.size / (perUser.length * perItem.length),
    values: {
      mean,
      deviation: standardDeviation(value, mean),
      min: ratings.min,
      median: median(value),
      max: ratings.max,
      histogram: value.counts(MAX_HISTOGRAM),
    },
    perUser: quantiles(perUser),
    perItem: quantiles(perItem),
    topTenItemsShare: perItem.slice(-10).reduce((sum, count) => sum + count, 0) / ratings.size,
    times: ratings.byUser.time === undefined ? undefined : firstAndLast(ratings.byUser.time),
  };
}

/** Population form, summed in f64 (`CellValues.sum`). */
export function standardDeviation(values: CellValues, mean: number): number {
  return Math.sqrt(values.sum((value) => (value - mean) ** 2) / values.length);
}

/** The smallest value that is not below half of all values. */
export function median(values: CellValues): number {
  const counts = values.stored instanceof Float32Array ? undefined : values.counts(MAX_CODES);
  if (counts === undefined) return quantile(values.toFloats().sort(), 0.5);
  let upTo = 0;
  const half = counts.find(({ count }) => {
    upTo += count;
    return upTo >= values.length / 2;
  });
  return half!.value;
}

/** Lengths of the rows that have cells, ascending. */
function rowLengths(cells: CompressedRows): Uint32Array {
  const lengths = new Uint32Array(cells.rows);
  for (let row = 0; row < cells.rows; row++) lengths[row] = cells.start[row + 1] - cells.start[row];
  return withoutZeros(lengths);
}

function itemCounts(cells: CompressedRows): Uint32Array {
  const counts = new Uint32Array(cells.columns);
  for (let cell = 0; cell < cells.index.length; cell++) counts[cells.index[cell]]++;
  return withoutZeros(counts);
}

function withoutZeros(counts: Uint32Array): Uint32Array {
  return counts.filter((count) => count > 0).sort();
}

function quantiles(counts: Uint32Array): Quantiles {
  return {
    count: counts.length,
    min: counts[0],
    tenth: quantile(counts, 0.1),
    median: quantile(counts, 0.5),
    ninetieth: quantile(counts, 0.9),
    max: counts[counts.length - 1],
    mean: counts.reduce((sum, count) => sum + count, 0) / counts.length,
    withOne: counts.reduce((sum, count) => (count === 1 ? sum + 1 : sum), 0),
  };
}

/** The smallest entry that is not below a share `q` of all entries. */
function quantile(sorted: Uint32Array | Float32Array, q: number): number {
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
}

function firstAndLast(time: Float64Array): { first: number; last: number } {
  let first = time[0];
  let last = time[0];
  for (let i = 1; i < time.length; i++) {
    if (time[i] < first) first = time[i];
    if (time[i] > last) last = time[i];
  }
  return { first, last };
}
