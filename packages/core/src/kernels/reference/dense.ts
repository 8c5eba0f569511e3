/**
 * Small dense linear algebra in double precision: Cholesky factor and solve, as textbooks write it.
 *
 * Matrices are row-major f64[n × n]. Used by the reference backend, and by callers who need one small exact system
 * (explanations). Cost: n³/6 multiply-adds to factor, n² to solve.
 */

/** The column where a factorization broke, and the pivot it met there. */
export interface BadPivot {
  readonly pivot: number;
  readonly value: number;
}

/** A pivot this small beside its diagonal entry is rounding noise: the matrix is not positive definite in f64. */
const PIVOT_NOISE = 2 ** -50;

/**
 * Lower Cholesky factor of a symmetric positive definite matrix: a = l · lᵀ, in place.
 *
 * @param a f64[n × n]; the lower triangle is read, and becomes l; the strict upper triangle is left alone
 * @returns undefined when all went well, else where it broke (columns before `pivot` are then already overwritten)
 */
export function choleskyF64(a: Float64Array, n: number): BadPivot | undefined {
  for (let j = 0; j < n; j++) {
    const diagonal = a[j * n + j];
    let pivot = diagonal;
    for (let t = 0; t < j; t++) pivot -= a[j * n + t] * a[j * n + t];
    if (!(pivot > diagonal * PIVOT_NOISE && pivot < Number.POSITIVE_INFINITY)) return { pivot: j, value: pivot };
    const root = Math.sqrt(pivot);
    a[j * n + j] = root;
    for (let i = j + 1; i < n; i++) {
      let sum = a[i * n + j];
      for (let t = 0; t < j; t++) sum -= a[i * n + t] * a[j * n + t];
      a[i * n + j] = sum / root;
    }
  }
  return undefined;
}

/**
 * Solves l · lᵀ · x = rhs in place.
 *
 * @param l as `choleskyF64` leaves it
 * @param rhs f64[n]; becomes x
 */
export function solveCholeskyF64(l: Float64Array, n: number, rhs: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = rhs[i];
    for (let t = 0; t < i; t++) sum -= l[i * n + t] * rhs[t];
    rhs[i] = sum / l[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = rhs[i];
    for (let t = i + 1; t < n; t++) sum -= l[t * n + i] * rhs[t];
    rhs[i] = sum / l[i * n + i];
  }
}

/** out = a · x for a symmetric a, both triangles present. */
export function multiplyF64(a: Float64Array, n: number, x: Float64Array, out: Float64Array): void {
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += a[i * n + j] * x[j];
    out[i] = sum;
  }
}

export function dotF64(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
