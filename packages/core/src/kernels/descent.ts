/**
 * Gradient descent on two tables: the problem, the optimizers, and the routines of a workspace. Part of the contract of
 * every backend (kernels.ts); knows a left and a right side, not users and items.
 *
 *   error_e = offset + leftBias_l + rightBias_r + left_l · right_r − value_e          over the entries e = (l, r) that are there
 *
 *   loss of the objectives, with P = Σ over both sides and all rows of regularization · |row|² + biasRegularization · bias²:
 *     "norm"   √(Σ error²) + P         gradient 0 where Σ error² is 0, as PyTorch's
 *     "sum"    Σ error² + P
 *     "half"   ½ (Σ error² + P)
 *     "mean"   (1/entries) Σ error² + P
 *
 * All numbers that descent moves are `Reals`: the reference follows PyTorch in f64, wasm in f32. Sums over entries are
 * taken in an order that depends on the entries alone, never on the number of threads.
 */
import type { Reals, RealTable, SparseRows } from "./kernels.ts";

export const objectives = ["norm", "sum", "half", "mean"] as const;
export type Objective = (typeof objectives)[number];

/**
 * How a gradient g moves a parameter p, t = steps made with this one, α_t the learning rate of the step. PyTorch's
 * formulas (1.13), of which the arrays `first` and `second` are the state:
 *
 *   sgd      first ← momentum · first + g (first = g at t = 1);   p ← p − α · first;    without momentum p ← p − α · g
 *   adam     first ← β₁ first + (1 − β₁) g;  second ← β₂ second + (1 − β₂) g²;
 *            p ← p − α/(1 − β₁ᵗ) · first / (√second / √(1 − β₂ᵗ) + epsilon)
 *   adamw    p ← p − α · weightDecay · p, then as adam (Loshchilov & Hutter, ICLR 2019)
 *   adagrad  second ← second + g²;  p ← p − α · g / (√second + epsilon)
 *
 * In batches t counts the batches, and rows that a batch leaves alone keep their arrays (as PyTorch's SparseAdam).
 * Which arrays an optimizer needs says `arraysOf`.
 */
export type Optimizer =
  | { readonly kind: "sgd"; readonly momentum: number }
  | { readonly kind: "adam"; readonly beta1: number; readonly beta2: number; readonly epsilon: number }
  | {
      readonly kind: "adamw";
      readonly beta1: number;
      readonly beta2: number;
      readonly epsilon: number;
      readonly weightDecay: number;
    }
  | { readonly kind: "adagrad"; readonly epsilon: number };

/** What an optimizer keeps beside the parameters. */
export function arraysOf(optimizer: Optimizer): { readonly first: boolean; readonly second: boolean } {
  switch (optimizer.kind) {
    case "sgd":
      return { first: optimizer.momentum !== 0, second: false };
    case "adam":
    case "adamw":
      return { first: true, second: true };
    case "adagrad":
      return { first: false, second: true };
    default:
      return optimizer satisfies never;
  }
}

/** Numbers an optimizer moves, with what it keeps about them; all of one length, those that nothing needs of length 0. */
export interface Trained {
  readonly value: Reals;
  /** Written by `gradients`; scratch of the other routines. Not needed where `entryByEntry` */
  readonly gradient: Reals;
  /** Needed as `arraysOf` says; zero before the first step */
  readonly first: Reals;
  readonly second: Reals;
}

/** One side: a table and, if it has one, a bias a row. */
export interface DescentSide {
  /** `value` is `table.data`; the others have its shape, padding zero. */
  readonly factors: Trained & { readonly table: RealTable };
  /** [rows], or undefined for a side without */
  readonly bias: Trained | undefined;
  readonly regularization: number;
  readonly biasRegularization: number;
}

export interface DescentProblem {
  readonly left: DescentSide;
  readonly right: DescentSide;
  readonly offset: number;
  readonly objective: Objective;
  /** Rows = left rows, index = right rows, ascending within a row */
  readonly entries: SparseRows;
  /** [entries] */
  readonly value: Reals;
}

