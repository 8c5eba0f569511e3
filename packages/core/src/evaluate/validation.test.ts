import { describe, expect, it } from "vitest";
import { modelFixture } from "../../test/model-fixture.ts";
import { als, ease, factorize, ials, itemKnn, type TrainingEngine } from "../factorizers/index.ts";
import { type Kernels, openKernels } from "../kernels/index.ts";
import type { FactorModel } from "../model/index.ts";
import { randomSplit, ratingsFrom } from "../ratings/index.ts";
import { hash32, unit } from "../support/index.ts";
import { crossValidate, spread } from "./cross-validate.ts";
import { evaluate } from "./evaluate.ts";
import { heldOut, validationMetrics } from "./validation.ts";

/** Ratings with structure to learn: users and items of two kinds like their own kind, plus noise. */
const ratings = ratingsFrom(
  Array.from({ length: 40 }, (_, u) =>
    Array.from({ length: 30 }, (_, i) => ({
      user: `u${u}`,
      item: i,
      rating: 3 + ((u + i) % 2 === 0 ? 1 : -1) + (hash32(u, i) % 2),
    })).filter((_, i) => unit(u + 100, i) < 0.5),
  ).flat(),
);
const { train, test } = randomSplit(ratings, { testFraction: 0.2, seed: 3 });
const kernels = await openKernels();
const training: TrainingEngine = { kernels, signal: undefined };

describe("heldOut", () => {
  const model: FactorModel = {
    ...modelFixture({ users: [...train.users.ids()], items: [...train.items.ids()], rank: 4, density: undefined }),
  };

  it("refuses to measure on the very ratings that are trained on, as when its arguments are swapped", async () => {
    const swapped = factorize(train, als({ rank: 2, sweeps: 1 }), { validation: heldOut(train, test, "rmse") });
    await expect(swapped).rejects.toThrow(/call heldOut\(valid, train\)/);
  });

  it("measures exactly what evaluate reports, for all eight metrics", async () => {
    const whole = await evaluate(model, test, { train, n: [7], rulers: false });
    for (const metric of validationMetrics) {
      const isError = metric === "rmse" || metric === "mae";
      const validation = heldOut(test, train, metric, isError ? {} : { n: 7 });
      const value = isError ? whole.errors?.[metric] : whole.ranking?.[0][metric];
      expect(await validation.measure(model, training)).toBe(value);
      expect(validation.better).toBe(isError ? "lower" : "higher");
    }
    expect(validationMetrics.length).toBe(8);
  });

  it("is named after what it measures, list length included", () => {
    expect(heldOut(test, train, "rmse").name).toBe("held-out RMSE");
    expect(heldOut(test, train, "ndcg", { n: 20 }).name).toBe("held-out NDCG@20");
  });

  it("stops a training early and keeps the model of the best pass", async () => {
    const options = { seed: 1, backend: "reference" as const };
    const validation = heldOut(test, train, "rmse", { patience: 2 });
    const method = als({ rank: 8, sweeps: 60, regularization: 0.001 });
    const { model: kept, report } = await factorize(train, method, { ...options, validation });
    expect(report.stopped).toBe("validation");
    const values = report.validation!.values.map(({ value }) => value);
    expect(report.validation!.bestPass).toBe(1 + values.indexOf(Math.min(...values)));
    const { errors } = await evaluate(kept, test, { train, rulers: false, backend: "reference" });
    expect(errors?.rmse).toBe(Math.min(...values));
  });

  it("measures a reproducible training on its own strict build, as evaluate does after it, bit for bit", async () => {
    const validation = heldOut(test, train, "rmse", { patience: 3 });
    const engines: TrainingEngine[] = [];
    const { model: kept, report } = await factorize(train, als({ rank: 5, sweeps: 4 }), {
      reproducible: true,
      threads: 1,
      validation: {
        ...validation,
        measure: (measured, engine) => {
          engines.push(engine);
          return validation.measure(measured, engine);
        },
      },
    });
    expect(engines.map((engine) => engine.kernels.reason)).toEqual(Array(4).fill(report.kernels));
    expect(report.kernels).toMatch(/strict build.*one thread, as asked/);
    const { errors } = await evaluate(kept, test, { train, rulers: false, reproducible: true, threads: 1 });
    const { bestPass, values } = report.validation!;
    expect(values[bestPass - 1].value).toBe(errors?.rmse);
  });

  it("opens memory on the training's kernels only, or, with engine options of its own, never there", async () => {
    let opened = 0;
    const counting: Kernels = {
      ...kernels,
      open: (layout) => {
        opened++;
        return kernels.open(layout);
      },
    };
    for (const metric of ["rmse", "ndcg"] as const) {
      opened = 0;
      await heldOut(test, train, metric).measure(model, { kernels: counting, signal: undefined });
      expect(opened).toBe(1);
      await heldOut(test, train, metric, { threads: 1 }).measure(model, { kernels: counting, signal: undefined });
      expect(opened).toBe(1);
      const aborted = { kernels: counting, signal: AbortSignal.abort() };
      await expect(heldOut(test, train, metric).measure(model, aborted)).rejects.toMatchObject({ code: "aborted" });
    }
  });

  it("refuses unknown metrics and options, a list length for RMSE, and RMSE for preferences", async () => {
    expect(() => heldOut(test, train, "auc" as "rmse")).toThrow("heldOut: metric must be one of");
    expect(() => heldOut(test, train, "rmse", { n: 10 })).toThrow("n must be left out with rmse");
    expect(() => heldOut(test, train, "ndcg", { pateince: 3 } as object)).toThrow('did you mean "patience"?');
    const clicks = ratingsFrom([{ user: "u1", item: 1 }]);
    expect(() => heldOut(clicks, clicks, "rmse")).toThrow('a ranking metric such as "ndcg"');
    const preferences: FactorModel = { ...model, scale: "preference" };
    await expect(heldOut(test, train, "mae").measure(preferences, training)).rejects.toThrow(
      'scores are of scale "preference"',
    );
  });
});

