/** Fold-in of models whose users are made of the items they chose. */
import { describe, expect, it } from "vitest";
import { modelFixture, names } from "../../test/model-fixture.ts";
import { openKernels } from "../kernels/index.ts";
import { decodeModel, encodeModel, type FactorModel } from "../model/index.ts";
import { openRecommender } from "./recommender.ts";

const reference = await openKernels({ backend: "reference" });

describe("rows made of their histories", () => {
  const objective = { kind: "history", historyWeight: 1.5, normalized: false } as const;
  const start = modelFixture({ users: names("u", 8), items: names("i", 30), rank: 4, density: 0.3, objective });
  const model: FactorModel = { ...start, userBias: undefined, mean: 0, scale: "preference", range: undefined };
  const chosen = [3, 7, 11, 20];
  const history = [...chosen, 7].map((i) => ({ item: model.items.id(i), rating: 5 * i }));

  it("are 1.5 / √n of the sum of the items' rows, or of length 1; an item counts once, whatever its ratings", async () => {
    for (const normalized of [false, true]) {
      const recommender = await openRecommender(
        { ...model, objective: { ...objective, normalized } },
        { kernels: reference },
      );
      const folded = await recommender.foldInUser(history);
      if (folded.status !== "known") throw new Error(folded.status);
      const sum = [0, 1, 2, 3].map((k) => chosen.reduce((all, i) => all + model.itemFactors[4 * i + k], 0));
      const scale = normalized ? 1 / Math.hypot(...sum) : 1.5 / Math.sqrt(chosen.length);
      for (const [k, factor] of folded.factors.entries()) expect(factor).toBeCloseTo(scale * sum[k], 6);
      expect(folded.bias).toBeUndefined();
      recommender.close();
    }
  });

  it("survive a file, and a file with a weight of 0 or of another kind is refused", () => {
    expect((decodeModel(encodeModel(model)) as FactorModel).objective).toEqual(objective);
    for (const wrong of [{ ...objective, historyWeight: 0 }, { ...objective, normalized: 1 }, { kind: "other" }]) {
      expect(() => encodeModel({ ...model, objective: wrong as never })).toThrow("objective");
    }
  });

  it("say nothing about the rows of items: foldInItem is refused by the method's name", async () => {
    const recommender = await openRecommender(model, { kernels: reference });
    await expect(recommender.foldInItem([{ user: "u1" }])).rejects.toMatchObject({ code: "no-objective" });
    recommender.close();
  });
});
