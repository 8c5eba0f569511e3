/**
 * als and ials against what they claim: dense objectives in double precision written out here, nothing downhill at the
 * optimum, planted worlds, thread counts, relabelled ids.
 */
import { describe, expect, it } from "vitest";
import { type Kernels, type Layout, openKernels, type Workspace } from "../kernels/index.ts";
import { encodeModel, type FactorModel, factorScorer } from "../model/index.ts";
import { plantedWorld, type RatingRecord, type Ratings, ratingsFrom } from "../ratings/index.ts";
import { DataError, DivergenceError, normal, OptionError, unit } from "../support/index.ts";
import { alsObjective, ialsObjective, smallWorld } from "./alternating.case.ts";
import type { RowSolverOptions } from "./alternating-solver.ts";
import { als, type Factorizer, factorize, ials } from "./index.ts";

/** Moves every parameter along seeded random directions, both ways, at two radii. */
function moved(model: FactorModel, direction: number, radius: number): FactorModel {
  const shift = (values: Float32Array | undefined, stream: number) =>
    values?.map((value, j) => value + radius * normal(1000 * stream + direction, j));
  return {
    ...model,
    userFactors: shift(model.userFactors, 1) as Float32Array,
    itemFactors: shift(model.itemFactors, 2) as Float32Array,
    userBias: shift(model.userBias, 3),
    itemBias: shift(model.itemBias, 4),
  };
}

const world = smallWorld();

/** ALS-WR: penalties grow with the number of ratings. */
const wr = { regularization: 0.1, regularizationExponent: 1, biasRegularization: 0.1, biasRegularizationExponent: 1 };

