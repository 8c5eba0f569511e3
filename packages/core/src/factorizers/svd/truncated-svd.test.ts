/** Decompositions on their own: exact and by Krylov steps, against SciPy and against each other. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { openKernels } from "../../kernels/index.ts";
import { type Ratings, ratingsFrom, ratingsFromDense } from "../../ratings/index.ts";
import { uniform } from "../../support/index.ts";
import { turnAtEveryLook } from "../stopping.case.ts";
import type { Decomposer, TruncatedSvd } from "./decomposer.ts";
import { ExactSvd } from "./exact.ts";
import { KrylovSvd } from "./krylov.ts";
import { svdMatrix } from "./matrix.ts";
import { truncatedSvd } from "./truncated-svd.ts";
import { clickWorld, completeWorld, holedWorld, scipy } from "./worlds.case.ts";

const kernels = await openKernels({ threads: 2 });
afterEach(() => {
  vi.restoreAllMocks();
});

async function all(decomposer: Decomposer, most = 100): Promise<TruncatedSvd> {
  for (let step = 0; step < most && !decomposer.finished; step++) await decomposer.step();
  const result = await decomposer.result();
  decomposer.close();
  return result;
}

const krylov = (ratings: Ratings, rank: number, accuracy = 1e-4, steps = 100) =>
  all(new KrylovSvd(svdMatrix("test", ratings, "zero", "none"), { rank, accuracy, seed: 0 }, kernels), steps);
const exact = (ratings: Ratings, rank: number) =>
  all(new ExactSvd(svdMatrix("test", ratings, "zero", "none"), rank, false));

/** The largest relative difference of the first values. */
function offBy(values: ArrayLike<number>, expected: readonly number[]): number {
  return Math.max(...expected.slice(0, values.length).map((value, j) => Math.abs(values[j] - value) / value));
}

/** The largest |columnᵀ · column − identity|. */
function offOrthonormal(vectors: Float64Array, rank: number): number {
  let worst = 0;
  for (let a = 0; a < rank; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = a === b ? -1 : 0;
      for (let at = 0; at < vectors.length; at += rank) sum += vectors[at + a] * vectors[at + b];
      worst = Math.max(worst, Math.abs(sum));
    }
  }
  return worst;
}

