/** sgd in blocks: worlds with a known answer, what its models hold, and which options go together. */
import { describe, expect, it } from "vitest";
import { openKernels } from "../kernels/index.ts";
import { encodeModel, type FactorModel } from "../model/index.ts";
import { plantedWorld, type Ratings, ratingsFrom, subset } from "../ratings/index.ts";
import { normal } from "../support/index.ts";
import { factorize, type SgdOptions, sgd } from "./index.ts";

const { ratings } = plantedWorld({ users: 200, items: 120, rank: 2, density: 0.3, noise: 0.3, mean: 3, seed: 7 });
/** So few that every number of a model can be moved. */
const { ratings: few } = plantedWorld({ users: 30, items: 25, rank: 2, density: 0.4, noise: 0.3, mean: 3, seed: 7 });
const engine = { threads: 1 } as const;

/** Scores of the model at the training cells, by loops. */
function scores(model: FactorModel, { byUser: { rows, start, index } }: Ratings): Float64Array {
  const { rank, mean, userFactors, itemFactors, userBias, itemBias } = model;
  const out = new Float64Array(index.length);
  for (let u = 0; u < rows; u++) {
    for (let cell = start[u]; cell < start[u + 1]; cell++) {
      const i = index[cell];
      out[cell] = mean + (userBias?.[u] ?? 0) + (itemBias?.[i] ?? 0);
      for (let k = 0; k < rank; k++) out[cell] += userFactors[u * rank + k] * itemFactors[i * rank + k];
    }
  }
  return out;
}

/** Likes and dislikes by the sign of a score of rank 1. */
const opinions = ratingsFrom(
  Array.from({ length: 80 * 50 }, (_, cell) => ({ user: Math.floor(cell / 50), item: cell % 50 }))
    .filter((_, cell) => (cell * 7919) % 10 < 4)
    .map(({ user, item }) => ({ user, item, rating: normal(1, user) * normal(2, item) > 0 ? 1 : 0 })),
);

/** Counts around products of positive tables of rank 1. */
const counts = ratingsFrom(
  Array.from({ length: 80 * 50 }, (_, cell) => ({ user: Math.floor(cell / 50), item: cell % 50 }))
    .filter((_, cell) => (cell * 7919) % 10 < 4)
    .map(({ user, item }) => ({ user, item, rating: (1 + (user % 5)) * (1 + (item % 7)) })),
);

