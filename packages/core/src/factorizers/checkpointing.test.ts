/** Stopped and resumed trainings end in the bytes of one that never stopped; a checkpoint of another training is refused. */
import { describe, expect, it } from "vitest";
import { openKernels } from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import { plantedWorld, type Ratings } from "../ratings/index.ts";
import { CheckpointError, DataError } from "../support/index.ts";
import { checkpointed, engine, outcome, ratings, watched } from "./checkpointing.case.ts";
import {
  als,
  bpr,
  type Checkpoint,
  decodeCheckpoint,
  denseNet,
  type FactorizeOptions,
  type Factorizer,
  factorize,
  gradient,
  ials,
  sgd,
  softmax,
  svd,
  type Validation,
} from "./index.ts";

describe("resume", () => {
  const momentum = {
    rank: 4,
    steps: 6,
    optimizer: "sgd",
    momentum: 0.9,
    learningRate: 1e-4,
    schedule: "cosine",
  } as const;
  const trainings: readonly (readonly [string, Factorizer<Model>, Validation | undefined])[] = [
    ["als", als({ rank: 4, sweeps: 6 }), undefined],
    ["als by conjugate gradient", als({ rank: 4, sweeps: 6, solver: "cg", cgSteps: 1 }), undefined],
    ["ials by conjugate gradient", ials({ rank: 40, sweeps: 6, solver: "cg" }), undefined],
    ["ials by subspaces", ials({ rank: 40, sweeps: 6, solver: "subspace" }), undefined],
    ["gradient by adam", gradient({ rank: 4, steps: 6, learningRate: 0.1 }), undefined],
    ["gradient by sgd with momentum, falling rate", gradient(momentum), undefined],
    ["gradient in shuffled batches", gradient({ rank: 4, batch: "mini", batchSize: 16, epochs: 6 }), undefined],
    ["sgd in blocks, stopped early", sgd({ rank: 4, epochs: 9 }), watched(3)],
    ["sgd in blocks, non-negative", sgd({ rank: 12, epochs: 5, nonNegative: true }), undefined],
    ["sgd shuffled, stopped early", sgd({ rank: 4, epochs: 9, order: "shuffled" }), watched(3)],
    ["dense net by adam, shuffled", denseNet({ rank: 4, hidden: [8], epochs: 6, batchSize: 32 }), undefined],
    ["dense net stopped early", denseNet({ rank: 4, hidden: [8], epochs: 9 }), watched(3)],
    ["bpr", bpr({ rank: 4, epochs: 6, batchSize: 8 }), undefined],
    ["softmax stopped early", softmax({ rank: 4, epochs: 9, batchSize: 8 }), watched(3)],
    ["svd, exact", svd({ rank: 4, missing: "zero" }), undefined],
    ["als stopped early, its best model behind it", als({ rank: 4, sweeps: 9 }), watched(3)],
    ["als watched to the end", als({ rank: 4, sweeps: 7 }), watched(undefined)],
    ["als watched after every second pass and the last", als({ rank: 4, sweeps: 7 }), watched(2, 2)],
  ];

  it.each(trainings)(
    "%s: from each of its checkpoints to the same model file and figures",
    async (_, method, validation) => {
      const undisturbed = await factorize(ratings, method, { ...engine, validation });
      const { kept, ...end } = await checkpointed(method, { validation });
      expect(outcome(end)).toEqual(outcome(undisturbed));
      expect(end.report.resumedAfter).toBeUndefined();
      expect(kept.map(({ info }) => info.passes)).toEqual([
        ...Array.from({ length: end.report.passes + 1 }, (_, pass) => pass),
        end.report.passes,
      ]);
      expect(kept.map(({ info }) => info.reason)).toEqual(["start", ...kept.slice(2).map(() => "due"), "end"]);
      for (const { bytes, info } of kept) {
        const resumed = await factorize(ratings, method, { ...engine, validation, resume: bytes.slice() });
        expect(outcome(resumed)).toEqual(outcome(undisturbed));
        expect(resumed.report.resumedAfter).toBe(info.passes);
        expect(resumed.report.seconds.passes).toHaveLength(end.report.passes);
        // A training that is resumed writes the checkpoints that it would have written.
        const again = await checkpointed(method, { validation, resume: decodeCheckpoint(bytes) });
        expect(timeless(again.kept[again.kept.length - 1].bytes)).toEqual(timeless(kept[kept.length - 1].bytes));
        const reasons = again.kept.map(({ info }) => info.reason);
        expect(reasons[reasons.length - 1]).toBe("end");
        if (info.passes === end.report.passes) expect(reasons).toEqual(["end"]);
      }
    },
  );

  it("with more passes gives what these would have given at once, watched or not", async () => {
    for (const validation of [undefined, watched(undefined, 2), watched(9, 3)]) {
      const { kept } = await checkpointed(als({ rank: 4, sweeps: 4 }), { validation });
      const resume = kept[kept.length - 1].bytes;
      const longer = await factorize(ratings, als({ rank: 4, sweeps: 9 }), { ...engine, validation, resume });
      const atOnce = await factorize(ratings, als({ rank: 4, sweeps: 9 }), { ...engine, validation });
      expect(outcome(longer)).toEqual(outcome(atOnce));
    }
  });

  it("keeps or leaves out the history as this call says, not as the checkpoint's did", async () => {
    const method = als({ rank: 4, sweeps: 6 });
    const validation = watched(2);
    const { kept } = await checkpointed(method, { validation, keepHistory: false });
    const resume = kept[kept.length - 1].bytes;
    const { model } = await factorize(ratings, method, { ...engine, validation, resume });
    expect(model.history?.index).toEqual(ratings.byUser.index);
  });

  it("counts the seconds of both trainings, and progress goes on where it was", async () => {
    const method = als({ rank: 4, sweeps: 6 });
    const { kept } = await checkpointed(method);
    const { seconds } = decodeCheckpoint(kept[4].bytes.slice());
    const seen: number[] = [];
    const onProgress = ({ pass, secondsLeft }: { pass: number; secondsLeft: number }) => {
      seen.push(pass);
      expect(secondsLeft).toBeGreaterThanOrEqual(0);
    };
    const { report } = await factorize(ratings, method, { ...engine, resume: kept[4].bytes, onProgress });
    expect(seen).toEqual([5, 6]);
    expect(report.seconds.passes.slice(0, 4)).toEqual(seconds.passes);
    expect(report.seconds.total).toBeGreaterThanOrEqual(seconds.total);
  });
});