describe("als", () => {
  it("ends where no step along 64 random directions, two radii, both signs, lowers the objective", async () => {
    const { model } = await factorize(world, als({ ...wr, rank: 2, sweeps: 400 }));
    const bottom = alsObjective(model, world, 0.1, 1, 0.1);
    for (let direction = 0; direction < 64; direction++) {
      for (const radius of [1e-2, 1e-3, -1e-2, -1e-3]) {
        const elsewhere = alsObjective(moved(model, direction, radius), world, 0.1, 1, 0.1);
        expect(elsewhere).toBeGreaterThan(bottom * (1 - 1e-6));
      }
    }
  });

  it("never raises the objective from one sweep to the next", async () => {
    const objectives: number[] = [];
    const validation = {
      name: "objective",
      better: "lower" as const,
      measure: async (model: FactorModel) => {
        objectives.push(alsObjective(model, world, 0.1, 1, 0.1));
        return objectives[objectives.length - 1];
      },
    };
    await factorize(world, als({ ...wr, rank: 4, sweeps: 12 }), { validation });
    expect(objectives).toHaveLength(12);
    for (let s = 1; s < objectives.length; s++) expect(objectives[s]).toBeLessThan(objectives[s - 1] * (1 + 1e-6));
  });

  it("reports the training RMSE of the model it returns", async () => {
    const { model, report } = await factorize(world, als({ rank: 3, sweeps: 5 }));
    const scorer = factorScorer(model);
    let sum = 0;
    for (const { user, item, rating } of world.records()) {
      const score = scorer.score(model.users.index(user) as number, model.items.index(item) as number);
      sum += ((rating as number) - score) ** 2;
    }
    expect(report.loss[4]).toBeCloseTo(Math.sqrt(sum / world.size), 5);
  });

  it("finds a planted matrix of rank 2 without noise to 1e-3", async () => {
    const records: RatingRecord[] = [];
    const truth = (u: number, i: number) =>
      normal(7, 2 * u) * normal(8, 2 * i) + normal(7, 2 * u + 1) * normal(8, 2 * i + 1);
    for (let u = 0; u < 30; u++) {
      for (let i = 0; i < 20; i++)
        if (unit(9, u * 20 + i) < 0.7) records.push({ user: u, item: i, rating: truth(u, i) });
    }
    const ratings = ratingsFrom(records);
    const method = als({ rank: 2, sweeps: 300, regularization: 1e-6, biasRegularization: 1e-6 });
    const { model } = await factorize(ratings, method);
    const scorer = factorScorer(model);
    let worst = 0;
    for (let u = 0; u < 30; u++) {
      for (let i = 0; i < 20; i++) worst = Math.max(worst, Math.abs(scorer.score(u, i) - truth(u, i)));
    }
    expect(worst).toBeLessThan(1e-3);
  });

  it("approaches the exact solution by conjugate gradient: same objective to 0.1 % after 30 sweeps", async () => {
    const settings = { ...wr, rank: 4, sweeps: 30 };
    const exact = await factorize(world, als(settings));
    const approximate = await factorize(world, als({ ...settings, solver: "cg", cgSteps: 4 }));
    const bottom = alsObjective(exact.model, world, 0.1, 1, 0.1);
    expect(alsObjective(approximate.model, world, 0.1, 1, 0.1)).toBeLessThan(bottom * 1.001);
  });

  it("predicts 20 times the rating when every rating is times 20, with the default penalty (to 1e-4)", async () => {
    const larger = ratingsFrom([...world.records()].map((r) => ({ ...r, rating: 20 * (r.rating as number) })));
    const a = factorScorer((await factorize(world, als({ rank: 3, sweeps: 60 }))).model);
    const b = factorScorer((await factorize(larger, als({ rank: 3, sweeps: 60 }))).model);
    for (let u = 0; u < 40; u++) {
      for (let i = 0; i < 25; i++) expect(b.score(u, i) / (20 * a.score(u, i))).toBeCloseTo(1, 4);
    }
  });

  it("asks for a penalty when the exponent is not the one that the default penalty is measured for", () => {
    expect(() => als({ regularizationExponent: 1 })).toThrow(
      /regularization must be given with regularizationExponent 1.*measured for 0.5 only/,
    );
    expect(() => als({ regularizationExponent: 1, regularization: 0.1 })).not.toThrow();
  });

  it("trains without biases when told so, and refuses bias settings then", async () => {
    const { model } = await factorize(world, als({ rank: 2, sweeps: 3, biases: "none" }));
    expect(model.userBias).toBeUndefined();
    expect(model.itemBias).toBeUndefined();
    expect(() => als({ biases: "none", biasRegularization: 1 })).toThrow(OptionError);
    expect(() => als({ biases: true as never })).toThrow(
      'als: biases must be one of "none", "user", "item", "both", got true',
    );
  });

  it("refuses records without ratings and names ials", async () => {
    const clicks = ratingsFrom([
      { user: 1, item: 1 },
      { user: 2, item: 1 },
    ]);
    await expect(factorize(clicks, als())).rejects.toThrow(DataError);
    await expect(factorize(clicks, als())).rejects.toThrow(/ials\(\)/);
  });

  it("names the row and the remedy when a system has no stable solution", async () => {
    const few = ratingsFrom([
      { user: "ann", item: "tea", rating: 5 },
      { user: "bob", item: "tea", rating: 1 },
      { user: "bob", item: "rum", rating: 2 },
    ]);
    const broken = factorize(few, als({ rank: 2, sweeps: 3, regularization: 0 }));
    await expect(broken).rejects.toThrow(DivergenceError);
    await expect(broken).rejects.toThrow(/in sweep 1 /);
    await expect(factorize(few, als({ rank: 2, sweeps: 3, regularization: 0 }))).rejects.toThrow(
      /raise regularization/,
    );
  });
});