describe("truncatedSvd", () => {
  it("of a complete 40 × 30 matrix has SciPy's values to 1e-14, orthonormal vectors, and says that it is exact", async () => {
    const svd = await truncatedSvd(completeWorld(), { rank: 5 });
    expect(svd).toMatchObject({ rank: 5, exact: true, stopped: "exact" });
    expect(offBy(svd.values, scipy.complete)).toBeLessThan(1e-14);
    expect(offOrthonormal(svd.userVectors, 5)).toBeLessThan(1e-13);
    expect(offOrthonormal(svd.itemVectors, 5)).toBeLessThan(1e-13);
    expect(svd.errorEstimate).toBeLessThan(1e-12);
  });

  it("without a rank has the 32 of svd(): of a complete matrix of 40 × 36 the 32 largest values", async () => {
    const cells = Array.from({ length: 40 }, (_, u) => Array.from({ length: 36 }, (_, i) => uniform(u, i, 1, 5)));
    const ratings = ratingsFromDense(cells);
    const all = await truncatedSvd(ratings, { rank: 36 });
    for (const svd of [await truncatedSvd(ratings, {}), await truncatedSvd(ratings)]) {
      expect(svd.rank).toBe(32);
      expect(offBy(svd.values, [...all.values])).toBeLessThan(1e-14);
    }
    // The squares of all values are those of all cells.
    const squares = all.values.reduce((sum, value) => sum + value * value, 0);
    expect(squares).toBeCloseTo(
      ratings.byUser.value.toFloats().reduce((sum, value) => sum + value * value, 0),
      6,
    );
  });

  it("of 700 × 900 clicks has SciPy's values to 1e-6 by Krylov steps, within the error it estimates", async () => {
    const svd = await truncatedSvd(clickWorld(), { rank: 12, kernels });
    expect(svd).toMatchObject({ rank: 12, exact: false, stopped: "accuracy" });
    expect(svd.errorEstimate).toBeLessThanOrEqual(1e-4);
    expect(offBy(svd.values, scipy.clicks)).toBeLessThan(1e-6);
    expect(offOrthonormal(svd.userVectors, 12)).toBeLessThan(1e-5);
    expect(offOrthonormal(svd.itemVectors, 12)).toBeLessThan(1e-5);
  });

  it("of ratings with holes counted as 0 has SciPy's values to 1e-6, and refuses the holes otherwise", async () => {
    const svd = await truncatedSvd(holedWorld(), { rank: 8, missing: "zero", kernels });
    expect(offBy(svd.values, scipy.holed)).toBeLessThan(1e-6);
    await expect(truncatedSvd(holedWorld(), { rank: 8 })).rejects.toThrow(
      /402618 of 536826 cells have no rating.*als\(\).*missing: "zero"/,
    );
  });

  it("centred by all, users or items has SciPy's values to 1e-6", async () => {
    for (const center of ["global", "user", "item"] as const) {
      const svd = await truncatedSvd(completeWorld(), { rank: 3, center });
      expect(offBy(svd.values, scipy[center])).toBeLessThan(1e-6);
    }
  });

  it("finds fewer values than asked for where the matrix has no more: 93 of 100 in the clicks", async () => {
    expect((await krylov(clickWorld(), 100)).rank).toBe(93);
  });

  it("stopped after 6 steps says so, with an error estimate above the wanted accuracy", async () => {
    const svd = await truncatedSvd(holedWorld(), { rank: 40, missing: "zero", steps: 3, kernels });
    expect(svd).toMatchObject({ stopped: "steps", steps: 3 });
    expect(svd.errorEstimate).toBeGreaterThan(1e-4);
  });

  it("refuses no rank, a rank of 0, an unknown option and no ratings by name", async () => {
    const ratings = completeWorld();
    await expect(truncatedSvd(ratings, { rank: 0 })).rejects.toMatchObject({ code: "option", option: "rank" });
    await expect(truncatedSvd(ratings, { rank: 2, passes: 3 } as never)).rejects.toMatchObject({ option: "passes" });
  });

  it("stops when its signal fires, before the first step and within the one step of an exact decomposition", async () => {
    const signal = AbortSignal.abort();
    await expect(truncatedSvd(clickWorld(), { rank: 3, signal, kernels })).rejects.toMatchObject({ code: "aborted" });
    turnAtEveryLook();
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    let turns = 0;
    const decomposer = new ExactSvd(svdMatrix("test", completeWorld(), "refuse", "none"), 30, false);
    const step = decomposer.step(() => {
      turns++;
      if (controller.signal.aborted) throw new Error(`stopped in turn ${turns}`);
    });
    await expect(step).rejects.toThrow("stopped in turn 1");
    expect(decomposer.finished).toBe(false);
  });
});

