/**
 * The contract of a method: it knows how to start on some ratings, how to do one pass, and what the next pass depends on.
 * The loop around it (progress, validation, early stop, abort, divergence, checkpoints) is course.ts, written once.
 */

import type { Kernels } from "../kernels/index.ts";
import type { FactorModel, Model } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import type { Slope } from "./certificate.ts";
import type { Blame } from "./divergence.ts";

/** What a pass is called for this method: ALS family, SGD family, full batch. */
export type PassName = "sweeps" | "epochs" | "steps";

/** Numbers by name, each array its own copy. */
export type StateArrays = Readonly<Record<string, Float32Array | Float64Array | Uint32Array>>;

/**
 * Everything that the next pass depends on beside ratings, options, seed and the number of passes made: tables, biases,
 * what an optimizer keeps. What can be computed from these is left out only if that gives the same bits.
 */
export interface RunState {
  readonly arrays: StateArrays;
}

/** A place in a training to go on from. */
export interface StartFrom {
  /** Passes made before, ≥ 0 */
  readonly passes: number;
  /** As `Run.state` gave it after that many passes, with the same ratings, options and seed on the same backend */
  readonly state: RunState;
}

/**
 * A method with its options resolved: `als({ rank: 32 })` is one. A value, reusable, without state. M: the kind of model it
 * yields.
 */
export interface Factorizer<M extends Model = FactorModel> {
  readonly name: string;
  /** Every option with its default filled in; JSON values only */
  readonly options: Readonly<Record<string, unknown>>;
  /** Undefined for methods whose models have no factors */
  readonly rank: number | undefined;
  readonly passName: PassName;
  readonly passes: number;
  /**
   * Why a pass depends on how many there are in all, as the setting that makes it so (`schedule cosine`). Undefined: it
   * does not, so a training of this method can be resumed with more passes and gives what they had given at once.
   */
  readonly passesMatter?: string | undefined;
  /** True: a training may end before the last pass, where further ones would change nothing that matters (`Run.finished`). Left out: never */
  readonly mayEndEarly?: boolean;
  /** True: a rank above the smaller number of users and items can add something, as factors go through layers. Left out: scores are products of two tables, where it cannot */
  readonly rankMayExceedSize?: boolean;
  /** True: it starts from given numbers that are all 0, of which every gradient is 0 */
  readonly startsAtZero?: boolean;
  /** True: every pass measures its figure on other draws, so it goes up and down without anything being wrong */
  readonly lossIsDrawn?: boolean;
  /** True: it learns by comparing what a user has with what the user lacks. Left out: it needs no such items */
  readonly comparesWithUnseen?: boolean;
  /** Columns of the ratings that this method does not look at (`rating`, `time`), for the report */
  readonly ignores: readonly string[];
  /** True: its scores order items and are no ratings, whatever it is trained on. Left out: as `ignores` says */
  readonly ranksOnly?: boolean;
  /**
   * This method's model as a part of one that it made, on the same ratings, at a higher rank: for methods whose ranks are
   * nested. Left out by all others.
   *
   * @param report of the training at the higher rank
   * @returns the model, and the training figure that it has
   */
  lowerRank?(model: M, report: { readonly loss: readonly number[] }): { readonly model: M; readonly loss: number };
  /** This method with the way of computing that `auto` takes for these ratings, stated. Left out: it has no such choice */
  settledFor?(ratings: Ratings): Factorizer<M>;
  /** Bytes of kernel memory that `start` would open: what `kernels` says of one layout, or 0. Makes no copy of the ratings. */
  bytesFor(ratings: Ratings, kernels: Kernels): number;
  /** Bytes of the model's arrays. Left out: of a row of rank + 1 numbers for each user and item */
  modelBytes?(ratings: Ratings): number;
  /** Bytes outside kernel memory that a training takes beside ratings and model. Left out: next to none */
  hostBytes?(ratings: Ratings): number;
  /** Seconds of the whole training, by its operations, where a training on part of the users does not tell. Left out: it does */
  secondsFor?(ratings: Ratings, kernels: Kernels): number;
  /**
   * @param from go on from there instead of from the beginning: gives the same bytes as a training that never stopped
   * @param signal looked at wherever others had their turn: measuring the start may take as long as passes
   * @throws DataError when these ratings cannot be trained on with this method, or when `from` does not fit them; AbortedError
   */
  start(ratings: Ratings, kernels: Kernels, seed: number, from?: StartFrom, signal?: AbortSignal): Promise<Run<M>>;
}

/** One training in progress. Owns kernel memory until `close`. */
export interface Run<M extends Model = FactorModel> {
  /** The method's options, with the numbers that came of `auto` for these ratings; left out where no option depends on them */
  readonly options?: Readonly<Record<string, unknown>>;
  /**
   * At least one pass and at most `most`: many where a pass is so short that the loop around it would cost more. Looks at
   * the signal where it can stop half-way. How many are made in one call never changes what they give.
   *
   * @returns after each pass made, the figure that `lossName` names, up to the first that is not finite; the loop checks that
   * it has not diverged (divergence.ts)
   * @throws DivergenceError where a row has no stable solution; AbortedError
   */
  passes(most: number, signal: AbortSignal | undefined): Promise<readonly number[]>;
  /** Such as `training RMSE` or `objective per rating` */
  readonly lossName: string;
  /** The same figure before the first pass, where it comes free; undefined when resumed */
  readonly initialLoss?: number | undefined;
  /** The same figure where every prediction is 0, without penalties: what it says by itself about the size of the ratings */
  readonly zeroLoss?: number | undefined;
  /** The same figure, without penalties, where errors are next to nothing beside what tells the ratings apart; left out where not known */
  readonly smallLoss?: number | undefined;
  /** What a pass that has diverged is laid to; the run stands after it, or after a later one. */
  blame?(pass: number): Blame;
  /**
   * The slope of the method's own cost at the present parameters, for the certificate; left out where it has none. Looks at
   * the signal where it takes long.
   */
  readonly slope?: ((signal?: AbortSignal) => Promise<Slope>) | undefined;
  /** About how many passes `slope` takes as long as. Default 0.2 */
  readonly slopePasses?: number;
  /** A copy of everything that the next pass depends on. Between calls of `passes`. */
  state(): RunState;
  /**
   * Further passes would change nothing that matters: the loop ends before the last. Left out: never. A run that is resumed
   * from where it had finished is finished
   */
  readonly finished?: boolean;
  /**
   * A copy of the present state as a model, `passes` of it done. Between calls of `passes`. Looks at the signal where it takes
   * long; the run stands as before when stopped.
   */
  model(passes: number, signal?: AbortSignal): M | Promise<M>;
  close(): void;
}
