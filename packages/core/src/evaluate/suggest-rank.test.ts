/** Which rank is suggested of figures that are given, and why. */
import { describe, expect, it } from "vitest";
import type { TrainedRank } from "./rank-sweep.ts";
import { suggestRank } from "./suggest-rank.ts";

describe("suggestRank", () => {
  /** Ten groups far from each other; their differences between two rows deviate by √10 · 0.01 of the sizes given. */
  const row = (rank: number, value: number, sway: number | undefined): TrainedRank => ({
    rank,
    loss: 1 / rank,
    lossName: "training RMSE",
    passes: 1,
    heldOut: {
      name: "held-out RMSE",
      value,
      groups: sway === undefined ? [] : Array.from({ length: 10 }, (_, g) => value + g + (g % 2 === 0 ? sway : -sway)),
      standardError: undefined,
    },
    svdOptimum: undefined,
    findings: [],
    seconds: 0,
    digest: "",
  });

  it("takes the smallest rank behind the best by at most one standard error of the difference over the groups", () => {
    // A sway of 0.03 in every second group gives differences with a standard error of 0.03 · √(10/9) / √10 = 0.01.
    const rows = [row(1, 1, 0.03), row(2, 0.909, 0.03), row(4, 0.9, 0), row(8, 0.95, 0.03)];
    expect(suggestRank(rows, { better: "lower", spectrum: undefined }).rank).toBe(2);
    const further = [row(1, 1, 0.03), row(2, 0.911, 0.03), row(4, 0.9, 0)];
    const strict = suggestRank(further, { better: "lower", spectrum: undefined });
    expect(strict).toEqual({ rank: 4, reason: expect.stringContaining("every smaller rank is behind by more") });
    const smallest = suggestRank(rows, { better: "higher", spectrum: undefined });
    expect(smallest).toEqual({ rank: 1, reason: expect.stringContaining("there is no smaller rank among these") });
  });

  it("takes the smallest of ranks that differ by less than 0.01 %, however sure the difference is", () => {
    const rows = [row(2, 1, 0), row(3, 0.50004, 0), row(8, 0.5, 0)];
    const { rank, reason } = suggestRank(rows, { better: "lower", spectrum: undefined });
    expect(rank).toBe(3);
    expect(reason).toBe(
      "the smallest whose held-out RMSE of 0.5000 is the best, but for differences of less than 0.01 %",
    );
  });

  it("takes the best where too few users are held out, and says so", () => {
    const { rank, reason } = suggestRank([row(1, 1, undefined), row(2, 0.9, undefined)], {
      better: "lower",
      spectrum: undefined,
    });
    expect(rank).toBe(2);
    expect(reason).toContain("too few users");
  });

  it("uses the published factor for a square matrix, 2.86 medians (Gavish & Donoho 2014: 2.858)", () => {
    const rows = [1, 2, 3].map((rank) => row(rank, 1, undefined));
    const at = (value: number) =>
      suggestRank(rows, { better: undefined, spectrum: { values: [9, value, 1, 1, 1], short: 5, long: 5 } }).rank;
    expect([at(2.87), at(2.85)]).toEqual([2, 1]);
  });
});