describe("sgd in blocks", () => {
  it.each(["squared", "absolute", "huber"] as const)(
    "%s finds a planted world of rank 2: training RMSE from above 0.9 to below 0.35, the noise being 0.3",
    async (loss) => {
      const method = sgd({ rank: 2, epochs: 150, loss, regularization: 0.005 });
      const { model, report } = await factorize(ratings, method, engine);
      const { value } = ratings.byUser;
      const errors = scores(model, ratings).map((score, cell) => score - value.at(cell));
      expect(Math.sqrt(errors.reduce((sum, e) => sum + e * e, 0) / value.length)).toBeLessThan(0.35);
      expect(report.passName).toBe("epochs");
    },
  );

  it("logistic tells likes from dislikes of rank 1 in 99 of 100 cells, as log-odds", async () => {
    const method = sgd({ rank: 2, epochs: 60, loss: "logistic", regularization: 0.003 });
    const { model, report } = await factorize(opinions, method, engine);
    const { value } = opinions.byUser;
    const right = scores(model, opinions).filter((score, cell) => score > 0 === value.at(cell) > 0).length;
    expect(right).toBeGreaterThan(0.99 * value.length);
    expect([model.scale, model.range, model.mean]).toEqual(["logit", undefined, 0]);
    expect(report.initialLoss).toBeGreaterThan(0.6);
    expect(report.loss.at(-1)).toBeLessThan(0.1);
    expect(report.lossName).toBe("mean log loss on the way");
  });

  it("kl finds counts of rank 1 to 5 %, without factors below 0", async () => {
    const { model } = await factorize(counts, sgd({ rank: 1, epochs: 300, loss: "kl", regularization: 0 }), engine);
    const { value } = counts.byUser;
    const errors = scores(model, counts).map((score, cell) => Math.abs(score / value.at(cell) - 1));
    expect(Math.max(...errors)).toBeLessThan(0.05);
    expect(Math.min(...model.userFactors, ...model.itemFactors)).toBeGreaterThanOrEqual(0);
    expect([model.mean, model.userBias, model.objective]).toEqual([0, undefined, undefined]);
  });

  it("kl of counts that are all 0 brings scores to 0, as it is left with s itself as its loss", async () => {
    const zeros = ratingsFrom(Array.from(counts.records(), ({ user, item }) => ({ user, item, rating: 0 })));
    const { model, report } = await factorize(zeros, sgd({ rank: 2, epochs: 40, loss: "kl" }), engine);
    expect(report.initialLoss).toBeGreaterThan(0);
    expect(report.loss.at(-1)).toBeLessThan(0.01 * (report.initialLoss as number));
    const at = scores(model, zeros);
    expect(Math.min(...at)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...at)).toBeLessThan(0.01);
  });

  it("nonNegative has no factor below 0, and L1 many at 0, where neither has none", async () => {
    const share = async (options: SgdOptions, of: (factor: number) => boolean) => {
      const { model } = await factorize(ratings, sgd({ rank: 10, epochs: 30, ...options }), engine);
      return [...model.userFactors, ...model.itemFactors].filter(of).length / (320 * 10);
    };
    expect(await share({ nonNegative: true }, (factor) => factor < 0)).toBe(0);
    expect(await share({}, (factor) => factor < 0)).toBeGreaterThan(0.2);
    expect(await share({ regularizationL1: 0.1 }, (factor) => factor === 0)).toBeGreaterThan(0.2);
    expect(await share({}, (factor) => factor === 0)).toBe(0);
  });

  it("writes the same bytes with 1, 2 and 3 threads", async () => {
    const files = await Promise.all(
      [1, 2, 3].map(async (threads) =>
        encodeModel((await factorize(ratings, sgd({ rank: 40, epochs: 3 }), { threads, seed: 4 })).model),
      ),
    );
    expect(files[1]).toEqual(files[0]);
    expect(files[2]).toEqual(files[0]);
  });

  it("gives users and items without ratings the mean of the others' rows", async () => {
    const { start, index } = ratings.byUser;
    const keep = Uint8Array.from(index, (item, cell) => Number(item !== 9 && (cell < start[5] || cell >= start[6])));
    const train = subset(ratings, keep);
    const { model } = await factorize(train, sgd({ rank: 3, epochs: 5 }), engine);
    for (const [factors, bias, empty, rows] of [
      [model.userFactors, model.userBias, 5, 200],
      [model.itemFactors, model.itemBias, 9, 120],
    ] as const) {
      const others = Array.from({ length: rows }, (_, row) => row).filter((row) => row !== empty);
      const mean = (of: (row: number) => number) => others.reduce((sum, row) => sum + of(row), 0) / others.length;
      for (let k = 0; k < 3; k++)
        expect(factors[empty * 3 + k]).toBeCloseTo(
          mean((row) => factors[row * 3 + k]),
          6,
        );
      expect(bias?.[empty]).toBeCloseTo(
        mean((row) => bias?.[row] ?? 0),
        6,
      );
    }
  });

  it("begins at the loss of all 72,000 ratings, to 1e-5, and moves nothing by measuring it; zeroLoss is of the ratings themselves", async () => {
    const { ratings: many } = plantedWorld({
      users: 600,
      items: 400,
      rank: 1,
      density: 0.3,
      noise: 1,
      mean: 3,
      seed: 3,
    });
    const { value } = many.byUser;
    const mean = (of: (value: number, cell: number) => number) =>
      value.toFloats().reduce((sum, v, i) => sum + of(v, i), 0) / value.length;
    const losses = {
      squared: (error: number) => error ** 2,
      absolute: Math.abs,
      huber: (error: number) => (Math.abs(error) > 0.5 ? 0.5 * (Math.abs(error) - 0.25) : error ** 2 / 2),
    };
    const kernels = await openKernels({ backend: "wasm", threads: 1 });
    for (const [loss, of] of Object.entries(losses)) {
      const huber = loss === "huber" ? { huberDelta: 0.5 } : {};
      const method = sgd({ rank: 3, epochs: 1, loss: loss as "huber", center: "user", unit: 3, ...huber });
      const run = await method.start(many, kernels, 0);
      const [{ arrays }, model] = [run.state(), (await run.model(0)) as FactorModel];
      const [initialLoss, zeroLoss] = [run.initialLoss as number, run.zeroLoss as number];
      run.close();
      const all = scores(model, many);
      const figure = (sum: number) => (loss === "squared" ? Math.sqrt(sum) : sum);
      expect(Math.abs(initialLoss / figure(mean((v, cell) => of(v - all[cell]))) - 1)).toBeLessThan(1e-5);
      expect(zeroLoss / figure(mean((v) => of(v)))).toBeCloseTo(1, 12);
      expect(new Set([...arrays.userSums, ...arrays.itemSums])).toEqual(new Set([1]));
    }
  });

  it("folds in by its error over the mean square of users' factors and biases, as ridge regression with that spread has it", async () => {
    for (const biases of ["both", "item", "none"] as const) {
      const { model } = await factorize(ratings, sgd({ rank: 2, epochs: 5, biases }), engine);
      const { value } = ratings.byUser;
      const all = scores(model, ratings);
      const noise = all.reduce((sum, score, cell) => sum + (score - value.at(cell)) ** 2, 0) / all.length;
      const over = (rows: ArrayLike<number>) =>
        noise / (Array.from(rows).reduce((sum, x) => sum + x * x, 0) / rows.length);
      const { objective } = model;
      if (objective?.kind !== "explicit") throw new Error("objective");
      expect(objective.regularization / over(model.userFactors)).toBeCloseTo(1, 4);
      expect([objective.regularizationExponent, objective.biasRegularizationExponent]).toEqual([0, 0]);
      const fitted = model.userBias ?? model.itemBias;
      if (fitted === undefined) expect(objective.biasRegularization).toBeUndefined();
      else expect((objective.biasRegularization as number) / over(fitted)).toBeCloseTo(1, 4);
    }
  });

  it("has the slope of its cost, by differences, for every loss that has one", async () => {
    const kernels = await openKernels({ backend: "reference" });
    for (const loss of ["squared", "huber", "logistic", "kl"] as const) {
      const data = loss === "logistic" ? opinions : loss === "kl" ? counts : few;
      const penalties = { regularization: 0.07, ...(loss === "kl" ? {} : { biasRegularization: 0.05 }) };
      const method = sgd({ rank: 2, epochs: 1, loss, ...penalties });
      const run = await method.start(data, kernels, 3);
      const slope = await run.slope?.();
      if (loss === "kl") {
        expect(slope).toBeUndefined(); // factors of 0 are corners
        run.close();
        continue;
      }
      const model = (await run.model(0)) as FactorModel;
      run.close();
      const cost = () => costOf(model, data, loss);
      expect(slope?.cost ?? 0).toBeCloseTo(cost(), -Math.log10(cost()) + 4);
      let squares = 0;
      for (const array of [model.userFactors, model.itemFactors, model.userBias, model.itemBias]) {
        for (let i = 0; array !== undefined && i < array.length; i++) {
          const [own, step] = [array[i], 2 ** -7];
          array[i] = own + step;
          const after = cost();
          array[i] = own - step;
          squares += ((after - cost()) / (Math.fround(own + step) - array[i])) ** 2;
          array[i] = own;
        }
      }
      expect((slope?.norm ?? 0) / Math.sqrt(squares)).toBeCloseTo(1, 3);
    }
  });
});

