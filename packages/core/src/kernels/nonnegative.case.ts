/** The behaviour of nonnegative.ts, once for every backend: the formulas in f64 beside it. */
import { expect, it } from "vitest";
import { Digest, uniform } from "../support/index.ts";
import { type Kernels, rowStride, slot } from "./kernels.ts";
import { type NonNegativeRows, nonNegativeScratch } from "./nonnegative.ts";
import { fillEntries, fillRandom, RANKS, rowLengths } from "./worlds.case.ts";

const rules = ["coordinates", "multiplicative"] as const;

/** Rows of 0 to 40 entries beside a table of 60 rows, some factors 0, and its Gram matrix. */
async function world(kernels: Kernels, rank: number) {
  const lengths = rowLengths(9, 40, rank);
  const count = lengths.reduce((sum, n) => sum + n, 0);
  const w = kernels.open({
    out: slot.table(9, rank),
    fixed: slot.table(60, rank),
    start: slot.u32(10),
    index: slot.u32(count),
    value: slot.f32(count),
    gram: slot.f32(rowStride(rank) ** 2),
    regularization: slot.f32(9),
    scratch: slot.perThread(nonNegativeScratch(rank)),
  });
  const { at } = w;
  const entries = { start: at.start, index: at.index };
  fillEntries(entries, lengths, 60, 5);
  fillRandom(at.fixed, 1, -0.2, 1);
  fillRandom(at.out, 2, -0.2, 1);
  for (const { data } of [at.fixed, at.out]) for (let i = 0; i < data.length; i++) data[i] = Math.max(0, data[i]);
  for (let e = 0; e < count; e++) at.value[e] = uniform(3, e, 0, 5);
  for (let r = 0; r < 9; r++) at.regularization[r] = r % 2 === 0 ? 0 : 0.3 * r;
  await w.gram(at.fixed, at.gram);
  const problem = (rule: NonNegativeRows["rule"], whole: boolean): NonNegativeRows => ({
    rule,
    out: at.out,
    fixed: at.fixed,
    entries,
    value: at.value,
    gram: whole ? at.gram : undefined,
    regularization: at.regularization,
  });
  return { w, at, problem };
}

type World = Awaited<ReturnType<typeof world>>;

/** The cost of a row by its cells. */
function costOf({ at }: World, row: number, whole: boolean): number {
  const { fixed, out } = at;
  const given = new Map<number, number>();
  for (let e = at.start[row]; e < at.start[row + 1]; e++) given.set(at.index[e], at.value[e]);
  let cost = 0;
  for (let k = 0; k < out.rank; k++) cost += at.regularization[row] * out.data[row * out.stride + k] ** 2;
  for (let y = 0; y < fixed.rows; y++) {
    if (!whole && !given.has(y)) continue;
    let score = 0;
    for (let k = 0; k < out.rank; k++) score += out.data[row * out.stride + k] * fixed.data[y * fixed.stride + k];
    cost += ((given.get(y) ?? 0) - score) ** 2;
  }
  return cost;
}

/** The step by its formula, from the cells. */
function stepOf({ at }: World, row: number, rule: NonNegativeRows["rule"], whole: boolean): number[] {
  const { fixed, out } = at;
  const given = new Map<number, number>();
  for (let e = at.start[row]; e < at.start[row + 1]; e++) given.set(at.index[e], at.value[e]);
  const x = Array.from({ length: out.rank }, (_, k) => out.data[row * out.stride + k]);
  if (given.size === 0) return x.map(() => 0);
  const rows = Array.from({ length: fixed.rows }, (_, y) => y).filter((y) => whole || given.has(y));
  const factor = (y: number, k: number) => fixed.data[y * fixed.stride + k];
  const score = (y: number, of: number[]) => of.reduce((sum, value, k) => sum + value * factor(y, k), 0);
  const penalty = at.regularization[row];
  const sum = (each: (y: number) => number) => rows.reduce((total, y) => total + each(y), 0);
  const scores = new Map(rows.map((y) => [y, score(y, x)]));
  const scored = (y: number) => scores.get(y) as number;
  if (rule === "multiplicative") {
    return x.map((value, k) => {
      const divisor = sum((y) => scored(y) * factor(y, k)) + penalty * value;
      return divisor > 0 ? (value * sum((y) => (given.get(y) ?? 0) * factor(y, k))) / divisor : value;
    });
  }
  for (let k = 0; k < x.length; k++) {
    const slope = sum((y) => (scored(y) - (given.get(y) ?? 0)) * factor(y, k)) + penalty * x[k];
    const divisor = sum((y) => factor(y, k) ** 2) + penalty;
    if (!(divisor > 0)) continue;
    const before = x[k];
    x[k] = Math.max(0, before - slope / divisor);
    for (const y of rows) scores.set(y, scored(y) + (x[k] - before) * factor(y, k));
  }
  return x;
}

export function nonNegativeCases(kernels: Kernels): void {
  const variants = rules.flatMap((rule) => [false, true].map((whole) => [rule, whole] as const));

  it.each(RANKS)("a step is the formula's, never uphill, at 0 or above, padding 0, at rank %i", async (rank) => {
    for (const [rule, whole] of variants) {
      const one = await world(kernels, rank);
      const { w, at, problem } = one;
      for (let step = 0; step < 3; step++) {
        const before = Array.from({ length: 9 }, (_, row) => costOf(one, row, whole));
        const exact = Array.from({ length: 9 }, (_, row) => stepOf(one, row, rule, whole));
        await w.nonNegativeRows(problem(rule, whole));
        for (let row = 0; row < 9; row++) {
          const x = at.out.data.subarray(row * at.out.stride, (row + 1) * at.out.stride);
          const largest = Math.max(1, ...exact[row]);
          for (let k = 0; k < at.out.stride; k++) {
            const wanted = k < rank ? exact[row][k] : 0;
            if (!(Math.abs(x[k] - wanted) < 2e-4 * largest && x[k] >= 0))
              expect.fail(`${rule}, row ${row}, ${k}: ${x[k]}, not ${wanted}`);
          }
          if (at.start[row] < at.start[row + 1])
            expect(costOf(one, row, whole)).toBeLessThanOrEqual(before[row] * (1 + 1e-5) + 1e-6);
        }
      }
      w.close();
    }
  });

  it("lengths that do not fit are refused with the code shape", async () => {
    const { w, at, problem } = await world(kernels, 5);
    const refused = expect.objectContaining({ code: "shape" });
    const good = problem("coordinates", true);
    await expect(w.nonNegativeRows({ ...good, value: at.value.subarray(1) })).rejects.toEqual(refused);
    await expect(w.nonNegativeRows({ ...good, gram: at.gram.subarray(1) })).rejects.toEqual(refused);
    await expect(w.nonNegativeRows({ ...good, regularization: at.gram.subarray(0, 8) })).rejects.toEqual(refused);
    w.close();
    await expect(w.nonNegativeRows(good)).rejects.toMatchObject({ code: "closed" });
  });
}

/** The bytes of both rules on fixed tables, for comparing thread counts. */
export async function nonNegativeDigest(kernels: Kernels): Promise<string> {
  const digest = new Digest();
  for (const rule of rules) {
    for (const whole of [false, true]) {
      const { w, at, problem } = await world(kernels, 19);
      for (let step = 0; step < 3; step++) await w.nonNegativeRows(problem(rule, whole));
      digest.add(at.out.data);
      w.close();
    }
  }
  return digest.hex();
}
