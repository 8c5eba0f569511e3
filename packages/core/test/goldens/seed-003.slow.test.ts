/** Seed notebook 003, matrix factorization, through the API: SGD a rating at a time in row-major order, against PyTorch's recorded runs. */
import { describe, expect, it } from "vitest";
import { gradient, sgd } from "../../src/factorizers/index.ts";
import { ratingsFromDense } from "../../src/ratings/index.ts";
import { backends, course, expectClose, expectLosses, type GoldenArray, golden, numbers, product } from "./golden.ts";

interface Factors {
  readonly userFactors: GoldenArray;
  readonly itemFactors: GoldenArray;
}

interface Trace {
  readonly firstEpochLosses: readonly number[];
  readonly evalLossEvery50: readonly number[];
  readonly meanOnlineLossEvery50: readonly number[];
  readonly finalLoss: number;
  readonly predictions: GoldenArray;
  readonly after: Readonly<Record<string, Factors>>;
}

interface Recorded {
  readonly ratings: GoldenArray;
  readonly runs: readonly ({ epochs: number; lr: number; nFactors: number; init: Factors } & {
    [P in "float32" | "float64"]: Trace;
  })[];
}

describe.each(backends)("seed 003 on $backend", ({ backend, recording, loss, parameter }) => {
  it("follows losses, predictions of all 20 cells and weights of every run; sgd() at twice the rate gives the same bytes", async () => {
    const recorded = golden<Recorded>("seed-003", "mf.json");
    const target = numbers(recorded.ratings).map((rating) => (rating === 0 ? Number.NaN : rating));
    const ratings = ratingsFromDense({ data: target, rows: 5, columns: 4 });
    for (const [i, { epochs, lr, nFactors: rank, init, ...traces }] of recorded.runs.entries()) {
      const trace = traces[recording];
      const initial = { userFactors: numbers(init.userFactors), itemFactors: numbers(init.itemFactors) };
      const plain = {
        rank,
        epochs,
        regularization: 0,
        biases: "none",
        center: "none",
        order: "rows",
        initial,
      } as const;
      const batched = { batch: "mini", batchSize: 1, objective: "mean", optimizer: "sgd", learningRate: lr } as const;
      const method = gradient({ ...plain, ...batched });
      const marks = [1, ...Array.from({ length: epochs / 50 }, (_, k) => 50 * (k + 1))];
      const got = await course(method, ratings, backend, marks);
      const means = marks.slice(1).map((epoch) => {
        const at = got.after.get(epoch);
        const scores = product(at?.userFactors ?? [], at?.itemFactors ?? [], rank);
        const squares = scores.map((score, cell) => (Number.isNaN(target[cell]) ? 0 : (score - target[cell]) ** 2));
        return squares.reduce((sum, square) => sum + square, 0) / ratings.size;
      });
      expectLosses(means, trace.evalLossEvery50, loss, `run ${i}, after the epoch`);
      // The notebook takes its last figure from predictions rounded to single precision.
      expectLosses(means.slice(-1), [trace.finalLoss], Math.max(loss, 1e-6), `run ${i}, at the end`);
      const online = marks.slice(1).map((epoch) => got.loss[epoch] ** 2);
      expectLosses(online, trace.meanOnlineLossEvery50, loss, `run ${i}, on the way`);
      const first = trace.firstEpochLosses.reduce((sum, each) => sum + each, 0) / trace.firstEpochLosses.length;
      expectLosses([got.loss[1] ** 2], [first], loss, `run ${i}, first epoch`);
      for (const [epoch, factors] of Object.entries(trace.after)) {
        const at = got.after.get(Number(epoch));
        expectClose(at?.userFactors ?? [], numbers(factors.userFactors), parameter, `run ${i}, users after ${epoch}`);
        expectClose(at?.itemFactors ?? [], numbers(factors.itemFactors), parameter, `run ${i}, items after ${epoch}`);
      }
      const last = got.after.get(epochs);
      const scores = product(last?.userFactors ?? [], last?.itemFactors ?? [], rank);
      expectClose(scores, numbers(trace.predictions), 2 * parameter, `run ${i}, predictions`);

      // Half the squared error has half the gradient.
      const doubled = sgd({ ...plain, learningRate: 2 * lr, schedule: "constant" });
      const twice = await course(doubled, ratings, backend, [epochs]);
      expect(twice.after.get(epochs)).toEqual(last);
    }
  });
});
