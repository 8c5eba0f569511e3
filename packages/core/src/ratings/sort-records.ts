/**
 * Records in the order in which they came become cells by user, then item: a stable sort. Blocks of records are freed as they are placed, so
 * what has been collected shrinks while the cells grow, and little is needed beside the two.
 *
 * Cost: one pass of counting, one that puts each record into its user's row, and a counting sort by item of some rows at a time, which stay in
 * the cache. Rows that come in order are left alone.
 */
import { CellValues, type Indexes, indexArray } from "./cell-values.ts";
import { freeBlock, type RecordBlock, type RecordBlocks } from "./record-blocks.ts";

/** Records that are sorted by item at a time, if there are not more items. */
const SORTED_AT_ONCE = 1 << 16;

/** Cells by user, then item, where several may be of one user and item. */
export interface SortedRecords {
  readonly rows: number;
  readonly columns: number;
  readonly start: Uint32Array;
  readonly index: Indexes;
  /** Codes of `table`, or numbers; undefined for records without ratings */
  readonly rating: Uint8Array | Float32Array | undefined;
  readonly table: Float32Array | undefined;
  readonly time: Float64Array | undefined;
  /** Whether there is a user and item with more than one */
  readonly hasRepeats: boolean;
}

/**
 * @param records used up
 * @param userOf index of each user code, all different, from 0
 * @param itemOf as userOf
 */
export function sortRecords(records: RecordBlocks, userOf: Uint32Array, itemOf: Uint32Array): SortedRecords {
  const count = records.length;
  const blocks = records.all();
  const [{ rating, time }] = blocks;
  const room = {
    rows: userOf.length,
    columns: itemOf.length,
    start: rowStarts(blocks, userOf),
    index: indexArray(count, itemOf.length),
    rating: rating && (rating instanceof Uint8Array ? new Uint8Array(count) : new Float32Array(count)),
    table: records.codes?.table,
    time: time && new Float64Array(count),
  };
  const next = room.start.slice(0, room.rows);
  for (const block of records.take()) {
    place(block, userOf, itemOf, next, room);
    freeBlock(block);
  }
  return { ...room, hasRepeats: sortRows(room) };
}

type Room = Omit<SortedRecords, "hasRepeats">;

/** u32[users + 1]: where each user's records begin. */
function rowStarts(blocks: readonly RecordBlock[], userOf: Uint32Array): Uint32Array {
  const start = new Uint32Array(userOf.length + 1);
  for (const { user, length } of blocks) {
    const { base, offset } = user;
    for (let i = 0; i < length; i++) start[userOf[base + offset[i]] + 1]++;
  }
  for (let row = 0; row < userOf.length; row++) start[row + 1] += start[row];
  return start;
}

/** Puts each record at the end of what its user's row holds. */
function place(block: RecordBlock, userOf: Uint32Array, itemOf: Uint32Array, next: Uint32Array, room: Room): void {
  const { base: userBase, offset: user } = block.user;
  const { base: itemBase, offset: item } = block.item;
  const { index, rating, time } = room;
  for (let i = 0; i < block.length; i++) {
    const to = next[userOf[userBase + user[i]]]++;
    index[to] = itemOf[itemBase + item[i]];
    if (rating !== undefined) rating[to] = block.rating![i];
    if (time !== undefined) time[to] = block.time![i];
  }
}

/** Sorts each row by item; records of one item stay in the order in which they came. @returns whether an item repeats in a row */
function sortRows({ rows, columns, start, index, rating, time }: Room): boolean {
  const most = Math.max(SORTED_AT_ONCE, columns);
  const sorter = new RowSorter(columns);
  let hasRepeats = false;
  let first = 0;
  while (first < rows) {
    let end = first + 1;
    while (end < rows && start[end + 1] - start[first] <= most) end++;
    const [from, to] = [start[first], start[end]];
    const order = sorter.order(start, index, first, end);
    if (order !== undefined)
      for (const column of [index, rating, time]) if (column !== undefined) move(column, from, to, order);
    hasRepeats ||= repeats(start, index, first, end);
    first = end;
  }
  return hasRepeats;
}

/** column[from + i] = what was at column[order[i]]. */
function move<T extends Indexes | Uint8Array | Float32Array | Float64Array>(
  column: T,
  from: number,
  to: number,
  order: Uint32Array,
): void {
  const old = column.slice(from, to);
  for (let i = 0; i < old.length; i++) column[from + i] = old[order[i] - from];
}

/** Two adjacent cells of one row with the same item. */
function repeats(start: Uint32Array, index: Indexes, first: number, end: number): boolean {
  for (let row = first; row < end; row++) {
    for (let cell = start[row] + 1; cell < start[row + 1]; cell++) if (index[cell] === index[cell - 1]) return true;
  }
  return false;
}

/** Counting sorts by item of some rows at a time, in arrays that are made once. */
class RowSorter {
  readonly #next: Uint32Array;
  #byItem = new Uint32Array(0);
  #rowOf = new Uint32Array(0);
  #order = new Uint32Array(0);

  constructor(columns: number) {
    this.#next = new Uint32Array(columns + 1);
  }

  /** For each place of rows first .. end - 1 the cell that belongs there; undefined when all are in order. */
  order(start: Uint32Array, index: Indexes, first: number, end: number): Uint32Array | undefined {
    const [from, to] = [start[first], start[end]];
    if (isSorted(start, index, first, end)) return undefined;
    if (this.#byItem.length < to - from) {
      this.#byItem = new Uint32Array(to - from);
      this.#rowOf = new Uint32Array(to - from);
      this.#order = new Uint32Array(to - from);
    }
    const [next, byItem, rowOf, order] = [this.#next, this.#byItem, this.#rowOf, this.#order];
    next.fill(0);
    for (let cell = from; cell < to; cell++) next[index[cell] + 1]++;
    for (let item = 1; item < next.length; item++) next[item] += next[item - 1];
    for (let row = first; row < end; row++) {
      for (let cell = start[row]; cell < start[row + 1]; cell++) {
        const at = next[index[cell]]++;
        byItem[at] = cell;
        rowOf[at] = row;
      }
    }
    // Of each row in the order of the items; rows' places begin where the rows do.
    const places = start.slice(first, end);
    for (let at = 0; at < to - from; at++) order[places[rowOf[at] - first]++ - from] = byItem[at];
    return order;
  }
}

function isSorted(start: Uint32Array, index: Indexes, first: number, end: number): boolean {
  for (let row = first; row < end; row++) {
    for (let cell = start[row] + 1; cell < start[row + 1]; cell++) if (index[cell] < index[cell - 1]) return false;
  }
  return true;
}

/** The values of sorted records; 1 each for records without ratings. */
export function valuesOf({ rating, table, index }: SortedRecords): CellValues {
  if (rating === undefined) return new CellValues(Float32Array.of(1), undefined, index.length);
  if (rating instanceof Uint8Array) return CellValues.ofCodes(table!, rating);
  for (let cell = 0; cell < rating.length; cell++) rating[cell] += 0;
  return new CellValues(rating);
}
