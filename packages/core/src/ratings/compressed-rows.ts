/**
 * Compressed rows: the cells of a sparse matrix, row by row, in four parallel arrays. Nothing here knows ids.
 */

/**
 * Row r holds the cells start[r] .. start[r + 1] - 1; `index` ascends within a row. Arrays are read-only for everyone.
 */
export interface CompressedRows {
  readonly rows: number;
  readonly columns: number;
  /** u32[rows + 1] */
  readonly start: Uint32Array;
  /** Column of each cell, below `columns` */
  readonly index: Uint32Array;
  /** All 1 where the data have no ratings */
  readonly value: Float32Array;
  readonly time: Float64Array | undefined;
}

/** The same cells by column, without times: a counting sort, so `index` ascends within each new row. */
export function transpose(cells: CompressedRows): CompressedRows {
  const { rows, columns, index } = cells;
  const out = {
    start: new Uint32Array(columns + 1),
    index: new Uint32Array(index.length),
    value: new Float32Array(index.length),
  };
  transposeInto(cells, out);
  return { rows: columns, columns: rows, ...out, time: undefined };
}

/** As `transpose`, into arrays that are there; takes 4 bytes a column beside them and none a cell. */
export function transposeInto(
  { rows, columns, start, index, value }: CompressedRows,
  out: Pick<CompressedRows, "start" | "index" | "value">,
): void {
  out.start.set(startsOf([index], columns));
  const next = out.start.slice(0, columns);
  for (let row = 0; row < rows; row++) {
    for (let cell = start[row]; cell < start[row + 1]; cell++) {
      const to = next[index[cell]]++;
      out.index[to] = row;
      out.value[to] = value[cell];
    }
  }
}

/** u32[buckets + 1]: where each bucket of a sort by key begins. Keys are below `buckets`. */
export function startsOf(blocks: readonly Uint32Array[], buckets: number): Uint32Array {
  const start = new Uint32Array(buckets + 1);
  for (const keys of blocks) for (let i = 0; i < keys.length; i++) start[keys[i] + 1]++;
  for (let bucket = 0; bucket < buckets; bucket++) start[bucket + 1] += start[bucket];
  return start;
}

/** The cells marked in `keep` (0 = out), same rows and columns. */
export function selectCells(cells: CompressedRows, keep: Uint8Array): CompressedRows {
  let count = 0;
  for (let cell = 0; cell < keep.length; cell++) if (keep[cell] !== 0) count++;
  const start = new Uint32Array(cells.rows + 1);
  const index = new Uint32Array(count);
  const value = new Float32Array(count);
  const time = cells.time === undefined ? undefined : new Float64Array(count);
  let to = 0;
  for (let row = 0; row < cells.rows; row++) {
    for (let cell = cells.start[row]; cell < cells.start[row + 1]; cell++) {
      if (keep[cell] === 0) continue;
      index[to] = cells.index[cell];
      value[to] = cells.value[cell];
      if (time !== undefined) time[to] = cells.time![cell];
      to++;
    }
    start[row + 1] = to;
  }
  return { rows: cells.rows, columns: cells.columns, start, index, value, time };
}