describe("ials", () => {
  const clicks = smallWorld();
  for (const { observedInUnobserved, solver } of [
    { observedInUnobserved: true, solver: "cholesky" },
    { observedInUnobserved: false, solver: "cholesky" },
    { observedInUnobserved: true, solver: "cg" },
    { observedInUnobserved: false, solver: "subspace" },
  ] as const) {
    it(`ends where nothing is downhill (seen cells also unobserved: ${observedInUnobserved}, ${solver})`, async () => {
      const settings = { w: 0.2, lambda: 0.5, e: 0.5, seenToo: observedInUnobserved };
      const method = ials({
        rank: 3,
        sweeps: 200,
        regularization: settings.lambda,
        regularizationExponent: settings.e,
        unobservedWeight: settings.w,
        observedInUnobserved,
        confidence: "linear",
        solver,
      });
      const { model, report } = await factorize(clicks, method);
      const bottom = ialsObjective(model, clicks, settings);
      expect(report.loss[report.loss.length - 1]).toBeCloseTo(bottom / clicks.size, 4);
      for (let direction = 0; direction < 32; direction++) {
        for (const radius of [1e-2, 1e-3, -1e-2, -1e-3]) {
          const elsewhere = ialsObjective(moved(model, direction, radius), clicks, settings);
          expect(elsewhere).toBeGreaterThan(bottom * (1 - 1e-6));
        }
      }
    });
  }

  it("refuses negative ratings where they would become weights, not where they are ignored", async () => {
    const signed = ratingsFrom([
      { user: 1, item: 1, rating: -1 },
      { user: 2, item: 1, rating: 2 },
      { user: 2, item: 2, rating: 2 },
    ]);
    await expect(factorize(signed, ials({ rank: 1, sweeps: 1, confidence: "linear" }))).rejects.toThrow(
      /smallest rating is -1/,
    );
    await expect(factorize(signed, ials({ rank: 1, sweeps: 1 }))).resolves.toBeDefined();
  });

  it("gives its kernel memory back when confidences leave the numbers of f32 before the first sweep", async () => {
    const huge = ratingsFrom([
      { user: 1, item: 1, rating: 3e38 },
      { user: 2, item: 2, rating: 1 },
    ]);
    const kernels = await openKernels({ backend: "reference" });
    const opened: Workspace<Layout>[] = [];
    let closed = 0;
    const watched: Kernels = {
      ...kernels,
      open: (layout) => {
        const space = kernels.open(layout);
        opened.push(space);
        const close = space.close.bind(space);
        return Object.assign(space, {
          close: () => {
            closed++;
            close();
          },
        });
      },
    };
    const method = ials({ rank: 1, sweeps: 1, confidence: "linear", confidenceScale: 1e9 });
    await expect(factorize(huge, method, { kernels: watched })).rejects.toThrow();
    expect([opened.length, closed]).toEqual([1, 1]);
  });

  it("refuses weights that make a seen cell weigh less than an unseen one", () => {
    expect(() => ials({ observedInUnobserved: false, unobservedWeight: 2 })).toThrow(OptionError);
  });
});

describe("subspaces", () => {
  const implicit = { w: 0.2, lambda: 0.5, e: 0.5, seenToo: false };
  const implicitOptions = {
    regularization: implicit.lambda,
    regularizationExponent: implicit.e,
    unobservedWeight: implicit.w,
    observedInUnobserved: implicit.seenToo,
    confidence: "linear",
  } as const;
  const cases = [
    {
      name: "als",
      make: (options: RowSolverOptions & { sweeps: number }) => als({ ...wr, rank: 20, ...options }),
      objective: (model: FactorModel) => alsObjective(model, world, 0.1, 1, 0.1),
    },
    {
      name: "ials",
      make: (options: RowSolverOptions & { sweeps: number }) => ials({ ...implicitOptions, rank: 20, ...options }),
      objective: (model: FactorModel) => ialsObjective(model, world, implicit),
    },
  ];

  it.each(cases)(
    "$name: no sweep raises the objective, and 200 end within 0.1 % of what exact ones end at",
    async ({ make, objective }) => {
      const { model } = await factorize(world, make({ sweeps: 200, solver: "cholesky" }));
      const bottom = objective(model);
      const found: number[] = [];
      const measure = async (each: FactorModel) => {
        found.push(objective(each));
        return found[found.length - 1];
      };
      const validation = { name: "objective", better: "lower", measure } as const;
      await factorize(world, make({ sweeps: 200, solver: "subspace" }), { validation });
      expect(found).toHaveLength(200);
      for (let s = 1; s < found.length; s++) expect(found[s]).toBeLessThan(found[s - 1] * (1 + 1e-6));
      expect(Math.abs(found[199] / bottom - 1)).toBeLessThan(1e-3);
    },
  );

  it.each(cases)("$name: one block gives the model of exact sweeps, to 1e-3 of a factor after 3", async ({ make }) => {
    const exact = await factorize(world, make({ sweeps: 3, solver: "cholesky" }));
    const one = await factorize(world, make({ sweeps: 3, solver: "subspace", blockSize: 32 }));
    const largest = exact.model.userFactors.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    for (const [j, x] of exact.model.userFactors.entries()) {
      expect(Math.abs(one.model.userFactors[j] - x)).toBeLessThan(1e-3 * largest);
    }
  });

  it("refuse a block size that is no multiple of 16, and block sizes and steps that would not act", () => {
    expect(() => ials({ solver: "subspace", blockSize: 40 })).toThrow("blockSize must be a multiple of 16, got 40");
    expect(() => als({ blockSize: 32 })).toThrow(/acts only with solver subspace/);
    expect(() => ials({ cgSteps: 2 })).toThrow(/acts only with solver cg/);
  });

  it("auto is exact at rank 32 and cg at 48, also for als, blocks at 128 where histories are short; the report and the model say so", async () => {
    const taken = async (ratings: Ratings, method: Factorizer) => {
      const { model, report } = await factorize(ratings, method);
      expect(model.provenance.options.solver).toBe(report.options.solver);
      return report.options.solver;
    };
    const full = plantedWorld({ users: 90, items: 80, rank: 3, density: 0.9, seed: 1 }).ratings;
    const sparse = plantedWorld({ users: 90, items: 80, rank: 3, density: 0.05, seed: 1 }).ratings;
    expect(await taken(full, als({ rank: 32, sweeps: 1 }))).toBe("cholesky");
    expect(await taken(full, als({ rank: 48, sweeps: 1 }))).toBe("cg");
    expect(await taken(full, ials({ rank: 32, sweeps: 1 }))).toBe("cholesky");
    expect(await taken(full, ials({ rank: 48, sweeps: 1 }))).toBe("cg");
    expect(await taken(sparse, ials({ rank: 128, sweeps: 1 }))).toBe("subspace");
    expect(await taken(sparse, ials({ rank: 128, sweeps: 1, regularizationExponent: 0 }))).toBe("cg");
    expect(await taken(sparse, ials({ rank: 128, sweeps: 1, solver: "cg" }))).toBe("cg");
  });
});

