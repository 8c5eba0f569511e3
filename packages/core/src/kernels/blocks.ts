/**
 * Gradient descent in blocks: the problem and the routine of a workspace. Part of the contract of every backend
 * (kernels.ts); knows a left and a right side, not users and items.
 *
 * The rows of both sides stand in blocks of equal length, and so the entries in a grid of blocks. Blocks with no row in common can
 * be done at the same time: the grid is gone through by diagonals, and each block begins when the blocks before it in
 * its row and in its column of the grid are done. The grid and the order follow from the problem, never from the number of threads, so
 * neither do the bytes. Source: Gemulla et al., KDD 2011; Zhuang et al., RecSys 2013 (FPSGD).
 *
 *   score_e = offset + leftBias_l + rightBias_r + left_l · right_r              of an entry e = (l, r)
 *
 * An entry moves its two rows, each by its own rate, which falls as its gradients add up. A row has two learners: "slow", its first
 * BLOCK_SLOW columns, and "fast", the others; in the first epoch of all only the slow ones move (`slowStart`). Source: Chin et al.,
 * PAKDD 2015 (LIBMF). With z = −∂loss/∂score at the old values, for a learner of the columns D of the left row x (y the right row), and the
 * right row alike:
 *
 *   g = regularization · x − z · y;   x ← shape(x − α/√G · g);   G ← G + Σ g² / |D|                  over the columns D
 *   b ← b − α/√G_b · (biasRegularization · b − z);   G_b ← G_b + (biasRegularization · b − z)²     with the old b and the old G
 *   shape(x) = sign(x) · max(0, |x| − α/√G · regularizationL1), then max(0, x) where `nonNegative`
 *
 * Losses of an entry with value v and score s:
 *
 *   squared ½ (v − s)²      absolute |v − s|      huber ½ d² for d = |v − s| ≤ delta, else delta (d − ½ delta)
 *   logistic ln(1 + exp(∓s)), − for v > 0      kl v ln(v / s) − v + s, for s < v / KL_RANGE its tangent there
 *
 * Penalties are paid by entries: ½ regularization |x|² + regularizationL1 |x|₁ + ½ biasRegularization b² of both rows, once for each of
 * their entries.
 */
import { type Reals, type RealTable, slot } from "./kernels.ts";

export const blockLosses = ["squared", "absolute", "huber", "logistic", "kl"] as const;
export type BlockLoss = (typeof blockLosses)[number];

/** Columns of the slow learner. */
export const BLOCK_SLOW = 8;

/** Numbers of a row's state: both learners' G, two that the backends keep for themselves, then, with biases, b and G_b. */
export const STATE_WIDTH = 4;
export const BIASED_STATE_WIDTH = 8;
export const STATE = { slow: 0, fast: 1, bias: 4, biasSum: 5 } as const;

/** Below this part of the value, `kl` goes on in a straight line: its gradient would have no bound. */
export const KL_RANGE = 16;

/** Rows of a block are numbered in 16 bits. */
export const MOST_BLOCK_ROWS = 65536;

/** Numbers of the `perThread` slot that blocks need: 2,048 records (assembly/block-record.ts). */
export const BLOCK_SCRATCH = 2 * 2048;

/** Cuts of both sides. Block (i, j) of the grid has the number i · rightBlocks + j. */
export interface BlockGrid {
  /** A multiple of rightBlocks */
  readonly leftBlocks: number;
  readonly rightBlocks: number;
  /** Rows of a block; the last ones may have fewer, or none */
  readonly leftRows: number;
  readonly rightRows: number;
}

/** The right rows of a block should stay in a core's second-level cache, beside what streams through it. */
const RIGHT_BYTES = 2 ** 20;
/** Fewest blocks of a side: as many threads find work, and twice as many hardly wait. */
const LEAST_BLOCKS = 8;

