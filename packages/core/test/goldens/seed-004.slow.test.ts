/** Seed notebook 004 through the API: synthetic sparse ratings, a rating at a time in one shuffled order, against PyTorch's recorded runs. */
import { describe, expect, it } from "vitest";
import { gradient } from "../../src/factorizers/index.ts";
import { ratingsFromDense } from "../../src/ratings/index.ts";
import { normal, streamSeed, unit } from "../../src/support/index.ts";
import { backends, course, expectClose, expectLosses, type GoldenArray, golden, numbers } from "./golden.ts";

interface Trace {
  readonly trainMseBefore: number;
  readonly meanOnlineLossPerPass: readonly number[];
  readonly trainMseAfterEachPass: readonly number[];
  readonly userFactorsRows: Readonly<Record<string, GoldenArray>>;
  readonly itemFactorsRows: Readonly<Record<string, GoldenArray>>;
  readonly sumSqUserFactors: number;
  readonly sumSqItemFactors: number;
  readonly predictionsFirst20RowMajor: readonly number[];
}

interface Recorded {
  readonly nUsers: number;
  readonly nItems: number;
  readonly density: number;
  readonly nFactors: number;
  readonly seed: number;
  readonly nnz: number;
  readonly runs: readonly ({ lr: number; passes: number; initScale: number } & {
    [P in "float32" | "float64"]: Trace;
  })[];
}

/** The user seed from which the stream of a purpose begins at `wanted`: streamSeed backwards, every step of it being one-to-one. */
function seedFor(wanted: number, purpose: string): number {
  const unmix = (mixed: number): number => {
    const unshift15 = (x: number) => x ^ (x >>> 15) ^ (x >>> 30);
    let x = unshift15(mixed);
    x = Math.imul(x, inverse(0x735a2d97));
    x = unshift15(x);
    x = Math.imul(x, inverse(0x21f0aaad));
    return (x ^ (x >>> 16)) >>> 0;
  };
  let state = wanted;
  for (let i = purpose.length - 1; i >= 0; i--) {
    state = (unmix(state) - Math.imul(purpose.charCodeAt(i) + 1, 0x9e3779b9)) >>> 0;
  }
  expect(streamSeed(state, purpose)).toBe(wanted);
  return state;
}

/** Of an odd number modulo 2³², by Newton's iteration. */
function inverse(odd: number): number {
  let x = odd;
  for (let i = 0; i < 5; i++) x = Math.imul(x, 2 - Math.imul(odd, x));
  return x;
}

describe.each(backends)("seed 004 on $backend", ({ backend, recording, loss, parameter }) => {
  it.each(["scaled", "full"])(
    "%s follows errors before, during and after each pass, factors and predictions",
    async (file) => {
      const recorded = golden<Recorded>("seed-004", `${file}.json`);
      const { nUsers, nItems, density, nFactors: rank, seed } = recorded;
      const cells = new Float64Array(nUsers * nItems).fill(Number.NaN);
      for (let cell = 0; cell < cells.length; cell++) {
        if (unit(seed, cell) < density) cells[cell] = 1 + Math.floor(4 * unit(seed + 1, cell));
      }
      const ratings = ratingsFromDense({ data: cells, rows: nUsers, columns: nItems });
      expect(ratings.size).toBe(recorded.nnz);
      for (const [i, { lr, passes, initScale, ...traces }] of recorded.runs.entries()) {
        const what = `${file}, run ${i}`;
        const trace = traces[recording];
        const draw = (stream: number, rows: number) =>
          Float32Array.from({ length: rows * rank }, (_, at) => initScale * normal(seed + stream, at));
        const method = gradient({
          rank,
          batch: "mini",
          batchSize: 1,
          epochs: passes,
          order: "shuffledOnce",
          objective: "mean",
          optimizer: "sgd",
          learningRate: lr,
          regularization: 0,
          biases: "none",
          center: "none",
          initial: { userFactors: draw(3, nUsers), itemFactors: draw(4, nItems) },
        });
        const marks = Array.from({ length: passes }, (_, pass) => pass + 1);
        const got = await course(method, ratings, backend, marks, seedFor(seed + 2, "order"));
        const score = (pass: number, user: number, item: number) => {
          const at = got.after.get(pass);
          let sum = 0;
          for (let k = 0; k < rank; k++) {
            sum += (at?.userFactors[user * rank + k] as number) * (at?.itemFactors[item * rank + k] as number);
          }
          return sum;
        };
        const observed = Array.from(cells.keys()).filter((cell) => !Number.isNaN(cells[cell]));
        const place = (cell: number) => [Math.floor(cell / nItems), cell % nItems] as const;
        const mse = (pass: number) =>
          observed.reduce((sum, cell) => sum + (score(pass, ...place(cell)) - cells[cell]) ** 2, 0) / observed.length;
        expectLosses([got.loss[0] ** 2], [trace.trainMseBefore], loss, `${what}, before`);
        expectLosses(
          marks.map((pass) => got.loss[pass] ** 2),
          trace.meanOnlineLossPerPass,
          loss,
          `${what}, on the way`,
        );
        expectLosses(marks.map(mse), trace.trainMseAfterEachPass, loss, `${what}, after`);
        const last = got.after.get(passes);
        for (const name of ["userFactors", "itemFactors"] as const) {
          for (const [row, values] of Object.entries(trace[`${name}Rows`])) {
            const mine = last?.[name].slice(Number(row) * rank, (Number(row) + 1) * rank) ?? [];
            expectClose(mine, numbers(values), parameter, `${what}, ${name} row ${row}`);
          }
          const sum = Array.from(last?.[name] ?? []).reduce((total, value) => total + value * value, 0);
          expectLosses([sum], [name === "userFactors" ? trace.sumSqUserFactors : trace.sumSqItemFactors], loss, what);
        }
        const predictions = observed.slice(0, 20).map((cell) => score(passes, ...place(cell)));
        expectClose(predictions, trace.predictionsFirst20RowMajor, 2 * parameter, `${what}, predictions`);
      }
    },
  );
});
