/** The behaviour of the products of tall tables, once for every backend: dense f64 sums within the bounds of products.ts. */
import { expect, it } from "vitest";
import { Digest, uniform } from "../support/index.ts";
import { type Kernels, slot, type Table } from "./kernels.ts";
import { innerProductScratch } from "./products.ts";
import { EPSILON, fillEntries, fillRandom, RANKS, rowLengths } from "./worlds.case.ts";

const at = (table: Table, row: number, column: number) => table.data[row * table.stride + column];

function isWithin(got: number, exact: number, bound: number, what: string): void {
  if (!(Math.abs(got - exact) <= bound)) expect.fail(`${what} is ${got}, not ${exact}: off by more than ${bound}`);
}

/** Sparse rows of 0 to `columns` entries beside a random table, in one workspace. */
function sparseWorld(kernels: Kernels, rank: number, rows: number, columns: number) {
  const lengths = rowLengths(rows, columns, rank);
  const count = lengths.reduce((sum, n) => sum + n, 0);
  const w = kernels.open({
    right: slot.table(columns, rank),
    out: slot.table(rows, rank),
    start: slot.u32(rows + 1),
    index: slot.u32(count),
    value: slot.f32(count),
  });
  const entries = { start: w.at.start, index: w.at.index };
  fillEntries(entries, lengths, columns, 5);
  fillRandom(w.at.right, rank);
  for (let e = 0; e < count; e++) w.at.value[e] = uniform(3, e, -2, 2);
  fillRandom(w.at.out, 4);
  return { w, problem: { entries, value: w.at.value, right: w.at.right, out: w.at.out } };
}

function tallWorld(kernels: Kernels, rows: number, leftRank: number, rightRank: number) {
  const scratch = innerProductScratch({ rows, rank: leftRank }, { rank: rightRank });
  const w = kernels.open({
    left: slot.table(rows, leftRank),
    right: slot.table(rows, rightRank),
    matrix: slot.table(leftRank, rightRank),
    out: slot.f64(leftRank * rightRank),
    scratch: slot.f64(scratch),
  });
  fillRandom(w.at.left, 1, -1, 2);
  fillRandom(w.at.right, 2, -1, 2);
  fillRandom(w.at.matrix, 3);
  return w;
}

