/**
 * A workspace on a WebAssembly memory: problems in terms of arrays in, jobs in terms of addresses out.
 *
 * Calls on one workspace run one after the other, because they share its scratch; those of different workspaces overlap.
 */
import { LowrankError } from "../../support/index.ts";
import { checkFigures, checkGram, checkPairs, checkRows, checkSolver, checkTopN } from "../checks.ts";
import type {
  ExplicitRows,
  ImplicitRows,
  Layout,
  PairProblem,
  RowProblem,
  RowSolver,
  Table,
  TopNProblem,
  UnstableRow,
  Workspace,
} from "../kernels.ts";
import { placeArrays } from "../layout.ts";
import { blockEpochs, shuffleBlocks } from "./blocks.ts";
import * as descent from "./descent.ts";
import { giveBack, takeBlock } from "./memory.ts";
import { netBatches, netPairs, netScores } from "./net.ts";
import { nonNegativeRoutines } from "./nonnegative.ts";
import * as plan from "./plan.ts";
import { forgetBlock, warmPool } from "./pool.ts";
import { productRoutines } from "./products.ts";
import { Runner, type Settings } from "./runner.ts";
import { squareRoutines } from "./squares.ts";

/** Queries of a block of top-n: packing a chunk of items is paid once per block and should be a few percent of it. */
const MOST_BLOCK = 192;
const TILE = 6;

/** Workspaces from this size on start the workers at once: a job for them is likely to follow. */
const WARM_BYTES = 4 * 2 ** 20;

export function openWorkspace<L extends Layout>(layout: L, settings: Settings): Workspace<L> {
  const sizes = plan.planLayout(layout, settings.threads);
  const block = takeBlock(sizes.bytes, settings.threads > 1, settings.module, forgetBlock);
  if (settings.threads > 1 && sizes.bytes >= WARM_BYTES) warmPool(settings.threads);
  const runner = new Runner(block, sizes, settings);
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;
  const next = <T>(call: () => Promise<T>): Promise<T> => {
    if (closed) return Promise.reject(new LowrankError("closed", "wasm: this workspace is closed; open another"));
    const result = last.then(call);
    last = result.catch(() => {});
    return result;
  };
  return {
    at: placeArrays(layout, block.buffer, sizes.arrays, plan.REAL_BYTES),
    gram: (table, out) => next(() => gram(runner, table, out)),
    solveRows: (problem, solver) => next(() => solveRows(runner, problem, solver)),
    rowLoss: (problem, out) => next(() => rowLoss(runner, problem, out)),
    rowGradients: (problem, out) => next(() => rowGradients(runner, problem, out)),
    topN: (problem) => next(() => topN(runner, problem)),
    pairs: (problem) => next(() => pairs(runner, problem)),
    netBatches: (problem, batches) => next(() => netBatches(runner, problem, batches)),
    netScores: (problem) => next(() => netScores(runner, problem)),
    netPairs: (problem) => next(() => netPairs(runner, problem)),
    ...productRoutines(runner, next),
    ...squareRoutines(runner, next),
    ...nonNegativeRoutines(runner, next),
    loss: (problem) => next(() => descent.loss(runner, problem)),
    gradients: (problem) => next(() => descent.gradients(runner, problem)),
    descend: (problem, steps, losses) => next(() => descent.descend(runner, problem, steps, losses)),
    epochs: (problem, settings, sums) => next(() => descent.epochs(runner, problem, settings, sums)),
    shuffleBlocks: (problem, group, seed) => next(() => shuffleBlocks(runner, problem, group, seed)),
    blockEpochs: (problem, settings, sums) => next(() => blockEpochs(runner, problem, settings, sums)),
    close() {
      if (closed) return;
      closed = true;
      void last.then(() => giveBack(block, forgetBlock));
    },
  };
}

const pitchOf = (table: Table) => 4 * table.stride;

