/** Sweeps as tables and charts, and the parsing of `--ranks`. */
import type { TrainedRank } from "@lowrank/core";
import { describe, expect, it } from "vitest";
import { parseXml } from "../../test/xml.ts";
import { stackedCharts } from "../plots/index.ts";
import { UsageError } from "./exit.ts";
import { ranks } from "./flags.ts";
import { optimumNote, type SweepRow, suggestionOf, sweepCharts, sweepRows, sweepTable } from "./sweep-view.ts";

const row = (rank: number, loss: number, heldOut: number, seconds: number): SweepRow => ({
  rank,
  loss,
  lossName: "training RMSE",
  heldOut: { name: "held-out RMSE", value: heldOut },
  optimum: undefined,
  seconds,
});
const rows: readonly SweepRow[] = [row(1, 0.9, 0.95, 0.5), row(8, 0.7, 0.88, 1.25), row(64, 0.3, 1.02, 4)];
const shape = { width: 100, times: true, unicode: true };

function trainedRank(
  lossName: string,
  over: NonNullable<TrainedRank["svdOptimum"]>["over"],
  held: string | undefined,
): TrainedRank {
  return {
    ...rows[0],
    lossName,
    svdOptimum: { rank: 1, optimum: 6, atLeast: 6, stopped: "exact", over },
    heldOut: held === undefined ? undefined : { name: held, value: 0.95, groups: [], standardError: undefined },
    findings: [],
    passes: 1,
    digest: "",
  };
}

describe("a sweep over ranks", () => {
  it("is a table with a row for each rank, the suggested one marked", () => {
    expect(sweepTable(rows, [], 8, shape)).toEqual([
      "  rank  training RMSE  held-out RMSE    time",
      "     1         0.9000         0.9500  0.50 s",
      "     8         0.7000         0.8800   1.3 s  ← suggested",
      "    64         0.3000          1.020   4.0 s",
    ]);
  });

  it("leaves out the times where one training served all ranks, and marks none where none is suggested", () => {
    expect(sweepTable(rows.slice(0, 1), [], undefined, { ...shape, times: false })).toEqual([
      "  rank  training RMSE  held-out RMSE",
      "     1         0.9000         0.9500",
    ]);
  });

  it("shows the SVD optimum where it is known, a dash where it is not", () => {
    const some = [{ ...rows[0], optimum: { value: 0.85, of: "loss" as const } }, rows[1]];
    const [head, first, second] = sweepTable(some, [], 1, shape);
    expect(head).toContain("training RMSE  SVD optimum  held-out RMSE");
    expect(first).toContain("0.8500");
    expect(second).toContain("–");
    const [{ series }] = sweepCharts(some, 1, "als");
    const known = series.find(({ name }) => name === "SVD optimum");
    expect(known).toMatchObject({ x: [1], y: [0.85], dashed: true });
  });

  it("says of a rank that could not be trained that it failed, in its place, and has no point for it in the chart", () => {
    const lines = sweepTable(rows, [16], 8, shape);
    expect(lines.slice(2, 5)).toEqual([
      "     8         0.7000         0.8800   1.3 s  ← suggested",
      "    16              –              –       –  failed",
      "    64         0.3000          1.020   4.0 s",
    ]);
    const failure = { code: "divergence", message: "diverged", facts: {} };
    expect(sweepRows([{ rank: 16, failure }], {}, 400)).toEqual([]);
  });

  it("is in ASCII alone where the terminal has no more", () => {
    const lines = sweepTable(rows, [16], 8, { ...shape, unicode: false });
    expect(lines.join("\n")).toMatch(/^[\x20-\x7e\n]+$/);
    expect(lines[2]).toContain("<- suggested");
  });

  it.each([
    ["training RMSE", undefined, 0.3],
    ["RMSE on the way", undefined, 0.3],
    ["loss", "norm", 6],
    ["loss", "sum", 36],
    ["loss", "half", 18],
    ["loss", "mean", 0.09],
    ["objective per rating", undefined, undefined],
  ])("gives a distance of 6 over 400 cells in the unit of %s (objective %s): %s", (lossName, objective, expected) => {
    const [{ optimum }] = sweepRows([trainedRank(lossName, "training ratings", undefined)], { objective }, 400);
    if (expected === undefined) expect(optimum).toBeUndefined();
    else expect(optimum).toEqual({ value: expect.closeTo(expected, 12), of: "loss" });
  });

  it("of all ratings, some held out, is an RMSE beside the held-out one, whatever the loss is, with a note", () => {
    const [row] = sweepRows([trainedRank("loss", "all ratings", "held-out RMSE")], { objective: "sum" }, 400);
    expect(row.optimum).toEqual({ value: expect.closeTo(0.3, 12), of: "RMSE over all" });
    expect(optimumNote([row])).toBe(
      "SVD optimum: what the RMSE over training and held-out ratings together cannot be below",
    );
    const [held, loss] = sweepCharts([row, { ...row, rank: 2 }], undefined, "gradient");
    expect(held.series.map(({ name }) => name)).toEqual(["held-out RMSE", "SVD optimum"]);
    expect(loss.series.map(({ name }) => name)).toEqual(["loss"]);
    const [ranking] = sweepRows([trainedRank("training RMSE", "all ratings", "held-out NDCG@10")], {}, 400);
    expect(ranking.optimum).toBeUndefined();
    expect(optimumNote(rows)).toBeUndefined();
  });

  it("has no optimum where the steps of its decomposition were used up", () => {
    const row = trainedRank("training RMSE", "training ratings", undefined);
    const open = { rank: 1, optimum: 6, atLeast: undefined, stopped: "steps", over: "training ratings" } as const;
    expect(sweepRows([{ ...row, svdOptimum: open }], {}, 400)[0].optimum).toBeUndefined();
  });

  it("has one chart for figures of one unit, and doubling ranks at equal steps", () => {
    const charts = sweepCharts(rows, 8, "als, ratings.csv");
    expect(charts).toHaveLength(1);
    expect(charts[0]).toMatchObject({
      title: "RMSE by rank",
      subtitle: "als, ratings.csv",
      x: { scale: "log", ticks: [1, 8, 64] },
    });
    expect(charts[0].series.map(({ name }) => name)).toEqual(["held-out RMSE", "training RMSE"]);
    expect(charts[0].lines).toEqual([{ label: "suggested: 8", x: 8 }]);
    expect(sweepCharts(rows.slice(0, 2), 8, "als")[0].x.scale).toBe("linear");
  });

  it("has a chart for each of two units, in one SVG below one another", () => {
    const clicks = rows.map((row) => ({
      ...row,
      lossName: "objective per rating",
      heldOut: { name: "held-out NDCG@10", value: row.rank / 100 },
    }));
    const charts = sweepCharts(clicks, 8, "ials");
    expect(charts.map(({ title }) => title)).toEqual(["Held-out NDCG@10 by rank", "Objective per rating by rank"]);
    const svg = parseXml(stackedCharts(charts));
    expect(svg.attributes.viewBox).toBe("0 0 720 812");
    const inside = svg.children.filter((child) => typeof child !== "string");
    expect(inside.map(({ name, attributes }) => [name, attributes.y])).toEqual([
      ["svg", "0"],
      ["svg", "412"],
    ]);
    expect(parseXml(stackedCharts(charts.slice(1))).attributes.viewBox).toBe("0 0 720 400");
    expect(() => stackedCharts([])).toThrow("charts must be a list of charts");
  });
});

