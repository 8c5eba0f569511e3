/**
 * What is done with models of gradient and of sgd one by one beyond training: fold-in solves the cost that descent went down. That of sgd in
 * blocks does not, see sgd-blocks.test.ts and recommend/fold-in-few.test.ts.
 */
import { describe, expect, it } from "vitest";
import { type Factorizer, factorize, gradient, sgd } from "../src/factorizers/index.ts";
import { decodeModel, encodeModel, type FactorModel } from "../src/model/index.ts";
import { plantedWorld } from "../src/ratings/index.ts";
import { openRecommender } from "../src/recommend/index.ts";

const { ratings } = plantedWorld({ users: 30, items: 24, rank: 2, density: 0.5, noise: 0.3, mean: 3, seed: 5 });
const long = { rank: 2, steps: 6000, learningRate: 0.01, schedule: "cosine", finalRate: 1e-5 } as const;

const slow = { rank: 2, epochs: 3000, schedule: "cosine", finalRate: 1e-4 } as const;

const methods: readonly (readonly [string, Factorizer, number])[] = [
  ["half", gradient({ ...long, objective: "half", regularization: 2, biasRegularization: 1 }), 1e-3],
  ["sum", gradient({ ...long, objective: "sum", regularization: 2, biasRegularization: 1 }), 1e-3],
  ["mean", gradient({ ...long, objective: "mean", regularization: 0.005, biasRegularization: 0.003 }), 1e-3],
  ["norm", gradient({ ...long, objective: "norm", regularization: 0.1, biasRegularization: 0.05 }), 1e-3],
  ["half, centred by item", gradient({ ...long, regularization: 2, center: "item", biases: "user" }), 1e-3],
  ["sgd", sgd({ ...slow, order: "shuffled", learningRate: 0.01, regularization: 2 }), 1e-2],
];

describe("folding in a training user after a long descent", () => {
  it.each(methods)("%s gives the trained row, to within its tolerance", async (_, method, tolerance) => {
    const { model } = await factorize(ratings, method);
    const recommender = await openRecommender(decodeModel(encodeModel(model)) as FactorModel);
    const { start, index, value } = ratings.byUser;
    for (let u = 0; u < 30; u++) {
      const cells = Array.from({ length: start[u + 1] - start[u] }, (_, c) => start[u] + c);
      const history = cells.map((cell) => ({ item: ratings.items.id(index[cell]), rating: value.at(cell) }));
      const folded = await recommender.foldInUser(history);
      if (folded.status !== "known") throw new Error(folded.status);
      for (const [k, factor] of folded.factors.entries()) {
        expect(Math.abs(factor - model.userFactors[2 * u + k])).toBeLessThan(tolerance);
      }
      if (folded.bias !== undefined) {
        expect(Math.abs(folded.bias - (model.userBias?.[u] as number))).toBeLessThan(tolerance);
      }
    }
    recommender.close();
  });

  it("without any penalty a history shorter than the rank still folds in, and meets its rating to 1 %", async () => {
    const { model } = await factorize(
      ratings,
      gradient({ rank: 6, steps: 500, objective: "norm", regularization: 0, biases: "none" }),
    );
    const recommender = await openRecommender(model);
    const item = ratings.items.id(3);
    const folded = await recommender.foldInUser([{ item, rating: 4.5 }]);
    if (folded.status !== "known") throw new Error(folded.status);
    let score = model.mean;
    folded.factors.forEach((factor, k) => {
      score += factor * model.itemFactors[3 * 6 + k];
    });
    expect(score / 4.5).toBeCloseTo(1, 2);
    recommender.close();
  });
});