function timeless(bytes: Uint8Array): unknown {
  const { seconds, ...rest } = decodeCheckpoint(bytes.slice());
  return rest;
}

describe("a checkpoint of another training is refused, everything that differs by name:", () => {
  const method = als({ rank: 4, sweeps: 5, regularization: 2 });
  const other = plantedWorld({ users: 30, items: 20, rank: 3, density: 0.5, noise: 0.2, seed: 5 }).ratings;

  async function refusal(data: Ratings, asked: Factorizer, options: FactorizeOptions): Promise<CheckpointError> {
    const error = await factorize(data, asked, { ...engine, ...options }).catch((cause) => cause);
    expect(error).toBeInstanceOf(CheckpointError);
    return error;
  }

  it("other ratings, method, settings, seed, and several at once", async () => {
    const { kept } = await checkpointed(method);
    const resume = kept[3].bytes;
    const differs = async (data: Ratings, asked: Factorizer, options: FactorizeOptions = {}) =>
      (await refusal(data, asked, { resume: resume.slice(), ...options })).facts.differs;
    expect(await differs(other, method)).toEqual(["ratings"]);
    expect(await differs(ratings, ials({ rank: 4, sweeps: 5 }))).toEqual(["method"]);
    expect(await differs(ratings, als({ rank: 8, sweeps: 5, regularization: 3 }))).toEqual(["rank", "regularization"]);
    expect(await differs(ratings, method, { seed: 1 })).toEqual(["seed"]);
    expect(await differs(other, als({ rank: 8, sweeps: 5, regularization: 2 }), { seed: 1 })).toEqual([
      ...["ratings", "rank", "seed"],
    ]);
    const { message } = await refusal(ratings, als({ rank: 8, sweeps: 5, regularization: 2 }), { resume, seed: 7 });
    expect(message).toBe(
      "als: the checkpoint is of another training: rank is 4 there and 8 here; seed is 0 there and 7 here; " +
        "ask for what stands there, or begin anew without resuming",
    );
  });

  it("the same numbers in another unit: a rate that is given has unit 1, except in blocks", async () => {
    const pairs: readonly (readonly [Factorizer, Factorizer, readonly string[]])[] = [
      [gradient({ rank: 2, steps: 4 }), gradient({ rank: 2, steps: 4, learningRate: 0.05 }), ["unit"]],
      [
        sgd({ rank: 2, epochs: 4, order: "rows" }),
        sgd({ rank: 2, epochs: 4, order: "rows", learningRate: 0.025 }),
        ["unit"],
      ],
      [sgd({ rank: 2, epochs: 4 }), sgd({ rank: 2, epochs: 4, learningRate: 0.1 }), []],
      // What follows from another rate is not told beside it.
      [gradient({ rank: 2, steps: 4 }), gradient({ rank: 2, steps: 4, learningRate: 0.3 }), ["learningRate"]],
    ];
    for (const [made, asked, differs] of pairs) {
      const { kept, report } = await checkpointed(made);
      const resume = kept[2].bytes;
      if (differs.length > 0) expect((await refusal(ratings, asked, { resume })).facts.differs).toEqual(differs);
      else expect((await factorize(ratings, asked, { ...engine, resume })).report.digest).toBe(report.digest);
    }
  });

  it("fewer passes than were made, or another number where a pass depends on it", async () => {
    const { kept } = await checkpointed(method);
    const resume = kept[3].bytes;
    const fewer = await refusal(ratings, als({ rank: 4, sweeps: 2, regularization: 2 }), { resume: resume.slice() });
    expect(fewer.message).toBe("als: the checkpoint holds 3 sweeps already; ask for as many or more, not 2");
    const more = { ...als({ rank: 4, sweeps: 9, regularization: 2 }), passesMatter: "schedule cosine" };
    const { message, facts } = await refusal(ratings, more, { resume });
    expect(facts.differs).toEqual(["sweeps"]);
    expect(message).toMatch(
      'sweeps is 5 there and 9 here, and each pass depends on it (schedule cosine): ask for 5 sweeps, or begin anew with schedule: "constant"',
    );
  });

  it("watched otherwise, or on other data", async () => {
    const validation = { ...watched(3, 2), dataHash: "a" };
    const { kept } = await checkpointed(method, { validation });
    const differs = async (changed: Validation | undefined) =>
      (await refusal(ratings, method, { resume: kept[3].bytes.slice(), validation: changed })).facts.differs;
    expect(await differs(undefined)).toEqual(["validation"]);
    expect(await differs({ ...validation, name: "another" })).toEqual(["validation"]);
    expect(await differs({ ...validation, patience: 4, every: 1 })).toEqual(["every", "patience"]);
    expect(await differs({ ...validation, dataHash: "b" })).toEqual(["held-out data"]);
  });

  it("another build or version, which resumeAcrossBuilds allows, and another backend, which nothing does", async () => {
    const [strict, reference] = await Promise.all([
      openKernels({ backend: "wasm", reproducible: true, threads: 1 }),
      openKernels({ backend: "reference" }),
    ]);
    const { kept } = await checkpointed(method, { kernels: strict, threads: undefined });
    const made = decodeCheckpoint(kept[3].bytes);
    const resumed = (checkpoint: Checkpoint, acrossBuilds: boolean, kernels = strict) =>
      factorize(ratings, method, { kernels, resume: checkpoint, resumeAcrossBuilds: acrossBuilds });
    const older = { ...made, build: "relaxed", version: "0.0.1" };
    await expect(resumed(older, false)).rejects.toThrow(
      /build is "relaxed" there and "strict" here, which may give other bytes; .*version is "0.0.1" there/,
    );
    expect((await resumed(older, true)).report.digest).toBe((await resumed(made, false)).report.digest);
    for (const acrossBuilds of [false, true]) {
      await expect(resumed(made, acrossBuilds, reference)).rejects.toThrow(
        'backend is "wasm" there and "reference" here',
      );
    }
  });

  it("what is no checkpoint, by its type or its content", async () => {
    for (const resume of [3, "run.ckpt", {}, null]) {
      const untyped = { resume } as unknown as FactorizeOptions;
      await expect(factorize(ratings, method, untyped)).rejects.toThrow(/resume must be a checkpoint or the bytes/);
    }
    await expect(factorize(ratings, method, { resume: Uint8Array.of(1, 2) })).rejects.toThrow(CheckpointError);
    const { kept } = await checkpointed(method);
    const made = decodeCheckpoint(kept[3].bytes);
    const { userFactors, ...arrays } = made.state.arrays;
    await expect(factorize(ratings, method, { ...engine, resume: { ...made, state: { arrays } } })).rejects.toThrow(
      DataError,
    );
  });
});