/** The grid of a problem of this size: from its size alone. */
export function blockGrid(leftRows: number, rightRows: number, rank: number): BlockGrid {
  const rowBytes = 4 * rank + 32;
  const forCache = Math.ceil((rightRows * rowBytes) / RIGHT_BYTES);
  const forNumbers = Math.ceil(rightRows / MOST_BLOCK_ROWS);
  const rightBlocks = Math.max(LEAST_BLOCKS, Math.min(64, forCache), forNumbers);
  const strips = Math.ceil(leftRows / (rightBlocks * MOST_BLOCK_ROWS));
  const leftBlocks = rightBlocks * Math.max(1, strips);
  return {
    leftBlocks,
    rightBlocks,
    leftRows: Math.max(1, Math.ceil(leftRows / leftBlocks)),
    rightRows: Math.max(1, Math.ceil(rightRows / rightBlocks)),
  };
}

/** One side: row r is in block ⌊r / rows of a block⌋. */
export interface BlockSide {
  readonly table: RealTable;
  /** [rows · width]: a row's state. G is 1 before the first epoch */
  readonly state: Reals;
  /** Whether the rows have a bias that moves; needs BIASED_STATE_WIDTH */
  readonly biased: boolean;
  readonly regularization: number;
  readonly regularizationL1: number;
  readonly biasRegularization: number;
}

export interface BlockProblem {
  readonly left: BlockSide;
  readonly right: BlockSide;
  readonly grid: BlockGrid;
  /** BIASED_STATE_WIDTH where a side is biased, or STATE_WIDTH: of both states */
  readonly stateWidth: number;
  /** u32[leftBlocks · rightBlocks + 1]: entries of each block of the grid */
  readonly blockStart: Uint32Array;
  /** u32[2 · entries]: left row + 2¹⁶ · right row within the block, then the bits of the value as f32. May be an array in pieces (kernels.ts) */
  readonly record: Uint32Array;
  readonly offset: number;
  readonly loss: BlockLoss;
  /** Of huber, > 0 */
  readonly delta: number;
  readonly nonNegative: boolean;
  /** Only slow learners move in the first epoch of all */
  readonly slowStart: boolean;
  /** Overwritten: the arrays of `blockSlots` for this grid */
  readonly work: BlockWork;
}

/** Passes over the entries. */
export interface BlockEpochs {
  /** Epochs made before */
  readonly done: number;
  /** α of each epoch, f64[epochs] */
  readonly rates: Float64Array;
  /**
   * u32[epochs · leftBlocks]: the order of the diagonals of each epoch, as strip · rightBlocks + shift. A strip is rightBlocks
   * blocks of left rows; in its diagonals, rightBlocks numbers one after another, block i of the strip meets block
   * (i + shift) mod rightBlocks of the right rows
   */
  readonly order: Uint32Array;
}

/** Arrays that a backend writes to, to be part of the workspace's layout. @param epochs most of one call */
export function blockSlots({ leftBlocks, rightBlocks }: BlockGrid, epochs: number) {
  return {
    blockFrame: slot.u32(64),
    /** Counters of threads, each on two lines of its own */
    blockTickets: slot.u32(32 * (1 + leftBlocks + rightBlocks)),
    blockSums: slot.f64(epochs * leftBlocks * rightBlocks),
    /** Records that are brought from outside of the memory */
    blockScratch: slot.perThread(BLOCK_SCRATCH),
  };
}

export interface BlockWork {
  readonly blockFrame: Uint32Array;
  readonly blockTickets: Uint32Array;
  readonly blockSums: Float64Array;
}

export interface BlockRoutines {
  /**
   * Shuffles the entries of each block among those of every `group` left rows in turn, by the numbers of stream `seed`. They come sorted by left
   * row. Entries of one row one after another would each wait for the move before it.
   */
  shuffleBlocks(
    problem: Pick<BlockProblem, "grid" | "blockStart" | "record">,
    group: number,
    seed: number,
  ): Promise<void>;

  /**
   * `sums.length` passes. Several calls give the same bytes as one with as many epochs.
   *
   * @param sums f64[epochs], written: the sum of the entries' losses of each epoch (of `squared`: of (v − s)²) as seen on the way, each at the parameters before
   *   its entry moved them. Not finite where a parameter no longer was
   */
  blockEpochs(problem: BlockProblem, epochs: BlockEpochs, sums: Float64Array): Promise<void>;
}
