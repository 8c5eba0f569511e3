/** The training loop with a method made for the test: what it calls, when it stops, what it refuses. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Kernels } from "../kernels/index.ts";
import { openKernels } from "../kernels/index.ts";
import type { FactorModel } from "../model/index.ts";
import { align, ratingsFrom } from "../ratings/index.ts";
import { AbortedError, DataError, DivergenceError, OptionError } from "../support/index.ts";
import { als, type Factorizer, factorize, ials, type Progress, type Run, suggestMethod } from "./index.ts";
import { turnAtEveryLook } from "./stopping.case.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const ratings = ratingsFrom([
  { user: 1, item: 10, rating: 4 },
  { user: 1, item: 11, rating: 2 },
  { user: 2, item: 10, rating: 5 },
  { user: 3, item: 12, rating: 1 },
]);

interface Log {
  passes: number;
  closed: number;
}

/** A method whose losses are a given list; its model counts passes in `mean`. */
function scripted(losses: readonly number[]): { method: Factorizer; log: Log } {
  const log: Log = { passes: 0, closed: 0 };
  const base = als({ rank: 1, sweeps: 1 });
  const method: Factorizer = {
    ...base,
    name: "scripted",
    passes: losses.length,
    start: async (data, kernels: Kernels, seed): Promise<Run> => {
      const inner = await base.start(data, kernels, seed);
      return {
        lossName: "scripted loss",
        passes: async () => {
          log.passes++;
          return [losses[log.passes - 1]];
        },
        state: () => inner.state(),
        model: async (passes): Promise<FactorModel> => ({ ...(await inner.model(passes)), mean: passes }),
        close: () => {
          log.closed++;
          inner.close();
        },
      };
    },
  };
  return { method, log };
}

