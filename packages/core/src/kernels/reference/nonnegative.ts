/** Rows of non-negative factors in double precision: the definition of nonnegative.ts. */
import { numberAt } from "../entries.ts";
import type { NonNegativeRows } from "../nonnegative.ts";

export function nonNegativeRows(problem: NonNegativeRows): void {
  const { rule, out, entries } = problem;
  const { rank } = out;
  const b = new Float64Array(rank);
  const a = new Float64Array(rank * rank);
  for (let row = 0; row < out.rows; row++) {
    const x = out.data.subarray(row * out.stride, row * out.stride + rank);
    if (entries.start[row] === entries.start[row + 1]) {
      x.fill(0);
      continue;
    }
    normal(problem, row, a, b);
    const penalty = problem.regularization[row];
    if (rule === "coordinates") descend(a, b, penalty, x);
    else multiply(a, b, penalty, x);
  }
}

/** A and b of a row. */
function normal(problem: NonNegativeRows, row: number, a: Float64Array, b: Float64Array): void {
  const { fixed, entries, value, gram } = problem;
  const { rank, stride, data } = fixed;
  a.fill(0);
  b.fill(0);
  for (let e = entries.start[row]; e < entries.start[row + 1]; e++) {
    const y = entries.index[e] * stride;
    for (let k = 0; k < rank; k++) {
      b[k] += numberAt(value, e) * data[y + k];
      for (let l = 0; l < rank; l++) a[k * rank + l] += data[y + k] * data[y + l];
    }
  }
  if (gram === undefined) return;
  for (let k = 0; k < rank; k++) for (let l = 0; l < rank; l++) a[k * rank + l] = gram[k * stride + l];
}

function descend(a: Float64Array, b: Float64Array, penalty: number, out: Float32Array): void {
  const rank = b.length;
  const x = Float64Array.from(out);
  for (let k = 0; k < rank; k++) {
    let slope = penalty * x[k] - b[k];
    for (let l = 0; l < rank; l++) slope += a[k * rank + l] * x[l];
    const divisor = a[k * rank + k] + penalty;
    if (divisor > 0) x[k] = Math.max(0, x[k] - slope / divisor);
  }
  out.set(x);
}

function multiply(a: Float64Array, b: Float64Array, penalty: number, out: Float32Array): void {
  const rank = b.length;
  const x = Float64Array.from(out);
  for (let k = 0; k < rank; k++) {
    let divisor = penalty * x[k];
    for (let l = 0; l < rank; l++) divisor += a[k * rank + l] * x[l];
    if (divisor > 0) out[k] = (x[k] * b[k]) / divisor;
  }
}
