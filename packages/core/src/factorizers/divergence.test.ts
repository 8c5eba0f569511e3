/** When a training has diverged, and what is said then: the rule on figures, and gradient() and sgd() by every optimizer; dense-net.test.ts has the net. */
import { describe, expect, it } from "vitest";
import { openKernels } from "../kernels/index.ts";
import { plantedWorld, ratingsFromDense } from "../ratings/index.ts";
import { DivergenceError } from "../support/index.ts";
import { type Blame, refuseDiverged } from "./divergence.ts";
import { als, type Factorizer, factorize, type GradientOptions, gradient, itemKnn, sgd } from "./index.ts";

const { ratings } = plantedWorld({ users: 40, items: 25, rank: 3, density: 0.4, noise: 0.3, mean: 3, seed: 7 });

describe("the rule", () => {
  const refusal = (
    loss: number,
    initialLoss: number | undefined,
    zeroLoss?: number,
    blame?: Blame,
    pass = 2,
  ): DivergenceError | undefined => {
    const method = gradient({ steps: 8 });
    const run = { lossName: "loss", zeroLoss, ...(blame === undefined ? {} : { blame: () => blame }) };
    try {
      refuseDiverged(loss, pass, initialLoss, run as never, method);
      return undefined;
    } catch (error) {
      return error as DivergenceError;
    }
  };

  it("a figure that is not finite has diverged, and one above a million times the start; one just below has not", () => {
    for (const loss of [Number.NaN, Number.POSITIVE_INFINITY, 5.001e6]) {
      expect(refusal(loss, 5)).toBeInstanceOf(DivergenceError);
    }
    for (const loss of [5e6, 5, 0, -5e7]) expect(refusal(loss, 5)).toBeUndefined();
  });

  it("a start at the optimum is measured by what predicting 0 costs; where neither says anything, by being finite alone", () => {
    expect(refusal(1, 1e-9)).toBeInstanceOf(DivergenceError);
    expect(refusal(1, 1e-9, 3)).toBeUndefined();
    expect(refusal(4e6, 1e-9, 3)).toBeInstanceOf(DivergenceError);
    expect(refusal(1e30, undefined, 3)).toBeUndefined();
    expect(refusal(1e30, 0, 0)).toBeUndefined();
    expect(refusal(Number.NaN, undefined)).toBeInstanceOf(DivergenceError);
  });

  it("is told with pass, figures, row, rate and remedy, as words and as facts", () => {
    const blame: Blame = {
      learningRate: 0.25,
      worst: { word: "user", id: "ann", size: 1.23456e12 },
      further: "set it otherwise",
    };
    const told = refusal(7.65432e9, 12.3456, 1, blame) as DivergenceError;
    expect(told.message).toBe(
      "gradient: the loss became 7.654e+9 in step 2 of 8, from 12.35 at the start: the largest numbers are those of user " +
        '"ann", up to 1.235e+12; lower learningRate (0.250 in that step), or set it otherwise, and check the ratings for ' +
        "extreme values",
    );
    expect(told.facts).toEqual({
      method: "gradient",
      pass: 2,
      loss: 7.65432e9,
      initialLoss: 12.3456,
      learningRate: 0.25,
      user: "ann",
    });
    const infinite = { learningRate: 1, worst: { word: "item", id: 3, size: Number.POSITIVE_INFINITY } } as const;
    expect(refusal(Number.NaN, 1, 1, infinite)?.message).toMatch(": numbers of item 3 are no longer finite; lower");
    const layers = { learningRate: 1, worst: { word: "layers", size: Number.POSITIVE_INFINITY } } as const;
    expect(refusal(Number.NaN, 1, 1, layers)?.message).toMatch(": numbers of the layers are no longer finite; lower");
    expect(refusal(Number.NaN, 1)?.message).toBe(
      "gradient: the loss became NaN in step 2 of 8, from 1 at the start; raise regularization, or check the ratings for extreme values",
    );
    expect(refusal(Number.NaN, Number.NaN, 1, blame, 0)?.message).toMatch(
      / became NaN before the first step: .*; start from smaller factors$/,
    );
  });

  it("names no option that the method lacks: itemKnn has no penalty to raise, nor factors to start from", () => {
    for (const pass of [0, 1]) {
      const said = () => refuseDiverged(Number.NaN, pass, undefined, { lossName: "figure" } as never, itemKnn());
      expect(said).toThrow(/^itemKnn: the figure became NaN [^;]*; check the ratings for extreme values$/);
    }
  });
});

