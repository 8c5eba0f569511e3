import { describe, expect, it } from "vitest";
import { modelFixture } from "../../test/model-fixture.ts";
import { factorScorer } from "./factor-scorer.ts";
import { modelDigest } from "./model-digest.ts";

describe("factorScorer", () => {
  it("scores mean + biases + dot product, item by item and all at once to one f32 rounding", () => {
    const model = modelFixture({ rank: 4 });
    const scorer = factorScorer(model);
    const row = new Float32Array(model.items.size);
    for (let user = 0; user < model.users.size; user++) {
      scorer.scoreItems(user, row);
      for (let item = 0; item < model.items.size; item++) {
        let expected = model.mean + (model.userBias?.[user] ?? 0) + (model.itemBias?.[item] ?? 0);
        for (let k = 0; k < 4; k++) expected += model.userFactors[4 * user + k] * model.itemFactors[4 * item + k];
        expect(scorer.score(user, item)).toBeCloseTo(expected, 14);
        expect(row[item]).toBe(Math.fround(scorer.score(user, item)));
      }
    }
    expect([scorer.name, scorer.scale]).toEqual(["als", "rating"]);
  });

  it("does without biases", () => {
    const model = modelFixture({ biases: false, rank: 1 });
    expect(factorScorer(model).score(1, 2)).toBe(model.mean + model.userFactors[1] * model.itemFactors[2]);
  });
});

describe("modelDigest", () => {
  it("changes with one bit of one number or one id, and not with provenance or history", () => {
    const model = modelFixture();
    const digest = modelDigest(model);
    expect(digest).toMatch(/^[0-9a-f]{16}$/);
    expect(modelDigest(modelFixture({ density: undefined }))).toBe(digest);
    expect(modelDigest({ ...model, provenance: { ...model.provenance, backend: "wasm relaxed", seed: 2 } })).toBe(
      digest,
    );
    const itemBias = model.itemBias?.slice() as Float32Array;
    new Uint32Array(itemBias.buffer)[2] ^= 1;
    const others = [
      modelDigest({ ...model, itemBias }),
      modelDigest({ ...model, mean: model.mean + 2 ** -50 }),
      modelDigest({ ...model, userBias: undefined }),
      modelDigest(modelFixture({ items: [10, 20, 30, 41] })),
      modelDigest(modelFixture({ items: ["10", "20", "30", "40"] })),
    ];
    expect(new Set([digest, ...others]).size).toBe(6);
  });
});
