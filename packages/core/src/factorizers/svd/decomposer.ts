/** The contract of the two ways to a decomposition: exact.ts for small matrices, krylov.ts for large ones. */
import type { StateArrays } from "../factorizer.ts";

/** The leading part of a singular value decomposition: matrix ≈ Σ_j values_j · userVector_j · itemVector_jᵀ. */
export interface TruncatedSvd {
  /** Singular values found: what was asked for, or fewer where the matrix has no more above rounding */
  readonly rank: number;
  /** f64[users × rank], row-major: columns of length 1, orthogonal */
  readonly userVectors: Float64Array;
  /** f64[rank], descending, above 0 */
  readonly values: Float64Array;
  /** f64[items × rank], row-major; the entry of the largest size in each column is positive */
  readonly itemVectors: Float64Array;
  /**
   * Each value lies within this share of itself of a singular value of the matrix: the largest ‖Aᵀu − σv‖ / σ (Weyl).
   * Values are usually closer by far, as their error goes with the square of it
   */
  readonly errorEstimate: number;
  /** ‖Aᵀu − σv‖ of each value, f64[rank]; for an exact one the size of rounding */
  readonly residuals: Float64Array;
  /** True: dense, in double precision. False: block Krylov, in single precision with double sums */
  readonly exact: boolean;
  /**
   * Why it stopped: computed exactly; wanted accuracy reached; single precision gives no more; all steps used up, so that
   * `errorEstimate` is above what was wanted
   */
  readonly stopped: "exact" | "accuracy" | "precision" | "steps";
  readonly steps: number;
}

export interface Decomposer {
  /**
   * One more step.
   *
   * @param atTurn called whenever others had their turn; what it throws ends the work, and the decomposition with it
   * @returns what the values wanted leave of the sum of the squares of all cells, as known now: it never rises
   */
  step(atTurn?: () => void): Promise<number>;
  /** No further step would make it better */
  readonly finished: boolean;
  /** What is known now; the same object until the next step. `atTurn` as in `step` */
  result(atTurn?: () => void): Promise<TruncatedSvd>;
  state(): StateArrays;
  close(): void;
}

/** Rows of both sides turned so that each item vector's entry of the largest size is positive. Columns are `rank` apart. */
export function fixSigns(userVectors: Float64Array, itemVectors: Float64Array, rank: number): void {
  for (let j = 0; j < rank; j++) {
    let largest = 0;
    for (let at = j; at < itemVectors.length; at += rank) {
      if (Math.abs(itemVectors[at]) > Math.abs(largest)) largest = itemVectors[at];
    }
    if (largest >= 0) continue;
    for (let at = j; at < itemVectors.length; at += rank) itemVectors[at] = -itemVectors[at];
    for (let at = j; at < userVectors.length; at += rank) userVectors[at] = -userVectors[at];
  }
}
