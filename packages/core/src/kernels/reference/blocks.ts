/** Gradient descent in blocks, one after the other: a problem and epochs in, its rows moved. The formulas are those of ../blocks.ts. */

import { exponential, hash32, logarithm } from "../../support/index.ts";
import {
  BLOCK_SLOW,
  type BlockEpochs,
  type BlockLoss,
  type BlockProblem,
  type BlockSide,
  KL_RANGE,
  STATE,
} from "../blocks.ts";

const bits = new DataView(new ArrayBuffer(4));

export function shuffleBlocks(
  { blockStart, record }: Pick<BlockProblem, "blockStart" | "record">,
  group: number,
  seed: number,
): void {
  for (let block = 0; block + 1 < blockStart.length; block++) {
    shuffleEntries(record, blockStart[block], blockStart[block + 1], group, seed, Number.POSITIVE_INFINITY);
  }
}

/**
 * Shuffles entries from .. to - 1 of a block, group by group, until so many are done.
 *
 * @returns the first entry that is not
 */
export function shuffleEntries(
  record: Uint32Array,
  from: number,
  to: number,
  group: number,
  seed: number,
  most: number,
): number {
  const groupOf = (entry: number) => Math.floor((record[2 * entry] & 0xffff) / group);
  let first = from;
  for (let end = from; first < to && first - from < most; first = end) {
    while (end < to && groupOf(end) === groupOf(first)) end++;
    for (let last = end - 1; last > first; last--) {
      const draw = hash32(seed, last) >>> 8;
      const other = first + Math.floor((draw * (last - first + 1)) / 2 ** 24);
      const [low, high] = [record[2 * last], record[2 * last + 1]];
      record[2 * last] = record[2 * other];
      record[2 * last + 1] = record[2 * other + 1];
      record[2 * other] = low;
      record[2 * other + 1] = high;
    }
  }
  return first;
}

export function blockEpochs(problem: BlockProblem, { done, rates, order }: BlockEpochs, sums: Float64Array): void {
  const { leftBlocks, rightBlocks } = problem.grid;
  for (let epoch = 0; epoch < sums.length; epoch++) {
    const step = { rate: rates[epoch], slowOnly: problem.slowStart && done + epoch === 0 };
    sums[epoch] = 0;
    for (let place = 0; place < leftBlocks; place++) {
      const diagonal = order[epoch * leftBlocks + place];
      const strip = Math.floor(diagonal / rightBlocks);
      for (let i = 0; i < rightBlocks; i++) {
        const row = strip * rightBlocks + i;
        sums[epoch] += moveBlock(problem, step, row, (i + diagonal) % rightBlocks);
      }
    }
  }
}

interface Step {
  readonly rate: number;
  readonly slowOnly: boolean;
}

function moveBlock(problem: BlockProblem, step: Step, row: number, column: number): number {
  const { grid, blockStart, record } = problem;
  const block = row * grid.rightBlocks + column;
  let sum = 0;
  for (let entry = blockStart[block]; entry < blockStart[block + 1]; entry++) {
    const l = row * grid.leftRows + (record[2 * entry] & 0xffff);
    const r = column * grid.rightRows + (record[2 * entry] >>> 16);
    bits.setUint32(0, record[2 * entry + 1]);
    sum += moveEntry(problem, step, l, r, bits.getFloat32(0));
  }
  return sum;
}

/** Returns the entry's loss, as it is summed. */
function moveEntry(problem: BlockProblem, step: Step, l: number, r: number, value: number): number {
  const { left, right, stateWidth, loss, delta } = problem;
  const score = scoreOf(problem, l, r);
  const z = -lossSlope(loss, value, score, delta);
  const x = rowOf(left, l).slice();
  const y = rowOf(right, r).slice();
  moveRow(problem, step, left, l, y, z);
  moveRow(problem, step, right, r, x, z);
  if (left.biased) moveBias(step, left, l * stateWidth, z);
  if (right.biased) moveBias(step, right, r * stateWidth, z);
  return loss === "squared" ? (value - score) ** 2 : lossAt(loss, value, score, delta);
}

