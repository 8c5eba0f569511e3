/**
 * What a net and a batch are, as words in memory: written by wasm/net.ts, read by the net kernels. Addresses are bytes;
 * a layer's `weight` and `bias` are bytes from the begin of the flat array of layers (netPlaces in kernels/net.ts).
 */
import { Optimizer } from "./optimizer";

/** Words of a Frame; the optimizer and the sides are among the last of them, and layers follow. */
export const FRAME_BYTES: usize = 4 * 96;
export const LAYER_BYTES: usize = 4 * 16;

/** One side: 20 words. */
@unmanaged
export class Side {
  table: usize;
  tableFirst: usize;
  tableSecond: usize;
  product: usize;
  productFirst: usize;
  productSecond: usize;
  /** 0 for a side without */
  bias: usize;
  biasFirst: usize;
  biasSecond: usize;
  /** u32 per entry */
  row: usize;
  /** u32 per row: 1 + the place in the batch of its first entry, 0 outside of a batch */
  head: usize;
  /** u32 per row: the place of its last entry so far */
  tail: usize;
  /** u32 per place in the batch: 1 + the place of the row's next entry, 0 for the last */
  next: usize;
  /** u32: how many rows the batch touches; 16 words further on, which, in the order in which they were met */
  touched: usize;
  regularization: f32;
  biasRegularization: f32;
  /** Bytes of an entry's row of gradients before this side's part */
  gradientAt: u32;
  unused0: u32;
  unused1: u32;
  unused2: u32;
}

@unmanaged
export class Frame {
  rank: u32;
  /** Bytes from row to row of all four tables */
  pitch: u32;
  depth: u32;
  /** 0 or 1 */
  hasProduct: u32;
  layers: usize;
  layersFirst: usize;
  layersSecond: usize;
  layersBytes: u32;
  /** Bytes in `layers` */
  top: u32;
  product: u32;
  bias: u32;
  offset: f32;
  value: usize;
  order: usize;
  entries: u32;
  batchSize: u32;
  shardSize: u32;
  /** The job's first batch, and how many */
  firstBatch: u32;
  batches: u32;
  rowUnits: u32;
  layerUnits: u32;
  shards: usize;
  rows: usize;
  /** Bytes of an entry's row of gradients */
  rowsPitch: u32;
  errors: usize;
  sums: usize;
  /** f64 per batch of the job */
  rates: usize;
  tickets: usize;
  layerRegularization: f32;
  /** What the right rows bring to the first layer: address and bytes from row to row */
  first: usize;
  firstPitch: u32;
  /** Bytes in a thread's scratch: the places of spare rows, and of its own copy of the optimizer */
  spare: u32;
  step: u32;
  /** Batches made before the job's first */
  done: f64;
}

@unmanaged
export class Layer {
  inputs: u32;
  /** Bytes of a row of weights, padding included: all of it is computed, so that padding stays zero */
  pitch: u32;
  outputs: u32;
  weight: u32;
  bias: u32;
  /** Address of PyTorch's [outputs × inputs], and bytes of its rows */
  transposed: usize;
  transposedPitch: u32;
  /** Bytes in a thread's scratch: outputs of a tile, their gradients */
  out: u32;
  gradient: u32;
}

const SIDE_BYTES: usize = 4 * 20;

/** As it is given, without factors of a step. */
@inline
export function optimizerOf(frame: Frame): Optimizer {
  return changetype<Optimizer>(changetype<usize>(frame) + offsetof<Frame>());
}

@inline
export function leftOf(frame: Frame): Side {
  return changetype<Side>(changetype<usize>(frame) + FRAME_BYTES - 2 * SIDE_BYTES);
}

@inline
export function rightOf(frame: Frame): Side {
  return changetype<Side>(changetype<usize>(frame) + FRAME_BYTES - SIDE_BYTES);
}

@inline
export function layerOf(frame: Frame, layer: u32): Layer {
  return changetype<Layer>(changetype<usize>(frame) + FRAME_BYTES + <usize>layer * LAYER_BYTES);
}
