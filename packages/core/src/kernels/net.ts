/**
 * Networks over two tables: the problem and the routines of a workspace. Part of the contract of every backend
 * (kernels.ts); knows a left and a right side, not users and items.
 *
 *   a_0 = [left_l ‖ right_r]                           2 · rank numbers
 *   a_h = max(0, weight_h · a_(h−1) + bias_h)          hidden layers h = 1 .. ; derivative 0 at 0, as PyTorch's
 *   score(l, r) = offset + leftBias_l + rightBias_r + top · a_last + product · (leftProduct_l ∘ rightProduct_r) + bias
 *
 * Entries are taken in batches. The loss of a batch of n entries, whose gradient moves what the batch touches:
 *
 *   (1/n) Σ_e [ (score_e − value_e)² + Σ over both sides ( regularization · (|row|² + |product row|²) + biasRegularization · bias² ) ]
 *     + layerRegularization · |layers|²
 *
 * A row pays its penalty once for each of its entries in the batch. Rows that no entry of the batch is on do not move, and
 * their moments stand still ("lazily", as PyTorch's SparseAdam; the formulas and the count of steps are those of descent.ts).
 * Layers move with every batch. All rows of a batch move by the gradient at the old values. With batches of one entry and
 * `sgd` this is seed notebook 003. Source of the product branch: He et al., WWW 2017 (NeuMF).
 *
 * Sums over a batch are taken in shards whose number and order follow from the batch size alone: the bytes do not depend on
 * the number of threads.
 */
import type { Optimizer, Trained } from "./descent.ts";
import { type Arrays, type Reals, type RealTable, rowStride, slot } from "./kernels.ts";

/** Widths of a net. */
export interface NetShape {
  /** Of all four tables */
  readonly rank: number;
  /** Widths of the hidden layers, at least one */
  readonly hidden: readonly number[];
  /** Whether there is a product branch */
  readonly product: boolean;
}

/** Where one hidden layer lies in the flat array of all layers, in numbers from its begin. */
export interface LayerPlace {
  readonly inputs: number;
  readonly outputs: number;
  /** Numbers from one input's row of weights to the next: `outputs` rounded up to 16, padding zero */
  readonly stride: number;
  /** weight[i · stride + o] leads from input i to output o: the transpose of PyTorch's */
  readonly weight: number;
  /** [stride] */
  readonly bias: number;
}

/** The flat array of all layers: what stands where. Every part begins at a multiple of 16 numbers. */
export interface NetPlaces {
  readonly layers: readonly LayerPlace[];
  /** Weights of the last hidden layer's outputs to the score */
  readonly top: number;
  /** Weights of the product branch to the score: [rank, padded] */
  readonly product: number | undefined;
  /** The one bias of the score; 15 zeros follow */
  readonly bias: number;
  readonly length: number;
}

export function netPlaces({ rank, hidden, product }: NetShape): NetPlaces {
  const layers: LayerPlace[] = [];
  let at = 0;
  let inputs = 2 * rank;
  for (const outputs of hidden) {
    const stride = rowStride(outputs);
    const weight = at;
    const bias = weight + inputs * stride;
    layers.push({ inputs, outputs, stride, weight, bias });
    at = bias + stride;
    inputs = outputs;
  }
  const top = at;
  at += rowStride(inputs);
  const productAt = product ? at : undefined;
  if (product) at += rowStride(rank);
  return { layers, top, product: productAt, bias: at, length: at + 16 };
}

/** Numbers an optimizer moves, with what it keeps about them; zero length: the optimizer keeps none. See descent.ts. */
export type Moved = Pick<Trained, "value" | "first" | "second">;

/** A table that an optimizer moves: `value` is `table.data`. */
export type MovedTable = Moved & { readonly table: RealTable };

export interface NetSide {
  readonly factors: MovedTable;
  /** Undefined exactly when the shape has no product branch */
  readonly product: MovedTable | undefined;
  /** [rows], or undefined for a side without */
  readonly bias: Moved | undefined;
  /** u32[entries]: the row of each entry on this side */
  readonly row: Uint32Array;
  readonly regularization: number;
  readonly biasRegularization: number;
}

export interface NetProblem {
  readonly shape: NetShape;
  readonly left: NetSide;
  readonly right: NetSide;
  /** As `netPlaces` lays them out; padding zero */
  readonly layers: Moved;
  readonly layerRegularization: number;
  readonly offset: number;
  /** [entries] */
  readonly value: Reals;
  /** u32[entries]: places of entries, in the order in which they are taken */
  readonly order: Uint32Array;
  /** Entries of a batch, ≥ 1; the last batch may have fewer */
  readonly batchSize: number;
  /** Overwritten: the arrays of `netTrainingSlots` for this shape, these tables and this batch size */
  readonly work: NetTrainingWork;
}

/** Some batches of a pass, one after another. */
export interface NetBatches {
  readonly optimizer: Optimizer;
  /** Batches made before these, in this pass and earlier ones */
  readonly done: number;
  /** α of each of these batches, f64[to − from], or of all, f64[1] */
  readonly rates: Float64Array;
  /** Batches `from` to `to` − 1 of the pass, 0 ≤ from ≤ to ≤ ⌈entries / batchSize⌉ */
  readonly from: number;
  readonly to: number;
}

/** One side of a net that only scores. */
export interface ScoringSide {
  readonly table: RealTable;
  readonly product: RealTable | undefined;
  readonly bias: Reals | undefined;
}