describe("a learning rate of 1e9", () => {
  const named = (method: Factorizer<never>["name"], word: string, passes: number, further = "") =>
    new RegExp(
      `^${method}: the (loss|RMSE on the way) became (NaN|Infinity|\\d\\.\\d{3}e\\+\\d+) in ${word} \\d of ${passes}, from \\S+ at the start: ` +
        "(numbers of (user|item) \\d+ are no longer finite|the largest numbers are those of (user|item) \\d+, up to \\S+); " +
        `lower learningRate \\(1\\.00e\\+9 in that ${word}\\)${further}, and check the ratings for extreme values$`,
    );
  const learningRate = 1e9;
  const optimizers: readonly (readonly [string, GradientOptions, string])[] = [
    ["sgd", { optimizer: "sgd" }, ', or set clipping "norm"'],
    ["sgd with momentum", { optimizer: "sgd", momentum: 0.9 }, ', or set clipping "norm"'],
    ["adam", { optimizer: "adam" }, ""],
    ["adamw", { optimizer: "adamw" }, ""],
    ["adagrad", { optimizer: "adagrad" }, ""],
  ];

  for (const [name, optimizer, further] of optimizers) {
    for (const backend of ["wasm", "reference"] as const) {
      it(`of ${name} is named with pass, row, rate and remedy, full batch and small ones, on ${backend}`, async () => {
        const full = gradient({ rank: 2, steps: 9, learningRate, ...optimizer });
        const mini = gradient({ rank: 2, batch: "mini", batchSize: 8, epochs: 3, learningRate, ...optimizer });
        await expect(factorize(ratings, full, { backend })).rejects.toThrow(named("gradient", "step", 9, further));
        const diverged = await factorize(ratings, mini, { backend }).catch((error: unknown) => error);
        expect(diverged).toBeInstanceOf(DivergenceError);
        const { message, facts } = diverged as DivergenceError;
        expect(message).toMatch(named("gradient", "epoch", 3, further));
        expect(facts).toMatchObject({ method: "gradient", pass: 1, learningRate: 1e9 });
        expect(ratings.users.index(facts.user as number) ?? ratings.items.index(facts.item as number)).toBeDefined();
      });
    }
  }

  it("of every objective, though the norm and its square grow apart", async () => {
    for (const objective of ["norm", "sum", "half", "mean"] as const) {
      for (const optimizer of ["adam", "adagrad"] as const) {
        const method = gradient({ rank: 2, steps: 9, objective, optimizer, learningRate });
        await expect(factorize(ratings, method)).rejects.toThrow(named("gradient", "step", 9));
      }
    }
  });

  it("is lowered beside the unit that it holds in, and gradients that are clipped are not to be clipped", async () => {
    const clipped = gradient({ rank: 2, steps: 9, optimizer: "sgd", clipping: "norm", learningRate });
    await expect(factorize(ratings, clipped)).rejects.toThrow(named("gradient", "step", 9));
    for (const method of [
      gradient({ rank: 2, steps: 9, learningRate, unit: 7.12345 }),
      sgd({ rank: 2, epochs: 9, learningRate, unit: 7.12345, order: "rows" }),
      sgd({ rank: 2, epochs: 9, learningRate, unit: 7.12345 }),
    ]) {
      await expect(factorize(ratings, method)).rejects.toThrow(
        /; lower learningRate \(1\.00e\+9 in that (step|epoch); give it with unit: 7\.123\), and check/,
      );
    }
  });

  it.each(["together", "alternately"] as const)("of sgd(), rows moved %s", async (update) => {
    const method = sgd({ rank: 2, epochs: 5, order: "shuffled", update, learningRate });
    await expect(factorize(ratings, method)).rejects.toThrow(named("sgd", "epoch", 5));
  });
});

it("the worst row is told in the ratings' own unit: a bias of 60 beside factors of 50, the unit being 4", async () => {
  // In kernel memory the bias is 15 and the factors 25.
  const kernels = await openKernels({ backend: "reference" });
  const rows = (count: number, at: number, value: number) =>
    Float64Array.from({ length: count }, (_, row) => (row === at ? value : 0.1));
  const initial = {
    userFactors: rows(40, 3, 50),
    itemFactors: rows(25, 0, 0.1),
    userBias: rows(40, 0, 0.1),
    itemBias: rows(25, 8, 60),
  };
  const given = { rank: 1, unit: 4, initial };
  const methods = [
    gradient({ ...given, steps: 1 }),
    gradient({ ...given, batch: "mini", epochs: 1 }),
    sgd({ ...given, epochs: 1, order: "rows" }),
    sgd({ ...given, epochs: 1 }),
  ];
  for (const method of methods) {
    const run = await method.start(ratings, kernels, 0);
    const worst = run.blame?.(1).worst;
    run.close();
    expect(worst).toMatchObject({ word: "item", id: ratings.items.id(8) });
    expect(worst?.size).toBeCloseTo(60, 5);
  }
});

it("what starts at the optimum and leaves it, or has nothing to fit, is trained on: gradient at rate 1, als on equal ratings", async () => {
  const userFactors = Float32Array.of(1, 2, 3);
  const itemFactors = Float32Array.of(1, 0.5, 2);
  const exact = ratingsFromDense(Array.from(userFactors, (x) => Array.from(itemFactors, (y) => x * y)));
  const plain = { rank: 1, regularization: 0, biases: "none", center: "none" } as const;
  const nudged = itemFactors.map((y) => y * (1 + 1e-7));
  const method = gradient({ ...plain, steps: 3, learningRate: 1, initial: { userFactors, itemFactors: nudged } });
  const { report } = await factorize(exact, method);
  expect(report.initialLoss).toBeLessThan(1e-10);
  expect(report.loss[0]).toBeGreaterThan(1);
  const same = ratingsFromDense([
    [3, 3],
    [3, 3],
  ]);
  expect((await factorize(same, als({ rank: 1, initScale: 1e-6 }))).report.loss).toHaveLength(15);
});
