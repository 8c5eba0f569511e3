/**
 * Products of tall tables with sparse rows, with each other and with small matrices (products.ts in kernels/).
 *
 * Each has its own way to keep rounding near that of a short sum: sparse rows add blocks of 256 entries, inner products
 * add blocks of 64 rows in f64. Sums start anew at fixed places, so the bytes do not depend on the number of threads.
 */
import { madd } from "./simd";

/** Entries summed in registers before they are added to the row. */
const BLOCK_ENTRIES: u32 = 256;

/** Rows summed in f32 before they are added in f64. */
const BLOCK_ROWS: usize = 64;

/** Rows `from` to `to` - 1 of a SparseProduct. `width` is in bytes, a multiple of 64. */
export function sparseProduct(
  start: usize,
  index: usize,
  value: usize,
  right: usize,
  rightPitch: usize,
  out: usize,
  outPitch: usize,
  width: usize,
  from: u32,
  to: u32,
): void {
  for (let row = <usize>from; row < <usize>to; row++) {
    const first = load<u32>(start + (row << 2));
    const last = load<u32>(start + (row << 2), 4);
    for (let chunk: usize = 0; chunk < width; chunk += 64) {
      const target = out + row * outPitch + chunk;
      const source = right + chunk;
      memory.fill(target, 0, 64);
      for (let block = first; block < last; block += BLOCK_ENTRIES) {
        addEntries(index, value, source, rightPitch, target, block, min<u32>(last, block + BLOCK_ENTRIES));
      }
    }
  }
}

/** target[0..15] += Σ value_e · source[index_e][0..15], four entries at a time. */
@inline
function addEntries(
  index: usize,
  value: usize,
  source: usize,
  pitch: usize,
  target: usize,
  first: u32,
  last: u32,
): void {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  const end = index + (<usize>last << 2);
  let at = index + (<usize>first << 2);
  let weight = value + (<usize>first << 2);
  while (at < end) {
    const y = source + <usize>load<u32>(at) * pitch;
    const w = v128.load32_splat(weight);
    a = madd(w, v128.load(y), a);
    b = madd(w, v128.load(y, 16), b);
    c = madd(w, v128.load(y, 32), c);
    d = madd(w, v128.load(y, 48), d);
    at += 4;
    weight += 4;
  }
  v128.store(target, f32x4.add(v128.load(target), a));
  v128.store(target, f32x4.add(v128.load(target, 16), b), 16);
  v128.store(target, f32x4.add(v128.load(target, 32), c), 32);
  v128.store(target, f32x4.add(v128.load(target, 48), d), 48);
}

/** Parts `from` to `to` - 1 of `count`: part p sums rows p·rows/count to (p + 1)·rows/count - 1 into f64 parts[p]. */
export function innerProductParts(
  left: usize,
  leftPitch: usize,
  right: usize,
  rightPitch: usize,
  rows: u32,
  leftWidth: usize,
  rightWidth: usize,
  parts: usize,
  count: u32,
  from: u32,
  to: u32,
): void {
  const size = (leftWidth * rightWidth) << 3;
  for (let p = from; p < to; p++) {
    const matrix = parts + <usize>p * size;
    memory.fill(matrix, 0, size);
    const last = <usize>((<u64>rows * (p + 1)) / count);
    for (let row = <usize>((<u64>rows * p) / count); row < last; row += BLOCK_ROWS) {
      const height = min(BLOCK_ROWS, last - row);
      const a = left + row * leftPitch;
      const b = right + row * rightPitch;
      for (let i: usize = 0; i < leftWidth; i += 4) {
        for (let j: usize = 0; j < rightWidth; j += 8) {
          const tile = matrix + ((i * rightWidth + j) << 3);
          addTile(a + (i << 2), leftPitch, b + (j << 2), rightPitch, height, tile, rightWidth << 3);
        }
      }
    }
  }
}

/** tile (4 × 8, f64) += Σ over `height` rows of left[0..3]ᵀ · right[0..7]. */
@inline
function addTile(
  left: usize,
  leftPitch: usize,
  right: usize,
  rightPitch: usize,
  height: usize,
  tile: usize,
  tilePitch: usize,
): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  let l = left;
  let r = right;
  const end = right + height * rightPitch;
  while (r < end) {
    const r0 = v128.load(r);
    const r1 = v128.load(r, 16);
    let x = v128.load32_splat(l);
    a0 = madd(x, r0, a0);
    a1 = madd(x, r1, a1);
    x = v128.load32_splat(l, 4);
    b0 = madd(x, r0, b0);
    b1 = madd(x, r1, b1);
    x = v128.load32_splat(l, 8);
    c0 = madd(x, r0, c0);
    c1 = madd(x, r1, c1);
    x = v128.load32_splat(l, 12);
    d0 = madd(x, r0, d0);
    d1 = madd(x, r1, d1);
    r += rightPitch;
    l += leftPitch;
  }
  addWide(tile, a0, a1);
  addWide(tile + tilePitch, b0, b1);
  addWide(tile + 2 * tilePitch, c0, c1);
  addWide(tile + 3 * tilePitch, d0, d1);
}

