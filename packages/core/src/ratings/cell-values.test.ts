import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Digest } from "../support/index.ts";
import { CellValues, indexArray, narrowIndexes, wideBlocks, wideIndexes } from "./cell-values.ts";
import { type CompressedRows, selectCells, transpose, transposedBytes, transposeInto } from "./compressed-rows.ts";
import { checkerboard } from "./worlds/checkerboard.ts";
import { plantedWorld } from "./worlds/planted.ts";

const halfStars = [5, 0.5, 3, 3, 4.5, 0.5];
const many = (different: number, length = different) => Float32Array.from({ length }, (_, i) => (i % different) / 8);
/** One of each form: codes, one value, floats. */
const forms: [string, Float32Array][] = [
  ["codes", many(200, 9000)],
  ["one value", new Float32Array(9000).fill(3)],
  ["floats", many(5000, 9000)],
];

describe("CellValues.of", () => {
  it("six half stars take a byte each and a table of their four values, ascending", () => {
    const { code, table } = CellValues.of(halfStars);
    expect([...table]).toEqual([0.5, 3, 4.5, 5]);
    expect([...code!]).toEqual([3, 0, 1, 1, 2, 0]);
  });

  it("the same value throughout takes 4 bytes in all, whatever the number of cells", () => {
    const ones = CellValues.of(new Float32Array(1000).fill(1));
    expect([ones.code, ones.byteLength, ones.length, ones.at(999)]).toEqual([undefined, 4, 1000, 1]);
  });

  it("256 different values have codes, 257 are floats, which are taken over", () => {
    expect(CellValues.of(many(256, 3000)).code).toHaveLength(3000);
    const values = many(257);
    expect(CellValues.of(values).code).toBe(undefined);
    expect(CellValues.of(values).table).toBe(values);
  });

  it("the table follows from the set of values alone, and -0 is 0", () => {
    const [some, others] = [CellValues.of([2, -0, 1]), CellValues.of([0, 1, 1, 2])];
    expect([...some.table]).toEqual([...others.table]);
    expect(Object.is(some.at(1), 0)).toBe(true);
  });

  it("any numbers come back as they were, rounded to 32 bits, in every way of reading them", () => {
    const numbers = fc.oneof(fc.constantFrom(1, 2, 3.5), fc.float({ noNaN: true }), fc.double({ noNaN: true }));
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 600 }), fc.nat(600), fc.nat(600), (list, a, b) => {
        const values = CellValues.of(list);
        const expected = list.map((x) => Math.fround(x) + 0);
        expect(values.length).toBe(list.length);
        expect([...values]).toEqual(expected);
        expect(list.map((_, cell) => values.at(cell))).toEqual(expected);
        expect([...values.toFloats()]).toEqual(expected);
        expect([...values.blocks()].flatMap((block) => [...block])).toEqual(expected);
        const [from, to] = [Math.min(a, b, list.length), Math.min(Math.max(a, b), list.length)];
        expect([...values.subarray(from, to)]).toEqual(expected.slice(from, to));
        const part = new Float64Array(to - from);
        values.writeTo(part, from, to);
        expect([...part]).toEqual(expected.slice(from, to));
      }),
    );
  });

  it.each(forms)("%s: counts, every, sum (to 1e-12) and facts say what the numbers say", (_, floats) => {
    const values = CellValues.of(floats);
    const counts = new Map<number, number>();
    for (const x of floats) counts.set(x, (counts.get(x) ?? 0) + 1);
    const expected = [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => a.value - b.value);
    expect(values.counts(expected.length)).toEqual(expected);
    expect(values.counts(expected.length - 1)).toBe(undefined);
    const largest = floats.reduce((a, b) => Math.max(a, b));
    expect(values.every((x) => x <= largest)).toBe(true);
    expect(values.every((x) => x < largest)).toBe(false);
    const sum = (of: (x: number) => number) => floats.reduce((total, x) => total + of(x), 0);
    const cubes = (x: number) => Math.abs(x) ** 3;
    expect(Math.abs(values.sum(cubes) / sum(cubes) - 1)).toBeLessThan(1e-12);
    const { mean, min, max } = values.facts;
    expect(Math.abs(mean - sum((x) => x) / floats.length)).toBeLessThan(1e-12 * (sum(Math.abs) / floats.length));
    expect([min, max]).toEqual([floats.reduce((a, b) => Math.min(a, b)), largest]);
  });

  it("a value that only the table of the whole has does not count", () => {
    const part = CellValues.of(halfStars).subarray(1, 4);
    expect(part.counts(9)).toEqual([
      { value: 0.5, count: 1 },
      { value: 3, count: 2 },
    ]);
    expect(part.every((x) => x < 4)).toBe(true);
    expect(part.facts).toEqual({ mean: 6.5 / 3, min: 0.5, max: 3 });
  });

  it.each(forms)("%s: the digest of 9000 numbers in blocks is that of the numbers in one array", (_, floats) => {
    const digest = new Digest().addPieces(CellValues.of(floats).blocks()).hex();
    expect(digest).toBe(new Digest().add(floats).hex());
  });
});