describe("als and ials alike", () => {
  const methods = [
    als({ rank: 5, sweeps: 3 }),
    ials({ rank: 40, sweeps: 3, solver: "cg" }),
    ials({ rank: 5, sweeps: 3, solver: "cholesky" }),
    als({ rank: 20, sweeps: 3, solver: "subspace" }),
    ials({ rank: 40, sweeps: 3, solver: "subspace" }),
  ];

  it("write the same bytes with 1, 2 and 3 threads", async () => {
    for (const method of methods) {
      const files = await Promise.all(
        [1, 2, 3].map(async (threads) => encodeModel((await factorize(world, method, { threads, seed: 4 })).model)),
      );
      expect(files[1]).toEqual(files[0]);
      expect(files[2]).toEqual(files[0]);
    }
  });

  it("write other bytes with another seed", async () => {
    for (const method of methods) {
      const first = await factorize(world, method, { seed: 1 });
      const second = await factorize(world, method, { seed: 2 });
      expect(first.report.digest).not.toBe(second.report.digest);
    }
  });

  it("do not depend on the order of the records", async () => {
    const reversed = ratingsFrom([...world.records()].reverse());
    for (const method of methods) {
      const a = await factorize(world, method);
      const b = await factorize(reversed, method);
      expect(encodeModel(b.model)).toEqual(encodeModel(a.model));
    }
  });

  it("only relabel the result when ids are relabelled in the same order", async () => {
    const relabelled = smallWorld((side, n) => `${side}/${String(n).padStart(5, "0")}`);
    for (const method of methods) {
      const a = await factorize(world, method);
      const b = await factorize(relabelled, method);
      expect(b.model.userFactors).toEqual(a.model.userFactors);
      expect(b.model.itemFactors).toEqual(a.model.itemFactors);
    }
  });

  it("agree between the reference and the wasm backend to 1e-3 after 3 sweeps", async () => {
    for (const method of methods) {
      const [a, b] = await Promise.all(
        (["reference", "wasm"] as const).map(async (backend) =>
          factorize(world, method, { kernels: await openKernels({ backend }) }),
        ),
      );
      for (let j = 0; j < a.model.userFactors.length; j++) {
        expect(Math.abs(a.model.userFactors[j] - b.model.userFactors[j])).toBeLessThan(1e-3);
      }
    }
  });
});
