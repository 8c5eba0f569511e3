/** Shapes of descent problems (descent.ts), checked once at the door of every backend, as checks.ts does for the others. */
import { LowrankError, show } from "../support/index.ts";
import { atLeast, checkEntries, exactly, whole } from "./checks.ts";
import {
  arraysOf,
  type BatchProblem,
  type DescentProblem,
  type DescentSide,
  type Epochs,
  entryByEntry,
  type FullProblem,
  type Optimizer,
  type Steps,
  type Trained,
} from "./descent.ts";
import type { Reals, RealTable } from "./kernels.ts";

/** Without it a number that never had a gradient would become 0/0. */
const LEAST_EPSILON = 2 ** -126;

export function checkFull(who: string, problem: FullProblem): void {
  const count = checkProblem(who, problem);
  const { left, right, across, place, complete } = problem;
  const leftRows = left.factors.table.rows;
  const rightRows = right.factors.table.rows;
  checkGradients(who, problem);
  exactly(who, "value.length", problem.value.length, count);
  exactly(who, "error.length", problem.error.length, count);
  atLeast(who, "rowSum.length", problem.rowSum.length, 2 * (leftRows + rightRows));
  if (complete) exactly(who, "entries of a complete problem", count, leftRows * rightRows);
  if ((across === undefined) !== complete || (place === undefined) !== complete) {
    throw new LowrankError("shape", `${who}: across and place must be given exactly when the problem is not complete`);
  }
  if (across === undefined || place === undefined) return;
  exactly(who, "entries of across", checkEntries(who, "across", across, rightRows), count);
  atLeast(who, "place.length", place.length, count);
}

export function checkSteps(problem: FullProblem, steps: Steps, losses: Float64Array): void {
  checkFull("descend", problem);
  checkMoves("descend", problem, steps);
  exactly("descend", "rates.length", steps.rates.length, losses.length);
}

export function checkEpochs(problem: BatchProblem, epochs: Epochs, sums: Float64Array): void {
  const who = "epochs";
  const count = checkProblem(who, problem);
  const { left, right, batchSize, order } = problem;
  const rows = left.factors.table.rows + right.factors.table.rows;
  whole(who, "batchSize", batchSize, 1);
  atLeast(who, "value.length", problem.value.length, count);
  atLeast(who, "leftRow.length", problem.leftRow.length, count);
  exactly(who, "rightCount.length", problem.rightCount.length, right.factors.table.rows);
  if (order.length !== count) exactly(who, "order.length", order.length, count * sums.length);
  if (epochs.rates.length !== sums.length) {
    exactly(who, "rates.length", epochs.rates.length, Math.ceil(count / batchSize) * sums.length);
  }
  atLeast(who, "share.length", problem.share.length, rows + batchSize);
  checkMoves(who, problem, epochs);
  if (entryByEntry(batchSize, epochs)) return;
  if (problem.update === "alternately") {
    throw new LowrankError("shape", `${who}: alternately needs batches of one entry, plain sgd and no clipping`);
  }
  checkGradients(who, problem);
  atLeast(who, "touched.length", problem.touched.length, rows + 2 * batchSize);
}

/** @returns the number of entries */
function checkProblem(who: string, { left, right, entries }: DescentProblem): number {
  exactly(who, "right rank", right.factors.table.rank, left.factors.table.rank);
  for (const side of [left, right]) {
    const { factors, bias } = side;
    checkTableValue(who, "factors", factors.value, factors.table);
    if (bias !== undefined) exactly(who, "bias.value.length", bias.value.length, factors.table.rows);
  }
  return checkEntries(who, "entries", entries, left.factors.table.rows);
}

function checkGradients(who: string, problem: DescentProblem): void {
  for (const [name, { value, gradient }] of trainedOf(problem)) {
    exactly(who, `${name}.gradient.length`, gradient.length, value.length);
  }
}

function checkMoves(
  who: string,
  problem: DescentProblem,
  { optimizer, done, clipNorm }: { optimizer: Optimizer; done: number; clipNorm: number | undefined },
): void {
  if (clipNorm !== undefined && !(clipNorm > 0)) {
    throw new LowrankError("shape", `${who}: clipNorm must be above 0, got ${show(clipNorm)}`);
  }
  checkOptimizer(who, optimizer, done, trainedOf(problem));
}

/** @param done steps made before; @param moved what is to move, by name */
export function checkOptimizer(
  who: string,
  optimizer: Optimizer,
  done: number,
  moved: readonly (readonly [string, Pick<Trained, "value" | "first" | "second">])[],
): void {
  whole(who, "done", done, 0);
  if ("epsilon" in optimizer && !(optimizer.epsilon >= LEAST_EPSILON)) {
    const what = `${who}: epsilon must be at least 2⁻¹²⁶, the smallest normal f32, got ${show(optimizer.epsilon)}`;
    throw new LowrankError("shape", what);
  }
  const { first, second } = arraysOf(optimizer);
  for (const [name, numbers] of moved) {
    if (first) exactly(who, `${name}.first.length`, numbers.first.length, numbers.value.length);
    if (second) exactly(who, `${name}.second.length`, numbers.second.length, numbers.value.length);
  }
}

/** The numbers of a table are those that move. */
export function checkTableValue(who: string, name: string, value: Reals, { rows, stride, data }: RealTable): void {
  exactly(who, `${name}.value.length`, value.length, rows * stride);
  if (value.byteOffset === data.byteOffset && value.buffer === data.buffer) return;
  throw new LowrankError("shape", `${who}: ${name}.value must be ${name}.table.data`);
}

function trainedOf({ left, right }: DescentProblem): [string, Trained][] {
  const of = (name: string, { factors, bias }: DescentSide): [string, Trained][] =>
    bias === undefined
      ? [[`${name} factors`, factors]]
      : [
          [`${name} factors`, factors],
          [`${name} bias`, bias],
        ];
  return [...of("left", left), ...of("right", right)];
}
