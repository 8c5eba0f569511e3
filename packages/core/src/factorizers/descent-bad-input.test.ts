/** Ratings and rates at the edge of what there can be, given to gradient() and sgd() alike. */
import { describe, expect, it } from "vitest";
import { factorScorer } from "../model/index.ts";
import { ratingsFrom, ratingsFromDense, subset } from "../ratings/index.ts";
import { DataError, OptionError } from "../support/index.ts";
import { type Factorizer, factorize, gradient, sgd } from "./index.ts";

interface Common {
  readonly rank?: number;
  readonly center?: "none" | "global";
  readonly regularization?: number;
  readonly learningRate?: number;
}

/** Each with as many passes as the smallest of data needs. */
const methods: readonly (readonly [string, (options: Common) => Factorizer])[] = [
  ["gradient", (options) => gradient({ steps: 400, ...options })],
  ["gradient in batches", (options) => gradient({ batch: "mini", batchSize: 2, epochs: 2500, ...options })],
  ["sgd", (options) => sgd({ epochs: 1500, ...options })],
];

describe.each(methods)("%s", (_, method) => {
  const codes = async (...[data, made]: [Parameters<typeof factorize>[0], Factorizer]) => {
    const { model, report } = await factorize(data, made, { threads: 1 });
    return { scorer: factorScorer(model), codes: report.findings.map(({ code }) => code), report };
  };

  it("fits one cell, with the global mean and without", async () => {
    const cell = ratingsFromDense([[4]]);
    const centered = await codes(cell, method({ rank: 1 }));
    expect(centered.scorer.score(0, 0)).toBeCloseTo(4, 2);
    expect(centered.codes).toContain("constant-ratings");
    const plain = await codes(cell, method({ rank: 1, center: "none", regularization: 0 }));
    // Biases keep their own penalty, 3 |b|² on each side, and give way to the product.
    expect(plain.scorer.score(0, 0)).toBeCloseTo(4, 1);
  });

  it("fits a constant matrix and predicts its missing cell alike, with a finding", async () => {
    const constant = ratingsFromDense([
      [3, 3, 3],
      [3, 3, Number.NaN],
    ]);
    const { scorer, codes: found } = await codes(constant, method({ rank: 2 }));
    expect(scorer.score(0, 0)).toBeCloseTo(3, 2);
    expect(scorer.score(1, 2)).toBeCloseTo(3, 2);
    expect(found).toContain("constant-ratings");
  });

  it("takes a rank above the size, with a finding, and fits what is there", async () => {
    const small = ratingsFromDense([
      [5, 1, 4],
      [1, 5, 2],
    ]);
    const { scorer, codes: found } = await codes(small, method({ rank: 40, regularization: 0 }));
    expect(found).toContain("rank-above-size");
    for (const [user, row] of [[5, 1, 4] as const, [1, 5, 2] as const].entries()) {
      for (const [item, rating] of row.entries()) expect(Math.abs(scorer.score(user, item) - rating)).toBeLessThan(0.1);
    }
  });

  it("refuses ratings that are none: all cells missing, no record, nothing left of them", async () => {
    const some = ratingsFrom([
      { user: 1, item: 1, rating: 3 },
      { user: 2, item: 1, rating: 4 },
    ]);
    const none = subset(some, new Uint8Array(some.size));
    expect(none.size).toBe(0);
    await expect(factorize(none, method({}))).rejects.toThrow(DataError);
    await expect(factorize(none, method({}))).rejects.toThrow(/there are no ratings to train on; check the split/);
    expect(() => ratingsFromDense([[Number.NaN, Number.NaN]])).toThrow(/holds no rating/);
    expect(() => ratingsFrom([])).toThrow(DataError);
  });

  it("refuses clicks, and says what fits them", async () => {
    const clicks = ratingsFrom([
      { user: 1, item: 1 },
      { user: 2, item: 1 },
    ]);
    await expect(factorize(clicks, method({}))).rejects.toThrow(DataError);
    await expect(factorize(clicks, method({}))).rejects.toThrow(
      /these records have no rating, .* use ials\(\) for clicks/,
    );
  });

  it.each([0, -0.1, Number.NaN, Number.POSITIVE_INFINITY, 1e13])("refuses a learning rate of %s", (learningRate) => {
    expect(() => method({ learningRate })).toThrow(OptionError);
    expect(() => method({ learningRate })).toThrow(
      /learningRate must be a finite number from 1e-12 to 1e12, or "auto", got .*; left out, it is /,
    );
  });
});
