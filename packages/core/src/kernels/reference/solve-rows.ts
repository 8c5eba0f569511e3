/**
 * One half-sweep: a row problem in, its `out` rows (and biases) solved. Writes each row's system out and solves it densely.
 *
 * Sources: Zhou et al., AAIM 2008 (explicit); Hu, Koren & Volinsky, ICDM 2008 (implicit); conjugate gradient inside ALS:
 * Takács, Pilászy & Tikk, RecSys 2011; subspaces: Rendle et al. (iALS++), 2021. Cost: O(entries·k² + rows·k³) for all solvers.
 */
import type { RowProblem, RowSolver, UnstableRow } from "../kernels.ts";
import { isSolvedWhole } from "../subspace.ts";
import { type BadPivot, choleskyF64, dotF64, multiplyF64, solveCholeskyF64 } from "./dense.ts";
import { type RowSystem, systemSize, writeCommon, writeSystem } from "./rows.ts";

/** Conjugate gradient stops early when the squared residual fell by this factor: f32 tables can hold no more. */
const CG_ENOUGH = 2 ** -44;

export function solveRows(problem: RowProblem, solver: RowSolver): UnstableRow | undefined {
  const n = systemSize(problem);
  const system: RowSystem = { n, a: new Float64Array(n * n), rhs: new Float64Array(n) };
  const x = new Float64Array(n);
  let precondition: Float64Array | undefined;
  if (solver.kind === "cg" && problem.kind === "implicit") {
    const common = commonFactor(problem);
    if (common === undefined) return emptyRows(problem, x);
    if ("pivot" in common) return emptyRows(problem, x, common);
    precondition = common.factor;
  }
  let unstable: UnstableRow | undefined;
  for (let row = 0; row < problem.out.rows; row++) {
    x.fill(0);
    if (isEmpty(problem, row)) {
      writeRow(problem, row, x);
      continue;
    }
    writeSystem(problem, row, system);
    if (solver.kind !== "cholesky") readStart(problem, row, x);
    const bad = solve(problem, row, solver, system, precondition, x);
    if (bad === undefined) writeRow(problem, row, x);
    else unstable ??= { row, ...bad };
  }
  return unstable;
}

function solve(
  problem: RowProblem,
  row: number,
  solver: RowSolver,
  system: RowSystem,
  precondition: Float64Array | undefined,
  x: Float64Array,
): BadPivot | undefined {
  switch (solver.kind) {
    case "cholesky":
      return exact(system, x);
    case "cg":
      return conjugate(system, precondition, solver.steps, x);
    case "subspace":
      if (isSolvedWhole(problem, row, solver.blockSize)) return exact(system, x);
      return blocks(system, problem.out.rank, solver.blockSize, x);
    default:
      return solver satisfies never;
  }
}

function exact({ n, a, rhs }: RowSystem, x: Float64Array): BadPivot | undefined {
  const bad = choleskyF64(a, n);
  if (bad !== undefined) return bad;
  x.set(rhs);
  solveCholeskyF64(a, n, x);
  return undefined;
}

/** One round over the blocks of columns, each solved for the change that is best while the others stand, a bias with each. */
function blocks({ n, a, rhs }: RowSystem, rank: number, blockSize: number, x: Float64Array): BadPivot | undefined {
  for (let first = 0; first < rank; first += blockSize) {
    const columns = Array.from({ length: Math.min(blockSize, rank - first) }, (_, i) => first + i);
    if (n > rank) columns.push(rank);
    const size = columns.length;
    const part = new Float64Array(size * size);
    const change = new Float64Array(size);
    for (const [i, column] of columns.entries()) {
      change[i] = rhs[column] - dotF64(a.subarray(column * n, (column + 1) * n), x);
      for (const [j, other] of columns.entries()) part[i * size + j] = a[column * n + other];
    }
    const bad = choleskyF64(part, size);
    if (bad !== undefined) return { pivot: columns[bad.pivot], value: bad.value };
    solveCholeskyF64(part, size, change);
    for (const [i, column] of columns.entries()) x[column] += change[i];
  }
  return undefined;
}

/** `steps` conjugate gradient steps from x, preconditioned by m = l·lᵀ when given. A bad "pivot" is the step's number. */
function conjugate(
  { n, a, rhs }: RowSystem,
  l: Float64Array | undefined,
  steps: number,
  x: Float64Array,
): BadPivot | undefined {
  const product = new Float64Array(n);
  multiplyF64(a, n, x, product);
  const residual = rhs.map((value, i) => value - product[i]);
  const preconditioned = () => {
    const z = residual.slice();
    if (l !== undefined) solveCholeskyF64(l, n, z);
    return z;
  };
  let z = preconditioned();
  const direction = z.slice();
  const first = dotF64(residual, z);
  let size = first;
  for (let step = 0; step < steps && size > CG_ENOUGH * first; step++) {
    multiplyF64(a, n, direction, product);
    const curvature = dotF64(direction, product);
    if (!(curvature > 0 && curvature < Number.POSITIVE_INFINITY)) return { pivot: step, value: curvature };
    const length = size / curvature;
    for (let i = 0; i < n; i++) {
      x[i] += length * direction[i];
      residual[i] -= length * product[i];
    }
    z = preconditioned();
    const next = dotF64(residual, z);
    for (let i = 0; i < n; i++) direction[i] = z[i] + (next / size) * direction[i];
    size = next;
  }
  return undefined;
}

/** The factor of w·G + min(regularization)·I over rows with entries; undefined when there is no such row. */
function commonFactor(problem: RowProblem & { kind: "implicit" }): { factor: Float64Array } | BadPivot | undefined {
  let least = Number.POSITIVE_INFINITY;
  for (let row = 0; row < problem.out.rows; row++) {
    if (!isEmpty(problem, row)) least = Math.min(least, problem.regularization[row]);
  }
  if (least === Number.POSITIVE_INFINITY) return undefined;
  const factor = new Float64Array(problem.fixed.rank ** 2);
  writeCommon(problem, least, factor);
  return choleskyF64(factor, problem.fixed.rank) ?? { factor };
}

/** Only rows without entries can be solved: they become zero. The first other row is the one to report. */
function emptyRows(problem: RowProblem, zeros: Float64Array, bad?: BadPivot): UnstableRow | undefined {
  let unstable: UnstableRow | undefined;
  for (let row = 0; row < problem.out.rows; row++) {
    if (isEmpty(problem, row)) writeRow(problem, row, zeros);
    else if (bad !== undefined) unstable ??= { row, ...bad };
  }
  return unstable;
}

function isEmpty(problem: RowProblem, row: number): boolean {
  return problem.entries.start[row] === problem.entries.start[row + 1];
}

function readStart(problem: RowProblem, row: number, x: Float64Array): void {
  const { data, stride, rank } = problem.out;
  for (let i = 0; i < rank; i++) x[i] = data[row * stride + i];
  if (problem.kind === "explicit" && problem.outBias !== undefined) x[rank] = problem.outBias[row];
}

function writeRow(problem: RowProblem, row: number, x: Float64Array): void {
  const { data, stride, rank } = problem.out;
  for (let i = 0; i < rank; i++) data[row * stride + i] = x[i];
  if (problem.kind === "explicit" && problem.outBias !== undefined) problem.outBias[row] = x[rank];
}
