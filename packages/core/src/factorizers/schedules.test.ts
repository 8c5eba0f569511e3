/** Learning-rate schedules against their formulas, written out with Math. */
import { describe, expect, it } from "vitest";
import { OptionError } from "../support/index.ts";
import { gradient } from "./index.ts";
import { ratesOf } from "./schedules.ts";

const plain = { schedule: "constant", finalRate: 0.1, decayEvery: 3, decayFactor: 0.5, warmup: 0 } as const;

describe("schedules", () => {
  it("of 11 passes from 0.2 to a tenth of it: constant, linear, cosine, exponential", () => {
    for (let pass = 1; pass <= 11; pass++) {
      const s = (pass - 1) / 10;
      const at = (schedule: "constant" | "linear" | "cosine" | "exponential") =>
        ratesOf("test", 0.2, { ...plain, schedule }, 11).at(pass);
      expect(at("constant")).toBe(0.2);
      expect(at("linear")).toBeCloseTo(0.2 - 0.18 * s, 14);
      expect(at("cosine")).toBeCloseTo(0.02 + 0.09 * (1 + Math.cos(Math.PI * s)), 14);
      expect(at("exponential")).toBeCloseTo(0.2 * 0.1 ** s, 14);
    }
  });

  it("step halves the rate after every third pass", () => {
    const { at } = ratesOf("test", 0.8, { ...plain, schedule: "step" }, 8);
    expect([1, 2, 3, 4, 5, 6, 7, 8].map(at)).toEqual([0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2, 0.2]);
  });

  it("warm-up climbs evenly to the rate, and the schedule begins after it", () => {
    const { at } = ratesOf("test", 0.4, { ...plain, schedule: "linear", warmup: 3 }, 14);
    expect([1, 2, 3, 4].map(at)).toEqual([0.1, 0.2, expect.closeTo(0.3, 14), 0.4]);
    expect(at(9)).toBeCloseTo(0.4 * 0.55, 14);
    expect(at(14)).toBeCloseTo(0.04, 14);
  });

  it("a single pass has the first rate of every schedule", () => {
    for (const schedule of ["constant", "linear", "cosine", "exponential", "step"] as const) {
      expect(ratesOf("test", 0.3, { ...plain, schedule }, 1).at(1)).toBe(0.3);
    }
  });

  it("say whether a pass depends on how many there are in all", () => {
    expect(gradient({ schedule: "cosine" }).passesMatter).toBe("schedule cosine");
    expect(gradient({ schedule: "step" }).passesMatter).toBeUndefined();
    expect(gradient().passesMatter).toBeUndefined();
  });

  it("refuse a warm-up that leaves no pass, and settings of another schedule", () => {
    expect(() => gradient({ steps: 5, warmup: 5 })).toThrow(/warmup must be below the 5 passes in all/);
    expect(() => gradient({ schedule: "linear", decayEvery: 5 })).toThrow(OptionError);
    expect(() => gradient({ finalRate: 0.5 })).toThrow(/finalRate must be left out when schedule is "constant"/);
  });
});
