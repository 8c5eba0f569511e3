/** The unit of descents: another unit is the same training in other numbers, and by default every scale of ratings is alike. */
import { describe, expect, it } from "vitest";
import { openKernels } from "../kernels/index.ts";
import { type FactorModel, factorScorer } from "../model/index.ts";
import { plantedWorld, type RatingRecord, type Ratings, ratingsFrom } from "../ratings/index.ts";
import { type Factorizer, factorize, type GradientOptions, gradient, type SgdOptions, sgd } from "./index.ts";

const world = plantedWorld({ users: 120, items: 60, rank: 3, density: 0.4, noise: 0.4, mean: 3, seed: 5 }).ratings;
const records = [...world.records()];
const isHeldOut = (_: RatingRecord, place: number) => place % 10 === 3;
const [held, kept] = [records.filter(isHeldOut), records.filter((record, place) => !isHeldOut(record, place))];

/** The ratings that are trained on, each times a number. */
const scaled = (by: number): Ratings =>
  ratingsFrom(kept.map((record) => ({ ...record, rating: by * (record.rating as number) })));

/** RMSE over held-out cells, by loops. */
function heldOutError(model: FactorModel, by: number): number {
  const { rank, mean, userFactors, itemFactors, userBias, itemBias } = model;
  let squares = 0;
  for (const { user, item, rating } of held) {
    const [u, i] = [model.users.index(user) as number, model.items.index(item) as number];
    let error = mean + (userBias?.[u] ?? 0) + (itemBias?.[i] ?? 0) - by * (rating as number);
    for (let k = 0; k < rank; k++) error += userFactors[u * rank + k] * itemFactors[i * rank + k];
    squares += error * error;
  }
  return Math.sqrt(squares / held.length);
}

describe("by default", () => {
  const methods: readonly (readonly [string, Factorizer, number])[] = [
    ["gradient()", gradient({ rank: 4 }), 2],
    ["gradient() in batches", gradient({ rank: 4, batch: "mini" }), 1],
    ["gradient() of the norm", gradient({ rank: 4, objective: "norm", steps: 80 }), 1],
    ["gradient() of the mean, by adagrad", gradient({ rank: 4, objective: "mean", optimizer: "adagrad" }), 2],
    ["gradient() from drawn biases, centred by user", gradient({ rank: 4, init: "kaiming", center: "user" }), 2],
    ["sgd()", sgd({ rank: 4 }), 1],
    ["sgd() without a centre", sgd({ rank: 4, order: "shuffled", center: "none", biases: "item" }), 1],
    ["sgd() of huber", sgd({ rank: 4, loss: "huber" }), 2],
    ["sgd() of absolute errors", sgd({ rank: 4, loss: "absolute" }), 1],
  ];
  it.each(methods)(
    "%s errs alike, to a thousandth, on ratings × 0.01, 1 and 100, losses too",
    async (_, method, power) => {
      const [one, ...others] = await Promise.all(
        [1, 0.01, 100, 1e4].map(async (by) => {
          const { model, report } = await factorize(scaled(by), method, { threads: 1, certificate: true });
          const relative = report.certificate?.kind === "gradient" ? report.certificate.relative : undefined;
          const loss = [report.initialLoss as number, ...report.loss].map((value) => value / by ** power);
          return { error: heldOutError(model, by) / by, loss, relative, unit: report.options.unit as number, by };
        }),
      );
      // A model of the mean alone errs by 1.16.
      expect(one.error).toBeLessThan(0.95);
      for (const other of others) {
        expect(Math.abs(other.error / one.error - 1)).toBeLessThan(1e-3);
        for (const [at, loss] of other.loss.entries()) expect(Math.abs(loss / one.loss[at] - 1)).toBeLessThan(1e-3);
        expect(other.unit / one.unit).toBeCloseTo(other.by, 3 - Math.log10(other.by));
      }
    },
  );

  it("equal ratings have their size as the unit, a given learning rate 1, and a given unit itself", async () => {
    const unitOf = async (ratings: Ratings, method: Factorizer) =>
      (await factorize(ratings, method, { threads: 1 })).report.options.unit;
    const same = ratingsFrom([
      { user: 1, item: 1, rating: 40 },
      { user: 1, item: 2, rating: 40 },
      { user: 2, item: 1, rating: 40 },
    ]);
    expect(await unitOf(same, sgd({ rank: 1, epochs: 1 }))).toBe(40);
    expect(await unitOf(same, gradient({ rank: 1, steps: 1, learningRate: 0.05 }))).toBe(1);
    expect(await unitOf(same, sgd({ rank: 1, epochs: 1, learningRate: 0.02, unit: 7 }))).toBe(7);
    expect(await unitOf(same, sgd({ rank: 1, epochs: 1, unit: 7 }))).toBe(7);
    // In blocks a rate is the adaptive one's, and the ratings' size does not change what it means.
    expect(await unitOf(world, sgd({ rank: 1, epochs: 1, learningRate: 0.1 }))).toBe(
      await unitOf(world, sgd({ rank: 1, epochs: 1 })),
    );
    for (const unit of [0, -1, Number.NaN]) expect(() => sgd({ unit })).toThrow(/unit must be a finite number from/);
  });
});

