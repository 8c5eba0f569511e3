/** The formulas by which both sides are judged, beside dense loops. */
import { CellValues } from "@lowrank/core";
import { describe, expect, it } from "vitest";
import { apart, implicitObjective } from "./quality.ts";

describe("implicitObjective", () => {
  it("is the sum over every cell, seen or not, written out", () => {
    const [rows, columns, rank, regularization] = [3, 4, 2, 0.3];
    const rowFactors = Float32Array.from({ length: rows * rank }, (_, i) => Math.fround(Math.sin(i + 1)));
    const columnFactors = Float32Array.from({ length: columns * rank }, (_, i) => Math.fround(Math.cos(2 * i)));
    const confidence = [
      [0, 3, 0, 1.5],
      [0, 0, 0, 0],
      [2, 0, 5, 0],
    ];
    const seen = confidence.flatMap((row, r) => row.flatMap((c, column) => (c > 0 ? [{ r, column, c }] : [])));
    const matrix = {
      rows,
      columns,
      start: Uint32Array.of(0, 2, 2, 4),
      index: Uint32Array.from(seen, ({ column }) => column),
      value: CellValues.of(seen.map(({ c }) => c)),
      time: undefined,
    };
    let expected = 0;
    for (const value of [...rowFactors, ...columnFactors]) expected += regularization * value ** 2;
    for (let r = 0; r < rows; r++) {
      for (let column = 0; column < columns; column++) {
        let score = 0;
        for (let k = 0; k < rank; k++) score += rowFactors[r * rank + k] * columnFactors[column * rank + k];
        const c = confidence[r][column];
        expected += c > 0 ? c * (1 - score) ** 2 : score ** 2;
      }
    }
    const found = implicitObjective(matrix, { rank, rowFactors, columnFactors }, regularization);
    expect(found / expected).toBeCloseTo(1, 13);
  });
});

describe("apart", () => {
  it("is the largest difference as a share of the largest number; tables of other sizes are infinitely apart", () => {
    expect(apart(Float32Array.of(1, -4, 2), Float32Array.of(1, -3, 2.5))).toBeCloseTo(1 / 3, 7);
    expect(apart(Float32Array.of(1), Float32Array.of(1, 0))).toBe(Number.POSITIVE_INFINITY);
  });
});
