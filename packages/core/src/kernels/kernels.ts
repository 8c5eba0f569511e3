/**
 * The contract of every backend: typed arrays in, typed arrays out. Knows no users, no items, no methods.
 *
 * A *workspace* is one block of memory with named arrays in it, declared before it is opened (so its size is known before
 * a byte is taken), and the routines that act on those arrays. One routine call is one half-sweep, one batch of
 * queries or one batch of pairs; never one dot product. Every call is asynchronous and may use all threads of the backend;
 * the result never depends on how many there are. `wasm` does not block the host's thread for long: workers compute, or
 * the host has its turn between slices. `reference` does its whole call on the host's thread without a pause, which for
 * large problems is seconds to minutes.
 *
 * `reference/` is the definition of each routine: plain, in double precision, never tuned. `wasm/` is compared with it by
 * `kernels.case.ts` within the error bounds stated there. Symbols: k = rank; rows are tightly counted from 0.
 */

import type { BlockRoutines } from "./blocks.ts";
import type { CodesProblem } from "./codes.ts";
import type { DescentRoutines } from "./descent.ts";
import type { EntryNumbers, PackedRows } from "./entries.ts";
import type { NetRoutines } from "./net.ts";
import type { NonNegativeRoutines } from "./nonnegative.ts";
import type { ProductRoutines } from "./products.ts";
import type { SampledRoutines } from "./sampled.ts";
import type { SquareRoutines } from "./squares.ts";

/** Rows of a table start at multiples of this many floats (64 bytes, one unrolled step of the kernels). */
const ROW_ALIGNMENT = 16;

/** Floats from one row of a rank-k table to the next: the rank rounded up to a multiple of 16 (64 bytes). */
export function rowStride(rank: number): number {
  return Math.ceil(rank / ROW_ALIGNMENT) * ROW_ALIGNMENT;
}

/** A row-major f32 table. Columns from `rank` to `stride - 1` are padding: zero on entry, zero on return. */
export interface Table {
  readonly data: Float32Array;
  readonly rows: number;
  readonly rank: number;
  readonly stride: number;
}

/** Numbers in the backend's own precision: f64 in `reference`, f32 in `wasm`. */
export type Reals = Float32Array | Float64Array;

/** A table whose numbers are the backend's own: what gradient descent moves. Padding as in `Table`. */
export interface RealTable {
  readonly data: Reals;
  readonly rows: number;
  readonly rank: number;
  readonly stride: number;
}

/** What a workspace holds, by name. Arrays are zero when the workspace opens. */
export type Slot =
  | { readonly kind: "table" | "realTable"; readonly rows: number; readonly rank: number }
  | {
      readonly kind: "f32" | "u32" | "u16" | "f64" | "u8" | "real";
      readonly length: number;
      /** Only read as entries of rows: the backend may have it outside of its one memory when that is too small for all */
      readonly inPieces?: true;
    }
  /** Numbers that each thread has for itself while it works; the caller sees none of them */
  | { readonly kind: "perThread"; readonly length: number }
  /** Room for so many unpacked entries for each thread, at least those of the longest row (entries.ts) */
  | { readonly kind: "pieces"; readonly length: number };

export type Layout = Readonly<Record<string, Slot>>;

export const slot = {
  table: (rows: number, rank: number) => ({ kind: "table", rows, rank }) as const,
  realTable: (rows: number, rank: number) => ({ kind: "realTable", rows, rank }) as const,
  real: (length: number) => ({ kind: "real", length }) as const,
  f32: (length: number) => ({ kind: "f32", length }) as const,
  u32: (length: number) => ({ kind: "u32", length }) as const,
  u16: (length: number) => ({ kind: "u16", length }) as const,
  f64: (length: number) => ({ kind: "f64", length }) as const,
  u8: (length: number) => ({ kind: "u8", length }) as const,
  perThread: (length: number) => ({ kind: "perThread", length }) as const,
  pieces: (length: number) => ({ kind: "pieces", length }) as const,
  inPieces: <S extends Slot>(of: S) => ({ ...of, inPieces: true }) as const,
};

