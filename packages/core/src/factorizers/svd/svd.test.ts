/** The method svd(): the model it makes, what its rows fold in to, state, and what it refuses. */
import { describe, expect, it } from "vitest";
import { openKernels } from "../../kernels/index.ts";
import type { FactorModel } from "../../model/index.ts";
import { modelDigest } from "../../model/index.ts";
import { type Ratings, ratingsFrom, ratingsFromDense } from "../../ratings/index.ts";
import { uniform } from "../../support/index.ts";
import { factorize } from "../train.ts";
import { type SvdOptions, svd } from "./svd.ts";
import { clickWorld, completeWorld, holedWorld, scipy } from "./worlds.case.ts";

const kernels = await openKernels({ threads: 2 });
const fit = (ratings: Ratings, options: SvdOptions) => factorize(ratings, svd(options), { kernels });

/** √ of the squared errors over all cells, those not there as 0. */
function distance(ratings: Ratings, model: FactorModel): number {
  const { start, index, value, rows, columns } = ratings.byUser;
  let sum = 0;
  for (let u = 0; u < rows; u++) {
    const row = new Float64Array(columns);
    for (let e = start[u]; e < start[u + 1]; e++) row[index[e]] = value.at(e);
    for (let i = 0; i < columns; i++) {
      let score = model.mean + (model.userBias?.[u] ?? 0) + (model.itemBias?.[i] ?? 0);
      for (let k = 0; k < model.rank; k++) {
        score += model.userFactors[u * model.rank + k] * model.itemFactors[i * model.rank + k];
      }
      sum += (row[i] - score) ** 2;
    }
  }
  return Math.sqrt(sum);
}

