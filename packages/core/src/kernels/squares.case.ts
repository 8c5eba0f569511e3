/** The behaviour of squares.ts, once for every backend: plain dense sums in f64 beside it. */
import { expect, it } from "vitest";
import { Digest, uniform } from "../support/index.ts";
import { type Kernels, type SparseRows, slot } from "./kernels.ts";
import { inverseBlocks, inverseScratch, nearestScratch, squareStride } from "./squares.ts";
import { EPSILON, fillEntries, rowLengths } from "./worlds.case.ts";

/** A sparse matrix of `rows` × `columns`, by rows and by columns, values from 0 to 2, some of them 0. */
function pairsWorld(kernels: Kernels, rows: number, columns: number, count: number) {
  const lengths = rowLengths(rows, columns, 7);
  const entries = lengths.reduce((sum, n) => sum + n, 0);
  const w = kernels.open({
    rowStart: slot.u32(rows + 1),
    rowIndex: slot.u32(entries),
    rowValue: slot.f32(entries),
    columnStart: slot.u32(columns + 1),
    columnIndex: slot.u32(entries),
    columnValue: slot.f32(entries),
    norm: slot.f32(rows),
    otherNorm: slot.f32(rows),
    index: slot.u32(rows * count),
    similarity: slot.f32(rows * count),
    found: slot.u32(rows),
    square: slot.f64(squareStride(rows) ** 2),
    inverse: slot.f64(inverseScratch(rows)),
    scratch: slot.perThread(nearestScratch(rows)),
  });
  const { at } = w;
  const byRow: SparseRows = { start: at.rowStart, index: at.rowIndex };
  fillEntries(byRow, lengths, columns, 5);
  for (let e = 0; e < entries; e++) at.rowValue[e] = Math.max(0, uniform(3, e, -0.5, 2));
  const byColumn: [number, number][][] = Array.from({ length: columns }, () => []);
  const dense = Array.from({ length: rows }, () => new Float64Array(columns));
  for (let r = 0; r < rows; r++) {
    let squares = 0;
    for (let e = at.rowStart[r]; e < at.rowStart[r + 1]; e++) {
      byColumn[at.rowIndex[e]].push([r, at.rowValue[e]]);
      dense[r][at.rowIndex[e]] = at.rowValue[e];
      squares += at.rowValue[e] ** 2;
    }
    at.norm[r] = Math.sqrt(squares);
    at.otherNorm[r] = squares + 1;
  }
  at.columnIndex.set(byColumn.flat().map(([r]) => r));
  at.columnValue.set(byColumn.flat().map(([, value]) => value));
  for (let c = 0; c < columns; c++) at.columnStart[c + 1] = at.columnStart[c] + byColumn[c].length;
  const columnRows: SparseRows = { start: at.columnStart, index: at.columnIndex };
  const matrix = { rows: byRow, rowValue: at.rowValue, columns: columnRows, columnValue: at.columnValue };
  const product = (r: number, s: number) => dense[r].reduce((sum, x, c) => sum + x * dense[s][c], 0);
  return { w, at, matrix, product, rows, count };
}

type World = ReturnType<typeof pairsWorld>;

const nearestOf = ({ at, matrix, rows, count }: World, normed: boolean, shrinkage: number) => ({
  ...matrix,
  norm: normed ? at.norm : undefined,
  otherNorm: normed ? at.otherNorm : undefined,
  shrinkage,
  first: 0,
  last: rows,
  count,
  index: at.index,
  similarity: at.similarity,
  found: at.found,
});

