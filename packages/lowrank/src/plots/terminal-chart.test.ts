import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { displayWidth } from "../terminal-text.ts";
import { type TerminalChartOptions, terminalChart } from "./index.ts";

const ranks = [1, 2, 3, 4];
const chart: TerminalChartOptions = {
  title: "Sweep",
  x: { label: "rank", ticks: ranks },
  y: { label: "loss", from: 0, to: 9 },
  series: [{ name: "training", x: ranks, y: [9, 6, 3, 0] }],
  width: 40,
  height: 4,
};

describe("terminalChart", () => {
  it("puts 9, 6, 3, 0 at ranks 1 to 4 into the four rows from top to bottom, left to right, in ASCII", () => {
    expect(terminalChart({ ...chart, unicode: false })).toEqual([
      "Sweep",
      "loss",
      "  |o....",
      "  |    ........o....",
      "  |                .......o....",
      "0 +                            .......o",
      "  ++-----------+----------+-----------+",
      "   1           2          3           4",
      "                   rank",
    ]);
  });

  it("draws Braille by default, a mark for each series, dashed levels, and what they stand for", () => {
    const lines = terminalChart({
      ...chart,
      series: [...chart.series, { name: "bound", x: ranks, y: [8, 5, 2, 0], dashed: true }],
      lines: [
        { label: "goal", y: 4.5 },
        { label: "suggested: 3", x: 3 },
      ],
      width: 60,
      height: 12,
    });
    const text = lines.join("\n");
    expect(text).toMatch(/[\u2800-\u28ff]/);
    for (const sign of "●■┄┆") expect(text).toContain(sign);
    expect(lines.at(-1)).toBe("  ● training   ■ bound   ┄┄ goal   ┆ suggested: 3");
    // Both end at 0, where the second one's mark stands beside the first one's.
    expect([...text].filter((sign) => sign === "●")).toHaveLength(5);
    expect([...text].filter((sign) => sign === "■")).toHaveLength(5);
    expect(text).toContain("■●");
  });

  it.each([
    [0.4, 1.2],
    [0, 1],
    [1.49, 1.56],
    [734, 771],
    [2, 9],
  ])("from %d to %d has its ticks at equal distances, the ends among them, in 10 to 20 rows", (low, high) => {
    const series = [{ name: "training", x: ranks, y: [high, 3, 2, 0].map((y) => Math.min(high, Math.max(low, y))) }];
    const lines = terminalChart({ ...chart, y: { label: "loss" }, series, height: undefined });
    const rows = lines.slice(
      2,
      lines.findIndex((line) => line.includes("└")),
    );
    expect(rows.length).toBeGreaterThanOrEqual(10);
    expect(rows.length).toBeLessThanOrEqual(20);
    const ticks = rows.flatMap((line, row) => (line.includes("┤") ? [row] : []));
    expect([ticks[0], ticks.at(-1)]).toEqual([0, rows.length - 1]);
    const distances = new Set(ticks.slice(1).map((row, at) => row - ticks[at]));
    expect(distances.size).toBe(1);
  });

  it("keeps to its width and rows for any values and words, and to ASCII when asked to", () => {
    const word = fc.string({ unit: "binary", maxLength: 60 });
    const series = fc.record({
      name: word,
      y: fc.array(fc.double({ min: -1e30, max: 1e30, noNaN: true }), { minLength: 1, maxLength: 60 }),
    });
    const size = fc.record({
      width: fc.integer({ min: 40, max: 120 }),
      height: fc.integer({ min: 4, max: 30 }),
      unicode: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(series, { minLength: 1, maxLength: 6 }), word, size, (all, title, options) => {
        const lines = terminalChart({
          ...options,
          title,
          x: { label: title },
          y: { label: title },
          series: all.map(({ name, y }) => ({ name, y, x: y.map((_, at) => at) })),
          lines: [{ label: title, y: all[0].y[0] }],
        });
        for (const line of lines) {
          expect(displayWidth(line)).toBeLessThanOrEqual(options.width);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
          expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
          if (!options.unicode) expect(line).toMatch(/^[\x20-\x7e]*$/);
        }
        expect(lines.length).toBeGreaterThanOrEqual(options.height + 5);
      }),
      { numRuns: 50 },
    );
  });

  it("marks a long curve now and then when there are several, and not when it is alone", () => {
    const x = Array.from({ length: 500 }, (_, at) => at);
    const one = { name: "one", x, y: x.map((at) => 500 - at) };
    const alone = terminalChart({ ...chart, x: { label: "x" }, y: { label: "y" }, series: [one], width: 80 }).join(
      "\n",
    );
    expect(alone).not.toContain("●");
    const two = terminalChart({
      ...chart,
      x: { label: "x" },
      y: { label: "y" },
      series: [one, { ...one, name: "two", y: x }],
      width: 80,
    }).join("\n");
    expect([...two].filter((sign) => sign === "●").length).toBeGreaterThan(4);
    expect([...two].filter((sign) => sign === "■").length).toBeGreaterThan(4);
  });

  it("refuses what a chart cannot be, as lineChart does", () => {
    expect(() => terminalChart({ ...chart, width: 10 })).toThrow(
      "terminalChart: width must be a whole number from 40 to 300",
    );
    expect(() => terminalChart({ ...chart, colour: true } as object as TerminalChartOptions)).toThrow("no such option");
    expect(() => terminalChart({ ...chart, unicode: "no" as never })).toThrow("unicode must be true or false");
    expect(() => terminalChart({ ...chart, series: [{ name: "s", x: [1], y: [Number.NaN] }] })).toThrow(
      "y 1 of series",
    );
  });
});
