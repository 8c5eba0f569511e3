import { describe, expect, it } from "vitest";
import {
  cosineOfHalfTurns,
  exponential,
  logarithm,
  logarithm2,
  logOnePlus,
  power,
  powerOfTwo,
} from "./portable-math.ts";

it("exp agrees with Math.exp to (2 + |x|) · 2^-52 relative from -700 to 700", () => {
  for (let x = -700; x <= 700; x += 0.173)
    expect(Math.abs(exponential(x) / Math.exp(x) - 1)).toBeLessThan((2 + Math.abs(x)) * 2 ** -52);
  expect(exponential(0)).toBe(1);
});

it("ln agrees with Math.log to 2^-51 · max(1, |ln x|) from 1e-300 to 1e300", () => {
  for (let x = 1e-300; x < 1e300; x *= 1.7)
    expect(Math.abs(logarithm(x) - Math.log(x))).toBeLessThan(2 ** -51 * Math.max(1, Math.abs(Math.log(x))));
  expect(logarithm(1)).toBe(0);
});

it("recorded bits: exp(1), exp(-0.3), ln(3), ln(1e-6)", () => {
  const bits = (x: number) => new BigUint64Array(Float64Array.of(x).buffer)[0].toString(16);
  expect([exponential(1), exponential(-0.3), logarithm(3), logarithm(1e-6)].map(bits)).toEqual([
    "4005bf0a8b14576a",
    "3fe7b4c869c37c05",
    "3ff193ea7aad030b",
    "c02ba18a998fffa0",
  ]);
});

it("logarithm2 is exact for 2^-1074 to 2^1023, and agrees with Math.log2 to 2^-50 for 2 to 100,000", () => {
  for (let exponent = -1074; exponent <= 1023; exponent++) expect(logarithm2(2 ** exponent)).toBe(exponent);
  for (let x = 2; x <= 100_000; x++) {
    const expected = Math.log2(x);
    if (Math.abs(logarithm2(x) - expected) > 2 ** -50 * expected) expect.fail(`log2(${x}) is ${logarithm2(x)}`);
  }
});

it("powerOfTwo is exact for whole and within 2^-51 for other exponents, 0 and Infinity beyond the normal numbers", () => {
  for (let exponent = -1022; exponent <= 1023; exponent++) expect(powerOfTwo(exponent)).toBe(2 ** exponent);
  for (let x = -20; x <= 20; x += 0.037) expect(Math.abs(powerOfTwo(x) / 2 ** x - 1)).toBeLessThan(2 ** -51);
  expect([powerOfTwo(1024), powerOfTwo(-1100)]).toEqual([Number.POSITIVE_INFINITY, 0]);
});

describe("powers", () => {
  it("agree with the engine's Math.pow to 2^-45 relative over bases 1e-6 to 1e9 and exponents 0 to 3", () => {
    for (const base of [1e-6, 0.3, 1, 1.42, 2, 3, 7.5, 120, 6040, 1.5e7, 1e9]) {
      for (const exponent of [0, 0.1, 0.25, 0.5, 0.75, 0.9, 1, 1.3, 2, 3]) {
        const expected = base ** exponent;
        expect(Math.abs(power(base, exponent) - expected)).toBeLessThanOrEqual(2 ** -45 * expected);
      }
    }
  });

  it("are exact for exponents 0, 0.5 and 1, and for base 0", () => {
    expect(power(6040.25, 0)).toBe(1);
    expect(power(6040.25, 0.5)).toBe(Math.sqrt(6040.25));
    expect(power(6040.25, 1)).toBe(6040.25);
    expect([power(0, 0), power(0, 0.3), power(0, 2)]).toEqual([1, 0, 0]);
  });

  it("logOnePlus agrees with Math.log1p to 2^-50 relative from -0.999 to 1e12, tiny arguments included", () => {
    for (const x of [-0.999, -0.5, -0.25, -1e-9, 1e-300, 1e-12, 0.1, 0.39, 0.4, 0.41421, 1, 5, 1000, 1e12]) {
      expect(Math.abs(logOnePlus(x) - Math.log1p(x))).toBeLessThanOrEqual(2 ** -50 * Math.abs(Math.log1p(x)));
    }
    expect(logOnePlus(0)).toBe(0);
  });

  it("give the recorded bits, so that an engine that rounds otherwise is noticed", () => {
    const float = (x: number) => {
      const view = new DataView(new ArrayBuffer(8));
      view.setFloat64(0, x);
      return view.getBigUint64(0).toString(16);
    };
    expect([float(power(6040, 0.3)), float(power(33.5, 0.9)), float(logOnePlus(4)), float(logOnePlus(0.1))]).toEqual([
      "402b3f976f733432",
      "4037946e845ff433",
      "3ff9c041f7ed8d33",
      "3fb8663f793c46c6",
    ]);
  });
});

it("the cosine of half turns agrees with Math.cos to 2^-50 from 0 to 1, exact at 0, 1/2 and 1", () => {
  for (let i = 0; i <= 10_000; i++) {
    const s = i / 10_000;
    expect(Math.abs(cosineOfHalfTurns(s) - Math.cos(Math.PI * s))).toBeLessThan(2 ** -50);
  }
  expect([0, 0.5, 1].map(cosineOfHalfTurns)).toEqual([1, 0, -1]);
});
