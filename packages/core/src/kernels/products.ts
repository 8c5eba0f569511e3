/**
 * Products of tall tables with sparse rows, with each other and with small matrices: what a singular value decomposition
 * of a large sparse matrix is made of. Part of the contract of every backend (kernels.ts).
 *
 * A `Table` here may be a view of the first columns of a wider one ({ ...wide, rank: fewer }) when its rank is a multiple
 * of 16: routines read and write its own columns only, up to the next multiple of 16.
 */
import type { SparseRows, Table } from "./kernels.ts";

/** out_r = Σ_e value_e · right[index_e] over the entries e of row r: a sparse matrix times a tall table. */
export interface SparseProduct {
  readonly entries: SparseRows;
  /** f32[entries] */
  readonly value: Float32Array;
  readonly right: Table;
  /** As many rows as `entries`, rank as `right`; must not overlap it */
  readonly out: Table;
}

/** out = leftᵀ · right: the inner products of the columns of two tables with as many rows. They may be one and the same. */
export interface InnerProducts {
  readonly left: Table;
  readonly right: Table;
  /** f64[left.rank × right.rank], row-major, written without padding */
  readonly out: Float64Array;
  /** Scratch: f64[innerProductScratch(left, right)] or more */
  readonly scratch: Float64Array;
}

/** out = left · matrix, or out + left · matrix: new columns from the columns of a tall table. */
export interface TallProduct {
  /** [rows × p] */
  readonly left: Table;
  /** [p × q], padding zero */
  readonly matrix: Table;
  /** [rows × q]; must not overlap `left` */
  readonly out: Table;
  /** True adds to what `out` holds, false replaces it */
  readonly add: boolean;
}

export interface ProductRoutines {
  /** Error of an entry: (min(n, 256) + n/256 + 1) · 2⁻²⁴ · Σ|value · right| for a row with n entries. */
  sparseProduct(problem: SparseProduct): Promise<void>;

  /** Error of an entry: 66 · 2⁻²⁴ · Σ|left · right|, whatever the number of rows: f32 sums over 64 rows at most, then f64. */
  innerProducts(problem: InnerProducts): Promise<void>;

  /** Error of an entry: (p + 2) · 2⁻²⁴ · (Σ|left · matrix| + |out|). */
  tallProduct(problem: TallProduct): Promise<void>;
}

/** Inner products are summed in this many parts at most, which depend on the rows alone, never on the threads. */
const MOST_PARTS = 32;
const PART_ROWS = 512;

/** Parts in which the inner products of so many rows are summed. */
export function innerProductParts(rows: number): number {
  return Math.max(1, Math.min(MOST_PARTS, Math.ceil(rows / PART_ROWS)));
}

/** A rank rounded up to whole vectors of the kernels. */
export function paddedRank(rank: number): number {
  return Math.ceil(rank / 16) * 16;
}

/** f64 numbers of scratch that `innerProducts` needs for two tables. */
export function innerProductScratch(left: Pick<Table, "rows" | "rank">, right: Pick<Table, "rank">): number {
  return innerProductParts(left.rows) * paddedRank(left.rank) * paddedRank(right.rank);
}
