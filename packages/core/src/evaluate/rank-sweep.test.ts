/** Sweeps over ranks: rows beside what factorize gives alone, optima by SciPy, and which rank is suggested and why. */
import { describe, expect, it } from "vitest";
import { als, denseNet, factorize, gradient, ials, svd, svdOptimum } from "../factorizers/index.ts";
import { completeWorld, scipy } from "../factorizers/svd/worlds.case.ts";
import { type Kernels, openKernels } from "../kernels/index.ts";
import { plantedWorld, type Ratings, randomSplit, ratingsFrom, ratingsFromDense } from "../ratings/index.ts";
import { DataError, LowrankError, normal } from "../support/index.ts";
import { evaluate } from "./evaluate.ts";
import { type RankSweepOptions, type RankSweepRow, rankSweep } from "./rank-sweep.ts";

const kernels = await openKernels({ threads: 2 });
const { ratings } = plantedWorld({ users: 200, items: 80, rank: 3, density: 0.4, noise: 0.3, seed: 4 });
const alsAt = (rank: number) =>
  als({ rank, sweeps: 8, biases: "none", regularization: 0.5, regularizationExponent: 0 });
const svdAt = (rank: number) => svd({ rank });

/** A 60 × 50 matrix of rank 3 with noise of deviation 0.2: singular values of structure near 55, of noise below 3. */
function noisyRank3() {
  const left = (u: number, k: number) => normal(11, u * 3 + k);
  const right = (i: number, k: number) => normal(12, i * 3 + k);
  return ratingsFromDense(
    Array.from({ length: 60 }, (_, u) =>
      Float64Array.from({ length: 50 }, (_, i) => {
        let value = 0.2 * normal(13, u * 50 + i);
        for (let k = 0; k < 3; k++) value += left(u, k) * right(i, k);
        return value;
      }),
    ),
  );
}

