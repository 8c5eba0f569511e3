/**
 * The behaviour of every backend, once: called by `kernels.test.ts` for reference, and for wasm in each build, memory
 * kind and thread count. Error bounds are those of `kernels.ts`; the formulas compared with are dense, in f64, in
 * `worlds.case.ts`.
 */
import { describe, expect, it } from "vitest";
import { Digest } from "../support/index.ts";
import { codesLength } from "./codes.ts";
import { descentCases } from "./descent.case.ts";
import { fillTable, type Kernels, type RowProblem, rowStride, slot, unpadded } from "./kernels.ts";
import { nonNegativeCases } from "./nonnegative.case.ts";
import { productCases } from "./products.case.ts";
import { rowCases } from "./rows.case.ts";
import { squareCases } from "./squares.case.ts";
import { topNCases } from "./top-n.case.ts";
import { EPSILON, explicitWorld, fillRandom, implicitWorld, RANKS, type RowWorld } from "./worlds.case.ts";

export function kernelCases(kernels: Kernels): void {
  describe("gram", () => gramCases(kernels));
  rowCases(kernels);
  describe("topN", () => topNCases(kernels));
  describe("pairs", () => pairCases(kernels));
  describe("products of tall tables", () => productCases(kernels));
  describe("non-negative rows", () => nonNegativeCases(kernels));
  describe("pairs of sparse rows", () => squareCases(kernels));
  descentCases(kernels);
  describe("workspaces", () => workspaceCases(kernels));
}

function gramCases(kernels: Kernels): void {
  it.each(RANKS)("agrees with dense sums to (rows + 16) · 2⁻²⁴ per entry, padding zero, at rank %i", async (rank) => {
    for (const rows of [0, 1, 2, 33, 700]) {
      const w = kernels.open({ table: slot.table(rows, rank), out: slot.f32(rowStride(rank) ** 2) });
      fillRandom(w.at.table, rank, -1, 2);
      w.at.out.fill(7);
      await w.gram(w.at.table, w.at.out);
      const { data, stride } = w.at.table;
      for (let a = 0; a < stride; a++) {
        for (let b = 0; b < stride; b++) {
          let exact = 0;
          let size = 0;
          for (let r = 0; r < rows; r++) exact += data[r * stride + a] * data[r * stride + b];
          for (let r = 0; r < rows; r++) size += Math.abs(data[r * stride + a] * data[r * stride + b]);
          const error = Math.abs(w.at.out[a * stride + b] - exact);
          if (error > (rows + 16) * EPSILON * size) expect.fail(`entry ${a}, ${b} of ${rows} rows is off by ${error}`);
        }
      }
      w.close();
    }
  });

  it("is the same for a table of 3 rows whatever stood in `out` before", async () => {
    const w = kernels.open({ table: slot.table(3, 5), a: slot.f32(256), b: slot.f32(256) });
    fillRandom(w.at.table, 1);
    w.at.b.fill(Number.NaN);
    await w.gram(w.at.table, w.at.a);
    await w.gram(w.at.table, w.at.b);
    expect(w.at.b).toEqual(w.at.a);
    w.close();
  });
}

function pairCases(kernels: Kernels): void {
  it.each(RANKS)("agrees with dense sums to (k + 16) · 2⁻²⁴ of its terms at rank %i", async (rank) => {
    const count = 101;
    const w = kernels.open({
      left: slot.table(7, rank),
      right: slot.table(9, rank),
      leftRow: slot.u32(count),
      rightRow: slot.u32(count),
      out: slot.f32(count),
    });
    const { left, right, leftRow, rightRow, out } = w.at;
    fillRandom(left, 1);
    fillRandom(right, 2);
    for (let p = 0; p < count; p++) {
      leftRow[p] = (p * 5) % 7;
      rightRow[p] = (p * 7) % 9;
    }
    await w.pairs({ left, right, leftRow, rightRow, out });
    for (let p = 0; p < count; p++) {
      let exact = 0;
      let size = 0;
      for (let i = 0; i < rank; i++) {
        const term = left.data[leftRow[p] * left.stride + i] * right.data[rightRow[p] * right.stride + i];
        exact += term;
        size += Math.abs(term);
      }
      expect(Math.abs(out[p] - exact)).toBeLessThanOrEqual((rank + 16) * EPSILON * size);
    }
    const empty = leftRow.subarray(0, 0);
    await w.pairs({ left, right, leftRow: empty, rightRow: empty, out });
    w.close();
  });
}

