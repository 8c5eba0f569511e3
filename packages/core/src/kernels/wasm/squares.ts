/** The routines of squares.ts on a WebAssembly memory: problems in, jobs out. */
import type { UnstableRow } from "../kernels.ts";
import { checkInverse, checkNearestRows, checkSquareOfRows } from "../square-checks.ts";
import {
  INVERSE_BLOCK,
  type InverseProblem,
  inverseBlocks,
  type NearestRows,
  nearestScratch,
  type RowPairs,
  type SquareOfRows,
  type SquareRoutines,
  squareStride,
} from "../squares.ts";
import { checkScratch } from "./plan.ts";
import type { Runner } from "./runner.ts";

/** Multiply-adds in f64, and sums at scattered places, take about so many times those in f32. */
const SLOWER = 2;
const SCATTERED = 8;

/** @param next runs a call after those before it on the same workspace */
export function squareRoutines(runner: Runner, next: <T>(call: () => Promise<T>) => Promise<T>): SquareRoutines {
  return {
    nearestRows: (problem) => next(() => nearestRows(runner, problem)),
    squareOfRows: (problem) => next(() => squareOfRows(runner, problem)),
    invert: (problem) => next(() => invert(runner, problem)),
  };
}

function matrixArgs(runner: Runner, { rows, rowValue, columns, columnValue }: RowPairs): number[] {
  const arrays = [rows.start, rows.index, rowValue, columns.start, columns.index, columnValue];
  return arrays.map((array) => runner.address(array));
}

/** Products of rows first .. last - 1: an entry's column is gone through once. */
function productCount({ rows, columns }: RowPairs, first: number, last: number): number {
  let count = 0;
  for (let e = rows.start[first]; e < rows.start[last]; e++) {
    count += columns.start[rows.index[e] + 1] - columns.start[rows.index[e]];
  }
  return count;
}

async function nearestRows(runner: Runner, problem: NearestRows): Promise<void> {
  checkNearestRows(problem);
  const { rows, norm, otherNorm, shrinkage, first, last, count, index, similarity, found } = problem;
  const size = rows.start.length - 1;
  checkScratch("nearestRows", 4 * nearestScratch(size), runner.sizes.scratchBytes);
  const args = [
    ...matrixArgs(runner, problem),
    runner.address(norm),
    runner.address(otherNorm),
    shrinkage,
    size,
    first,
    count,
    runner.address(index),
    runner.address(similarity),
    runner.address(found),
  ];
  await runner.run("nearestRows", args, last - first, SCATTERED * productCount(problem, first, last));
}

async function squareOfRows(runner: Runner, problem: SquareOfRows): Promise<void> {
  checkSquareOfRows(problem);
  const { rows, diagonal, first, last, out } = problem;
  const size = rows.start.length - 1;
  const stride = squareStride(size);
  const args = [...matrixArgs(runner, problem), size, diagonal, runner.address(out), 8 * stride, first];
  const count = (last === size ? stride : last) - first;
  const cost = SCATTERED * productCount(problem, first, last) + count * stride;
  await runner.run("squareOfRows", args, count, cost);
}

async function invert(runner: Runner, problem: InverseProblem): Promise<UnstableRow | undefined> {
  checkInverse(problem);
  const { matrix, size, scratch, first, last } = problem;
  const stride = squareStride(size);
  const pitch = 8 * stride;
  const address = runner.address(matrix);
  const block = runner.address(scratch);
  const left = block + 8 * INVERSE_BLOCK ** 2;
  const right = left + 8 * INVERSE_BLOCK * stride;
  for (let b = first; b < last; b++) {
    const start = b * INVERSE_BLOCK;
    const height = Math.min(INVERSE_BLOCK, stride - start);
    const place = [address, pitch, start, height, block];
    runner.clearReports();
    await runner.run("inverseOfBlock", place, 1, SLOWER * height ** 3);
    const bad = runner.firstReport();
    if (bad !== undefined) return bad;
    const panels = [...place, left, right];
    await runner.run("inversePanels", panels, stride / 4, SLOWER * stride * height ** 2);
    await runner.run("inverseUpdate", panels, stride / 16, (SLOWER * stride * stride * height) / 2);
  }
  if (last === inverseBlocks(size)) await runner.run("inverseFinish", [address, pitch], stride, 4 * stride * stride);
  return undefined;
}
