/**
 * gradient against what it claims: losses recomputed by loops in double precision, the optimum that als finds by another
 * road, centres undone in predictions, same bytes however the work is cut, clear words when it diverges.
 */
import { describe, expect, it } from "vitest";
import { openKernels } from "../kernels/index.ts";
import { biasSides, centers, encodeModel, type FactorModel, factorScorer } from "../model/index.ts";
import { plantedWorld, type Ratings } from "../ratings/index.ts";
import { OptionError } from "../support/index.ts";
import { als, type Factorizer, factorize, type GradientOptions, gradient } from "./index.ts";

const { ratings } = plantedWorld({ users: 40, items: 25, rank: 3, density: 0.4, noise: 0.3, mean: 3, seed: 7 });
const complete = plantedWorld({ users: 12, items: 9, rank: 2, density: 1, noise: 0.3, seed: 8 }).ratings;

/** The objective of a model by loops over records, without the penalties of biases of a centre. */
function objectiveOf(model: FactorModel, data: Ratings, kind: GradientOptions["objective"], lambda: number): number {
  const score = factorScorer(model);
  let squares = 0;
  for (const { user, item, rating } of data.records()) {
    const at = score.score(model.users.index(user) as number, model.items.index(item) as number);
    squares += ((rating as number) - at) ** 2;
  }
  let penalty = 0;
  for (const value of [...model.userFactors, ...model.itemFactors]) penalty += lambda * value * value;
  switch (kind) {
    case "norm":
      return Math.sqrt(squares) + penalty;
    case "sum":
      return squares + penalty;
    case "mean":
      return squares / data.size + penalty;
    default:
      return (squares + penalty) / 2;
  }
}

it("a batch larger than the data is the data: 256 of 20 ratings give the model of 20 of 20, penalties and fold-in too", async () => {
  const { ratings: few } = plantedWorld({ users: 5, items: 5, ratings: 20, rank: 1, seed: 2 });
  const at = async (batchSize: number) => {
    const options = { rank: 2, batch: "mini", objective: "norm", epochs: 5, learningRate: 0.05 } as const;
    const { model } = await factorize(few, gradient({ ...options, batchSize }), { threads: 1 });
    return { tables: [model.userFactors, model.itemFactors], objective: model.objective };
  };
  expect(await at(256)).toEqual(await at(few.size));
});

describe("losses", () => {
  const lambdas = { norm: 0.01, sum: 0.3, half: 0.3, mean: 0.001 };
  for (const objective of ["norm", "sum", "half", "mean"] as const) {
    it(`of "${objective}" before and after training are those of the model, sparse and complete, to 1e-6`, async () => {
      for (const data of [ratings, complete]) {
        const options: GradientOptions = {
          rank: 3,
          objective,
          regularization: lambdas[objective],
          biasRegularization: 0,
          learningRate: 0.02,
        };
        const { model, report } = await factorize(data, gradient({ ...options, steps: 60 }));
        const last = objectiveOf(model, data, objective, lambdas[objective]);
        expect(report.lossName).toBe("loss");
        expect(report.loss).toHaveLength(60);
        // The model is in single precision: 6e-8 measured.
        expect(Math.abs(report.loss[59] / last - 1)).toBeLessThan(1e-6);
        expect(report.loss[59]).toBeLessThan(0.7 * (report.initialLoss as number));
        const first = await factorize(data, gradient({ ...options, steps: 1, learningRate: 1e-12 }));
        expect(first.report.initialLoss).toBe(report.initialLoss);
        const start = objectiveOf(first.model, data, objective, lambdas[objective]);
        expect(Math.abs(start / first.report.loss[0] - 1)).toBeLessThan(1e-6);
      }
    });
  }

  it("of batches are the RMSE on the way, which ends up to 2 % above that of the model", async () => {
    const method = gradient({ rank: 3, batch: "mini", batchSize: 32, epochs: 80, regularization: 0.5 });
    const { model, report } = await factorize(ratings, method);
    expect([report.lossName, report.passName]).toEqual(["RMSE on the way", "epochs"]);
    const rmse = Math.sqrt(objectiveOf(model, ratings, "mean", 0));
    // Each error is from before its batch moved it: 0.9 % measured.
    expect(report.loss[79] / rmse).toBeGreaterThan(1);
    expect(report.loss[79] / rmse).toBeLessThan(1.02);
    expect(report.initialLoss).toBeGreaterThan(2 * rmse);
  });
});