/** A net that only scores. */
export interface ScoringNet {
  readonly shape: NetShape;
  readonly left: ScoringSide;
  readonly right: ScoringSide;
  readonly layers: Reals;
  readonly offset: number;
}

export interface NetScorerProblem extends ScoringNet {
  /** Overwritten: the arrays of `netScoringSlots` for this shape and right side */
  readonly work: NetScoringWork;
}

/** Every right row's score for some left rows. */
export interface NetScoresProblem extends NetScorerProblem {
  /** u32[count] */
  readonly query: Uint32Array;
  /** Out: f32[count × right rows] */
  readonly out: Float32Array;
}

export interface NetPairsProblem extends ScoringNet {
  /** Overwritten: the arrays of `netPairSlots` for this shape, which are among those of training and of scoring */
  readonly work: NetPairWork;
  /** u32[pairs] */
  readonly leftRow: Uint32Array;
  /** u32[pairs] */
  readonly rightRow: Uint32Array;
  /** Out: f32[pairs] */
  readonly out: Float32Array;
}

export interface NetRoutines {
  /**
   * Moves the net by some batches.
   *
   * @returns Σ error² as seen on the way, each error at the parameters before its batch moved them; not finite when a
   *   parameter is no longer
   */
  netBatches(problem: NetProblem, batches: NetBatches): Promise<number>;

  /** Error of a score (wasm): (Σ widths + 16) · 2⁻²⁴ of the sum of the sizes of what is added up, carried through the layers. */
  netScores(problem: NetScoresProblem): Promise<void>;

  /** As `netScores`, for pairs. */
  netPairs(problem: NetPairsProblem): Promise<void>;
}

/** Entries that go through the layers together: their activations stay in a core's second-level cache. */
export const NET_TILE = 64;

/** A batch is cut into at most this many shards, of at least LEAST_SHARD entries. */
const MOST_SHARDS = 16;
const LEAST_SHARD = 32;

/** Batches of one job of the wasm backend; those of a call are cut into jobs. */
export const NET_JOB_BATCHES = 1024;

/** Entries of a shard of a batch: from the batch size alone, a multiple of 8. */
export function shardSize(batchSize: number): number {
  return Math.max(LEAST_SHARD, 8 * Math.ceil(batchSize / (8 * MOST_SHARDS)));
}

/** u32 words of the frame that hands a net to the wasm kernels, and of each layer after it (assembly/net-frame.ts). */
const FRAME_WORDS = 96;
const LAYER_WORDS = 16;

function frameWords({ hidden }: NetShape): number {
  return FRAME_WORDS + LAYER_WORDS * hidden.length;
}

/** Numbers of the four spare rows in a thread's scratch. */
function spareNumbers({ rank, hidden }: NetShape): number {
  return 4 * Math.max(2 * rowStride(rank), ...hidden.map(rowStride));
}

/** Numbers that an optimizer takes in a thread's scratch. */
const OPTIMIZER_NUMBERS = 16;

/** A thread's scratch: a tile of inputs, of each layer's outputs and their gradients, then spare rows and an optimizer. */
export function netScratch(shape: NetShape) {
  const layers = shape.hidden.reduce((sum, outputs) => sum + 2 * rowStride(outputs), 2 * rowStride(shape.rank));
  const spare = NET_TILE * layers;
  const optimizer = spare + spareNumbers(shape);
  return { spare, optimizer, length: optimizer + OPTIMIZER_NUMBERS };
}

/** What every routine works in, and `netPairs` in nothing else. */
export function netPairSlots(shape: NetShape) {
  return { netFrame: slot.u32(frameWords(shape)), netScratch: slot.perThread(netScratch(shape).length) };
}

/** Arrays that the routines which score write to, to be part of the workspace's layout. */
export function netScoringSlots(shape: NetShape, rightRows: number) {
  return {
    ...netPairSlots(shape),
    /** What the right rows bring to the first layer */
    netFirst: slot.realTable(rightRows, shape.hidden[0]),
  };
}

/** Arrays that training writes to, to be part of the workspace's layout. */
export function netTrainingSlots(shape: NetShape, leftRows: number, rightRows: number, batchSize: number) {
  const { layers, length } = netPlaces(shape);
  const shards = Math.ceil(batchSize / shardSize(batchSize));
  const rows = 4 * Math.ceil(batchSize / 4);
  const transposed = layers.reduce((sum, { inputs, outputs }) => sum + outputs * rowStride(inputs), 0);
  return {
    ...netPairSlots(shape),
    netTransposed: slot.real(transposed),
    netShards: slot.real(shards * length),
    netRows: slot.real(rows * (shape.product ? 4 : 2) * rowStride(shape.rank)),
    netErrors: slot.real(rows),
    netSums: slot.f64(1 + shards),
    netRates: slot.f64(NET_JOB_BATCHES),
    netTickets: slot.u32(32),
    // Which entries of a batch are on which row: by row its first and last, by entry the next, and the rows met
    netLeftRows: slot.u32(2 * leftRows),
    netRightRows: slot.u32(2 * rightRows),
    netChains: slot.u32(4 * batchSize + 32),
  };
}

export type NetPairWork = Arrays<ReturnType<typeof netPairSlots>>;
export type NetScoringWork = Arrays<ReturnType<typeof netScoringSlots>>;
export type NetTrainingWork = Arrays<ReturnType<typeof netTrainingSlots>>;
