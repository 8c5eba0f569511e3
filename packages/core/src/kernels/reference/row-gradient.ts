/** The squared length of each row's gradient: a row problem in, one figure per row out. */
import type { RowProblem } from "../kernels.ts";
import { multiplyF64 } from "./dense.ts";
import { systemSize, writeSystem } from "./rows.ts";

/** The gradient of a row is twice the residual of its normal equations, 2 (A x − rhs). */
export function rowGradients(problem: RowProblem, out: Float64Array): void {
  const n = systemSize(problem);
  const system = { n, a: new Float64Array(n * n), rhs: new Float64Array(n) };
  const x = new Float64Array(n);
  const image = new Float64Array(n);
  const { data, stride, rank, rows } = problem.out;
  for (let row = 0; row < rows; row++) {
    writeSystem(problem, row, system);
    for (let i = 0; i < rank; i++) x[i] = data[row * stride + i];
    if (problem.kind === "explicit" && problem.outBias !== undefined) x[rank] = problem.outBias[row];
    multiplyF64(system.a, n, x, image);
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (2 * (image[i] - system.rhs[i])) ** 2;
    out[row] = sum;
  }
}
