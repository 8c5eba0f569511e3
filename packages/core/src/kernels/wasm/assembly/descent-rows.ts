/**
 * Errors and raw gradients of rows with entries here and there, four gathered rows at a time (gather.ts).
 *
 * A raw gradient is Σ_j error_j · y_j over the entries of a row, and Σ_j error_j for its bias. Both want the same rows of
 * the other side, so a row's entries go by blocks that fit into the first-level cache: errors of a block, then its part of
 * the gradient. Sums over many blocks are kept in f64, see long-rows.ts.
 */
import { Descent, Side } from "./descent-record";
import { addWeighted4, dots4, gatherUpTo4, laneMask, loadUpTo4, rowOf } from "./gather";
import { BLOCK_ENTRIES, moveToTotal, takeTotal } from "./long-rows";
import { addTimes, clear, laneSum } from "./simd";

/** Entries of a block; their rows are 28 KB at rank 112. Divides BLOCK_ENTRIES. */
const BLOCK: u32 = 64;

/** What `rowPass` does: each is one or both of these. */
export const ERRORS: u32 = 1;
export const GRADIENT: u32 = 2;

/** The errors of up to four entries at the present parameters. */
@inline
function makeErrors(
  x: usize,
  own: v128,
  other: Side,
  index: usize,
  value: usize,
  place: usize,
  count: i32,
  zeros: usize,
  pitch: usize,
  width: usize,
): v128 {
  let scores = dots4(
    x,
    rowOf(other.value, index, 0, count, zeros, pitch),
    rowOf(other.value, index, 1, count, zeros, pitch),
    rowOf(other.value, index, 2, count, zeros, pitch),
    rowOf(other.value, index, 3, count, zeros, pitch),
    width,
  );
  scores = f32x4.add(scores, own);
  if (other.bias) scores = f32x4.add(scores, gatherUpTo4(other.bias, index, count));
  return f32x4.sub(scores, place ? gatherUpTo4(value, place, count) : loadUpTo4(value, count));
}

export function storeFewer(at: usize, v: v128, count: i32): void {
  store<f32>(at, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(at, f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(at, f32x4.extract_lane(v, 2), 8);
}

/** table[place] = the first `count` lanes. */
@inline
function scatter(table: usize, place: usize, v: v128, count: i32): void {
  store<f32>(table + (<usize>load<u32>(place) << 2), f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(table + (<usize>load<u32>(place, 4) << 2), f32x4.extract_lane(v, 1));
  if (count > 2) store<f32>(table + (<usize>load<u32>(place, 8) << 2), f32x4.extract_lane(v, 2));
  if (count > 3) store<f32>(table + (<usize>load<u32>(place, 12) << 2), f32x4.extract_lane(v, 3));
}

/** out += Σ weight · y over a block; weights are padded to a multiple of four with zeros. */
@inline
function addBlock(
  out: usize,
  other: usize,
  index: usize,
  weights: usize,
  entries: u32,
  zeros: usize,
  pitch: usize,
  width: usize,
): void {
  for (let count: i32 = entries; count > 0; count -= 4) {
    // Many rows have one entry; three rows of zeros beside it would cost as much again.
    if (count == 1) {
      addTimes(load<f32>(weights), rowOf(other, index, 0, 1, zeros, pitch), out, width);
      return;
    }
    addWeighted4(
      v128.load(weights),
      rowOf(other, index, 0, count, zeros, pitch),
      rowOf(other, index, 1, count, zeros, pitch),
      rowOf(other, index, 2, count, zeros, pitch),
      rowOf(other, index, 3, count, zeros, pitch),
      out,
      width,
    );
    index += 16;
    weights += 16;
  }
}

/** What a pass over a row adds up beside the gradient; here because a function returns one figure. */
export let rowSquares: f64 = 0;
export let rowErrors: f64 = 0;

/**
 * Errors of a row's entries made and written down (ERRORS) or read, and the row's raw gradient written to `out` (GRADIENT).
 * Leaves Σ error² in `rowSquares` and Σ error in `rowErrors`.
 *
 * @param room zeros, a row for a block, two for totals in f64
 * @param weights f32[BLOCK]
 */
export function rowPass(
  d: Descent,
  side: Side,
  other: Side,
  row: usize,
  does: u32,
  out: usize,
  room: usize,
  weights: usize,
): void {
  const pitch = d.pitch;
  const width = d.width;
  const x = side.value + row * pitch;
  const first = load<u32>(side.start + (row << 2));
  const all = load<u32>(side.start + (row << 2), 4) - first;
  const at = <usize>first << 2;
  let index = side.index + at;
  let place: usize = side.place ? side.place + at : 0;
  let value = side.place ? d.value : d.value + at;
  let error = side.place ? d.error : d.error + at;
  const own = f32x4.splat(d.offset + (side.bias ? load<f32>(side.bias + (row << 2)) : 0));
  const isLong = all > BLOCK_ENTRIES;
  const to = isLong ? room + pitch : out;
  const total = room + 2 * pitch;
  if (does & GRADIENT) clear(to, width);
  if (isLong) clear(total, 2 * width);
  let squares = f64x2.splat(0);
  let errors: f64 = 0;
  let summed: u32 = 0;
  for (let left = all; left > 0; ) {
    const entries = min<u32>(left, BLOCK);
    let sums = f32x4.splat(0);
    for (let i: u32 = 0; i < entries; i += 4) {
      const j = <usize>i << 2;
      const count: i32 = entries - i;
      const at4 = place ? place + j : 0;
      let e: v128;
      if (does & ERRORS) {
        e = makeErrors(x, own, other, index + j, place ? value : value + j, at4, count, room, pitch, width);
        if (place) scatter(error, at4, e, count);
        else if (count > 3) v128.store(error + j, e);
        else storeFewer(error + j, e, count);
      } else e = place ? gatherUpTo4(error, at4, count) : loadUpTo4(error + j, count);
      if (count < 4) e = v128.and(e, laneMask(count));
      v128.store(weights + j, e);
      sums = f32x4.add(sums, e);
      const low = f64x2.promote_low_f32x4(e);
      const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(e, e, 2, 3, 2, 3));
      squares = f64x2.add(squares, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
    }
    errors += <f64>laneSum(sums);
    const bytes = <usize>entries << 2;
    if (does & GRADIENT) {
      addBlock(to, other.value, index, weights, entries, room, pitch, width);
      summed += entries;
      if (isLong && (summed == BLOCK_ENTRIES || entries == left)) {
        moveToTotal(to, total, width);
        summed = 0;
      }
    }
    index += bytes;
    if (place) place += bytes;
    else {
      value += bytes;
      error += bytes;
    }
    left -= entries;
  }
  if (isLong && does & GRADIENT) takeTotal(total, out, width);
  rowSquares = f64x2.extract_lane(squares, 0) + f64x2.extract_lane(squares, 1);
  rowErrors = errors;
}
