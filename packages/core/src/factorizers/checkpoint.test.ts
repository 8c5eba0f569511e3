/** Checkpoint files: what is written reads back, and whatever is not a whole checkpoint is refused in a sentence. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { modelFixture } from "../../test/model-fixture.ts";
import { damagedBytes, header, withHeader } from "../../test/safetensors-header.ts";
import { contentChecksum, decodeModel, encodeModel, readHeader, readTensors } from "../model/index.ts";
import { CheckpointError, DataError, ModelFileError } from "../support/index.ts";
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint, encodeCheckpointParts } from "./index.ts";

const bestModel = { ...modelFixture(), history: undefined };

const whole: Checkpoint = {
  method: "als",
  options: { rank: 3, regularization: "auto", biases: true },
  seed: 4294967295,
  dataHash: "0123456789abcdef",
  backend: "wasm",
  build: "strict",
  version: "9.9.9",
  passName: "sweeps",
  passes: 3,
  lossName: "training RMSE",
  initialLoss: 0.1 + 0.2,
  loss: [3, 5e-324, 1 / 3],
  seconds: { prepare: 0.5, passes: [1, 2, 3], validation: 0.25, total: 7 },
  state: {
    arrays: {
      users: Float32Array.of(1, -0, Number.NaN),
      moments: Float64Array.of(1e300, -1e-300),
      order: Uint32Array.of(4294967295),
      empty: new Float32Array(0),
    },
  },
  validation: {
    name: "held-out RMSE",
    better: "lower",
    every: 2,
    patience: 3,
    dataHash: "fedcba9876543210",
    values: [{ pass: 2, value: 0.9 }],
    bestModel,
  },
};

const without = { ...whole, initialLoss: undefined, validation: undefined };

/** The checksum made again, so that the reader sees what lies behind it; the bytes as they are where nothing can be read. */
function sealed(bytes: Uint8Array): Uint8Array {
  const stop = (): never => {
    throw new Error("not readable");
  };
  try {
    const found = readHeader(bytes, stop);
    const tensors = [...readTensors(bytes, found, stop).values()];
    const digits = contentChecksum(found.metadata, ["format", "format_version", "training", "validation"], tensors);
    return withHeader(bytes, (json) => {
      json.__metadata__.checksum = digits;
    });
  } catch {
    return bytes;
  }
}

/** What to do is the same for every damage, and tested once. */
const remedies = /; (take another copy|give a file that) .*$/;

function reasonOf(bytes: Uint8Array): string {
  try {
    decodeCheckpoint(bytes, "run.ckpt");
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as CheckpointError).code).toBe("checkpoint");
    expect((error as CheckpointError).facts.file).toBe("run.ckpt");
    return (error as CheckpointError).message.replace("run.ckpt: ", "").replace(remedies, "");
  }
  return "accepted";
}

/** Metadata `training` or `validation` with some fields changed; `undefined` takes one away. */
function changed(key: "training" | "validation", fields: Record<string, unknown>): string {
  const bytes = withHeader(encodeCheckpoint(whole), (json) => {
    json.__metadata__[key] = JSON.stringify({ ...JSON.parse(json.__metadata__[key]), ...fields });
  });
  return reasonOf(sealed(bytes));
}