describe("indexes", () => {
  it("take two bytes up to 65,536 columns, then four", () => {
    expect([indexArray(3, 65_536).byteLength, indexArray(3, 65_537).byteLength]).toEqual([6, 12]);
    expect(narrowIndexes(Uint32Array.of(65_535), 65_536)).toEqual(Uint16Array.of(65_535));
    const wide = Uint32Array.of(65_536);
    expect(narrowIndexes(wide, 65_537)).toBe(wide);
    expect(wideIndexes(wide)).toBe(wide);
    expect(wideIndexes(Uint16Array.of(7))).toEqual(Uint32Array.of(7));
  });

  it("of two bytes leave the digest that they leave in four", () => {
    const index = Uint16Array.from({ length: 9001 }, (_, i) => 7 * i);
    const digest = new Digest().addPieces(wideBlocks(index)).hex();
    expect(digest).toBe(new Digest().add(Uint32Array.from(index)).hex());
  });
});

const scale = { min: 0.5, max: 5, step: 0.5 };
const worlds: [string, CompressedRows][] = [
  ["codes", plantedWorld({ users: 40, items: 30, scale, mean: 3, seed: 1 }).ratings.byUser],
  ["one value", checkerboard({ size: 20 }).train.byUser],
  ["floats", plantedWorld({ users: 40, items: 30, noise: 0.3, density: 0.5, seed: 1 }).ratings.byUser],
];
const triples = ({ rows, start, index, value }: CompressedRows) =>
  Array.from({ length: rows }, (_, row) =>
    Array.from(index.subarray(start[row], start[row + 1]), (column, e) => [row, column, value.at(start[row] + e)]),
  ).flat();

describe.each(worlds)("cells whose values are %s", (form, cells) => {
  it("keep their form and their table when they are selected or transposed", () => {
    const sorted = (all: number[][]) => all.map((one) => one.join()).sort();
    const byColumn = transpose(cells);
    const table = form === "floats" ? 0 : byColumn.value.table.byteLength;
    const bytes = byColumn.start.byteLength + byColumn.index.byteLength + byColumn.value.byteLength - table;
    expect(transposedBytes(cells)).toBe(bytes);
    expect(sorted(triples(byColumn).map(([r, c, x]) => [c, r, x]))).toEqual(sorted(triples(cells)));
    const keep = Uint8Array.from(cells.index, (_, cell) => (cell % 3 === 0 ? 0 : 1));
    const selected = selectCells(cells, keep);
    expect(triples(selected)).toEqual(triples(cells).filter((_, cell) => cell % 3 !== 0));
    for (const { value, index } of [byColumn, selected]) {
      expect(index).toBeInstanceOf(Uint16Array);
      if (form !== "floats") expect(value.table).toBe(cells.value.table);
      expect(value.code instanceof Uint8Array).toBe(form === "codes");
    }
  });

  it("are written by column as numbers, as codes where they have them, or without values", () => {
    const expected = transpose(cells);
    const size = cells.index.length;
    const arrays = () => ({ start: new Uint32Array(cells.columns + 1), index: new Uint32Array(size) });
    const floats = { ...arrays(), value: new Float32Array(size) };
    transposeInto(cells, floats);
    expect([...floats.value]).toEqual([...expected.value]);
    expect([...floats.index]).toEqual([...expected.index]);
    const bare = { ...arrays(), value: undefined };
    transposeInto(cells, bare);
    expect([...bare.index]).toEqual([...expected.index]);
    const codes = { ...arrays(), value: new Uint8Array(size) };
    if (form === "codes") {
      transposeInto(cells, codes);
      expect(codes.value).toEqual(expected.value.code);
    } else expect(() => transposeInto(cells, codes)).toThrow("these cells have no codes");
  });
});