async function gram(runner: Runner, table: Table, out: Float32Array): Promise<void> {
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

async function solveRows(runner: Runner, problem: RowProblem, solver: RowSolver): Promise<UnstableRow | undefined> {
  checkRows("solveRows", problem);
  checkSolver(problem, solver);
  plan.checkScratch("solveRows", plan.rowScratchBytes(problem.out.rank), runner.sizes.scratchBytes);
  runner.clearReports();
  if (problem.kind === "explicit") {
    await (solver.kind === "cg" ? stepExplicit(runner, problem, solver.steps) : solveExplicit(runner, problem));
  } else if (solver.kind === "cholesky") {
    await solveImplicit(runner, problem);
  } else {
    return stepImplicit(runner, problem, solver.steps);
  }
  return runner.firstReport();
}

const entryCount = (problem: RowProblem) => problem.entries.start[problem.out.rows];

/** Multiply-adds of exact rows: half a matrix per entry, a sixth of a cube and some squares per row. */
function exactCost(problem: RowProblem): number {
  const k = problem.out.stride;
  return (entryCount(problem) * k * k) / 2 + problem.out.rows * (k ** 3 / 6 + 6 * k * k);
}

/** The same where rows with fewer entries n than the rank take n × n systems (assembly/short-rows.ts). */
function explicitCost({ entries: { start }, out }: ExplicitRows): number {
  const k = out.stride;
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
  const { out, regularization, biasRegularization } = problem;
  const args = [
    ...explicitArgs(runner, problem),
    problem.offset,
    runner.address(regularization),
    runner.address(biasRegularization),
    out.rank,
    pitchOf(out),
  ];
  await runner.run("solveExplicit", args, out.rows, explicitCost(problem));
}

async function stepExplicit(runner: Runner, problem: ExplicitRows, steps: number): Promise<void> {
  const { out, regularization, biasRegularization } = problem;
  const args = [
    ...explicitArgs(runner, problem),
    problem.offset,
    runner.address(regularization),
    runner.address(biasRegularization),
    steps,
    pitchOf(out),
  ];
  await runner.run("stepExplicit", args, out.rows, stepCost(problem, steps));
}

function explicitArgs(runner: Runner, { out, outBias, fixed, fixedBias, entries, value }: ExplicitRows): number[] {
  return [
    runner.address(out.data),
    runner.address(outBias),
    runner.address(fixed.data),
    runner.address(fixedBias),
    runner.address(entries.start),
    runner.address(entries.index),
    runner.address(value),
  ];
}

async function solveImplicit(runner: Runner, problem: ImplicitRows): Promise<void> {
  const { out, fixed, entries, confidence } = problem;
  const args = [
    runner.address(out.data),
    runner.address(fixed.data),
    runner.address(entries.start),
    runner.address(entries.index),
    runner.address(confidence),
    runner.address(problem.gram),
    problem.unobservedWeight,
    problem.overlap,
    runner.address(problem.regularization),
    out.rank,
    pitchOf(out),
  ];
  await runner.run("solveImplicit", args, out.rows, exactCost(problem));
}

async function stepImplicit(runner: Runner, problem: ImplicitRows, steps: number): Promise<UnstableRow | undefined> {
  const { out, fixed, entries, overlap, scratch } = problem;
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
  const args = [
    runner.address(out.data),
    white,
    runner.address(entries.start),
    runner.address(entries.index),
    runner.address(problem.confidence),
    overlap,
    runner.address(problem.regularization),
    common,
    matrices,
    steps,
    ...shape,
  ];
  await runner.run("stepImplicit", args, out.rows, stepCost(problem, steps) + out.rows * stride * stride);
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

async function rowLoss(runner: Runner, problem: RowProblem, out: Float64Array): Promise<void> {
  checkFigures("rowLoss", problem, out);
  plan.checkScratch("rowLoss", plan.rowScratchBytes(problem.out.rank), runner.sizes.scratchBytes);
  const { rows, rank, stride } = problem.out;
  const loss = runner.address(out);
  if (problem.kind === "explicit") {
    const args = [...explicitArgs(runner, problem), problem.offset, loss, pitchOf(problem.out)];
    await runner.run("explicitLoss", args, rows, entryCount(problem) * stride);
    return;
  }
  const args = [
    runner.address(problem.out.data),
    runner.address(problem.fixed.data),
    runner.address(problem.entries.start),
    runner.address(problem.entries.index),
    runner.address(problem.confidence),
    runner.address(problem.gram),
    problem.unobservedWeight,
    problem.overlap,
    loss,
    rank,
    pitchOf(problem.out),
  ];
  await runner.run("implicitLoss", args, rows, entryCount(problem) * stride + rows * stride * stride);
}

async function rowGradients(runner: Runner, problem: RowProblem, out: Float64Array): Promise<void> {
  checkFigures("rowGradients", problem, out);
  plan.checkScratch("rowGradients", plan.rowScratchBytes(problem.out.rank), runner.sizes.scratchBytes);
  const { rows, rank, stride } = problem.out;
  const figures = runner.address(out);
  const shape = [rank, pitchOf(problem.out)];
  const regularization = runner.address(problem.regularization);
  const cost = 2 * entryCount(problem) * stride;
  if (problem.kind === "explicit") {
    const { offset, biasRegularization } = problem;
    const penalties = [regularization, runner.address(biasRegularization)];
    const args = [...explicitArgs(runner, problem), offset, ...penalties, figures, ...shape];
    await runner.run("explicitGradients", args, rows, cost);
    return;
  }
  const args = [
    runner.address(problem.out.data),
    runner.address(problem.fixed.data),
    runner.address(problem.entries.start),
    runner.address(problem.entries.index),
    runner.address(problem.confidence),
    runner.address(problem.gram),
    problem.unobservedWeight,
    problem.overlap,
    regularization,
    figures,
    ...shape,
  ];
  await runner.run("implicitGradients", args, rows, cost + rows * stride * stride);
}

async function topN(runner: Runner, problem: TopNProblem): Promise<void> {
  checkTopN(problem);
  const { query, queries, items, itemBias, excluded, allowed, n } = problem;
  if (query.length === 0) return;
  plan.checkScratch("topN", plan.topNScratchBytes(items.rows, items.rank), runner.sizes.scratchBytes);
  const { threads } = runner.settings;
  const share = Math.ceil(query.length / (threads === 1 ? 1 : 4 * threads));
  const blockSize = Math.min(MOST_BLOCK, TILE * Math.ceil(share / TILE));
  const chunkSize = plan.topNChunk(items.rows, items.rank);
  const chunks = Math.ceil(items.rows / chunkSize);
  const args = [
    runner.address(query),
    runner.address(queries.data),
    runner.address(items.data),
    runner.address(itemBias),
    runner.address(excluded?.start),
    runner.address(excluded?.index),
    runner.address(allowed),
    n,
    runner.address(problem.item),
    runner.address(problem.score),
    runner.address(problem.listed),
    query.length,
    items.rows,
    blockSize,
    chunkSize,
    items.rank,
    pitchOf(items),
  ];
  const cost = query.length * items.rows * (items.stride + 16);
  await runner.run("topN", args, chunks * Math.ceil(query.length / blockSize), cost, chunks);
}

async function pairs(runner: Runner, problem: PairProblem): Promise<void> {
  checkPairs(problem);
  const { left, right, leftRow, rightRow, out } = problem;
  const args = [
    runner.address(left.data),
    runner.address(right.data),
    runner.address(leftRow),
    runner.address(rightRow),
    runner.address(out),
    pitchOf(left),
  ];
  await runner.run("pairs", args, leftRow.length, leftRow.length * (left.stride + 16));
}