export function productCases(kernels: Kernels): void {
  it.each(RANKS)("a sparse matrix times a table agrees with dense sums, padding zero, at rank %i", async (rank) => {
    const { w, problem } = sparseWorld(kernels, rank, 12, 600);
    await w.sparseProduct(problem);
    const { entries, value, right, out } = problem;
    for (let r = 0; r < out.rows; r++) {
      const n = entries.start[r + 1] - entries.start[r];
      for (let c = 0; c < out.stride; c++) {
        let exact = 0;
        let size = 0;
        for (let e = entries.start[r]; e < entries.start[r + 1]; e++) {
          const term = value[e] * at(right, entries.index[e], c);
          exact += term;
          size += Math.abs(term);
        }
        isWithin(at(out, r, c), exact, (Math.min(n, 256) + n / 256 + 1) * EPSILON * size, `row ${r}, column ${c}`);
      }
    }
    w.close();
  });

  it.each(RANKS)("inner products of columns agree with dense sums to 66 · 2⁻²⁴ at rank %i", async (rank) => {
    for (const rows of [0, 1, 65, 1300]) {
      const w = tallWorld(kernels, rows, rank, 19);
      const { left, right, out, scratch } = w.at;
      out.fill(7);
      await w.innerProducts({ left, right, out, scratch });
      for (let a = 0; a < rank; a++) {
        for (let b = 0; b < 19; b++) {
          let exact = 0;
          let size = 0;
          for (let r = 0; r < rows; r++) {
            exact += at(left, r, a) * at(right, r, b);
            size += Math.abs(at(left, r, a) * at(right, r, b));
          }
          isWithin(out[a * 19 + b], exact, 66 * EPSILON * size, `columns ${a} and ${b} of ${rows} rows`);
        }
      }
      w.close();
    }
  });

  it.each(RANKS)("a table times a small matrix, alone and added, agrees with dense sums at rank %i", async (rank) => {
    for (const rows of [0, 1, 7, 130]) {
      const w = tallWorld(kernels, rows, 21, rank);
      const { left, right, matrix } = w.at;
      const matrixOfRank = { ...matrix, rank };
      for (const add of [false, true]) {
        const before = right.data.slice();
        await w.tallProduct({ left, matrix: matrixOfRank, out: right, add });
        for (let r = 0; r < rows; r++) {
          for (let c = 0; c < right.stride; c++) {
            let exact = add ? before[r * right.stride + c] : 0;
            let size = Math.abs(exact);
            for (let a = 0; a < 21; a++) {
              exact += at(left, r, a) * at(matrix, a, c);
              size += Math.abs(at(left, r, a) * at(matrix, a, c));
            }
            isWithin(at(right, r, c), exact, 23 * EPSILON * size, `row ${r}, column ${c}`);
          }
        }
      }
      w.close();
    }
  });

  it("the first 16 columns of a table of 48 are multiplied and written as a table of their own", async () => {
    const w = tallWorld(kernels, 50, 48, 16);
    const own = tallWorld(kernels, 50, 16, 16);
    const { left, right, matrix, scratch, out } = w.at;
    for (let r = 0; r < 50; r++) own.at.left.data.set(left.data.subarray(r * 48, r * 48 + 16), r * 16);
    const view = { ...left, rank: 16 };
    await w.innerProducts({ left: view, right, out, scratch });
    await own.innerProducts({ left: own.at.left, right: own.at.right, out: own.at.out, scratch: own.at.scratch });
    expect(out.slice(0, 256)).toEqual(own.at.out.slice(0, 256));
    const rest = left.data.slice();
    await w.tallProduct({ left: right, matrix: { ...matrix, rows: 16 }, out: view, add: false });
    await own.tallProduct({ left: own.at.right, matrix: own.at.matrix, out: own.at.left, add: false });
    for (let r = 0; r < 50; r++) {
      expect(left.data.slice(r * 48, r * 48 + 16)).toEqual(own.at.left.data.slice(r * 16, r * 16 + 16));
      expect(left.data.slice(r * 48 + 16, r * 48 + 48)).toEqual(rest.slice(r * 48 + 16, r * 48 + 48));
    }
    w.close();
    own.close();
  });

  it("tables that do not fit together are refused with the code shape", async () => {
    const w = tallWorld(kernels, 20, 5, 6);
    const { left, right, matrix, out, scratch } = w.at;
    const entries = { start: new Uint32Array(3), index: new Uint32Array(0) };
    const refused = expect.objectContaining({ code: "shape" });
    await expect(w.innerProducts({ left, right, out: out.subarray(1), scratch })).rejects.toEqual(refused);
    await expect(w.innerProducts({ left, right: matrix, out, scratch })).rejects.toEqual(refused);
    await expect(w.tallProduct({ left: right, matrix, out: right, add: false })).rejects.toEqual(refused);
    const value = new Float32Array(0);
    await expect(w.sparseProduct({ entries, value, right, out: left })).rejects.toEqual(refused);
    w.close();
    await expect(w.innerProducts({ left, right, out, scratch })).rejects.toMatchObject({ code: "closed" });
    await expect(w.tallProduct({ left, matrix, out: right, add: true })).rejects.toMatchObject({ code: "closed" });
    await expect(w.sparseProduct({ entries, value, right, out: right })).rejects.toMatchObject({ code: "closed" });
  });
}

/** The bytes of all products on fixed tables, for comparing thread counts. */
export async function productDigest(kernels: Kernels): Promise<string> {
  const digest = new Digest();
  const rank = 33;
  const { w, problem } = sparseWorld(kernels, rank, 333, 300);
  await w.sparseProduct(problem);
  digest.add(problem.out.data);
  w.close();
  const tall = tallWorld(kernels, 2601, rank, 20);
  const { left, right, matrix, out, scratch } = tall.at;
  await tall.innerProducts({ left, right, out, scratch });
  await tall.tallProduct({ left, matrix, out: right, add: true });
  digest.add(out).add(right.data);
  tall.close();
  return digest.hex();
}
