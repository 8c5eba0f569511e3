import { describe, expect, it } from "vitest";
import { logOnePlus, power } from "./powers.ts";

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
