/** Half-sweeps, and figures of each row: problems of kernels.ts in, jobs on a WebAssembly memory out. */
import { checkFigures, checkGram, checkRows, checkSolver } from "../checks.ts";
import type { ExplicitRows, ImplicitRows, RowProblem, RowSolver, Table, UnstableRow } from "../kernels.ts";
import { blockColumns, longestRow, subspaceScratch } from "../subspace.ts";
import type { RoutineName } from "./module.ts";
import * as plan from "./plan.ts";
import type { Runner } from "./runner.ts";

export const pitchOf = (table: Table) => 4 * table.stride;

export async function gram(runner: Runner, table: Table, out: Float32Array): Promise<void> {
  checkGram(table, out);
  plan.checkScratch("gram", plan.gramBytes(table.rows, table.rank), runner.sizes.sharedBytes);
  const parts = plan.gramPartCount(table.rows);
  const { shared } = runner.sizes;
  const { rows, rank, stride } = table;
  const target = runner.address(out);
  const args = [runner.address(table.data), rows, rank, pitchOf(table), shared, parts];
  await runner.run("gramParts", args, parts, (rows * stride * stride) / 2);
  runner.call("gramSum", [shared, parts, target, pitchOf(table)]);
}

export async function solveRows(
  runner: Runner,
  problem: RowProblem,
  solver: RowSolver,
): Promise<UnstableRow | undefined> {
  checkRows("solveRows", problem);
  checkSolver(problem, solver);
  plan.checkScratch("solveRows", plan.rowScratchBytes(problem.out.rank), runner.sizes.scratchBytes);
  runner.clearReports();
  switch (solver.kind) {
    case "cholesky":
      await (problem.kind === "explicit" ? solveExplicit(runner, problem) : solveImplicit(runner, problem));
      break;
    case "cg":
      if (problem.kind === "implicit") return stepImplicit(runner, problem, solver.steps);
      await stepExplicit(runner, problem, solver.steps);
      break;
    case "subspace":
      await subspaceRows(runner, problem, solver.blockSize);
      break;
    default:
      solver satisfies never;
  }
  return runner.firstReport();
}

const entryCount = (problem: RowProblem) => problem.entries.start[problem.out.rows];

/** Multiply-adds of exact rows: half a matrix per entry, a sixth of a cube and some squares per row. */
function exactCost(problem: RowProblem): number {
  const k = problem.out.stride;
  return (entryCount(problem) * k * k) / 2 + problem.out.rows * (k ** 3 / 6 + 6 * k * k);
}

/** The same for k columns where rows with fewer entries n than that take n × n systems (assembly/short-rows.ts). */
function explicitCost({ entries: { start }, out }: ExplicitRows, k: number): number {
  let sum = 0;
  for (let row = 0; row < out.rows; row++) {
    const n = start[row + 1] - start[row];
    const size = Math.min(n, k);
    sum += (n * size * k) / 2 + size ** 3 / 6 + 6 * size * k;
  }
  return sum;
}

/** Multiply-adds of conjugate gradient: two passes over a row's entries per step and one to begin with. */
function stepCost(problem: RowProblem, steps: number): number {
  return (steps + 1) * 2 * problem.out.stride * (entryCount(problem) + 4 * problem.out.rows);
}

async function solveExplicit(runner: Runner, problem: ExplicitRows): Promise<void> {
  const { out } = problem;
  const after = [...explicitPenalties(runner, problem), out.rank, pitchOf(out)];
  await runExplicit("solveExplicit", runner, problem, after, explicitCost(problem, out.stride));
}

async function stepExplicit(runner: Runner, problem: ExplicitRows, steps: number): Promise<void> {
  const after = [...explicitPenalties(runner, problem), steps, pitchOf(problem.out)];
  await runExplicit("stepExplicit", runner, problem, after, stepCost(problem, steps));
}

async function subspaceRows(runner: Runner, problem: RowProblem, blockSize: number): Promise<void> {
  const { out, entries } = problem;
  const { rank, rows, stride } = out;
  const needed = 4 * subspaceScratch(rank, blockSize, longestRow(entries, rows));
  plan.checkScratch("solveRows", needed, runner.sizes.scratchBytes);
  const block = blockColumns(rank, blockSize);
  const shape = [4 * block, rank, pitchOf(out)];
  const blocks = stride / block;
  const scores = 3 * stride * entryCount(problem);
  if (problem.kind === "explicit") {
    const after = [...explicitPenalties(runner, problem), ...shape];
    await runExplicit("subspaceExplicit", runner, problem, after, blocks * explicitCost(problem, block) + scores);
    return;
  }
  const cost = blocks * ((entryCount(problem) * block * block) / 2 + rows * (block ** 3 / 6 + 6 * block * block));
  const after = [...commonCells(runner, problem), ...shape];
  await runImplicit("subspaceImplicit", runner, problem, after, cost + scores + rows * stride ** 2);
}

function explicitPenalties(runner: Runner, { offset, regularization, biasRegularization }: ExplicitRows): number[] {
  return [offset, runner.address(regularization), runner.address(biasRegularization)];
}

/** Gram matrix, weights and penalties of implicit rows. */
function commonCells(runner: Runner, { gram, unobservedWeight, overlap, regularization }: ImplicitRows): number[] {
  return [runner.address(gram), unobservedWeight, overlap, runner.address(regularization)];
}