describe("gradient and als on the same cost", () => {
  // als: Σ e² + λ Σ |x|² + λ Σ |y|² + λ_b Σ b², the penalty without an exponent; gradient: half of it.
  const value = (model: FactorModel) => {
    let biases = 0;
    for (const bias of [...(model.userBias ?? []), ...(model.itemBias ?? [])]) biases += bias * bias;
    return objectiveOf(model, ratings, "sum", 2) + biases;
  };

  it("reach the same optimum to 1e-6: 1,500 Adam steps, 200 sweeps", async () => {
    const cost = { rank: 3, regularization: 2, biasRegularization: 1 };
    const exact = await factorize(ratings, als({ ...cost, regularizationExponent: 0, sweeps: 200 }));
    const descended = await factorize(ratings, gradient({ ...cost, steps: 1500, learningRate: 0.02 }));
    expect(Math.abs(value(descended.model) / value(exact.model) - 1)).toBeLessThan(1e-6);
    expect(Math.abs((2 * (descended.report.loss.at(-1) as number)) / value(descended.model) - 1)).toBeLessThan(1e-6);
  });

  it.each(["sgd", "adam", "adamw", "adagrad"] as const)(
    "%s in batches comes as near as 1.001 times that, and not below",
    async (optimizer) => {
      const cost = { rank: 3, regularization: 2, biasRegularization: 1 };
      const exact = await factorize(ratings, als({ ...cost, regularizationExponent: 0, sweeps: 200 }));
      const learningRate = { sgd: 0.05, adam: 0.02, adamw: 0.02, adagrad: 0.2 }[optimizer];
      const decay = optimizer === "adamw" ? { weightDecay: 0 } : {};
      const method = gradient({
        ...cost,
        ...decay,
        optimizer,
        learningRate,
        batch: "mini",
        batchSize: 16,
        epochs: 300,
        schedule: "cosine",
      });
      const { model } = await factorize(ratings, method);
      expect(value(model) / value(exact.model)).toBeLessThan(1.001);
      // als ends at its optimum to within single precision.
      expect(value(model) / value(exact.model)).toBeGreaterThan(1 - 1e-6);
    },
  );
});

describe("biases and centre", () => {
  it("a start at zero factors predicts the centre: nothing, the mean, each user's or each item's mean", async () => {
    const means = new Map<string, { sum: number; count: number }>();
    const add = (key: string, rating: number) => {
      const one = means.get(key) ?? { sum: 0, count: 0 };
      means.set(key, { sum: one.sum + rating, count: one.count + 1 });
    };
    for (const { user, item, rating } of ratings.records()) {
      for (const key of ["all", `user ${user}`, `item ${item}`]) add(key, rating as number);
    }
    const mean = (key: string) => (means.get(key)?.sum ?? 0) / (means.get(key)?.count ?? 1);
    for (const center of centers) {
      for (const biases of biasSides) {
        const initial = { userFactors: new Float32Array(40), itemFactors: new Float32Array(25) };
        const run = await gradient({ rank: 1, center, biases, initial }).start(ratings, await openKernels(), 0);
        const model = await run.model(0);
        const scorer = factorScorer(model);
        run.close();
        for (const [u, i] of [
          [0, 0],
          [39, 24],
          [17, 3],
        ]) {
          const key =
            center === "global" ? "all" : `${center} ${center === "user" ? model.users.id(u) : model.items.id(i)}`;
          expect(scorer.score(u, i)).toBeCloseTo(center === "none" ? 0 : mean(key), 5);
        }
        expect(model.userBias !== undefined).toBe(biases === "user" || biases === "both" || center === "user");
        expect(model.itemBias !== undefined).toBe(biases === "item" || biases === "both" || center === "item");
      }
    }
  });

  it("fits only the biases asked for", async () => {
    const { model } = await factorize(ratings, gradient({ rank: 2, steps: 50, biases: "user" }));
    expect(model.itemBias).toBeUndefined();
    expect(model.userBias?.some((bias) => Math.abs(bias) > 0.05)).toBe(true);
    expect(() => gradient({ biases: "none", biasRegularization: 1 })).toThrow(OptionError);
  });
});

