import { DataError, OptionError } from "@lowrank/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Element, elements, parseXml, textOf } from "../../test/xml.ts";
import { type LineChartOptions, lineChart } from "./index.ts";

const ranks = [1, 2, 4, 8];
const sweep: LineChartOptions = {
  title: "Rank sweep",
  x: { label: "rank", scale: "log", ticks: ranks },
  y: { label: "RMSE", from: 0 },
  series: [
    { name: "training", x: ranks, y: [0.9, 0.8, 0.6, 0.2] },
    { name: "held out", x: ranks, y: [0.95, 0.9, 0.92, 1.1] },
    { name: "SVD optimum", x: ranks, y: [0.9, 0.79, 0.55, 0.1], dashed: true },
  ],
  lines: [
    { label: "suggested: 2", x: 2 },
    { label: "mean", y: 1 },
  ],
};

/** Every number of a path: M and L with two, H, V, h and v with one, made absolute. */
function pointsOf(path: string): [number, number][] {
  const points: [number, number][] = [];
  let [x, y] = [0, 0];
  for (const [, letter, numbers] of path.matchAll(/([MLHVhv])([^MLHVhv]*)/g)) {
    const [a, b] = numbers.trim().split(/[ ,]+/).map(Number);
    if (letter === "H") x = a;
    else if (letter === "h") x += a;
    else if (letter === "V") y = a;
    else if (letter === "v") y += a;
    else [x, y] = [a, b];
    points.push([x, y]);
  }
  return points;
}

const drawn = (svg: Element, series: number) =>
  elements(svg, "path").filter(
    (path) => path.attributes.class === `lr-line${series}` && path.attributes.d.includes("L"),
  );

function coordinates(svg: Element): [number, number][] {
  return [
    ...elements(svg, "path")
      .filter((path) => path.attributes.class !== "lr-hatch")
      .flatMap((path) => pointsOf(path.attributes.d)),
    ...elements(svg, "text").map(({ attributes }): [number, number] => [Number(attributes.x), Number(attributes.y)]),
    ...elements(svg, "circle").map(({ attributes }): [number, number] => [
      Number(attributes.cx),
      Number(attributes.cy),
    ]),
    ...elements(svg, "polygon").flatMap(({ attributes }) =>
      attributes.points.split(" ").map((point) => point.split(",").map(Number) as [number, number]),
    ),
  ];
}

function expectInside(svg: Element): void {
  const [, , width, height] = svg.attributes.viewBox.split(" ").map(Number);
  for (const [x, y] of coordinates(svg)) {
    expect(Number.isFinite(x) && Number.isFinite(y)).toBe(true);
    expect(x >= 0 && x <= width && y >= 0 && y <= height, `${x}, ${y}`).toBe(true);
  }
}

