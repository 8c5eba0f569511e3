/** Shapes of the problems of squares.ts, checked once at the door of every backend. */
import { LowrankError, show } from "../support/index.ts";
import { atLeast, checkEntries } from "./checks.ts";
import {
  type InverseProblem,
  inverseBlocks,
  inverseScratch,
  type NearestRows,
  type RowPairs,
  type SquareOfRows,
  squareStride,
} from "./squares.ts";

export function checkNearestRows(problem: NearestRows): void {
  const who = "nearestRows";
  const { norm, otherNorm, first, last, count, index, similarity, found } = problem;
  const rows = checkPairsOfRows(who, problem);
  checkRange(who, first, last, rows);
  if (!Number.isInteger(count) || count < 1) wrong(who, "count", count, "a whole number from 1");
  if (norm !== undefined) atLeast(who, "norm.length", norm.length, rows);
  if (otherNorm !== undefined) atLeast(who, "otherNorm.length", otherNorm.length, rows);
  if ((norm === undefined) !== (otherNorm === undefined)) {
    throw new LowrankError("shape", `${who}: norm and otherNorm must be given together or not at all`);
  }
  atLeast(who, "index.length", index.length, (last - first) * count);
  atLeast(who, "similarity.length", similarity.length, (last - first) * count);
  atLeast(who, "found.length", found.length, last - first);
}

export function checkSquareOfRows(problem: SquareOfRows): void {
  const rows = checkPairsOfRows("squareOfRows", problem);
  checkRange("squareOfRows", problem.first, problem.last, rows);
  atLeast("squareOfRows", "out.length", problem.out.length, squareStride(rows) ** 2);
}

export function checkInverse({ matrix, size, scratch, first, last }: InverseProblem): void {
  const who = "invert";
  if (!Number.isInteger(size) || size < 1) wrong(who, "size", size, "a whole number from 1");
  atLeast(who, "matrix.length", matrix.length, squareStride(size) ** 2);
  atLeast(who, "scratch.length", scratch.length, inverseScratch(size));
  checkRange(who, first, last, inverseBlocks(size));
}

/** @returns the number of rows */
function checkPairsOfRows(who: string, { rows, rowValue, columns, columnValue }: RowPairs): number {
  const count = rows.start.length - 1;
  atLeast(who, "rowValue.length", rowValue.length, checkEntries(who, "rows", rows, count));
  const entries = checkEntries(who, "columns", columns, columns.start.length - 1);
  atLeast(who, "columnValue.length", columnValue.length, entries);
  return count;
}

function checkRange(who: string, first: number, last: number, end: number): void {
  if (Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last <= end) return;
  wrong(who, "first and last", `${first} to ${last}`, `a range within 0 to ${end}`);
}

function wrong(who: string, what: string, got: unknown, allowed: string): never {
  throw new LowrankError("shape", `${who}: ${what} must be ${allowed}, got ${show(got)}`);
}
