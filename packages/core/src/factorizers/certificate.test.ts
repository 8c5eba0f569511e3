/** Certificates: optima by SciPy, gradients by dense formulas in f64 that finite differences confirm. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { openKernels } from "../kernels/index.ts";
import type { FactorModel } from "../model/index.ts";
import { plantedWorld, type Ratings, ratingsFrom, ratingsFromDense } from "../ratings/index.ts";
import { normal } from "../support/index.ts";
import { als } from "./als.ts";
import type { Factorizer } from "./factorizer.ts";
import { gradient as descent } from "./gradient.ts";
import { ials } from "./ials.ts";
import { sgd } from "./sgd.ts";
import { firesAt, turnAtEveryLook } from "./stopping.case.ts";
import { svd } from "./svd/svd.ts";
import { completeWorld, scipy } from "./svd/worlds.case.ts";
import { factorize } from "./train.ts";
import type { Validation } from "./validation-watch.ts";

const kernels = await openKernels({ threads: 2 });
afterEach(() => {
  vi.restoreAllMocks();
});
const { ratings: holed } = plantedWorld({ users: 30, items: 25, rank: 2, density: 0.3, seed: 5 });
const clicks = ratingsFrom(Array.from(holed.records(), ({ user, item }) => ({ user, item })));

async function optimum(method: Factorizer, ratings: Ratings) {
  const { report } = await factorize(ratings, method, { kernels });
  if (report.certificate?.kind !== "optimum") throw new Error("no optimum in the report");
  return report.certificate;
}

async function gradient(method: Factorizer, ratings: Ratings) {
  const { model, report } = await factorize(ratings, method, { kernels });
  if (report.certificate?.kind !== "gradient") throw new Error("no gradient in the report");
  return { model, certificate: report.certificate };
}

/** All parameters of a model in one list, f64, and each row's number of ratings in their order. */
function parametersOf({ userFactors, itemFactors, userBias, itemBias }: FactorModel): Float64Array {
  return Float64Array.of(...userFactors, ...itemFactors, ...(userBias ?? []), ...(itemBias ?? []));
}

interface Rows {
  readonly x: (u: number, k: number) => number;
  readonly y: (i: number, k: number) => number;
  readonly b: (u: number) => number;
  readonly c: (i: number) => number;
}

function rowsOf({ rank, users, items, userBias }: FactorModel, p: Float64Array): Rows {
  const first = users.size * rank;
  const biases = first + items.size * rank;
  const biased = userBias !== undefined;
  return {
    x: (u, k) => p[u * rank + k],
    y: (i, k) => p[first + i * rank + k],
    b: (u) => (biased ? p[biases + u] : 0),
    c: (i) => (biased ? p[biases + users.size + i] : 0),
  };
}

type Cost = (p: Float64Array) => number;

/** The cost of als at exponent 0 and bias exponent 0, straight from docs/als.md. */
function alsCost(ratings: Ratings, model: FactorModel, penalty: number, biasPenalty: number): Cost {
  return (p) => {
    const { x, y, b, c } = rowsOf(model, p);
    const { start, index, value, rows, columns } = ratings.byUser;
    let cost = 0;
    for (let u = 0; u < rows; u++) {
      for (let e = start[u]; e < start[u + 1]; e++) {
        let error = value.at(e) - model.mean - b(u) - c(index[e]);
        for (let k = 0; k < model.rank; k++) error -= x(u, k) * y(index[e], k);
        cost += error * error;
      }
      for (let k = 0; k < model.rank; k++) cost += penalty * x(u, k) ** 2;
      cost += biasPenalty * b(u) ** 2;
    }
    for (let i = 0; i < columns; i++) {
      for (let k = 0; k < model.rank; k++) cost += penalty * y(i, k) ** 2;
      cost += biasPenalty * c(i) ** 2;
    }
    return cost;
  };
}

