/** denseNet through factorize: what it reaches, that it repeats itself, resumes, and what it refuses. */
import { describe, expect, it } from "vitest";
import { netPlaces, openKernels } from "../kernels/index.ts";
import { checkModel, type NetModel, scorerOf } from "../model/index.ts";
import { type Ratings, ratingsFrom, ratingsFromDense } from "../ratings/index.ts";
import { notebook, quick, small, table, tenth, world } from "./dense-net.case.ts";
import { type DenseNetOptions, denseNet } from "./dense-net.ts";
import { factorize } from "./train.ts";

/** Mean squared error over the ratings, by the f64 scorer. */
function meanSquare(model: NetModel, ratings: Ratings): number {
  const scorer = scorerOf(model);
  const { start, index, value } = ratings.byUser;
  let sum = 0;
  for (let u = 0; u < ratings.users.size; u++) {
    for (let e = start[u]; e < start[u + 1]; e++) sum += (scorer.score(u, index[e]) - value.at(e)) ** 2;
  }
  return sum / ratings.size;
}

/** The loss of all ratings as one batch, from docs/dense-net.md, of a state's numbers. */
function documentedLoss(
  arrays: Readonly<Record<string, ArrayLike<number>>>,
  shape: { readonly rank: number; readonly hidden: readonly number[]; readonly product: boolean },
  penalties: { readonly [P in "regularization" | "biasRegularization" | "layerRegularization"]: number },
  center: "none" | "global" | "user" | "item",
): number {
  const { rank } = shape;
  const places = netPlaces(shape);
  const { layers, userBias, itemBias } = arrays;
  const row = (name: string, index: number) => Array.from({ length: rank }, (_, k) => arrays[name][index * rank + k]);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value * value, 0);
  const rated = table.flatMap((line, user) =>
    line.map((rating, item) => ({ user, item, rating })).filter(({ rating }) => rating > 0),
  );
  let sum = 0;
  for (const { user, item, rating } of rated) {
    const alike = rated.filter(
      (one) => center === "global" || (center === "user" ? one.user === user : one.item === item),
    );
    let score = center === "none" ? 0 : mean(alike.map((one) => one.rating));
    score += userBias[user] + itemBias[item] + layers[places.bias];
    const [x, y] = [row("userFactors", user), row("itemFactors", item)];
    let below = [...x, ...y];
    for (const { outputs, stride, weight, bias } of places.layers) {
      const inputs = below;
      below = Array.from({ length: outputs }, (_, o) =>
        Math.max(
          0,
          inputs.reduce((total, a, i) => total + a * layers[weight + i * stride + o], layers[bias + o]),
        ),
      );
    }
    for (const [i, a] of below.entries()) score += a * layers[places.top + i];
    let rows = squares(x) + squares(y);
    if (places.product !== undefined) {
      const [p, q] = [row("userProduct", user), row("itemProduct", item)];
      for (let k = 0; k < rank; k++) score += layers[places.product + k] * p[k] * q[k];
      rows += squares(p) + squares(q);
    }
    sum += (rating - score) ** 2 + penalties.regularization * rows;
    sum += penalties.biasRegularization * (userBias[user] ** 2 + itemBias[item] ** 2);
  }
  return sum / rated.length + penalties.layerRegularization * squares(layers);
}