/** Ratings of this mean and deviation, of rank 2 beside the mean. */
const far = (mean: number, deviation: number) => {
  const planted = plantedWorld({ users: 120, items: 60, rank: 2, density: 0.4, noise: 0.3, mean: 0, seed: 5 }).ratings;
  const spread = Math.hypot(...planted.byUser.value) / Math.sqrt(planted.size);
  const records = [...planted.records()];
  return ratingsFrom(
    records.map((record) => ({ ...record, rating: mean + (deviation * (record.rating as number)) / spread })),
  );
};

describe("without a centre, far from 0", () => {
  // In units of the deviation the first three diverge, and gradient's RMSE on 100 ± 0.7 is 37 and 45 deviations.
  const methods: readonly (readonly [string, number, Factorizer])[] = [
    ["sgd() in row order", 7, sgd({ rank: 4, order: "rows", center: "none" })],
    ["sgd() in row order without biases", 2, sgd({ rank: 4, order: "rows", center: "none", biases: "none" })],
    ["sgd()", 1.2, sgd({ center: "none" })],
    ["gradient() of rank 1", 1.8, gradient({ rank: 1, center: "none" })],
    ["gradient() of rank 1 without biases", 1.2, gradient({ rank: 1, center: "none", biases: "none" })],
  ];
  it.each(methods)("%s trains on 100 ± 0.7 and 1000 ± 10 to an RMSE below %d deviations", async (_, most, method) => {
    for (const [mean, deviation] of [
      [100, 0.7],
      [1000, 10],
    ] as const) {
      const ratings = far(mean, deviation);
      const { model, report } = await factorize(ratings, method, { threads: 1 });
      expect(report.options.unit).toBeCloseTo(Math.hypot(mean, deviation) / 5, 1);
      const scorer = factorScorer(model);
      let squares = 0;
      for (const { user, item, rating } of ratings.records()) {
        const [u, i] = [ratings.users.index(user) as number, ratings.items.index(item) as number];
        squares += (scorer.score(u, i) - (rating as number)) ** 2;
      }
      expect(Math.sqrt(squares / ratings.size) / deviation).toBeLessThan(most);
    }
  });

  it("near 0 the unit is the deviation, with and without a centre", async () => {
    const near = far(3.6, 1.1);
    for (const center of ["none", "global"] as const) {
      for (const method of [sgd({ rank: 1, epochs: 1, center }), gradient({ rank: 1, steps: 1, center })]) {
        expect((await factorize(near, method, { threads: 1 })).report.options.unit).toBeCloseTo(1.1, 1);
      }
    }
  });
});

