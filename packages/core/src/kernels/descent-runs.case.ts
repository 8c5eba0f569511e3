/**
 * What the cases of descents share: how a descent and epochs are run, and how near numbers must come. Part of kernels.case.ts.
 */
import { expect } from "vitest";
import type { Optimizer } from "./descent.ts";
import type { DescentWorld } from "./descent-worlds.case.ts";
import type { Kernels } from "./kernels.ts";

export const ADAM: Optimizer = { kind: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
export const PLAIN: Optimizer = { kind: "sgd", momentum: 0 };
export const BIASES = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;
export const NO_PENALTIES = [0, 0, 0, 0] as const;

/** Rounding of the backend's numbers, beside figures of about the given size. */
export const roundingOf = ({ build }: Kernels) => (build === "f64" ? 1e-11 : 4e-6);

export function expectClose(kernels: Kernels, got: readonly number[], expected: readonly number[], times = 1): void {
  expect(got.length).toBe(expected.length);
  const size = Math.max(1, ...expected.map(Math.abs));
  const bound = times * roundingOf(kernels) * size;
  for (const [i, value] of expected.entries()) {
    if (!(Math.abs(got[i] - value) <= bound)) expect.fail(`number ${i}: got ${got[i]}, expected ${value} ± ${bound}`);
  }
}

export function expectPaddingZero({ full }: DescentWorld): void {
  for (const { factors } of [full.left, full.right]) {
    const { rank, stride } = factors.table;
    for (const data of [factors.value, factors.gradient, factors.first, factors.second]) {
      const stray = data.findIndex((value, i) => i % stride >= rank && value !== 0);
      if (stray >= 0) expect.fail(`padding at ${stray} holds ${data[stray]}`);
    }
  }
}

export interface Course {
  readonly rates: readonly number[];
  readonly clipNorm?: number | undefined;
  readonly done?: number;
}

export async function descend(world: DescentWorld, optimizer: Optimizer, course: Course, fresh = true) {
  const { workspace, full, at } = world;
  const { rates: given, clipNorm, done = 0 } = course;
  if (fresh) await workspace.loss(full);
  const rates = at.rates.subarray(0, given.length);
  rates.set(given);
  const losses = at.losses.subarray(0, given.length);
  const made = await workspace.descend(full, { optimizer, done, rates, clipNorm }, losses);
  return { made, losses: Array.from(losses.subarray(0, made)) };
}

export async function epochs(
  world: DescentWorld,
  optimizer: Optimizer,
  { rates: given, clipNorm, done = 0 }: Course,
  count: number,
) {
  const { workspace, batch, at } = world;
  const rates = at.rates.subarray(0, given.length);
  rates.set(given);
  const sums = at.losses.subarray(0, count);
  const made = await workspace.epochs(batch, { optimizer, done, rates, clipNorm }, sums);
  return { made, sums: Array.from(sums.subarray(0, made)) };
}
