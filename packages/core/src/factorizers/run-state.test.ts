/** State of a run: a training cut in two gives the bytes of one that never stopped, for every method; what does not fit is refused. */
import { describe, expect, it } from "vitest";
import { openKernels } from "../kernels/index.ts";
import { encodeModel } from "../model/index.ts";
import { plantedWorld } from "../ratings/index.ts";
import { DataError } from "../support/index.ts";
import { als, bpr, type Factorizer, gradient, ials, logistic, sgd, softmax, warp } from "./index.ts";

const { ratings } = plantedWorld({ users: 30, items: 20, rank: 3, density: 0.5, noise: 0.2, seed: 4 });

const methods: readonly (readonly [string, Factorizer])[] = [
  ["als", als({ rank: 5 })],
  ["als without biases", als({ rank: 5, biases: "none" })],
  ["als centred by item with item biases", als({ rank: 5, biases: "item", center: "item" })],
  ["als by conjugate gradient", als({ rank: 17, solver: "cg", cgSteps: 2 })],
  ["ials", ials({ rank: 5 })],
  ["gradient", gradient({ rank: 5 })],
  ["gradient with momentum", gradient({ rank: 5, optimizer: "sgd", momentum: 0.9, learningRate: 1e-3 })],
  ["gradient in batches", gradient({ rank: 5, batch: "mini", batchSize: 7, schedule: "cosine", optimizer: "adagrad" })],
  ["sgd in blocks", sgd({ rank: 5 })],
  ["sgd in blocks, without biases", sgd({ rank: 5, biases: "none" })],
  ["sgd shuffled", sgd({ rank: 5, order: "shuffled" })],
  ["ials by conjugate gradient", ials({ rank: 17, solver: "cg" })],
  ["bpr with item biases", bpr({ rank: 5, batchSize: 8, negatives: 7, scores: "dot", biases: "item" })],
  ["softmax by adagrad", softmax({ rank: 5, batchSize: 8, optimizer: "adagrad", learningRate: 0.1 })],
  ["warp with momentum", warp({ rank: 5, batchSize: 8, optimizer: "sgd", momentum: 0.5 })],
  ["logistic with biases", logistic({ rank: 5, batchSize: 8, biases: "both", beta1: 0.9 })],
  ["als by subspaces", als({ rank: 17, solver: "subspace" })],
  ["ials by subspaces", ials({ rank: 17, solver: "subspace" })],
];

describe.each(["wasm", "reference"] as const)("state on %s", (backend) => {
  it.each(methods)("%s cut after 3 of 7 passes ends in the same model and losses", async (_, method) => {
    const kernels = await openKernels({ backend, threads: 1 });
    const whole = await method.start(ratings, kernels, 9);
    const losses: number[] = [];
    while (losses.length < 7) losses.push(...(await whole.passes(7 - losses.length, undefined)));

    const first = await method.start(ratings, kernels, 9);
    const cut: number[] = [];
    while (cut.length < 3) cut.push(...(await first.passes(3 - cut.length, undefined)));
    const state = first.state();
    // The state is a copy: what the first run does next does not reach it.
    await first.passes(1, undefined);
    first.close();
    const second = await method.start(ratings, kernels, 9, { passes: 3, state });
    expect(encodeModel(await second.model(3))).not.toEqual(encodeModel(await whole.model(3)));
    while (cut.length < 7) cut.push(...(await second.passes(7 - cut.length, undefined)));

    expect(cut).toEqual(losses);
    expect(encodeModel(await second.model(7))).toEqual(encodeModel(await whole.model(7)));
    expect(second.state()).toEqual(whole.state());
    second.close();
    whole.close();
  });

  it("refuses a state with an array too many, too few, too short or in another precision, by name", async () => {
    const kernels = await openKernels({ backend, threads: 1 });
    const method = als({ rank: 5 });
    const run = await method.start(ratings, kernels, 9);
    const { arrays } = run.state();
    run.close();
    const { userBias, ...fewer } = arrays;
    const wrong = [
      [{ ...arrays, momentum: new Float32Array(3) }, /als: .*momentum has no place here/],
      [fewer, /userBias is missing/],
      [{ ...arrays, userBias: userBias.slice(1) }, /userBias is f32\[29\], needed is f32\[30\]/],
      [{ ...arrays, userBias: Float64Array.from(userBias) }, /userBias is f64\[30\], needed is f32\[30\]/],
    ] as const;
    for (const [bad, message] of wrong) {
      const start = method.start(ratings, kernels, 9, { passes: 3, state: { arrays: bad } });
      await expect(start).rejects.toThrow(DataError);
      await expect(start).rejects.toThrow(message);
    }
  });
});
