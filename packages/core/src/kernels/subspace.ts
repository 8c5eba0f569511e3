/** Half-sweeps by subspaces: what their blocks are, and the scratch that a layout declares for them. The steps: RowSolver (kernels.ts). */
import { type RowProblem, rowStride, type SparseRows } from "./kernels.ts";

/** Blocks begin at whole chunks of a table's row. */
export const BLOCK_SIZE_STEP = 16;

/** The columns of a block but the last: `blockSize`, or the padded row where that is shorter. */
export function blockColumns(rank: number, blockSize: number): number {
  return Math.min(blockSize, rowStride(rank));
}

/** Whether an explicit row is solved whole, by the system of its entries: it is smaller than a block's. */
export function isSolvedWhole(problem: RowProblem, row: number, blockSize: number): boolean {
  if (problem.kind !== "explicit" || !(problem.regularization[row] > 0)) return false;
  const { start } = problem.entries;
  return start[row + 1] - start[row] + 4 <= Math.min(blockSize, problem.out.rank);
}

/**
 * The length of the `perThread` slot that a layout needs for `subspace`: matrices and rows of a block, and for each entry of
 * the longest row two numbers and its columns of the block. The definition is assembly/subspace-rows.ts.
 *
 * @param longest entries of the longest row (longestRow)
 */
export function subspaceScratch(rank: number, blockSize: number, longest: number): number {
  const stride = rowStride(rank);
  const block = blockColumns(rank, blockSize);
  const entries = Math.ceil(longest / 4) * 4;
  return (2 + block + SHORT_ROWS) * stride + (3 * block + BLOCK_ROWS) * block + entries * (block + 2);
}

const SHORT_ROWS = 6;
const BLOCK_ROWS = 8 + 4;

export function longestRow({ start }: Pick<SparseRows, "start">, rows: number): number {
  let longest = 0;
  for (let row = 0; row < rows; row++) longest = Math.max(longest, start[row + 1] - start[row]);
  return longest;
}
