/** Where descent starts: what is drawn, and arrays that are given. */
import { describe, expect, it } from "vitest";
import { openKernels } from "../kernels/index.ts";
import { plantedWorld } from "../ratings/index.ts";
import { DataError, normal, OptionError, streamSeed } from "../support/index.ts";
import { factorize, type GradientOptions, gradient, type InitialFactors, type StateArrays, sgd } from "./index.ts";

const { ratings } = plantedWorld({ users: 300, items: 50, rank: 2, density: 0.2, seed: 3 });
const rank = 20;

async function started(options: GradientOptions, seed = 1): Promise<StateArrays> {
  const run = await gradient({ rank, ...options }).start(ratings, await openKernels({ threads: 1 }), seed);
  const { arrays } = run.state();
  run.close();
  return arrays;
}

function spread(values: StateArrays[string]): { min: number; max: number; mean: number; deviation: number } {
  const list = Array.from(values);
  const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
  const deviation = Math.sqrt(list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length);
  return { min: Math.min(...list), max: Math.max(...list), mean, deviation };
}

describe("drawn starting factors", () => {
  it("normal have the standard deviation initScale (6,000 of them, to 3 %)", async () => {
    const { userFactors, userBias } = await started({ init: "normal", initScale: 0.5 });
    expect(userFactors[7]).toBeCloseTo(0.5 * normal(streamSeed(1, "user factors"), 7), 6);
    expect(spread(userFactors).deviation / 0.5).toBeCloseTo(1, 1);
    expect(Math.abs(spread(userFactors).mean)).toBeLessThan(0.03);
    expect(spread(userBias)).toMatchObject({ min: 0, max: 0 });
  });

  it("uniform fill ±initScale, positive fill 0 to initScale", async () => {
    const around = spread((await started({ init: "uniform", initScale: 2 })).userFactors);
    expect(around.min).toBeGreaterThanOrEqual(-2);
    expect(around.min).toBeLessThan(-1.98);
    expect(around.max).toBeLessThan(2);
    expect(around.max).toBeGreaterThan(1.98);
    const above = spread((await started({ init: "positive", initScale: 2 })).userFactors);
    expect(above.min).toBeGreaterThanOrEqual(0);
    expect(above.max).toBeLessThan(2);
    expect(above.mean).toBeGreaterThan(0.97);
    expect(above.mean).toBeLessThan(1.03);
  });

  it("kaiming fill ±1/√rank, biases too, whose standard deviation PyTorch 1.13 gives as 0.1291 at rank 20", async () => {
    const { userFactors, itemFactors, userBias } = await started({ init: "kaiming" });
    for (const values of [userFactors, itemFactors, userBias]) {
      const { min, max, deviation } = spread(values);
      expect(Math.max(-min, max)).toBeLessThanOrEqual(1 / Math.sqrt(20));
      expect(Math.max(-min, max)).toBeGreaterThan(0.97 / Math.sqrt(20));
      // torch.nn.init.kaiming_uniform_(torch.empty(100000, 20), a=5 ** 0.5).std() is 0.1291
      expect(deviation / 0.1291).toBeCloseTo(1, 1);
    }
  });

  it("are others with another seed, and other for users than for items", async () => {
    const [first, second] = [await started({}, 1), await started({}, 2)];
    expect(first.userFactors.slice(0, 9)).not.toEqual(second.userFactors.slice(0, 9));
    expect(first.userFactors.slice(0, 9)).not.toEqual(first.itemFactors.slice(0, 9));
  });
});

describe("given starting factors", () => {
  const initial: InitialFactors = {
    userFactors: Float64Array.from({ length: 300 * rank }, (_, i) => normal(5, i) / 3),
    itemFactors: Float32Array.from({ length: 50 * rank }, (_, i) => normal(6, i)),
    itemBias: new Float32Array(50).fill(0.25),
  };

  it("are where the tables start, in the backend's precision; a bias left out starts at 0", async () => {
    const method = gradient({ rank, initial, unit: 1 });
    const run = await method.start(ratings, await openKernels({ backend: "reference" }), 1);
    const { arrays } = run.state();
    expect(arrays.userFactors).toEqual(initial.userFactors);
    expect(arrays.itemFactors).toEqual(Float64Array.from(initial.itemFactors));
    expect(arrays.itemBias).toEqual(new Float64Array(50).fill(0.25));
    expect(arrays.userBias).toEqual(new Float64Array(300));
    run.close();
  });

  it("are recorded in the model by their digest, not by their numbers", async () => {
    const { model } = await factorize(ratings, gradient({ rank, steps: 1, initial }));
    expect(model.provenance.options.initial).toMatch(/^[0-9a-f]{16}$/);
    const other = { ...initial, itemBias: new Float32Array(50).fill(0.5) };
    expect(sgd({ rank, initial: other }).options.initial).not.toBe(model.provenance.options.initial);
    expect(sgd({ rank, initial }).options.initial).toBe(model.provenance.options.initial);
  });

  const start = (given: InitialFactors, options: GradientOptions = {}) =>
    factorize(ratings, gradient({ rank, steps: 1, ...options, initial: given }));

  it("are refused when a shape does not fit these ratings, with the needed one", async () => {
    const short = { ...initial, itemFactors: new Float32Array(49 * rank) };
    await expect(start(short)).rejects.toThrow(DataError);
    await expect(start(short)).rejects.toThrow(
      "gradient: initial.itemFactors has 980 numbers, these ratings need 50 × 20 = 1000, rows × rank",
    );
    await expect(start({ ...initial, userBias: new Float32Array(3) })).rejects.toThrow(/userBias has 3 .* need 300/);
  });

  it("are refused with the row when a number is not finite, or too large for 32 bits", async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, 1e39]) {
      const userFactors = Float64Array.from(initial.userFactors);
      userFactors[3 * rank + 2] = bad;
      await expect(start({ ...initial, userFactors })).rejects.toThrow(`initial.userFactors row 3 holds ${bad}`);
    }
  });

  it("are refused beside a bias that is not fitted, beside init, and when they are no arrays of numbers", async () => {
    await expect(start(initial, { biases: "user" })).rejects.toThrow(/items have no fitted bias; set biases to "item"/);
    expect(() => gradient({ rank, initial, init: "normal" })).toThrow(/init must be left out when initial is given/);
    expect(() => gradient({ rank, initial: { ...initial, userFactors: [1] as never } })).toThrow(OptionError);
    expect(() => gradient({ rank, initial: { ...initial, biases: 1 } as never })).toThrow(/biases must be left out/);
    expect(() => sgd({ rank, initial: { userFactors: initial.userFactors } as never })).toThrow(
      /initial.itemFactors must be a Float32Array or a Float64Array, got undefined/,
    );
  });
});
