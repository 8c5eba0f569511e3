/**
 * The behaviour of `loss` and `gradients` on every backend: dense formulas and their central differences in f64. Part of
 * kernels.case.ts.
 */
import { describe, expect, it } from "vitest";
import { objectives } from "./descent.ts";
import { BIASES, expectClose, expectPaddingZero, NO_PENALTIES, roundingOf } from "./descent-runs.case.ts";
import { denseError, denseLoss, descentWorld, numbers, slope, type WorldShape } from "./descent-worlds.case.ts";
import type { Kernels } from "./kernels.ts";
import { once, RANKS } from "./worlds.case.ts";

export function lossAndGradientCases(kernels: Kernels): void {
  describe("loss", () => lossCases(kernels));
  describe("gradients", () => gradientCases(kernels));
}

function lossCases(kernels: Kernels): void {
  it.each(RANKS)("and errors agree with the formulas to rounding, complete or not, at rank %i", async (rank) => {
    for (const complete of [false, true]) {
      const world = descentWorld(kernels, { rank, complete, leftRows: 11, rightRows: 37 });
      const { workspace, full, dense, at } = world;
      const x = numbers(world);
      const expected = denseLoss(dense, x);
      expect(Math.abs((await workspace.loss(full)) - expected)).toBeLessThan(roundingOf(kernels) * expected);
      expectClose(
        kernels,
        Array.from(at.error),
        dense.cells.map((cell) => denseError(dense, x, cell)),
      );
      workspace.close();
    }
  });

  it.each(objectives)(
    "%s is as its formula says for every choice of biases, with penalties and without",
    async (objective) => {
      for (const biases of BIASES) {
        for (const penalties of [NO_PENALTIES, undefined]) {
          const shape = { rank: 5, objective, biases };
          const world = descentWorld(kernels, penalties === undefined ? shape : { ...shape, penalties });
          const expected = denseLoss(world.dense, numbers(world));
          expect(Math.abs((await world.workspace.loss(world.full)) / expected - 1)).toBeLessThan(roundingOf(kernels));
          world.workspace.close();
        }
      }
    },
  );
}

function gradientCases(kernels: Kernels): void {
  it.each(objectives)(
    "of %s are the slopes of the loss for every choice of biases, penalties, complete or not",
    async (objective) => {
      for (const biases of BIASES) {
        for (const penalties of [NO_PENALTIES, undefined]) {
          for (const complete of [false, true]) {
            const shape = { rank: 3, objective, biases, complete };
            await expectSlopes(penalties === undefined ? shape : { ...shape, penalties });
          }
        }
      }
    },
  );

  it.each([16, 17, 33, 65])("are the slopes of the loss at rank %i", async (rank) => {
    for (const complete of [false, true]) {
      await expectSlopes({ rank, complete, leftRows: 4, rightRows: 7 });
      await expectSlopes({ rank, complete, leftRows: 7, rightRows: 4 });
    }
  });

  it("of rows with 4,800 to 12,000 entries, more than are summed in one go, are the slopes of the loss", async () => {
    await expectSlopes({ rank: 1, leftRows: 3, rightRows: 9000, biases: [true, false] }, true);
    await expectSlopes({ rank: 1, leftRows: 12_000, rightRows: 3, biases: [true, true] }, true);
    await expectSlopes({ rank: 1, leftRows: 9000, rightRows: 3, complete: true, biases: [false, true] }, true);
  });

  it("of the norm are the penalties' alone where every error is zero", async () => {
    const world = descentWorld(kernels, { rank: 2, objective: "norm", biases: [false, false] });
    const { workspace, at, full } = world;
    at.leftValue.data.fill(0);
    at.rightValue.data.fill(0);
    at.value.fill(full.offset);
    expect(await workspace.loss(full)).toBe(0);
    await workspace.gradients(full);
    expect(numbers(world, "gradient").every((g) => g === 0)).toBe(true);
    workspace.close();
  });

  /** @param few whether only some numbers are looked at: those of long rows, and the first and last */
  async function expectSlopes(shape: WorldShape, few = false): Promise<void> {
    const world = descentWorld(kernels, shape);
    const { workspace, full, dense } = world;
    for (const { factors, bias } of [full.left, full.right]) {
      for (let r = 0; r < factors.table.rows; r++) {
        const from = r * factors.table.stride;
        factors.gradient.fill(7, from, from + factors.table.rank); // what stood there before does not matter
      }
      bias?.gradient.fill(7);
    }
    await workspace.loss(full);
    await workspace.gradients(full);
    const got = numbers(world, "gradient");
    const x = numbers(world);
    const { leftRows } = dense.shape;
    const places = few ? [0, 2, leftRows, leftRows + 1, x.length - 1] : x.map((_, i) => i);
    const slopes = once(["slopes", dense.shape, x, places], () => {
      const y = [...x];
      return places.map((i) => {
        const [found] = slope(
          ([value]) => {
            y[i] = value;
            return denseLoss(dense, y);
          },
          [x[i]],
        );
        y[i] = x[i];
        return found;
      });
    });
    const at = places.map((i) => got[i]);
    expectClose(kernels, at, slopes, 20);
    expectPaddingZero(world);
    workspace.close();
  }
}
