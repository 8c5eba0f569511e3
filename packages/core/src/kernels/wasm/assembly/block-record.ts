/** What a descent in blocks works on, as one record in memory: a frame, its left side, its right side. */
@unmanaged
export class Side {
  table: usize;
  state: usize;
  rows: u32;
  blockRows: u32;
  biased: u32;
  regularization: f32;
  regularizationL1: f32;
  biasRegularization: f32;
}

/** Written by wasm/blocks.ts, field by field. */
@unmanaged
export class Frame {
  rank: u32;
  pitch: u32;
  stateBytes: u32;
  leftBlocks: u32;
  rightBlocks: u32;
  blockStart: usize;
  record: usize;
  loss: u32;
  offset: f32;
  delta: f32;
  nonNegative: u32;
  shaped: u32;
  /** Slow learners only in the first epoch of this call */
  slowStart: u32;
  epochs: u32;
  rates: usize;
  order: usize;
  sums: usize;
  tickets: usize;
  /** 0: records stand in this memory, else the array outside where they do */
  recordBuffer: u32;
  spare: u32;
}

export const SIDE_BYTES: usize = 32;
export const FRAME_BYTES: usize = 80;
export const TICKET_BYTES: usize = 128;

/** Records that are brought to a thread's scratch at a time: blockScratch in ../../blocks.ts. */
export const BROUGHT: u32 = 2048;
