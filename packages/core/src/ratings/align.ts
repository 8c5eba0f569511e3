/**
 * Align: ratings that came on their own, such as a test file, brought onto the ids of others, such as a model's.
 */
import { DataError } from "../support/index.ts";
import { indexArray } from "./cell-values.ts";
import type { CompressedRows } from "./compressed-rows.ts";
import type { IdMap } from "./id-map.ts";
import { asRatings, type Ratings, withCells } from "./ratings.ts";

export interface Aligned {
  /** The cells whose user and item are both known, under the other's ids; may have no cell at all */
  readonly ratings: Ratings;
  readonly unknown: {
    /** Users with ratings that the other does not know */
    readonly users: number;
    readonly items: number;
    /** Cells left out because of either */
    readonly records: number;
  };
}

/**
 * The same cells on the id maps of `like`. Users and items that `like` does not know are left out and counted.
 *
 * @throws DataError when one has strings where the other has numbers: then nothing could match
 */
export function align(ratings: Ratings, like: { readonly users: IdMap; readonly items: IdMap }): Aligned {
  asRatings("align", "ratings", ratings);
  refuseOtherKind(ratings.users, like.users);
  refuseOtherKind(ratings.items, like.items);
  const users = indexTable(ratings.users, like.users);
  const items = indexTable(ratings.items, like.items);
  const source = ratings.byUser;
  const unknownItem = new Uint8Array(source.columns);
  let unknownUsers = 0;
  let count = 0;
  for (let row = 0; row < source.rows; row++) {
    if (users.known[row] === 0 && source.start[row + 1] > source.start[row]) unknownUsers++;
    for (let cell = source.start[row]; cell < source.start[row + 1]; cell++) {
      const item = source.index[cell];
      if (items.known[item] === 0) unknownItem[item] = 1;
      else count += users.known[row];
    }
  }
  const unknown = {
    users: unknownUsers,
    items: unknownItem.reduce((sum, one) => sum + one, 0),
    records: ratings.size - count,
  };
  const byUser = moveCells(source, users, items, like.users.size, like.items.size, count);
  return { ratings: withCells(ratings, like.users, like.items, byUser), unknown };
}

/** Where the ids of one map are in another. */
export interface IndexTable {
  /** u8[from.size], 1 where the other map has the id */
  readonly known: Uint8Array;
  /** u32[from.size], the index there; meaningless where not known */
  readonly index: Uint32Array;
}

/** Looks up every id of `from` in `to`. Ids of another kind are unknown. Known indexes ascend, as both maps are sorted. */
export function indexTable(from: IdMap, to: IdMap): IndexTable {
  const known = new Uint8Array(from.size);
  const index = new Uint32Array(from.size);
  for (let i = 0; i < from.size; i++) {
    const place = from === to ? i : to.index(from.id(i));
    if (place === undefined) continue;
    known[i] = 1;
    index[i] = place;
  }
  return { known, index };
}

function refuseOtherKind(from: IdMap, to: IdMap): void {
  if (from.kind === to.kind || from.size === 0 || to.size === 0) return;
  throw new DataError(
    `align: ${from.side} ids are ${from.kind}s here and ${to.kind}s there, so none can match; ` +
      "read both data sets with the same kind of id",
    { side: from.side, here: from.kind, there: to.kind },
  );
}

/** Both maps are sorted, so rows and the indexes within a row keep their order. */
function moveCells(
  source: CompressedRows,
  users: IndexTable,
  items: IndexTable,
  rows: number,
  columns: number,
  count: number,
): CompressedRows {
  const start = new Uint32Array(rows + 1);
  const index = indexArray(count, columns);
  const value = source.value.room(count);
  const stored = source.value.stored;
  const time = source.time === undefined ? undefined : new Float64Array(count);
  let to = 0;
  for (let row = 0; row < source.rows; row++) {
    if (users.known[row] === 0) continue;
    for (let cell = source.start[row]; cell < source.start[row + 1]; cell++) {
      if (items.known[source.index[cell]] === 0) continue;
      index[to] = items.index[source.index[cell]];
      if (value !== undefined) value[to] = stored![cell];
      if (time !== undefined) time[to] = source.time![cell];
      start[users.index[row] + 1]++;
      to++;
    }
  }
  for (let row = 0; row < rows; row++) start[row + 1] += start[row];
  return { rows, columns, start, index, value: source.value.madeOf(value, count), time };
}
