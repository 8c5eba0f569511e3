/** What pages and tables say of figures, and that the files there are say what the results hold. */
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { benchmarksPage, markdown, time, timeOf, times } from "./page.ts";
import { type Comparison, type Result, readResults, resultsFolder } from "./results.ts";

describe("the files there are", () => {
  it("docs/benchmarks.md says what bench/results holds; `npm run bench -- docs` makes it", async () => {
    const page = fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url));
    expect(await readFile(page, "utf8")).toBe(benchmarksPage(await readResults()));
  });

  it("every result is of a table there is, and its .md is made from its .json", async () => {
    const results = await readResults();
    const names = results.flatMap(({ name }) => [`${name}.json`, `${name}.md`]);
    expect((await readdir(resultsFolder)).sort()).toEqual(names.sort());
    for (const result of results) {
      expect(await readFile(`${resultsFolder}${result.name}.md`, "utf8")).toBe(`# ${markdown(result)}`);
    }
  });
});

const comparison: Comparison = {
  what: "a world, rank 8",
  rival: "Rival",
  measure: "seconds",
  ours: 3,
  theirs: 2,
  better: "lower",
};

function result(some: Partial<Result>): Result {
  return {
    name: "some",
    title: "Some table",
    notes: ["What it is of."],
    versions: { rival: "1.2" },
    columns: [
      { key: "name", title: "who" },
      { key: "time", title: "time" },
    ],
    rows: [{ name: "Rival", time: "2.00 s" }],
    comparisons: [],
    details: {},
    measured: { on: "2026-01-31", coresBusy: 0.2, loadAtEnd: 2.1 },
    machine: { processor: "one", cores: 2 },
    ...some,
  };
}

describe("benchmarksPage", () => {
  it("lists exactly the comparisons that a rival wins, lower or higher being better", () => {
    const page = benchmarksPage([
      result({
        comparisons: [
          comparison,
          { ...comparison, what: "won", ours: 1 },
          { ...comparison, what: "lists", measure: "lists per second", ours: 100, theirs: 250, better: "higher" },
          { ...comparison, what: "won too", ours: 300, theirs: 250, better: "higher" },
        ],
      }),
    ]);
    expect(page).toContain("In 2 of the 4 comparisons below:");
    expect(page).toContain("| a world, rank 8 | Rival | seconds | 3 | 2 | 1.5 × |");
    expect(page).toContain("| lists | Rival | lists per second | 100 | 250 | 2.5 × |");
    expect(page).not.toContain("| won");
  });

  it("says so when no rival is ahead, and names each rival that is missing once", () => {
    const absent = result({ missing: [{ rival: "Gone", why: "no such package" }] });
    const page = benchmarksPage([absent, absent]);
    expect(page).toContain("In none of the 0 comparisons below.");
    expect(page.match(/- Gone: no such package/g)).toHaveLength(1);
  });
});

describe("markdown", () => {
  it("shows the columns in their order, machine, versions, day and load", () => {
    expect(markdown(result({ columns: [...result({}).columns].reverse() }))).toBe(
      [
        "Some table",
        "",
        "What it is of.",
        "",
        "| time | who |",
        "| --- | --- |",
        "| 2.00 s | Rival |",
        "",
        "Measured on 2026-01-31, 0.2 cores busy before, load 2.1 at the end: processor one, cores 2, rival 1.2.",
        "",
      ].join("\n"),
    );
  });
});

describe("a machine that was busy before", () => {
  it("is told below the table, one that was not is not", () => {
    const busy = (coresBusy: number) => result({ measured: { on: "2026-01-31", coresBusy, loadAtEnd: 9 } });
    expect(markdown(busy(3.2))).toContain("The machine was busy with other jobs");
    expect(markdown(busy(0.4))).not.toContain("busy with other jobs");
    expect(markdown({ ...busy(3.2), untimed: true })).not.toContain("busy with other jobs");
  });
});

describe("figures", () => {
  it("times have three digits and the largest unit of which there is one", () => {
    expect([time(75.26), time(1), time(0.0321), time(3.21e-6), time(4.5e-8)]).toEqual([
      "75.3 s",
      "1.00 s",
      "32.1 ms",
      "3.21 µs",
      "45.0 ns",
    ]);
  });

  it("the quickest and slowest round stand in the unit of the median", () => {
    const standing = { name: "x", secondsEach: 1.2, least: 0.95, most: 130, quality: 0 };
    expect(timeOf(standing)).toBe("1.20 s (0.950–130)");
  });

  it("ratios have two digits, three from 100 on", () => {
    expect([times(0.123), times(27.4), times(480.6)]).toEqual(["0.12 ×", "27 ×", "481 ×"]);
  });
});
