import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  explicitObjective,
  explicitObjectives,
  implicitObjective,
  modelFixture,
  names,
} from "../../test/model-fixture.ts";
import { openKernels } from "../kernels/index.ts";
import { type FactorModel, hasBias, isCenter, type RowObjective } from "../model/index.ts";
import type { Explanation } from "./outcomes.ts";
import { openRecommender, type Recommender } from "./recommender.ts";

const kernels = await openKernels({ backend: "reference" });

const objectives: RowObjective[] = [
  ...explicitObjectives,
  implicitObjective,
  { ...implicitObjective, observedInUnobserved: false, confidence: "log" } as RowObjective,
  { ...implicitObjective, target: 2.5 } as RowObjective,
  { kind: "history", historyWeight: 1.5, normalized: false },
  { kind: "history", historyWeight: 1.5, normalized: true },
];

function worldModel(objective: RowObjective, rank: number, seed: number): FactorModel {
  const explicit = objective.kind === "explicit";
  const model = modelFixture({ objective, rank, seed, items: names("i", 20), density: 0.5 });
  if (!explicit) {
    return { ...model, userBias: undefined, itemBias: undefined, mean: 0, scale: "preference", range: undefined };
  }
  const has = (side: "user" | "item") => hasBias(objective, side) || isCenter(objective, side);
  return {
    ...model,
    userBias: has("user") ? model.userBias : undefined,
    itemBias: has("item") ? model.itemBias : undefined,
    mean: objective.center === "none" ? 0 : model.mean,
  };
}

/** The model with the users' stored rows replaced by the fold-in of their histories, as exact training leaves them. */
async function settled(model: FactorModel): Promise<FactorModel> {
  const recommender = await openRecommender(model, { kernels });
  const userFactors = new Float32Array(model.userFactors.length);
  const userBias = model.userBias?.slice().fill(0);
  for (const [u, user] of [...model.users.ids()].entries()) {
    const folded = await recommender.foldInUser(historyOf(model, user as string));
    if (folded.status !== "known") continue;
    userFactors.set(folded.factors, u * model.rank);
    if (userBias !== undefined) userBias[u] = folded.bias ?? 0;
  }
  recommender.close();
  return { ...model, userFactors, userBias };
}

function historyOf(model: FactorModel, user: string) {
  const { start, index, value } = model.history as NonNullable<FactorModel["history"]>;
  const u = model.users.index(user) as number;
  return [...index.subarray(start[u], start[u + 1])].map((i, e) => ({
    item: model.items.id(i),
    rating: value.at(start[u] + e),
  }));
}

function known(explanation: Explanation): Explanation & { status: "known" } {
  if (explanation.status !== "known") throw new Error(explanation.status);
  return explanation;
}

function sumOf({ baseline, contributions }: Explanation & { status: "known" }): number {
  return contributions.reduce((sum, { contribution }) => sum + contribution, baseline);
}

const worlds = fc.record({
  objective: fc.constantFrom(...objectives),
  rank: fc.integer({ min: 1, max: 17 }),
  seed: fc.nat(1e6),
});

