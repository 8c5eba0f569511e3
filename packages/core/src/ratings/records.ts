/**
 * What callers hand in: records with named fields, or the same as columns. A transposed matrix cannot be expressed.
 *
 * A rating or time that is null counts as absent, like undefined, in a record, in a column, and for a whole column.
 */

/** What the caller calls a user or an item: a string, or a safe integer. One data set uses one of the two per side. */
export type Id = string | number;

export interface RatingRecord {
  readonly user: Id;
  readonly item: Id;
  /** Absent for clicks, plays, purchases: then every record of the data set must do without. Kept as f32 */
  readonly rating?: number | undefined;
  /** Any finite number that grows with time; seconds since 1970 by habit */
  readonly time?: number | undefined;
}

/** Many records at once, as parallel columns: what readers stream. Typed arrays avoid one object per rating. */
export interface RatingColumns {
  readonly user: readonly Id[] | Float64Array | Int32Array;
  readonly item: readonly Id[] | Float64Array | Int32Array;
  readonly rating?: readonly number[] | Float32Array | Float64Array | undefined;
  readonly time?: readonly number[] | Float64Array | undefined;
}

/**
 * What becomes of several records for one user and item.
 *
 * - `last`: the latest by time, or without times the one handed in last. Default for ratings
 * - `first`: the earliest by time, or without times the one handed in first
 * - `mean`, `sum`: of the ratings; the time is the latest
 * - `error`: the data are refused
 *
 * Records without a rating count as 1, so `sum`, the default for them, gives the number of events.
 */
export const duplicatePolicies = ["last", "first", "mean", "sum", "error"] as const;
export type DuplicatePolicy = (typeof duplicatePolicies)[number];

/** What happened between the caller's records and the Ratings: records = ratings + merged + all dropped. */
export interface DataReport {
  /** Records handed in, dropped ones included */
  readonly records: number;
  /** Cells kept */
  readonly ratings: number;
  /** Users with at least one rating */
  readonly users: number;
  /** Items with at least one rating */
  readonly items: number;
  /** Records that fell into the cell of another record, under the policy `duplicates` */
  readonly merged: number;
  readonly duplicates: DuplicatePolicy;
  /** Records left out, by reason, as the reader or builder reported them */
  readonly dropped: readonly { readonly reason: string; readonly count: number }[];
}
