/**
 * Shapes of problems, checked once at the door of every backend: a wrong length would read a neighbour's memory.
 *
 * Costs a few comparisons per call. The entries themselves (`start` ascending, `index` below the table's rows) are the
 * caller's promise: looking at each would cost as much as some routines do.
 */
import { LowrankError, show } from "../support/index.ts";
import { type CodesProblem, codesLength } from "./codes.ts";
import { type EntryNumbers, isCoded, type PackedRows } from "./entries.ts";
import type { ImplicitRows, PairProblem, RowProblem, RowSolver, Table, TopNProblem } from "./kernels.ts";
import { BLOCK_SIZE_STEP } from "./subspace.ts";

export function checkGram(table: Table, out: Float32Array): void {
  exactly("gram", "out.length", out.length, table.stride * table.stride);
}

export function checkRows(who: string, problem: RowProblem): void {
  const { out, fixed, entries, regularization } = problem;
  exactly(who, "fixed.rank", fixed.rank, out.rank);
  const count = checkEntries(who, "entries", entries, out.rows);
  atLeast(who, "regularization.length", regularization.length, out.rows);
  switch (problem.kind) {
    case "explicit":
      checkNumbers(who, "value", problem.value, count);
      if (problem.outBias !== undefined) atLeast(who, "outBias.length", problem.outBias.length, out.rows);
      if (problem.fixedBias !== undefined) atLeast(who, "fixedBias.length", problem.fixedBias.length, fixed.rows);
      if ((problem.outBias === undefined) !== (problem.biasRegularization === undefined)) {
        throw new LowrankError("shape", `${who}: outBias and biasRegularization must be given together or not at all`);
      }
      if (problem.biasRegularization !== undefined) {
        atLeast(who, "biasRegularization.length", problem.biasRegularization.length, out.rows);
      }
      return;
    case "implicit":
      checkNumbers(who, "confidence", problem.confidence, count);
      exactly(who, "gram.length", problem.gram.length, fixed.stride * fixed.stride);
      return;
    default:
      problem satisfies never;
  }
}

export function checkSolver(problem: RowProblem, solver: RowSolver): void {
  switch (solver.kind) {
    case "cholesky":
      return;
    case "cg":
      whole("solveRows", "steps", solver.steps, 1);
      if (problem.kind === "implicit") checkWhitened(problem);
      return;
    case "subspace":
      whole("solveRows", "blockSize", solver.blockSize, BLOCK_SIZE_STEP);
      exactly("solveRows", `blockSize modulo ${BLOCK_SIZE_STEP}`, solver.blockSize % BLOCK_SIZE_STEP, 0);
      return;
    default:
      solver satisfies never;
  }
}

function checkWhitened({ scratch, fixed }: ImplicitRows): void {
  if (scratch === undefined) throw new LowrankError("shape", "solveRows: implicit conjugate gradient needs `scratch`");
  exactly("solveRows", "scratch.rank", scratch.rank, fixed.rank);
  atLeast("solveRows", "scratch.rows", scratch.rows, fixed.rows);
}

/** For the routines that give a figure per row. */
export function checkFigures(who: string, problem: RowProblem, out: Float64Array): void {
  checkRows(who, problem);
  atLeast(who, "out.length", out.length, problem.out.rows);
}

export function checkEncode({ items, itemBias, codes }: CodesProblem): void {
  if (itemBias !== undefined) atLeast("encode", "itemBias.length", itemBias.length, items.rows);
  atLeast("encode", "codes.length", codes.length, codesLength(items.rows, items.rank));
}

export function checkTopN(problem: TopNProblem): void {
  const { query, queries, items, itemBias, excluded, allowed, n } = problem;
  exactly("topN", "items.rank", items.rank, queries.rank);
  if (itemBias !== undefined) atLeast("topN", "itemBias.length", itemBias.length, items.rows);
  atLeast("topN", "codes.length", problem.codes.length, codesLength(items.rows, items.rank));
  if (excluded !== undefined) checkEntries("topN", "excluded", excluded, query.length);
  if (allowed !== undefined) atLeast("topN", "allowed.length", allowed.length, items.rows);
  if (query.length === 0) return;
  if (!Number.isInteger(n) || n < 1 || n > items.rows) {
    throw new LowrankError("shape", `topN: n must be a whole number from 1 to ${items.rows}, got ${show(n)}`);
  }
  atLeast("topN", "item.length", problem.item.length, query.length * n);
  atLeast("topN", "score.length", problem.score.length, query.length * n);
  atLeast("topN", "listed.length", problem.listed.length, query.length);
}

export function checkPairs({ left, right, leftRow, rightRow, out }: PairProblem): void {
  exactly("pairs", "right.rank", right.rank, left.rank);
  exactly("pairs", "rightRow.length", rightRow.length, leftRow.length);
  atLeast("pairs", "out.length", out.length, leftRow.length);
}

/** @returns the number of entries */
export function checkEntries(who: string, name: string, { start, index }: PackedRows, rows: number): number {
  atLeast(who, `${name}.start.length`, start.length, rows + 1);
  const count = start[rows];
  atLeast(who, `${name}.index.length`, index.length, count);
  return count;
}

/** A number for each of `count` entries. */
export function checkNumbers(who: string, name: string, numbers: EntryNumbers, count: number): void {
  if (!isCoded(numbers)) {
    atLeast(who, `${name}.length`, numbers.length, count);
    return;
  }
  atLeast(who, `${name}.table.length`, numbers.table.length, 1);
  if (numbers.code !== undefined) atLeast(who, `${name}.code.length`, numbers.code.length, count);
}

export function exactly(who: string, what: string, got: number, expected: number): void {
  if (got === expected) return;
  throw new LowrankError("shape", `${who}: ${what} must be ${expected}, got ${got}`, { who, what, got, expected });
}

export function atLeast(who: string, what: string, got: number, least: number): void {
  if (got >= least) return;
  throw new LowrankError("shape", `${who}: ${what} must be at least ${least}, got ${got}`, { who, what, got, least });
}

export function whole(who: string, what: string, got: number, least: number): void {
  if (Number.isSafeInteger(got) && got >= least) return;
  throw new LowrankError("shape", `${who}: ${what} must be a whole number of at least ${least}, got ${show(got)}`, {
    who,
    what,
    got,
    least,
  });
}
