/**
 * Errors and raw gradients where nothing is missing: products of small matrices, in tiles of registers.
 *
 * What a row gets does not depend on the rows it shares a tile with: a tile that is not full repeats its first row and
 * keeps nothing of the repetition.
 */
import { Descent, Side } from "./descent-record";
import { storeFewer } from "./descent-rows";
import { loadUpTo4 } from "./gather";
import { moveToTotal, takeTotal } from "./long-rows";
import { clear, laneSums, madd } from "./simd";

/** Rows of a tile, and of a unit of work. */
export const TILE: usize = 4;

/** Writes the errors of left rows `row` to `row` + `rows` - 1, at most a tile. `zeros`: a row of zeros. */
export function tileErrors(d: Descent, left: Side, right: Side, row: usize, rows: usize, zeros: usize): void {
  const second: usize = rows > 1 ? 1 : 0;
  pairErrors(d, left, right, row, row + second, zeros);
  if (rows < 3) return;
  const fourth: usize = rows > 3 ? 3 : 2;
  pairErrors(d, left, right, row + 2, row + fourth, zeros);
}

/** Two left rows by four right rows at a time, eight sums in registers. */
function pairErrors(d: Descent, left: Side, right: Side, row0: usize, row1: usize, zeros: usize): void {
  const pitch = d.pitch;
  const x0 = left.value + row0 * pitch;
  const x1 = left.value + row1 * pitch;
  const own0 = f32x4.splat(d.offset + (left.bias ? load<f32>(left.bias + (row0 << 2)) : 0));
  const own1 = f32x4.splat(d.offset + (left.bias ? load<f32>(left.bias + (row1 << 2)) : 0));
  const columns = <usize>right.rows;
  let y0 = right.value;
  let at0 = (row0 * columns) << 2;
  let at1 = (row1 * columns) << 2;
  let biases = right.bias;
  for (let count: i32 = right.rows; count > 0; count -= 4) {
    const y1 = count > 1 ? y0 + pitch : zeros;
    const y2 = count > 2 ? y0 + 2 * pitch : zeros;
    const y3 = count > 3 ? y0 + 3 * pitch : zeros;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    let b0 = a0;
    let b1 = a0;
    let b2 = a0;
    let b3 = a0;
    for (let j: usize = 0; j < pitch; j += 16) {
      const p = v128.load(x0 + j);
      const q = v128.load(x1 + j);
      let y = v128.load(y0 + j);
      a0 = madd(p, y, a0);
      b0 = madd(q, y, b0);
      y = v128.load(y1 + j);
      a1 = madd(p, y, a1);
      b1 = madd(q, y, b1);
      y = v128.load(y2 + j);
      a2 = madd(p, y, a2);
      b2 = madd(q, y, b2);
      y = v128.load(y3 + j);
      a3 = madd(p, y, a3);
      b3 = madd(q, y, b3);
    }
    let p = f32x4.add(laneSums(a0, a1, a2, a3), own0);
    let q = f32x4.add(laneSums(b0, b1, b2, b3), own1);
    if (biases) {
      const bias = loadUpTo4(biases, count);
      p = f32x4.add(p, bias);
      q = f32x4.add(q, bias);
      biases += 16;
    }
    p = f32x4.sub(p, loadUpTo4(d.value + at0, count));
    q = f32x4.sub(q, loadUpTo4(d.value + at1, count));
    if (count > 3) {
      v128.store(d.error + at0, p);
      v128.store(d.error + at1, q);
    } else {
      storeFewer(d.error + at0, p, count);
      storeFewer(d.error + at1, q, count);
    }
    y0 += 4 * pitch;
    at0 += 16;
    at1 += 16;
  }
}

/**
 * out = Σ_t weight_t · table_t for four rows of weights and 8 columns, over `count` rows of the table.
 *
 * @param weights f32[count × 4]
 */
