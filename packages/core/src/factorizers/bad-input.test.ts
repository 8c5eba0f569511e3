/** Ratings and rates at the edge of what there can be, given to every method: a sane model with a finding, or an error that says what is wrong. */
import { describe, expect, it } from "vitest";
import { type Model, scorerOf } from "../model/index.ts";
import { type Ratings, ratingsFrom, ratingsFromDense, subset } from "../ratings/index.ts";
import { DivergenceError } from "../support/index.ts";
import { denseNet, type Factorizer, factorize, gradient, methods, sgd } from "./index.ts";

/** Every method by name, and the descents in each of their ways. */
const all: readonly (readonly [string, (options?: object) => Factorizer<Model>])[] = [
  ...Object.entries(methods).map(([name, { make }]) => [name, (options = {}) => make(options)] as const),
  ["gradient in batches", (options) => gradient({ batch: "mini", ...options })],
  ["sgd by rows", (options) => sgd({ order: "rows", ...options })],
  ["sgd shuffled", (options) => sgd({ order: "shuffled", ...options })],
];
/** Those that fit ratings, not clicks. */
const rating = all.filter(([, method]) => !method().ignores.includes("rating"));

async function fitted(ratings: Ratings, method: Factorizer<Model>) {
  const { model, report } = await factorize(ratings, method, { threads: 1 });
  const scorer = scorerOf(model);
  const scores = Array.from({ length: ratings.users.size }, (_, u) =>
    Array.from({ length: ratings.items.size }, (_, i) => scorer.score(u, i)),
  ).flat();
  expect(scores.every(Number.isFinite), `${scores}`).toBe(true);
  expect(report.loss.every(Number.isFinite)).toBe(true);
  return { scores, codes: report.findings.map(({ code }) => code) };
}

const filled = (rows: number, columns: number, value: number) =>
  ratingsFromDense(Array.from({ length: rows }, () => new Array(columns).fill(value)));

describe.each(all)("%s", (_, method) => {
  it("trains on one cell, on equal ones and on zeros, of the default rank, and has finite scores", async () => {
    for (const ratings of [filled(1, 1, 4), filled(2, 3, 3), filled(2, 3, 0), filled(1, 5, 2), filled(5, 1, 2)])
      await fitted(ratings, method());
  });

  it("refuses ratings of which none is left", async () => {
    const some = filled(2, 2, 3);
    await expect(factorize(subset(some, new Uint8Array(4)), method())).rejects.toMatchObject({
      code: "data",
      message: expect.stringMatching(/there are no ratings to train on/),
    });
  });

  it("refuses a learning rate of 0, −1 or NaN, or that it has one", () => {
    for (const learningRate of [0, -1, Number.NaN]) {
      expect(() => method({ learningRate })).toThrow(
        expect.objectContaining({
          code: "option",
          message: expect.stringMatching(/learningRate must be (a finite number from|left out: .* has no such option)/),
        }),
      );
    }
  });
});

describe.each(rating)("%s", (name, method) => {
  it("predicts what equal ratings are, to 7 %, and says that they are equal", async () => {
    for (const [value, ratings] of [
      [4, filled(1, 1, 4)],
      [3, filled(2, 3, 3)],
      [1e-6, filled(3, 3, 1e-6)],
      [1e6, filled(3, 3, 1e6)],
    ] as const) {
      const { scores, codes } = await fitted(ratings, method());
      for (const score of scores) expect(Math.abs(score / value - 1)).toBeLessThan(0.07);
      expect(codes).toContain("constant-ratings");
    }
  });

  it("takes a user without a rating in a dense matrix, all NaN, with a finding; svd says what it needs", async () => {
    const holed = ratingsFromDense([
      [5, 1, 4],
      [Number.NaN, Number.NaN, Number.NaN],
      [1, 5, 2],
    ]);
    if (name === "svd") {
      await expect(fitted(holed, method({ rank: 1 }))).rejects.toThrow(/3 of 9 cells have no rating/);
      return;
    }
    expect((await fitted(holed, method({ rank: 1 }))).codes).toContain("users-without-ratings");
  });

  it("takes ratings of 10³⁰ and of 10⁻³⁰, and a rank above the size", async () => {
    for (const by of [1e30, 1, 1e-30]) {
      // Its steps divide products of ratings and factors, without a unit.
      if (name === "nmf" && by === 1e30) continue;
      const ratings = ratingsFromDense([
        [5 * by, by, 4 * by],
        [by, 5 * by, 2 * by],
      ]);
      const { codes } = await fitted(ratings, method({ rank: 40 }));
      if (name !== "net") expect(codes).toContain("rank-above-size");
    }
  });
});

it.each(["als", "nmf"] as const)(
  "%s fits ratings of 10³⁰, whose products with factors are beyond 32 bits",
  async (name) => {
    const { scores } = await fitted(filled(2, 3, 1e30), methods[name].make({ rank: 40 }));
    for (const score of scores) expect(Math.abs(score / 1e30 - 1)).toBeLessThan(1e-5);
  },
);

describe("a learning rate of 10⁹", () => {
  const ratings = ratingsFrom(
    Array.from({ length: 60 }, (_, n) => ({ user: `u${n % 10}`, item: Math.floor(n / 6), rating: 1 + (n % 5) })),
  );

  it.each([
    ["gradient", gradient({ learningRate: 1e9 }), "step"],
    ["gradient by sgd", gradient({ learningRate: 1e9, optimizer: "sgd" }), "step"],
    ["gradient by adagrad", gradient({ learningRate: 1e9, optimizer: "adagrad" }), "step"],
    ["gradient in batches", gradient({ learningRate: 1e9, batch: "mini", batchSize: 8 }), "epoch"],
    ["sgd in blocks", sgd({ learningRate: 1e9 }), "epoch"],
    ["sgd by rows", sgd({ learningRate: 1e9, order: "rows" }), "epoch"],
    ["sgd shuffled", sgd({ learningRate: 1e9, order: "shuffled" }), "epoch"],
    ["net", denseNet({ learningRate: 1e9 }), "epoch"],
    ["net by sgd", denseNet({ learningRate: 1e9, optimizer: "sgd" }), "epoch"],
  ] as const)("diverges in %s, with the pass, the row, the rate and a remedy", async (_, method, pass) => {
    const error = await factorize(ratings, method as Factorizer<Model>, { threads: 1 }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DivergenceError);
    const { message, facts } = error as DivergenceError;
    expect(message).toMatch(new RegExp(`became .* in ${pass} [1-9]\\d* of \\d+, from .* (user|item|the layers)`));
    expect(message).toMatch(/lower learningRate \(.*\), (or set clipping "norm", )?and check the ratings/);
    expect(facts).toMatchObject({ pass: expect.any(Number), learningRate: expect.any(Number) });
  });
});