/** The cost of docs/sgd.md, from a model. */
function costOf(model: FactorModel, data: Ratings, loss: "squared" | "huber" | "logistic"): number {
  const { rank, userFactors, itemFactors, userBias, itemBias } = model;
  const { start, index, value, rows } = data.byUser;
  const all = scores(model, data);
  const mean = value.toFloats().reduce((sum, v) => sum + v, 0) / value.length;
  const delta = Math.sqrt(value.toFloats().reduce((sum, v) => sum + (v - mean) ** 2, 0) / value.length);
  let cost = 0;
  for (let u = 0; u < rows; u++) {
    for (let cell = start[u]; cell < start[u + 1]; cell++) {
      const error = Math.abs(value.at(cell) - all[cell]);
      if (loss === "logistic") cost += Math.log1p(Math.exp(value.at(cell) > 0 ? -all[cell] : all[cell]));
      else cost += loss === "huber" && error > delta ? delta * (error - delta / 2) : error ** 2 / 2;
      const i = index[cell];
      for (let k = 0; k < rank; k++) {
        cost += 0.035 * (userFactors[u * rank + k] ** 2 + itemFactors[i * rank + k] ** 2);
      }
      cost += 0.025 * ((userBias?.[u] ?? 0) ** 2 + (itemBias?.[i] ?? 0) ** 2);
    }
  }
  return cost;
}