export function scoreOf({ left, right, stateWidth, offset }: BlockProblem, l: number, r: number): number {
  const [x, y] = [left.table, right.table];
  const [xFrom, yFrom] = [l * x.stride, r * y.stride];
  let score = offset;
  if (left.biased) score += left.state[l * stateWidth + STATE.bias];
  if (right.biased) score += right.state[r * stateWidth + STATE.bias];
  for (let k = 0; k < x.rank; k++) score += x.data[xFrom + k] * y.data[yFrom + k];
  return score;
}

function rowOf({ table }: BlockSide, row: number) {
  return table.data.subarray(row * table.stride, row * table.stride + table.rank);
}

/** The learners of one row. @param other the other row's old values */
function moveRow(
  { stateWidth, nonNegative }: BlockProblem,
  { rate, slowOnly }: Step,
  side: BlockSide,
  row: number,
  other: ArrayLike<number>,
  z: number,
): void {
  const x = rowOf(side, row);
  const learners = [
    { sum: STATE.slow, from: 0, to: Math.min(BLOCK_SLOW, x.length) },
    { sum: STATE.fast, from: BLOCK_SLOW, to: slowOnly ? 0 : x.length },
  ];
  for (const { sum, from, to } of learners) {
    if (from >= to) continue;
    const at = row * stateWidth + sum;
    const own = rate / Math.sqrt(side.state[at]);
    let squares = 0;
    for (let k = from; k < to; k++) {
      const g = side.regularization * x[k] - z * other[k];
      squares += g * g;
      x[k] = shaped(x[k] - own * g, own * side.regularizationL1, nonNegative);
    }
    side.state[at] += squares / (to - from);
  }
}

function shaped(x: number, threshold: number, nonNegative: boolean): number {
  const size = Math.max(0, Math.abs(x) - threshold);
  return x < 0 ? (nonNegative ? 0 : -size) : size;
}

function moveBias({ rate }: Step, { state, biasRegularization }: BlockSide, at: number, z: number): void {
  const b = state[at + STATE.bias];
  const g = biasRegularization * b - z;
  state[at + STATE.bias] = b - (rate / Math.sqrt(state[at + STATE.biasSum])) * g;
  state[at + STATE.biasSum] += g * g;
}

/** The loss of an entry. @param delta of huber */
export function lossAt(loss: BlockLoss, value: number, score: number, delta: number): number {
  const error = Math.abs(value - score);
  switch (loss) {
    case "squared":
      return error ** 2 / 2;
    case "absolute":
      return error;
    case "huber":
      return error <= delta ? error ** 2 / 2 : delta * (error - delta / 2);
    case "logistic": {
      const margin = value > 0 ? score : -score;
      return logarithm(1 + exponential(-Math.abs(margin))) + Math.max(0, -margin);
    }
    case "kl":
      if (KL_RANGE * score < value) return value * logarithm(KL_RANGE) - (KL_RANGE - 1) * score;
      return (value > 0 ? value * logarithm(value / score) : 0) - value + score;
    default:
      return loss satisfies never;
  }
}

/** ∂loss/∂score; 0 where `absolute` has none. */
export function lossSlope(loss: BlockLoss, value: number, score: number, delta: number): number {
  const error = score - value;
  switch (loss) {
    case "squared":
      return error;
    case "absolute":
      return Math.sign(error);
    case "huber":
      return Math.max(-delta, Math.min(delta, error));
    case "logistic":
      return value > 0 ? -1 / (1 + exponential(score)) : 1 / (1 + exponential(-score));
    case "kl":
      if (KL_RANGE * score < value) return 1 - KL_RANGE;
      return value > 0 ? 1 - value / score : 1;
    default:
      return loss satisfies never;
  }
}
