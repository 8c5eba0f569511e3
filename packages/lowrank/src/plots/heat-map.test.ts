import { DataError, OptionError } from "@lowrank/core";
import { describe, expect, it } from "vitest";
import { elements, parseXml, textOf } from "../../test/xml.ts";
import { type HeatMapOptions, heatMap } from "./index.ts";

const { NaN: NaN_ } = Number;
const before = [
  [5, 3, NaN_],
  [1, NaN_, 4],
];
const after = [
  [4.97, 2.98, 2.18],
  [1.02, 0.5, 4.01],
];
const map: HeatMapOptions = {
  title: "Before and after",
  panels: [
    { title: "A", matrix: before },
    { title: "W·H", matrix: after },
  ],
};

describe("heatMap", () => {
  it("shows 12 cells, 2 of them hatched, 2 outlined, the others' numbers with the decimals of their own panel", () => {
    const svg = parseXml(heatMap(map));
    const cells = elements(svg, "rect").filter((rect) => rect.children.length > 0);
    expect(cells).toHaveLength(12);
    expect(cells.filter(({ attributes }) => attributes.fill === "url(#lr-hatch)")).toHaveLength(2);
    const outlines = elements(svg, "rect").filter(({ attributes }) => attributes["stroke-dasharray"] !== undefined);
    expect(outlines).toHaveLength(3); // and one in the legend
    const words = elements(svg, "text").map(textOf);
    expect(words).toEqual(
      expect.arrayContaining(["5", "3", "1", "4", "4.97", "2.98", "0.50", "missing", "missing in A"]),
    );
    expect(cells.map((cell) => textOf(cell))).toContain("A [0, 2]: missing");
    expect(cells.map((cell) => textOf(cell))).toContain("W·H [1, 1]: 0.5");
    expect(textOf(elements(svg, "desc")[0])).toBe("A: 2 × 3, 2 cells missing. W·H: 2 × 3. Values from 0.5 to 5.");
  });

  it("gives larger values darker cells, in one scale for all panels, and keeps every cell in the picture", () => {
    const svg = parseXml(heatMap(map));
    const brightness = (colour: string) =>
      [1, 3, 5].reduce((sum, at) => sum + Number.parseInt(colour.slice(at, at + 2), 16), 0);
    const values = [...before, ...after].flat();
    const cells = elements(svg, "rect").filter((rect) => rect.children.length > 0);
    const shades = cells
      .map(({ attributes }, at) => ({ value: values[at], fill: attributes.fill }))
      .filter(({ value }) => !Number.isNaN(value))
      .sort((a, b) => a.value - b.value)
      .map(({ fill }) => brightness(fill));
    for (let at = 1; at < shades.length; at++) expect(shades[at]).toBeLessThanOrEqual(shades[at - 1]);
    const [, , width, height] = svg.attributes.viewBox.split(" ").map(Number);
    for (const { attributes } of elements(svg, "rect")) {
      expect(Number(attributes.x ?? 0) + Number(attributes.width)).toBeLessThanOrEqual(width);
      expect(Number(attributes.y ?? 0) + Number(attributes.height)).toBeLessThanOrEqual(height);
    }
  });

  it("leaves numbers out of matrices of more than 12 columns, and draws 64 × 64", () => {
    const matrix = Array.from({ length: 64 }, (_, row) =>
      Float32Array.from({ length: 64 }, (_, column) => row * column),
    );
    const svg = parseXml(heatMap({ title: "t", panels: [{ title: "A", matrix }] }));
    expect(elements(svg, "rect").filter((rect) => rect.children.length > 0)).toHaveLength(4096);
    expect(elements(svg, "text").map(textOf)).toEqual(["t", "A", "0", "3,970"]);
  });

  it("draws a constant matrix and hostile names", () => {
    const svg = parseXml(heatMap({ title: "<b>&", subtitle: "]]>", panels: [{ title: `"'<`, matrix: [[3, 3]] }] }));
    expect(textOf(elements(svg, "title")[0])).toBe("<b>&");
  });

  it.each<[string, object, typeof DataError | typeof OptionError, string]>([
    [
      "∞",
      { panels: [{ title: "A", matrix: [[1, Number.POSITIVE_INFINITY]] }] },
      DataError,
      '[0, 1] of panel "A" is Infinity',
    ],
    [
      "ragged rows",
      { panels: [{ title: "A", matrix: [[1], [1, 2]] }] },
      DataError,
      'row 1 of panel "A" has 2 cells, row 0 has 1',
    ],
    [
      "too large a matrix",
      { panels: [{ title: "A", matrix: [new Float32Array(65)] }] },
      DataError,
      "is 1 × 65; give 1 to 64 rows and columns",
    ],
    ["an empty matrix", { panels: [{ title: "A", matrix: [] }] }, DataError, "is 0 × undefined"],
    ["nothing but gaps", { panels: [{ title: "A", matrix: [[NaN_]] }] }, DataError, "every cell is missing"],
    ["no panels", { panels: [] }, OptionError, "panels must be a list of 1 to 4"],
    ["an unknown option", { pannels: [] }, OptionError, 'did you mean "panels"?'],
    ["a scale that ends before it begins", { from: 5, to: 1 }, OptionError, "to must be a finite number of at least 5"],
  ])("refuses %s", (_, change, kind, message) => {
    const draw = () => heatMap({ ...map, ...change } as HeatMapOptions);
    expect(draw).toThrow(kind);
    expect(draw).toThrow(message);
  });
});
