/**
 * Sums over the records of sgd in blocks, in plain TypeScript and f64: the squared error of some, and, once at the end of a training, the slope of
 * the cost over all ratings: Σ loss + ½ Σ over both rows of every rating (λ |x|² + λ_b b²).
 */
import { type BlockProblem, type BlockSide, lossAt, lossSlope, STATE, scoreOf } from "../kernels/index.ts";
import { nextTurn, turnIsOver } from "../support/index.ts";
import type { BlockUnit } from "./block-options.ts";
import type { Slope } from "./certificate.ts";

const bits = new DataView(new ArrayBuffer(4));

/** Records between looks at the clock. */
const TURN_RECORDS = 2048;

/** Calls `visit` with rows and value of every `step`th record of a block from `first` to `end` - 1. */
function visitBlock(
  { grid, record }: BlockProblem,
  block: number,
  visit: (left: number, right: number, value: number) => void,
  first: number,
  end: number,
  step = 1,
): void {
  const leftFirst = Math.floor(block / grid.rightBlocks) * grid.leftRows;
  const rightFirst = (block % grid.rightBlocks) * grid.rightRows;
  for (let entry = first; entry < end; entry += step) {
    bits.setUint32(0, record[2 * entry + 1]);
    visit(leftFirst + (record[2 * entry] & 0xffff), rightFirst + (record[2 * entry] >>> 16), bits.getFloat32(0));
  }
}

/** Mean of (v − s)² over every `step`th record, in kernel memory's unit. */
export function meanSquaredError(problem: BlockProblem, step: number): number {
  const { blockStart } = problem;
  let sum = 0;
  let count = 0;
  const add = (l: number, r: number, value: number) => {
    sum += (value - scoreOf(problem, l, r)) ** 2;
    count++;
  };
  for (let block = 0; block + 1 < blockStart.length; block++) {
    visitBlock(problem, block, add, Math.ceil(blockStart[block] / step) * step, blockStart[block + 1], step);
  }
  return sum / count;
}

/** Gradients of one side in kernel memory's unit: of its factors, in the table's own layout, and of its biases. */
interface Gradient {
  readonly side: BlockSide;
  readonly factors: Float64Array;
  readonly bias: Float64Array;
}

const gradientOf = (side: BlockSide): Gradient => ({
  side,
  factors: new Float64Array(side.table.data.length),
  bias: new Float64Array(side.table.rows),
});

/** @param atTurn called whenever others had their turn; what it throws ends the work */
export async function blockSlope(problem: BlockProblem, unit: BlockUnit, atTurn: () => void): Promise<Slope> {
  const { left, right, loss, delta, stateWidth, blockStart } = problem;
  const [ofLeft, ofRight] = [gradientOf(left), gradientOf(right)];
  let cost = 0;
  const add = (l: number, r: number, value: number) => {
    const score = scoreOf(problem, l, r);
    const slope = lossSlope(loss, value, score, delta);
    cost += lossAt(loss, value, score, delta);
    cost += addRow(ofLeft, l, right, r, slope, stateWidth) + addRow(ofRight, r, left, l, slope, stateWidth);
  };
  for (let block = 0; block + 1 < blockStart.length; block++) {
    const end = blockStart[block + 1];
    for (let from = blockStart[block]; from < end; from += TURN_RECORDS) {
      visitBlock(problem, block, add, from, Math.min(end, from + TURN_RECORDS));
      if (!turnIsOver()) continue;
      await nextTurn();
      atTurn();
    }
  }
  // A step of 1 of a number in the ratings' unit is one of 1/factor here, and costs `cost` times as much.
  let [norm, size] = [0, 0];
  for (const { side, factors, bias } of [ofLeft, ofRight]) {
    const { data, rows } = side.table;
    for (let i = 0; i < factors.length; i++) {
      norm += ((unit.cost / unit.factor) * factors[i]) ** 2;
      size += (unit.factor * data[i]) ** 2;
    }
    if (!side.biased) continue;
    for (let row = 0; row < rows; row++) {
      norm += ((unit.cost / unit.rating) * bias[row]) ** 2;
      size += (unit.rating * side.state[row * stateWidth + STATE.bias]) ** 2;
    }
  }
  return { norm: Math.sqrt(norm), cost: unit.cost * cost, size: Math.sqrt(size) };
}

/** One rating's part of a row's gradient. Returns the penalty that it pays for the row. */
function addRow(
  { side, factors, bias }: Gradient,
  row: number,
  other: BlockSide,
  otherRow: number,
  slope: number,
  stateWidth: number,
): number {
  const { data, rank, stride } = side.table;
  const [from, otherFrom] = [row * stride, otherRow * other.table.stride];
  let squares = 0;
  for (let k = 0; k < rank; k++) {
    const x = data[from + k];
    squares += x * x;
    factors[from + k] += slope * other.table.data[otherFrom + k] + side.regularization * x;
  }
  let penalty = (side.regularization * squares) / 2;
  if (side.biased) {
    const b = side.state[row * stateWidth + STATE.bias];
    bias[row] += slope + side.biasRegularization * b;
    penalty += (side.biasRegularization * b * b) / 2;
  }
  return penalty;
}
