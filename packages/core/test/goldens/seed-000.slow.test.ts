/** Seed notebook 000 through the API: Adam on the norm of the errors, complete and masked matrices, against PyTorch's recorded runs. */
import { describe, expect, it } from "vitest";
import { type Factorizer, gradient } from "../../src/factorizers/index.ts";
import { ratingsFromDense } from "../../src/ratings/index.ts";
import {
  backends,
  course,
  dense,
  expectClose,
  expectLosses,
  type GoldenArray,
  golden,
  numbers,
  transposed,
} from "./golden.ts";

interface Factors {
  readonly W: GoldenArray;
  readonly H: GoldenArray;
}

type Precision = "float32" | "float64";

interface Trace {
  readonly loss: readonly number[];
  readonly lossAfterLastUpdate: number;
  readonly after: Readonly<Record<string, Factors>>;
}

type Run = { readonly [P in Precision]: Trace } & {
  readonly rank: number;
  readonly init: Factors;
  readonly svdOptimum?: number;
  readonly sensitivity: {
    readonly float32VsFloat64: { readonly "iterationsWithin1e-4Relative": number };
    readonly "float64InitMovedBy1e-13": { readonly "iterationsWithin1e-9Relative": number };
  };
};

/** The notebook: nothing but two tables. */
function notebook(rank: number, steps: number, init: Factors): Factorizer {
  return gradient({
    rank,
    steps,
    objective: "norm",
    regularization: 0,
    biases: "none",
    center: "none",
    learningRate: 0.01,
    initial: { userFactors: numbers(init.W), itemFactors: numbers(transposed(init.H)) },
  });
}

const files = ["dense-printed-A", "dense-random-A", "masked-random-A", "masked-printed-18-rows"];