interface SlotArrays {
  table: Table;
  realTable: RealTable;
  real: Reals;
  f32: Float32Array;
  u32: Uint32Array;
  u16: Uint16Array;
  f64: Float64Array;
  u8: Uint8Array;
  perThread: undefined;
  pieces: undefined;
}

export type Arrays<L extends Layout> = { readonly [Name in keyof L]: SlotArrays[L[Name]["kind"]] };

/** Compressed sparse rows: row r holds entries start[r] .. start[r + 1] - 1, `index` ascending within a row. */
export interface SparseRows {
  /** u32[rows + 1], ascending, start[0] = 0 */
  readonly start: Uint32Array;
  /** u32[entries], each below the number of rows of the fixed table */
  readonly index: Uint32Array;
}

/**
 * Squared error over observed entries, one row x (and its bias b) at a time, the other side fixed:
 *
 *   minimise over (x, b)  Σ_j (value_j − offset − fixedBias_j − b − x·y_j)² + regularization_r |x|² + biasRegularization_r b²
 *
 * x and b are solved jointly. Without `outBias` there is no b. A row without entries becomes x = 0, b = 0.
 * Source: Zhou et al., AAIM 2008 (ALS-WR), with the bias as a bordered column.
 */
export interface ExplicitRows {
  readonly kind: "explicit";
  readonly out: Table;
  /** f32[out.rows], or undefined for a model without this side's bias */
  readonly outBias: Float32Array | undefined;
  readonly fixed: Table;
  /** f32[fixed.rows], or undefined for zeros */
  readonly fixedBias: Float32Array | undefined;
  readonly entries: PackedRows;
  readonly value: EntryNumbers;
  readonly offset: number;
  /** f32[out.rows], each ≥ 0 */
  readonly regularization: Float32Array;
  /** f32[out.rows], each ≥ 0; undefined exactly when `outBias` is */
  readonly biasRegularization: Float32Array | undefined;
}

/**
 * Weighted preference over all cells, one row x at a time, the other side fixed:
 *
 *   minimise over x  Σ_observed c_j (1 − x·y_j)² + w · [Σ over every cell, or every unobserved cell] (x·y_i)² + regularization_r |x|²
 *
 * as normal equations: (w·G + Σ_j (c_j − overlap) y_j y_jᵀ + regularization_r I) x = Σ_j c_j y_j, with G = Σ_i y_i y_iᵀ.
 * `overlap` is 0 when observed cells are also in the unobserved term (Rendle et al., RecSys 2022) and w when they are not
 * (Hu, Koren & Volinsky, ICDM 2008). A row without entries becomes 0.
 */
export interface ImplicitRows {
  readonly kind: "implicit";
  readonly out: Table;
  readonly fixed: Table;
  readonly entries: PackedRows;
  /** c, each ≥ overlap */
  readonly confidence: EntryNumbers;
  /** G, as `gram` writes it: f32[stride × stride] of `fixed` */
  readonly gram: Float32Array;
  /** w ≥ 0 */
  readonly unobservedWeight: number;
  readonly overlap: number;
  /** f32[out.rows], each ≥ 0 */
  readonly regularization: Float32Array;
  /** Scratch, overwritten: as many rows as `fixed`, same rank. Needed by conjugate gradient only. */
  readonly scratch: Table | undefined;
}

export type RowProblem = ExplicitRows | ImplicitRows;

/**
 * How one half-sweep solves its rows. `cholesky` is exact. `cg` takes `steps` conjugate gradient steps per row from the
 * value that `out` (and `outBias`) holds on entry, fewer when the squared residual has fallen by 2⁻⁴⁴; implicit rows are
 * first whitened by the factor of w·G + min(regularization)·I, the minimum over rows with entries, which makes the part
 * common to all rows perfectly conditioned.
 *
 * `subspace` (iALS++) takes a row's columns in blocks of `blockSize`, a multiple of 16, first to last, and solves each block
 * exactly, an explicit row's bias with each, while the other columns stand; once around from the value that `out` (and `outBias`)
 * holds on entry. One block is the exact solution. An explicit row with regularization above 0 and at most min(blockSize, k) − 4
 * entries is solved whole, which is cheaper; a backend may take the blocks where the system of the entries is badly conditioned.
 * Needs a `perThread` slot of subspaceScratch(…) numbers in the layout.
 * Source: Rendle, Krichene, Zhang & Koren, "iALS++: Speeding up Matrix Factorization with Subspace Optimization", 2021.
 */