@inline
function addTile(weights: usize, table: usize, count: usize, out: usize, pitch: usize): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = table + count * pitch;
  for (let y = table; y < end; y += pitch) {
    const y0 = v128.load(y);
    const y1 = v128.load(y, 16);
    let w = v128.load32_splat(weights);
    a0 = madd(w, y0, a0);
    a1 = madd(w, y1, a1);
    w = v128.load32_splat(weights, 4);
    b0 = madd(w, y0, b0);
    b1 = madd(w, y1, b1);
    w = v128.load32_splat(weights, 8);
    c0 = madd(w, y0, c0);
    c1 = madd(w, y1, c1);
    w = v128.load32_splat(weights, 12);
    d0 = madd(w, y0, d0);
    d1 = madd(w, y1, d1);
    weights += 16;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  out += pitch;
  v128.store(out, b0);
  v128.store(out, b1, 16);
  out += pitch;
  v128.store(out, c0);
  v128.store(out, c1, 16);
  out += pitch;
  v128.store(out, d0);
  v128.store(out, d1, 16);
}

/** Rows of the other side whose part of a tile is added before it is put aside: the weights are 4 KB then. */
const BLOCK: usize = 256;

/** Bytes of packed weights and, after them, of a tile's f32x4 of error sums. */
export const WEIGHT_BYTES: usize = BLOCK << 4;
export const SUM_BYTES: usize = 64;

/** The errors of a tile's left rows with `count` right rows, four beside each other; returns their sums. */
function packLeft(error: usize, next: usize, rows: usize, count: usize, weights: usize): v128 {
  const w1 = rows > 1 ? next : 0;
  const w2 = rows > 2 ? 2 * next : 0;
  const w3 = rows > 3 ? 3 * next : 0;
  let sums = f32x4.splat(0);
  for (let i: usize = 0; i < count; i++) {
    let w = v128.load32_splat(error);
    w = v128.load_lane<f32>(error + w1, w, 1);
    w = v128.load_lane<f32>(error + w2, w, 2);
    w = v128.load_lane<f32>(error + w3, w, 3);
    v128.store(weights, w);
    sums = f32x4.add(sums, w);
    error += 4;
    weights += 16;
  }
  return sums;
}

/** The errors of a tile's right rows with `count` left rows, likewise. */
function packRight(error: usize, next: usize, rows: usize, count: usize, weights: usize): v128 {
  let sums = f32x4.splat(0);
  for (let i: usize = 0; i < count; i++) {
    const w = loadUpTo4(error, <u32>rows);
    v128.store(weights, w);
    sums = f32x4.add(sums, w);
    error += next;
    weights += 16;
  }
  return sums;
}

/**
 * Raw gradients of `rows` rows of a side from `row` on, at most a tile, into a tile of four rows; those of their biases
 * into the f32x4 behind the weights. Blocks are added up in f64.
 *
 * @param isLeft whether these are left rows, whose errors lie one beside the other
 * @param totals 8 rows, for f64
 * @param weights WEIGHT_BYTES + SUM_BYTES
 */
export function tileGradients(
  d: Descent,
  left: Side,
  right: Side,
  isLeft: bool,
  row: usize,
  rows: usize,
  out: usize,
  totals: usize,
  weights: usize,
): void {
  const pitch = d.pitch;
  const wide = <usize>right.rows << 2;
  const all = <usize>(isLeft ? right.rows : left.rows);
  const sums = weights + WEIGHT_BYTES;
  let table = isLeft ? right.value : left.value;
  let error = d.error + row * (isLeft ? wide : 4);
  let low = f64x2.splat(0);
  let high = low;
  if (all > BLOCK) clear(totals, 2 * TILE * pitch);
  for (let from: usize = 0; from < all; from += BLOCK) {
    const count = min(BLOCK, all - from);
    const s = isLeft
      ? packLeft(error, wide, rows, count, weights)
      : packRight(error, wide, rows, count, weights);
    low = f64x2.add(low, f64x2.promote_low_f32x4(s));
    high = f64x2.add(high, f64x2.promote_low_f32x4(v128.shuffle<f32>(s, s, 2, 3, 2, 3)));
    for (let chunk: usize = 0; chunk < pitch; chunk += 32) addTile(weights, table + chunk, count, out + chunk, pitch);
    if (all > BLOCK) moveToTotal(out, totals, TILE * pitch);
    table += count * pitch;
    error += count * (isLeft ? 4 : wide);
  }
  if (all > BLOCK) takeTotal(totals, out, TILE * pitch);
  const a = f32x4.demote_f64x2_zero(low);
  const b = f32x4.demote_f64x2_zero(high);
  v128.store(sums, v128.shuffle<f32>(a, b, 0, 1, 4, 5));
}
