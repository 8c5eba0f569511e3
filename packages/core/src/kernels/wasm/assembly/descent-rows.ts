/**
 * Errors and raw gradients of rows with entries here and there, four gathered rows at a time (gather.ts).
 *
 * A raw gradient is Σ_j error_j · y_j over the entries of a row, and Σ_j error_j for its bias.
 */
import { Descent, Side } from "./descent-record";
import { addWeighted4, dots4, gatherUpTo4, laneMask, loadUpTo4, rowOf } from "./gather";
import { BLOCK_ENTRIES, moveToTotal, takeTotal } from "./long-rows";
import { clear, laneSum } from "./simd";

/** Writes the errors of a left row's entries. `zeros`: a row of zeros. */
export function rowErrors(d: Descent, left: Side, right: Side, row: usize, zeros: usize): void {
  const pitch = d.pitch;
  const first = load<u32>(left.start + (row << 2));
  const at = <usize>first << 2;
  const x = left.value + row * pitch;
  let index = left.index + at;
  let value = d.value + at;
  let error = d.error + at;
  const own = f32x4.splat(d.offset + (left.bias ? load<f32>(left.bias + (row << 2)) : 0));
  for (let count: i32 = load<u32>(left.start + (row << 2), 4) - first; count > 0; count -= 4) {
    let scores = dots4(
      x,
      rowOf(right.value, index, 0, count, zeros, pitch),
      rowOf(right.value, index, 1, count, zeros, pitch),
      rowOf(right.value, index, 2, count, zeros, pitch),
      rowOf(right.value, index, 3, count, zeros, pitch),
      pitch,
    );
    scores = f32x4.add(scores, own);
    if (right.bias) scores = f32x4.add(scores, gatherUpTo4(right.bias, index, count));
    scores = f32x4.sub(scores, loadUpTo4(value, count));
    if (count > 3) v128.store(error, scores);
    else storeFewer(error, scores, count);
    index += 16;
    value += 16;
    error += 16;
  }
}

export function storeFewer(at: usize, v: v128, count: i32): void {
  store<f32>(at, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(v, 2), 8);
}

/** Adds the entries of one block to `out`; returns the sum of their errors. */
@inline
function addEntries(
  out: usize,
  other: usize,
  index: usize,
  error: usize,
  place: usize,
  entries: u32,
  zeros: usize,
  pitch: usize,
): f32 {
  let sums = f32x4.splat(0);
  for (let count: i32 = entries; count > 0; count -= 4) {
    let weights = place ? gatherUpTo4(error, place, count) : loadUpTo4(error, count);
    addWeighted4(
      weights,
      rowOf(other, index, 0, count, zeros, pitch),
      rowOf(other, index, 1, count, zeros, pitch),
      rowOf(other, index, 2, count, zeros, pitch),
      rowOf(other, index, 3, count, zeros, pitch),
      out,
      pitch,
    );
    if (count < 4) weights = v128.and(weights, laneMask(count));
    sums = f32x4.add(sums, weights);
    index += 16;
    if (place) place += 16;
    else error += 16;
  }
  return laneSum(sums);
}

/**
 * Writes the raw gradient of a row of either side; returns its bias's. Long rows go by blocks: see long-rows.ts.
 *
 * @param room 4 rows: zeros, one for a block, two for totals in f64
 */
export function rawGradient(d: Descent, side: Side, other: usize, row: usize, out: usize, room: usize): f32 {
  const pitch = d.pitch;
  const first = load<u32>(side.start + (row << 2));
  const count = load<u32>(side.start + (row << 2), 4) - first;
  const at = <usize>first << 2;
  let index = side.index + at;
  let place: usize = side.place ? side.place + at : 0;
  let error = side.place ? d.error : d.error + at;
  clear(out, pitch);
  if (count <= BLOCK_ENTRIES) return addEntries(out, other, index, error, place, count, room, pitch);
  const block = room + pitch;
  const total = block + pitch;
  clear(block, 3 * pitch);
  let sum: f64 = 0;
  for (let left = count; left > 0; ) {
    const entries = min<u32>(left, BLOCK_ENTRIES);
    const step = <usize>entries << 2;
    sum += <f64>addEntries(block, other, index, error, place, entries, room, pitch);
    moveToTotal(block, total, pitch);
    index += step;
    if (place) place += step;
    else error += step;
    left -= entries;
  }
  takeTotal(total, out, pitch);
  return <f32>sum;
}
