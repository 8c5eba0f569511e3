/** Each row's share of the objective without its penalty: a row problem in, one figure per row out. */
import { numberAt } from "../entries.ts";
import type { ExplicitRows, ImplicitRows, RowProblem } from "../kernels.ts";
import { dotRows } from "./rows.ts";

export function rowLoss(problem: RowProblem, out: Float64Array): void {
  for (let row = 0; row < problem.out.rows; row++) {
    out[row] = problem.kind === "explicit" ? explicitLoss(problem, row) : implicitLoss(problem, row);
  }
}

function explicitLoss(problem: ExplicitRows, row: number): number {
  const { entries, value, offset, fixed, fixedBias, out, outBias } = problem;
  const own = offset + (outBias === undefined ? 0 : outBias[row]);
  let sum = 0;
  for (let e = entries.start[row]; e < entries.start[row + 1]; e++) {
    const j = entries.index[e];
    const error = numberAt(value, e) - own - (fixedBias === undefined ? 0 : fixedBias[j]) - dotRows(out, row, fixed, j);
    sum += error * error;
  }
  return sum;
}

function implicitLoss(problem: ImplicitRows, row: number): number {
  const { entries, confidence, overlap, fixed, out, gram, unobservedWeight } = problem;
  let sum = 0;
  for (let e = entries.start[row]; e < entries.start[row + 1]; e++) {
    const score = dotRows(out, row, fixed, entries.index[e]);
    sum += numberAt(confidence, e) * (1 - score) ** 2 - overlap * score * score;
  }
  let everywhere = 0;
  const { rank, stride, data } = out;
  for (let a = 0; a < rank; a++) {
    for (let b = 0; b < rank; b++) everywhere += data[row * stride + a] * gram[a * stride + b] * data[row * stride + b];
  }
  return sum + unobservedWeight * everywhere;
}
