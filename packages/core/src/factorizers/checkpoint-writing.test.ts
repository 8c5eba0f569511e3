/** When checkpoints are written: after which passes, while a pass goes on, when a training is told to stop. */
import { describe, expect, it } from "vitest";
import { joined } from "../model/index.ts";
import { AbortedError, DivergenceError, OptionError } from "../support/index.ts";
import { engine, type Kept, outcome, ratings, watched } from "./checkpointing.case.ts";
import {
  als,
  type CheckpointInfo,
  type CheckpointOptions,
  type Factorizer,
  factorize,
  type Validation,
} from "./index.ts";

describe("writing checkpoints", () => {
  const method = als({ rank: 4, sweeps: 6 });

  function recorder(options: Omit<CheckpointOptions, "write"> = {}) {
    const seen: string[] = [];
    const write = async (_: readonly Uint8Array[], { passes, reason }: CheckpointInfo) => {
      seen.push(`${reason} ${passes}`);
    };
    return { seen, checkpoint: { ...options, write } };
  }

  it("after every so many passes; after every pass where 0 seconds are asked for; by default hardly ever", async () => {
    const every = recorder({ every: 4 });
    await factorize(ratings, method, { ...engine, checkpoint: every.checkpoint });
    expect(every.seen).toEqual(["start 0", "due 4", "end 6"]);
    const always = recorder({ seconds: 0 });
    await factorize(ratings, method, { ...engine, checkpoint: always.checkpoint });
    expect(always.seen).toEqual(["start 0", "due 1", "due 2", "due 3", "due 4", "due 5", "due 6", "end 6"]);
    const usual = recorder();
    await factorize(ratings, method, { ...engine, checkpoint: usual.checkpoint });
    expect(usual.seen).toEqual(["start 0", "end 6"]);
  });

  it("goes on training while one is written; one that is due by its pass waits, one due by the clock does not", async () => {
    const log: string[] = [];
    const run = async (options: Omit<CheckpointOptions, "write">) => {
      log.length = 0;
      let lastPassMade = () => {};
      const lastPass = new Promise<void>((resolve) => {
        lastPassMade = resolve;
      });
      const write = async (_: readonly Uint8Array[], { passes, reason }: CheckpointInfo) => {
        log.push(`begin ${passes}`);
        if (reason === "due") await lastPass;
        log.push(`done ${passes}`);
      };
      const onProgress = ({ pass }: { pass: number }) => {
        log.push(`pass ${pass}`);
        if (pass === 6) lastPassMade();
      };
      await factorize(ratings, method, { ...engine, onProgress, checkpoint: { ...options, write } });
      return [...log];
    };
    expect(await run({ every: 3 })).toEqual([
      ...["begin 0", "done 0", "pass 1", "pass 2", "pass 3", "begin 3", "pass 4", "pass 5", "pass 6", "done 3"],
      ...["begin 6", "done 6", "begin 6", "done 6"],
    ]);
    const clocked = await run({ seconds: 0 });
    expect(clocked.slice(0, 9)).toEqual([
      ...["begin 0", "done 0", "pass 1", "begin 1", "pass 2", "pass 3", "pass 4", "pass 5", "pass 6"],
    ]);
    expect(clocked.slice(-2)).toEqual(["begin 6", "done 6"]);
  });

  it("ends before the first pass when the first one cannot be written, and frees its memory", async () => {
    const passes: number[] = [];
    const checkpoint = {
      write: async () => {
        throw new Error("disk full");
      },
    };
    const onProgress = ({ pass }: { pass: number }) => passes.push(pass);
    await expect(factorize(ratings, method, { ...engine, checkpoint, onProgress })).rejects.toThrow("disk full");
    expect(passes).toEqual([]);
  });

  it("ends the training when a later one cannot be written", async () => {
    let made = 0;
    const checkpoint = {
      every: 2,
      write: async (_: readonly Uint8Array[], { passes }: CheckpointInfo) => {
        if (passes === 2) throw new Error("disk full");
      },
    };
    const onProgress = ({ pass }: { pass: number }) => {
      made = pass;
    };
    await expect(factorize(ratings, method, { ...engine, checkpoint, onProgress })).rejects.toThrow("disk full");
    expect(made).toBeLessThan(6);
  });

  it("when the signal fires: at the end of the pass, with nothing lost", async () => {
    const undisturbed = await factorize(ratings, method, engine);
    for (const at of [1, 3, 6]) {
      const controller = new AbortController();
      const kept: Kept[] = [];
      const write = async (parts: readonly Uint8Array[], info: CheckpointInfo) => {
        kept.push({ bytes: joined(parts), info });
      };
      const stopped = factorize(ratings, method, {
        ...engine,
        signal: controller.signal,
        onProgress: ({ pass }) => pass === at && controller.abort(),
        checkpoint: { write },
      });
      await expect(stopped).rejects.toThrow(AbortedError);
      const last = kept[kept.length - 1];
      expect(last.info).toEqual({ passes: at, reason: "stopped" });
      const resumed = await factorize(ratings, method, { ...engine, resume: last.bytes });
      expect(outcome(resumed)).toEqual(outcome(undisturbed));
    }
  });

  it("when the signal fires while validation measures: resumed with that measurement made again", async () => {
    const validation = watched(3);
    const undisturbed = await factorize(ratings, method, { ...engine, validation });
    const controller = new AbortController();
    const measure: Validation["measure"] = async (model, training) => {
      if (model.provenance.passes === 2) controller.abort();
      if (training.signal?.aborted) throw new AbortedError("measure");
      return validation.measure(model, training);
    };
    let last: Uint8Array | undefined;
    const write = async (parts: readonly Uint8Array[]) => {
      last = joined(parts);
    };
    const { signal } = controller;
    const stopped = factorize(ratings, method, {
      ...{ ...engine, signal, validation: { ...validation, measure }, checkpoint: { write } },
    });
    await expect(stopped).rejects.toThrow(AbortedError);
    const resumed = await factorize(ratings, method, { ...engine, validation, resume: last });
    expect(outcome(resumed)).toEqual(outcome(undisturbed));
  });

  it("never keeps a pass that diverged, also when the signal has fired", async () => {
    const controller = new AbortController();
    const broken: Factorizer = {
      ...method,
      start: async (...all) => {
        const run = await method.start(...all);
        let made = 0;
        return {
          lossName: run.lossName,
          passes: async (most, signal) => {
            const figures = await run.passes(most, signal);
            if (++made === 2) controller.abort();
            return made === 2 ? [Number.NaN] : figures;
          },
          state: () => run.state(),
          model: (passes) => run.model(passes),
          close: () => run.close(),
        };
      },
    };
    const { seen, checkpoint } = recorder({ every: 1 });
    const { signal } = controller;
    await expect(factorize(ratings, broken, { ...engine, checkpoint, signal })).rejects.toThrow(DivergenceError);
    expect(seen).toEqual(["start 0", "due 1"]);
  });

  it("refuses unknown options, wrong values and a missing write by name", async () => {
    const refused = (checkpoint: object) =>
      expect(factorize(ratings, method, { checkpoint: checkpoint as CheckpointOptions })).rejects;
    const write = async () => {};
    await refused({}).toThrow(/checkpoint: write must be a function/);
    await refused({ write, every: 0 }).toThrow(OptionError);
    await refused({ write, seconds: -1 }).toThrow(/seconds must be a finite number of at least 0/);
    await refused({ write, minutes: 1 }).toThrow(/minutes must be left out/);
  });
});