export function squareCases(kernels: Kernels): void {
  it.each([
    [true, 0],
    [true, 3],
    [false, 0],
  ])("the 6 nearest of 40 rows are those of dense products, norms %s, shrinkage %f", async (normed, shrinkage) => {
    const world = pairsWorld(kernels, 40, 90, 6);
    const { w, at, rows, count, product } = world;
    await w.nearestRows(nearestOf(world, normed, shrinkage));
    let lists = 0;
    for (let r = 0; r < rows; r++) {
      const exact = Array.from({ length: rows }, (_, s) =>
        product(r, s) === 0 ? 0 : product(r, s) / (normed ? at.norm[r] * at.otherNorm[s] + shrinkage : 1),
      );
      const others = exact.map((_, s) => s).filter((s) => s !== r && exact[s] > 0);
      others.sort((a, b) => exact[b] - exact[a] || a - b);
      expect(at.found[r]).toBe(Math.min(count, others.length));
      for (let place = 0; place < at.found[r]; place++) {
        const got = at.similarity[r * count + place];
        expect(Math.abs(got - exact[at.index[r * count + place]])).toBeLessThanOrEqual(100 * EPSILON * got);
        // Of nearly equal ones either may come first: the value at the place is what counts.
        expect(Math.abs(got - exact[others[place]])).toBeLessThanOrEqual(100 * EPSILON * got);
      }
      if (at.found[r] === count) lists++;
    }
    expect(lists).toBeGreaterThan(20);
    w.close();
  });

  it("of equally near rows the smaller number comes first, and stays when there is room for 2 of 4", async () => {
    const w = kernels.open({
      start: slot.u32(6),
      index: slot.u32(5),
      value: slot.f32(5),
      columnStart: slot.u32(2),
      columnIndex: slot.u32(5),
      out: slot.u32(4),
      similarity: slot.f32(4),
      found: slot.u32(5),
      scratch: slot.perThread(nearestScratch(5)),
    });
    const { at } = w;
    at.start.set([0, 1, 2, 3, 4, 5]);
    at.value.fill(1);
    at.columnIndex.set([4, 2, 0, 3, 1]);
    at.columnStart[1] = 5;
    await w.nearestRows({
      rows: { start: at.start, index: at.index },
      rowValue: at.value,
      columns: { start: at.columnStart, index: at.columnIndex },
      columnValue: at.value,
      norm: undefined,
      otherNorm: undefined,
      shrinkage: 0,
      first: 1,
      last: 3,
      count: 2,
      index: at.out,
      similarity: at.similarity,
      found: at.found,
    });
    expect(Array.from(at.out)).toEqual([0, 2, 0, 1]);
    expect(Array.from(at.found.subarray(0, 2))).toEqual([2, 2]);
    w.close();
  });

  it("the square of 40 rows plus 2.5 on its diagonal agrees with dense products, both triangles, padding a unit", async () => {
    const { w, at, matrix, product, rows } = pairsWorld(kernels, 40, 90, 1);
    at.square.fill(9);
    // In ranges, which are whole only together
    for (const [first, last] of [
      [0, 7],
      [23, rows],
      [7, 23],
    ]) {
      await w.squareOfRows({ ...matrix, diagonal: 2.5, first, last, out: at.square });
    }
    const stride = squareStride(rows);
    for (let r = 0; r < stride; r++) {
      for (let s = 0; s < stride; s++) {
        const inside = r < rows && s < rows;
        const exact = inside ? product(r, s) + (r === s ? 2.5 : 0) : r === s ? 1 : 0;
        if (!(Math.abs(at.square[r * stride + s] - exact) <= 1e-13 * exact)) expect.fail(`${r}, ${s} is not ${exact}`);
      }
    }
    w.close();
  });

  it.each([1, 15, 16, 64, 65, 150, 203])(
    "the inverse of a square of %i rows times the square is the unit matrix to 1e-11, block by block or at once",
    async (size) => {
      const once = pairsWorld(kernels, size, 90, 1);
      const blocks = pairsWorld(kernels, size, 90, 1);
      const stride = squareStride(size);
      for (const { w, at, matrix } of [once, blocks]) {
        await w.squareOfRows({ ...matrix, diagonal: 0.5, first: 0, last: size, out: at.square });
      }
      const square = once.at.square.slice();
      const last = inverseBlocks(size);
      const problem = ({ at }: World) => ({ matrix: at.square, size, scratch: at.inverse });
      expect(await once.w.invert({ ...problem(once), first: 0, last })).toBeUndefined();
      for (let b = 0; b < last; b++) await blocks.w.invert({ ...problem(blocks), first: b, last: b + 1 });
      expect(blocks.at.square).toEqual(once.at.square);
      const inverse = once.at.square.slice();
      let worst = 0;
      for (let r = 0; r < size; r++) {
        for (let c = 0; c < size; c++) {
          let sum = r === c ? -1 : 0;
          for (let k = 0; k < size; k++) sum += square[r * stride + k] * inverse[k * stride + c];
          worst = Math.max(worst, Math.abs(sum));
        }
      }
      expect(worst).toBeLessThan(1e-11);
      once.w.close();
      blocks.w.close();
    },
  );

  it("a matrix that is not positive definite is refused at the column where that shows, 70", async () => {
    const size = 100;
    const { w, at } = pairsWorld(kernels, size, 20, 1);
    const stride = squareStride(size);
    at.square.fill(0);
    for (let i = 0; i < stride; i++) at.square[i * stride + i] = i === 70 ? -2 : 1;
    const problem = { matrix: at.square, size, scratch: at.inverse, first: 0, last: inverseBlocks(size) };
    expect(await w.invert(problem)).toEqual({ row: 70, pivot: 70, value: -2 });
    w.close();
  });

  it("lengths and ranges that do not fit are refused with the code shape", async () => {
    const world = pairsWorld(kernels, 20, 30, 2);
    const { w, at, matrix } = world;
    const refused = expect.objectContaining({ code: "shape" });
    const nearest = nearestOf(world, true, 0);
    await expect(w.nearestRows({ ...nearest, last: 21 })).rejects.toEqual(refused);
    await expect(w.nearestRows({ ...nearest, count: 3 })).rejects.toEqual(refused);
    await expect(w.nearestRows({ ...nearest, otherNorm: undefined })).rejects.toEqual(refused);
    await expect(w.nearestRows({ ...nearest, norm: at.norm.subarray(1) })).rejects.toEqual(refused);
    const square = { ...matrix, diagonal: 1, first: 0, last: 20, out: at.square };
    await expect(w.squareOfRows({ ...square, out: at.square.subarray(1) })).rejects.toEqual(refused);
    await expect(w.squareOfRows({ ...square, last: 21 })).rejects.toEqual(refused);
    const inverse = { matrix: at.square, size: 20, scratch: at.inverse, first: 0, last: 1 };
    await expect(w.invert({ ...inverse, last: 2 })).rejects.toEqual(refused);
    await expect(w.invert({ ...inverse, scratch: at.inverse.subarray(1) })).rejects.toEqual(refused);
    w.close();
    await expect(w.invert(inverse)).rejects.toMatchObject({ code: "closed" });
    await expect(w.nearestRows(nearest)).rejects.toMatchObject({ code: "closed" });
    await expect(w.squareOfRows(square)).rejects.toMatchObject({ code: "closed" });
  });
}

/** The bytes of all routines on fixed matrices, for comparing thread counts. */
export async function squareDigest(kernels: Kernels): Promise<string> {
  const world = pairsWorld(kernels, 135, 90, 9);
  const { w, at, matrix, rows } = world;
  const digest = new Digest();
  await w.nearestRows(nearestOf(world, true, 1.5));
  digest.add(at.found).add(at.index).add(at.similarity);
  await w.squareOfRows({ ...matrix, diagonal: 0.5, first: 0, last: rows, out: at.square });
  await w.invert({ matrix: at.square, size: rows, scratch: at.inverse, first: 0, last: inverseBlocks(rows) });
  digest.add(at.square);
  w.close();
  return digest.hex();
}