function workspaceCases(kernels: Kernels): void {
  it("arrays are zero and as declared, also after another workspace was closed", async () => {
    for (let repeat = 0; repeat < 3; repeat++) {
      const w = kernels.open({
        t: slot.table(3, 17),
        a: slot.f32(5),
        b: slot.u32(6),
        c: slot.f64(7),
        d: slot.u8(8),
        none: slot.u32(0),
      });
      expect(w.at.t).toMatchObject({ rows: 3, rank: 17, stride: 32 });
      expect([w.at.t.data, w.at.a, w.at.b, w.at.c, w.at.d, w.at.none].map((x) => x.length)).toEqual([
        96, 5, 6, 7, 8, 0,
      ]);
      for (const array of [w.at.t.data, w.at.a, w.at.b, w.at.c, w.at.d]) {
        expect(array.every((value) => value === 0)).toBe(true);
        array.fill(9);
      }
      await w.gram(w.at.t, new Float32Array(0)).then(
        () => expect.fail("a Gram matrix into an array of length 0 was accepted"),
        (error) => expect(error).toMatchObject({ code: "shape" }),
      );
      w.close();
      w.close();
    }
  });

  it("every routine after close is refused with the code closed, and one called before it is finished", async () => {
    const { problem, workspace, loss } = explicitWorld(kernels, { rank: 3 });
    const { at } = workspace;
    const running = workspace.solveRows(problem, { kind: "cholesky" });
    workspace.close();
    expect(await running).toBeUndefined();
    const query = at.index.subarray(0, 0);
    const none = { itemBias: undefined, codes: new Uint8Array(0), excluded: undefined, allowed: undefined };
    const lists = { n: 1, item: query, score: at.value, listed: query };
    for (const call of [
      () => workspace.gram(at.fixed, at.gram),
      () => workspace.solveRows(problem, { kind: "cholesky" }),
      () => workspace.rowLoss(problem, loss),
      () => workspace.rowGradients(problem, loss),
      () => workspace.encode({ items: at.fixed, itemBias: undefined, codes: none.codes }),
      () => workspace.topN({ query, queries: at.out, items: at.fixed, ...none, ...lists }),
      () => workspace.pairs({ left: at.out, right: at.fixed, leftRow: query, rightRow: query, out: at.value }),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "closed", message: expect.stringContaining("open another") });
    }
  });

  it("bytesFor covers the arrays", () => {
    const bytes = kernels.bytesFor({ t: slot.table(1000, 20), v: slot.f64(10) });
    expect(bytes).toBeGreaterThanOrEqual(1000 * 32 * 4 + 80);
  });

  it("a layout that no host can give is refused naming the bytes", () => {
    const layout = { t: slot.table(2 ** 40, 64) };
    expect(() => kernels.open(layout)).toThrow(expect.objectContaining({ code: "memory" }));
    expect(() => kernels.open(layout)).toThrow(String(kernels.bytesFor(layout)));
  });

  it("calls on one workspace and on several may overlap", async () => {
    const worlds = [1, 2, 3].map((seed) => explicitWorld(kernels, { rank: 12, seed, rows: 60 }));
    const lone = [1, 2, 3].map((seed) => explicitWorld(kernels, { rank: 12, seed, rows: 60 }));
    const digest = ({ problem, loss }: RowWorld<RowProblem>) => new Digest().add(problem.out.data).add(loss).hex();
    for (const { workspace, problem, loss } of lone) {
      await workspace.solveRows(problem, { kind: "cholesky" });
      await workspace.rowLoss(problem, loss);
    }
    await Promise.all(
      worlds.flatMap(({ workspace, problem, loss }) => [
        workspace.solveRows(problem, { kind: "cholesky" }),
        workspace.rowLoss(problem, loss),
      ]),
    );
    expect(worlds.map(digest)).toEqual(lone.map(digest));
    for (const { workspace } of [...worlds, ...lone]) workspace.close();
  });

  it("fillTable and unpadded are each other's inverse", () => {
    const w = kernels.open({ t: slot.table(3, 5) });
    const values = Float32Array.from({ length: 15 }, (_, i) => i);
    fillTable(w.at.t, values);
    expect(unpadded(w.at.t)).toEqual(values);
    w.close();
  });
}

/** A digest of every routine's bytes on fixed problems: equal for any thread count of one build. */
export async function digestOfEverything(kernels: Kernels): Promise<string> {
  const digest = new Digest();
  for (const rank of [3, 16, 33]) {
    const solvers = [{ kind: "cholesky" }, { kind: "cg", steps: 2 }, { kind: "subspace", blockSize: 16 }] as const;
    for (const solver of solvers) {
      const shape = { rank, rows: 150, columns: 200 };
      for (const world of [explicitWorld(kernels, shape), await implicitWorld(kernels, shape)]) {
        const { problem, workspace, loss } = world;
        await workspace.solveRows(problem, solver);
        await workspace.rowLoss(problem, loss);
        const { at } = workspace;
        digest.add(at.out.data).add(at.outBias).add(loss).add(at.gram);
        await workspace.rowGradients(problem, loss);
        digest.add(loss);
        await workspace.gram(at.fixed, at.gram);
        digest.add(at.gram);
        workspace.close();
      }
    }
    digest.add(await topNDigest(kernels, rank));
  }
  return digest.hex();
}

async function topNDigest(kernels: Kernels, rank: number): Promise<Float32Array> {
  const count = 100;
  const n = 7;
  const w = kernels.open({
    queries: slot.table(count, rank),
    items: slot.table(333, rank),
    codes: slot.u8(codesLength(333, rank)),
    query: slot.u32(count),
    item: slot.u32(count * n),
    score: slot.f32(count * n),
    listed: slot.u32(count),
  });
  const { queries, items, codes, query, item, score, listed } = w.at;
  fillRandom(queries, 1);
  fillRandom(items, 2);
  for (let q = 0; q < count; q++) query[q] = q;
  const none = { excluded: undefined, allowed: undefined };
  const table = { items, itemBias: undefined, codes };
  await w.encode(table);
  await w.topN({ query, queries, ...table, ...none, n, item, score, listed });
  const out = Float32Array.from([...score, ...item, ...listed]);
  w.close();
  return out;
}
