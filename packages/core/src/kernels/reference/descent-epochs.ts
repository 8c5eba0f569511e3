/**
 * Gradient descent by batches: a problem and an order in, its tables some passes further out, and the sum of the squared
 * errors met on the way. A batch's loss is written in ../descent.ts.
 */
import type { BatchProblem, DescentSide, Epochs, Trained } from "../descent.ts";
import { addRow, dataScale, errorOf, penaltyScale } from "./descent.ts";
import { type Move, mover } from "./optimizer.ts";

export function epochs(given: BatchProblem, settings: Epochs, sums: Float64Array): number {
  const problem: BatchProblem = { ...given, left: withGradient(given.left), right: withGradient(given.right) };
  const { batchSize, order, entries, left, share, rightCount } = problem;
  const count = entries.start[left.factors.table.rows];
  const batches = Math.ceil(count / batchSize);
  const leftRows = left.factors.table.rows;
  for (let l = 0; l < leftRows; l++) share[l] = 1 / (entries.start[l + 1] - entries.start[l]);
  for (let r = 0; r < rightCount.length; r++) share[leftRows + r] = 1 / rightCount[r];
  for (let epoch = 0; epoch < sums.length; epoch++) {
    sums[epoch] = 0;
    const first = order.length === count ? 0 : epoch * count;
    for (let batch = 0; batch < batches; batch++) {
      const made = epoch * batches + batch;
      const rate = settings.rates[settings.rates.length === sums.length ? epoch : made];
      const from = first + batch * batchSize;
      const taken = order.subarray(from, Math.min(from + batchSize, first + count));
      const step: BatchStep = {
        settings,
        move: mover(settings.optimizer, rate, settings.done + made + 1),
        rate,
        count,
      };
      sums[epoch] +=
        problem.update === "alternately" ? oneAlternately(problem, step, taken) : batchOf(problem, step, taken);
    }
    if (!Number.isFinite(sums[epoch])) return epoch + 1;
  }
  return sums.length;
}

/** The side with gradients of its own, which the problem has not where `entryByEntry`. */
function withGradient(side: DescentSide): DescentSide {
  const bias = side.bias && { ...side.bias, gradient: new Float64Array(side.bias.value.length) };
  return { ...side, bias, factors: { ...side.factors, gradient: new Float64Array(side.factors.value.length) } };
}

interface BatchStep {
  readonly settings: Epochs;
  readonly move: Move;
  readonly rate: number;
  /** Entries of the whole problem */
  readonly count: number;
}

/** One batch; returns Σ error². */
function batchOf(problem: BatchProblem, { settings, move, count }: BatchStep, taken: Uint32Array): number {
  const { left, right, leftRow, entries, objective, share } = problem;
  const leftRows = left.factors.table.rows;
  const errors = Array.from(taken, (e) => errorOf(problem, leftRow[e], e));
  const squareSum = errors.reduce((sum, error) => sum + error * error, 0);
  const scale = dataScale(objective, squareSum, taken.length);
  const own = ownScale(problem, count, taken.length);
  const lefts = new Set(Array.from(taken, (e) => leftRow[e]));
  const rights = new Set(Array.from(taken, (e) => entries.index[e]));
  for (const l of lefts) zeroGradient(left, l);
  for (const r of rights) zeroGradient(right, r);
  for (const [i, e] of taken.entries()) {
    const l = leftRow[e];
    const r = entries.index[e];
    addGradient(left, l, scale * errors[i], right, r, own * share[l]);
    addGradient(right, r, scale * errors[i], left, l, own * share[leftRows + r]);
  }
  if (settings.clipNorm !== undefined) clipRows(problem, lefts, rights, settings.clipNorm);
  for (const l of lefts) moveRow(left, l, move);
  for (const r of rights) moveRow(right, r, move);
  return squareSum;
}

/** One entry by plain sgd, the left row first; returns error². */
function oneAlternately(problem: BatchProblem, { move, count }: BatchStep, [e]: Uint32Array): number {
  const { left, right, leftRow, entries, objective, share } = problem;
  const l = leftRow[e];
  const r = entries.index[e];
  const error = errorOf(problem, l, e);
  const weight = dataScale(objective, error * error, 1) * error;
  const own = ownScale(problem, count, 1);
  zeroGradient(left, l);
  addGradient(left, l, weight, right, r, own * share[l]);
  moveRow(left, l, move);
  zeroGradient(right, r);
  addGradient(right, r, weight, left, l, own * share[left.factors.table.rows + r]);
  moveRow(right, r, move);
  return error * error;
}

/** What regularization · share · row is multiplied by in the gradient of a batch of m entries. */
function ownScale({ objective }: BatchProblem, count: number, m: number): number {
  return 2 * penaltyScale(objective) * (objective === "mean" ? count / m : 1);
}

function zeroGradient({ factors, bias }: DescentSide, row: number): void {
  const { stride } = factors.table;
  factors.gradient.fill(0, row * stride, (row + 1) * stride);
  bias?.gradient.fill(0, row, row + 1);
}

/** The gradient of one entry: its error times the other row, and its share of the row's penalty. */
function addGradient(
  side: DescentSide,
  row: number,
  weight: number,
  other: DescentSide,
  otherRow: number,
  share: number,
): void {
  addRow(side.factors, row, weight, other.factors, otherRow);
  addRow(side.factors, row, share * side.regularization, side.factors, row);
  if (side.bias === undefined) return;
  side.bias.gradient[row] += weight + share * side.biasRegularization * side.bias.value[row];
}

function moveRow({ factors, bias }: DescentSide, row: number, move: Move): void {
  const { rank, stride } = factors.table;
  for (let i = 0; i < rank; i++) move(factors, row * stride + i);
  if (bias !== undefined) move(bias, row);
}

function clipRows({ left, right }: BatchProblem, lefts: Set<number>, rights: Set<number>, most: number): void {
  const places = [...placesOf(left, lefts), ...placesOf(right, rights)];
  const length = Math.sqrt(places.reduce((sum, [{ gradient }, i]) => sum + gradient[i] ** 2, 0));
  if (length > most) for (const [{ gradient }, i] of places) gradient[i] *= most / length;
}

/** Every number of the given rows. */
function placesOf({ factors, bias }: DescentSide, rows: Set<number>): [Trained, number][] {
  const { rank, stride } = factors.table;
  return [...rows].flatMap((row) => {
    const places = Array.from({ length: rank }, (_, i): [Trained, number] => [factors, row * stride + i]);
    return bias === undefined ? places : [...places, [bias, row] as [Trained, number]];
  });
}
