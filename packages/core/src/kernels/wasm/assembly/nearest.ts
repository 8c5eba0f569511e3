/**
 * Pairs of rows of a sparse matrix (squares.ts in kernels/): one row beside all others at a time, by way of the columns that
 * it has, so that pairs without a common column cost nothing.
 *
 * Every row is done by one thread in the order of its entries, so the bytes do not depend on the number of threads.
 */
import { add, replaceRoot, sort } from "./heap";

/**
 * The nearest rows of rows first + `from` to first + `to` - 1. `norm` and `otherNorm` 0 for none.
 *
 * @param scratch a sum f32[rows], then the rows that have one, u32[rows]
 */
export function nearestRows(
  rowStart: usize,
  rowIndex: usize,
  rowValue: usize,
  columnStart: usize,
  columnIndex: usize,
  columnValue: usize,
  norm: usize,
  otherNorm: usize,
  shrinkage: f32,
  rows: u32,
  first: u32,
  count: usize,
  index: usize,
  similarity: usize,
  found: usize,
  from: u32,
  to: u32,
  scratch: usize,
): void {
  const touched = scratch + (<usize>rows << 2);
  memory.fill(scratch, 0, <usize>rows << 2);
  for (let q = <usize>from; q < <usize>to; q++) {
    const row = first + <u32>q;
    let met: usize = 0;
    const end = load<u32>(rowStart + (<usize>row << 2), 4);
    for (let e = load<u32>(rowStart + (<usize>row << 2)); e < end; e++) {
      const x = load<f32>(rowValue + (<usize>e << 2));
      const column = columnStart + (<usize>load<u32>(rowIndex + (<usize>e << 2)) << 2);
      const last = load<u32>(column, 4);
      for (let c = <usize>load<u32>(column) << 2; c < <usize>last << 2; c += 4) {
        const product = x * load<f32>(columnValue + c);
        // Zeros bring nothing, and a sum above 0 says that its row has been met.
        if (product == 0) continue;
        const other = load<u32>(columnIndex + c);
        const place = scratch + (<usize>other << 2);
        const sum = load<f32>(place);
        if (sum == 0) {
          store<u32>(touched + (met << 2), other);
          met++;
        }
        store<f32>(place, sum + product);
      }
    }
    const score = similarity + ((q * count) << 2);
    const item = index + ((q * count) << 2);
    const own: f32 = norm == 0 ? 0 : load<f32>(norm + (<usize>row << 2));
    let size: usize = 0;
    for (let t: usize = 0; t < met; t++) {
      const other = load<u32>(touched + (t << 2));
      const place = scratch + (<usize>other << 2);
      let value = load<f32>(place);
      store<f32>(place, 0);
      if (other == row) continue;
      if (norm != 0) value /= own * load<f32>(otherNorm + (<usize>other << 2)) + shrinkage;
      if (size < count) {
        add(score, item, size, value, other);
        size++;
      } else {
        const worst = load<f32>(score);
        if (value > worst || (value == worst && other < load<u32>(item))) replaceRoot(score, item, size, value, other);
      }
    }
    sort(score, item, size);
    store<u32>(found + (q << 2), <u32>size);
  }
}

/** Rows first + `from` to first + `to` - 1 of A · Aᵀ + diagonal · I, and of the unit matrix beyond the last row. `pitch` is in bytes. */
export function squareOfRows(
  rowStart: usize,
  rowIndex: usize,
  rowValue: usize,
  columnStart: usize,
  columnIndex: usize,
  columnValue: usize,
  rows: u32,
  diagonal: f64,
  out: usize,
  pitch: usize,
  first: u32,
  from: u32,
  to: u32,
): void {
  for (let row = first + from; row < first + to; row++) {
    const target = out + <usize>row * pitch;
    memory.fill(target, 0, pitch);
    if (row >= rows) {
      store<f64>(target + (<usize>row << 3), 1);
      continue;
    }
    const end = load<u32>(rowStart + (<usize>row << 2), 4);
    for (let e = load<u32>(rowStart + (<usize>row << 2)); e < end; e++) {
      const x = <f64>load<f32>(rowValue + (<usize>e << 2));
      const column = columnStart + (<usize>load<u32>(rowIndex + (<usize>e << 2)) << 2);
      const last = load<u32>(column, 4);
      for (let c = <usize>load<u32>(column) << 2; c < <usize>last << 2; c += 4) {
        const place = target + (<usize>load<u32>(columnIndex + c) << 3);
        store<f64>(place, load<f64>(place) + x * <f64>load<f32>(columnValue + c));
      }
    }
    store<f64>(target + (<usize>row << 3), load<f64>(target + (<usize>row << 3)) + diagonal);
  }
}
