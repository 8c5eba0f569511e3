/** What is found in the seed notebooks' own trainings: 000 with and without a mask, 003's ratings, 004 as written. */
import { describe, expect, it } from "vitest";
import { type Factorizer, factorize, gradient } from "../../src/factorizers/index.ts";
import { type Ratings, ratingsFromDense } from "../../src/ratings/index.ts";
import { normal, unit } from "../../src/support/index.ts";
import { dense, type GoldenArray, golden, numbers, transposed } from "./golden.ts";

async function found(ratings: Ratings, method: Factorizer): Promise<Record<string, string>> {
  const { report } = await factorize(ratings, method);
  return Object.fromEntries(report.findings.map(({ code, message }) => [code, message]));
}

/** The course of 000: Adam on the norm, nothing but two tables. */
async function of000(file: string): Promise<Map<number, Record<string, string>>> {
  type Run = { rank: number; init: { W: GoldenArray; H: GoldenArray } };
  const { A, runs } = golden<{ A: GoldenArray; runs: Run[] }>("seed-000", `${file}.json`);
  const byRank = new Map<number, Record<string, string>>();
  for (const { rank, init } of runs) {
    const method = gradient({
      ...{
        rank,
        steps: 1000,
        objective: "norm",
        regularization: 0,
        biases: "none",
        center: "none",
        learningRate: 0.01,
      },
      initial: { userFactors: numbers(init.W), itemFactors: numbers(transposed(init.H)) },
    });
    byRank.set(rank, await found(ratingsFromDense(dense(A)), method));
  }
  return byRank;
}

describe("findings in the seed notebooks", () => {
  it.each(["dense-printed-A", "dense-random-A"])("000, %s: nothing, at any rank from 1 to 9", async (file) => {
    for (const [rank, findings] of await of000(file)) expect(findings, `rank ${rank}`).toEqual({});
  });

  it.each(["masked-random-A", "masked-printed-18-rows"])(
    "000, %s: predictions far off the scale; at rank 5 all is learned by heart, and that the rest of the loss, below 1 %, rattles is not told",
    async (file) => {
      const byRank = await of000(file);
      expect(Object.keys(byRank.get(2) ?? {})).toEqual(["predictions-off-scale"]);
      const five = byRank.get(5) ?? {};
      expect(Object.keys(five)).toEqual(["rank-too-high", "predictions-off-scale"]);
      expect(five["predictions-off-scale"]).toMatch(
        /^2\d % of the cells without a rating are predicted far from .* 1 to 5/,
      );
    },
  );

  it("003: zeros that look like missing ratings", async () => {
    const { ratings: matrix } = golden<{ ratings: GoldenArray }>("seed-003", "mf.json");
    const findings = await found(ratingsFromDense(dense(matrix)), gradient({ rank: 3, steps: 200 }));
    expect(findings["zeros-like-missing"]).toMatch("35 % of the ratings are 0, beside others up to 5");
  });

  it("004 as written, one pass at a learning rate of 10⁻⁶: a loss that went from 28.1558 to 28.1492 is flat; at 0.01 it is not", async () => {
    interface Recorded {
      readonly nUsers: number;
      readonly nItems: number;
      readonly density: number;
      readonly nFactors: number;
      readonly seed: number;
      readonly runs: readonly { lr: number; passes: number; initScale: number }[];
    }
    const { nUsers, nItems, density, nFactors: rank, seed, runs } = golden<Recorded>("seed-004", "full.json");
    const cells = new Float64Array(nUsers * nItems).fill(Number.NaN);
    for (let cell = 0; cell < cells.length; cell++) {
      if (unit(seed, cell) < density) cells[cell] = 1 + Math.floor(4 * unit(seed + 1, cell));
    }
    const ratings = ratingsFromDense({ data: cells, rows: nUsers, columns: nItems });
    const flat: (readonly [number, boolean])[] = [];
    for (const { lr, passes, initScale } of runs) {
      const draw = (stream: number, rows: number) =>
        Float32Array.from({ length: rows * rank }, (_, at) => initScale * normal(seed + stream, at));
      const method = gradient({
        ...{ rank, batch: "mini", batchSize: 1, epochs: passes, order: "shuffledOnce", objective: "mean" },
        ...{ optimizer: "sgd", learningRate: lr, regularization: 0, biases: "none", center: "none" },
        initial: { userFactors: draw(3, nUsers), itemFactors: draw(4, nItems) },
      });
      const findings = await found(ratings, method);
      flat.push([lr, findings["loss-flat"] !== undefined]);
      if (lr === 1e-6) expect(findings["loss-flat"]).toMatch("the RMSE on the way went from 5.3062 to 5.3061");
    }
    expect(flat).toEqual([
      [1e-6, true],
      [0.01, false],
    ]);
  });
});
