/**
 * Dense layers on tiles of rows: forward, backward to the inputs, backward to the weights. The hot part of the nets.
 *
 * In each a tile of 4 × 8 results lives in eight registers while the common dimension passes by; as in panel.ts. Rows are
 * counted up to a multiple of 4: what stands in the rows beyond `count` is computed and ignored.
 */
import { madd } from "./simd";

@inline
function finish(out: usize, low: v128, high: v128, mask: usize, relu: bool): void {
  const zero = f32x4.splat(0);
  if (relu) {
    // max(0, NaN) must stay NaN, which pmax with the sum second does not give; select by comparison does
    low = v128.andnot(low, f32x4.lt(low, zero));
    high = v128.andnot(high, f32x4.lt(high, zero));
  }
  if (mask) {
    low = v128.and(low, f32x4.gt(v128.load(mask), zero));
    high = v128.and(high, f32x4.gt(v128.load(mask, 16), zero));
  }
  v128.store(out, low);
  v128.store(out, high, 16);
}

/**
 * out[t] = bias + Σ_k a[t][k] · b[k] for `count` rows t, `inputs` numbers k and `width` bytes of columns.
 *
 * @param bias 0 for none
 * @param mask rows of `out`'s pitch, or 0; where it is not above 0 the result is 0 (the derivative of ReLU)
 */
@inline
function multiplyRows(
  a: usize,
  pitchA: usize,
  b: usize,
  pitchB: usize,
  out: usize,
  pitchOut: usize,
  count: u32,
  inputs: usize,
  width: usize,
  bias: usize,
  mask: usize,
  relu: bool,
): void {
  for (let column: usize = 0; column < width; column += 32) {
    const start0 = bias ? v128.load(bias + column) : f32x4.splat(0);
    const start1 = bias ? v128.load(bias + column, 16) : f32x4.splat(0);
    for (let t: u32 = 0; t < count; t += 4) {
      let p = a + <usize>t * pitchA;
      let q = p + pitchA;
      let r = q + pitchA;
      let s = r + pitchA;
      let row = b + column;
      const end = row + inputs * pitchB;
      let p0 = start0;
      let p1 = start1;
      let q0 = start0;
      let q1 = start1;
      let r0 = start0;
      let r1 = start1;
      let s0 = start0;
      let s1 = start1;
      while (row < end) {
        const low = v128.load(row);
        const high = v128.load(row, 16);
        let x = v128.load32_splat(p);
        p0 = madd(x, low, p0);
        p1 = madd(x, high, p1);
        x = v128.load32_splat(q);
        q0 = madd(x, low, q0);
        q1 = madd(x, high, q1);
        x = v128.load32_splat(r);
        r0 = madd(x, low, r0);
        r1 = madd(x, high, r1);
        x = v128.load32_splat(s);
        s0 = madd(x, low, s0);
        s1 = madd(x, high, s1);
        row += pitchB;
        p += 4;
        q += 4;
        r += 4;
        s += 4;
      }
      const at = <usize>t * pitchOut + column;
      finish(out + at, p0, p1, mask ? mask + at : 0, relu);
      finish(out + at + pitchOut, q0, q1, mask ? mask + at + pitchOut : 0, relu);
      finish(out + at + 2 * pitchOut, r0, r1, mask ? mask + at + 2 * pitchOut : 0, relu);
      finish(out + at + 3 * pitchOut, s0, s1, mask ? mask + at + 3 * pitchOut : 0, relu);
    }
  }
}

/** out = max(0, a · weight + bias), row by row. */
export function forward(
  a: usize,
  pitchA: usize,
  weight: usize,
  pitch: usize,
  out: usize,
  pitchOut: usize,
  count: u32,
  inputs: usize,
  width: usize,
  bias: usize,
): void {
  multiplyRows(a, pitchA, weight, pitch, out, pitchOut, count, inputs, width, bias, 0, true);
}

/** out = (bias or 0) + a · weight, row by row, and 0 where `mask` (unless 0) is not above 0. */
export function linear(
  a: usize,
  pitchA: usize,
  weight: usize,
  pitch: usize,
  out: usize,
  pitchOut: usize,
  count: u32,
  inputs: usize,
  width: usize,
  bias: usize,
  mask: usize,
): void {
  multiplyRows(a, pitchA, weight, pitch, out, pitchOut, count, inputs, width, bias, mask, false);
}

@inline
function add(out: usize, low: v128, high: v128): void {
  v128.store(out, f32x4.add(v128.load(out), low));
  v128.store(out, f32x4.add(v128.load(out, 16), high), 16);
}

/** matrix[k] += Σ_t a[t][k] · d[t] over `count` rows, for `inputs` rows k of the matrix and `width` bytes of columns. */
export function addOuter(
  a: usize,
  pitchA: usize,
  d: usize,
  pitchD: usize,
  matrix: usize,
  pitch: usize,
  count: u32,
  inputs: usize,
  width: usize,
): void {
  const whole = inputs & ~3;
  const rows = <usize>count * pitchD;
  for (let column: usize = 0; column < width; column += 32) {
    for (let k: usize = 0; k < whole; k += 4) {
      let x = a + (k << 2);
      let row = d + column;
      const end = row + rows;
      let p0 = f32x4.splat(0);
      let p1 = p0;
      let q0 = p0;
      let q1 = p0;
      let r0 = p0;
      let r1 = p0;
      let s0 = p0;
      let s1 = p0;
      while (row < end) {
        const low = v128.load(row);
        const high = v128.load(row, 16);
        let v = v128.load32_splat(x);
        p0 = madd(v, low, p0);
        p1 = madd(v, high, p1);
        v = v128.load32_splat(x, 4);
        q0 = madd(v, low, q0);
        q1 = madd(v, high, q1);
        v = v128.load32_splat(x, 8);
        r0 = madd(v, low, r0);
        r1 = madd(v, high, r1);
        v = v128.load32_splat(x, 12);
        s0 = madd(v, low, s0);
        s1 = madd(v, high, s1);
        row += pitchD;
        x += pitchA;
      }
      const out = matrix + k * pitch + column;
      add(out, p0, p1);
      add(out + pitch, q0, q1);
      add(out + 2 * pitch, r0, r1);
      add(out + 3 * pitch, s0, s1);
    }
    for (let k = whole; k < inputs; k++) {
      let x = a + (k << 2);
      let row = d + column;
      const end = row + rows;
      let low = f32x4.splat(0);
      let high = low;
      while (row < end) {
        const v = v128.load32_splat(x);
        low = madd(v, v128.load(row), low);
        high = madd(v, v128.load(row, 16), high);
        row += pitchD;
        x += pitchA;
      }
      add(matrix + k * pitch + column, low, high);
    }
  }
}

/** out += Σ_t d[t] over `count` rows. */
export function addRows(d: usize, pitchD: usize, out: usize, count: u32, width: usize): void {
  for (let column: usize = 0; column < width; column += 32) {
    let row = d + column;
    const end = row + <usize>count * pitchD;
    let low = f32x4.splat(0);
    let high = low;
    while (row < end) {
      low = f32x4.add(low, v128.load(row));
      high = f32x4.add(high, v128.load(row, 16));
      row += pitchD;
    }
    add(out + column, low, high);
  }
}