describe("the same bytes", () => {
  const methods: readonly (readonly [string, Factorizer])[] = [
    ["full batch", gradient({ rank: 5, steps: 30 })],
    ["full batch, clipped norm", gradient({ rank: 17, steps: 30, objective: "norm", clipping: "norm", clipNorm: 0.1 })],
    ["mini batch", gradient({ rank: 5, batch: "mini", batchSize: 10, epochs: 7 })],
    [
      "one at a time",
      gradient({ rank: 5, batch: "mini", batchSize: 1, epochs: 7, optimizer: "sgd", learningRate: 0.02 }),
    ],
  ];

  it.each(methods)("%s: with 1, 2 and 3 threads", async (_, method) => {
    for (const data of [ratings, complete]) {
      const models = await Promise.all([1, 2, 3].map((threads) => factorize(data, method, { threads, seed: 4 })));
      const [one, two, three] = models.map(({ model }) => encodeModel(model));
      expect(two).toEqual(one);
      expect(three).toEqual(one);
    }
  });

  it.each(methods)("%s: pass by pass as many at once", async (_, method) => {
    const kernels = await openKernels({ threads: 1 });
    const [single, whole] = [await method.start(ratings, kernels, 3), await method.start(ratings, kernels, 3)];
    const losses: number[] = [];
    for (let pass = 0; pass < 7; pass++) losses.push(...(await single.passes(1, undefined)));
    const together: number[] = [];
    while (together.length < 7) together.push(...(await whole.passes(7 - together.length, undefined)));
    expect(losses).toHaveLength(7);
    expect(together).toEqual(losses);
    expect(whole.state()).toEqual(single.state());
    single.close();
    whole.close();
  });

  it("a shuffled order is another for each epoch and seed; shuffledOnce and rows are not", async () => {
    const digest = async (options: GradientOptions, seed: number) =>
      (await factorize(ratings, gradient({ rank: 2, batch: "mini", batchSize: 1, epochs: 2, ...options }), { seed }))
        .report.digest;
    const initial = { userFactors: new Float32Array(80).fill(0.1), itemFactors: new Float32Array(50).fill(0.2) };
    expect(await digest({ initial }, 1)).not.toBe(await digest({ initial }, 2));
    expect(await digest({ initial, order: "shuffledOnce" }, 1)).not.toBe(await digest({ initial }, 1));
    expect(await digest({ initial, order: "rows" }, 1)).toBe(await digest({ initial, order: "rows" }, 2));
  });
});

describe("bad input", () => {
  it("a start beyond the numbers is refused before the first step", async () => {
    const initial = { userFactors: new Float32Array(40).fill(1e30), itemFactors: new Float32Array(25).fill(1e30) };
    await expect(factorize(ratings, gradient({ rank: 1, initial, unit: 1 }), { backend: "wasm" })).rejects.toThrow(
      /^gradient: the loss became Infinity before the first step: the largest numbers are those of user 0, up to 1\.000e\+30; start from smaller factors$/,
    );
  });

  it("refuses options that cannot act, and plain descent without a learning rate", () => {
    expect(() => gradient({ epochs: 3 })).toThrow(/epochs must be left out when batch is "full"/);
    expect(() => gradient({ batch: "mini", steps: 3 })).toThrow(/steps must be left out when batch is "mini"/);
    expect(() => gradient({ momentum: 0.9 })).toThrow(/it acts only with optimizer sgd/);
    expect(() => gradient({ optimizer: "sgd" })).toThrow(/learningRate must be given with optimizer "sgd", got "auto"/);
    expect(() => gradient({ optimiser: "adam" } as never)).toThrow(/did you mean "optimizer"/);
  });
});
