/**
 * Several records for one user and item become one cell, by the declared policy.
 */
import { DataError, show } from "../support/index.ts";
import { CellValues, narrowIndexes } from "./cell-values.ts";
import { free, type Numbers } from "./column.ts";
import type { CompressedRows } from "./compressed-rows.ts";
import type { IdMap } from "./id-map.ts";
import type { DuplicatePolicy } from "./records.ts";

/** Records by user, then item. */
export interface SortedRecords {
  readonly rows: number;
  readonly columns: number;
  readonly start: Uint32Array;
  readonly index: Uint32Array;
  readonly value: Float32Array;
  readonly time: Float64Array | undefined;
}

/**
 * Merges neighbours of equal row and index, in place, then cuts the arrays to the cells that remain.
 *
 * @param cells rows with ascending, possibly repeated indexes; records of one cell in the order they came; overwritten, and not to be used afterwards
 */
export function mergeDuplicates(
  cells: SortedRecords,
  policy: DuplicatePolicy,
  users: IdMap,
  items: IdMap,
): CompressedRows {
  const { rows, columns, start, index, value, time } = cells;
  let to = 0;
  let from = 0;
  for (let row = 0; row < rows; row++) {
    const end = start[row + 1];
    while (from < end) {
      let next = from + 1;
      while (next < end && index[next] === index[from]) next++;
      index[to] = index[from];
      // + 0 makes -0 a plain 0, so that equal data have equal bytes
      if (next - from === 1) {
        value[to] = value[from] + 0;
        if (time !== undefined) time[to] = time[from] + 0;
      } else {
        if (policy === "error") refuse(users, items, row, index[from], next - from);
        const merged = mergedValue(value, time, from, next, policy);
        if (!Number.isFinite(Math.fround(merged))) refuseSum(users, items, row, index[from], merged);
        value[to] = merged + 0;
        if (time !== undefined) time[to] = mergedTime(time, from, next, policy) + 0;
      }
      to++;
      from = next;
    }
    start[row + 1] = to;
  }
  return {
    rows,
    columns,
    start,
    index: narrowIndexes(cut(index, to), columns),
    value: CellValues.of(cut(value, to)),
    time: time && cut(time, to),
  };
}

function cut<T extends Numbers>(array: T, length: number): T {
  if (length === array.length) return array;
  const kept = array.slice(0, length) as T;
  free(array);
  return kept;
}

function mergedValue(
  value: Float32Array,
  time: Float64Array | undefined,
  from: number,
  to: number,
  policy: Exclude<DuplicatePolicy, "error">,
): number {
  switch (policy) {
    case "last":
      return value[latest(time, from, to)];
    case "first":
      return value[earliest(time, from, to)];
    case "mean":
    case "sum": {
      let sum = 0;
      for (let i = from; i < to; i++) sum += value[i];
      return policy === "sum" ? sum : sum / (to - from);
    }
    default:
      throw policy satisfies never;
  }
}

function mergedTime(time: Float64Array, from: number, to: number, policy: DuplicatePolicy): number {
  return time[policy === "first" ? earliest(time, from, to) : latest(time, from, to)];
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