describe.each(backends)("seed 000 on $backend", ({ backend, recording, loss, parameter }) => {
  it.each(files)("%s follows the recorded losses and factors as far as they are not chaotic", async (file) => {
    const { A, runs } = golden<{ A: GoldenArray; runs: Run[] }>("seed-000", `${file}.json`);
    const ratings = ratingsFromDense(dense(A));
    for (const run of runs) {
      const what = `${file}, rank ${run.rank}`;
      const trace = run[recording];
      const { float32VsFloat64, "float64InitMovedBy1e-13": moved } = run.sensitivity;
      const [single, double] = [
        float32VsFloat64["iterationsWithin1e-4Relative"],
        moved["iterationsWithin1e-9Relative"],
      ];
      const meaningful = recording === "float64" ? double : single;
      const got = await course(notebook(run.rank, 1000, run.init), ratings, backend, [1, 600, 1000]);
      // Where the comparison ends the recording is itself uncertain, by 1e-9 in double and 1e-4 in single precision; an error
      // grows to that on the way there, and is as large as twice that at its end.
      const whole = Math.min(single, double) === 1000;
      const closely = whole
        ? 1000
        : Math.floor(recording === "float64" ? 0.8 * double : 0.5 * Math.min(single, double));
      expectLosses(got.loss, trace.loss, loss, what, closely);
      expectLosses(got.loss, trace.loss, recording === "float64" ? 2e-9 : 2e-4, what, meaningful);
      if (whole) expectLosses(got.loss.slice(-1), [trace.lossAfterLastUpdate], loss, `${what}, last`);
      for (const [step, { W, H }] of Object.entries(trace.after)) {
        if (Number(step) > closely) continue;
        const at = got.after.get(Number(step));
        expectClose(at?.userFactors ?? [], numbers(W), parameter, `${what}, W after ${step}`);
        expectClose(at?.itemFactors ?? [], numbers(transposed(H)), parameter, `${what}, H after ${step}`);
      }
      if (run.svdOptimum !== undefined) expect(Math.min(...got.loss)).toBeGreaterThan(run.svdOptimum * (1 - 1e-6));
    }
  });

  it.each(["rank-sweep-printed-A", "rank-sweep-random-A"])(
    "%s reaches the recorded loss of each rank",
    async (file) => {
      type Sweep = { rank: number; init: Factors; svdOptimum: number; "lossDiffFloat64InitMovedBy1e-13": number } & {
        [P in Precision]: { lossEvery100: number[]; loss: number; lossAfterLastUpdate: number };
      };
      const { A, runs } = golden<{ A: GoldenArray; runs: Sweep[] }>("seed-000", `${file}.json`);
      const ratings = ratingsFromDense(dense(A));
      let compared = 0;
      for (const run of runs) {
        const what = `${file}, rank ${run.rank}`;
        const got = await course(notebook(run.rank, 1000, run.init), ratings, backend, [1000]);
        const trace = run[recording];
        expect(Math.min(...got.loss)).toBeGreaterThan(run.svdOptimum * (1 - 1e-6));
        // Before it nears its bottom every run is smooth.
        expectLosses([got.loss[0], got.loss[100]], trace.lossEvery100, loss, what, 2);
        if (run["lossDiffFloat64InitMovedBy1e-13"] > 1e-11) continue;
        compared++;
        const every100 = trace.lossEvery100.map((_, i) => got.loss[100 * i]);
        expectLosses(every100, trace.lossEvery100, loss, what);
        expectLosses(got.loss.slice(-2), [trace.loss, trace.lossAfterLastUpdate], loss, what);
      }
      expect(compared).toBeGreaterThanOrEqual(5);
    },
  );

  it("edge cases: at zero residual nothing moves, a mask leaves out, a row and a column without ratings never move", async () => {
    const { cases } = golden<{
      cases: {
        name: string;
        masked: boolean;
        A: GoldenArray;
        init: Factors;
        loss: number[];
        after: Record<string, Factors>;
      }[];
    }>("seed-000", "edge-cases.json");
    let compared = 0;
    for (const { name, A, init, loss: recorded, after } of cases) {
      const method = notebook(init.W.shape[1], recorded.length, init);
      if (A.data.every((value) => value === null)) {
        expect(() => ratingsFromDense(dense(A))).toThrow(/holds no rating/);
        continue;
      }
      // NaN without a mask: here NaN is missing, whether or not a mask says so.
      if (recorded[0] === null) continue;
      const steps = Object.keys(after).map(Number);
      const got = await course(method, ratingsFromDense(dense(A)), backend, steps);
      expectClose(got.loss.slice(0, recorded.length), recorded, 1e-5, name);
      for (const step of steps) {
        // These runs are recorded in single precision only.
        const at = got.after.get(step);
        expectClose(at?.userFactors ?? [], numbers(after[step].W), 1e-5, name);
        expectClose(at?.itemFactors ?? [], numbers(transposed(after[step].H)), 1e-5, name);
        if (!name.includes("fully missing")) continue;
        // Row 1 and column 2, of rank 2
        expect(Array.from(at?.userFactors.slice(2, 4) ?? [])).toEqual(init.W.data.slice(2, 4));
        expect(Array.from(at?.itemFactors.slice(4, 6) ?? [])).toEqual(transposed(init.H).data.slice(4, 6));
      }
      compared++;
    }
    expect(compared).toBe(3);
  });
});

it("seed 000: rank 1 reaches 17.2376, the optimum of the printed matrix, from each of 50 random starts", async () => {
  const { A } = golden<{ A: GoldenArray }>("seed-000", "dense-printed-A.json");
  const ratings = ratingsFromDense(dense(A));
  const method = gradient({
    rank: 1,
    steps: 1000,
    objective: "norm",
    regularization: 0,
    biases: "none",
    center: "none",
    learningRate: 0.01,
    init: "normal",
    initScale: 1,
  });
  for (let seed = 0; seed < 50; seed++) {
    const { loss } = await course(method, ratings, "wasm", [1000], seed);
    expect(loss[1000].toFixed(4), `seed ${seed}`).toBe("17.2376");
  }
});