/** Σ_observed (1 − s)² + w Σ_cells s² + penalties with exponent 0. */
function ialsCost(ratings: Ratings, model: FactorModel, weight: number, penalty: number): Cost {
  return (p) => {
    const { x, y } = rowsOf(model, p);
    const { start, index, rows, columns } = ratings.byUser;
    let cost = 0;
    for (let u = 0; u < rows; u++) {
      const seen = new Set(index.subarray(start[u], start[u + 1]));
      for (let i = 0; i < columns; i++) {
        let score = 0;
        for (let k = 0; k < model.rank; k++) score += x(u, k) * y(i, k);
        cost += weight * score ** 2 + (seen.has(i) ? (1 - score) ** 2 : 0);
      }
    }
    for (const parameter of p) cost += penalty * parameter ** 2;
    return cost;
  };
}

/** Central differences; the cost is a polynomial of degree 4, so they are exact to rounding and a small third derivative. */
function expectGradient(cost: Cost, model: FactorModel, got: { norm: number; relative: number }): void {
  const p = parametersOf(model);
  let squared = 0;
  let size = 0;
  for (let j = 0; j < p.length; j++) {
    const here = p[j];
    p[j] = here + 1e-4;
    const above = cost(p);
    p[j] = here - 1e-4;
    squared += ((above - cost(p)) / 2e-4) ** 2;
    p[j] = here;
    size += here ** 2;
  }
  const exact = Math.sqrt(squared);
  expect(Math.abs(got.norm - exact) / exact).toBeLessThan(1e-3);
  const relative = (exact * Math.sqrt(size)) / cost(p);
  expect(Math.abs(got.relative - relative) / relative).toBeLessThan(1e-3);
}

describe("the certificate of complete ratings", () => {
  it("of svd at rank 5: error and optimum are SciPy's to 1e-5, the gap rounding", async () => {
    const certificate = await optimum(svd({ rank: 5 }), completeWorld());
    const { error, optimum: best, optimumAtLeast, gap, relativeGap } = certificate;
    expect(best).toBeCloseTo(scipy.completeRest5, 10);
    expect(optimumAtLeast).toBe(best);
    expect(error).toBeCloseTo(scipy.completeRest5, 5);
    expect(Math.abs(gap)).toBeLessThan(1e-5);
    expect(Math.abs(relativeGap ?? 1)).toBeLessThan(1e-6);
  });

  it("of equal ratings, which are their own centre, measures the gap against the ratings; of zeros against nothing", async () => {
    const of = (rating: number) => ratingsFromDense([new Array(2).fill(rating), new Array(2).fill(rating)]);
    const fitted = await optimum(sgd({ rank: 2 }), of(3));
    expect(fitted.optimum).toBe(0);
    expect(fitted.error).toBeGreaterThan(0.001);
    // ‖A‖ of four threes is 6.
    expect(fitted.relativeGap).toBeCloseTo(fitted.error / 6, 12);
    expect((await optimum(sgd({ rank: 2 }), of(0))).relativeGap).toBeUndefined();
  });

  it.each([3, 3.3, 1e6, 1e-6])(
    "of svd on 8 × 10 ratings of %f is 0, as its training RMSE: all else is rounding",
    async (rating) => {
      const same = ratingsFromDense(Array.from({ length: 8 }, () => new Array(10).fill(rating)));
      for (const center of ["none", "global"] as const) {
        const { report } = await factorize(same, svd({ rank: 1, center }), { kernels });
        expect(report.loss.at(-1)).toBe(0);
        expect(report.certificate).toMatchObject({ error: 0, optimum: 0, gap: 0, relativeGap: 0 });
      }
    },
  );

  it("of als without penalty nears the optimum from above: 60 sweeps leave less than 5 do", async () => {
    const plain = { rank: 5, biases: "none", center: "none", regularization: 1e-6, regularizationExponent: 0 } as const;
    const few = await optimum(als({ ...plain, sweeps: 2 }), completeWorld());
    const many = await optimum(als({ ...plain, sweeps: 60 }), completeWorld());
    expect(few.gap).toBeGreaterThan(many.gap);
    expect(many.gap).toBeGreaterThan(-1e-4);
    expect(many.relativeGap).toBeLessThan(1e-3);
    expect(many.error).toBeCloseTo(many.optimum + many.gap, 10);
  });

  it("is of the matrix less the centre, and less what fitted biases can take up (NumPy 2.4.6)", async () => {
    const centered = await optimum(svd({ rank: 2, center: "global" }), completeWorld());
    expect(centered.optimum).toBeCloseTo(scipy.globalRest2, 4);
    expect(Math.abs(centered.gap)).toBeLessThan(1e-4);
    const biased = await optimum(als({ rank: 3, sweeps: 20, biases: "both", center: "none" }), completeWorld());
    expect(biased.optimum).toBeCloseTo(25.9025298149922, 9);
    expect(biased.gap).toBeGreaterThan(0);
  });

  it("of a matrix too large to be decomposed exactly says what the optimum is worth", async () => {
    const dense = Array.from({ length: 520 }, (_, u) =>
      Float64Array.from({ length: 530 }, (_, i) => Math.cos(u) * Math.cos(2 * i) + 0.3 * normal(6, u * 530 + i)),
    );
    const large = ratingsFromDense(dense);
    const { report } = await factorize(large, svd({ rank: 1 }), { kernels, certificate: true });
    if (report.certificate?.kind !== "optimum") throw new Error("no optimum in the report");
    const { optimum: best, optimumAtLeast, gap } = report.certificate;
    expect(optimumAtLeast).toBeLessThan(best);
    expect(best - optimumAtLeast).toBeLessThan(1e-3 * best);
    expect(Math.abs(gap)).toBeLessThan(1e-5 * best);
  });

  it("stops when the signal fires while it is made", async () => {
    turnAtEveryLook();
    const looksAfterPasses = async (at: number, certificate: boolean) => {
      let passesMade = false;
      const { seen, signal } = firesAt(at, () => passesMade);
      const onProgress = () => {
        passesMade = true;
      };
      const options = { kernels, certificate, signal, onProgress };
      const training = factorize(completeWorld(), als({ rank: 2, sweeps: 1 }), options);
      return { looks: () => seen.looks, training };
    };
    const without = await looksAfterPasses(Number.POSITIVE_INFINITY, false);
    await without.training;
    // One look before the certificate, and others while it is made.
    const at = without.looks() + 3;
    const { looks, training } = await looksAfterPasses(at, true);
    await expect(training).rejects.toMatchObject({ code: "aborted" });
    expect(looks()).toBe(at);
  });

  it("of sgd, a gradient over all ratings outside the kernels, stops when the signal fires", async () => {
    turnAtEveryLook();
    const run = await sgd({ rank: 2, epochs: 1 }).start(holed, kernels, 0);
    try {
      await run.passes(1, undefined);
      const controller = new AbortController();
      setImmediate(() => controller.abort());
      await expect(run.slope?.(controller.signal)).rejects.toMatchObject({ code: "aborted" });
    } finally {
      run.close();
    }
  });
});