describe("factorize", () => {
  it("reports progress after each pass, with the passes left", async () => {
    const seen: Progress[] = [];
    const { method } = scripted([3, 2, 1]);
    const { report } = await factorize(ratings, method, { onProgress: (progress) => seen.push(progress) });
    expect(seen.map(({ pass, passes, loss }) => [pass, passes, loss])).toEqual([
      [1, 3, 3],
      [2, 3, 2],
      [3, 3, 1],
    ]);
    expect(seen[2].secondsLeft).toBe(0);
    expect(report.loss).toEqual([3, 2, 1]);
    expect(report.stopped).toBe("passes");
  });

  it("stops after `patience` measurements without improvement and returns the best model", async () => {
    const { method, log } = scripted([1, 1, 1, 1, 1, 1]);
    const figures = [0.9, 0.8, 0.85, 0.81, 0.7, 0.6];
    const validation = {
      name: "figure",
      better: "lower" as const,
      patience: 2,
      measure: async (m: FactorModel) => figures[m.mean - 1],
    };
    const { model, report } = await factorize(ratings, method, { validation });
    expect(log.passes).toBe(4);
    expect(model.mean).toBe(2);
    expect(report.stopped).toBe("validation");
    expect(report.validation?.bestPass).toBe(2);
  });

  it("measures every n-th pass and the last when told so, and keeps going without patience", async () => {
    const { method } = scripted([1, 1, 1, 1, 1]);
    const at: number[] = [];
    const measure = async (m: FactorModel) => at.push(m.mean);
    await factorize(ratings, method, { validation: { name: "count", better: "lower", every: 2, measure } });
    expect(at).toEqual([2, 4, 5]);
  });

  it("ends with DivergenceError naming the pass when the loss is not finite, and frees its memory", async () => {
    const { method, log } = scripted([1, Number.NaN, 1]);
    await expect(factorize(ratings, method)).rejects.toThrow(DivergenceError);
    expect(log).toEqual({ passes: 2, closed: 1 });
  });

  it("ends with AbortedError when the signal fires, before the next pass, and frees its memory", async () => {
    const { method, log } = scripted([1, 1, 1]);
    const controller = new AbortController();
    const stopped = factorize(ratings, method, { signal: controller.signal, onProgress: () => controller.abort() });
    await expect(stopped).rejects.toThrow(AbortedError);
    expect(log).toEqual({ passes: 1, closed: 1 });
  });

  it("gives turns between passes: an abort in one ends a training on the reference backend", async () => {
    turnAtEveryLook();
    const controller = new AbortController();
    let told = 0;
    const onProgress = () => {
      if (told++ === 0) setImmediate(() => controller.abort());
    };
    const options = { backend: "reference", signal: controller.signal, onProgress } as const;
    await expect(factorize(ratings, als({ rank: 2, sweeps: 9 }), options)).rejects.toThrow(AbortedError);
    expect(told).toBe(1);
  });

  it("refuses unknown options by name, with the near one", async () => {
    const wrong = { thread: 2 } as object;
    await expect(factorize(ratings, als({ rank: 1 }), wrong)).rejects.toThrow(/thread .*did you mean "threads"/);
  });

  it("refuses threads beside open kernels, which decide them", async () => {
    const kernels = await openKernels({ backend: "reference" });
    await expect(factorize(ratings, als({ rank: 1 }), { kernels, threads: 2 })).rejects.toThrow(OptionError);
  });

  it("names the argument when ratings are records or a method is not called", async () => {
    const untyped = factorize as (...all: unknown[]) => Promise<unknown>;
    await expect(untyped([{ user: 1, item: 1, rating: 1 }], als())).rejects.toThrow(/make them with ratingsFrom/);
    await expect(untyped(ratings)).rejects.toThrow(/method must be a method such as als\(\)/);
    await expect(untyped(ratings, als)).rejects.toThrow(/call the method/);
  });

  it("finds that dislikes count as chosen where ratings are not looked at", async () => {
    const signed = ratingsFrom([...ratings.records()].map((record, n) => ({ ...record, rating: n - 2 })));
    const { report } = await factorize(signed, ials({ rank: 1, sweeps: 1 }));
    expect(report.findings.map((finding) => finding.code)).toEqual(["dislikes-count"]);
  });

  it("refuses ratings of which none is left, by als and ials alike", async () => {
    const strangers = align(ratingsFrom([{ user: 9, item: 9, rating: 1 }]), ratings).ratings;
    expect(strangers.size).toBe(0);
    for (const method of [als({ rank: 1 }), ials({ rank: 1 })]) {
      await expect(factorize(strangers, method)).rejects.toThrow(DataError);
    }
  });

  it("finds a rank above the smaller side and goes on", async () => {
    const { report } = await factorize(ratings, als({ rank: 7, sweeps: 1 }));
    expect(report.findings.map((finding) => finding.code)).toEqual(["rank-above-size"]);
  });

  it("says which columns the method does not look at", async () => {
    const timed = ratingsFrom([...ratings.records()].map((record, time) => ({ ...record, time })));
    expect((await factorize(timed, als({ rank: 1, sweeps: 1 }))).report.ignored).toEqual(["time"]);
    expect((await factorize(ratings, ials({ rank: 1, sweeps: 1 }))).report.ignored).toEqual(["rating"]);
  });

  it("leaves the history out when told so, and only that", async () => {
    const kept = await factorize(ratings, als({ rank: 1, sweeps: 1 }));
    const left = await factorize(ratings, als({ rank: 1, sweeps: 1 }), { keepHistory: false });
    expect(kept.model.history?.index).toEqual(ratings.byUser.index);
    expect(left.model.history).toBeUndefined();
    expect(left.model.userFactors).toEqual(kept.model.userFactors);
  });
});

describe("option tables", () => {
  it.each([
    [{ rank: 0 }, /als: rank must be a whole number from 1 to 1024, got 0/],
    [{ rank: 2.5 }, /got 2.5/],
    [{ regularization: Number.NaN }, /regularization must be a finite number/],
    [{ solver: "lu" }, /one of "auto", "cholesky", "cg", "subspace"/],
    [{ cgSteps: 2 }, /acts only with solver cg/],
    [{ initScale: 0 }, /initScale must be a finite number from 0.000001/],
    [{ ranks: 3 }, /did you mean "rank"/],
  ])("als refuses %o", (options, message) => {
    expect(() => als(options as object)).toThrow(message);
  });
});

describe("suggestMethod", () => {
  const of = (values: readonly (number | undefined)[]) =>
    suggestMethod(
      ratingsFrom(
        values.map((rating, n) => (rating === undefined ? { user: n, item: n % 3 } : { user: n, item: n % 3, rating })),
      ),
    );

  it.each([
    ["als", [1, 2, 3, 4, 5]],
    ["als", [0.5, 4.5, 3]],
    ["als", [-10, 3.2, 9.9]],
    ["ials", [undefined, undefined]],
    ["ials", [1, 1, 1]],
    ["ials", [1, 1, 2, 1, 1, 3, 1, 1, 1, 2, 1, 90]],
  ] as const)("takes %s for ratings %o, with a reason", (name, values) => {
    const suggestion = of(values);
    expect(suggestion.name).toBe(name);
    expect(suggestion.reason.length).toBeGreaterThan(20);
  });
});
