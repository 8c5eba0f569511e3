/** People with few ratings and a model of sgd in blocks: nearer than the mean, and nearer than by the penalties of the training. */
import { expect, it } from "vitest";
import { factorize, sgd } from "../factorizers/index.ts";
import type { FactorModel } from "../model/index.ts";
import { type Id, plantedWorld, ratingsFrom } from "../ratings/index.ts";
import { openRecommender } from "./index.ts";

const KNOWN = 400;

const world = plantedWorld({
  users: 500,
  items: 200,
  rank: 2,
  density: 0.2,
  noise: 0.7,
  biasSpread: 0.4,
  signal: 0.4,
  mean: 3.5,
  seed: 5,
});
const records = [...world.ratings.records()];
const train = ratingsFrom(records.filter(({ user }) => Number(user) < KNOWN));

/** Ratings of each newcomer, in the order of the items. */
const newcomers = new Map<unknown, { item: Id; rating: number }[]>();
for (const { user, item, rating = 0 } of records) {
  if (Number(user) < KNOWN) continue;
  const own = newcomers.get(user) ?? [];
  newcomers.set(user, own);
  own.push({ item, rating });
}

/** Root mean squared error of what newcomers rated, but for the first `count` ratings of each, which they are folded in by. */
async function errorAfter(count: number, model: FactorModel): Promise<number> {
  const recommender = await openRecommender(model, { threads: 1 });
  let [sum, ratings] = [0, 0];
  for (const all of newcomers.values()) {
    const list = await recommender.recommendFor(all.slice(0, count), { n: 200 });
    if (list.status !== "known") throw new Error(list.status);
    const scores = new Map(list.items.map(({ item, score }) => [item, score]));
    for (const { item, rating } of all.slice(count)) {
      sum += ((scores.get(item) as number) - rating) ** 2;
      ratings++;
    }
  }
  await recommender.close();
  return Math.sqrt(sum / ratings);
}

/** The same of the mean of the training ratings, for everything. */
function errorOfMean(): number {
  const all = [...newcomers.values()].flat();
  return Math.sqrt(all.reduce((sum, { rating }) => sum + (rating - train.mean) ** 2, 0) / all.length);
}

it("one rating is better than the mean, three are better than one, and both beat the training's own penalties", async () => {
  const { model } = await factorize(train, sgd({ rank: 8, biasRegularization: 0.01 }), { threads: 1 });
  const { objective } = model;
  if (objective?.kind !== "explicit") throw new Error("objective");
  const asTrained: FactorModel = {
    ...model,
    objective: {
      ...objective,
      regularization: 0.05,
      regularizationExponent: 1,
      biasRegularization: 0.01,
      biasRegularizationExponent: 1,
    },
  };
  const [one, three] = [await errorAfter(1, model), await errorAfter(3, model)];
  expect(one).toBeLessThan(errorOfMean());
  expect(three).toBeLessThan(one);
  expect(one).toBeLessThan(0.9 * (await errorAfter(1, asTrained)));
  expect(three).toBeLessThan(0.95 * (await errorAfter(3, asTrained)));
});
