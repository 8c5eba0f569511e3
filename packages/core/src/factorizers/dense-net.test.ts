/** denseNet through factorize: what it reaches, that it repeats itself, resumes, and what it refuses. */
import { describe, expect, it } from "vitest";
import { openKernels } from "../kernels/index.ts";
import { checkModel, type NetModel, scorerOf } from "../model/index.ts";
import { plantedWorld, type Ratings, ratingsFromDense } from "../ratings/index.ts";
import { type DenseNetOptions, denseNet } from "./dense-net.ts";
import { factorize } from "./train.ts";

/** Seed notebook 003: 0 is missing. */
const table = [
  [5, 3, 0, 1],
  [4, 0, 0, 1],
  [1, 1, 0, 5],
  [1, 0, 0, 4],
  [0, 1, 5, 4],
];
const notebook: DenseNetOptions = {
  rank: 3,
  hidden: [16],
  product: false,
  epochs: 500,
  batchSize: 1,
  order: "rows",
  optimizer: "sgd",
  learningRate: 1e-3,
  schedule: "constant",
  regularization: 0,
  biases: "none",
  center: "none",
  initScale: 1,
};
const small = ratingsFromDense({
  data: Float64Array.from(table.flat(), (rating) => (rating === 0 ? Number.NaN : rating)),
  rows: 5,
  columns: 4,
});

const world = plantedWorld({
  users: 200,
  items: 120,
  ratings: 9000,
  rank: 2,
  noise: 0.2,
  seed: 3,
  scale: { min: 1, max: 5, step: 0.5 },
}).ratings;
const quick: DenseNetOptions = { rank: 6, hidden: [12, 8], epochs: 4, batchSize: 100 };

/** Mean squared error over the ratings, by the f64 scorer. */
function meanSquare(model: NetModel, ratings: Ratings): number {
  const scorer = scorerOf(model);
  const { start, index, value } = ratings.byUser;
  let sum = 0;
  for (let u = 0; u < ratings.users.size; u++) {
    for (let e = start[u]; e < start[u + 1]; e++) sum += (scorer.score(u, index[e]) - value[e]) ** 2;
  }
  return sum / ratings.size;
}

