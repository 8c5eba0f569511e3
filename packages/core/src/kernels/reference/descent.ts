/**
 * Gradient descent with all entries: a problem in, its loss, its gradients, or its tables some steps further out.
 * The formulas are in ../descent.ts, here they are written down as they stand.
 */
import type { DescentProblem, DescentSide, FullProblem, Objective, Steps, Trained } from "../descent.ts";
import { mover } from "./optimizer.ts";

export function loss(problem: FullProblem): number {
  const { error, entries, left } = problem;
  for (let l = 0; l < left.factors.table.rows; l++) {
    for (let e = entries.start[l]; e < entries.start[l + 1]; e++) error[e] = errorOf(problem, l, e);
  }
  const data = dataLoss(problem.objective, squares(error), error.length);
  return data + penaltyScale(problem.objective) * (penalty(problem.left) + penalty(problem.right));
}

export function gradients(problem: FullProblem): void {
  const { error, entries, left, right, objective } = problem;
  const scale = dataScale(objective, squares(error), error.length);
  for (const side of [left, right]) {
    const own = 2 * penaltyScale(objective);
    for (let i = 0; i < side.factors.value.length; i++) {
      side.factors.gradient[i] = own * side.regularization * side.factors.value[i];
    }
    if (side.bias === undefined) continue;
    for (let i = 0; i < side.bias.value.length; i++) {
      side.bias.gradient[i] = own * side.biasRegularization * side.bias.value[i];
    }
  }
  for (let l = 0; l < left.factors.table.rows; l++) {
    for (let e = entries.start[l]; e < entries.start[l + 1]; e++) {
      const r = entries.index[e];
      addRow(left.factors, l, scale * error[e], right.factors, r);
      addRow(right.factors, r, scale * error[e], left.factors, l);
      if (left.bias !== undefined) left.bias.gradient[l] += scale * error[e];
      if (right.bias !== undefined) right.bias.gradient[r] += scale * error[e];
    }
  }
}

export function descend(problem: FullProblem, steps: Steps, losses: Float64Array): number {
  const trained = trainedOf(problem);
  for (let step = 0; step < losses.length; step++) {
    gradients(problem);
    if (steps.clipNorm !== undefined) clip(trained, steps.clipNorm);
    const move = mover(steps.optimizer, steps.rates[step], steps.done + step + 1);
    for (const numbers of trained) for (let i = 0; i < numbers.value.length; i++) move(numbers, i);
    losses[step] = loss(problem);
    if (!Number.isFinite(losses[step])) return step + 1;
  }
  return losses.length;
}

/** Everything that moves. */
export function trainedOf({ left, right }: DescentProblem): Trained[] {
  return [left.factors, right.factors, left.bias, right.bias].filter((numbers) => numbers !== undefined);
}

/** The error of entry `e`, which is in left row `l`. */
export function errorOf({ left, right, offset, entries, value }: DescentProblem, l: number, e: number): number {
  const r = entries.index[e];
  const a = left.factors.table;
  const b = right.factors.table;
  let score = offset + (left.bias?.value[l] ?? 0) + (right.bias?.value[r] ?? 0);
  for (let i = 0; i < a.rank; i++) score += a.data[l * a.stride + i] * b.data[r * b.stride + i];
  return score - value[e];
}

/** The part of the objective that the errors make, from the sum of their squares over `count` entries. */
function dataLoss(objective: Objective, squareSum: number, count: number): number {
  switch (objective) {
    case "norm":
      return Math.sqrt(squareSum);
    case "sum":
      return squareSum;
    case "half":
      return squareSum / 2;
    case "mean":
      return count === 0 ? 0 : squareSum / count;
    default:
      return objective satisfies never;
  }
}

/** What an error is multiplied by in the gradient: the derivative of `dataLoss` by an error, over the error. */
export function dataScale(objective: Objective, squareSum: number, count: number): number {
  switch (objective) {
    case "norm":
      return squareSum === 0 ? 0 : 1 / Math.sqrt(squareSum);
    case "sum":
      return 2;
    case "half":
      return 1;
    case "mean":
      return count === 0 ? 0 : 2 / count;
    default:
      return objective satisfies never;
  }
}

export function penaltyScale(objective: Objective): number {
  return objective === "half" ? 1 / 2 : 1;
}

/** Scales gradients down, all alike, when their joint length is above `most`. */
function clip(trained: readonly Trained[], most: number): void {
  const length = Math.sqrt(trained.reduce((sum, { gradient }) => sum + squares(gradient), 0));
  if (!(length > most)) return;
  for (const { gradient } of trained) for (let i = 0; i < gradient.length; i++) gradient[i] *= most / length;
}

/** out[row] += weight · from[fromRow], gradient and values. */
export function addRow(
  { gradient }: Trained,
  row: number,
  weight: number,
  from: DescentSide["factors"],
  fromRow: number,
): void {
  const { rank, stride } = from.table;
  for (let i = 0; i < rank; i++) gradient[row * stride + i] += weight * from.value[fromRow * stride + i];
}

function penalty({ factors, bias, regularization, biasRegularization }: DescentSide): number {
  return regularization * squares(factors.value) + biasRegularization * squares(bias?.value ?? []);
}

function squares(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return sum;
}
