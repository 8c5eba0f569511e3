/**
 * What a descent works on, as one record in memory: too many figures for arguments. Written by wasm/descent-record.ts,
 * whose lists follow the order of the fields here; the lower half of `Descent` is the kernels' own, from step to step.
 *
 * A record is the left side, the right side, then the rest, which begins with the optimizer. Addresses are 0 for what is not
 * there.
 */
import { Optimizer } from "./optimizer";

/** One side of the problem: its tables, its biases, and its entries. */
@unmanaged
export class Side {
  rows: u32;
  value: usize;
  gradient: usize;
  first: usize;
  second: usize;
  bias: usize;
  biasGradient: usize;
  biasFirst: usize;
  biasSecond: usize;
  /** u32[rows + 1], u32[entries]: entries by rows of this side (left only for batches) */
  start: usize;
  index: usize;
  /** Where the errors of these entries are among the errors; 0: in the same order */
  place: usize;
  /** f64[2 · rows]: per row Σ error² or |gradient|², and its penalty */
  sums: usize;
  /** f32[rows]: 1 / entries of the row (batches) */
  share: usize;
  regularization: f32;
  biasRegularization: f32;
}

@unmanaged
export class Descent extends Optimizer {
  pitch: usize;
  /** Bytes of a row with numbers, up to a whole vector: what goes over rows looks at no more */
  width: usize;
  count: u32;
  value: usize;
  error: usize;
  complete: u32;
  objective: u32;
  penalized: u32;
  clips: u32;
  steps: u32;
  rates: usize;
  /** Losses of steps, or sums of epochs */
  losses: usize;
  leftRow: usize;
  order: usize;
  /** Bytes from an epoch's order to the next one's; 0: all alike */
  orderStep: usize;
  ratesByBatch: u32;
  batchSize: u32;
  batches: u32;
  alternately: u32;
  entryByEntry: u32;
  touched: usize;
  errors: usize;
  offset: f32;
  clipNorm: f64;
  /** Steps or batches made before, a whole number */
  done: f64;

  /** Σ error² at the present parameters */
  data: f64;
  /** Steps or epochs made in this call, and whether the last of them was not finite */
  made: u32;
  stopped: u32;
  /** What raw gradients, and 2 · regularization · value for "norm", "sum" and "mean", are multiplied by in this step */
  scale: f32;
  own: f32;
}

export const enum Objective {
  NORM,
  SUM,
  HALF,
  MEAN,
}

const SIDE_BYTES: usize = 64;

@inline
export function leftOf(record: usize): Side {
  return changetype<Side>(record);
}

@inline
export function rightOf(record: usize): Side {
  return changetype<Side>(record + SIDE_BYTES);
}

@inline
export function restOf(record: usize): Descent {
  return changetype<Descent>(record + 2 * SIDE_BYTES);
}

/** Bytes of a record, and the bytes of it that the caller writes, for comparison with wasm/descent-record.ts. */
export function descentRecord(): usize {
  return 2 * SIDE_BYTES + offsetof<Descent>();
}

export function descentGiven(): usize {
  return 2 * SIDE_BYTES + offsetof<Descent>("data");
}
