/**
 * Several records for one user and item become one cell, by the declared policy.
 */
import { DataError, show } from "../support/index.ts";
import { CellValues, type Indexes } from "./cell-values.ts";
import type { CompressedRows } from "./compressed-rows.ts";
import type { IdMap } from "./id-map.ts";
import { free } from "./record-blocks.ts";
import type { DuplicatePolicy } from "./records.ts";
import { type SortedRecords, valuesOf } from "./sort-records.ts";

/**
 * Merges neighbours of equal row and index, in place, then cuts the arrays to the cells that remain.
 *
 * @param records records of one cell in the order they came; overwritten, and not to be used afterwards
 */
export function mergeDuplicates(
  records: SortedRecords,
  policy: DuplicatePolicy,
  users: IdMap,
  items: IdMap,
): CompressedRows {
  const { rows, columns, start, index, time } = records;
  if (!records.hasRepeats) return { rows, columns, start, index, value: valuesOf(records), time };
  // Sums and means are numbers that no record has; by the other policies one record stays, as it is held.
  const isNew = policy === "sum" || policy === "mean";
  const rating = isNew ? valuesOf(records).toFloats() : records.rating;
  let to = 0;
  let from = 0;
  for (let row = 0; row < rows; row++) {
    const end = start[row + 1];
    while (from < end) {
      let next = from + 1;
      while (next < end && index[next] === index[from]) next++;
      let kept = from;
      let merged: number | undefined;
      if (next - from > 1) {
        if (policy === "error") refuse(users, items, row, index[from], next - from);
        kept = policy === "first" ? earliest(time, from, next) : latest(time, from, next);
        if (isNew) merged = sumOf(rating as Float32Array, from, next) / (policy === "sum" ? 1 : next - from);
        if (merged !== undefined && !Number.isFinite(Math.fround(merged)))
          refuseSum(users, items, row, index[from], merged);
      }
      index[to] = index[from];
      if (rating !== undefined) rating[to] = merged ?? rating[kept];
      if (time !== undefined) time[to] = time[kept];
      to++;
      from = next;
    }
    start[row + 1] = to;
  }
  const left = { ...records, index: cut(index, to), rating: rating && cut(rating, to), time: time && cut(time, to) };
  const value = isNew ? CellValues.of(left.rating as Float32Array) : valuesOf(left);
  return { rows, columns, start, index: left.index, value, time: left.time };
}

function cut<T extends Indexes | Uint8Array | Float32Array | Float64Array>(array: T, length: number): T {
  const kept = array.slice(0, length) as T;
  free(array);
  return kept;
}

function sumOf(rating: Float32Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += rating[i];
  return sum;
}

/** Of equal times the record handed in last. */
function latest(time: Float64Array | undefined, from: number, to: number): number {
  if (time === undefined) return to - 1;
  let best = from;
  for (let i = from + 1; i < to; i++) if (time[i] >= time[best]) best = i;
  return best;
}

/** Of equal times the record handed in first. */
function earliest(time: Float64Array | undefined, from: number, to: number): number {
  if (time === undefined) return from;
  let best = from;
  for (let i = from + 1; i < to; i++) if (time[i] < time[best]) best = i;
  return best;
}

function refuse(users: IdMap, items: IdMap, row: number, column: number, count: number): never {
  const user = users.id(row);
  const item = items.id(column);
  throw new DataError(
    `ratings: user ${show(user)} and item ${show(item)} have ${count} records, and duplicates are "error"; ` +
      `remove the repeats, or choose duplicates "last", "first", "mean" or "sum"`,
    { user, item, count },
  );
}

function refuseSum(users: IdMap, items: IdMap, row: number, column: number, sum: number): never {
  const user = users.id(row);
  const item = items.id(column);
  throw new DataError(
    `ratings: the records of user ${show(user)} and item ${show(item)} come to ${sum}, more than 32-bit numbers hold ` +
      `(3.4e38); scale the ratings down`,
    { user, item, sum },
  );
}
