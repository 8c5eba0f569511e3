/** Seed notebook 003, the dense network, through the API: SGD a rating at a time in row-major order, against PyTorch's recorded runs. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { denseNet } from "../../src/factorizers/index.ts";
import { openKernels } from "../../src/kernels/index.ts";
import { type NetModel, scorerOf } from "../../src/model/index.ts";
import { ratingsFromDense } from "../../src/ratings/index.ts";
import { sharedGolden } from "../shared-data.ts";

interface Recording {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const names = ["userFactors", "itemFactors", "linear1Weight", "linear1Bias", "linear2Weight", "linear2Bias"] as const;
type Weights = Readonly<Record<(typeof names)[number], Recording>>;

interface Trace {
  readonly firstEpochLosses: readonly number[];
  readonly evalLossEvery50: readonly number[];
  readonly meanOnlineLossEvery50: readonly number[];
  readonly finalLoss: number;
  readonly predictions: Recording;
  readonly after: Readonly<Record<"1" | "500", Weights>>;
}

interface Golden {
  /** The notebook's 5 × 4 ratings as [5, 4], or as a matrix */
  readonly ratings: Recording;
  readonly runs: readonly ({ epochs: number; lr: number; nFactors: number; H1: number; init: Weights } & {
    readonly [P in "float32" | "float64"]: Trace;
  })[];
}

const golden: Golden = JSON.parse(readFileSync(sharedGolden("seed-003", "densenet.json"), "utf8"));
const target = Float64Array.from(golden.ratings.data, (rating) => (rating === 0 ? Number.NaN : rating));
const ratings = ratingsFromDense({ data: target, rows: 5, columns: 4 });
const floats = ({ data }: Recording) => Float32Array.from(data);

/** Parameters part a little more in f32 over 6,500 steps: ReLU units switch at different times, fused or not. */
const backends = [
  { backend: "reference", recording: "float64", allowed: 1e-10, atTheEnd: 1e-10 },
  { backend: "wasm", recording: "float32", allowed: 1e-5, atTheEnd: 1e-4 },
] as const;

function close(got: ArrayLike<number>, recorded: ArrayLike<number>, tolerance: number, what: string): void {
  expect(got.length, what).toBe(recorded.length);
  for (let i = 0; i < got.length; i++) {
    const off = Math.abs(got[i] - recorded[i]);
    if (!(off <= tolerance * Math.max(1, Math.abs(recorded[i])))) {
      expect.fail(`${what}: number ${i} is ${got[i]}, recorded is ${recorded[i]}, ${off} apart`);
    }
  }
}

describe.each(backends)("seed 003, dense net, on $backend", ({ backend, recording, allowed, atTheEnd }) => {
  it.each([...golden.runs.keys()])("follows losses, weights and predictions of run %i over 500 epochs", async (r) => {
    const { epochs, lr, nFactors: rank, H1, init, ...traces } = golden.runs[r];
    const trace = traces[recording];
    const layers = [
      { inputs: 2 * rank, outputs: H1, weight: floats(init.linear1Weight), bias: floats(init.linear1Bias) },
      { inputs: H1, outputs: 1, weight: floats(init.linear2Weight), bias: floats(init.linear2Bias) },
    ];
    const method = denseNet({
      rank,
      hidden: [H1],
      product: false,
      epochs,
      batchSize: 1,
      order: "rows",
      optimizer: "sgd",
      learningRate: lr,
      schedule: "constant",
      regularization: 0,
      biases: "none",
      center: "none",
      initial: { userFactors: floats(init.userFactors), itemFactors: floats(init.itemFactors), layers },
    });
    const run = await method.start(ratings, await openKernels({ backend }), 0);
    const means: number[] = [];
    const online: number[] = [];
    let model: NetModel | undefined;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const [rmse] = await run.passes(1, undefined);
      if (epoch === 1) {
        close([rmse ** 2], [mean(trace.firstEpochLosses)], allowed, "first epoch");
        checkState(run.state().arrays, trace.after[1], H1, allowed);
      }
      if (epoch % 50 !== 0) continue;
      online.push(rmse ** 2);
      model = await run.model(epoch);
      means.push(meanSquare(run.state().arrays, rank, H1));
    }
    // Of the mean squares the roots, which are in the ratings' own scale: the squares end near 0, where no share of them is kept.
    close(means.map(Math.sqrt), trace.evalLossEvery50.map(Math.sqrt), allowed, "after the epoch");
    close(online.map(Math.sqrt), trace.meanOnlineLossEvery50.map(Math.sqrt), allowed, "on the way");
    checkState(run.state().arrays, trace.after[500], H1, atTheEnd);
    run.close();
    const scorer = scorerOf(model as NetModel);
    const scores = Array.from({ length: 20 }, (_, cell) => scorer.score(Math.floor(cell / 4), cell % 4));
    close(scores, trace.predictions.data, Math.max(atTheEnd, 1e-5), "predictions of all 20 cells"); // a model is f32
  });
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

type Arrays = Readonly<Record<string, ArrayLike<number>>>;

/** The state's flat layers as PyTorch's weights: one hidden layer of H1 ≤ 16 units, rows padded to 16. */
function weightsOf(arrays: Arrays, inputs: number, H1: number) {
  const flat = arrays.layers;
  const hidden = Array.from({ length: H1 * inputs }, (_, i) => flat[(i % inputs) * 16 + Math.floor(i / inputs)]);
  const at = (from: number, count: number) => Array.from({ length: count }, (_, i) => flat[from + i]);
  const bias = inputs * 16;
  return { hidden, hiddenBias: at(bias, H1), top: at(bias + 16, H1), topBias: at(bias + 32, 1) };
}

function checkState(arrays: Arrays, recorded: Weights, H1: number, tolerance: number): void {
  const inputs = recorded.linear1Weight.shape[1];
  const { hidden, hiddenBias, top, topBias } = weightsOf(arrays, inputs, H1);
  close(arrays.userFactors, recorded.userFactors.data, tolerance, "user factors");
  close(arrays.itemFactors, recorded.itemFactors.data, tolerance, "item factors");
  close(hidden, recorded.linear1Weight.data, tolerance, "first layer");
  close(hiddenBias, recorded.linear1Bias.data, tolerance, "its bias");
  close(top, recorded.linear2Weight.data, tolerance, "second layer");
  close(topBias, recorded.linear2Bias.data, tolerance, "its bias");
}

/** Mean squared error over the ratings at the state's own precision, by the notebook's formula. */
function meanSquare(arrays: Arrays, rank: number, H1: number): number {
  const inputs = 2 * rank;
  const { hidden, hiddenBias, top, topBias } = weightsOf(arrays, inputs, H1);
  let sum = 0;
  for (let cell = 0; cell < 20; cell++) {
    if (Number.isNaN(target[cell])) continue;
    const x = [
      ...Array.from({ length: rank }, (_, k) => arrays.userFactors[Math.floor(cell / 4) * rank + k]),
      ...Array.from({ length: rank }, (_, k) => arrays.itemFactors[(cell % 4) * rank + k]),
    ];
    let score = topBias[0];
    for (let o = 0; o < H1; o++) {
      let a = hiddenBias[o];
      for (let i = 0; i < inputs; i++) a += hidden[o * inputs + i] * x[i];
      score += top[o] * Math.max(0, a);
    }
    sum += (score - target[cell]) ** 2;
  }
  return sum / ratings.size;
}
