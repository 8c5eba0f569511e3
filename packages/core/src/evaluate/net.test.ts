/** Figures of a net through the kernels beside those of its f64 scores, which evaluate takes as of any scorer. */
import { expect, it } from "vitest";
import { denseNet, factorize } from "../factorizers/index.ts";
import { scorerOf } from "../model/index.ts";
import { plantedWorld, randomSplit } from "../ratings/index.ts";
import { evaluate } from "./evaluate.ts";
import { heldOut } from "./validation.ts";

const { ratings } = plantedWorld({
  users: 150,
  items: 700,
  ratings: 9000,
  rank: 2,
  noise: 0.3,
  seed: 2,
  scale: { min: 1, max: 5, step: 0.5 },
});
const { train, test } = randomSplit(ratings, { testFraction: 0.2, seed: 1 });
const method = denseNet({ rank: 5, hidden: [8], epochs: 12, batchSize: 128 });

it("gives RMSE, MAE and every ranking figure of the f64 scores, clamped or not, to 1e-5", async () => {
  const { model } = await factorize(train, method, { seed: 1 });
  for (const clamp of [true, false]) {
    const [fast, slow] = [
      await evaluate(model, test, { train, clamp, n: [5, 20], rulers: false }),
      await evaluate(scorerOf(model), test, { train, clamp, n: [5, 20], rulers: false }),
    ];
    expect(fast.name).toBe("net");
    expect(fast.errors?.rmse).toBeCloseTo(slow.errors?.rmse as number, 5);
    expect(fast.errors?.mae).toBeCloseTo(slow.errors?.mae as number, 5);
    expect(fast.errors?.pairs).toBe(test.size);
    expect(fast.ranking).toEqual(slow.ranking);
  }
});

it("stops early by held-out error and keeps the best epoch's model", async () => {
  const long = denseNet({ rank: 5, hidden: [8], epochs: 200, batchSize: 128, schedule: "constant", regularization: 0 });
  const { model, report } = await factorize(train, long, {
    seed: 1,
    validation: heldOut(test, train, "rmse", { patience: 3 }),
  });
  expect(report.stopped).toBe("validation");
  expect(model.provenance.passes).toBe(report.validation?.bestPass);
  const best = Math.min(...(report.validation?.values ?? []).map(({ value }) => value));
  const { errors } = await evaluate(model, test, { train, rulers: false });
  expect(errors?.rmse).toBeCloseTo(best, 6);
});
