import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { modelFixture, names } from "../../test/model-fixture.ts";
import { openKernels } from "../kernels/index.ts";
import type { Id } from "../ratings/index.ts";
import { openRecommender } from "./recommender.ts";

const kernels = await openKernels({ backend: "reference" });

function cosine(factors: Float32Array, rank: number, a: number, b: number): number {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (let k = 0; k < rank; k++) {
    const x = factors[a * rank + k];
    const y = factors[b * rank + k];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / Math.sqrt(aa * bb);
}

describe("similar items and users", () => {
  it("are the nearest by cosine in f64 to 2^-20, best first, without the one asked about", async () => {
    const world = fc.record({ rank: fc.integer({ min: 1, max: 17 }), seed: fc.nat(1e6), biases: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(world, async (options) => {
        const model = modelFixture({ ...options, items: names("i", 20) });
        const recommender = await openRecommender(model, { kernels });
        for (const [side, id, ids, factors] of [
          ["item", "i7", model.items, model.itemFactors],
          ["user", "u2", model.users, model.userFactors],
        ] as const) {
          const self = ids.index(id) as number;
          const outcome = await (side === "item"
            ? recommender.similarItems(id, { n: 4 })
            : recommender.similarUsers(id, { n: 4 }));
          if (outcome.status !== "known") throw new Error(outcome.status);
          const all = [...ids.ids()].map((other, i) => ({ other, similarity: cosine(factors, model.rank, self, i) }));
          const best = all.filter(({ other }) => other !== id).sort((a, b) => b.similarity - a.similarity);
          expect(outcome.similar.length).toBe(4);
          for (const [place, { id: other, similarity }] of outcome.similar.entries()) {
            expect(other).not.toBe(id);
            expect(Math.abs(similarity)).toBeLessThanOrEqual(1);
            expect(Math.abs(similarity - best[place].similarity)).toBeLessThanOrEqual(2 ** -20);
            expect(Math.abs(similarity - cosine(factors, model.rank, self, ids.index(other) as number))).toBeLessThan(
              2 ** -20,
            );
          }
        }
        recommender.close();
      }),
      { numRuns: 30 },
    );
  });

  it("lists with minRatings 3 exactly those with 3 training ratings or more, with their counts; refused without history", async () => {
    const model = modelFixture({ users: names("u", 8), items: names("i", 15) });
    const counts = new Map<Id, number>();
    for (const index of model.history?.index ?? [])
      counts.set(model.items.id(index), (counts.get(model.items.id(index)) ?? 0) + 1);
    const recommender = await openRecommender(model, { kernels });
    const self = model.items.id(0);
    const outcome = await recommender.similarItems(self, { n: 15, minRatings: 3 });
    const expected = [...model.items.ids()].filter((id) => id !== self && (counts.get(id) ?? 0) >= 3);
    if (outcome.status !== "known") throw new Error(outcome.status);
    expect(outcome.similar.map(({ id }) => id).sort()).toEqual(expected.sort());
    for (const { id, ratings } of outcome.similar) expect(ratings).toBe(counts.get(id));
    recommender.close();
    const bare = await openRecommender({ ...model, history: undefined }, { kernels });
    await expect(bare.similarItems(self, { minRatings: 3 })).rejects.toThrow(/minRatings cannot act/);
    bare.close();
  });

  it("a copy of a row, ten times as long, has similarity 1; the opposite has -1", async () => {
    const model = modelFixture({ rank: 2, items: [1, 2, 3] });
    model.itemFactors.set([0.3, -0.4, 3, -4, -0.03, 0.04]);
    const recommender = await openRecommender(model, { kernels });
    const outcome = await recommender.similarItems(1);
    expect(outcome).toMatchObject({ status: "known", asked: 10, short: { listed: 2, catalogue: 2 } });
    if (outcome.status !== "known") return;
    expect(outcome.similar.map(({ id }) => id)).toEqual([2, 3]);
    expect(outcome.similar[0].similarity).toBeCloseTo(1, 6);
    expect(outcome.similar[1].similarity).toBeCloseTo(-1, 6);
    recommender.close();
  });

  it("rows of zeros are never listed, and asking about one says so; unknown ids too; filters hold", async () => {
    const model = modelFixture({ rank: 2, items: [1, 2, 3, 4, 5] });
    model.itemFactors.set([1, 0, 0, 0, 1, 1, 0, 0, 2, 1]);
    const recommender = await openRecommender(model, { kernels });
    const outcome = await recommender.similarItems(1, { n: 4 });
    expect(outcome).toMatchObject({ similar: [{ id: 5 }, { id: 3 }], short: { filteredOut: 2, listed: 2 } });
    expect(await recommender.similarItems(2)).toEqual({ status: "zero-row", id: 2 });
    expect(await recommender.similarItems(9)).toEqual({ status: "unknown", id: 9 });
    const filtered = await recommender.similarItems(1, { n: 1, except: [5, 77] });
    expect(filtered).toMatchObject({ similar: [{ id: 3 }], short: undefined, unknownIds: { except: [77] } });
    await expect(recommender.similarItems(1, { n: 0 })).rejects.toThrow(
      "n must be a whole number of at least 1, got 0",
    );
    await expect(recommender.similarUsers("u0", { count: 3 } as object)).rejects.toThrow(
      "similarUsers: count must be left out",
    );
    recommender.close();
  });
});
