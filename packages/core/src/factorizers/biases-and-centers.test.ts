/**
 * als with every choice of fitted biases and centre, against the objective of docs/als.md written out over records in
 * double precision, with means taken here.
 */
import { describe, expect, it } from "vitest";
import {
  type Biases,
  biasSides,
  type Center,
  centers,
  decodeModel,
  encodeModel,
  type FactorModel,
} from "../model/index.ts";
import { align, ratingsFrom } from "../ratings/index.ts";
import { normal, unit } from "../support/index.ts";
import { als, factorize } from "./index.ts";

/** 30 users × 20 items, users and items of different levels, about 40 % of the cells. */
const records: { user: string; item: string; rating: number }[] = [];
for (let u = 0; u < 30; u++) {
  for (let i = 0; i < 20; i++) {
    if (unit(1, u * 20 + i) > 0.4) continue;
    const dot = normal(2, 2 * u) * normal(3, 2 * i) + normal(2, 2 * u + 1) * normal(3, 2 * i + 1);
    const rating = 3 + 0.5 * dot + 0.5 * normal(4, u) + 0.5 * normal(5, i) + 0.2 * normal(6, u * 20 + i);
    records.push({ user: `u${u}`, item: `i${i}`, rating: Math.round(2 * rating) / 2 });
  }
}
const world = ratingsFrom(records);

function meanOf(key: "user" | "item", id: string): number {
  const own = records.filter((record) => record[key] === id);
  return own.reduce((sum, { rating }) => sum + rating, 0) / own.length;
}

const mean = records.reduce((sum, { rating }) => sum + rating, 0) / records.length;

/** What was subtracted from a rating, by the words of docs/als.md. */
function centerOf(center: Center, { user, item }: { user: string; item: string }): number {
  switch (center) {
    case "none":
      return 0;
    case "global":
      return mean;
    case "user":
      return meanOf("user", user);
    case "item":
      return meanOf("item", item);
    default:
      return center satisfies never;
  }
}

interface Terms {
  readonly biases: Biases;
  readonly center: Center;
  readonly lambda: number;
  readonly lambdaBias: number;
}

/** The parameters of a fit as its formula has them: the centre taken out of the model's biases again. */
function parametersOf(model: FactorModel, { biases, center }: Terms): Parameters {
  const fitted = (side: "user" | "item", bias: Float32Array | undefined) => {
    if (biases !== "both" && biases !== side) return undefined;
    const ids = [...(side === "user" ? model.users : model.items).ids()] as string[];
    return Float64Array.from(bias ?? [], (b, r) => b - (center === side ? meanOf(side, ids[r]) - mean : 0));
  };
  return {
    x: Float64Array.from(model.userFactors),
    y: Float64Array.from(model.itemFactors),
    userBias: fitted("user", model.userBias),
    itemBias: fitted("item", model.itemBias),
  };
}

interface Parameters {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly userBias: Float64Array | undefined;
  readonly itemBias: Float64Array | undefined;
}

/** Σ (r − c − b_u − b_i − x·y)² + λ(|X|² + |Y|²) + λ_b(|b_u|² + |b_i|²): exponents 0. */
function objectiveOf(parameters: Parameters, model: FactorModel, terms: Terms): number {
  const { x, y, userBias, itemBias } = parameters;
  const { rank } = model;
  let sum = 0;
  for (const record of records) {
    const u = model.users.index(record.user) as number;
    const i = model.items.index(record.item) as number;
    let score = centerOf(terms.center, record) + (userBias?.[u] ?? 0) + (itemBias?.[i] ?? 0);
    for (let f = 0; f < rank; f++) score += x[u * rank + f] * y[i * rank + f];
    sum += (record.rating - score) ** 2;
  }
  const squares = (values: Float64Array | undefined) => values?.reduce((all, value) => all + value * value, 0) ?? 0;
  return sum + terms.lambda * (squares(x) + squares(y)) + terms.lambdaBias * (squares(userBias) + squares(itemBias));
}

const settings = (terms: Terms) => ({
  rank: 3,
  regularization: terms.lambda,
  regularizationExponent: 0,
  biases: terms.biases,
  center: terms.center,
  ...(terms.biases === "none" ? {} : { biasRegularization: terms.lambdaBias }),
});

const choices = biasSides.flatMap((biases) => centers.map((center) => ({ biases, center })));