/** Eight floats added to eight f64. */
@inline
function addWide(at: usize, a: v128, b: v128): void {
  v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(a)));
  a = v128.shuffle<f32>(a, a, 2, 3, 2, 3);
  v128.store(at, f64x2.add(v128.load(at, 16), f64x2.promote_low_f32x4(a)), 16);
  v128.store(at, f64x2.add(v128.load(at, 32), f64x2.promote_low_f32x4(b)), 32);
  b = v128.shuffle<f32>(b, b, 2, 3, 2, 3);
  v128.store(at, f64x2.add(v128.load(at, 48), f64x2.promote_low_f32x4(b)), 48);
}

/** out = the sum of all parts, without padding. */
export function innerProductSum(
  parts: usize,
  count: u32,
  leftWidth: usize,
  rightWidth: usize,
  leftRank: usize,
  rightRank: usize,
  out: usize,
): void {
  const size = (leftWidth * rightWidth) << 3;
  for (let i: usize = 0; i < leftRank; i++) {
    for (let j: usize = 0; j < rightRank; j++) {
      let at = parts + ((i * rightWidth + j) << 3);
      let sum: f64 = 0;
      for (let p: u32 = 0; p < count; p++) {
        sum += load<f64>(at);
        at += size;
      }
      store<f64>(out + ((i * rightRank + j) << 3), sum);
    }
  }
}

/** Rows `from` to `to` - 1 of a TallProduct: four rows and eight columns at a time. `width` is in floats. */
export function tallProduct(
  left: usize,
  leftPitch: usize,
  leftRank: usize,
  matrix: usize,
  matrixPitch: usize,
  out: usize,
  outPitch: usize,
  width: usize,
  add: u32,
  from: u32,
  to: u32,
): void {
  let row = <usize>from;
  for (; row + 4 <= <usize>to; row += 4) {
    for (let j: usize = 0; j < width << 2; j += 32) {
      fourRows(left + row * leftPitch, leftPitch, leftRank, matrix + j, matrixPitch, out + row * outPitch + j, outPitch, add);
    }
  }
  for (; row < <usize>to; row++) {
    for (let j: usize = 0; j < width << 2; j += 32) {
      oneRow(left + row * leftPitch, leftRank, matrix + j, matrixPitch, out + row * outPitch + j, add);
    }
  }
}

@inline
function fourRows(
  left: usize,
  leftPitch: usize,
  leftRank: usize,
  matrix: usize,
  matrixPitch: usize,
  out: usize,
  outPitch: usize,
  add: u32,
): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = left + (leftRank << 2);
  let l = left;
  let m = matrix;
  while (l < end) {
    const m0 = v128.load(m);
    const m1 = v128.load(m, 16);
    let x = v128.load32_splat(l);
    a0 = madd(x, m0, a0);
    a1 = madd(x, m1, a1);
    x = v128.load32_splat(l + leftPitch);
    b0 = madd(x, m0, b0);
    b1 = madd(x, m1, b1);
    x = v128.load32_splat(l + 2 * leftPitch);
    c0 = madd(x, m0, c0);
    c1 = madd(x, m1, c1);
    x = v128.load32_splat(l + 3 * leftPitch);
    d0 = madd(x, m0, d0);
    d1 = madd(x, m1, d1);
    l += 4;
    m += matrixPitch;
  }
  put(out, a0, a1, add);
  put(out + outPitch, b0, b1, add);
  put(out + 2 * outPitch, c0, c1, add);
  put(out + 3 * outPitch, d0, d1, add);
}

/** The same sums in the same order as `fourRows`: how rows are shared among threads must not show. */
@inline
function oneRow(left: usize, leftRank: usize, matrix: usize, matrixPitch: usize, out: usize, add: u32): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  const end = left + (leftRank << 2);
  let m = matrix;
  for (let l = left; l < end; l += 4) {
    const x = v128.load32_splat(l);
    a0 = madd(x, v128.load(m), a0);
    a1 = madd(x, v128.load(m, 16), a1);
    m += matrixPitch;
  }
  put(out, a0, a1, add);
}

@inline
function put(out: usize, a: v128, b: v128, add: u32): void {
  if (add) {
    a = f32x4.add(v128.load(out), a);
    b = f32x4.add(v128.load(out, 16), b);
  }
  v128.store(out, a);
  v128.store(out, b, 16);
}
