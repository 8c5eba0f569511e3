/** How questions are shared among threads, and that lists of ranges are those of the whole. */
import { expect, it } from "vitest";
import { uniform } from "../../support/index.ts";
import { codesLength } from "../codes.ts";
import { slot } from "../kernels.ts";
import { openWasm } from "./index.ts";
import { topNShares } from "./plan.ts";

it("one question for a million items of rank 64 is cut into 16 ranges, whatever the threads; one for 8,000 items is not cut", () => {
  const million = { count: 1, rows: 1_000_000, rank: 64, n: 10 };
  for (const threads of [1, 2, 16]) {
    const cut = topNShares(million, { threads, room: 2 ** 18, split: false });
    expect(cut.ranges).toBe(16);
    expect(cut.blockSize).toBe(1);
    expect((cut.ranges - 1) * cut.rangeSize).toBeLessThan(125_000);
    expect(cut.ranges * cut.rangeSize).toBeGreaterThanOrEqual(125_000);
    expect(topNShares({ ...million, rows: 8000 }, { threads, room: 2 ** 18, split: false }).ranges).toBe(1);
  }
});

it("lists that have no room several times, and questions that are many, are not cut: blocks of questions as ever", () => {
  const whole = { ranges: 1, rangeSize: 125_000 };
  const size = { count: 1, rows: 1_000_000, rank: 64, n: 10 };
  expect(topNShares({ ...size, n: 1_000_000 }, { threads: 2, room: 2 ** 18, split: false })).toMatchObject(whole);
  expect(topNShares(size, { threads: 2, room: 0, split: false })).toEqual({ ...whole, blockSize: 6 });
  const many = topNShares({ ...size, count: 2048 }, { threads: 2, room: 2 ** 18, split: false });
  expect(many).toEqual({ ...whole, blockSize: 192 });
});

it("6 questions for 340,000 items: ten places of ranges, on 1 and 2 threads, are the first of 2,000 that one range gives, bit for bit", async () => {
  const [rank, rows, count] = [16, 340_000, 6];
  for (const threads of [1, 2]) {
    const kernels = await openWasm({ build: "strict", threads, reason: "a test", spread: false });
    const w = kernels.open({
      items: slot.table(rows, rank),
      codes: slot.u8(codesLength(rows, rank)),
      queries: slot.table(count, rank),
      query: slot.u32(count),
      item: slot.u32(count * 2000),
      score: slot.f32(count * 2000),
      listed: slot.u32(count),
    });
    const { at } = w;
    // Whole numbers: many scores are equal.
    for (let j = 0; j < at.items.data.length; j++) at.items.data[j] = Math.round(uniform(1, j, -3, 3));
    for (let j = 0; j < at.queries.data.length; j++) at.queries.data[j] = Math.round(uniform(2, j, -3, 3));
    for (let q = 0; q < count; q++) at.query[q] = q;
    const { item, score, listed, ...table } = at;
    const problem = { ...table, itemBias: undefined, excluded: undefined, allowed: undefined, item, score, listed };
    await w.encode(problem);
    await w.topN({ ...problem, n: 2000 });
    const all = { item: item.slice(), score: score.slice() };
    await w.topN({ ...problem, n: 10 });
    for (let q = 0; q < count; q++) {
      expect(listed[q]).toBe(10);
      expect(item.slice(q * 10, q * 10 + 10)).toEqual(all.item.slice(q * 2000, q * 2000 + 10));
      expect(score.slice(q * 10, q * 10 + 10)).toEqual(all.score.slice(q * 2000, q * 2000 + 10));
    }
    w.close();
  }
});
