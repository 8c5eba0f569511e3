/**
 * Four rows of the fixed table at a time: their dot products with a vector, and their weighted sum added to a vector.
 *
 * A row's entries rarely divide by four; the missing rows of the last group are a row of zeros, and what is loaded beside
 * them (weights, targets) is zero, too, so that nothing stray from behind the arrays can turn into NaN.
 */
import { laneSums, madd } from "./simd";

/** Address of the table row of entry `i` of a group with `count` entries left, or of the zero row. */
@inline
export function rowOf(fixed: usize, index: usize, i: u32, count: u32, zeros: usize, pitch: usize): usize {
  return i < count ? fixed + <usize>load<u32>(index + (<usize>i << 2)) * pitch : zeros;
}

/** Four floats, or the `count` that are left and zeros. */
@inline
export function loadUpTo4(at: usize, count: u32): v128 {
  return count > 3 ? v128.load(at) : loadFewer(at, count);
}

function loadFewer(at: usize, count: u32): v128 {
  let v = v128.load32_zero(at);
  if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(at, 4));
  if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(at, 8));
  return v;
}

/** `table[index]` for four entries, zeros for those beyond `count`. */
@inline
export function gatherUpTo4(table: usize, index: usize, count: u32): v128 {
  let v = v128.load32_zero(table + (<usize>load<u32>(index) << 2));
  if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(table + (<usize>load<u32>(index, 4) << 2)));
  if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(table + (<usize>load<u32>(index, 8) << 2)));
  if (count > 3) v = f32x4.replace_lane(v, 3, load<f32>(table + (<usize>load<u32>(index, 12) << 2)));
  return v;
}

/** All ones in the first `count` lanes. */
@inline
export function laneMask(count: u32): v128 {
  return i32x4.lt_u(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

/** The dot products of v with four rows, two accumulators each, over `width` bytes, a multiple of 16. */
@inline
export function dots4(v: usize, y0: usize, y1: usize, y2: usize, y3: usize, width: usize): v128 {
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let e = a;
  let f = a;
  let g = a;
  let h = a;
  let j: usize = 0;
  for (; j + 64 <= width; j += 64) {
    let p = v128.load(v + j);
    let q = v128.load(v + j, 16);
    a = madd(p, v128.load(y0 + j), a);
    b = madd(p, v128.load(y1 + j), b);
    c = madd(p, v128.load(y2 + j), c);
    d = madd(p, v128.load(y3 + j), d);
    e = madd(q, v128.load(y0 + j, 16), e);
    f = madd(q, v128.load(y1 + j, 16), f);
    g = madd(q, v128.load(y2 + j, 16), g);
    h = madd(q, v128.load(y3 + j, 16), h);
    p = v128.load(v + j, 32);
    q = v128.load(v + j, 48);
    a = madd(p, v128.load(y0 + j, 32), a);
    b = madd(p, v128.load(y1 + j, 32), b);
    c = madd(p, v128.load(y2 + j, 32), c);
    d = madd(p, v128.load(y3 + j, 32), d);
    e = madd(q, v128.load(y0 + j, 48), e);
    f = madd(q, v128.load(y1 + j, 48), f);
    g = madd(q, v128.load(y2 + j, 48), g);
    h = madd(q, v128.load(y3 + j, 48), h);
  }
  if (width & 32) {
    const p = v128.load(v + j);
    const q = v128.load(v + j, 16);
    a = madd(p, v128.load(y0 + j), a);
    b = madd(p, v128.load(y1 + j), b);
    c = madd(p, v128.load(y2 + j), c);
    d = madd(p, v128.load(y3 + j), d);
    e = madd(q, v128.load(y0 + j, 16), e);
    f = madd(q, v128.load(y1 + j, 16), f);
    g = madd(q, v128.load(y2 + j, 16), g);
    h = madd(q, v128.load(y3 + j, 16), h);
    j += 32;
  }
  if (width & 16) {
    const p = v128.load(v + j);
    a = madd(p, v128.load(y0 + j), a);
    b = madd(p, v128.load(y1 + j), b);
    c = madd(p, v128.load(y2 + j), c);
    d = madd(p, v128.load(y3 + j), d);
  }
  return laneSums(f32x4.add(a, e), f32x4.add(b, f), f32x4.add(c, g), f32x4.add(d, h));
}

/** out += w0·y0 + w1·y1 + w2·y2 + w3·y3 with w the lanes of `weights`, over `width` bytes, a multiple of 16. */
@inline
export function addWeighted4(
  weights: v128,
  y0: usize,
  y1: usize,
  y2: usize,
  y3: usize,
  out: usize,
  width: usize,
): void {
  const w0 = v128.shuffle<f32>(weights, weights, 0, 0, 0, 0);
  const w1 = v128.shuffle<f32>(weights, weights, 1, 1, 1, 1);
  const w2 = v128.shuffle<f32>(weights, weights, 2, 2, 2, 2);
  const w3 = v128.shuffle<f32>(weights, weights, 3, 3, 3, 3);
  let j: usize = 0;
  for (; j + 64 <= width; j += 64) {
    let a = v128.load(out + j);
    let b = v128.load(out + j, 16);
    let c = v128.load(out + j, 32);
    let d = v128.load(out + j, 48);
    a = madd(w0, v128.load(y0 + j), a);
    b = madd(w0, v128.load(y0 + j, 16), b);
    c = madd(w0, v128.load(y0 + j, 32), c);
    d = madd(w0, v128.load(y0 + j, 48), d);
    a = madd(w1, v128.load(y1 + j), a);
    b = madd(w1, v128.load(y1 + j, 16), b);
    c = madd(w1, v128.load(y1 + j, 32), c);
    d = madd(w1, v128.load(y1 + j, 48), d);
    a = madd(w2, v128.load(y2 + j), a);
    b = madd(w2, v128.load(y2 + j, 16), b);
    c = madd(w2, v128.load(y2 + j, 32), c);
    d = madd(w2, v128.load(y2 + j, 48), d);
    a = madd(w3, v128.load(y3 + j), a);
    b = madd(w3, v128.load(y3 + j, 16), b);
    c = madd(w3, v128.load(y3 + j, 32), c);
    d = madd(w3, v128.load(y3 + j, 48), d);
    v128.store(out + j, a);
    v128.store(out + j, b, 16);
    v128.store(out + j, c, 32);
    v128.store(out + j, d, 48);
  }
  for (; j < width; j += 16) {
    let a = v128.load(out + j);
    a = madd(w0, v128.load(y0 + j), a);
    a = madd(w1, v128.load(y1 + j), a);
    a = madd(w2, v128.load(y2 + j), a);
    a = madd(w3, v128.load(y3 + j), a);
    v128.store(out + j, a);
  }
}