describe("explain", () => {
  it("baseline + contributions give a settled user's score to 1e-4 (f32 rows), and with the remainder to 1e-12", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async ({ objective, rank, seed }) => {
        const model = await settled(worldModel(objective, rank, seed));
        const recommender = await openRecommender(model, { kernels });
        for (const user of model.users.ids()) {
          const history = historyOf(model, user as string);
          for (const item of ["i0", "i13"]) {
            const outcome = await recommender.explain(user, item);
            if (history.length === 0) {
              expect(outcome.status).toBe("empty-history");
              continue;
            }
            const explanation = known(outcome);
            const prediction = recommender.predict(user, item);
            expect(prediction).toEqual({ status: "known", score: explanation.score });
            const size = 1 + explanation.contributions.reduce((sum, one) => sum + Math.abs(one.contribution), 0);
            expect(Math.abs(sumOf(explanation) - explanation.score)).toBeLessThanOrEqual(1e-4 * size);
            expect(Math.abs(sumOf(explanation) + explanation.remainder - explanation.score)).toBeLessThanOrEqual(
              1e-12 * size,
            );
            expect(explanation.remainderReason).toBeUndefined();
            const mean = isCenter(objective, "user")
              ? history.reduce((sum, { rating }) => sum + rating, 0) / history.length
              : model.mean;
            const itemBias = model.itemBias?.[model.items.index(item) as number] ?? 0;
            expect(explanation.baseline).toBeCloseTo(mean + itemBias, 13);
          }
        }
        recommender.close();
      }),
      { numRuns: 40 },
    );
  });

  it("explainFor: contributions sum to the score to 1e-12 and lie in order of size; each history item once", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, async ({ objective, rank, seed }) => {
        const model = worldModel(objective, rank, seed);
        const recommender = await openRecommender(model, { kernels });
        const history = [1, 5, 7, 11].map((i) => ({ item: `i${i}`, rating: 1 + (i % 5) }));
        const explanation = known(await recommender.explainFor(history, "i3"));
        const sizes = explanation.contributions.map(({ contribution }) => Math.abs(contribution));
        expect(sizes).toEqual(sizes.slice().sort((a, b) => b - a));
        expect(Math.abs(sumOf(explanation) - explanation.score)).toBeLessThanOrEqual(1e-12 * (1 + Math.max(...sizes)));
        const rated = explanation.contributions.map(({ item, rating }) => ({ item, rating }));
        expect(rated.sort((a, b) => (a.item < b.item ? -1 : 1))).toEqual(
          history.sort((a, b) => (a.item < b.item ? -1 : 1)),
        );
        recommender.close();
      }),
      { numRuns: 40 },
    );
  });

  it("a contribution is what the score loses when that rating becomes the one expected of everybody (explicit)", async () => {
    const model = { ...worldModel(explicitObjective, 3, 5), mean: 3.25 };
    const recommender = await openRecommender(model, { kernels });
    const history = [2, 9, 14].map((i) => ({ item: `i${i}`, rating: 1 + (i % 5) }));
    const whole = known(await recommender.explainFor(history, "i6"));
    for (const { item, contribution } of whole.contributions) {
      const neutral = model.mean + (model.itemBias?.[model.items.index(item) as number] ?? 0);
      const without = history.map((entry) => (entry.item === item ? { item: entry.item, rating: neutral } : entry));
      const { score } = known(await recommender.explainFor(without, "i6"));
      expect(whole.score - score).toBeCloseTo(contribution, 6);
    }
  });

  it("a stored row that is not the fold-in of its history leaves a remainder, which is said", async () => {
    const model = worldModel(explicitObjective, 3, 1); // random rows, never trained
    const recommender = await openRecommender(model, { kernels });
    const user = [...model.users.ids()].find((id) => historyOf(model, id as string).length > 0) as string;
    const explanation = known(await recommender.explain(user, "i2"));
    expect(Math.abs(explanation.remainder)).toBeGreaterThan(1e-3);
    expect(explanation.remainderReason).toMatch("the stored row is not the one that this history folds in to");
    expect(sumOf(explanation) + explanation.remainder).toBeCloseTo(explanation.score, 12);
  });

  it("unknown ids, an empty history and a model that cannot tell are told apart", async () => {
    const open = (model: FactorModel): Promise<Recommender> => openRecommender(model, { kernels });
    const recommender = await open(modelFixture({ density: 0 }));
    expect(await recommender.explain("nobody", 99)).toEqual({ status: "unknown", missing: ["user", "item"] });
    expect(await recommender.explain("u1", 10)).toEqual({ status: "empty-history", unknownHistory: [] });
    expect(await recommender.explainFor([{ item: 10, rating: 3 }], 99)).toEqual({
      status: "unknown",
      missing: ["item"],
    });
    expect(await recommender.explainFor([{ item: 7, rating: 3 }], 10)).toEqual({
      status: "empty-history",
      unknownHistory: [7],
    });
    const bare = await open(modelFixture({ density: undefined }));
    await expect(bare.explain("u1", 10)).rejects.toMatchObject({ code: "no-history" });
    expect((await bare.explainFor([{ item: 10, rating: 3 }], 20)).status).toBe("known");
    const other = await open(modelFixture({ objective: undefined, density: 1 }));
    await expect(other.explain("u1", 10)).rejects.toMatchObject({ code: "no-objective" });
  });
});
