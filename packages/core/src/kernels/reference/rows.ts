/**
 * The dense system of one row, written out: what `solveRows` solves and what tests may compare with.
 *
 * Explicit with a bias is a bordered system of k + 1 unknowns, the bias last: its feature is the constant 1.
 */
import { numberAt } from "../entries.ts";
import type { ExplicitRows, ImplicitRows, RowProblem, Table } from "../kernels.ts";

/** a · x = rhs with a symmetric, f64[n × n]. */
export interface RowSystem {
  readonly n: number;
  readonly a: Float64Array;
  readonly rhs: Float64Array;
}

export function systemSize(problem: RowProblem): number {
  return problem.out.rank + (problem.kind === "explicit" && problem.outBias !== undefined ? 1 : 0);
}

/** Writes the normal equations of `row` into `system`. */
export function writeSystem(problem: RowProblem, row: number, system: RowSystem): void {
  system.a.fill(0);
  system.rhs.fill(0);
  switch (problem.kind) {
    case "explicit":
      writeExplicit(problem, row, system);
      return;
    case "implicit":
      writeImplicit(problem, row, system);
      return;
    default:
      problem satisfies never;
  }
}

function writeExplicit(problem: ExplicitRows, row: number, { n, a, rhs }: RowSystem): void {
  const { fixed, fixedBias, entries, value, offset, regularization, biasRegularization } = problem;
  const k = fixed.rank;
  const feature = new Float64Array(n).fill(1);
  for (let e = entries.start[row]; e < entries.start[row + 1]; e++) {
    const j = entries.index[e];
    readRow(fixed, j, feature);
    addOuter(a, n, feature, 1);
    addTimes(rhs, feature, numberAt(value, e) - offset - (fixedBias === undefined ? 0 : fixedBias[j]));
  }
  for (let i = 0; i < k; i++) a[i * n + i] += regularization[row];
  if (biasRegularization !== undefined) a[k * n + k] += biasRegularization[row];
}

function writeImplicit(problem: ImplicitRows, row: number, { n, a, rhs }: RowSystem): void {
  const { fixed, entries, confidence, overlap, regularization } = problem;
  writeCommon(problem, regularization[row], a);
  const feature = new Float64Array(n);
  for (let e = entries.start[row]; e < entries.start[row + 1]; e++) {
    readRow(fixed, entries.index[e], feature);
    const weight = numberAt(confidence, e);
    addOuter(a, n, feature, weight - overlap);
    addTimes(rhs, feature, weight);
  }
}

/** a = w·G + regularization·I: the part of an implicit system that does not depend on the row's entries. */
export function writeCommon(problem: ImplicitRows, regularization: number, a: Float64Array): void {
  const { gram, unobservedWeight, fixed } = problem;
  const n = fixed.rank;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) a[i * n + j] = unobservedWeight * gram[i * fixed.stride + j];
    a[i * n + i] += regularization;
  }
}

/** Copies row `row` of a table into the first `rank` places of `into`. */
function readRow(table: Table, row: number, into: Float64Array): void {
  for (let i = 0; i < table.rank; i++) into[i] = table.data[row * table.stride + i];
}

/** The product of two rows of tables of equal rank, in double precision. */
export function dotRows(left: Table, leftRow: number, right: Table, rightRow: number): number {
  let sum = 0;
  for (let i = 0; i < left.rank; i++) {
    sum += left.data[leftRow * left.stride + i] * right.data[rightRow * right.stride + i];
  }
  return sum;
}

function addOuter(a: Float64Array, n: number, y: Float64Array, weight: number): void {
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) a[i * n + j] += weight * y[i] * y[j];
}

function addTimes(out: Float64Array, y: Float64Array, weight: number): void {
  for (let i = 0; i < out.length; i++) out[i] += weight * y[i];
}
