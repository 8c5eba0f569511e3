/** The behaviour of `topN` on every backend: lists against brute force, ties, filters, sizes. Part of kernels.case.ts. */
import { expect, it } from "vitest";
import { uniform, unit } from "../support/index.ts";
import { codesLength } from "./codes.ts";
import { type Kernels, slot, type TopNProblem } from "./kernels.ts";
import { EPSILON, fillRandom, RANKS } from "./worlds.case.ts";

interface Shape {
  readonly rank: number;
  readonly count: number;
  readonly rows: number;
  readonly n: number;
  /** Share of items excluded per query */
  readonly excluded?: number;
  /** Share of items allowed */
  readonly allowed?: number;
  readonly biased?: boolean;
}

function openLists(kernels: Kernels, shape: Shape) {
  const { rank, count, rows, n } = shape;
  const seen: number[][] = Array.from({ length: count }, (_, q) => {
    const share = q % 3 === 2 ? 0 : (shape.excluded ?? 0);
    return Array.from({ length: rows }, (_, i) => i).filter((i) => unit(70 + q, i) < share);
  });
  const w = kernels.open({
    queries: slot.table(count + 3, rank),
    items: slot.table(rows, rank),
    query: slot.u32(count),
    itemBias: slot.f32(rows),
    codes: slot.u8(codesLength(rows, rank)),
    start: slot.u32(count + 1),
    index: slot.u32(seen.flat().length),
    allowed: slot.u8(rows),
    item: slot.u32(count * n),
    score: slot.f32(count * n),
    listed: slot.u32(count),
  });
  const { at } = w;
  fillRandom(at.queries, 1);
  fillRandom(at.items, 2);
  for (let q = 0; q < count; q++) {
    at.query[q] = (q * 7 + 2) % (count + 3);
    at.start[q + 1] = at.start[q] + seen[q].length;
  }
  at.index.set(seen.flat());
  for (let i = 0; i < rows; i++) {
    at.itemBias[i] = uniform(3, i, -0.5, 0.5);
    at.allowed[i] = unit(4, i) < (shape.allowed ?? 1) ? 1 : 0;
  }
  const problem: TopNProblem = {
    query: at.query,
    queries: at.queries,
    items: at.items,
    itemBias: shape.biased === false ? undefined : at.itemBias,
    codes: at.codes,
    excluded: shape.excluded === undefined ? undefined : { start: at.start, index: at.index },
    allowed: shape.allowed === undefined ? undefined : at.allowed,
    n,
    item: at.item,
    score: at.score,
    listed: at.listed,
  };
  /** The lists of these items as they are now. */
  const ask = async (asked = problem) => {
    await w.encode(asked);
    await w.topN(asked);
  };
  return { w, problem, seen, ask };
}

/** Scores in f64 and the size of their terms, for one query. */
function denseScores({ query, queries, items, itemBias }: TopNProblem, q: number) {
  return Array.from({ length: items.rows }, (_, i) => {
    let value = itemBias?.[i] ?? 0;
    let size = Math.abs(value);
    for (let d = 0; d < items.rank; d++) {
      const term = queries.data[query[q] * queries.stride + d] * items.data[i * items.stride + d];
      value += term;
      size += Math.abs(term);
    }
    return { value, bound: (items.rank + 16) * EPSILON * size };
  });
}

/** The list is what brute force gives, up to swaps of scores that differ by less than the error bound. */
function expectList(problem: TopNProblem, q: number, seen: readonly number[]): void {
  const { allowed, n, item, score, listed } = problem;
  const dense = denseScores(problem, q);
  const hidden = new Set(seen);
  const open = new Set(dense.map((_, i) => i).filter((i) => !hidden.has(i) && allowed?.[i] !== 0));
  const list = Array.from(item.subarray(q * n, q * n + listed[q]));
  const scores = score.subarray(q * n, q * n + listed[q]);
  const must = (holds: boolean, what: string) => holds || expect.fail(`query ${q}: ${what}`);
  must(listed[q] === Math.min(n, open.size), `${listed[q]} listed of ${open.size} that may be`);
  must(new Set(list).size === list.length, "an item twice");
  for (const [place, i] of list.entries()) {
    must(open.has(i), `item ${i} is hidden or does not exist`);
    must(Math.abs(scores[place] - dense[i].value) <= dense[i].bound, `the score of item ${i} is beyond its bound`);
    const before = scores[place - 1];
    const inOrder = place === 0 || before > scores[place] || (before === scores[place] && list[place - 1] < i);
    must(inOrder, `place ${place} is out of order`);
    open.delete(i);
  }
  if (list.length === 0) return;
  const last = scores[list.length - 1];
  for (const i of open) must(dense[i].value - dense[i].bound <= last, `item ${i} is better than the last one listed`);
}

