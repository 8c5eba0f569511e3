/**
 * The contract of a method: it knows how to start on some ratings and how to do one pass. The loop around it (progress,
 * validation, early stop, abort, finite check) is train.ts, written once.
 */
import type { Kernels } from "../kernels/index.ts";
import type { FactorModel } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";

/** What a pass is called for this method: ALS family, SGD family, full batch. */
export type PassName = "sweeps" | "epochs" | "steps";

/** A method with its options resolved: `als({ rank: 32 })` is one. A value, reusable, without state. */
export interface Factorizer {
  readonly name: string;
  /** Every option with its default filled in; JSON values only */
  readonly options: Readonly<Record<string, unknown>>;
  readonly rank: number;
  readonly passName: PassName;
  readonly passes: number;
  /** Columns of the ratings that this method does not look at (`rating`, `time`), for the report */
  readonly ignores: readonly string[];
  /** Bytes of kernel memory that `start` would open. */
  bytesFor(ratings: Ratings, kernels: Kernels): number;
  /** @throws DataError when these ratings cannot be trained on with this method */
  start(ratings: Ratings, kernels: Kernels, seed: number): Promise<Run>;
}

/** One training in progress. Owns kernel memory until `close`. */
export interface Run {
  /**
   * At least one pass and at most `most`: many where a pass is so short that the loop around it would cost more. Looks at
   * the signal where it can stop half-way. How many are made in one call never changes what they give.
   *
   * @returns after each pass made, the figure that `lossName` names; the loop checks that it is finite
   * @throws DivergenceError, AbortedError
   */
  passes(most: number, signal: AbortSignal | undefined): Promise<readonly number[]>;
  /** Such as `training RMSE` or `objective per rating` */
  readonly lossName: string;
  /** A copy of the present state as a model, `passes` of it done. */
  model(passes: number): FactorModel;
  close(): void;
}