describe("a ranking figure without a relevant item", () => {
  it("says that there is none, and what to do", async () => {
    const one = ratingsFrom([{ user: "u0", item: 0, rating: 1 }]);
    const model = modelFixture({
      users: [...train.users.ids()],
      items: [...train.items.ids()],
      rank: 4,
      density: undefined,
    });
    const validation = heldOut(one, train, "ndcg", { relevantFrom: 5 });
    await expect(validation.measure(model, training)).rejects.toMatchObject({
      code: "data",
      message: expect.stringMatching(/no known user has a relevant item .* hold out more, or let lower ratings count/),
    });
  });
});

describe("crossValidate", () => {
  const splits = [1, 2, 3].map((seed) => randomSplit(ratings, { testFraction: 0.2, seed }));

  it("gives each fold what factorize and evaluate give with the fold's seed, and the mean and spread over the folds", async () => {
    const method = als({ rank: 2, sweeps: 3 });
    const result = await crossValidate(splits, method, { seed: 5, n: [3, 6], backend: "reference" });
    expect(result.folds.length).toBe(3);
    expect(new Set(result.folds.map(({ seed }) => seed)).size).toBe(3);
    const { seed } = result.folds[1];
    const { model } = await factorize(splits[1].train, method, { seed, backend: "reference" });
    const again = await evaluate(model, splits[1].test, {
      train: splits[1].train,
      n: [3, 6],
      seed: 5,
      backend: "reference",
    });
    expect(result.folds[1].evaluation).toEqual(again);
    const errors = result.folds.map(({ evaluation }) => evaluation.errors!.rmse);
    expect(result.errors?.rmse).toEqual(spread(errors));
    expect(result.ranking?.[1].ndcg.values).toEqual(result.folds.map(({ evaluation }) => evaluation.ranking![1].ndcg));
    expect(result.rulers.map(({ name }) => name)).toEqual(["popularity", "biasOnly", "random"]);
    expect(result.rulers[1].errors?.rmse.values.length).toBe(3);
  });

  it("measures methods whose scores follow from histories, by the training part of each fold", async () => {
    for (const method of [itemKnn({ neighbors: 5 }), ease()]) {
      const { folds, ranking } = await crossValidate(splits.slice(0, 2), method, { n: [5], rulers: false });
      expect(ranking?.[0].ndcg.values.length).toBe(2);
      const { train, test } = splits[0];
      const { model } = await factorize(train, method, { seed: folds[0].seed });
      const whole = await evaluate(model, test, { n: [5], rulers: false });
      expect(folds[0].evaluation.ranking).toEqual(whole.ranking);
      const without = { ...model, history: undefined };
      expect((await evaluate(without, test, { train, n: [5], rulers: false })).ranking).toEqual(whole.ranking);
    }
  });

  it("makes no certificates, which no fold's figures need", async () => {
    // Of 30 sweeps factorize alone would say how near to rest they are.
    const { folds } = await crossValidate(splits.slice(0, 1), als({ rank: 2, sweeps: 30 }), { rulers: false });
    expect(folds[0].report.certificate).toBeUndefined();
    expect((await factorize(splits[0].train, als({ rank: 2, sweeps: 30 }))).report.certificate?.kind).toBe("gradient");
  });

  it("repeats itself for one seed and reports the passes of each fold", async () => {
    const method = ials({ rank: 2, sweeps: 2 });
    const seen: string[] = [];
    const run = () =>
      crossValidate(splits.slice(0, 2), method, {
        rulers: false,
        backend: "reference",
        onProgress: ({ fold, folds, training }) => seen.push(`${fold}/${folds} ${training.pass}`),
      });
    const first = await run();
    expect(seen).toEqual(["1/2 1", "1/2 2", "2/2 1", "2/2 2"]);
    expect(first.errors).toBeUndefined();
    const second = await run();
    expect(second.ranking).toEqual(first.ranking);
  });

  it("spreads 1, 2, 6 as mean 3, deviation √7, and has no deviation for one fold", () => {
    expect(spread([1, 2, 6])).toEqual({ mean: 3, deviation: Math.sqrt(7), values: [1, 2, 6] });
    expect(spread([4])).toEqual({ mean: 4, deviation: undefined, values: [4] });
  });

  it("refuses no splits at all, and a `train` option, which the splits hold", async () => {
    await expect(crossValidate([], als())).rejects.toThrow("splits must be at least one split");
    await expect(crossValidate(splits, als(), { train } as object)).rejects.toThrow("train must be left out");
  });
});
