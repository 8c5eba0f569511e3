import { expect, it } from "vitest";
import { normal } from "../../support/index.ts";
import { choleskyF64, solveCholeskyF64 } from "./dense.ts";

/** A random matrix times its transpose, plus the identity. */
function positiveDefinite(n: number, seed: number): Float64Array {
  const b = Float64Array.from({ length: n * n }, (_, i) => normal(seed, i));
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      for (let t = 0; t < n; t++) a[i * n + j] += b[i * n + t] * b[j * n + t];
    }
    a[i * n + i] += 1;
  }
  return a;
}

it.each([1, 2, 5, 40])("factor and solve give back the right-hand side to 1e-10 at n = %i", (n) => {
  const a = positiveDefinite(n, n);
  const l = a.slice();
  expect(choleskyF64(l, n)).toBeUndefined();
  const rhs = Float64Array.from({ length: n }, (_, i) => normal(7, i));
  const x = rhs.slice();
  solveCholeskyF64(l, n, x);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += a[i * n + j] * x[j];
    expect(Math.abs(sum - rhs[i])).toBeLessThan(1e-10);
  }
});

it("names the pivot of a matrix of rank 2 as column 2, and of a negative diagonal as column 0", () => {
  const a = Float64Array.from([1, 1, 2, 1, 5, 4, 2, 4, 5]); // row 2 = 7/4 row 0 + 1/4 row 1
  a[8] = (2 * 7 + 4) / 4;
  expect(choleskyF64(a, 3)).toMatchObject({ pivot: 2 });
  expect(choleskyF64(Float64Array.from([-4]), 1)).toEqual({ pivot: 0, value: -4 });
  expect(choleskyF64(Float64Array.from([Number.NaN]), 1)).toEqual({ pivot: 0, value: Number.NaN });
});
