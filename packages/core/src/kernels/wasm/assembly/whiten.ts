/**
 * Whitening for implicit conjugate gradient: coordinates in which the part common to all rows is the identity.
 *
 * With w·G + λ·I = l · lᵀ (Cholesky, in f64), y' = l⁻¹ y and x' = lᵀ x give x·y = x'·y', and a row's matrix becomes
 * I + Σ_j (c_j − overlap) y'_j y'_jᵀ + extra · l⁻¹ l⁻ᵀ. Written as f32 matrices, one after another, each of
 * pitch / 4 rows of `pitch` bytes: l (x to x'), l⁻ᵀ (y to y'), l⁻¹ (x' to x), l⁻¹ l⁻ᵀ (the penalty).
 * Once per half-sweep; cost 2/3 · rank³.
 */
import { reportUnstable } from "./report";

/** As in reference/dense.ts: a pivot this small beside its diagonal entry is rounding noise in f64. */
const PIVOT_NOISE_F64: f64 = 8.881784197001252e-16; // 2⁻⁵⁰

/**
 * @param gram f32, both triangles, pitch / 4 rows
 * @param matrices receives the four matrices; two f64 matrices of rank² lie behind them as scratch
 * @returns 1, or 0 when the matrix is not positive definite (reported as row 0)
 */
export function whiten(
  gram: usize,
  weight: f32,
  regularization: f32,
  rank: usize,
  pitch: usize,
  matrices: usize,
  report: usize,
): u32 {
  const size = (pitch >> 2) * pitch;
  const wide = rank << 3;
  const l = matrices + 4 * size;
  const inverse = l + rank * wide;
  const bad = factorF64(gram, weight, regularization, rank, pitch, l, report);
  if (bad) return 0;
  invertF64(l, inverse, rank);
  memory.fill(matrices, 0, 4 * size);
  for (let i: usize = 0; i < rank; i++) {
    for (let j: usize = 0; j <= i; j++) {
      const at = i * pitch + (j << 2);
      const mirrored = j * pitch + (i << 2);
      const value = <f32>load<f64>(inverse + i * wide + (j << 3));
      const product = <f32>dotF64x2(inverse + i * wide, inverse + j * wide, j + 1);
      store<f32>(matrices + at, <f32>load<f64>(l + i * wide + (j << 3)));
      store<f32>(matrices + size + mirrored, value);
      store<f32>(matrices + 2 * size + at, value);
      store<f32>(matrices + 3 * size + at, product);
      store<f32>(matrices + 3 * size + mirrored, product);
    }
  }
  return 1;
}

/** l · lᵀ = weight · gram + regularization · I, row by row; the strict upper triangle is left alone. */
function factorF64(
  gram: usize,
  weight: f32,
  regularization: f32,
  rank: usize,
  pitch: usize,
  l: usize,
  report: usize,
): bool {
  const wide = rank << 3;
  for (let i: usize = 0; i < rank; i++) {
    const row = l + i * wide;
    for (let j: usize = 0; j < i; j++) {
      const other = l + j * wide;
      const entry = <f64>weight * <f64>load<f32>(gram + i * pitch + (j << 2));
      store<f64>(row + (j << 3), (entry - dotF64x2(row, other, j)) / load<f64>(other + (j << 3)));
    }
    const diagonal = <f64>weight * <f64>load<f32>(gram + i * pitch + (i << 2)) + <f64>regularization;
    const pivot = diagonal - dotF64x2(row, row, i);
    if (!(pivot > diagonal * PIVOT_NOISE_F64 && pivot < Infinity)) {
      reportUnstable(report, 0, <u32>i, <f32>pivot);
      return true;
    }
    store<f64>(row + (i << 3), sqrt<f64>(pivot));
  }
  return false;
}

/** inverse = l⁻¹: row i is a combination of the rows before it. The strict upper triangle is left alone. */
function invertF64(l: usize, inverse: usize, rank: usize): void {
  const wide = rank << 3;
  for (let i: usize = 0; i < rank; i++) {
    const row = inverse + i * wide;
    const diagonal = load<f64>(l + i * wide + (i << 3));
    memory.fill(row, 0, i << 3);
    for (let t: usize = 0; t < i; t++) {
      const weight = -load<f64>(l + i * wide + (t << 3));
      const other = inverse + t * wide;
      for (let j: usize = 0; j <= t << 3; j += 8) {
        store<f64>(row + j, load<f64>(row + j) + weight * load<f64>(other + j));
      }
    }
    for (let j: usize = 0; j < i << 3; j += 8) store<f64>(row + j, load<f64>(row + j) / diagonal);
    store<f64>(row + (i << 3), 1 / diagonal);
  }
}

/** Σ a_t·b_t over `count` doubles, in four interleaved sums. */
function dotF64x2(a: usize, b: usize, count: usize): f64 {
  let s = f64x2.splat(0);
  let t = s;
  let j: usize = 0;
  const whole = (count & ~3) << 3;
  for (; j < whole; j += 32) {
    s = f64x2.add(s, f64x2.mul(v128.load(a + j), v128.load(b + j)));
    t = f64x2.add(t, f64x2.mul(v128.load(a + j, 16), v128.load(b + j, 16)));
  }
  s = f64x2.add(s, t);
  let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  for (; j < count << 3; j += 8) sum += load<f64>(a + j) * load<f64>(b + j);
  return sum;
}
