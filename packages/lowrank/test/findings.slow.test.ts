/** Real ratings with the defaults of each method: nothing to find. */

import { describe, expect, it } from "vitest";
import { als, factorize, gradient, ials, type Ratings, readRatings, sgd } from "../src/index.ts";
import { sharedData } from "./shared-data.ts";

const sets: readonly (readonly [string, () => Promise<Ratings>])[] = [
  ["MovieLens latest-small", () => read("ml-latest-small", "ratings.csv")],
  ["MovieLens 100K", () => read("ml-100k", "u.data")],
  ["MovieLens 1M", () => read("ml-1m", "ratings.no-timestamps.dat")],
  ["Gowalla", async () => (await readRatings(sharedData("gowalla", "train.txt"), { format: "lists" })).ratings],
];

async function read(...path: string[]): Promise<Ratings> {
  return (await readRatings(sharedData(...path))).ratings;
}

describe.each(sets)("%s", (_, load) => {
  it("the defaults of every method that learns from ratings or clicks find nothing to say", async () => {
    const ratings = await load();
    const methods = ratings.hasRatings ? [als(), ials(), gradient(), sgd()] : [ials()];
    for (const method of methods) {
      const { report } = await factorize(ratings, method);
      expect(report.findings, method.name).toEqual([]);
      expect(report.initialLoss).toBeGreaterThan(report.loss[0]);
    }
  });
});
