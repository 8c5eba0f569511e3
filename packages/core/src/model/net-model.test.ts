/** Scores, checks and digest of a NetModel, on nets small enough to work out by hand. */
import { describe, expect, it } from "vitest";
import { netFixture } from "../../test/model-fixture.ts";
import { IdMap } from "../ratings/index.ts";
import { checkModel } from "./check-model.ts";
import { scorerOf } from "./model.ts";
import { modelDigest } from "./model-digest.ts";
import type { NetModel } from "./net-model.ts";

/** Rank 1, one hidden layer of two units, product branch. */
function small(): NetModel {
  return {
    ...netFixture({ users: ["ann"], items: [1, 2], rank: 1, density: undefined }),
    users: IdMap.of(["ann"], "user"),
    items: IdMap.of([1, 2], "item"),
    userFactors: Float32Array.of(2),
    itemFactors: Float32Array.of(3, -1),
    userBias: Float32Array.of(0.5),
    itemBias: Float32Array.of(0.25, -0.25),
    mean: 3,
    layers: [
      { inputs: 2, outputs: 2, weight: Float32Array.of(1, 1, 1, -1), bias: Float32Array.of(-1, 0.5) },
      { inputs: 3, outputs: 1, weight: Float32Array.of(2, 4, 0.5), bias: Float32Array.of(0.125) },
    ],
    product: { userFactors: Float32Array.of(4), itemFactors: Float32Array.of(0.5, 1) },
  };
}

describe("scorerOf a net", () => {
  // Item 1: hidden max(0, 2 + 3 − 1) = 4, max(0, 2 − 3 + 0.5) = 0; product 2. Item 2: hidden 0, 3.5; product 4.
  it("scores 3 + 0.75 + 8 + 1 + 0.125 and 3 + 0.25 + 14 + 2 + 0.125, worked out by hand", () => {
    const scorer = scorerOf(small());
    expect(scorer.score(0, 0)).toBe(12.875);
    expect(scorer.score(0, 1)).toBe(19.375);
    const out = new Float32Array(2);
    scorer.scoreItems(0, out);
    expect([...out]).toEqual([12.875, 19.375]);
  });

  it("without product branch and biases is the layers alone", () => {
    const { layers, ...rest } = small();
    const last = { ...layers[1], inputs: 2, weight: Float32Array.of(2, 4) };
    const bare: NetModel = {
      ...rest,
      layers: [layers[0], last],
      product: undefined,
      userBias: undefined,
      itemBias: undefined,
      mean: 0,
    };
    expect(scorerOf(bare).score(0, 0)).toBe(8.125);
  });
});

describe("checkModel", () => {
  it.each([
    [{ activation: "tanh" as "relu" }, 'activation must be "relu", got "tanh"'],
    [{ layers: small().layers.slice(1) }, "needs a hidden layer and one to the score, got 1 layers"],
    [{ layers: [small().layers[0], { ...small().layers[1], inputs: 2 }] }, "layer 1 has 2 inputs, 3 come in"],
    [{ product: undefined }, "layer 1 has 3 inputs, 2 come in"],
    [{ layers: [small().layers[0], { ...small().layers[1], outputs: 2 }] }, "layer 1 has 2 outputs; the last has one"],
    [
      { layers: [{ ...small().layers[0], bias: Float32Array.of(1, Number.NaN) }, small().layers[1]] },
      "layers[0].bias row 1 holds NaN",
    ],
    [
      { product: { ...(small().product as object), itemFactors: new Float32Array(3) } as NetModel["product"] },
      "product.itemFactors has 3 numbers, 2 rows need 2",
    ],
  ])("refuses what does not fit: %#", (change, message) => {
    expect(() => checkModel(small())).not.toThrow();
    expect(() => checkModel({ ...small(), ...change })).toThrow(message);
  });
});

describe("modelDigest", () => {
  it("changes with any weight, layer bias or product factor, and not with where the model came from", () => {
    const digest = modelDigest(small());
    const moved = small();
    expect(modelDigest({ ...moved, provenance: { ...moved.provenance, backend: "other" } })).toBe(digest);
    for (const array of [
      moved.layers[0].weight,
      moved.layers[1].bias,
      moved.product?.userFactors as Float32Array,
      moved.userFactors,
    ]) {
      array[0] += 1;
      expect(modelDigest(moved)).not.toBe(digest);
      array[0] -= 1;
    }
    expect(modelDigest(moved)).toBe(digest);
  });
});