export function topNCases(kernels: Kernels): void {
  const run = async (shape: Shape) => {
    const { w, problem, seen, ask } = openLists(kernels, shape);
    await ask();
    for (let q = 0; q < shape.count; q++) expectList(problem, q, problem.excluded === undefined ? [] : seen[q]);
    w.close();
  };

  it.each(RANKS)("gives the lists of brute force at rank %i", async (rank) => {
    await run({ rank, count: 13, rows: 100, n: 10, excluded: 0.2, allowed: 0.9 });
  });

  it.each([1, 2, 5, 6, 7, 12, 50])("gives the lists of brute force for %i queries", async (count) => {
    await run({ rank: 8, count, rows: 150, n: 5, excluded: 0.5 });
    await run({ rank: 8, count, rows: 150, n: 5, biased: false });
  });

  it.each([1, 2, 7, 8, 9, 16, 17, 1500])("gives the lists of brute force over %i items", async (rows) => {
    await run({ rank: 5, count: 8, rows, n: Math.min(rows, 3) });
    await run({ rank: 5, count: 1, rows, n: Math.min(rows, 3) });
  });

  it("lists every item in order when n is the number of items", async () => {
    await run({ rank: 4, count: 7, rows: 301, n: 301 });
    await run({ rank: 4, count: 1, rows: 301, n: 301, excluded: 0.3 });
  });

  it("lists fewer than n, and says how many, when filters leave fewer", async () => {
    await run({ rank: 4, count: 7, rows: 40, n: 30, excluded: 0.6, allowed: 0.5 });
    await run({ rank: 4, count: 7, rows: 40, n: 30, allowed: 0 });
  });

  it("gives ties to the smaller item row: 40 items with 3 different scores", async () => {
    for (const count of [1, 6, 7]) {
      const { w, problem, ask } = openLists(kernels, { rank: 3, count, rows: 40, n: 12, biased: false });
      const { queries, items, item, score } = problem;
      for (let r = 0; r < queries.rows; r++) queries.data.set([1, 2, 0], r * queries.stride);
      for (let i = 0; i < 40; i++) items.data.set([i % 3, 0, 5], i * items.stride);
      await ask();
      for (let q = 0; q < count; q++) {
        const list = Array.from(item.subarray(q * 12, q * 12 + 12));
        expect(list).toEqual([2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35]);
        expect(score[q * 12]).toBe(2);
      }
      w.close();
    }
  });

  it("a list does not depend on the batch it was asked in, bit for bit", async () => {
    const shape = { rank: 20, count: 23, rows: 210, n: 9, excluded: 0.3 };
    const { w, problem, ask } = openLists(kernels, shape);
    await ask();
    const scores = problem.score.slice();
    const lists = problem.item.slice();
    for (let q = 0; q < shape.count; q++) {
      const { start, index } = w.at;
      const alone = start.slice(q, q + 2);
      const first = alone[0];
      w.at.start.set([0, alone[1] - first]);
      const excluded = { start: w.at.start.subarray(0, 2), index: index.subarray(first, alone[1]) };
      await w.topN({ ...problem, query: problem.query.subarray(q, q + 1), excluded });
      expect(problem.item.slice(0, 9)).toEqual(lists.slice(q * 9, q * 9 + 9));
      expect(problem.score.slice(0, 9)).toEqual(scores.slice(q * 9, q * 9 + 9));
      let at = 0; // the rows of `excluded` again, as they were
      for (let r = 0; r <= shape.count; r++) {
        w.at.start[r] = at;
        if (r < shape.count) at += openSeen(shape, r);
      }
    }
    w.close();
  });

  it("scores that are not a number or −∞ are never listed", async () => {
    for (const count of [1, 8]) {
      const { w, problem, ask } = openLists(kernels, { rank: 2, count, rows: 9, n: 9 });
      problem.items.data[3 * 16] = Number.NaN;
      w.at.itemBias[5] = Number.NEGATIVE_INFINITY;
      await ask();
      for (let q = 0; q < count; q++) {
        expect(problem.listed[q]).toBe(7);
        expect(Array.from(problem.item.subarray(q * 9, q * 9 + 7)).sort()).toEqual([0, 1, 2, 4, 6, 7, 8]);
      }
      w.close();
    }
  });

  /** Asks for the best and for all, which scores every item exactly: the first places are the same bits. */
  const agreesWithAll = async (shape: Shape, change: (problem: TopNProblem) => void) => {
    const { w, problem, ask } = openLists(kernels, { ...shape, n: shape.rows });
    change(problem);
    await ask();
    const all = { item: problem.item.slice(), score: problem.score.slice(), listed: problem.listed.slice() };
    const { n } = shape;
    await w.topN({ ...problem, n });
    for (let q = 0; q < shape.count; q++) {
      const count = Math.min(n, all.listed[q]);
      expect(problem.listed[q]).toBe(count);
      const places = (list: Uint32Array | Float32Array, stride: number) => list.slice(q * stride, q * stride + count);
      expect(places(problem.item, n)).toEqual(places(all.item, shape.rows));
      expect(places(problem.score, n)).toEqual(places(all.score, shape.rows));
    }
    w.close();
  };

  it.each([1, 14])("10 of 1,203 items whose lengths go from 10⁻³ to 10³, for %i queries", async (count) => {
    for (const biased of [true, false]) {
      await agreesWithAll({ rank: 19, count, rows: 1203, n: 10, excluded: 0.1, biased }, ({ items }) => {
        for (let i = 0; i < items.rows; i++) {
          const times = 10 ** uniform(5, i, -3, 3);
          for (let d = 0; d < items.rank; d++) items.data[i * items.stride + d] *= times;
        }
      });
    }
  });

  it.each([1, 14])("10 of 403 items that differ by 10⁻⁶ of their numbers, for %i queries", async (count) => {
    for (const biased of [true, false]) {
      await agreesWithAll({ rank: 32, count, rows: 403, n: 10, biased }, ({ items, itemBias }) => {
        for (let i = 0; i < items.rows; i++) {
          if (itemBias !== undefined) itemBias[i] = 1000 + 1e-3 * itemBias[i];
          for (let d = 0; d < items.rank; d++) {
            items.data[i * items.stride + d] = items.data[d] * (1 + uniform(6, i * 32 + d, -1e-6, 1e-6));
          }
        }
      });
    }
  });

  it.each([1e-42, 1e-35, 1e-18, 1e14, 1e18])("10 of 200 items with numbers of %f, some not finite", async (size) => {
    for (const [ofQueries, count] of [
      [1, 1],
      [size, 8],
      [1 / Math.fround(size), 8],
    ]) {
      await agreesWithAll({ rank: 5, count, rows: 200, n: 10, biased: size < 1 }, ({ items, queries }) => {
        for (let i = 0; i < items.data.length; i++) items.data[i] *= i < 1600 ? size : 1;
        for (let i = 0; i < queries.data.length; i++) queries.data[i] *= ofQueries;
        items.data[3 * items.stride] = Number.POSITIVE_INFINITY;
        items.data[77 * items.stride + 1] = Number.NEGATIVE_INFINITY;
        items.data[120 * items.stride + 2] = Number.NaN;
        queries.data.fill(0, 3 * queries.stride, 4 * queries.stride);
      });
    }
  });

  it("a few rows that filters leave of 1,000, all of them shorter than the others", async () => {
    const { w, problem, ask } = openLists(kernels, { rank: 8, count: 7, rows: 1000, n: 5, allowed: 1, biased: false });
    const { items, allowed, item, listed } = problem;
    allowed?.fill(0);
    for (const i of [5, 333, 999]) {
      items.data.fill(0, i * items.stride, (i + 1) * items.stride);
      allowed?.set([1], i);
    }
    await ask();
    for (let q = 0; q < 7; q++) {
      expect(listed[q]).toBe(3);
      expect(Array.from(item.subarray(q * 5, q * 5 + 3))).toEqual([5, 333, 999]);
    }
    w.close();
  });

  it("codes that are too short are refused by encode and topN", async () => {
    const { w, problem } = openLists(kernels, { rank: 2, count: 1, rows: 9, n: 3 });
    const codes = problem.codes.subarray(1);
    await expect(w.encode({ ...problem, codes })).rejects.toMatchObject({ code: "shape" });
    await expect(w.topN({ ...problem, codes })).rejects.toMatchObject({ code: "shape" });
    w.close();
  });

  it("no queries give no lists", async () => {
    const { w, ask } = openLists(kernels, { rank: 2, count: 0, rows: 9, n: 3 });
    await ask();
    w.close();
  });

  it("n of 0 or above the number of items is refused", async () => {
    const { w, problem } = openLists(kernels, { rank: 2, count: 1, rows: 9, n: 9 });
    await expect(w.topN({ ...problem, n: 0 })).rejects.toMatchObject({ code: "shape" });
    await expect(w.topN({ ...problem, n: 10 })).rejects.toMatchObject({ code: "shape" });
    w.close();
  });
}

function openSeen(shape: Shape, q: number): number {
  if (q % 3 === 2) return 0;
  return Array.from({ length: shape.rows }, (_, i) => i).filter((i) => unit(70 + q, i) < (shape.excluded ?? 0)).length;
}
