/** als, nmf and fold-in on ratings of every scale: 32-bit numbers hold no squares of ratings of 10²⁵, nor of 10⁻²⁵. */
import { describe, expect, it } from "vitest";
import { exactUnit, factorScorer } from "../model/index.ts";
import { ratingsFromDense } from "../ratings/index.ts";
import { openRecommender } from "../recommend/index.ts";
import { als, type Factorizer, factorize, gradient, nmf, sgd } from "./index.ts";

/** 12 × 10 ratings of 1 to 5 times the scale; every seventh is missing. */
const matrix = (scale: number) =>
  Array.from({ length: 12 }, (_, u) =>
    Array.from({ length: 10 }, (_, i) =>
      (10 * u + i) % 7 === 3 ? Number.NaN : scale * (1 + ((u * 7 + i * 3 + u * i) % 5)),
    ),
  );

describe("the unit of rows", () => {
  it("is a power of 4 within a factor of 2 of the spread, and 1 from 0.5 to 2", () => {
    for (const spread of [0.5, 1, 1.99, 2]) expect(exactUnit(spread)).toBe(1);
    for (const spread of [1e-44, 3e-20, 0.499, 2.01, 7, 1e8, 1e38]) {
      const unit = exactUnit(spread);
      expect(unit / spread).toBeGreaterThanOrEqual(0.5);
      expect(unit / spread).toBeLessThanOrEqual(2);
      expect(Number.isInteger(Math.log2(unit) / 2)).toBe(true);
    }
    expect(exactUnit(0)).toBe(1);
  });
});

describe("ratings times a power of 4, from 4⁻⁴² (10⁻²⁵) to 4⁴²", () => {
  it.each([
    ["als", () => als({ rank: 2 })],
    ["als by conjugate gradient", () => als({ rank: 2, solver: "cg" })],
    ["als by subspaces", () => als({ rank: 2, solver: "subspace" })],
    ["als around users", () => als({ rank: 2, center: "user", biases: "item" })],
    ["als without biases and centre", () => als({ rank: 2, biases: "none", center: "none" })],
    ["nmf", () => nmf({ rank: 2 })],
    ["multiplicative nmf", () => nmf({ rank: 2, update: "multiplicative" })],
    ["nmf of all cells", () => nmf({ rank: 2, missing: "zero" })],
  ] as const)("give %s the same model times it, bit for bit, and the same certificate", async (_, make) => {
    const own = await factorize(ratingsFromDense(matrix(1)), make(), { certificate: true });
    for (const exponent of [-42, -13, 1, 13, 42]) {
      const scale = 4 ** exponent;
      const { model, report } = await factorize(ratingsFromDense(matrix(scale)), make(), { certificate: true });
      const times = (table: Float32Array | undefined, by: number) => table?.map((one) => one * by);
      expect(model.userFactors).toEqual(times(own.model.userFactors, 2 ** exponent));
      expect(model.itemFactors).toEqual(times(own.model.itemFactors, 2 ** exponent));
      expect(model.userBias).toEqual(times(own.model.userBias, scale));
      expect(model.itemBias).toEqual(times(own.model.itemBias, scale));
      expect(report.loss).toEqual(own.report.loss.map((one) => one * scale));
      const [a, b] = [own.report.certificate, report.certificate];
      if (a?.kind === "gradient" && b?.kind === "gradient") expect(b.relative).toBeCloseTo(a.relative, 12);
      expect(b?.kind).toBe(a?.kind);
    }
  });

  it("and times any power of 10 als and nmf learn as much: the loss over the scale is the same to 1 %", async () => {
    for (const make of [() => als({ rank: 2 }), () => nmf({ rank: 2 })]) {
      const lossAt = async (scale: number) => {
        const { report } = await factorize(ratingsFromDense(matrix(scale)), make());
        return report.loss[report.loss.length - 1] / scale;
      };
      const own = await lossAt(1);
      for (const scale of [1e-30, 1e-15, 1e8, 1e15, 1e25, 1e36])
        expect(Math.abs((await lossAt(scale)) / own - 1)).toBeLessThan(0.01);
    }
  });

  it("fold a training user in to the trained row, bit for bit", async () => {
    for (const scale of [1e-25, 1, 1e8, 1e25]) {
      for (const settings of [{}, { center: "user" }] as const) {
        const ratings = ratingsFromDense(matrix(scale));
        const { model } = await factorize(ratings, als({ rank: 2, ...settings }));
        const recommender = await openRecommender(model);
        try {
          const history = [...ratings.records()]
            .filter(({ user }) => user === 4)
            .map(({ item, rating }) => ({ item, rating: rating as number }));
          const user = await recommender.foldInUser(history);
          const u = model.users.index(4) as number;
          if (user.status !== "known") throw new Error(user.status);
          expect(user.factors).toEqual(model.userFactors.slice(2 * u, 2 * u + 2));
          expect(user.bias).toBe(model.userBias?.[u]);
          expect(factorScorer(model).score(u, 0) / scale).toBeGreaterThan(0.5);
        } finally {
          await recommender.close();
        }
      }
    }
  });
});

describe("penalties, unit and delta that a report shows for ratings of 10²⁵", () => {
  it.each([
    ["als", (given: object): Factorizer => als({ rank: 2, ...given })],
    ["nmf", (given: object): Factorizer => nmf({ rank: 2, ...given })],
    ["gradient", (given: object): Factorizer => gradient({ rank: 2, ...given })],
    ["sgd", (given: object): Factorizer => sgd({ rank: 2, loss: "huber", ...given })],
  ] as const)("can be given to %s, and give the same figures", async (_, make) => {
    const ratings = ratingsFromDense(matrix(1e25));
    const { report } = await factorize(ratings, make({}));
    const shown = Object.fromEntries(
      ["regularization", "biasRegularization", "unit", "huberDelta", "learningRate"].flatMap((name) =>
        report.options[name] === undefined ? [] : [[name, report.options[name]]],
      ),
    );
    expect(shown.regularization).toBeGreaterThan(1e9);
    expect((await factorize(ratings, make(shown))).report.loss).toEqual(report.loss);
  });
});
