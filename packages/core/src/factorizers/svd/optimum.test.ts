/** Optima of a rank: against SciPy, and what they are worth where they come of Krylov steps. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { openKernels } from "../../kernels/index.ts";
import { ratingsFrom, ratingsFromDense } from "../../ratings/index.ts";
import { als } from "../als.ts";
import { ials } from "../ials.ts";
import { turnAtEveryLook } from "../stopping.case.ts";
import { modelOptima } from "./model-optima.ts";
import { svdOptimum } from "./optimum.ts";
import { clickWorld, completeWorld, holedWorld, scipy } from "./worlds.case.ts";

const kernels = await openKernels({ threads: 2 });
afterEach(() => {
  vi.restoreAllMocks();
});
const clicksLeft = Math.sqrt(25_787 - scipy.clicks.reduce((sum, value) => sum + value * value, 0));

describe("svdOptimum", () => {
  it("is SciPy's √(sum of the squares left out), and 0 from the smaller side on; exact, so nothing is nearer", async () => {
    const [at5, at30, at99] = await svdOptimum(completeWorld(), [5, 30, 99]);
    expect(at5).toMatchObject({ rank: 5, stopped: "exact", atLeast: at5.optimum });
    expect(at5.optimum).toBeCloseTo(scipy.completeRest5, 12);
    expect([at30, at99]).toEqual([30, 99].map((rank) => ({ rank, optimum: 0, atLeast: 0, stopped: "exact" })));
    const [centered] = await svdOptimum(completeWorld(), [2], { center: "global" });
    expect(centered.optimum).toBeCloseTo(scipy.globalRest2, 5);
  });

  it("of rank 0 is the size of the matrix, for exact and for Krylov", async () => {
    expect((await svdOptimum(clickWorld(), [0]))[0].optimum).toBeCloseTo(Math.sqrt(25_787), 9);
    const one = ratingsFromDense([[3]]);
    expect((await svdOptimum(one, [0, 1])).map(({ optimum }) => optimum)).toEqual([3, 0]);
  });

  it("of 700 × 900 clicks is what SciPy's values leave of the whole, to 1e-6, and no less than atLeast", async () => {
    const [{ optimum, atLeast = Number.NaN, stopped }] = await svdOptimum(clickWorld(), [12], { kernels });
    expect(stopped).toBe("accuracy");
    expect(Math.abs(optimum - clicksLeft) / optimum).toBeLessThan(1e-6);
    expect(atLeast).toBeLessThan(clicksLeft);
    expect(atLeast / clicksLeft).toBeGreaterThan(1 - 1e-3);
  });

  it("of clicks whose rank is 93, at rank 94: an optimum of rounding, and 0 as what it cannot be below", async () => {
    const [{ optimum, atLeast }] = await svdOptimum(clickWorld(), [94], { kernels });
    expect(atLeast).toBe(0);
    expect(optimum / Math.sqrt(25_787)).toBeLessThan(1e-3);
  });

  it("after 2 steps is above the true one, says that the steps were used up, and gives no bound", async () => {
    const [early] = await svdOptimum(clickWorld(), [12], { kernels, steps: 2 });
    expect(early).toMatchObject({ stopped: "steps", atLeast: undefined });
    expect(early.optimum).toBeGreaterThan(clicksLeft);
  });

  it("refuses no ranks, half a rank, and ratings with holes", async () => {
    const ratings = completeWorld();
    await expect(svdOptimum(ratings, [])).rejects.toMatchObject({ option: "ranks" });
    await expect(svdOptimum(ratings, [2.5])).rejects.toMatchObject({ option: "ranks" });
    await expect(svdOptimum(holedWorld(), [2])).rejects.toThrow(/402618 of 536826 cells have no rating/);
  });
});

describe("the optimum of a method's models", () => {
  const at = async (options: Parameters<typeof als>[0], ranks: readonly number[]) => {
    const bounds = await modelOptima(als(options), ranks, completeWorld(), completeWorld(), {
      kernels,
      signal: undefined,
      isWhole: true,
    });
    if (bounds === undefined) throw new Error("complete ratings are bounded");
    return bounds;
  };

  it.each([
    // numpy.linalg.svd (NumPy 2.4.6) of the matrix less the means of its rows, of its columns, of both.
    ["user", [34.412312257536534, 19.266645047459008], 40, 29],
    ["item", [35.50611670942789, 21.1429313839708], 39, 30],
    ["both", [33.980952857524336, 18.580967413801208], 39, 29],
  ] as const)(
    "with biases of %s is what NumPy's values leave of the matrix less their means",
    async (biases, left, users, items) => {
      for (const center of ["none", "global", "user", "item"] as const) {
        const { optima, spectrum } = await at({ biases, center }, [2, 4]);
        const sides = new Set([
          ...(biases === "both" ? ["user", "item"] : [biases]),
          ...(center === "user" || center === "item" ? [center] : []),
        ]);
        // A center of the other side is subtracted too.
        const expected = sides.size === 2 ? [33.980952857524336, 18.580967413801208] : left;
        for (const [r, { optimum }] of optima.entries()) expect(optimum).toBeCloseTo(expected[r], 5);
        expect(spectrum).toMatchObject({ short: Math.min(users, items), long: Math.max(users, items) });
      }
    },
  );

  it("cannot be beaten, and is neared to 1e-4 by als without penalty in 300 sweeps, biases of both sides", async () => {
    const { factorize } = await import("../train.ts");
    const plain = { rank: 2, biases: "both", center: "none", regularization: 1e-6, regularizationExponent: 0 } as const;
    const method = als({ ...plain, biasRegularization: 1e-6, biasRegularizationExponent: 0, sweeps: 300 });
    const { report } = await factorize(completeWorld(), method, { kernels });
    const { optima } = await at(plain, [2]);
    const error = report.loss[299] * Math.sqrt(1200);
    expect(error).toBeGreaterThan(optima[0].optimum * (1 - 1e-6));
    expect(error).toBeLessThan(optima[0].optimum * (1 + 1e-4));
  });

  it("is of the whole matrix less the centre of its training part, and unknown for holes and clicks", async () => {
    const whole = completeWorld();
    const first = ratingsFrom(Array.from(whole.records()).filter(({ user }) => Number(user) < 20));
    const method = als({ biases: "none", center: "global" });
    const options = { kernels, signal: undefined };
    const bounds = await modelOptima(method, [0], whole, first, options);
    // At rank 0 all that is not the mean of the first half is left.
    let left = 0;
    for (const { rating = Number.NaN } of whole.records()) left += (rating - first.mean) ** 2;
    expect(bounds?.optima[0].optimum).toBeCloseTo(Math.sqrt(left), 9);
    expect(await modelOptima(method, [1], holedWorld(), holedWorld(), options)).toBeUndefined();
    expect(await modelOptima(ials({ rank: 2 }), [1], clickWorld(), clickWorld(), options)).toBeUndefined();
  });

  it("stops when its signal fires", async () => {
    turnAtEveryLook();
    const ratings = completeWorld();
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    const options = { kernels, signal: controller.signal };
    await expect(modelOptima(als(), [2], ratings, ratings, options)).rejects.toMatchObject({ code: "aborted" });
  });
});