/** @param after arguments behind the values */
async function runExplicit(
  routine: RoutineName,
  runner: Runner,
  { out, outBias, fixed, fixedBias, entries, value }: ExplicitRows,
  after: readonly number[],
  cost: number,
): Promise<void> {
  const before = [out.data, outBias, fixed.data, fixedBias, entries.start].map((array) => runner.address(array));
  await runner.runRows(routine, before, runner.entries(routine, entries, value, out.rows), after, out.rows, cost);
}

/**
 * @param after arguments behind the confidences
 * @param fixed address of the fixed table, or of what stands for it
 */
async function runImplicit(
  routine: RoutineName,
  runner: Runner,
  problem: ImplicitRows,
  after: readonly number[],
  cost: number,
  fixed = runner.address(problem.fixed.data),
): Promise<void> {
  const { out, entries, confidence } = problem;
  const before = [runner.address(out.data), fixed, runner.address(entries.start)];
  await runner.runRows(routine, before, runner.entries(routine, entries, confidence, out.rows), after, out.rows, cost);
}

async function solveImplicit(runner: Runner, problem: ImplicitRows): Promise<void> {
  const after = [...commonCells(runner, problem), problem.out.rank, pitchOf(problem.out)];
  await runImplicit("solveImplicit", runner, problem, after, exactCost(problem));
}

async function stepImplicit(runner: Runner, problem: ImplicitRows, steps: number): Promise<UnstableRow | undefined> {
  const { out, fixed, overlap, scratch } = problem;
  const { firstRow, common } = commonPenalty(problem);
  if (firstRow === undefined) {
    zeroEmptyRows(problem);
    return undefined;
  }
  plan.checkScratch("solveRows", plan.whitenBytes(out.rank), runner.sizes.sharedBytes);
  const matrices = runner.sizes.shared;
  const shape = [out.rank, pitchOf(out)];
  const weight = problem.unobservedWeight;
  const whitening = [runner.address(problem.gram), weight, common, ...shape, matrices, runner.report(0)];
  await runner.run("whiten", whitening, 1, out.rank ** 3);
  const bad = runner.firstReport();
  if (bad !== undefined) {
    zeroEmptyRows(problem);
    return { ...bad, row: firstRow };
  }
  const white = runner.address(scratch?.data);
  const { stride } = out;
  await runner.run(
    "whitenRows",
    [runner.address(fixed.data), white, matrices, ...shape],
    fixed.rows,
    (fixed.rows * stride * stride) / 2,
  );
  const after = [overlap, runner.address(problem.regularization), common, matrices, steps, ...shape];
  await runImplicit(
    "stepImplicit",
    runner,
    problem,
    after,
    stepCost(problem, steps) + out.rows * stride * stride,
    white,
  );
  return runner.firstReport();
}

/** The smallest penalty over rows with entries, and the first such row. */
function commonPenalty({ out, entries, regularization }: ImplicitRows): {
  firstRow: number | undefined;
  common: number;
} {
  let firstRow: number | undefined;
  let common = Number.POSITIVE_INFINITY;
  for (let row = 0; row < out.rows; row++) {
    if (entries.start[row] === entries.start[row + 1]) continue;
    firstRow ??= row;
    common = Math.min(common, regularization[row]);
  }
  return { firstRow, common };
}

function zeroEmptyRows({ out, entries }: ImplicitRows): void {
  for (let row = 0; row < out.rows; row++) {
    if (entries.start[row] !== entries.start[row + 1]) continue;
    out.data.fill(0, row * out.stride, (row + 1) * out.stride);
  }
}

export async function rowLoss(runner: Runner, problem: RowProblem, out: Float64Array): Promise<void> {
  checkFigures("rowLoss", problem, out);
  plan.checkScratch("rowLoss", plan.rowScratchBytes(problem.out.rank), runner.sizes.scratchBytes);
  const { rows, rank, stride } = problem.out;
  const loss = runner.address(out);
  const cost = entryCount(problem) * stride;
  if (problem.kind === "explicit") {
    await runExplicit("explicitLoss", runner, problem, [problem.offset, loss, pitchOf(problem.out)], cost);
    return;
  }
  const { gram, unobservedWeight, overlap } = problem;
  const after = [runner.address(gram), unobservedWeight, overlap, loss, rank, pitchOf(problem.out)];
  await runImplicit("implicitLoss", runner, problem, after, cost + rows * stride * stride);
}

export async function rowGradients(runner: Runner, problem: RowProblem, out: Float64Array): Promise<void> {
  checkFigures("rowGradients", problem, out);
  plan.checkScratch("rowGradients", plan.rowScratchBytes(problem.out.rank), runner.sizes.scratchBytes);
  const { rows, rank, stride } = problem.out;
  const figures = runner.address(out);
  const shape = [rank, pitchOf(problem.out)];
  const cost = 2 * entryCount(problem) * stride;
  if (problem.kind === "explicit") {
    const after = [...explicitPenalties(runner, problem), figures, ...shape];
    await runExplicit("explicitGradients", runner, problem, after, cost);
    return;
  }
  const after = [...commonCells(runner, problem), figures, ...shape];
  await runImplicit("implicitGradients", runner, problem, after, cost + rows * stride * stride);
}
