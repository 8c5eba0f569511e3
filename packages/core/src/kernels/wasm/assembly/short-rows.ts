/**
 * Exact explicit rows with fewer entries than the rank: a system of as many unknowns as the row has entries.
 *
 * With Y the n gathered rows of the fixed table, t the targets, λ the row's penalty and μ that of its bias, the solution of
 * (YᵀY + λI) x = Yᵀ(t − b·1) is x = Yᵀα with (YYᵀ + λI) α = t − b·1 (push-through identity). A bias has no such form where
 * μ = 0, so it is eliminated: with M = YYᵀ + λI, M p = t and M q = 1 follows from μ b = Σ (t_j − b − x·y_j) = λ Σ α_j that
 * b = λ Σ p_j / (μ + λ Σ q_j), and α = p − b·q. The denominator is a sum of positive numbers for every μ ≥ 0.
 *
 * Costs n²k/2 + n³/6 + 2nk multiply-adds instead of nk²/2 + k³/6. Rounding: what is lost of M or α comes back in the normal
 * equations as |Y|ᵀ|M||α|, and α may be as large as |t| / λ. So this way is taken only where M is well conditioned, which its
 * pivots tell. The caller solves the other rows, and those without a penalty, by their normal equations.
 */
import { factor, solve } from "./cholesky";
import { rowOf } from "./gather";
import { laneSums, madd } from "./simd";

/**
 * A pivot below this share of its diagonal entry: M may be too badly conditioned for the error that kernels.ts promises. At
 * this share rows chosen for it (nearly equal ones, λ from 10⁻⁶ to 10⁹) reach 0.3 of that error, at 2⁻⁶ they reach 1.5 of it. In
 * models as trained (MovieLens, default settings and those of seed notebook 002) no row falls below a quarter.
 */
const LEAST_PIVOT: f32 = 0.125;

/** Rows of `pitch` bytes that `solveShort` needs beside the matrix: inverse, zeros, two right-hand sides, p, q. */
export const SHORT_ROWS: usize = 6;

/**
 * Whether the small system costs less: when it is smaller in the blocks of four that the factorization works in. Measured
 * at rank 16 to 128 it takes as long as the other at about that length, 0.4 to 0.65 of it at half the rank, 0.15 to 0.25 at a quarter.
 */
export function isShort(count: u32, rank: usize): bool {
  return ((<usize>count + 3) & ~3) < ((rank + 3) & ~3);
}

/**
 * One row of an ExplicitRows problem (kernels.ts).
 *
 * @param out the row: f32[pitch / 4], written when solved
 * @param outBias its bias, or null
 * @param index u32[count], 1 ≤ count ≤ rank
 * @param target f32[count]: value − offset − fixedBias
 * @param regularization above 0
 * @param matrix f32[count rounded up to 4 rows of pitch]
 * @param rows SHORT_ROWS rows of scratch
 * @returns false when the system is not well conditioned; then nothing is written
 */
