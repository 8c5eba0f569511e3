/**
 * Vector building blocks: 4 floats at a time, rows in chunks of 16 (64 bytes), unrolled by hand because asc does not.
 *
 * A pointer is a byte address; `pitch` is the bytes from one table row to the next, a multiple of 64. Padding is zero, so
 * loops may run over whole chunks and never look at the rank; where a `width` is given, they leave out whole vectors of it.
 */

/** a·b + c: one rounding in the relaxed build where the machine fuses, two in the strict build, always. */
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** The four lanes added up, as (0 + 2) + (1 + 3). */
@inline
export function laneSum(a: v128): f32 {
  const pairs = f32x4.add(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** Four vectors in, the vector of their four lane sums out. */
@inline
export function laneSums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** a · b over `width` bytes, a multiple of 16. */
@inline
export function dot(a: usize, b: usize, width: usize): f32 {
  let s = f32x4.splat(0);
  let t = s;
  let j: usize = 0;
  for (; j + 64 <= width; j += 64) {
    s = madd(v128.load(a + j), v128.load(b + j), s);
    t = madd(v128.load(a + j, 16), v128.load(b + j, 16), t);
    s = madd(v128.load(a + j, 32), v128.load(b + j, 32), s);
    t = madd(v128.load(a + j, 48), v128.load(b + j, 48), t);
  }
  if (width & 32) {
    s = madd(v128.load(a + j), v128.load(b + j), s);
    t = madd(v128.load(a + j, 16), v128.load(b + j, 16), t);
    j += 32;
  }
  if (width & 16) s = madd(v128.load(a + j), v128.load(b + j), s);
  return laneSum(f32x4.add(s, t));
}

/** a · b over `rank` floats, in double precision: for the few sums that cancel. */
export function dotF64(a: usize, b: usize, rank: usize): f64 {
  let sum: f64 = 0;
  for (let j: usize = 0; j < rank << 2; j += 4) sum += <f64>load<f32>(a + j) * <f64>load<f32>(b + j);
  return sum;
}

/** Zeroes `bytes`, a multiple of 16: for rows, which are too short for `memory.fill`. */
@inline
export function clear(at: usize, bytes: usize): void {
  for (let j: usize = 0; j < bytes; j += 16) v128.store(at + j, f32x4.splat(0));
}

/** out += weight · a over `width` bytes, a multiple of 16. */
@inline
export function addTimes(weight: f32, a: usize, out: usize, width: usize): void {
  const w = f32x4.splat(weight);
  let j: usize = 0;
  for (; j + 64 <= width; j += 64) {
    v128.store(out + j, madd(w, v128.load(a + j), v128.load(out + j)));
    v128.store(out + j, madd(w, v128.load(a + j, 16), v128.load(out + j, 16)), 16);
    v128.store(out + j, madd(w, v128.load(a + j, 32), v128.load(out + j, 32)), 32);
    v128.store(out + j, madd(w, v128.load(a + j, 48), v128.load(out + j, 48)), 48);
  }
  for (; j < width; j += 16) v128.store(out + j, madd(w, v128.load(a + j), v128.load(out + j)));
}

/** out = a + weight · out over one row. */
@inline
export function scaleAndAdd(a: usize, weight: f32, out: usize, pitch: usize): void {
  const w = f32x4.splat(weight);
  for (let j: usize = 0; j < pitch; j += 16) v128.store(out + j, madd(w, v128.load(out + j), v128.load(a + j)));
}

/**
 * out = Σ_q x_q · m[q, ·] = mᵀ · x, where only rows q of m from `first` to `last` matter to a chunk of 16 columns:
 * all of them, those up to the chunk (m upper triangular), or those from the chunk on (m lower triangular).
 */
@inline
function multiply(m: usize, x: usize, out: usize, rank: usize, pitch: usize, upper: bool, lower: bool): void {
  const end = rank << 2;
  for (let chunk: usize = 0; chunk < pitch; chunk += 64) {
    const first: usize = lower ? chunk : 0;
    const last: usize = upper ? min(chunk + 64, end) : end;
    let row = m + chunk + (first >> 2) * pitch;
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let a2 = a0;
    let a3 = a0;
    for (let q = first; q < last; q += 4) {
      const v = v128.load32_splat(x + q);
      a0 = madd(v, v128.load(row), a0);
      a1 = madd(v, v128.load(row, 16), a1);
      a2 = madd(v, v128.load(row, 32), a2);
      a3 = madd(v, v128.load(row, 48), a3);
      row += pitch;
    }
    v128.store(out + chunk, a0);
    v128.store(out + chunk, a1, 16);
    v128.store(out + chunk, a2, 32);
    v128.store(out + chunk, a3, 48);
  }
}

/** out = m · x for a symmetric m. */
export function multiplySymmetric(m: usize, x: usize, out: usize, rank: usize, pitch: usize): void {
  multiply(m, x, out, rank, pitch, false, false);
}

/** out = mᵀ · x for an upper triangular m. */
export function multiplyByUpper(m: usize, x: usize, out: usize, rank: usize, pitch: usize): void {
  multiply(m, x, out, rank, pitch, true, false);
}

/** out = mᵀ · x for a lower triangular m. */
export function multiplyByLower(m: usize, x: usize, out: usize, rank: usize, pitch: usize): void {
  multiply(m, x, out, rank, pitch, false, true);
}
