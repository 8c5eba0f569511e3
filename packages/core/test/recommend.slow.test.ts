import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { als, factorize, ials } from "../src/factorizers/index.ts";
import { openKernels, releaseWorkers } from "../src/kernels/index.ts";
import { decodeModel, encodeModel, type FactorModel, factorScorer, modelDigest } from "../src/model/index.ts";
import { type Ratings, ratingsFrom } from "../src/ratings/index.ts";
import { openRecommender, type Recommender } from "../src/recommend/index.ts";
import { sharedData } from "./shared-data.ts";

/** MovieLens 1M: 6,040 users, 3,706 items. */
function movieLens(): Ratings {
  const lines = readFileSync(sharedData("ml-1m", "ratings.no-timestamps.dat"), "utf8").trim().split("\n");
  const rows = lines.map((line) => line.split("::").map(Number));
  const column = (k: number) => Float64Array.from(rows, (row) => row[k]);
  return ratingsFrom({ user: column(0), item: column(1), rating: column(2) });
}

function historyOf(model: FactorModel, user: number) {
  const { start, index, value } = model.history as NonNullable<FactorModel["history"]>;
  const entries = index.subarray(start[user], start[user + 1]);
  return Array.from(entries, (item, e) => ({ item: model.items.id(item), rating: value.at(start[user] + e) }));
}

/** Every 60th user: about 100 of them, with long and short histories. */
const sample = (model: FactorModel) =>
  Array.from(model.users.ids(), (user, u) => ({ user, u })).filter(({ u }) => u % 60 === 0);

for (const method of [als({ rank: 32, sweeps: 3 }), ials({ rank: 32, sweeps: 3, solver: "cholesky" })]) {
  describe(`MovieLens 1M, ${method.name} of rank 32`, () => {
    let model: FactorModel;
    let recommender: Recommender;

    beforeAll(async () => {
      const kernels = await openKernels();
      ({ model } = await factorize(movieLens(), method, { kernels }));
      recommender = await openRecommender(model, { kernels });
      return async () => {
        recommender.close();
        await releaseWorkers();
      };
    });

    it("folding in a training user gives the trained row bit for bit, for 101 users", async () => {
      let users = 0;
      for (const { u } of sample(model)) {
        const folded = await recommender.foldInUser(historyOf(model, u));
        if (folded.status !== "known") throw new Error(folded.status);
        expect(folded.factors).toEqual(model.userFactors.slice(32 * u, 32 * (u + 1)));
        expect(folded.bias).toBe(model.userBias?.[u]);
        users++;
      }
      expect(users).toBe(101);
    });

    it("lists of all 6,040 users hold 10 unseen items in order, equal to full f64 scoring but for near ties of 1e-5", async () => {
      const scorer = factorScorer(model);
      const { start, index } = model.history as NonNullable<FactorModel["history"]>;
      let u = 0;
      for await (const outcome of recommender.recommendAll({ n: 10 })) {
        if (outcome.status !== "known") throw new Error(outcome.status);
        const seen = new Set(index.subarray(start[u], start[u + 1]));
        expect(outcome.items.length).toBe(10);
        expect(outcome.items.filter(({ item }) => seen.has(model.items.index(item) as number))).toEqual([]);
        if (u % 60 === 0) {
          const scores = Array.from(model.items.ids(), (_, item) =>
            seen.has(item) ? -Infinity : scorer.score(u, item),
          );
          const best = scores.toSorted((a, b) => b - a);
          for (const [place, { item, score }] of outcome.items.entries()) {
            expect(Math.abs(score - scores[model.items.index(item) as number])).toBeLessThan(1e-5);
            expect(Math.abs(score - best[place])).toBeLessThan(1e-5);
          }
        }
        u++;
      }
      expect(u).toBe(6040);
    });

    it("explanations of 101 top items add up to the score, with a remainder below 1e-3 of the summed contributions", async () => {
      for (const { user } of sample(model)) {
        const outcome = await recommender.recommend(user, { n: 1 });
        if (outcome.status !== "known") throw new Error(outcome.status);
        const [{ item, score }] = outcome.items;
        const why = await recommender.explain(user, item);
        if (why.status !== "known") throw new Error(why.status);
        const sum = why.contributions.reduce((total, { contribution }) => total + contribution, why.baseline);
        const size = why.contributions.reduce(
          (total, { contribution }) => total + Math.abs(contribution),
          why.baseline,
        );
        expect(Math.abs(sum + why.remainder - why.score)).toBeLessThan(1e-9);
        expect(Math.abs(why.score - score)).toBeLessThan(1e-5);
        expect(Math.abs(why.remainder)).toBeLessThan(1e-3 * size);
        expect(why.remainderReason).toBeUndefined();
      }
    });

    it("the model file gives back a model of the same digest that writes the same bytes", () => {
      const bytes = encodeModel(model);
      const back = decodeModel(bytes);
      expect(modelDigest(back)).toBe(modelDigest(model));
      expect(Buffer.compare(encodeModel(back), bytes)).toBe(0);
      expect(back.history?.index.length).toBe(model.history?.index.length);
    });
  });
}