describe("a training in another unit", () => {
  const initial = {
    userFactors: Float64Array.from({ length: 120 * 2 }, (_, i) => Math.sin(i)),
    itemFactors: Float64Array.from({ length: 60 * 2 }, (_, i) => Math.cos(3 * i)),
    userBias: Float64Array.from({ length: 120 }, (_, i) => 0.1 * Math.sin(7 * i)),
  };
  const penalties = { regularization: 0.02, biasRegularization: 0.03 };
  const cost: GradientOptions & SgdOptions = { rank: 2, biases: "user", ...penalties, initial, learningRate: 0.01 };
  const passes = { steps: 3 };

  it("is by plain descent the one whose factors move s² times as far and biases s times, whatever the objective", async () => {
    // One step of rate α in unit s: factor' moves by α ∂cost'/∂factor', which is α / s of √s ∂cost/∂factor; and so on.
    const kernels = await openKernels({ backend: "reference" });
    for (const objective of ["norm", "sum", "half", "mean"] as const) {
      const moved = async (unit: number) => {
        const method = gradient({ ...cost, objective, optimizer: "sgd", learningRate: 1e-5, steps: 1, unit });
        const run = await method.start(scaled(1), kernels, 0);
        await run.passes(1, undefined);
        const { userFactors, userBias = [] } = run.state().arrays;
        run.close();
        const factor = Math.sqrt(unit);
        return {
          factors: Array.from(userFactors, (value, i) => factor * value - initial.userFactors[i]),
          biases: Array.from(userBias, (value, i) => unit * value - initial.userBias[i]),
        };
      };
      const [one, three] = [await moved(1), await moved(3)];
      const costRatio = objective === "norm" ? 3 : 9;
      for (const [i, value] of one.factors.entries()) expect(three.factors[i] * costRatio).toBeCloseTo(3 * value, 12);
      for (const [i, value] of one.biases.entries()) expect(three.biases[i] * costRatio).toBeCloseTo(9 * value, 12);
    }
  });

  const methods: readonly (readonly [string, (unit: number) => Factorizer])[] = [
    ["full batch", (unit) => gradient({ ...cost, ...passes, unit })],
    ["full batch of the norm", (unit) => gradient({ ...cost, ...passes, objective: "norm", unit })],
    ["mini batch", (unit) => gradient({ ...cost, batch: "mini", epochs: 2, unit })],
    ["sgd", (unit) => sgd({ ...cost, order: "shuffled", epochs: 2, unit })],
  ];
  it.each(methods)("%s: starts where the given arrays are, with the same loss, slope and fold-in", async (_, make) => {
    const kernels = await openKernels({ backend: "reference" });
    const at = async (unit: number) => {
      const run = await make(unit).start(scaled(1), kernels, 0);
      const model = await run.model(0);
      const [initialLoss, slope] = [run.initialLoss as number, await run.slope?.()];
      const [state, zeroLoss] = [run.state(), run.zeroLoss];
      run.close();
      return { model, initialLoss, slope, state, zeroLoss };
    };
    const [one, four, three] = [await at(1), await at(4), await at(3)];
    expect(one.model.userFactors).toEqual(Float32Array.from(initial.userFactors));
    expect(four.state.arrays.userFactors[5]).toBe(initial.userFactors[5] / 2);
    expect(four.model.userFactors).toEqual(one.model.userFactors);
    expect(four.model.userBias).toEqual(one.model.userBias);
    for (const other of [four, three]) {
      expect(other.zeroLoss).toBe(one.zeroLoss);
      expect(other.initialLoss / one.initialLoss).toBeCloseTo(1, 12);
      for (const figure of ["norm", "cost", "size"] as const) {
        expect((other.slope?.[figure] ?? 0) / (one.slope?.[figure] ?? 1)).toBeCloseTo(1, 12);
      }
      const [own, ruler] = [other.model.objective, one.model.objective];
      if (own?.kind !== "explicit" || ruler?.kind !== "explicit") throw new Error("explicit rows are expected");
      expect(own.regularization / ruler.regularization).toBeCloseTo(1, 10);
      expect((own.biasRegularization ?? 0) / (ruler.biasRegularization ?? 1)).toBeCloseTo(1, 10);
    }
  });
});
