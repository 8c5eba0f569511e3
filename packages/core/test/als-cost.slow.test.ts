/**
 * als on the cost of seed notebook 002 at its real size, beside the recorded run of 15,000 Adam steps on the same cost: the
 * MovieLens latest-small ratings less their movie's mean, rank 100, a free bias per user, λ = 1.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { als, factorize } from "../src/factorizers/index.ts";
import type { FactorModel } from "../src/model/index.ts";
import { ratingsFrom } from "../src/ratings/index.ts";
import { sharedData, sharedGolden } from "./shared-data.ts";

interface Golden {
  readonly dataCheck: { readonly halfSumSquaresOfNormalisedRatings: number };
  readonly float64: { readonly loss: readonly (readonly [step: number, loss: number])[] };
}

const golden = JSON.parse(readFileSync(sharedGolden("seed-002", "real-size.json"), "utf8")) as Golden;
const lines = readFileSync(sharedData("ml-latest-small", "ratings.csv"), "utf8").trim().split("\n").slice(1);
const records = lines.map((line) => {
  const [user, item, rating] = line.split(",").map(Number);
  return { user, item, rating };
});

const sums = new Map<number, { sum: number; count: number }>();
for (const { item, rating } of records) {
  const { sum, count } = sums.get(item) ?? { sum: 0, count: 0 };
  sums.set(item, { sum: sum + rating, count: count + 1 });
}
const movieMean = (item: number) => {
  const { sum, count } = sums.get(item) as { sum: number; count: number };
  return sum / count;
};

/** ½ Σ (w_j · x_i + b_j − (y − movieMean_i))² + ½ (|X|² + |W|²), over records, in double precision. */
function costOf({ rank, users, items, userFactors, itemFactors, userBias }: FactorModel): number {
  let sum = 0;
  for (const { user, item, rating } of records) {
    const w = (users.index(user) as number) * rank;
    const x = (items.index(item) as number) * rank;
    let error = (userBias as Float32Array)[w / rank] - (rating - movieMean(item));
    for (let f = 0; f < rank; f++) error += userFactors[w + f] * itemFactors[x + f];
    sum += error * error;
  }
  for (const w of userFactors) sum += w * w;
  for (const x of itemFactors) sum += x * x;
  return sum / 2;
}

describe("als on the cost of seed notebook 002, real size", () => {
  it("the data are those of the recorded run: half the sum of squares is 38,704.80 to 1e-12", () => {
    const half = records.reduce((sum, { item, rating }) => sum + (rating - movieMean(item)) ** 2, 0) / 2;
    expect(half / golden.dataCheck.halfSumSquaresOfNormalisedRatings).toBeCloseTo(1, 12);
  });

  it("is below 3,968 after 20 sweeps and below the 3,926.10 of 15,000 Adam steps after 75, falling on the way", async () => {
    const costs: number[] = [];
    const method = als({
      rank: 100,
      sweeps: 75,
      solver: "cholesky",
      center: "item",
      biases: "user",
      biasRegularization: 0,
      regularization: 1,
      regularizationExponent: 0,
      initScale: 1e-4,
    });
    const measure = async (model: FactorModel) => {
      costs.push(costOf(model));
      return costs[costs.length - 1];
    };
    await factorize(ratingsFrom(records), method, { validation: { name: "cost", better: "lower", every: 5, measure } });
    const [steps, adam] = golden.float64.loss[golden.float64.loss.length - 1];
    expect(steps).toBe(15_000);
    expect(costs).toHaveLength(15);
    for (let c = 1; c < costs.length; c++) expect(costs[c]).toBeLessThan(costs[c - 1]);
    expect(costs[3]).toBeLessThan(3_968);
    expect(costs[14]).toBeLessThan(adam);
  }, 300_000);
});
