/**
 * Cholesky factor and solve of one symmetric matrix whose upper triangle is given: a = uᵀ · u, in place.
 *
 * Four rows are finished at a time and then taken off all rows below in one pass, so that each load of a row below is
 * used four times. `width` is the rank rounded up to 4; columns from rank to width hold the unit matrix.
 */
import { laneSum, madd } from "./simd";

/**
 * @param matrix f32[width × pitch / 4], upper triangle; becomes u
 * @param inverse f32[width]; receives 1 / u_ii
 * @param least what a pivot must be above, as a share of its diagonal entry: PIVOT_NOISE, or more for a better condition
 * @returns width when all went well, else the column whose pivot is not above that (its value is still there)
 */
export function factor(matrix: usize, inverse: usize, width: usize, pitch: usize, least: f32): usize {
  const end = width << 2;
  for (let i: usize = 0; i < width; i++) store<f32>(inverse + (i << 2), load<f32>(matrix + i * pitch + (i << 2)));
  for (let i: usize = 0; i < width; i += 4) {
    const start = i << 2;
    for (let t = i; t < i + 4; t++) {
      const row = matrix + t * pitch;
      const pivot = load<f32>(row + (t << 2));
      if (!(pivot > least * load<f32>(inverse + (t << 2)) && pivot < Infinity)) return t;
      const scale: f32 = <f32>1 / sqrt<f32>(pivot);
      store<f32>(inverse + (t << 2), scale);
      const s = f32x4.splat(scale);
      for (let j = start; j < end; j += 16) v128.store(row + j, f32x4.mul(s, v128.load(row + j)));
      for (let q = t + 1; q < i + 4; q++) {
        const below = matrix + q * pitch;
        const f = f32x4.splat(-load<f32>(row + (q << 2)));
        for (let j = start; j < end; j += 16) v128.store(below + j, madd(f, v128.load(row + j), v128.load(below + j)));
      }
    }
    takeOff(matrix + i * pitch, matrix, i + 4, width, pitch);
  }
  return width;
}

/** Rows `from` to `width` - 1 less their share of the four finished rows at `done`. */
function takeOff(done: usize, matrix: usize, from: usize, width: usize, pitch: usize): void {
  const end = width << 2;
  const r0 = done;
  const r1 = r0 + pitch;
  const r2 = r1 + pitch;
  const r3 = r2 + pitch;
  for (let q = from; q < width; q++) {
    const at = q << 2;
    const f0 = f32x4.splat(-load<f32>(r0 + at));
    const f1 = f32x4.splat(-load<f32>(r1 + at));
    const f2 = f32x4.splat(-load<f32>(r2 + at));
    const f3 = f32x4.splat(-load<f32>(r3 + at));
    const row = matrix + q * pitch;
    for (let j = at & ~15; j < end; j += 16) {
      let v = v128.load(row + j);
      v = madd(f0, v128.load(r0 + j), v);
      v = madd(f1, v128.load(r1 + j), v);
      v = madd(f2, v128.load(r2 + j), v);
      v = madd(f3, v128.load(r3 + j), v);
      v128.store(row + j, v);
    }
  }
}

/**
 * Solves uᵀ · u · x = rhs.
 *
 * @param rhs f32[width], overwritten
 * @param x f32[width], the solution
 */
export function solve(matrix: usize, inverse: usize, rhs: usize, x: usize, width: usize, pitch: usize): void {
  const end = width << 2;
  for (let i: usize = 0; i < end; i += 4) {
    const row = matrix + (i >> 2) * pitch;
    const z = load<f32>(rhs + i) * load<f32>(inverse + i);
    store<f32>(x + i, z);
    // Whole vectors, so some places of rhs before i meet leftovers below the diagonal; nothing reads them again.
    const v = f32x4.splat(-z);
    for (let j = i & ~15; j < end; j += 16) v128.store(rhs + j, madd(v, v128.load(row + j), v128.load(rhs + j)));
  }
  for (let i = end; i > 0; ) {
    i -= 4;
    const row = matrix + (i >> 2) * pitch;
    const next = (i + 16) & ~15;
    let z = load<f32>(x + i);
    for (let j = i + 4; j < next; j += 4) z -= load<f32>(row + j) * load<f32>(x + j);
    let sum = f32x4.splat(0);
    for (let j = next; j < end; j += 16) sum = madd(v128.load(row + j), v128.load(x + j), sum);
    store<f32>(x + i, (z - laneSum(sum)) * load<f32>(inverse + i));
  }
}