export type RowSolver =
  | { readonly kind: "cholesky" }
  | { readonly kind: "cg"; readonly steps: number }
  | { readonly kind: "subspace"; readonly blockSize: number };

/**
 * A row whose system is not positive definite: `pivot` is the column where the factorization broke (the rank stands for
 * the bias), `value` what it met there. A pivot counts as positive when it is above rounding noise, 2⁻²¹ of its diagonal
 * entry in f32 and 2⁻⁵⁰ in f64. With `subspace` it is the first block that broke. With `cg`, `pivot` is the step, from 0, and `value` the curvature it met; when the whitening
 * fails no row can be solved, and the first row with entries is named with the pivot of the whitening.
 */
export interface UnstableRow {
  readonly row: number;
  readonly pivot: number;
  readonly value: number;
}

/**
 * The best items for each query row, without the excluded ones. Ties go to the smaller item row. A score that is not a
 * number or −∞ is never listed. A list does not depend on which other queries were asked with it.
 */
export interface TopNProblem {
  /** Rows of `queries` to answer: u32[count] */
  readonly query: Uint32Array;
  readonly queries: Table;
  readonly items: Table;
  /** f32[items.rows] added to each score, or undefined for zeros */
  readonly itemBias: Float32Array | undefined;
  /** What `encode` made of these items and this bias, as they are now */
  readonly codes: Uint8Array;
  /** Per entry of `query`, items never to be listed (its seen items): rows are parallel to `query`. */
  readonly excluded: SparseRows | undefined;
  /** u8[items.rows], 0 = never listed for any query; undefined allows all */
  readonly allowed: Uint8Array | undefined;
  /** 1 ≤ n ≤ items.rows */
  readonly n: number;
  /** Out: item rows, best first: u32[count × n]; entries beyond `listed` are unspecified */
  readonly item: Uint32Array;
  /** Out: dot product plus bias: f32[count × n] */
  readonly score: Float32Array;
  /** Out: how many were found, ≤ n: u32[count] */
  readonly listed: Uint32Array;
}

/** Dot products of pairs of rows: out_p = left[leftRow_p] · right[rightRow_p]. */
export interface PairProblem {
  readonly left: Table;
  readonly right: Table;
  /** u32[pairs] */
  readonly leftRow: Uint32Array;
  /** u32[pairs] */
  readonly rightRow: Uint32Array;
  /** f32[pairs] */
  readonly out: Float32Array;
}

export interface Routines extends DescentRoutines {
  /**
   * Gram matrix of a table: out = tableᵀ · table.
   *
   * @param out f32[stride × stride], row-major, both triangles and the padding written
   * Error: |out − exact| ≤ (rows + 16) · 2⁻²⁴ · Σ|a·b| per entry.
   */
  gram(table: Table, out: Float32Array): Promise<void>;

  /**
   * Solves every row of `problem.out`. Returns the first row (lowest index) without a stable solution, or undefined;
   * such a row keeps the value it had, all others are solved.
   * A backend may solve an explicit row with fewer entries than the rank by the system of its entries, which λ > 0 makes as
   * exact and which is often stable where the normal equations are not.
   * Error of `cholesky`, and of the last block of `subspace`: the residual of the normal equations is at most k · 2⁻²⁰ of
   * |A|·|x| + |rhs| (max norm), for rows of any length: sums over more than 4,096 entries are kept in f64.
   */
  solveRows(problem: RowProblem, solver: RowSolver): Promise<UnstableRow | undefined>;