/** All entries at once. */
export interface FullProblem extends DescentProblem {
  /** Rows = right rows, index = left rows: the same entries the other way round. Undefined exactly when `complete` */
  readonly across: SparseRows | undefined;
  /** u32[entries]: for each entry of `across`, its place in `entries`. Undefined exactly when `complete` */
  readonly place: Uint32Array | undefined;
  /** Nothing is missing: `entries` holds every pair, and `value` and `error` are dense row-major matrices [left × right] */
  readonly complete: boolean;
  /** [entries]: the errors at the present parameters, as `loss` and `descend` leave them */
  readonly error: Reals;
  /** f64[2 · (left rows + right rows)]: scratch for sums by row */
  readonly rowSum: Float64Array;
}

/** Steps to make with all entries. */
export interface Steps {
  readonly optimizer: Optimizer;
  /** Steps made before; t of the first step here is `done` + 1 */
  readonly done: number;
  /** α of each step here, f64[steps] */
  readonly rates: Float64Array;
  /** Gradients are scaled down, all alike, when their joint length is above this; undefined: never */
  readonly clipNorm: number | undefined;
}

/** Entries in an order, a batch at a time; only the rows of a batch move ("sparse" gradients). */
export interface BatchProblem extends DescentProblem {
  /** u32[entries]: the left row of each entry */
  readonly leftRow: Uint32Array;
  /** u32[right rows]: entries of each right row */
  readonly rightCount: Uint32Array;
  /** Places of entries, in the order in which they are taken: u32[entries] for every epoch alike, or u32[epochs · entries] */
  readonly order: Uint32Array;
  /** Entries of a batch, ≥ 1; the last batch of an epoch may have fewer */
  readonly batchSize: number;
  /**
   * `together`: both rows move by the gradient at the old values. `alternately`, only where `entryByEntry`: the left row
   * first, the right row by the error at the old values and the *new* left row (seed notebook 001)
   */
  readonly update: "together" | "alternately";
  /** [left rows + right rows + batchSize]: scratch */
  readonly share: Reals;
  /** u32[left rows + right rows + 2 · batchSize]: scratch; not needed (length 0) where `entryByEntry` */
  readonly touched: Uint32Array;
}

/** Passes over the entries in batches. */
export interface Epochs {
  readonly optimizer: Optimizer;
  /** Batches made before */
  readonly done: number;
  /** α of each epoch, f64[epochs], or of each batch, f64[epochs · batches] */
  readonly rates: Float64Array;
  readonly clipNorm: number | undefined;
}

/** Batches of one entry by plain sgd: an entry moves its two rows at once, without a gradient written down. */
export function entryByEntry(
  batchSize: number,
  { optimizer, clipNorm }: Pick<Epochs, "optimizer" | "clipNorm">,
): boolean {
  return batchSize === 1 && optimizer.kind === "sgd" && optimizer.momentum === 0 && clipNorm === undefined;
}

/**
 * A batch's loss, for `epochs`: the objective over its m entries alone, where each entry brings its share of the penalties
 * of its two rows and their biases, 1/n of a row with n entries in all. Over a pass the whole penalty comes once:
 *
 *   "norm"   √(Σ error²) + Σ shares          "sum"    Σ error² + Σ shares          "half"   ½ (Σ error² + Σ shares)
 *   "mean"   (1/m) (Σ error² + entries · Σ shares)
 *
 * Gradients of entries on the same row are added before the row moves.
 */
export interface DescentRoutines {
  /** The loss at the present parameters; leaves the errors in `error`. Error: 2⁻¹⁸ of the sum of its terms' sizes (wasm). */
  loss(problem: FullProblem): Promise<number>;

  /** The gradients at the present parameters and errors (as `loss` left them), into each side's `gradient`. */
  gradients(problem: FullProblem): Promise<void>;

  /**
   * `losses.length` steps from the present parameters and errors (as `loss` or `descend` left them). Several calls give
   * the same bytes as one with as many steps.
   *
   * @param losses f64[steps], written: the loss after each step
   * @returns steps made: fewer than asked when a loss was not finite, which is then the last written
   */
  descend(problem: FullProblem, steps: Steps, losses: Float64Array): Promise<number>;

  /**
   * `sums.length` passes. Errors of the entries are not kept. Several calls give the same bytes as one with as many epochs.
   *
   * @param sums f64[epochs], written: Σ error² of each pass as seen on the way, each error at the parameters before its
   *   batch moved them
   * @returns epochs made: fewer than asked when a sum was not finite, which is then the last written
   */
  epochs(problem: BatchProblem, epochs: Epochs, sums: Float64Array): Promise<number>;
}
