/**
 * Recorded PyTorch runs as the tests use them: files in, arrays and a method's course from the same starting values out.
 * The README beside the recordings says what they hold and how far a comparison can go.
 */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Factorizer, StateArrays } from "../../src/factorizers/index.ts";
import { openKernels } from "../../src/kernels/index.ts";
import type { Ratings } from "../../src/ratings/index.ts";
import { sharedGolden } from "../shared-data.ts";

/** A matrix or vector, row-major; null stands for NaN. */
export interface GoldenArray {
  readonly shape: readonly number[];
  readonly data: readonly (number | null)[];
}

export function golden<T>(...path: string[]): T {
  return JSON.parse(readFileSync(sharedGolden(...path), "utf8")) as T;
}

export function numbers({ data }: GoldenArray): Float64Array {
  return Float64Array.from(data, (value) => value ?? Number.NaN);
}

export function transposed(array: GoldenArray): GoldenArray {
  const [rows, columns] = array.shape;
  const data = Array.from(
    { length: rows * columns },
    (_, i) => array.data[(i % rows) * columns + Math.floor(i / rows)],
  );
  return { shape: [columns, rows], data };
}

/** As ratingsFromDense takes it. */
export function dense(array: GoldenArray): { data: Float64Array; rows: number; columns: number } {
  return { data: numbers(array), rows: array.shape[0], columns: array.shape[1] };
}

export interface Course {
  /** Before the first pass, then after each */
  readonly loss: readonly number[];
  /** State after the passes asked for */
  readonly after: ReadonlyMap<number, StateArrays>;
}

/** Trains to the last of the passes asked for. */
export async function course(
  method: Factorizer,
  ratings: Ratings,
  backend: "reference" | "wasm",
  passes: readonly number[],
  seed = 0,
): Promise<Course> {
  const run = await method.start(ratings, await openKernels({ backend }), seed);
  const loss = [run.initialLoss ?? Number.NaN];
  const after = new Map<number, StateArrays>();
  for (const next of passes) {
    while (loss.length <= next) loss.push(...(await run.passes(next + 1 - loss.length, undefined)));
    after.set(next, run.state().arrays);
  }
  run.close();
  return { loss, after };
}

/** Both backends: the recording each follows, and how closely. */
export const backends = [
  { backend: "reference", recording: "float64", loss: 1e-10, parameter: 1e-10 },
  { backend: "wasm", recording: "float32", loss: 1e-5, parameter: 1e-5 },
] as const;

/** Every number of `got` within `tolerance` of the recorded one, relative to it where it is above 1. */
export function expectClose(
  got: ArrayLike<number>,
  recorded: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  expect(got.length, what).toBe(recorded.length);
  for (let i = 0; i < got.length; i++) {
    const off = Math.abs(got[i] - recorded[i]);
    if (off <= tolerance * Math.max(1, Math.abs(recorded[i]))) continue;
    expect.fail(`${what}: number ${i} is ${got[i]}, recorded is ${recorded[i]}, ${off} apart`);
  }
}

/** Below this a loss is a difference of nearly equal single-precision numbers, and is compared by absolute error. */
const SINGLE_PRECISION_LOSS = 1e-4;

/** Losses by relative error, small ones in single precision by absolute error. */
export function expectLosses(
  got: ArrayLike<number>,
  recorded: ArrayLike<number>,
  tolerance: number,
  what: string,
  count = recorded.length,
): void {
  expect(got.length, what).toBeGreaterThanOrEqual(count);
  for (let i = 0; i < count; i++) {
    const off = Math.abs(got[i] - recorded[i]);
    if (off <= tolerance * Math.max(Math.abs(recorded[i]), tolerance < 1e-8 ? 0 : SINGLE_PRECISION_LOSS)) continue;
    expect.fail(`${what}: loss ${i} is ${got[i]}, recorded is ${recorded[i]}, relative ${off / Math.abs(recorded[i])}`);
  }
}

/** users · itemsᵀ, row-major. */
export function product(users: ArrayLike<number>, items: ArrayLike<number>, rank: number): Float64Array {
  const [rows, columns] = [users.length / rank, items.length / rank];
  return Float64Array.from({ length: rows * columns }, (_, cell) => {
    let sum = 0;
    for (let k = 0; k < rank; k++)
      sum += users[Math.floor(cell / columns) * rank + k] * items[(cell % columns) * rank + k];
    return sum;
  });
}