describe("Krylov steps beside the exact decomposition", () => {
  it("agree on a 60 × 90 matrix at ranks 1, 5 and 60, where the basis fills the whole space, to 1e-6", async () => {
    const dense = Array.from({ length: 60 }, (_, u) =>
      Float64Array.from({ length: 90 }, (_, i) => uniform(1, u * 90 + i, 0, 5)),
    );
    const ratings = ratingsFromDense(dense);
    for (const rank of [1, 5, 60]) {
      const approximate = await krylov(ratings, rank);
      const truth = await exact(ratings, rank);
      expect(approximate.rank).toBe(rank);
      expect(offBy(approximate.values, Array.from(truth.values))).toBeLessThan(1e-6);
      expect(approximate.errorEstimate).toBeLessThan(1e-4);
    }
  });

  it("find a value that occurs 12 times, and the three of a matrix of rank 3 when 8 are asked for", async () => {
    const blocks = ratingsFrom(
      Array.from({ length: 12 * 25 }, (_, n) => ({ user: Math.floor(n / 5), item: 5 * Math.floor(n / 25) + (n % 5) })),
    );
    const twelve = await krylov(blocks, 14);
    expect(twelve.rank).toBe(12);
    for (const value of twelve.values) expect(value).toBeCloseTo(5, 5);
    const low = ratingsFromDense(
      Array.from({ length: 50 }, (_, u) =>
        Float64Array.from({ length: 70 }, (_, i) => (u % 3) + (i % 5) * (u % 7) + (i % 3) * (u % 4)),
      ),
    );
    const found = await krylov(low, 8);
    const truth = await exact(low, 8);
    expect([found.rank, truth.rank]).toEqual([3, 3]);
    expect(offBy(found.values, Array.from(truth.values))).toBeLessThan(1e-6);
  });

  it.each([1e25, 1e-25, 1e38, 1e-38])(
    "on numbers of about %s, which squared leave f32, agree with the exact ones to 1e-6",
    async (unit) => {
      const dense = (times: number) =>
        ratingsFromDense(
          Array.from({ length: 40 }, (_, u) =>
            Float64Array.from({ length: 70 }, (_, i) => times * uniform(4, u * 70 + i, -1, 1)),
          ),
        );
      const approximate = await krylov(dense(unit), 12);
      const truth = await exact(dense(unit), 12);
      expect([approximate.rank, truth.rank]).toEqual([12, 12]);
      expect(offBy(approximate.values, Array.from(truth.values))).toBeLessThan(1e-6);
      expect(approximate.errorEstimate).toBeLessThan(1e-4);
      expect(offOrthonormal(approximate.userVectors, 12)).toBeLessThan(1e-5);
      const ones = await exact(dense(1), 12);
      expect(
        offBy(
          approximate.values.map((value) => value / unit),
          Array.from(ones.values),
        ),
      ).toBeLessThan(1e-6);
    },
  );

  it("on numbers 2³⁰ times as large have 2³⁰ times the values, bit for bit", async () => {
    const times = (scale: number) =>
      ratingsFromDense(
        Array.from({ length: 40 }, (_, u) =>
          Float64Array.from({ length: 70 }, (_, i) => scale * Math.fround(uniform(4, u * 70 + i, -1, 1))),
        ),
      );
    const one = await krylov(times(1), 8, 1e-4, 3);
    const large = await krylov(times(2 ** 30), 8, 1e-4, 3);
    expect(large.values).toEqual(one.values.map((value) => value * 2 ** 30));
    expect(large.itemVectors).toEqual(one.itemVectors);
  });

  it("are asked for their result twice, and computed once until the next step", async () => {
    const steps = new KrylovSvd(
      svdMatrix("test", clickWorld(), "zero", "none"),
      { rank: 4, accuracy: 1e-4, seed: 0 },
      kernels,
    );
    await steps.step();
    const first = await steps.result();
    expect(await steps.result()).toBe(first);
    await steps.step();
    const second = await steps.result();
    expect(second).not.toBe(first);
    expect(second.values[0]).toBeGreaterThanOrEqual(first.values[0]);
    steps.close();
  });

  it("turn every vector so that the item entry of the largest size is positive", async () => {
    for (const { itemVectors, rank } of [await krylov(clickWorld(), 6), await exact(completeWorld(), 6)]) {
      for (let j = 0; j < rank; j++) {
        const column = Array.from(itemVectors).filter((_, at) => at % rank === j);
        expect(Math.max(...column)).toBe(Math.max(...column.map(Math.abs)));
      }
    }
  });

  it("give the same bytes with 1, 2 and 3 threads, and others with another seed", async () => {
    const run = async (threads: number, seed: number) =>
      truncatedSvd(clickWorld(), { rank: 20, steps: 5, threads, seed });
    const [one, two, three, other] = await Promise.all([run(1, 0), run(2, 0), run(3, 0), run(2, 1)]);
    expect(two).toEqual(one);
    expect(three).toEqual(one);
    expect(other.values).not.toEqual(one.values);
  });

  it("on the reference agree with wasm to 1e-6", async () => {
    const ratings = clickWorld();
    const reference = await truncatedSvd(ratings, { rank: 4, accuracy: 0.01, backend: "reference" });
    expect(offBy(reference.values, scipy.clicks)).toBeLessThan(1e-4);
  });
});
