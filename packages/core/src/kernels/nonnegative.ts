/**
 * Rows of non-negative factors, one step towards the best of each: part of the contract of every backend (kernels.ts).
 *
 *   of   Σ_j (value_j − x·y_j)² + regularization_r |x|²  over the entries j of the row, or, with a Gram matrix, over all rows of
 *   `fixed`, those without an entry at 0:  x·G x − 2 x·Σ_j value_j y_j + …
 *
 * With b = Σ_j value_j y_j and A = Σ_j y_j y_jᵀ, or G:
 *
 *   coordinates     for k = 0, 1, … in turn:  x_k ← max(0, x_k − ((A x − b)_k + λ x_k) / (A_kk + λ))       each the best given the others
 *   multiplicative  all at once:  x_k ← x_k · b_k / ((A x)_k + λ x_k)
 *
 * Neither makes the cost larger, and both keep x at 0 or above. A coordinate whose divisor is 0 stays as it is. A row without entries becomes 0.
 * Source: Cichocki & Phan, IEICE 2009 (HALS); Lee & Seung, NIPS 2000, with weights 0 and 1 as in Zhang et al., SDM 2006.
 */
import type { EntryNumbers, PackedRows } from "./entries.ts";
import type { Table } from "./kernels.ts";

export interface NonNegativeRows {
  readonly rule: "coordinates" | "multiplicative";
  /** Each ≥ 0 on entry and on return */
  readonly out: Table;
  /** Each ≥ 0 */
  readonly fixed: Table;
  readonly entries: PackedRows;
  /** Each ≥ 0 */
  readonly value: EntryNumbers;
  /** Of `fixed`, as `gram` writes it; undefined where only the entries count */
  readonly gram: Float32Array | undefined;
  /** λ: f32[out.rows], each ≥ 0 */
  readonly regularization: Float32Array;
}

export interface NonNegativeRoutines {
  /**
   * Needs a `perThread` slot of nonNegativeScratch(rank) numbers in the layout.
   * Error of a coordinate: (n + k + 16) · 2⁻²² of the sizes of its terms over its divisor, n the row's entries.
   */
  nonNegativeRows(problem: NonNegativeRows): Promise<void>;
}

/** A matrix and two rows. */
export function nonNegativeScratch(rank: number): number {
  const stride = Math.ceil(rank / 16) * 16;
  return stride * (stride + 2);
}