describe("the suggestion", () => {
  const of = (heldOut: boolean, rank: number | undefined, reason: string) =>
    suggestionOf({
      rows: [1, 2].map((each) => ({
        ...rows[0],
        rank: each,
        heldOut: heldOut ? { name: "held-out RMSE", value: 1, groups: [], standardError: undefined } : undefined,
        svdOptimum: undefined,
        findings: [],
        passes: 1,
        digest: "",
      })),
      suggested: { rank, reason },
    }).reason;

  it("names the option as a flag where nothing says which rank", () => {
    expect(of(false, undefined, "hold out a share (validation: 0.1) to see")).toBe(
      "hold out a share (--validation 0.1) to see",
    );
  });

  it("says to go on where the best on held-out ratings is the highest rank tried", () => {
    expect(of(true, 2, "it is the best")).toBe("it is the best; no higher one was tried, so try some");
    expect(of(true, 1, "it is the best")).toBe("it is the best");
    expect(of(false, 2, "it is above the threshold")).toBe("it is above the threshold");
  });
});

describe("the suggestion of the highest rank that there can be", () => {
  it("does not send anyone higher", () => {
    const trained = trainedRank("training RMSE", "training ratings", "held-out RMSE");
    const suggested = { rank: 1, reason: "it is the best" };
    const other = { ...trained, rank: 0 };
    expect(suggestionOf({ rows: [other, trained], suggested }, 1).reason).toBe("it is the best");
    expect(suggestionOf({ rows: [other, trained], suggested }, 2).reason).toMatch(/; no higher one was tried/);
  });
});

describe("the axis of a share", () => {
  it("ends at 1, and that of an error where round numbers do", () => {
    const at = (name: string, values: readonly number[]) =>
      sweepCharts(
        values.map((value, i) => ({ ...rows[0], rank: i + 1, optimum: undefined, heldOut: { name, value } })),
        undefined,
        "a world",
      )[0].y.to;
    expect([
      at("held-out NDCG@10", [0.7, 1]),
      at("held-out NDCG@10", [0.1, 0.2]),
      at("held-out RMSE", [0.7, 1]),
    ]).toEqual([...[1, undefined, undefined]]);
  });
});

describe("the suggestion where ranks failed", () => {
  it("says of the highest trained that higher ones failed", () => {
    const trained = trainedRank("training RMSE", "training ratings", "held-out RMSE");
    const failure = { code: "divergence", message: "diverged", facts: {} };
    const suggested = { rank: 1, reason: "it is the best" };
    expect(suggestionOf({ rows: [trained, { rank: 2, failure }], suggested }).reason).toBe(
      "it is the best; higher ones failed",
    );
  });
});

describe("--ranks", () => {
  const parse = (text: string) => ranks("--ranks")(text, undefined);

  it("takes lists and ranges, in any order", () => {
    expect(parse("1,2,4,8")).toEqual([1, 2, 4, 8]);
    expect(parse("1-9")).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(parse("16, 1-3,1024")).toEqual([1, 2, 3, 16, 1024]);
  });

  it.each([
    ["0", "must be ranks from 1 to 1024"],
    ["4-2", "must be ranks from 1 to 1024"],
    ["1,,2", "must be ranks from 1 to 1024"],
    ["1025", "must be ranks from 1 to 1024"],
    ["1-", "must be ranks from 1 to 1024"],
    ["2.5", "must be ranks from 1 to 1024"],
    ["1-4,3", "has rank 3 twice"],
    ["1-100", "must be at most 64 ranks"],
  ])("refuses %s", (text, message) => {
    expect(() => parse(text)).toThrow(UsageError);
    expect(() => parse(text)).toThrow(`--ranks ${message}`);
  });
});
