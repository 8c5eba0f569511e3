import fc from "fast-check";
import { expect, it } from "vitest";
import { BestOf } from "./select.ts";

it("selects what a full sort would, ties to the smaller index, for any n and any exclusion", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -3, max: 3 }), { maxLength: 40 }),
      fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
      fc.integer({ min: 1, max: 45 }),
      (values, isExcluded, n) => {
        const scores = Float32Array.from(values);
        const excluded = Uint32Array.from(values.keys()).filter((i) => isExcluded[i]);
        const out = new Uint32Array(n);
        const found = new BestOf(n).select(scores, excluded, out);
        const sorted = [...values.keys()]
          .filter((i) => !isExcluded[i])
          .sort((a, b) => values[b] - values[a] || a - b)
          .slice(0, n);
        expect([...out.subarray(0, found)]).toEqual(sorted);
      },
    ),
  );
});

it("gives 1, 3, 0 as the best three of 2, 5, 1, 5, and the same on a second use", () => {
  const best = new BestOf(3);
  const out = new Uint32Array(3);
  for (let use = 0; use < 2; use++) {
    expect(best.select(Float32Array.of(2, 5, 1, 5), new Uint32Array(0), out)).toBe(3);
    expect([...out]).toEqual([1, 3, 0]);
  }
});
