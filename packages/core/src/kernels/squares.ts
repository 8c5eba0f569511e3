/**
 * What a sparse matrix A says of all pairs of its rows: every product, as a square matrix, and that matrix's inverse; or the
 * nearest rows of each row. Part of the contract of every backend (kernels.ts).
 */
import type { SparseRows, UnstableRow } from "./kernels.ts";
import { paddedRank } from "./products.ts";

/** A by rows and by columns: the same entries twice. All values are finite and at least 0. */
export interface RowPairs {
  readonly rows: SparseRows;
  /** f32[entries] of `rows` */
  readonly rowValue: Float32Array;
  /** Row c holds the rows of A that have an entry in column c */
  readonly columns: SparseRows;
  /** f32[entries] of `columns` */
  readonly columnValue: Float32Array;
}

/**
 * The rows s nearest to each row r of a range, by the product of the two:
 *
 *   similarity(r, s) = a_r · a_s / (norm_r · otherNorm_s + shrinkage)        s ≠ r, above 0
 *
 * or a_r · a_s itself without norms. Of equal ones the smaller row counts as nearer.
 */
export interface NearestRows extends RowPairs {
  /** f32[rows], above 0 for each row with a value above 0; undefined for none */
  readonly norm: Float32Array | undefined;
  /** The same for what a row is compared with; undefined exactly when `norm` is. May be the same array */
  readonly otherNorm: Float32Array | undefined;
  /** ≥ 0; without norms it has no effect */
  readonly shrinkage: number;
  /** Rows first .. last - 1 are answered */
  readonly first: number;
  readonly last: number;
  /** Most of a row's neighbours, from 1 */
  readonly count: number;
  /** Out: the neighbours of row first + q at q · count, nearest first, found[q] of them; the rest is unspecified */
  readonly index: Uint32Array;
  /** Out: f32, parallel to `index` */
  readonly similarity: Float32Array;
  /** Out: u32[last − first] */
  readonly found: Uint32Array;
}

/** out = A · Aᵀ + diagonal · I, some of its rows. */
export interface SquareOfRows extends RowPairs {
  readonly diagonal: number;
  /** Rows first .. last - 1 are written, and the padding with the last one: calls over all of them make the square */
  readonly first: number;
  readonly last: number;
  /** Out: f64[stride × stride] with stride = squareStride(rows): both triangles; padding that of a unit matrix */
  readonly out: Float64Array;
}

/** matrix ← its inverse. */
export interface InverseProblem {
  /** As `squareOfRows` writes it, symmetric positive definite: the lower triangle is read, all is written */
  readonly matrix: Float64Array;
  /** Rows without padding */
  readonly size: number;
  /** Scratch: f64[inverseScratch(size)] or more */
  readonly scratch: Float64Array;
  /** Blocks first .. last - 1 of inverseBlocks(size) are done: all calls together, in order, make the inverse */
  readonly first: number;
  readonly last: number;
}

export interface SquareRoutines {
  /**
   * Needs a `perThread` slot of nearestScratch(rows) numbers in the layout.
   * Error of a product: (n + 2) · 2⁻²⁴ of it for rows with n entries.
   */
  nearestRows(problem: NearestRows): Promise<void>;

  /** Error of an entry: n · 2⁻⁵² of it. */
  squareOfRows(problem: SquareOfRows): Promise<void>;

  /**
   * By block Gauss–Jordan steps without pivoting, which a positive definite matrix does not need. Returns where it broke
   * (`row` and `pivot` the column), or undefined.
   * Error: |matrix · inverse − I| ≤ size · 2⁻⁴⁶ · condition per entry, in practice far below.
   */
  invert(problem: InverseProblem): Promise<UnstableRow | undefined>;
}

/** Columns of a block of the inverse. The definition is assembly/inverse.ts. */
export const INVERSE_BLOCK = 64;

/** f64 numbers from one row of a square matrix to the next. */
export const squareStride = paddedRank;

export const nearestScratch = (rows: number): number => 2 * rows;

export function inverseBlocks(size: number): number {
  return Math.ceil(squareStride(size) / INVERSE_BLOCK);
}

/** A block, and two panels of its height. */
export function inverseScratch(size: number): number {
  return INVERSE_BLOCK * (INVERSE_BLOCK + 2 * squareStride(size));
}

/** Multiply-adds of an inverse. */
export function inverseCost(size: number): number {
  return squareStride(size) ** 3 / 2;
}
