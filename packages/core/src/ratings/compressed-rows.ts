/**
 * Compressed rows: the cells of a sparse matrix, row by row, in parallel arrays. Nothing here knows ids.
 */
import { type CellValues, type Indexes, indexArray, indexArrayOf } from "./cell-values.ts";

/**
 * Row r holds the cells start[r] .. start[r + 1] - 1; `index` ascends within a row. Arrays are read-only for everyone.
 */
export interface CompressedRows {
  readonly rows: number;
  readonly columns: number;
  /** u32[rows + 1] */
  readonly start: Uint32Array;
  /** Column of each cell, below `columns`: u16[cells] where there are at most 65,536 columns, else u32[cells] */
  readonly index: Indexes;
  /** All 1 where the data have no ratings */
  readonly value: CellValues;
  readonly time: Float64Array | undefined;
}

/** Where `transposeInto` writes. */
export interface TransposedArrays {
  /** u32[columns + 1] */
  readonly start: Uint32Array;
  /** [cells] */
  readonly index: Indexes;
  /** Numbers; or, where the cells have them, codes of the same table; undefined writes neither */
  readonly value: Float32Array | Uint8Array | undefined;
}

/** The same cells by column, without times: a counting sort, so `index` ascends within each new row. */
export function transpose(cells: CompressedRows): CompressedRows {
  const { rows, columns, value } = cells;
  const start = new Uint32Array(columns + 1);
  const index = indexArray(value.length, rows);
  const room = value.room(value.length);
  transposeInto(cells, { start, index, value: room });
  return { rows: columns, columns: rows, start, index, value: value.madeOf(room, value.length), time: undefined };
}

/** Bytes that `transpose` makes. */
export function transposedBytes({ rows, columns, index: { length }, value }: CompressedRows): number {
  const stored = value.stored?.BYTES_PER_ELEMENT ?? 0;
  return 4 * (columns + 1) + length * (indexArrayOf(rows).BYTES_PER_ELEMENT + stored);
}

/** As `transpose`, into arrays that are there; takes 4 bytes a column beside them and none a cell. */
export function transposeInto({ rows, columns, start, index, value }: CompressedRows, out: TransposedArrays): void {
  const codes = out.value instanceof Uint8Array ? out.value : undefined;
  const floats = out.value instanceof Float32Array ? out.value : undefined;
  if (codes !== undefined && value.code === undefined) throw new RangeError("transposeInto: these cells have no codes");
  // Read through local names: one call of a method for each cell would cost as much as the sorting.
  const { code, table } = value;
  const isOne = code === undefined && table.length === 1;
  out.start.set(startsOf(index, columns));
  const next = out.start.slice(0, columns);
  for (let row = 0; row < rows; row++) {
    for (let cell = start[row]; cell < start[row + 1]; cell++) {
      const to = next[index[cell]]++;
      out.index[to] = row;
      if (floats !== undefined) floats[to] = table[code !== undefined ? code[cell] : isOne ? 0 : cell];
      else if (codes !== undefined) codes[to] = code![cell];
    }
  }
}

/** u32[buckets + 1]: where each bucket of a sort by key begins. Keys are below `buckets`. */
function startsOf(keys: Indexes, buckets: number): Uint32Array {
  const start = new Uint32Array(buckets + 1);
  for (let i = 0; i < keys.length; i++) start[keys[i] + 1]++;
  for (let bucket = 0; bucket < buckets; bucket++) start[bucket + 1] += start[bucket];
  return start;
}

/** The cells marked in `keep` (0 = out), same rows and columns. */
export function selectCells(cells: CompressedRows, keep: Uint8Array): CompressedRows {
  let count = 0;
  for (let cell = 0; cell < keep.length; cell++) if (keep[cell] !== 0) count++;
  const start = new Uint32Array(cells.rows + 1);
  const index = indexArray(count, cells.columns);
  const value = cells.value.room(count);
  const stored = cells.value.stored;
  const time = cells.time === undefined ? undefined : new Float64Array(count);
  let to = 0;
  for (let row = 0; row < cells.rows; row++) {
    for (let cell = cells.start[row]; cell < cells.start[row + 1]; cell++) {
      if (keep[cell] === 0) continue;
      index[to] = cells.index[cell];
      if (value !== undefined) value[to] = stored![cell];
      if (time !== undefined) time[to] = cells.time![cell];
      to++;
    }
    start[row + 1] = to;
  }
  return { rows: cells.rows, columns: cells.columns, start, index, value: cells.value.madeOf(value, count), time };
}
