/**
 * What is done with a model whose ratings were centred by user or item, or whose biases are one-sided, beyond training:
 * fold-in, explanations and the figures of held-out pairs, on models trained by als.
 */
import { describe, expect, it } from "vitest";
import { evaluate } from "../src/evaluate/index.ts";
import { als, factorize } from "../src/factorizers/index.ts";
import { openKernels } from "../src/kernels/index.ts";
import { biasSides, centers, type FactorModel } from "../src/model/index.ts";
import { type CellValues, plantedWorld, ratingsFrom } from "../src/ratings/index.ts";
import { openRecommender } from "../src/recommend/index.ts";

const kernels = await openKernels();
const { ratings } = plantedWorld({ users: 40, items: 30, rank: 2, density: 0.3, seed: 5 });
const choices = biasSides.flatMap((biases) => centers.map((center) => ({ biases, center })));
const train = (choice: (typeof choices)[number]) =>
  factorize(ratings, als({ ...choice, rank: 5, sweeps: 3 }), { kernels }).then(({ model }) => model);

function historyOf(model: FactorModel, user: number) {
  const { start, index, value } = model.history as NonNullable<FactorModel["history"]>;
  const entries = index.subarray(start[user], start[user + 1]);
  return Array.from(entries, (item, e) => ({ item: model.items.id(item), rating: value.at(start[user] + e) }));
}

describe("models with biases and centre", () => {
  it.each(choices)(
    "biases $biases, center $center: folding in a training user gives the trained row bit for bit",
    async (choice) => {
      const model = await train(choice);
      const recommender = await openRecommender(model, { kernels });
      for (let u = 0; u < 40; u++) {
        const folded = await recommender.foldInUser(historyOf(model, u));
        if (folded.status !== "known") throw new Error(folded.status);
        expect(folded.factors).toEqual(model.userFactors.slice(5 * u, 5 * (u + 1)));
        expect(folded.bias).toBe(model.userBias?.[u]);
      }
      recommender.close();
    },
  );

  it.each(choices)(
    "biases $biases, center $center: explanations add up to the score, without a remainder",
    async (choice) => {
      const model = await train(choice);
      const recommender = await openRecommender(model, { kernels });
      for (let u = 0; u < 40; u += 3) {
        const [user, item] = [model.users.id(u), model.items.id(u % 30)];
        const explanation = await recommender.explain(user, item);
        if (explanation.status !== "known") throw new Error(explanation.status);
        const parts = [explanation.baseline, ...explanation.contributions.map(({ contribution }) => contribution)];
        expect(recommender.predict(user, item)).toEqual({ status: "known", score: explanation.score });
        expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(explanation.score, 4);
        expect(explanation.remainderReason).toBeUndefined();
        const fresh = await recommender.explainFor(historyOf(model, u), item);
        if (fresh.status !== "known") throw new Error(fresh.status);
        expect(fresh.contributions.reduce((sum, one) => sum + one.contribution, fresh.baseline)).toBeCloseTo(
          fresh.score,
          10,
        );
        const listed = await recommender.recommendFor(historyOf(model, u), { n: 30, includeSeen: true });
        if (listed.status !== "known") throw new Error(listed.status);
        expect(listed.items.find((one) => one.item === item)?.score).toBeCloseTo(fresh.score, 4);
      }
      recommender.close();
    },
  );

  it("a held-out pair with an unknown side is predicted by the mean and what is known of the other, for every centre", async () => {
    const [user, item] = [ratings.users.id(3), ratings.items.id(4)];
    const test = ratingsFrom([
      { user: 9999, item, rating: 4 },
      { user, item: 9999, rating: 4 },
      { user: 9998, item: 9998, rating: 4 },
    ]);
    const meanOf = (rows: { start: Uint32Array; value: CellValues }, row: number) => {
      const own = rows.value.subarray(rows.start[row], rows.start[row + 1]).toFloats();
      return own.reduce((sum, value) => sum + value, 0) / own.length;
    };
    for (const center of centers) {
      const model = await train({ biases: "none", center });
      const { errors } = await evaluate(model, test, { train: ratings, rulers: false, clamp: false });
      const ofItem = center === "item" ? meanOf(ratings.byItem, 4) : ratings.mean;
      const ofUser = center === "user" ? meanOf(ratings.byUser, 3) : ratings.mean;
      const mae = [ofItem, ofUser, ratings.mean].reduce((sum, one) => sum + Math.abs(4 - one), 0) / 3;
      expect(errors?.mae).toBeCloseTo(mae, 5);
      expect(errors?.unknownPairs).toBe(3);
    }
  });
});