describe("checkpoint file", () => {
  it("write, read, write gives an equal checkpoint and the same bytes, with and without validation", () => {
    for (const checkpoint of [whole, without]) {
      const bytes = encodeCheckpoint(checkpoint);
      const back = decodeCheckpoint(bytes.slice());
      expect(encodeCheckpoint(back)).toEqual(bytes);
      const { validation, ...rest } = back;
      const { validation: given, ...expected } = checkpoint;
      expect(rest).toEqual(expected);
      if (given === undefined || validation === undefined) expect(validation).toBe(given);
      else {
        const { bestModel: best, ...figures } = validation;
        const { bestModel: kept, ...expectedFigures } = given;
        expect(figures).toEqual(expectedFigures);
        expect(encodeModel(best as typeof bestModel)).toEqual(encodeModel(kept as typeof bestModel));
      }
    }
  });

  it("reads from any offset of a larger block, and copies no tensor that lies aligned when writing", () => {
    const bytes = encodeCheckpoint(whole);
    for (const offset of [0, 1, 2, 4, 8]) {
      const block = new Uint8Array(bytes.length + offset);
      block.set(bytes, offset);
      expect(decodeCheckpoint(block.subarray(offset)).state).toEqual(whole.state);
    }
    const { users } = whole.state.arrays;
    expect(encodeCheckpointParts(whole).some((part) => part.buffer === users.buffer)).toBe(true);
  });

  it("is a safetensors file that leaves out the history of the best model", () => {
    const { __metadata__, ...tensors } = header(encodeCheckpoint(whole));
    expect(__metadata__.format).toBe("lowrank-checkpoint");
    const names = ["users", "order", "moments", "empty"].map((name) => `state.${name}`);
    const others = ["best_model", "loss", "pass_seconds", "validation_pass", "validation_value"];
    expect(new Set(Object.keys(tensors))).toEqual(new Set([...names, ...others]));
    const withHistory = { ...whole.validation, bestModel: modelFixture() } as Checkpoint["validation"];
    expect(encodeCheckpoint({ ...whole, validation: withHistory })).toEqual(encodeCheckpoint(whole));
  });

  it("what would not read back is not written", () => {
    const refused = (change: Partial<Checkpoint>) => () => encodeCheckpoint({ ...whole, ...change });
    expect(refused({ passes: 4 })).toThrow(DataError);
    expect(refused({ passes: 4 })).toThrow("checkpoint: 4 passes with 3 losses and 3 times");
    expect(refused({ loss: [1, Number.NaN, 1] })).toThrow("tensor loss holds a number that is not finite");
    expect(refused({ seed: -1 })).toThrow("metadata training.seed must be a whole number from 0 to 4294967295, got -1");
    expect(refused({ options: { note: "x".repeat(1 << 20) } })).toThrow("more than 1 MB as JSON");
    expect(refused({})).not.toThrow();
  });

  it("cut at any length, or any byte changed in any of three ways: refused, or the same checkpoint", () => {
    const bytes = encodeCheckpoint(without);
    for (let length = 0; length < bytes.length; length++) {
      expect(reasonOf(bytes.slice(0, length)), `${length} bytes`).not.toBe("accepted");
    }
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0x01, 0x20, 0x80]) {
        const damaged = bytes.slice();
        damaged[at] ^= flip;
        const reason = reasonOf(damaged);
        if (reason !== "accepted") refused++;
        else expect(encodeCheckpoint(decodeCheckpoint(damaged))).toEqual(bytes);
      }
    }
    expect(refused).toBeGreaterThan(2.9 * bytes.length);
  });

  it("random damage with a checksum that agrees: a checkpoint that is written and read back, or a CheckpointError", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.boolean()), { minLength: 1, maxLength: 2 });
    let accepted = 0;
    fc.assert(
      fc.property(damage, fc.boolean(), (changes, small) => {
        const damaged = sealed(damagedBytes(encodeCheckpoint(small ? without : whole), changes));
        if (reasonOf(damaged.slice()) !== "accepted") return;
        accepted++;
        const back = decodeCheckpoint(damaged);
        expect(decodeCheckpoint(encodeCheckpoint(back)).loss).toEqual(back.loss);
      }),
      { numRuns: 1000 },
    );
    expect(accepted).toBeGreaterThan(0);
  });

  it("other files are told apart: models, other safetensors, later versions, text, nothing", () => {
    const as = (change: Record<string, string | undefined>) =>
      reasonOf(withHeader(encodeCheckpoint(whole), (json) => Object.assign(json.__metadata__, change)));
    expect(reasonOf(encodeModel(bestModel))).toBe(
      "not a lowrank checkpoint: a model file, which is what a training ends with",
    );
    expect(as({ format: "pt" })).toBe("not a lowrank checkpoint: a safetensors file of something else");
    expect(as({ format_version: "3" })).toBe("written as version 3, this build reads 1; update the package");
    expect(as({ checksum: undefined })).toMatch(/^damaged: .*checksum/);
    const cut = () => decodeCheckpoint(encodeCheckpoint(whole).slice(0, -1));
    expect(cut).toThrow(/; take another copy of the file, or start anew without it$/);
    expect(() => decodeCheckpoint(new Uint8Array(0))).toThrow("give a file that a training kept as its checkpoint");
    expect(reasonOf(new TextEncoder().encode("userId,movieId\n1,2\n"))).toMatch("no safetensors header");
    expect(reasonOf(new Uint8Array(0))).toBe("not a lowrank checkpoint: the file is empty");
    const asModel = () => decodeModel(encodeCheckpoint(whole), "run.ckpt");
    expect(asModel).toThrow(ModelFileError);
    expect(asModel).toThrow("run.ckpt: not a lowrank model: a checkpoint of a training; resume it");
  });

  it("fields that are missing or cannot be are refused by name", () => {
    expect(changed("training", {})).toBe("accepted");
    expect(changed("training", { passes: 2 })).toBe("2 passes with 3 losses and 3 times");
    expect(changed("training", { passName: "laps" })).toMatch("training.passName must be one of sweeps, epochs, steps");
    expect(changed("training", { method: undefined })).toMatch("training.method must be a text, got nothing");
    expect(changed("training", { options: [1] })).toBe("metadata training.options must be a JSON object");
    expect(changed("training", { seconds: { prepare: "1" } })).toMatch(
      "training.seconds.prepare must be a finite number",
    );
    expect(changed("validation", { every: 0 })).toMatch("validation.every must be a whole number from 1");
    expect(changed("validation", { better: "faster" })).toMatch("validation.better must be one of lower, higher");
  });

  it("tensors that are missing, unknown or of another type are refused by name", () => {
    const altered = (change: (json: ReturnType<typeof header>) => void) =>
      reasonOf(sealed(withHeader(encodeCheckpoint(whole), change)));
    const retyped = (name: string, dtype: string) =>
      altered((json) => {
        (json[name] as { dtype: string }).dtype = dtype;
      });
    const renamed = (from: string, to: string) =>
      altered((json) => {
        json[to] = json[from];
        delete json[from];
      });
    expect(retyped("state.users", "I32")).toBe('tensor "state.users" must be a list of F64, F32 or U32');
    expect(retyped("loss", "I64")).toBe("tensor loss must be a list of F64");
    expect(renamed("loss", "losses")).toBe("tensor loss is missing");
    expect(renamed("best_model", "model")).toBe('tensor "model" is not part of a checkpoint');
    const passes = (...at: number[]) => {
      const values = at.map((pass) => ({ pass, value: 1 }));
      const unchecked = { ...whole.validation, values } as NonNullable<Checkpoint["validation"]>;
      return () => encodeCheckpoint({ ...whole, validation: unchecked });
    };
    for (const wrong of [passes(2, 2), passes(3, 1), passes(4), passes(0), passes(1.5)]) {
      expect(wrong).toThrow("the passes at which validation was measured do not ascend");
    }
    expect(passes(1, 3)).not.toThrow();
  });
});
