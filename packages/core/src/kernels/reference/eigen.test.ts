/** Small eigenproblems and exact decompositions, against closed forms and SciPy 1.10.1. */
import { describe, expect, it } from "vitest";
import { uniform } from "../../support/index.ts";
import { eigenF64, identityF64, svdF64 } from "./eigen.ts";

function randomSymmetric(n: number): Float64Array {
  const a = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = uniform(3, i * n + j, -1, 1);
  return a;
}

describe("eigenF64", () => {
  it("gives 2 − 2 cos(kπ/41) for the second difference of 40 places", async () => {
    const n = 40;
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      a[i * n + i] = 2;
      if (i > 0) a[i * n + i - 1] = a[(i - 1) * n + i] = -1;
    }
    const { values } = await eigenF64(a, n, new Float64Array(0));
    for (let k = 1; k <= n; k++) expect(values[n - k]).toBeCloseTo(2 - 2 * Math.cos((k * Math.PI) / (n + 1)), 13);
  });

  it.each([1, 2, 3, 17, 60])("a · V = V · values to 1e-13 and V is orthonormal at n = %i", async (n) => {
    const a = randomSymmetric(n);
    const { values, rows: v } = await eigenF64(a.slice(), n, identityF64(n));
    for (let c = 0; c < n; c++) {
      if (c > 0) expect(values[c]).toBeLessThanOrEqual(values[c - 1]);
      for (let i = 0; i < n; i++) {
        let image = 0;
        let inner = 0;
        for (let j = 0; j < n; j++) {
          image += a[i * n + j] * v[j * n + c];
          inner += v[j * n + i] * v[j * n + c];
        }
        expect(Math.abs(image - values[c] * v[i * n + c])).toBeLessThan(1e-13);
        expect(Math.abs(inner - (i === c ? 1 : 0))).toBeLessThan(1e-13);
      }
    }
  });

  it("carried rows come out as those rows times the eigenvectors", async () => {
    const n = 12;
    const a = randomSymmetric(n);
    const carried = Float64Array.from({ length: 2 * n }, (_, i) => uniform(5, i, -1, 1));
    const { rows: v } = await eigenF64(a.slice(), n, identityF64(n));
    const { rows } = await eigenF64(a.slice(), n, carried);
    for (let r = 0; r < 2; r++) {
      for (let c = 0; c < n; c++) {
        let sum = 0;
        for (let i = 0; i < n; i++) sum += carried[r * n + i] * v[i * n + c];
        expect(Math.abs(rows[r * n + c] - sum)).toBeLessThan(1e-13);
      }
    }
  });

  it("a matrix of zeros, an empty one, and one with NaN: zeros, nothing, an error", async () => {
    expect((await eigenF64(new Float64Array(9), 3, identityF64(3))).values).toEqual(new Float64Array(3));
    expect((await eigenF64(new Float64Array(0), 0, new Float64Array(0))).values).toEqual(new Float64Array(0));
    const bad = Float64Array.of(1, Number.NaN, Number.NaN, 1);
    await expect(eigenF64(bad, 2, identityF64(2))).rejects.toMatchObject({ code: "not-finite" });
  });
});

describe("svdF64", () => {
  it("finds the values of the 8 × 8 Hilbert matrix, from 1.7 down to 1.1e-10, to 1e-15 of the largest (SciPy 1.10.1)", async () => {
    const n = 8;
    const hilbert = Float64Array.from({ length: n * n }, (_, i) => 1 / (Math.floor(i / n) + (i % n) + 1));
    const { values } = await svdF64(hilbert, n, n);
    const expected = [
      1.6959389969219496, 0.2981252113169307, 0.026212843578119052, 0.0014676881177418442, 5.436943369749202e-5,
      1.2943320918726499e-6, 1.7988737454889434e-8, 1.1115389827801432e-10,
    ];
    for (let j = 0; j < n; j++) expect(Math.abs(values[j] - expected[j])).toBeLessThan(1e-15);
  });

  it.each([1, 5, 8])(
    "decomposes 90 × 120 numbers in f32 of rank %i, whose other 80 values are rounding",
    async (rank) => {
      const [n, length] = [90, 120];
      const rows = Float64Array.from({ length: n * length }, (_, at) => {
        const [r, c] = [Math.floor(at / length), at % length];
        let sum = 0;
        for (let k = 0; k < rank; k++) sum += uniform(11, r * rank + k, -1, 1) * uniform(12, c * rank + k, -1, 1);
        return Math.fround(sum);
      });
      const whole = rows.reduce((sum, value) => sum + value * value, 0);
      const { values } = await svdF64(rows, n, length);
      expect(values[rank - 1]).toBeGreaterThan(1);
      // A random n × m matrix of deviation s has no value above s (√n + √m) to speak of; rounding to f32 has 2⁻²⁵ of a number's size.
      expect(values[rank]).toBeLessThan(2 ** -24 * rank * (Math.sqrt(n) + Math.sqrt(length)));
      expect(values.reduce((sum, value) => sum + value * value, 0) / whole).toBeCloseTo(1, 12);
    },
  );

  it("multiplies back to a 20 × 33 matrix with two equal rows, its last value 0 to 1e-14", async () => {
    const [n, length] = [20, 33];
    const rows = Float64Array.from({ length: n * length }, (_, i) => uniform(7, i, -1, 1));
    rows.copyWithin((n - 1) * length, 0, length);
    const { values, short, long } = await svdF64(rows.slice(), n, length);
    expect(values[n - 1]).toBeLessThan(1e-14);
    for (let i = 0; i < n; i++) {
      for (let t = 0; t < length; t++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += short[j * n + i] * long[j * length + t];
        expect(Math.abs(sum - rows[i * length + t])).toBeLessThan(1e-14);
      }
    }
  });
});