describe("denseNet", () => {
  it("on seed notebook 003 reaches a mean squared error of 0.0005 or less from the best of 50 starts", async () => {
    const kernels = await openKernels({ threads: 1 });
    const reached: number[] = [];
    for (let seed = 0; seed < 50; seed++) {
      const { model } = await factorize(small, denseNet(notebook), { seed, kernels });
      reached.push(meanSquare(model, small));
    }
    expect(Math.min(...reached)).toBeLessThanOrEqual(0.0005);
  });

  it("reports the error on the way; the first epoch's of one batch is that of the start, to 1e-5", async () => {
    const method = denseNet({ ...quick, batchSize: world.size, epochs: 1, initScale: 0.4 });
    const { report } = await factorize(world, method, { seed: 5 });
    const run = await method.start(world, await openKernels({ backend: "reference" }), 5);
    const start = meanSquare(await run.model(0), world);
    run.close();
    expect(report.lossName).toBe("RMSE on the way");
    expect(report.loss[0] / Math.sqrt(start)).toBeCloseTo(1, 5);
  });

  it("makes a whole model whose epochs lower the error, for every choice of branch, biases and centre", async () => {
    for (const product of [true, false]) {
      for (const biases of ["none", "user", "item", "both"] as const) {
        for (const center of ["none", "global", "user", "item"] as const) {
          const { model, report } = await factorize(world, denseNet({ ...quick, product, biases, center }), {
            seed: 1,
          });
          checkModel(model);
          expect(model.userBias !== undefined).toBe(biases === "user" || biases === "both" || center === "user");
          expect(model.itemBias !== undefined).toBe(biases === "item" || biases === "both" || center === "item");
          expect(model.product !== undefined).toBe(product);
          expect(report.loss[3]).toBeLessThan(report.loss[0]);
          expect(Math.sqrt(meanSquare(model, world))).toBeLessThan(report.loss[2]);
        }
      }
    }
  });

  it("by every optimizer, at its own default rate, lowers the error each epoch; what acts with another one is refused", async () => {
    for (const optimizer of ["sgd", "adam", "adamw", "adagrad"] as const) {
      const { report } = await factorize(world, denseNet({ ...quick, optimizer }), { seed: 2 });
      for (let epoch = 1; epoch < 4; epoch++) expect(report.loss[epoch]).toBeLessThan(report.loss[epoch - 1]);
    }
    const decayed = await factorize(world, denseNet({ ...quick, optimizer: "adamw", weightDecay: 50 }), { seed: 2 });
    const free = await factorize(world, denseNet({ ...quick, optimizer: "adamw", weightDecay: 0 }), { seed: 2 });
    const adam = await factorize(world, denseNet(quick), { seed: 2 });
    expect(free.report.digest).toBe(adam.report.digest);
    const length = ({ model }: typeof free) => Math.hypot(...model.userFactors);
    expect(length(decayed)).toBeLessThan(0.8 * length(free));
    expect(() => denseNet({ weightDecay: 0.1 })).toThrow(/it acts only with optimizer adamw/);
  });

  it("gives the same digest with 1, 2 and 3 threads, and another for another seed", async () => {
    const digests: string[] = [];
    for (const threads of [1, 2, 3]) {
      const { report } = await factorize(world, denseNet({ ...quick, batchSize: 1000 }), { seed: 7, threads });
      digests.push(report.digest);
    }
    expect(new Set(digests).size).toBe(1);
    const { report } = await factorize(world, denseNet({ ...quick, batchSize: 1000 }), { seed: 8 });
    expect(report.digest).not.toBe(digests[0]);
  });

  it("resumed after 2 of 5 epochs ends in the bytes of a training that never stopped, for both optimizers", async () => {
    for (const optimizer of ["adam", "sgd"] as const) {
      const momentum = optimizer === "sgd" ? { momentum: 0.5 } : {};
      const method = denseNet({ ...quick, ...momentum, optimizer, epochs: 5 });
      const kernels = await openKernels({ threads: 1 });
      const all = async (passes: number, from?: Parameters<typeof method.start>[3]) => {
        const run = await method.start(world, kernels, 9, from);
        for (let pass = from?.passes ?? 0; pass < passes; pass++) await run.passes(1, undefined);
        const state = run.state();
        run.close();
        return state;
      };
      const whole = await all(5);
      expect(await all(5, { passes: 2, state: await all(2) })).toEqual(whole);
    }
  });

  it("stops when its signal fires, between calls of the kernels", async () => {
    const controller = new AbortController();
    const training = factorize(world, denseNet({ ...quick, epochs: 10_000 }), {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(training).rejects.toMatchObject({ code: "aborted" });
  });

  describe("refuses", () => {
    it.each([
      [{ hidden: [] }, "net: hidden must be a list of 1 to 16 whole numbers"],
      [{ hidden: [8, 0] }, "net: hidden must be a whole number from 1 to 4096, got 0"],
      [{ hidden: 8 as unknown as number[] }, "net: hidden must be a list of 1 to 16 whole numbers, got 8"],
      [{ learningRate: 0 }, "net: learningRate must be a finite number from 1e-12"],
      [{ momentum: 0.9 }, "net: momentum must be left out when optimizer is"],
      [{ batchSize: 0 }, "net: batchSize must be a whole number from 1"],
      [{ width: 8 } as DenseNetOptions, "net: width must be left out: net has no such option"],
    ])("%j", (options, message) => {
      expect(() => denseNet(options)).toThrow(message);
    });

    it("given arrays that do not fit, by name, and drawn ones beside them", async () => {
      const { model } = await factorize(small, denseNet({ ...notebook, epochs: 1 }));
      const { userFactors, itemFactors, layers } = model;
      const { initScale: _, ...plain } = notebook;
      const start = (initial: DenseNetOptions["initial"]) =>
        factorize(small, denseNet({ ...plain, initial: initial! }));
      await expect(start({ userFactors, itemFactors, layers })).resolves.toBeDefined();
      await expect(start({ userFactors: itemFactors, itemFactors, layers })).rejects.toThrow(
        "net: initial userFactors has 12 numbers, 15 are needed",
      );
      await expect(start({ userFactors, itemFactors, layers: layers.slice(1) })).rejects.toThrow(
        "net: initial layers are 1, 2 are needed",
      );
      const bad = userFactors.map((value, i) => (i === 4 ? Number.NaN : value));
      await expect(start({ userFactors: bad, itemFactors, layers })).rejects.toThrow("holds NaN at place 4");
      const product = { userFactors, itemFactors };
      await expect(start({ userFactors, itemFactors, layers, product })).rejects.toThrow("given with product false");
      expect(() => denseNet({ ...notebook, initial: { userFactors, itemFactors, layers } })).toThrow(
        "net: initScale must be left out when initial is given",
      );
    });
  });
});
