/** The behaviour of `descend` on every backend: steps of the whole batch beside the formulas. Part of kernels.case.ts. */
import { expect, it } from "vitest";
import { type Optimizer, objectives } from "./descent.ts";
import { ADAM, descend, expectClose, expectPaddingZero, NO_PENALTIES, PLAIN } from "./descent-runs.case.ts";
import {
  DenseOptimizer,
  type DescentWorld,
  denseLoss,
  descentWorld,
  numbers,
  OPTIMIZERS,
  slope,
} from "./descent-worlds.case.ts";
import type { Kernels } from "./kernels.ts";
import { once } from "./worlds.case.ts";

/** Steps of a descent with slopes of the dense loss. */
function denseDescent({ dense }: DescentWorld, start: readonly number[], how: DenseCourse) {
  const optimizer = new DenseOptimizer(how.optimizer, how.clipNorm, how.done);
  const x = [...start];
  const losses = how.rates.map((rate) => {
    const gradient = slope((y) => denseLoss(dense, y), x);
    optimizer.move(x, gradient, rate);
    return denseLoss(dense, x);
  });
  return { x, losses };
}

interface DenseCourse {
  readonly optimizer: Optimizer;
  readonly clipNorm: number | undefined;
  readonly done: number;
  readonly rates: readonly number[];
}

export function descendCases(kernels: Kernels): void {
  const RATES = [0.01, 0.008, 0.012, 0.01];
  const cases = OPTIMIZERS.flatMap((optimizer) =>
    [undefined, 0.5].flatMap((clipNorm) => [0, 3].map((done) => [optimizer, clipNorm, done] as const)),
  );

  it.each(cases)(
    "4 steps by %j, clipping at %s, after %i steps, are the formulas'",
    async (optimizer, clipNorm, done) => {
      for (const objective of objectives) {
        for (const complete of [false, true]) {
          const rows = objective === "norm" || objective === "half" ? [5, 6] : [6, 5]; // the side with more rows moves first
          const world = descentWorld(kernels, { rank: 3, objective, complete, leftRows: rows[0], rightRows: rows[1] });
          const start = numbers(world);
          const how = { optimizer, clipNorm, done, rates: RATES };
          const expected = once(["descend", world.dense.shape, start, how], () => denseDescent(world, start, how));
          const { losses, made } = await descend(world, optimizer, { clipNorm, done, rates: RATES });
          expect(made).toBe(4);
          expectClose(kernels, losses, expected.losses, 20);
          expectClose(kernels, numbers(world), expected.x, 100);
          expectPaddingZero(world);
          world.workspace.close();
        }
      }
    },
  );

  it.each([false, true])(
    "3 steps and then 4 give the bytes of 7, at ranks 2 and 40, complete: %s",
    async (complete) => {
      for (const optimizer of OPTIMIZERS) {
        for (const clipNorm of [undefined, 0.5]) {
          for (const rank of [2, 40]) {
            const rates = [0.01, 0.02, 0.01, 0.005, 0.01, 0.01, 0.03];
            const one = descentWorld(kernels, { rank, complete, objective: "norm" });
            const two = descentWorld(kernels, { rank, complete, objective: "norm" });
            await descend(one, optimizer, { rates, clipNorm });
            const first = await descend(two, optimizer, { rates: rates.slice(0, 3), clipNorm });
            expect(first.made).toBe(3);
            await descend(two, optimizer, { rates: rates.slice(3), clipNorm, done: 3 }, false);
            expect(numbers(two)).toEqual(numbers(one));
            expect(Array.from(two.at.error)).toEqual(Array.from(one.at.error));
            for (const { workspace } of [one, two]) workspace.close();
          }
        }
      }
    },
  );

  it("ends at the step whose loss is not finite, and says which", async () => {
    for (const complete of [false, true]) {
      const world = descentWorld(kernels, { rank: 4, complete });
      const { made, losses } = await descend(world, PLAIN, { rates: [0.001, 1e30, 1e300, 0.001, 0.001, 0.001, 0.001] });
      expect(made).toBeLessThan(6);
      expect(made).toBeGreaterThan(1);
      expect(losses.map(Number.isFinite)).toEqual(losses.map((_, i) => i < made - 1));
      world.workspace.close();
    }
  });

  it("a value that is not a number makes the first loss one, and no row without it", async () => {
    const world = descentWorld(kernels, { rank: 2, complete: true, objective: "norm" });
    world.at.value[3] = Number.NaN;
    const { made, losses } = await descend(world, ADAM, { rates: [0.01, 0.01] });
    expect(made).toBe(1);
    expect(losses).toEqual([Number.NaN]);
    world.workspace.close();
  });

  it("leaves what has no entry and no penalty where it was", async () => {
    const world = descentWorld(kernels, { rank: 3, penalties: NO_PENALTIES });
    const before = world.at.leftValue.data.slice();
    await descend(world, ADAM, { rates: [0.01, 0.01, 0.01] });
    const { stride } = world.at.leftValue;
    expect(world.at.leftValue.data.subarray(stride, 2 * stride)).toEqual(before.subarray(stride, 2 * stride));
    expect(world.at.leftValue.data[0]).not.toBe(before[0]);
    world.workspace.close();
  });
}
