/** svd on real data and recorded optima: SciPy's values of the Gowalla matrix, and the optimum of every golden matrix. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { rankSweep } from "../src/evaluate/index.ts";
import { als, factorize, svd, svdOptimum, truncatedSvd } from "../src/factorizers/index.ts";
import { ratingsFrom, ratingsFromDense } from "../src/ratings/index.ts";
import { sharedData, sharedGolden } from "./shared-data.ts";

/** scipy.sparse.linalg.svds(A, k=64, random_state=0), SciPy 1.10.1, in f64. */
const SCIPY = [
  90.443125380819, 63.664243652288, 61.937451806295, 52.29421619894, 50.586568379751, 46.088844331175, 45.020110427545,
  44.48928569833, 42.876806827904, 40.652730134591, 39.653789619357, 39.239863502199, 38.01937520895, 37.44228608011,
  37.258289337959, 36.581165723614, 36.450109707722, 35.587933301762, 35.033221756385, 34.792480631055, 34.299049045633,
  33.750702250463, 32.627047354115, 32.427978319298, 32.128497537677, 31.928450099696, 31.606877933066, 31.032387502713,
  30.890854434369, 30.635585137291, 30.442252537786, 30.158122890566, 29.830894788248, 29.374266408988, 29.253555863778,
  28.975141232682, 28.40264741754, 28.153341187113, 27.927523461562, 27.484466625729, 27.374875572498, 27.221910135403,
  27.056191917325, 26.872519483802, 26.846288208225, 26.820327357014, 26.704658601083, 26.548671691969, 26.380476791107,
  26.146451725286, 26.017646273943, 25.836948384916, 25.550931203797, 25.448861027552, 25.105025036398, 25.028092874495,
  24.989277513644, 24.863063548496, 24.681752216413, 24.661017044119, 24.536581367183, 24.401177360696, 24.318123749202,
  24.18882779378,
];

interface Golden {
  readonly A: { readonly shape: readonly [number, number]; readonly data: readonly number[] };
  readonly runs: readonly { readonly rank: number; readonly svdOptimum: number }[];
  readonly svd: { readonly singularValues: readonly number[]; readonly lossSumOfSquares: number };
}

const golden = (...path: string[]) => JSON.parse(readFileSync(sharedGolden(...path), "utf8")) as Golden;
const ratingsOf = ({ A }: Golden) => ratingsFromDense({ data: A.data, rows: A.shape[0], columns: A.shape[1] });

function gowalla() {
  const columns = { user: [] as number[], item: [] as number[] };
  for (const line of readFileSync(sharedData("gowalla", "train.txt"), "utf8").split("\n")) {
    const [user, ...items] = line.trim().split(/\s+/).map(Number);
    for (const item of items) {
      columns.user.push(user);
      columns.item.push(item);
    }
  }
  return ratingsFrom(columns, { duplicates: "last" });
}

describe("svd", () => {
  it("of the 29,858 × 40,981 Gowalla matrix: 64 values equal to SciPy's to 1e-6, 100 times nearer than asked for", async () => {
    const ratings = gowalla();
    expect([ratings.users.size, ratings.items.size, ratings.size]).toEqual([29_858, 40_981, 810_128]);
    const { values, errorEstimate, stopped, rank } = await truncatedSvd(ratings, { rank: 64 });
    expect({ rank, stopped }).toEqual({ rank: 64, stopped: "accuracy" });
    expect(errorEstimate).toBeLessThanOrEqual(1e-4);
    for (const [j, value] of SCIPY.entries()) expect(Math.abs(values[j] - value) / value).toBeLessThan(1e-6);
    const { report } = await factorize(ratings, svd({ rank: 64 }));
    const left = ratings.size - SCIPY.reduce((sum, value) => sum + value * value, 0);
    expect(report.loss[report.loss.length - 1]).toBeCloseTo(Math.sqrt(left / (29_858 * 40_981)), 8);
  });

  it.each(["dense-printed-A.json", "dense-random-A.json", "rank-sweep-printed-A.json", "rank-sweep-random-A.json"])(
    "of seed-000/%s has the recorded optimum at every rank to 1e-10",
    async (name) => {
      const file = golden("seed-000", name);
      const optima = await svdOptimum(
        ratingsOf(file),
        file.runs.map(({ rank }) => rank),
      );
      for (const [r, run] of file.runs.entries())
        expect(Math.abs(optima[r].optimum - run.svdOptimum)).toBeLessThan(1e-10);
    },
  );

  it.each(["rank-sweep-printed-A.json", "rank-sweep-random-A.json"])(
    "in a sweep over the ranks of seed-000/%s: every loss of svd is the recorded optimum, none of als is below",
    async (name) => {
      const file = golden("seed-000", name);
      const ratings = ratingsOf(file);
      const ranks = file.runs.map(({ rank }) => rank);
      const exact = await rankSweep(ratings, { ranks, method: (rank) => svd({ rank }) });
      const plain = { biases: "none", center: "none", regularization: 1e-6, regularizationExponent: 0 } as const;
      const fitted = await rankSweep(ratings, { ranks, method: (rank) => als({ rank, ...plain, sweeps: 40 }) });
      for (const [r, { svdOptimum: recorded }] of file.runs.entries()) {
        expect(Math.abs((exact.rows[r].svdOptimum?.optimum ?? Number.NaN) - recorded)).toBeLessThan(1e-10);
        expect(Math.abs((exact.rows[r].loss ?? Number.NaN) * Math.sqrt(ratings.size) - recorded)).toBeLessThan(1e-4);
        expect((fitted.rows[r].loss ?? Number.NaN) * Math.sqrt(ratings.size)).toBeGreaterThan(recorded - 1e-4);
      }
    },
  );

  it("of seed-001's 3 × 3 matrix has the recorded values, and at rank 2 the recorded sum of squares, to f32 ratings", async () => {
    const file = golden("seed-001", "sgd.json");
    const { values } = await truncatedSvd(ratingsOf(file), { rank: 3 });
    for (const [j, value] of file.svd.singularValues.entries()) expect(Math.abs(values[j] - value)).toBeLessThan(1e-6);
    const [{ optimum }] = await svdOptimum(ratingsOf(file), [2]);
    expect(Math.abs(optimum ** 2 - file.svd.lossSumOfSquares)).toBeLessThan(1e-7);
  });
});