describe("svd", () => {
  it("of complete ratings is as near to them as SciPy says any rank-5 matrix can be", async () => {
    const ratings = completeWorld();
    const { model, report } = await fit(ratings, { rank: 5 });
    expect(distance(ratings, model)).toBeCloseTo(scipy.completeRest5, 5);
    expect(report).toMatchObject({ stopped: "converged", passes: 1, lossName: "training RMSE" });
    expect(report.loss[0]).toBeCloseTo(scipy.completeRest5 / Math.sqrt(1200), 10);
    expect(model).toMatchObject({ scale: "rating", mean: 0, rank: 5 });
  });

  // Above 128 rows and columns a certificate is made only when it is asked for.
  it.each([
    [12, 9, 3, ["none 0", "none 1000", "global 0", "global 1000", "user 3"]],
    [129, 130, 5, ["none 1000", "user 3"]],
  ])(
    "of %i × %i cells of rank %i exactly has an error of 0 from that rank on, in report, certificate and sweep; in any distance from 0: %j",
    async (users, items, rank, worlds) => {
      for (const [center, mean] of worlds.map((world) => world.split(" ") as ["none" | "global" | "user", string])) {
        const cell = (u: number, i: number) => {
          let sum = Number(mean);
          for (let k = 0; k < rank; k++)
            sum += uniform(5, u * rank + k, -0.5, 0.5) * uniform(6, i * rank + k, -0.5, 0.5);
          return sum;
        };
        const ratings = ratingsFromDense(
          Array.from({ length: users }, (_, u) => Array.from({ length: items }, (_, i) => cell(u, i))),
        );
        // A centre may be one rank more, as the mean that is not taken is.
        const method = svd({ rank: rank + 2, center });
        const { model, report } = await factorize(ratings, method, { kernels, certificate: true });
        expect(report.loss).toEqual([0]);
        expect(report.findings).toEqual([]);
        expect(report.certificate).toMatchObject({ kind: "optimum", error: 0, optimum: 0, gap: 0, relativeGap: 0 });
        expect(svd({ rank: rank + 1, center }).lowerRank?.(model, report).loss).toBe(0);
        const below = await factorize(ratings, svd({ rank: rank - 1, center }), { kernels });
        expect(svd({ rank: rank - 1, center }).lowerRank?.(model, report).loss).toBeCloseTo(below.report.loss[0], 6);
        expect(below.report.loss[0]).toBeGreaterThan(1e-3);
      }
    },
  );

  it("with the mean of all as its centre, at rank 2: SciPy's optimum of the centred matrix", async () => {
    const ratings = completeWorld();
    const { model } = await fit(ratings, { rank: 2, center: "global" });
    expect(distance(ratings, model)).toBeCloseTo(scipy.globalRest2, 4);
    expect(model.mean).toBe(ratings.mean);
  });

  it("with users as its centre keeps each user's mean as that user's bias", async () => {
    const ratings = completeWorld();
    const { model } = await fit(ratings, { rank: 1, center: "user" });
    const { start, value } = ratings.byUser;
    for (let u = 0; u < 40; u++) {
      const own =
        value
          .subarray(start[u], start[u + 1])
          .toFloats()
          .reduce((sum, x) => sum + x, 0) / 30;
      expect(model.mean + model.userBias![u]).toBeCloseTo(own, 6);
    }
  });

  it("of clicks counts what was not chosen as 0: the loss falls to what SciPy's 12 values leave", async () => {
    const ratings = clickWorld();
    const cells = ratings.users.size * ratings.items.size;
    const { model, report } = await fit(ratings, { rank: 12 });
    const left = 25_787 - scipy.clicks.reduce((sum, value) => sum + value * value, 0);
    expect(report.lossName).toBe("RMSE over all cells");
    expect(report.loss[report.loss.length - 1]).toBeCloseTo(Math.sqrt(left / cells), 6);
    expect(report.initialLoss).toBeCloseTo(Math.sqrt(25_787 / cells), 10);
    for (let p = 1; p < report.loss.length; p++) expect(report.loss[p]).toBeLessThanOrEqual(report.loss[p - 1] + 1e-9);
    expect(distance(ratings, model)).toBeCloseTo(Math.sqrt(left), 3);
    expect(model.scale).toBe("preference");
  });

  it("gives each user the row that follows from the history alone: its clicks projected on the items", async () => {
    const ratings = clickWorld();
    const { model } = await fit(ratings, { rank: 8 });
    const { start, index } = ratings.byUser;
    for (const user of [0, 13, ratings.users.size - 1]) {
      for (let k = 0; k < 8; k++) {
        let sum = 0;
        let square = 0;
        for (let e = start[user]; e < start[user + 1]; e++) sum += model.itemFactors[index[e] * 8 + k];
        for (let i = 0; i < ratings.items.size; i++) square += model.itemFactors[i * 8 + k] ** 2;
        expect(Math.abs(sum / square - model.userFactors[user * 8 + k])).toBeLessThan(1e-4);
      }
    }
  });

  it("resumed after 2 steps gives the bytes of a training that never stopped", async () => {
    const ratings = holedWorld();
    const method = svd({ rank: 20, missing: "zero" });
    const whole = await method.start(ratings, kernels, 3);
    const first = await method.start(ratings, kernels, 3);
    for (let step = 0; step < 2; step++) await whole.passes(1, undefined);
    for (let step = 0; step < 2; step++) await first.passes(1, undefined);
    const second = await method.start(ratings, kernels, 3, { passes: 2, state: first.state() });
    first.close();
    while (!whole.finished) expect(await second.passes(1, undefined)).toEqual(await whole.passes(1, undefined));
    expect(second.finished).toBe(true);
    expect(modelDigest(await second.model(9))).toBe(modelDigest(await whole.model(9)));
    const { arrays } = whole.state();
    const cut = { passes: 2, state: { arrays: { ...arrays, basis: arrays.basis.slice(1) } } };
    await expect(method.start(ratings, kernels, 3, cut)).rejects.toMatchObject({ code: "data" });
    whole.close();
    second.close();
  });

  it("rank above size, one cell, all cells alike, all cells 0, and no cells: a smaller model or a sentence", async () => {
    const above = await fit(completeWorld(), { rank: 50 });
    expect(above.model.rank).toBe(9); // what numpy.linalg.matrix_rank says of it
    expect(above.report.findings.map(({ code }) => code)).toContain("rank-above-size");
    const one = await fit(ratingsFromDense([[4]]), { rank: 3 });
    expect(Array.from(one.model.userFactors)).toEqual([2]);
    expect(Array.from(one.model.itemFactors)).toEqual([2]);
    const constant = await fit(ratingsFromDense(Array.from({ length: 6 }, () => [3, 3, 3, 3])), { rank: 2 });
    expect(constant.model.rank).toBe(1);
    expect(constant.report.loss[0]).toBeCloseTo(0, 6);
    const zeros = await fit(
      ratingsFromDense([
        [0, 0],
        [0, 0],
      ]),
      { rank: 2 },
    );
    expect(zeros.model).toMatchObject({ rank: 1, objective: undefined });
    const centered = await fit(
      ratingsFromDense([
        [3, 3],
        [3, 3],
      ]),
      { rank: 2, center: "global" },
    );
    expect(centered.model).toMatchObject({ rank: 1, mean: 3, objective: undefined });
    await expect(fit(ratingsFromDense([[1, Number.NaN]]), { rank: 1 })).rejects.toThrow(
      /1 of 2 cells have no rating.* als\(\).* missing: "zero".* Ratings held out are missing as well; how near svd comes/,
    );
  });

  it("refuses a centre for clicks, and says of holed ratings and counts that rows do not follow from histories", async () => {
    await expect(fit(clickWorld(), { rank: 2, center: "user" })).rejects.toThrow(/no rating, so there is no centre/);
    expect((await fit(holedWorld(), { rank: 2, missing: "zero", accuracy: 0.1 })).model.objective).toBeUndefined();
    const counts = ratingsFrom(
      [
        { user: 1, item: 1 },
        { user: 1, item: 1 },
        { user: 2, item: 2 },
      ],
      { duplicates: "sum" },
    );
    expect((await fit(counts, { rank: 1 })).model.objective).toBeUndefined();
  });
});