export function solveShort(
  out: usize,
  outBias: usize,
  fixed: usize,
  index: usize,
  target: usize,
  count: u32,
  regularization: f32,
  biasRegularization: f32,
  matrix: usize,
  rows: usize,
  rank: usize,
  pitch: usize,
): bool {
  const width = (<usize>count + 3) & ~3;
  const bytes = ((rank + 3) & ~3) << 2;
  const inverse = rows;
  const zeros = inverse + pitch;
  const right = zeros + pitch;
  const ones = right + pitch;
  const p = ones + pitch;
  const q = p + pitch;
  memory.fill(zeros, 0, pitch);
  for (let i: u32 = 0; i < count; i += 4) {
    const at = index + (<usize>i << 2);
    const left = count - i;
    const y0 = rowOf(fixed, at, 0, left, zeros, pitch);
    const y1 = rowOf(fixed, at, 1, left, zeros, pitch);
    const y2 = rowOf(fixed, at, 2, left, zeros, pitch);
    const y3 = rowOf(fixed, at, 3, left, zeros, pitch);
    // Rows from j = count on are zeros, too: an even number of them, up to the width.
    for (let j: u32 = 0; j < i + 4; j += 2) {
      const a = rowOf(fixed, index + (<usize>j << 2), 0, count - min(j, count), zeros, pitch);
      const b = rowOf(fixed, index + (<usize>j << 2), 1, count - min(j, count), zeros, pitch);
      dots2by4(a, b, y0, y1, y2, y3, bytes, matrix + <usize>j * pitch + (<usize>i << 2), pitch);
    }
  }
  for (let j: usize = 0; j < width; j++) {
    const at = matrix + j * pitch + (j << 2);
    store<f32>(at, j < <usize>count ? load<f32>(at) + regularization : 1);
  }
  if (factor(matrix, inverse, width, pitch, LEAST_PIVOT) < width) return false;
  memory.copy(right, target, <usize>count << 2);
  memory.fill(right + (<usize>count << 2), 0, (width - count) << 2);
  solve(matrix, inverse, right, p, width, pitch);
  if (outBias) {
    for (let j: usize = 0; j < width; j++) store<f32>(ones + (j << 2), j < <usize>count ? 1 : 0);
    solve(matrix, inverse, ones, q, width, pitch);
    let sumP: f64 = 0;
    let sumQ: f64 = 0;
    for (let j: usize = 0; j < <usize>count << 2; j += 4) {
      sumP += <f64>load<f32>(p + j);
      sumQ += <f64>load<f32>(q + j);
    }
    const bias = <f32>((<f64>regularization * sumP) / (<f64>biasRegularization + <f64>regularization * sumQ));
    const b = f32x4.splat(-bias);
    for (let j: usize = 0; j < width << 2; j += 16) {
      v128.store(p + j, madd(b, v128.load(q + j), v128.load(p + j)));
    }
    store<f32>(outBias, bias);
  }
  addUp(fixed, index, p, count, out, pitch);
  return true;
}

/** The dot products of rows a and b with four rows over `bytes`, written at `out` and one pitch below. */
@inline
function dots2by4(
  a: usize,
  b: usize,
  y0: usize,
  y1: usize,
  y2: usize,
  y3: usize,
  bytes: usize,
  out: usize,
  pitch: usize,
): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let a2 = a0;
  let a3 = a0;
  let b0 = a0;
  let b1 = a0;
  let b2 = a0;
  let b3 = a0;
  for (let j: usize = 0; j < bytes; j += 16) {
    const va = v128.load(a + j);
    const vb = v128.load(b + j);
    let y = v128.load(y0 + j);
    a0 = madd(va, y, a0);
    b0 = madd(vb, y, b0);
    y = v128.load(y1 + j);
    a1 = madd(va, y, a1);
    b1 = madd(vb, y, b1);
    y = v128.load(y2 + j);
    a2 = madd(va, y, a2);
    b2 = madd(vb, y, b2);
    y = v128.load(y3 + j);
    a3 = madd(va, y, a3);
    b3 = madd(vb, y, b3);
  }
  v128.store(out, laneSums(a0, a1, a2, a3));
  v128.store(out + pitch, laneSums(b0, b1, b2, b3));
}

/** out = Σ_j weight_j · fixed[index_j], one chunk of 16 columns at a time. */
function addUp(fixed: usize, index: usize, weight: usize, count: u32, out: usize, pitch: usize): void {
  const end = index + (<usize>count << 2);
  for (let chunk: usize = 0; chunk < pitch; chunk += 64) {
    let w = weight;
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    for (let at = index; at < end; at += 4) {
      const y = fixed + <usize>load<u32>(at) * pitch + chunk;
      const one = v128.load32_splat(w);
      s0 = madd(one, v128.load(y), s0);
      s1 = madd(one, v128.load(y, 16), s1);
      s2 = madd(one, v128.load(y, 32), s2);
      s3 = madd(one, v128.load(y, 48), s3);
      w += 4;
    }
    v128.store(out + chunk, s0);
    v128.store(out + chunk, s1, 16);
    v128.store(out + chunk, s2, 32);
    v128.store(out + chunk, s3, 48);
  }
}