describe("denseNet", () => {
  it("on seed notebook 003 reaches a mean squared error of 0.0005 or less from the best of 50 starts", async () => {
    const kernels = await openKernels({ threads: 1 });
    let best = Number.POSITIVE_INFINITY;
    for (let seed = 0; seed < 50 && best > 0.0005; seed++) {
      const { model } = await factorize(small, denseNet(notebook), { seed, kernels });
      best = Math.min(best, meanSquare(model, small));
    }
    expect(best).toBeLessThanOrEqual(0.0005);
  });

  it("reports the error at the start, by the f64 scorer to 1e-6, and on the way: the first epoch's of one batch is that", async () => {
    for (const center of ["none", "global", "user", "item"] as const) {
      const method = denseNet({ ...quick, center, batchSize: tenth.size, epochs: 1, initScale: 0.4 });
      const run = await method.start(tenth, await openKernels({ backend: "reference" }), 5);
      const start = Math.sqrt(meanSquare(await run.model(0), tenth));
      run.close();
      for (const backend of ["reference", "wasm"] as const) {
        const { report } = await factorize(tenth, method, { seed: 5, backend });
        expect(report.lossName).toBe("RMSE on the way");
        expect(Math.abs((report.initialLoss as number) / start - 1)).toBeLessThan(1e-6);
        expect(Math.abs(report.loss[0] / start - 1)).toBeLessThan(1e-6);
      }
    }
  });

  it("that stands still at rate 1e-9, or ends above its start at rate 0.5, says so as a finding", async () => {
    const codes = async (learningRate: number) => {
      const method = denseNet({ ...quick, schedule: "constant", learningRate });
      const { report } = await factorize(world, method, { seed: 1 });
      return report.findings.map(({ code }) => code);
    };
    expect(await codes(1e-9)).toContain("loss-flat");
    expect(await codes(0.5)).toContain("learning-rate-too-high");
    expect(await codes(0.002)).toEqual([]);
  });

  it("moves by one batch of all ratings by −α times the slope of the documented loss, for every centre and shape", async () => {
    const kernels = await openKernels({ backend: "reference" });
    for (const center of ["none", "global", "user", "item"] as const) {
      for (const [hidden, product] of [
        [[4], true],
        [[4, 3], false],
        [[4, 3, 2], true],
      ] as const) {
        const shape = { rank: 2, hidden, product };
        const penalties = { regularization: 0.03, biasRegularization: 0.02, layerRegularization: 0.01 };
        const rate = 0.25;
        const method = denseNet({
          ...shape,
          ...penalties,
          center,
          order: "rows",
          optimizer: "sgd",
          learningRate: rate,
          schedule: "constant",
          initScale: 0.7,
        });
        const run = await method.start(small, kernels, 3);
        const { arrays: start } = run.state();
        await run.passes(1, undefined);
        const { arrays: after } = run.state();
        run.close();
        const loss = () => documentedLoss(start, shape, penalties, center);
        for (const [name, array] of Object.entries(start)) {
          for (let i = 0; i < array.length; i += Math.ceil(array.length / 12)) {
            const at = array[i];
            const slope = (h: number) => {
              array[i] = at + h;
              const up = loss();
              array[i] = at - h;
              return (up - loss()) / (2 * h);
            };
            const exact = (4 * slope(5e-5) - slope(1e-4)) / 3;
            array[i] = at;
            const moved = (at - after[name][i]) / rate;
            if (!(Math.abs(moved - exact) <= 1e-8 * (1 + Math.abs(exact)))) {
              expect.fail(`${center}, ${hidden}: ${name}[${i}] moved by ${moved}, not ${exact}`);
            }
          }
        }
      }
    }
  });

  it("errs alike on held-out cells, to 1 %, on ratings × 0.01, 1 and 1000, for every centre, losses too; models are in the ratings' own", async () => {
    const records = [...world.records()];
    for (const center of ["global", "none", "item"] as const) {
      const figures = await Promise.all(
        [1, 0.01, 1000].map(async (by) => {
          const of = (isHeld: boolean) =>
            ratingsFrom(
              records
                .filter((_, place) => (place % 10 === 3) === isHeld)
                .map((record) => ({ ...record, rating: by * (record.rating as number) })),
            );
          const { model, report } = await factorize(of(false), denseNet({ ...quick, center }), { threads: 1 });
          const scorer = scorerOf(model);
          let squares = 0;
          let cells = 0;
          for (const { user, item, rating } of of(true).records()) {
            const [u, i] = [model.users.index(user), model.items.index(item)];
            if (u === undefined || i === undefined) continue;
            squares += (scorer.score(u, i) - (rating as number)) ** 2;
            cells++;
          }
          const losses = [report.initialLoss as number, ...report.loss].map((loss) => loss / by);
          return { error: Math.sqrt(squares / cells) / by, losses, unit: (report.options.unit as number) / by };
        }),
      );
      const [one, ...others] = figures;
      expect(one.losses[4]).toBeLessThan(0.95 * one.losses[0]);
      for (const other of others) {
        expect(Math.abs(other.error / one.error - 1)).toBeLessThan(0.01);
        expect(other.unit / one.unit).toBeCloseTo(1, 5);
        for (const [at, loss] of other.losses.entries()) expect(Math.abs(loss / one.losses[at] - 1)).toBeLessThan(0.01);
      }
    }
  });

  it("starts a given net as it is in any unit: the same model and RMSE in unit 4, whose state is in the unit; 1 unless stated", async () => {
    const kernels = await openKernels({ backend: "reference" });
    const { model: given } = await factorize(small, denseNet({ rank: 2, hidden: [4], epochs: 2 }));
    const { userFactors, itemFactors, layers, product } = given;
    const at = async (unit: number | "auto") => {
      const method = denseNet({ rank: 2, hidden: [4], initial: { userFactors, itemFactors, layers, product }, unit });
      const run = await method.start(small, kernels, 0);
      const start = { model: await run.model(0), initialLoss: run.initialLoss as number, zeroLoss: run.zeroLoss };
      const { layers: flat } = run.state().arrays;
      run.close();
      return { ...start, top: flat[netPlaces({ rank: 2, hidden: [4], product: true }).top] };
    };
    const [own, four] = [await at("auto"), await at(4)];
    expect(own.model.provenance.options.unit).toBe(1);
    expect(own.model.layers).toEqual(layers);
    expect(four.model.layers).toEqual(layers);
    expect(four.top).toBe(own.top / 4);
    expect(four.initialLoss / own.initialLoss).toBeCloseTo(1, 6);
    expect(four.zeroLoss).toBe(own.zeroLoss);
    const unitOf = async (options: DenseNetOptions) =>
      (await factorize(small, denseNet({ epochs: 1, ...options }))).report.options.unit;
    expect(await unitOf({ learningRate: 0.01 })).toBe(1);
    expect(await unitOf({ learningRate: 0.01, unit: 3 })).toBe(3);
  });

  it("makes a whole model whose epochs lower the error, for every choice of branch, biases and centre", async () => {
    for (const product of [true, false]) {
      for (const biases of ["none", "user", "item", "both"] as const) {
        for (const center of ["none", "global", "user", "item"] as const) {
          const method = denseNet({ ...quick, batchSize: 30, product, biases, center });
          const { model, report } = await factorize(tenth, method, { seed: 1, threads: 1 });
          checkModel(model);
          expect(model.userBias !== undefined).toBe(biases === "user" || biases === "both" || center === "user");
          expect(model.itemBias !== undefined).toBe(biases === "item" || biases === "both" || center === "item");
          expect(model.product !== undefined).toBe(product);
          expect(report.loss[3]).toBeLessThan(report.loss[0]);
          expect(Math.sqrt(meanSquare(model, tenth))).toBeLessThan(report.loss[2]);
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

  it("stops when its signal fires after the first call, thousands of epochs early", async () => {
    const controller = new AbortController();
    const made: number[] = [];
    const training = factorize(world, denseNet({ ...quick, epochs: 10_000 }), {
      signal: controller.signal,
      onProgress: ({ pass }) => {
        made.push(pass);
        controller.abort();
      },
    });
    await expect(training).rejects.toMatchObject({ code: "aborted" });
    expect(made).toHaveLength(1);
    expect(made[0]).toBeLessThan(100);
  });

  it("stops within an epoch, between calls of the kernels", async () => {
    const method = denseNet({ ...quick, rank: 32, hidden: [64, 32], order: "rows" });
    const run = await method.start(world, await openKernels({ backend: "reference" }), 1);
    const { arrays: before } = run.state();
    // Fires when it is looked at for the second time.
    let looks = 0;
    const signal = {
      get aborted() {
        return ++looks > 1;
      },
    } as unknown as AbortSignal;
    await expect(run.passes(1, signal)).rejects.toMatchObject({ code: "aborted" });
    const { arrays: after } = run.state();
    run.close();
    // User by user: the first one's batch was in the first call, the last one's in a later one.
    const rows = before.userFactors.length / 32;
    const moved = (user: number) => after.userFactors[32 * user] !== before.userFactors[32 * user];
    expect(moved(0)).toBe(true);
    expect(moved(rows - 1)).toBe(false);
  });

  it("fits a single cell, and ratings that are all the same, to 1e-3, and says of these that they are", async () => {
    const one = ratingsFrom([{ user: "u", item: "i", rating: 4 }]);
    const same = ratingsFromDense(table.map((line) => line.map((rating) => (rating === 0 ? Number.NaN : 3))));
    for (const ratings of [one, same]) {
      for (const center of ["none", "global"] as const) {
        const options: DenseNetOptions = { center, epochs: 600, learningRate: 0.01, regularization: 0, biases: "none" };
        const { model, report } = await factorize(ratings, denseNet(options), { seed: 1 });
        checkModel(model);
        expect(Math.sqrt(meanSquare(model, ratings))).toBeLessThan(1e-3);
        expect(report.findings.map(({ code }) => code)).toContain("constant-ratings");
      }
    }
  });

  it("takes a rank above the number of users and items, which is no finding: its factors go through layers", async () => {
    const { model, report } = await factorize(small, denseNet({ rank: 9, epochs: 3 }), { seed: 1 });
    checkModel(model);
    expect(model.userFactors).toHaveLength(5 * 9);
    expect(report.findings.map(({ code }) => code)).not.toContain("rank-above-size");
  });
});