describe("als with biases and centre", () => {
  it.each(choices)(
    "biases $biases, center $center: ends where nothing is downhill along 24 directions",
    async (choice) => {
      const terms = { ...choice, lambda: 0.8, lambdaBias: 0.3 };
      const { model } = await factorize(world, als({ ...settings(terms), sweeps: 500 }));
      const parameters = parametersOf(model, terms);
      const bottom = objectiveOf(parameters, model, terms);
      for (let direction = 0; direction < 24; direction++) {
        for (const radius of [1e-2, -1e-2, 1e-3, -1e-3]) {
          const moved = (values: Float64Array | undefined, stream: number) =>
            values?.map((value, j) => value + radius * normal(1000 * stream + direction, j));
          const elsewhere = {
            x: moved(parameters.x, 1) as Float64Array,
            y: moved(parameters.y, 2) as Float64Array,
            userBias: moved(parameters.userBias, 3),
            itemBias: moved(parameters.itemBias, 4),
          };
          expect(objectiveOf(elsewhere, model, terms)).toBeGreaterThan(bottom * (1 - 1e-6));
        }
      }
    },
  );

  it.each(choices)(
    "biases $biases, center $center: the training RMSE is that of the model, also from the file",
    async (choice) => {
      const { model, report } = await factorize(
        world,
        als({ ...settings({ ...choice, lambda: 1, lambdaBias: 1 }), sweeps: 4 }),
      );
      for (const one of [model, decodeModel(encodeModel(model)) as FactorModel]) {
        let sum = 0;
        for (const { user, item, rating } of records) {
          const u = one.users.index(user) as number;
          const i = one.items.index(item) as number;
          let score = one.mean + (one.userBias?.[u] ?? 0) + (one.itemBias?.[i] ?? 0);
          for (let f = 0; f < 3; f++) score += one.userFactors[u * 3 + f] * one.itemFactors[i * 3 + f];
          sum += (rating - score) ** 2;
        }
        expect(report.loss[3]).toBeCloseTo(Math.sqrt(sum / records.length), 5);
        expect(one.objective).toEqual(model.objective);
      }
      const has = (side: "user" | "item") => [side, "both"].includes(choice.biases) || choice.center === side;
      expect([model.userBias !== undefined, model.itemBias !== undefined]).toEqual([has("user"), has("item")]);
      expect(model.mean).toBe(choice.center === "none" ? 0 : world.mean);
    },
  );

  it("center item with free user biases and λ = 1 minimises twice the cost of seed notebook 002, falling every sweep", async () => {
    // ½ Σ (w_j·x_i + b_j − (y − movieMean_i))² + ½ λ (Σ|x|² + Σ|w|²), as the notebook writes it
    const costOf = (model: FactorModel) => {
      let cost = 0;
      for (const { user, item, rating } of records) {
        const j = model.users.index(user) as number;
        const i = model.items.index(item) as number;
        let score = (model.userBias as Float32Array)[j];
        for (let f = 0; f < 3; f++) score += model.userFactors[j * 3 + f] * model.itemFactors[i * 3 + f];
        cost += 0.5 * (score - (rating - meanOf("item", item))) ** 2;
      }
      for (const w of model.userFactors) cost += 0.5 * w * w;
      for (const x of model.itemFactors) cost += 0.5 * x * x;
      return cost;
    };
    const costs: number[] = [];
    const terms = { biases: "user", center: "item", lambda: 1, lambdaBias: 0 } as const;
    const measure = async (model: FactorModel) => {
      const cost = costOf(model);
      expect(2 * cost).toBeCloseTo(objectiveOf(parametersOf(model, terms), model, terms), 3);
      costs.push(cost);
      return cost;
    };
    const validation = { name: "cost", better: "lower", measure } as const;
    const { model } = await factorize(world, als({ ...settings(terms), sweeps: 30 }), { validation });
    expect(costs).toHaveLength(30);
    for (let s = 1; s < costs.length; s++) expect(costs[s]).toBeLessThan(costs[s - 1] * (1 + 1e-6));
    // unregularised, a user's bias leaves no mean error
    for (const user of model.users.ids()) {
      let error = 0;
      for (const { item, rating } of records.filter((record) => record.user === user)) {
        const j = model.users.index(user) as number;
        const i = model.items.index(item) as number;
        error += rating - meanOf("item", item) - (model.userBias as Float32Array)[j];
        for (let f = 0; f < 3; f++) error -= model.userFactors[j * 3 + f] * model.itemFactors[i * 3 + f];
      }
      expect(Math.abs(error)).toBeLessThan(1e-4);
    }
  });

  it("a user or item that has no training ratings is left at the mean of all, whatever the centre", async () => {
    const [user, item] = [records[0].user, records[0].item];
    const rest = records.filter((record) => record.user !== user && record.item !== item);
    const { ratings } = align(ratingsFrom(rest), world);
    expect([ratings.users.size, ratings.items.size]).toEqual([30, 20]);
    const meanOfRest = rest.reduce((sum, { rating }) => sum + rating, 0) / rest.length;
    for (const center of ["user", "item"] as const) {
      const { model } = await factorize(ratings, als({ rank: 2, sweeps: 2, center, biases: "none" }));
      const means = (center === "user" ? model.userBias : model.itemBias) as Float32Array;
      const ids = [...(center === "user" ? model.users : model.items).ids()] as string[];
      for (const [r, id] of ids.entries()) {
        const own = rest.filter((record) => record[center] === id);
        const ownMean = own.reduce((sum, { rating }) => sum + rating, 0) / own.length;
        expect(model.mean + means[r]).toBeCloseTo(own.length === 0 ? meanOfRest : ownMean, 6);
      }
    }
  });
});
