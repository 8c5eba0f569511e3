/** Dot products of pairs of rows: two tables and their row numbers in, one figure per pair out. */
import type { PairProblem } from "../kernels.ts";
import { dotRows } from "./rows.ts";

export function pairs({ left, right, leftRow, rightRow, out }: PairProblem): void {
  for (let p = 0; p < leftRow.length; p++) out[p] = dotRows(left, leftRow[p], right, rightRow[p]);
}