describe("the certificate of ratings with holes", () => {
  it("of als is the length of the gradient of its whole cost, biases and penalties included, to 1e-3", async () => {
    const options = { rank: 3, regularization: 0.5, regularizationExponent: 0, biasRegularization: 2, sweeps: 6 };
    const { model, certificate } = await gradient(als(options), holed);
    expectGradient(alsCost(holed, model, 0.5, 2), model, certificate);
  });

  it("of ials is the length of the gradient of its whole cost to 1e-3", async () => {
    const options = { rank: 3, unobservedWeight: 0.2, regularization: 0.3, regularizationExponent: 0, sweeps: 6 };
    const { model, certificate } = await gradient(ials(options), clicks);
    expectGradient(ialsCost(clicks, model, 0.2, 0.3), model, certificate);
  });

  it("of gradient is the length of the gradient of its objective, half the cost of als, to 1e-3", async () => {
    const options = { rank: 3, steps: 25, objective: "half", biases: "both", center: "global" } as const;
    const method = descent({ ...options, regularization: 0.5, biasRegularization: 2, learningRate: 0.01 });
    const { model, certificate } = await gradient(method, holed);
    const cost = alsCost(holed, model, 0.5, 2);
    expectGradient((p) => cost(p) / 2, model, certificate);
  });

  it("of sgd is that of half the cost of als over all ratings to 1e-3, and there is none for norms of batches", async () => {
    const options = { rank: 3, epochs: 20, regularization: 0.5, biasRegularization: 2, biases: "both" } as const;
    const method = sgd({ ...options, order: "shuffled", center: "global" });
    const { model, report } = await factorize(holed, method, { kernels, certificate: true });
    if (report.certificate?.kind !== "gradient") throw new Error("no gradient in the report");
    const cost = alsCost(holed, model, 0.5, 2);
    expectGradient((p) => cost(p) / 2, model, report.certificate);
    expect((await factorize(holed, method, { kernels })).report.certificate).toBeUndefined();
    const norms = descent({ rank: 2, batch: "mini", objective: "norm", epochs: 2 });
    expect((await factorize(holed, norms, { kernels, certificate: true })).report.certificate).toBeUndefined();
  });

  it.each(["sum", "mean"] as const)(
    "of gradient in batches, objective %s, is that of the objective to 1e-3",
    async (objective) => {
      const options = { rank: 2, batch: "mini", batchSize: 32, objective, epochs: 300, biases: "none" } as const;
      const method = descent({ ...options, regularization: 0.01, learningRate: 0.001 });
      const { model, certificate } = await gradient(method, holed);
      const cost = alsCost(holed, model, 0, 0);
      const share = objective === "mean" ? 1 / holed.size : 1;
      const penalty = (p: Float64Array) => 0.01 * p.reduce((sum, value) => sum + value * value, 0);
      expectGradient((p) => share * cost(p) + penalty(p), model, certificate);
    },
  );

  it("of svd on clicks, stopped early, is the length of the gradient over all cells to 1e-3", async () => {
    const big = plantedWorld({ users: 620, items: 640, rank: 3, density: 0.02, seed: 3 }).ratings;
    const many = ratingsFrom(Array.from(big.records(), ({ user, item }) => ({ user, item })));
    const method = svd({ rank: 2, steps: 2 });
    const { model, report } = await factorize(many, method, { kernels, certificate: true });
    if (report.certificate?.kind !== "gradient") throw new Error("no gradient in the report");
    // ∇_X = 2 (X YᵀY − Z Y), ∇_Y = 2 (Y XᵀX − Zᵀ X), written out.
    let squared = 0;
    for (const [own, other, rows] of [
      [model.userFactors, model.itemFactors, many.byUser],
      [model.itemFactors, model.userFactors, many.byItem],
    ] as const) {
      for (let r = 0; r < rows.rows; r++) {
        for (let k = 0; k < 2; k++) {
          let slope = 0;
          for (let e = rows.start[r]; e < rows.start[r + 1]; e++) slope -= other[rows.index[e] * 2 + k];
          for (let o = 0; o < rows.columns; o++) {
            slope += (own[r * 2] * other[o * 2] + own[r * 2 + 1] * other[o * 2 + 1]) * other[o * 2 + k];
          }
          squared += (2 * slope) ** 2;
        }
      }
    }
    expect(Math.abs(report.certificate.norm - Math.sqrt(squared)) / Math.sqrt(squared)).toBeLessThan(1e-3);
  });

  it("falls towards 0 with the sweeps: after 300 less than a thousandth of what it is after 5", async () => {
    const options = { rank: 2, regularization: 2, regularizationExponent: 0 };
    const few = await gradient(als({ ...options, sweeps: 5 }), holed);
    const many = await gradient(als({ ...options, sweeps: 300 }), holed);
    expect(many.certificate.relative).toBeLessThan(few.certificate.relative / 1000);
  });
});

describe("when there is a certificate", () => {
  const certificateOf = async (sweeps: number, certificate?: boolean | "auto") =>
    (await factorize(holed, als({ rank: 2, sweeps }), { kernels, certificate })).report.certificate?.kind;

  it("auto: after 5 passes; true: always; false: never; anything else is refused", async () => {
    expect([await certificateOf(4), await certificateOf(5)]).toEqual([undefined, "gradient"]);
    expect([await certificateOf(1, true), await certificateOf(9, false)]).toEqual(["gradient", undefined]);
    await expect(certificateOf(1, "yes" as never)).rejects.toMatchObject({ code: "option", option: "certificate" });
  });

  it("none when the model kept is of an earlier pass than the last", async () => {
    let measured = 0;
    const worse: Validation = { name: "scripted", better: "lower", patience: 6, measure: async () => measured++ };
    const { model, report } = await factorize(holed, als({ rank: 2 }), { kernels, validation: worse });
    expect(model.provenance.passes).toBe(1);
    expect(report.certificate).toBeUndefined();
  });
});
