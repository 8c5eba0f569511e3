import { describe, expect, it } from "vitest";
import { explicitObjective, modelFixture } from "../../test/model-fixture.ts";
import { openKernels } from "../kernels/index.ts";
import type { FactorModel } from "../model/index.ts";
import { openRecommender } from "./recommender.ts";

const kernels = await openKernels({ backend: "reference" });
const open = (model: FactorModel) => openRecommender(model, { kernels });

describe("predict", () => {
  it("is mean + biases + dot product, by the caller's ids", async () => {
    const model = modelFixture({ rank: 2 });
    const { userFactors: x, itemFactors: y } = model;
    const dot = x[2] * y[6] + x[3] * y[7]; // user u1, item 40
    const expected = model.mean + (model.userBias?.[1] ?? 0) + (model.itemBias?.[3] ?? 0) + dot;
    expect((await open(model)).predict("u1", 40)).toEqual({ status: "known", score: expected });
  });

  it("what is unknown is named, with the mean and the known bias as baseline", async () => {
    const model = modelFixture();
    const recommender = await open(model);
    const bias = (array: Float32Array | undefined, at: number) => array?.[at] ?? 0;
    expect(recommender.predict("u9", 20)).toEqual({
      status: "unknown",
      missing: ["user"],
      baseline: model.mean + bias(model.itemBias, 1),
    });
    expect(recommender.predict("u0", "20")).toEqual({
      status: "unknown",
      missing: ["item"],
      baseline: model.mean + bias(model.userBias, 0),
    });
    expect(recommender.predict("u9", 21)).toEqual({
      status: "unknown",
      missing: ["user", "item"],
      baseline: model.mean,
    });
  });

  it("a model of preferences, or of ratings without mean and biases, has no baseline", async () => {
    const clicks = await open(modelFixture({ values: "ones" }));
    expect(clicks.predict("u9", 20)).toEqual({ status: "unknown", missing: ["user"], baseline: undefined });
    const objective = { ...explicitObjective, center: "none" } as const;
    const plain = await open({ ...modelFixture({ biases: false, objective }), mean: 0 });
    expect(plain.predict("u9", 20)).toEqual({ status: "unknown", missing: ["user"], baseline: undefined });
    const model = { ...modelFixture({ objective }), mean: 0 };
    const biased = await open(model);
    expect(biased.predict("u9", 20)).toMatchObject({ baseline: model.itemBias?.[1] });
    expect(biased.predict("u9", 21)).toMatchObject({ baseline: undefined });
    const zeroMean = await open({ ...modelFixture({ biases: false }), mean: 0 });
    expect(zeroMean.predict("u9", 20)).toMatchObject({ baseline: 0 });
  });

  it("clamp cuts a score of 103 to 5 and one of -97 to 1, and is refused where there is no range", async () => {
    const model = { ...modelFixture(), userFactors: new Float32Array(15), itemBias: Float32Array.of(100, -100, 0, 0) };
    const recommender = await open({ ...model, userBias: undefined });
    expect(recommender.predict("u0", 10).status).toBe("known");
    expect(recommender.predict("u0", 10, { clamp: true })).toEqual({ status: "known", score: 5 });
    expect(recommender.predict("u0", 20, { clamp: true })).toEqual({ status: "known", score: 1 });
    expect(recommender.predict("u9", 20, { clamp: true })).toMatchObject({ baseline: 1 });
    const clicks = await open(modelFixture({ values: "ones" }));
    expect(() => clicks.predict("u0", 10, { clamp: true })).toThrow("clamp must be false for a model without a range");
  });

  it("many at once equal one by one, in their order", async () => {
    const recommender = await open(modelFixture());
    const pairs = [
      { user: "u4", item: 10 },
      { user: "u0", item: 99 },
      { user: "u4", item: 10 },
      { user: "u1", item: 30 },
    ];
    expect(recommender.predictMany(pairs)).toEqual(pairs.map(({ user, item }) => recommender.predict(user, item)));
  });

  it("agrees with the scores in lists to rank · 2^-24 of the summed terms", async () => {
    const model = modelFixture({ rank: 17, items: Array.from({ length: 40 }, (_, i) => i) });
    const recommender = await open(model);
    const outcome = await recommender.recommend("u2", { n: 40, includeSeen: true });
    if (outcome.status !== "known") throw new Error(outcome.status);
    expect(outcome.items.length).toBe(40);
    for (const { item, score } of outcome.items) {
      const prediction = recommender.predict("u2", item);
      if (prediction.status !== "known") throw new Error(prediction.status);
      let size = Math.abs(model.itemBias?.[item as number] ?? 0);
      for (let k = 0; k < 17; k++)
        size += Math.abs(model.userFactors[34 + k] * model.itemFactors[17 * (item as number) + k]);
      expect(Math.abs(score - prediction.score)).toBeLessThanOrEqual(18 * 2 ** -24 * size);
    }
    recommender.close();
  });
});