describe("options that do not go together", () => {
  const refused: readonly (readonly [SgdOptions, RegExp])[] = [
    [{ order: "shuffled", loss: "huber" }, /loss must be left out when order is "shuffled"/],
    [{ order: "rows", nonNegative: true }, /nonNegative must be left out when order is "rows"/],
    [{ order: "rows", regularizationL1: 1 }, /regularizationL1 must be left out when order is "rows"/],
    [{ update: "alternately" }, /update must be left out when order is "blocks"/],
    [{ huberDelta: 1 }, /huberDelta must be left out when loss is "squared", got 1; it acts only with loss huber/],
    [{ loss: "kl", biases: "both" }, /biases must be "none" with loss kl, got "both"; scores of kl are products/],
    [{ loss: "kl", nonNegative: false }, /nonNegative must be true with loss kl/],
    [{ loss: "kl", biasRegularization: 1 }, /biasRegularization must be left out/],
    [{ nonNegative: true, center: "global" }, /center must be "none" with nonNegative, got "global"/],
    [{ nonNegative: true, init: "normal" }, /init must be "positive" with nonNegative/],
    [{ loss: "logistic", center: "user" }, /center must be "none" with loss logistic/],
    [{ loss: "logistic", unit: 2 }, /unit must be 1 with loss logistic/],
  ];
  it.each(refused)("%j is refused by name", (options, words) => {
    expect(() => sgd(options)).toThrow(words);
  });

  it("needs are set where they are not given, and shown", () => {
    expect(sgd({ loss: "kl" }).options).toMatchObject({ biases: "none", center: "none", nonNegative: true });
    expect(sgd({ nonNegative: true, center: "none" }).options).toMatchObject({ biases: "none", init: "positive" });
    expect(sgd({ order: "rows" }).options).toMatchObject({ init: "normal", initScale: 0.1, learningRate: 0.025 });
    expect(sgd({ rank: 16 }).options).toMatchObject({ init: "positive", initScale: 0.25, learningRate: 0.1 });
  });

  it("ratings below 0 for kl, likes without dislikes for logistic, and negative starts for nonNegative are refused", async () => {
    const below = ratingsFrom([
      { user: 1, item: 1, rating: -1 },
      { user: 2, item: 1, rating: 2 },
    ]);
    const likes = ratingsFrom([
      { user: 1, item: 1, rating: 4 },
      { user: 2, item: 1, rating: 5 },
    ]);
    await expect(factorize(below, sgd({ loss: "kl" }))).rejects.toThrow(
      /loss kl is for ratings of 0 and more, these are -1 to 2/,
    );
    await expect(factorize(likes, sgd({ loss: "logistic" }))).rejects.toThrow(/these are 4 to 5/);
    const initial = { userFactors: Float32Array.of(1, -1), itemFactors: Float32Array.of(1) };
    const negative = sgd({ rank: 1, nonNegative: true, initial });
    await expect(factorize(likes, negative)).rejects.toThrow(/initial\.userFactors has numbers below 0/);
  });
});
