/**
 * Gram matrix of a table, in two jobs: parts over fixed ranges of rows, then their sum in a fixed order. How many parts
 * there are follows from the number of rows alone, so the bytes do not depend on the number of threads.
 */
import { addProducts, PANEL_ROWS } from "./panel";

/** Parts `from` to `to` - 1 of `count`: part p sums rows p·rows/count to (p + 1)·rows/count - 1 into parts[p]. */
export function gramParts(
  table: usize,
  rows: u32,
  rank: usize,
  pitch: usize,
  parts: usize,
  count: u32,
  from: u32,
  to: u32,
): void {
  const size = (pitch >> 2) * pitch;
  const width = (rank + 7) & ~7;
  for (let p = from; p < to; p++) {
    const matrix = parts + <usize>p * size;
    memory.fill(matrix, 0, size);
    const last = <u32>((<u64>rows * (p + 1)) / count);
    for (let row = <u32>((<u64>rows * p) / count); row < last; row += PANEL_ROWS) {
      const panel = table + <usize>row * pitch;
      addProducts(matrix, panel, panel, min<u32>(PANEL_ROWS, last - row), width, pitch);
    }
  }
}

/** out = the sum of all parts, both triangles and the padding written. */
export function gramSum(parts: usize, count: u32, out: usize, pitch: usize): void {
  const columns = pitch >> 2;
  const size = columns * pitch;
  memory.fill(out, 0, size);
  for (let p: u32 = 0; p < count; p++) {
    const part = parts + <usize>p * size;
    for (let i: usize = 0; i < columns; i++) {
      for (let j = ((i << 2) & ~15); j < pitch; j += 16) {
        const at = i * pitch + j;
        v128.store(out + at, f32x4.add(v128.load(out + at), v128.load(part + at)));
      }
    }
  }
  for (let i: usize = 0; i < columns; i++) {
    for (let j = i + 1; j < columns; j++) store<f32>(out + j * pitch + (i << 2), load<f32>(out + i * pitch + (j << 2)));
  }
}
