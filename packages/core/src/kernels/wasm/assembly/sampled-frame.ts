/**
 * What a SampledProblem and a job of its batches are, as words in memory: written by wasm/sampled.ts, read by the sampled
 * kernel. Addresses and pitches are bytes.
 */
import { Optimizer } from "./optimizer";

export const enum Loss {
  SOFTMAX,
  BPR,
  LOGISTIC,
  WARP,
}

/** One side: 8 words. */
@unmanaged
export class Side {
  value: usize;
  first: usize;
  second: usize;
  /** 0 for a side without */
  bias: usize;
  biasFirst: usize;
  biasSecond: usize;
  regularization: f32;
  biasRegularization: f32;
}

@unmanaged
export class Frame {
  /** Batches made before the job's first */
  done: f64;
  rank: u32;
  pitch: u32;
  leftRows: u32;
  rightRows: u32;
  batchSize: u32;
  /** `batchSize` in whole tiles */
  panelRows: u32;
  candidateCount: u32;
  /** `candidateCount` in whole blocks */
  columns: u32;
  coefficientPitch: u32;
  /** The job's first batch in the order, and how many */
  firstBatch: u32;
  batches: u32;
  loss: u32;
  cosine: u32;
  seed: u32;
  temperature: f32;
  /** 0: none */
  positiveTemperature: f32;
  unobservedWeight: f32;
  margin: f32;
  start: usize;
  index: usize;
  weight: usize;
  order: usize;
  /** f64 per batch of the job */
  rates: usize;
  /** f64: Σ of the call, then the loss of each row of the batch */
  sums: usize;
  tickets: usize;
  leftPanel: usize;
  rightPanel: usize;
  candidates: usize;
  place: usize;
  scale: usize;
  coefficients: usize;
  entry: usize;
  entryRow: usize;
  next: usize;
  head: usize;
  tail: usize;
  touched: usize;
  starts: usize;
  /** f32 of each left row; 0: none */
  historyWeight: usize;
  /** f32 of each right row; 0: none */
  offset: usize;
  /** f32 of each left row of the batch */
  leftScale: usize;
  /** Of BPR; 0: every negative counts */
  hardestOf: u32;
}

/** Bytes from the begin of a frame. */
const OPTIMIZER_AT: usize = 4 * 64;
const SIDES_AT: usize = 4 * 80;
const SIDE_BYTES: usize = 4 * 8;

/** As it is given, without factors of a step. */
@inline
export function optimizerOf(frame: Frame): Optimizer {
  return changetype<Optimizer>(changetype<usize>(frame) + OPTIMIZER_AT);
}

@inline
export function leftOf(frame: Frame): Side {
  return changetype<Side>(changetype<usize>(frame) + SIDES_AT);
}

@inline
export function rightOf(frame: Frame): Side {
  return changetype<Side>(changetype<usize>(frame) + SIDES_AT + SIDE_BYTES);
}