describe("lineChart", () => {
  it("gives one SVG with title, description, the names of 3 series and 2 lines, 4 marks each, and no script or address", () => {
    const text = lineChart(sweep);
    const svg = parseXml(text);
    expect(svg.attributes).toMatchObject({ role: "img", viewBox: "0 0 720 400" });
    const words = elements(svg, "text").map(textOf);
    expect(words).toEqual(
      expect.arrayContaining([
        "Rank sweep",
        "rank",
        "RMSE",
        "training",
        "held out",
        "SVD optimum",
        "suggested: 2",
        "mean",
      ]),
    );
    expect(words).toEqual(expect.arrayContaining(["1", "2", "4", "8", "0.0", "0.2", "1.0"]));
    expect(textOf(elements(svg, "desc")[0])).toContain("training: 0.9 at 1, 0.2 at 8");
    const [title, description] = svg.attributes["aria-labelledby"].split(" ");
    expect(elements(svg, "title")[0].attributes.id).toBe(title);
    expect(elements(svg, "desc")[0].attributes.id).toBe(description);
    expect([elements(svg, "circle").length, elements(svg, "polygon").length]).toEqual([4, 8]);
    expect(text.replace('xmlns="http://www.w3.org/2000/svg"', "")).not.toMatch(
      /script|href|http|url\(|@import|foreignObject/,
    );
    expectInside(svg);
  });

  it("writes the name of an upright line above the area, where no line of the chart can be", () => {
    const svg = parseXml(lineChart(sweep));
    const name = elements(svg, "text").find((element) => textOf(element) === "suggested: 2");
    const top = Math.min(...drawn(svg, 0).flatMap((path) => pointsOf(path.attributes.d).map(([, y]) => y)));
    const rule = elements(svg, "path").find(({ attributes }) => /^M\S+ \S+V/.test(attributes.d));
    expect(Number(name?.attributes.y)).toBeLessThan(Math.min(top, Number(rule?.attributes.d.match(/ (\S+)V/)?.[1])));
  });

  it("puts ranks 1, 2, 4, 8 at equal steps on a logarithmic axis, and larger values higher", () => {
    const [path] = drawn(parseXml(lineChart(sweep)), 0);
    const points = pointsOf(path.attributes.d);
    const steps = points.slice(1).map(([x], at) => x - points[at][0]);
    for (const step of steps) expect(step).toBeCloseTo(steps[0], 1);
    // Linear from 0: heights are in proportion to 0.9 − 0.8 : 0.8 − 0.6 : 0.6 − 0.2.
    const rises = points.slice(1).map(([, y], at) => y - points[at][1]);
    expect(rises[1] / rises[0]).toBeCloseTo(2, 1);
    expect(rises[2] / rises[0]).toBeCloseTo(4, 1);
  });

  it("keeps every coordinate in the picture and larger values never lower, for any values, sizes and names", () => {
    const value = fc.oneof(
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      fc.double({ min: 1e-12, max: 1e-9, noNaN: true }),
    );
    const series = fc.record({
      name: fc.string({ unit: "binary", maxLength: 40 }),
      y: fc.array(value, { minLength: 2, maxLength: 40 }),
    });
    const sizes = fc.record({
      width: fc.integer({ min: 320, max: 2000 }),
      height: fc.integer({ min: 200, max: 2000 }),
    });
    fc.assert(
      fc.property(
        fc.array(series, { minLength: 1, maxLength: 6 }),
        sizes,
        fc.string({ unit: "binary" }),
        (all, size, title) => {
          const chart: LineChartOptions = {
            ...size,
            title,
            x: { label: title },
            y: { label: title },
            series: all.map(({ name, y }) => ({ name, y, x: y.map((_, at) => at) })),
          };
          const svg = parseXml(lineChart(chart));
          expectInside(svg);
          for (const [at, { y }] of all.entries()) {
            const points = pointsOf(drawn(svg, at)[0].attributes.d);
            if (points.length !== y.length) continue;
            for (let n = 1; n < y.length; n++)
              if (y[n] > y[n - 1]) expect(points[n][1]).toBeLessThanOrEqual(points[n - 1][1]);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("shows hostile words as words", () => {
    const hostile = `</text><script>alert("1")</script>&amp;'\u0000\u001b[31m\ud800]]>`;
    const svg = parseXml(
      lineChart({
        ...sweep,
        title: hostile,
        subtitle: hostile,
        series: [{ name: hostile, x: [1], y: [1] }],
        lines: [{ label: hostile, y: 1 }],
      }),
    );
    expect(elements(svg, "script")).toEqual([]);
    expect(textOf(elements(svg, "title")[0])).toBe(`</text><script>alert("1")</script>&amp;'  [31m\ufffd]]>`);
  });

  it("draws 15,000 points in under 40 kB, with the first, last, lowest and highest of them", () => {
    const x = Array.from({ length: 15_000 }, (_, at) => at + 1);
    const y = x.map((at) => (at === 7000 ? 50 : at === 9000 ? -50 : 1000 / at));
    const text = lineChart({
      ...sweep,
      x: { label: "step" },
      y: { label: "loss" },
      series: [{ name: "loss", x, y }],
      lines: [],
    });
    expect(text.length).toBeLessThan(40_000);
    const points = pointsOf(drawn(parseXml(text), 0)[0].attributes.d);
    const [left, right] = [points[0][0], points[points.length - 1][0]];
    const at = (column: number) => left + ((column - 1) / 14_999) * (right - left);
    const highest = points.reduce((best, point) => (point[1] < best[1] ? point : best));
    const lowest = points.reduce((best, point) => (point[1] > best[1] ? point : best));
    expect(highest[0]).toBeCloseTo(at(1), 1);
    expect(lowest[0]).toBeCloseTo(at(9000), 1);
    expect(
      points.some(([column, row]) => Math.abs(column - at(7000)) < 0.1 && row < points[points.length - 1][1]),
    ).toBe(true);
  });

  it("marks round numbers: 0 to 20 by fives, decades from 10⁻⁶ to 10², thousands with commas", () => {
    const texts = (y: number[], scale: "linear" | "log") => {
      const svg = parseXml(
        lineChart({
          title: "t",
          x: { label: "x" },
          y: { label: "y", scale },
          series: [{ name: "s", x: y.map((_, at) => at + 0.5), y }],
        }),
      );
      return elements(svg, "text")
        .filter(({ attributes }) => attributes["text-anchor"] === "end")
        .map(textOf);
    };
    expect(texts([0.3, 19.5], "linear")).toEqual(["0", "5", "10", "15", "20"]);
    expect(texts([-3, 3], "linear")).toEqual(["−3", "−2", "−1", "0", "1", "2", "3"]);
    expect(texts([0.1, 0.32], "linear")).toEqual(["0.10", "0.15", "0.20", "0.25", "0.30", "0.35"]);
    expect(texts([1e-6, 100], "log")).toEqual(["10⁻⁶", "0.0001", "0.01", "1", "100"]);
    expect(texts([3926, 40_000], "log")).toEqual(["5,000", "10,000", "20,000"]);
    expect(texts([2e9, 3e9], "linear").slice(0, 2)).toEqual(["2×10⁹", "2.2×10⁹"]);
  });

  it("keeps names at least 16 pixels apart where lines end at the same height", () => {
    const series = Array.from({ length: 6 }, (_, at) => ({ name: `s${at}`, x: [1, 2], y: [at, 1] }));
    const svg = parseXml(lineChart({ ...sweep, lines: [], x: { label: "x" }, series }));
    const heights = elements(svg, "text")
      .filter((one) => /^s\d$/.test(textOf(one)))
      .map(({ attributes }) => Number(attributes.y))
      .sort((a, b) => a - b);
    expect(heights).toHaveLength(6);
    for (let at = 1; at < 6; at++) expect(heights[at] - heights[at - 1]).toBeGreaterThanOrEqual(16);
  });

  it("gives the same text for the same chart, and colours for dark pages", () => {
    expect(lineChart(sweep)).toBe(lineChart({ ...sweep }));
    expect(lineChart(sweep)).toContain("@media (prefers-color-scheme:dark)");
  });

  it.each<[string, object, typeof DataError | typeof OptionError, string]>([
    [
      "NaN",
      { series: [{ name: "s", x: [1, 2], y: [1, Number.NaN] }] },
      DataError,
      'y 2 of series "s" is NaN; give finite numbers',
    ],
    ["text", { series: [{ name: "s", x: [1, "2"], y: [1, 2] }] }, DataError, 'x 2 of series "s" is "2"'],
    [
      "zero on a logarithmic axis",
      { x: { label: "x", scale: "log" }, series: [{ name: "s", x: [0, 1], y: [1, 2] }] },
      DataError,
      'x 1 of series "s" is 0; a logarithmic axis needs numbers above 0',
    ],
    ["columns of two lengths", { series: [{ name: "s", x: [1], y: [1, 2] }] }, DataError, 'series "s" has 1 x and 2 y'],
    ["a series without points", { series: [{ name: "s", x: [], y: [] }] }, DataError, "at least one"],
    ["no series", { series: [] }, OptionError, "series must be a list of 1 to 6"],
    [
      "seven series",
      { series: Array.from({ length: 7 }, () => ({ name: "s", x: [1], y: [1] })) },
      OptionError,
      "draw more of them in further charts",
    ],
    ["a value outside the axis", { y: { label: "y", to: 0.5 } }, DataError, "it lies outside the axis, … to 0.5"],
    [
      "an axis that ends before it begins",
      { x: { label: "x", from: 3, to: 2 }, series: [{ name: "s", x: [2.5], y: [1] }], lines: [] },
      DataError,
      "outside the axis, 3 to 2",
    ],
    [
      "a line at both x and y",
      { lines: [{ label: "l", x: 1, y: 1 }] },
      OptionError,
      "lines[0] must be at one x or at one y",
    ],
    ["an unknown option", { serie: [] }, OptionError, 'did you mean "series"?'],
    ["an unknown option of an axis", { x: { label: "x", min: 1 } }, OptionError, "lineChart, x has no such option"],
    ["an axis without a label", { x: {} }, OptionError, "x.label must be text"],
    ["a title that is no text", { title: 5 }, OptionError, "title must be text"],
    ["a width of 10", { width: 10 }, OptionError, "width must be a whole number from 320 to 2000"],
    ["another scale", { x: { label: "x", scale: "sqrt" } }, OptionError, 'x.scale must be one of "linear", "log"'],
  ])("refuses %s", (_, change, kind, message) => {
    const draw = () => lineChart({ ...sweep, ...change } as LineChartOptions);
    expect(draw).toThrow(kind);
    expect(draw).toThrow(message);
  });
});