  /**
   * The row's share of the objective without its penalty, at the present `out` (and `outBias`), into out[r]:
   * explicit Σ_j (error_j)²; implicit Σ_j [c_j (1 − s_j)² − overlap · s_j²] + w · xᵀ G x with s_j = x·y_j.
   *
   * @param out f64[problem.out.rows]
   * Error: 2⁻¹⁸ of the sum of the terms' sizes (scores are f32, sums f64).
   */
  rowLoss(problem: RowProblem, out: Float64Array): Promise<void>;

  /**
   * The squared length of each row's gradient, penalty included, at the present `out` (and `outBias`), into out[r]: how
   * far the row is from the best one, 0 there. The objective is that of the problem, so its halves and means are.
   *
   * @param out f64[problem.out.rows]
   * Error of the length: (n + k + 16) · 2⁻²³ of the length of the sum of its terms' sizes, n the row's entries.
   */
  rowGradients(problem: RowProblem, out: Float64Array): Promise<void>;

  /**
   * Makes the codes that `topN` needs: a short form of the items, in whatever way helps the backend. Lists do not depend on it. To be made
   * anew when the items or their bias have changed.
   */
  encode(problem: CodesProblem): Promise<void>;

  /** Error of a score: (k + 16) · 2⁻²⁴ · (Σ|x·y| + |bias|). */
  topN(problem: TopNProblem): Promise<void>;

  /** Error: (k + 16) · 2⁻²⁴ · Σ|x·y|. */
  pairs(problem: PairProblem): Promise<void>;
}

/**
 * Memory and what may be done with it. All arrays passed to a routine must be this workspace's own (or views of them).
 * Calls may overlap: those on one workspace are done one after the other. A call rejects with LowrankError `shape` for
 * lengths that do not fit, `kernel` when a worker died or a kernel trapped, `closed` after `close`.
 */
export interface Workspace<L extends Layout>
  extends Routines,
    ProductRoutines,
    SquareRoutines,
    NonNegativeRoutines,
    NetRoutines,
    BlockRoutines,
    SampledRoutines {
  readonly at: Arrays<L>;
  /** Gives the memory back. The arrays must not be used afterwards. Closing twice is allowed. */
  close(): void;
}

export interface Kernels {
  readonly backend: "reference" | "wasm";
  /** Which arithmetic: `f64` (reference), `strict` (same bits on every machine) or `relaxed` (fused multiply-add) */
  readonly build: "f64" | "strict" | "relaxed";
  readonly threads: number;
  /** Why this backend, build and thread count, as a sentence for reports. */
  readonly reason: string;
  /** Bytes of the largest memory that this backend can address, whatever the host has */
  readonly mostBytes: number;
  /** Bytes that `open` would take, scratch included, without taking them. */
  bytesFor(layout: Layout): number;
  /** Those of them that the one memory must hold. The others are arrays in pieces, outside of it when all would be more than `mostBytes` */
  addressedBytes(layout: Layout): number;
  /** @throws LowrankError `memory` when the host cannot give that much */
  open<L extends Layout>(layout: L): Workspace<L>;
}

/**
 * A table's rows without padding: f32[rows × rank], a copy.
 *
 * @param place u32[rows]: where each row stands in the table; undefined: in order
 */
export function unpadded(table: Table | RealTable, place?: Uint32Array): Float32Array {
  const { rows, rank, stride, data } = table;
  const out = new Float32Array(rows * rank);
  for (let r = 0; r < rows; r++) {
    const at = (place === undefined ? r : place[r]) * stride;
    out.set(data.subarray(at, at + rank), r * rank);
  }
  return out;
}

/** Writes rows without padding, [rows × rank], into a table. @param place as for `unpadded` */
export function fillTable(table: Table | RealTable, values: Reals, place?: Uint32Array): void {
  const { rows, rank, stride, data } = table;
  for (let r = 0; r < rows; r++) {
    data.set(values.subarray(r * rank, (r + 1) * rank), (place === undefined ? r : place[r]) * stride);
  }
}