describe("rankSweep", () => {
  it("of als has at each rank the digest, loss and passes of factorize with that rank, ascending", async () => {
    const { rows, method } = await rankSweep(ratings, { ranks: [4, 1, 2], method: alsAt, seed: 7, kernels });
    expect(method).toBe("als");
    expect(rows.map(({ rank }) => rank)).toEqual([1, 2, 4]);
    for (const row of rows) {
      const { report } = await factorize(ratings, alsAt(row.rank), { seed: 7, kernels, keepHistory: false });
      expect(row).toMatchObject({ digest: report.digest, loss: report.loss[7], passes: 8, lossName: "training RMSE" });
      expect([row.heldOut, row.svdOptimum]).toEqual([undefined, undefined]);
    }
  });

  it("with a tenth held out suggests the planted rank 3, of 1 to 8, by the rule of one standard error", async () => {
    const options = { ranks: [1, 2, 3, 4, 6, 8], method: alsAt, validation: 0.1, kernels };
    const { rows, suggested } = await rankSweep(ratings, options);
    expect(suggested.rank).toBe(3);
    expect(suggested.reason).toMatch(/held-out RMSE.*standard error/);
    const [one, , three, , , eight] = rows.map(({ heldOut }) => heldOut?.value ?? Number.NaN);
    expect(three).toBeLessThan(0.6 * one);
    expect(eight).toBeGreaterThan(three);
    for (const { heldOut } of rows) expect(heldOut?.standardError).toBeGreaterThan(0);
  });

  it("the standard error is the deviation of ten groups of users over √10: near that of the RMSE of normal errors", async () => {
    const { rows } = await rankSweep(ratings, { ranks: [3], method: alsAt, validation: 0.3, kernels });
    const { value, standardError } = rows[0].heldOut ?? { value: Number.NaN, standardError: Number.NaN };
    const pairs = ratings.size * 0.3;
    const expected = value / Math.sqrt(2 * pairs);
    expect(standardError).toBeGreaterThan(expected / 3);
    expect(standardError).toBeLessThan(expected * 3);
  });

  it("takes a split, and another figure, instead of a share", async () => {
    const split = randomSplit(ratings, { testFraction: 0.2, seed: 9 });
    const heldOutBy = async (validation: RankSweepOptions["validation"]) => {
      const common = { ranks: [2], method: alsAt, metric: "mae", seed: 9, kernels } as const;
      return (await rankSweep(ratings, { ...common, validation })).rows[0].heldOut;
    };
    const given = await heldOutBy(split);
    const { model } = await factorize(split.train, alsAt(2), { seed: 9, kernels });
    const { errors } = await evaluate(model, split.test, { train: split.train, rulers: false, kernels });
    expect(given?.name).toBe("held-out MAE");
    expect(given?.value).toBeCloseTo(errors?.mae ?? Number.NaN, 12);
    // A share is the split that its seed draws, and no other.
    expect(await heldOutBy(0.2)).toEqual(given);
    const other = await heldOutBy(randomSplit(ratings, { testFraction: 0.2, seed: 10 }));
    expect(other?.value).not.toBeCloseTo(given?.value ?? Number.NaN, 6);
    const clicks = ratingsFrom(Array.from(ratings.records(), ({ user, item }) => ({ user, item })));
    const implicit = await rankSweep(clicks, {
      ranks: [2],
      method: (rank) => ials({ rank }),
      validation: 0.2,
      kernels,
    });
    expect(implicit.rows[0].heldOut?.name).toBe("held-out NDCG@10");
  });

  it("of svd is one training for all ranks: each loss and optimum is SciPy's, each digest that of factorize", async () => {
    let trainings = 0;
    const onProgress = () => trainings++;
    const { rows } = await rankSweep(completeWorld(), { ranks: [1, 3, 5], method: svdAt, kernels, onProgress });
    expect(trainings).toBe(1);
    const squares = scipy.complete.slice(0, 5).reduce((sum, value) => sum + value * value, 0);
    const whole = squares + scipy.completeRest5 ** 2;
    let left = whole;
    let done = 0;
    for (const { rank, loss, svdOptimum, digest } of rows) {
      while (done < rank) left -= scipy.complete[done++] ** 2;
      expect(svdOptimum).toMatchObject({ rank, over: "training ratings", stopped: "exact" });
      expect(svdOptimum?.optimum).toBeCloseTo(Math.sqrt(left), 9);
      expect(loss).toBeCloseTo(Math.sqrt(left / 1200), 6);
      const { report } = await factorize(completeWorld(), svd({ rank }), { kernels, keepHistory: false });
      expect(digest).toBe(report.digest);
    }
  });

  it("of a matrix of rank 2 exactly has loss and optimum 0 from that rank on, where the decomposition leaves rounding", async () => {
    const cell = (u: number, i: number) => normal(1, u) * normal(2, i) + normal(3, u) * normal(4, i);
    const exact = ratingsFromDense(
      Array.from({ length: 40 }, (_, u) => Float64Array.from({ length: 30 }, (_, i) => cell(u, i))),
    );
    const { rows } = await rankSweep(exact, { ranks: [1, 2, 3], method: svdAt, kernels });
    expect(
      rows.map(({ loss, svdOptimum }) => [loss === 0, svdOptimum?.optimum === 0, svdOptimum?.atLeast === 0]),
    ).toEqual([
      [false, false, false],
      [true, true, true],
      [true, true, true],
    ]);
    const [{ optimum }] = await svdOptimum(exact, [2]);
    expect(optimum).toBeGreaterThan(0);
  });

  it("of svd falls back to the highest rank that there is memory for; with none throws the lowest one's error", async () => {
    const noMemory = (rank: number) => new LowrankError("memory", `svd of rank ${rank} needs more`, { rank });
    const upTo = (most: number) => (rank: number) =>
      rank <= most ? svd({ rank }) : { ...svd({ rank }), start: () => Promise.reject(noMemory(rank)) };
    const whole = await rankSweep(completeWorld(), { ranks: [1, 2], method: svdAt, kernels });
    const { rows } = await rankSweep(completeWorld(), { ranks: [1, 2, 4, 5], method: upTo(2), kernels });
    const timeless = (row: RankSweepRow) => ({ ...row, seconds: undefined });
    expect(rows.slice(0, 2).map(timeless)).toEqual(whole.rows.map(timeless));
    const failure = (rank: number) => ({ code: "memory", message: noMemory(rank).message, facts: { rank } });
    expect(rows.slice(2)).toEqual([4, 5].map((rank) => ({ rank, failure: failure(rank) })));
    const none = rankSweep(completeWorld(), { ranks: [4, 5], method: upTo(2), kernels });
    await expect(none).rejects.toMatchObject({ code: "memory", facts: { rank: 4 } });
  });

  it("refuses held-out data that are neither a share nor a split", async () => {
    for (const validation of ["0.1", {}, null, { train: ratings }]) {
      const sweep = rankSweep(ratings, { ranks: [1], method: alsAt, kernels, validation: validation as never });
      await expect(sweep).rejects.toThrow("validation must be a share such as 0.1, or a split");
    }
  });

  it("of complete ratings: no loss of als is below the optimum, which is less what its biases can take up", async () => {
    const method = (rank: number) => als({ rank, center: "none", biases: "user", sweeps: 5 });
    const { rows } = await rankSweep(completeWorld(), { ranks: [4], method, kernels });
    // NumPy 2.4.6, the values from the fifth on of the matrix less the means of its rows.
    expect(rows[0].svdOptimum?.optimum).toBeCloseTo(19.266645047459008, 9);
    expect((rows[0].loss ?? 0) * Math.sqrt(1200)).toBeGreaterThan(19.266645047459008);
  });

  it("of complete ratings with a part held out: training and held-out errors together are not below the optimum of all", async () => {
    const whole = completeWorld();
    const split = randomSplit(whole, { testFraction: 0.2, seed: 3 });
    for (const center of ["none", "global"] as const) {
      const plain = { center, biases: "none", regularization: 1e-3, regularizationExponent: 0, sweeps: 30 } as const;
      const method = (rank: number) => als({ rank, ...plain });
      const { rows } = await rankSweep(whole, { ranks: [2, 5], method, kernels, validation: split });
      for (const { rank, loss = 0, heldOut, svdOptimum } of rows) {
        expect(svdOptimum).toMatchObject({ rank, over: "all ratings" });
        const squares = split.train.size * loss ** 2 + split.test.size * (heldOut?.value ?? 0) ** 2;
        expect(Math.sqrt(squares)).toBeGreaterThan(svdOptimum?.optimum ?? Number.NaN);
        // The training part alone can be: its holes are free.
        if (rank === 5) expect(Math.sqrt(split.train.size) * loss).toBeLessThan(svdOptimum?.optimum ?? Number.NaN);
      }
      if (center === "none") expect(rows[1].svdOptimum?.optimum).toBeCloseTo(scipy.completeRest5, 9);
    }
  });

  it("of complete ratings taken for clicks has no optimum and suggests none: scores of ials are no ratings", async () => {
    for (const confidence of ["constant", "linear"] as const) {
      const method = (rank: number) => ials({ rank, sweeps: 1, confidence });
      const { rows, suggested, ignored } = await rankSweep(completeWorld(), { ranks: [1, 2], method, kernels });
      expect(rows.map(({ svdOptimum }) => svdOptimum)).toEqual([undefined, undefined]);
      expect(suggested).toEqual({ rank: undefined, reason: expect.stringContaining("validation: 0.1") });
      expect(ignored).toEqual(confidence === "constant" ? ["rating"] : []);
    }
  });

  it("says in the row of a rank that diverges why, and keeps the others; when all do, throws the lowest one's error", async () => {
    const method = (rank: number) =>
      gradient({ rank, steps: 60, optimizer: "sgd", objective: "sum", learningRate: rank === 2 ? 1e6 : 1e-4 });
    const { rows, suggested } = await rankSweep(ratings, { ranks: [1, 2, 3], method, validation: 0.1, kernels });
    expect(rows.map(({ rank, failure }) => [rank, failure?.code])).toEqual([
      [1, undefined],
      [2, "divergence"],
      [3, undefined],
    ]);
    expect(rows[1]).toEqual({
      rank: 2,
      failure: {
        code: "divergence",
        message: expect.stringContaining("lower learningRate"),
        facts: expect.objectContaining({ method: "gradient" }),
      },
    });
    expect(rows[0].loss).toBeGreaterThan(0);
    expect([1, 3]).toContain(suggested.rank);
    const all = (rank: number) => gradient({ rank, optimizer: "sgd", objective: "sum", learningRate: 1e6 });
    const failing = rankSweep(ratings, { ranks: [1, 2], method: all, kernels });
    await expect(failing).rejects.toMatchObject({ code: "divergence", facts: { method: "gradient" } });
  });

  it("ends with an error that has nothing to do with a rank: of a callback, of a method, of kernels that are closed", async () => {
    const thrown = new DataError("the caller's own");
    const onProgress = ({ rank }: { rank: number }) => {
      if (rank === 2) throw thrown;
    };
    await expect(rankSweep(ratings, { ranks: [1, 2], method: alsAt, kernels, onProgress })).rejects.toBe(thrown);
    const trap = new LowrankError("kernel", "trapped");
    const broken = (rank: number) => ({ ...alsAt(rank), start: () => Promise.reject(trap) });
    const method = (rank: number) => (rank === 2 ? broken(rank) : alsAt(rank));
    await expect(rankSweep(ratings, { ranks: [1, 2], method, kernels })).rejects.toBe(trap);
  });

  it("says in its row that there was no memory for a rank", async () => {
    const none = new LowrankError("memory", "als needs more than there is", { bytes: 1e12 });
    const method = (rank: number) => (rank === 2 ? { ...alsAt(rank), start: () => Promise.reject(none) } : alsAt(rank));
    const { rows } = await rankSweep(ratings, { ranks: [1, 2], method, kernels });
    expect(rows[0].loss).toBeGreaterThan(0);
    expect(rows[1].failure).toEqual({ code: "memory", message: none.message, facts: { bytes: 1e12 } });
  });

  it("looks for optima where they cost little, or the suggestion comes of them, or they are asked for", async () => {
    const complete = (users: number, items: number) =>
      ratingsFromDense(
        Array.from({ length: users }, (_, u) =>
          Float64Array.from({ length: items }, (_, i) => normal(5, u * items + i)),
        ),
      );
    const once = (rank: number) => als({ rank, biases: "none", sweeps: 1 });
    const found = async (world: Ratings, options: Partial<RankSweepOptions>) => {
      const { rows, suggested } = await rankSweep(world, { ranks: [1], method: once, kernels, ...options });
      return [rows[0].svdOptimum?.stopped, suggested.rank];
    };
    // A side of 130: more than costs little, but all there is to suggest by, unless a part is held out.
    const middle = complete(140, 130);
    expect(await found(middle, {})).toEqual(["exact", 1]);
    expect(await found(middle, { svdOptimum: false })).toEqual([undefined, undefined]);
    expect(await found(middle, { validation: 0.1 })).toEqual([undefined, 1]);
    expect(await found(middle, { validation: 0.1, svdOptimum: true })).toEqual(["exact", 1]);
    expect(await found(completeWorld(), { validation: 0.1 })).toEqual(["exact", 1]);
    await expect(found(middle, { svdOptimum: "yes" as never })).rejects.toThrow(
      'svdOptimum must be true, false or "auto"',
    );
  });

  it("above a side of 512 looks for optima only when asked, and keeps the trained ranks when there is no memory for them", async () => {
    const large = ratingsFromDense(
      Array.from({ length: 514 }, (_, u) => Float64Array.from({ length: 513 }, (_, i) => normal(1, u) * normal(2, i))),
    );
    const own = await openKernels({ backend: "reference" });
    let opened = 0;
    const trained = { ...own, open: own.open.bind(own) };
    const short: Kernels = Object.assign(Object.create(own), {
      open: (layout: never) => {
        if (++opened === 1) return trained.open(layout);
        throw new LowrankError("memory", "no more");
      },
    });
    const once = (rank: number) => als({ rank, biases: "none", sweeps: 1 });
    const sweep = (svdOptimum: boolean | "auto") =>
      rankSweep(large, { ranks: [1], method: once, kernels: short, svdOptimum });
    expect((await sweep("auto")).rows[0].loss).toBeGreaterThan(0);
    expect(opened).toBe(1);
    opened = 0;
    const { rows } = await sweep(true);
    expect(opened).toBe(2);
    expect(rows[0].loss).toBeGreaterThan(0);
    expect(rows[0].svdOptimum).toBeUndefined();
  });

  it("carries what each training found, and what the method did not look at", async () => {
    const records = Array.from(completeWorld().records(), (record, at) => ({ ...record, time: 1000 + at }));
    const { rows, ignored } = await rankSweep(ratingsFrom(records), { ranks: [2, 40], method: alsAt, kernels });
    const codes = rows.map(({ findings }) => findings?.map(({ code }) => code));
    expect(codes[0]).not.toContain("rank-above-size");
    expect(codes[1]).toContain("rank-above-size");
    expect(ignored).toEqual(["time"]);
    const nested = await rankSweep(completeWorld(), { ranks: [2, 40], method: svdAt, kernels });
    expect(nested.rows.map(({ findings }) => findings?.length)).toEqual([0, 1]);
  });

  it("of a complete matrix of rank 3 with noise suggests 3, by Gavish and Donoho's threshold", async () => {
    const { suggested } = await rankSweep(noisyRank3(), { ranks: [1, 2, 3, 4, 5, 8], method: svdAt, kernels });
    expect(suggested.rank).toBe(3);
    expect(suggested.reason).toMatch(/^3 of 50 singular values are above the threshold/);
    const coarse = await rankSweep(noisyRank3(), { ranks: [1, 2, 8], method: svdAt, kernels });
    expect(coarse.suggested).toMatchObject({
      rank: 2,
      reason: expect.stringMatching(/; of the ranks asked for 2 comes nearest to that: try 3$/),
    });
  });

  it("counts ranks beside the biases: of rank 3 with noise plus a bias for each user and item, 3; without biases, 5", async () => {
    const plain = noisyRank3();
    const biased = ratingsFrom(
      Array.from(plain.records(), ({ user, item, rating = 0 }) => ({
        user,
        item,
        rating: rating + 20 + 8 * normal(21, Number(user)) + 8 * normal(22, Number(item)),
      })),
    );
    const at = async (biases: "none" | "user" | "item" | "both") => {
      const method = (rank: number) => als({ rank, biases, center: "none", sweeps: 1 });
      return (await rankSweep(biased, { ranks: [1, 2, 3, 4, 5, 6], method, kernels })).suggested;
    };
    expect(await at("none")).toMatchObject({ rank: 5, reason: expect.stringMatching(/^5 of 50 singular values are/) });
    expect(await at("user")).toMatchObject({ rank: 4 });
    expect(await at("item")).toMatchObject({ rank: 4 });
    const both = await at("both");
    expect(both.rank).toBe(3);
    expect(both.reason).toMatch(/^3 of 49 singular values beside the biases are above the threshold/);
  });

  it("of nets has no optimum, and suggests none where nothing is held out", async () => {
    const method = (rank: number) => denseNet({ rank, hidden: [4], epochs: 1 });
    const { rows, suggested } = await rankSweep(completeWorld(), { ranks: [2], method, kernels });
    expect(rows[0].svdOptimum).toBeUndefined();
    expect(suggested.rank).toBeUndefined();
  });

  it("of ratings with holes and nothing held out suggests none and says what to do", async () => {
    const { suggested } = await rankSweep(ratings, { ranks: [2], method: alsAt, kernels });
    expect(suggested).toEqual({ rank: undefined, reason: expect.stringContaining("validation: 0.1") });
  });

  it("gives the same rows with 1 and 3 threads", async () => {
    const rows = async (threads: number) =>
      (await rankSweep(ratings, { ranks: [1, 3], method: alsAt, validation: 0.1, threads })).rows.map(
        ({ seconds, ...row }) => row,
      );
    expect(await rows(3)).toEqual(await rows(1));
  });

  it("tells of every rank where it stands, and stops on the signal", async () => {
    const seen: string[] = [];
    const controller = new AbortController();
    const sweep = rankSweep(ratings, {
      ranks: [1, 2, 3],
      method: alsAt,
      kernels,
      signal: controller.signal,
      onProgress: ({ rank, done, ranks, training }) => {
        seen.push(`${rank}: ${done} of ${ranks}, ${training.pass}`);
        if (rank === 2 && training.pass === 2) controller.abort();
      },
    });
    await expect(sweep).rejects.toMatchObject({ code: "aborted" });
    expect(seen.slice(-3)).toEqual(["1: 0 of 3, 8", "2: 1 of 3, 1", "2: 1 of 3, 2"]);
  });

  it.each([
    [{ ranks: [] }, "ranks"],
    [{ ranks: [2, 2] }, "ranks"],
    [{ ranks: [0] }, "ranks"],
    [{ ranks: [1.5] }, "ranks"],
    [{ method: als({ rank: 2 }) }, "method"],
    [{ method: () => als({ rank: 9 }) }, "method"],
    [{ metric: "rmse" }, "metric"],
    [{ validation: 2 }, "validation"],
    [{ warm: true }, "warm"],
  ])("refuses %j by name", async (wrong, option) => {
    const options = { ranks: [2], method: alsAt, kernels, ...wrong } as unknown as RankSweepOptions;
    await expect(rankSweep(ratings, options)).rejects.toMatchObject({ code: "option", option });
  });
});
