import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formulas, rankingMetrics } from "./metrics.ts";
import { discountTable, ndcg } from "./ndcg.ts";
import type { RankedList } from "./ranked-list.ts";
import { addError, mae, noErrors, rmse } from "./rating-errors.ts";
import { recall } from "./recall.ts";

/**
 * A list from plain values: gains by position, 0 for a miss; gains of all relevant items in any order, at least one, each above
 * 0.
 */
function rankedList(listed: readonly number[], relevant: readonly number[]): RankedList {
  return {
    listed: listed.length,
    hit: Uint8Array.from(listed, (gain) => (gain > 0 ? 1 : 0)),
    gain: Float64Array.from(listed),
    relevant: relevant.length,
    ideal: Float64Array.from(relevant).sort().reverse(),
  };
}

/** Hits at places 1 and 3 of 5; three relevant items, so one was not found. */
const list = rankedList([1, 0, 1, 0, 0], [1, 1, 1]);
const at = formulas(5, "relevant");

describe("hits at places 1 and 3 of 5, three relevant items", () => {
  it("has precision@5 = 2/5 and precision@2 = 1/2", () => {
    expect(at.precision(list, 5)).toBe(2 / 5);
    expect(at.precision(list, 2)).toBe(1 / 2);
  });

  it("has recall@5 = 2/3, and recall@2 = 1/3 over all relevant items but 1/2 over the reachable ones", () => {
    expect(at.recall(list, 5)).toBe(2 / 3);
    expect(at.recall(list, 2)).toBe(1 / 3);
    expect(recall(list, 2, "reachable")).toBe(1 / 2);
    expect(recall(list, 5, "reachable")).toBe(2 / 3);
  });

  it("has hit rate 1", () => {
    expect(at.hitRate(list, 1)).toBe(1);
  });

  it("has NDCG@5 = (1 + 1/2) / (1 + 0.63093 + 1/2) = 0.70392", () => {
    expect(at.ndcg(list, 5)).toBeCloseTo(1.5 / (1 + 1 / Math.log2(3) + 0.5), 14);
    expect(at.ndcg(list, 5)).toBeCloseTo(0.703918, 6);
  });

  it("has NDCG@2 = 1 / 1.63093 = 0.61315: the ideal list is cut at 2", () => {
    expect(at.ndcg(list, 2)).toBeCloseTo(0.613147, 6);
  });

  it("has AP@5 = (1/1 + 2/3) / 3 = 0.55556 and AP@2 = (1/1) / 2", () => {
    expect(at.map(list, 5)).toBeCloseTo(5 / 9, 15);
    expect(at.map(list, 2)).toBe(1 / 2);
  });

  it("has reciprocal rank 1, and 1/2 when the first hit is at place 2", () => {
    expect(at.mrr(list, 5)).toBe(1);
    expect(at.mrr(rankedList([0, 1, 1], [1, 1]), 3)).toBe(1 / 2);
  });
});

describe("ranking metrics", () => {
  it("are all 0 for a list without a hit and for an empty list", () => {
    for (const metric of rankingMetrics) {
      expect(at[metric](rankedList([0, 0, 0], [1]), 3)).toBe(0);
      expect(at[metric](rankedList([], [1]), 3)).toBe(0);
    }
  });

  it("keep N as the denominator of precision when only 2 items could be listed: 2 hits of 5 places = 0.4", () => {
    expect(at.precision(rankedList([1, 1], [1, 1]), 5)).toBe(0.4);
  });

  it("lie in [0, 1], and only precision stays below 1 on a perfect list, at relevant / N", () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { maxLength: 12 }),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 1, max: 15 }),
        (places, notFound, n) => {
          const hits = places.filter(Boolean).length;
          if (hits + notFound === 0) return;
          const relevant = Array.from({ length: hits + notFound }, () => 1);
          const all = formulas(15, "reachable");
          const some = rankedList(places.map(Number), relevant);
          const perfect = rankedList(relevant, relevant);
          for (const metric of rankingMetrics) {
            expect(all[metric](some, n)).toBeGreaterThanOrEqual(0);
            expect(all[metric](some, n)).toBeLessThanOrEqual(1 + 1e-15);
            const best = metric === "precision" ? Math.min(1, relevant.length / n) : 1;
            expect(all[metric](perfect, n)).toBeCloseTo(best, 14);
          }
        },
      ),
    );
  });

  it("never fall when a miss becomes a hit", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }), fc.nat(), (places, which) => {
        const place = which % places.length;
        const relevant = Array.from({ length: places.length + 1 }, () => 1);
        const better = places.map((hit, p) => Number(hit || p === place));
        const all = formulas(10, "relevant");
        for (const metric of rankingMetrics) {
          expect(all[metric](rankedList(better, relevant), 10)).toBeGreaterThanOrEqual(
            all[metric](rankedList(places.map(Number), relevant), 10),
          );
        }
      }),
    );
  });
});

describe("NDCG", () => {
  it("with graded gains 3, 0, 1 of 3, 2, 1 is (3 + 1/2) / (3 + 2 · 0.63093 + 1/2) = 0.73500", () => {
    const graded = rankedList([3, 0, 1], [1, 3, 2]);
    expect(ndcg(graded, 3, discountTable(3))).toBeCloseTo(3.5 / (3.5 + 2 / Math.log2(3)), 14);
    expect(ndcg(graded, 3, discountTable(3))).toBeCloseTo(0.735, 3);
  });

  it("discounts agree with 1 / Math.log2 to 4 units in the last place over 100,000 places, and exactly at 1, 3, 7, 15", () => {
    const table = discountTable(100_000);
    let worst = 0;
    for (let p = 0; p < table.length; p++) worst = Math.max(worst, Math.abs(table[p] * Math.log2(p + 2) - 1));
    expect(worst).toBeLessThan(4 * Number.EPSILON);
    expect([table[0], table[2], table[6], table[14]]).toEqual([1, 1 / 2, 1 / 3, 1 / 4]);
  });
});

describe("rating errors", () => {
  it("of 1, −2 and 2 give RMSE √3 and MAE 5/3", () => {
    const sums = noErrors();
    addError(sums, 4, 3);
    addError(sums, 1, 3);
    addError(sums, 5, 3);
    expect(rmse(sums)).toBe(Math.sqrt(3));
    expect(mae(sums)).toBe(5 / 3);
  });

  it("are undefined without pairs", () => {
    expect([rmse(noErrors()), mae(noErrors())]).toEqual([undefined, undefined]);
  });
});
