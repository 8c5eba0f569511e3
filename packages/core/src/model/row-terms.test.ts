import { describe, expect, it } from "vitest";
import { CellValues } from "../ratings/index.ts";
import type { Confidence, RowObjective } from "./factor-model.ts";
import {
  biasRegularizations,
  confidences,
  hasBias,
  historyShare,
  isCenter,
  overlapOf,
  regularizations,
  rowCenters,
  rowOfHistory,
  toLength1,
  withoutCenters,
} from "./row-terms.ts";

const explicit = {
  kind: "explicit",
  regularization: 0.05,
  regularizationExponent: 1,
  center: "global",
  biases: "both",
  biasRegularization: 2,
  biasRegularizationExponent: 0.5,
} satisfies RowObjective;
const implicit = {
  kind: "implicit",
  regularization: 0.01,
  regularizationExponent: 1,
  unobservedWeight: 0.25,
  observedInUnobserved: false,
  confidence: "linear",
  confidenceScale: 2,
} satisfies RowObjective;
const start = Uint32Array.of(0, 0, 1, 10);

describe("row terms", () => {
  it("explicit penalties of rows with 0, 1 and 9 ratings are regularization · n^e for e = 0, 0.5 and 1", () => {
    const penalties = (regularizationExponent: number) => {
      const out = new Float32Array(3);
      regularizations({ ...explicit, regularizationExponent }, start, 100, out);
      return out;
    };
    expect(penalties(0)).toEqual(Float32Array.of(0.05, 0.05, 0.05));
    expect(penalties(0.5)).toEqual(Float32Array.of(0, 0.05, 0.05 * 3));
    expect(penalties(1)).toEqual(Float32Array.of(0, 0.05, 0.05 * 9));
  });

  it("implicit penalties count unobserved cells: 0.01 · (n + 0.25 · 100) for 100 items", () => {
    const out = new Float32Array(3);
    regularizations(implicit, start, 100, out);
    expect(out).toEqual(Float32Array.of(0.01 * 25, 0.01 * 26, 0.01 * 34));
  });

  it("bias penalties are biasRegularization · n^e, and untouched for an objective without biases", () => {
    const out = new Float32Array(3);
    biasRegularizations(explicit, start, out);
    expect(out).toEqual(Float32Array.of(0, 2, 6));
    out.fill(7);
    biasRegularizations({ ...explicit, biases: "none", biasRegularization: undefined }, start, out);
    biasRegularizations(implicit, start, out);
    expect(out).toEqual(Float32Array.of(7, 7, 7));
  });

  it("an objective says which sides have a bias, and which is the centre", () => {
    const sides = ["user", "item"] as const;
    const biased = (biases: "none" | "user" | "item" | "both") =>
      sides.filter((side) => hasBias({ ...explicit, biases }, side));
    expect([biased("none"), biased("user"), biased("item"), biased("both")]).toEqual([[], ["user"], ["item"], sides]);
    const centered = (center: "none" | "global" | "user" | "item") =>
      sides.filter((side) => isCenter({ ...explicit, center }, side));
    expect(["none", "global", "user", "item"].map((one) => centered(one as "none"))).toEqual([
      [],
      [],
      ["user"],
      ["item"],
    ]);
    expect(sides.some((side) => hasBias(implicit, side) || isCenter(implicit, side))).toBe(false);
  });

  it("rows of 0, 1 and 2 values with means –, 5 and 2 lie 0, 2 and −1 from the mean 3, which stays when they are taken away", () => {
    const rows = Uint32Array.of(0, 0, 1, 3);
    const values = CellValues.of([5, 1, 3]);
    const center = new Float64Array(3);
    rowCenters(rows, values, 3, center);
    expect([...center]).toEqual([0, 2, -1]);
    const out = new Float32Array(3);
    withoutCenters(rows, values, center, out);
    expect([...out]).toEqual([3, 2, 4]);
    withoutCenters(rows, values, undefined, out);
    expect([...out]).toEqual([5, 1, 3]);
  });

  it("confidences of counts 1 and 3 with scale 2 are 1, 2·count, 1 + 2·count and 1 + 2·ln(1 + count)", () => {
    const of = (confidence: Confidence) => {
      const out = new Float32Array(2);
      confidences({ ...implicit, confidence }, CellValues.of([1, 3]), out);
      return out;
    };
    expect(of("constant")).toEqual(Float32Array.of(1, 1));
    expect(of("proportional")).toEqual(Float32Array.of(2, 6));
    expect(of("linear")).toEqual(Float32Array.of(3, 7));
    expect(of("log")).toEqual(Float32Array.of(1 + 2 * Math.log(2), 1 + 2 * Math.log(4)));
  });

  it("a value whose confidence falls below the overlap is refused with its place", () => {
    const out = new Float32Array(2);
    expect(overlapOf(implicit)).toBe(0.25);
    expect(overlapOf({ ...implicit, observedInUnobserved: true })).toBe(0);
    expect(() => confidences(implicit, CellValues.of([1, -0.5]), out)).toThrow(
      "value -0.5 gives the confidence 0, which must be a finite number of at least 0.25",
    );
    expect(() => confidences({ ...implicit, confidence: "log" }, CellValues.of([1, -1]), out)).toThrow("NaN");
    expect(() => confidences({ ...implicit, observedInUnobserved: true }, CellValues.of([1, -0.5]), out)).not.toThrow();
  });
});

describe("a row made of a history", () => {
  const model = { rank: 2, itemFactors: Float32Array.of(3, 0, 0, 4, 3, 4) };

  it("is historyWeight / √n of the sum of n items' rows, or the direction of that sum, and says by what the sum was multiplied", () => {
    const out = new Float64Array(2);
    const index = Uint32Array.of(0, 1, 2, 2);
    expect(rowOfHistory({ kind: "history", historyWeight: 3, normalized: false }, model, index, out)).toBe(1.5);
    expect([...out]).toEqual([1.5 * 9, 1.5 * 12]);
    expect(rowOfHistory({ kind: "history", historyWeight: 3, normalized: true }, model, index, out)).toBeCloseTo(
      1 / 15,
      15,
    );
    expect(out[0]).toBeCloseTo(0.6, 15);
    expect(out[1]).toBeCloseTo(0.8, 15);
    expect([historyShare(3, 4), historyShare(3, 0)]).toEqual([1.5, 0]);
  });

  it("of zeros stays one of zeros, which has no direction", () => {
    const row = new Float64Array(3);
    expect(toLength1(row)).toBe(0);
    expect([...row]).toEqual([0, 0, 0]);
  });
});
