import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { implicitObjective, modelFixture, netFixture } from "../../test/model-fixture.ts";
import { damagedBytes, header, withHeader } from "../../test/safetensors-header.ts";
import { CellValues } from "../ratings/index.ts";
import { ModelFileError } from "../support/index.ts";
import type { FactorModel } from "./factor-model.ts";
import type { Model } from "./model.ts";
import { modelDigest } from "./model-digest.ts";
import { decodeModel, encodeModel, encodeModelParts } from "./model-file.ts";

/** Everything that two models can differ in, as one comparable value. */
function content(model: Model) {
  if (model.kind === "items") throw new Error("models of tables are compared here");
  const { users, items, history, ...rest } = model;
  const rows = history && {
    ...history,
    start: [...history.start],
    index: [...history.index],
    value: [...history.value],
  };
  const plain = (array: Float32Array | undefined) => array && [...array];
  return {
    ...rest,
    userFactors: plain(model.userFactors),
    itemFactors: plain(model.itemFactors),
    userBias: plain(model.userBias),
    itemBias: plain(model.itemBias),
    users: [...users.ids()],
    items: [...items.ids()],
    history: rows,
  };
}

/** What to do is the same for every damage, and tested once. */
const remedies = /; (take another copy|give a file that) .*$/;

function reasonOf(bytes: Uint8Array): string {
  try {
    decodeModel(bytes, "m.safetensors");
  } catch (error) {
    expect(error).toBeInstanceOf(ModelFileError);
    expect((error as ModelFileError).facts.file).toBe("m.safetensors");
    expect((error as ModelFileError).code).toBe("model-file");
    return (error as ModelFileError).message.replace("m.safetensors: ", "").replace(remedies, "");
  }
  return "accepted";
}

const texts = ["a", "über", "日本", "🍒", "\uffee", "z"];
const models = fc
  .record({
    users: fc.oneof(
      fc.uniqueArray(fc.maxSafeInteger(), { minLength: 1, maxLength: 6 }),
      fc.uniqueArray(fc.string({ minLength: 1, unit: "grapheme" }), { minLength: 1, maxLength: 6 }),
    ),
    items: fc.oneof(fc.constant(texts), fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 6 })),
    rank: fc.integer({ min: 1, max: 5 }),
    seed: fc.nat(),
    biases: fc.boolean(),
    density: fc.constantFrom(undefined, 0, 0.4, 1),
    values: fc.constantFrom("ones" as const, "ratings" as const),
    objective: fc.constantFrom(undefined, implicitObjective),
  })
  .chain((options) =>
    fc
      .constantFrom(
        modelFixture(options),
        netFixture({ ...options, hidden: [2], product: false }),
        netFixture({ ...options, hidden: [3, 1, 5], product: true }),
      )
      .map((model): Model => model),
  );

describe("model file", () => {
  it("write, read, write gives an equal model and the same bytes, for any ids, rank, biases and history", () => {
    fc.assert(
      fc.property(models, (model) => {
        const bytes = encodeModel(model);
        const back = decodeModel(bytes);
        expect(content(back)).toEqual(content(model));
        expect(encodeModel(back)).toEqual(bytes);
        expect(modelDigest(back)).toBe(modelDigest(model));
      }),
    );
  });

  it("a mean of 0.1 + 0.2 and penalties down to 5e-324 survive to the last bit", () => {
    const model: FactorModel = {
      ...modelFixture(),
      mean: 0.1 + 0.2,
      objective: { ...implicitObjective, regularization: 5e-324, confidenceScale: 1 / 3 } as typeof implicitObjective,
    };
    const back = decodeModel(encodeModel(model));
    expect(back).toMatchObject({ kind: "factors", mean: 0.30000000000000004, objective: model.objective });
  });

  it("every tensor begins at a multiple of its element size and the data at a multiple of 8", () => {
    fc.assert(
      fc.property(models, (model) => {
        const bytes = encodeModel(model);
        const length = bytes[0] + 256 * bytes[1];
        expect(length % 8).toBe(0);
        const { __metadata__, ...tensors } = header(bytes);
        for (const [name, tensor] of Object.entries(tensors)) {
          const { dtype, data_offsets } = tensor as { dtype: string; data_offsets: number[] };
          const size = { I64: 8, F32: 4, U32: 4, U8: 1 }[dtype] as number;
          expect([name, data_offsets[0] % size]).toEqual([name, 0]);
        }
      }),
    );
  });

  it("the parts are views of the model's arrays and read from any place in a larger buffer", () => {
    const model = modelFixture();
    const parts = encodeModelParts(model);
    expect(parts.some((part) => part.buffer === model.userFactors.buffer)).toBe(true);
    const bytes = encodeModel(model);
    for (const offset of [0, 1, 2, 3, 4, 7]) {
      const shifted = new Uint8Array(bytes.length + 8);
      shifted.set(bytes, offset);
      expect(content(decodeModel(shifted.subarray(offset, offset + bytes.length)))).toEqual(content(model));
    }
  });

  it("reads from shared memory", () => {
    const bytes = encodeModel(modelFixture());
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    expect(content(decodeModel(shared))).toEqual(content(modelFixture()));
  });

  it("history values are left out when all are 1 and come back as 1", () => {
    const bytes = encodeModel(modelFixture({ values: "ones" }));
    expect(Object.keys(header(bytes))).not.toContain("history_value");
    const value = decodeModel(bytes).history?.value;
    expect(value?.length).toBeGreaterThan(0);
    expect(value?.every((one) => one === 1)).toBe(true);
  });

  it("a model whose provenance could not be read back is not written", () => {
    const model = modelFixture();
    const from = (part: object) => () =>
      encodeModel({ ...model, provenance: { ...model.provenance, ...part } as FactorModel["provenance"] });
    expect(from({ seed: Number.NaN })).toThrow('model: metadata seed must be a finite number, got "NaN"');
    expect(from({ passes: 1.5 })).toThrow("metadata passes must be a whole number");
    expect(from({ options: undefined })).toThrow("metadata options must be a JSON object, got nothing");
    expect(from({ options: [1] })).toThrow("metadata options must be a JSON object");
    expect(from({})).not.toThrow();
  });
});

describe("hostile model files", () => {
  it("cut at any length: a ModelFileError", () => {
    for (const model of [modelFixture(), modelFixture({ users: [1, 2, 3], values: "ones" })]) {
      const bytes = encodeModel(model);
      for (let length = 0; length < bytes.length; length++) {
        expect(reasonOf(bytes.slice(0, length)), `${length} bytes`).not.toBe("accepted");
      }
    }
  });

  it("any single byte flipped in any of three ways: an equal model or a ModelFileError", () => {
    const model = modelFixture({ users: ["α", "b"], items: [1, 2], rank: 1 });
    const bytes = encodeModel(model);
    const expected = JSON.stringify(content(model));
    let refused = 0;
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0x01, 0x20, 0x80]) {
        const damaged = bytes.slice();
        damaged[at] ^= flip;
        try {
          expect(JSON.stringify(content(decodeModel(damaged)))).toBe(expected);
        } catch (error) {
          expect(error).toBeInstanceOf(ModelFileError);
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(2.5 * bytes.length);
  });

  it("random damage and random insertions, with the checksum taken away: a model or a ModelFileError, nothing else", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.boolean()), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(models, damage, (model, changes) => {
        const whole = withHeader(encodeModel(model), (json) => delete json.__metadata__.checksum);
        try {
          const back = decodeModel(damagedBytes(whole, changes));
          expect(content(decodeModel(encodeModel(back)))).toEqual(content(back));
        } catch (error) {
          expect(error).toBeInstanceOf(ModelFileError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("any bytes at all: a ModelFileError", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => reasonOf(bytes) !== "accepted"));
  });

  it("header lengths of 2^63 and 4 GB, and shapes of 2^53 rows, allocate nothing", () => {
    const bytes = encodeModel(modelFixture());
    for (const high of [0x7fffffff, 1, 0]) {
      const hostile = bytes.slice();
      new DataView(hostile.buffer).setUint32(4, high, true);
      if (high === 0) new DataView(hostile.buffer).setUint32(0, 0xffffffff, true);
      expect(reasonOf(hostile)).toBe("not a lowrank model: no safetensors header at its start");
    }
    for (const shape of [[2 ** 53 - 1, 2 ** 53 - 1], [2 ** 53 - 1, 3], [-5, -3], [1e300], [5, 3, 0], [5.5, 3], "x"]) {
      const hostile = withHeader(bytes, (json) => {
        (json.user_factors as { shape: unknown }).shape = shape;
      });
      expect(reasonOf(hostile)).toMatch(/^tensor "user_factors" (of shape .* needs .* bytes and has 60|has no usable)/);
    }
  });

  it("a header above 1 MB is neither read nor written, so that 16 MB of brackets cost nothing", () => {
    const text = new TextEncoder().encode(`{"a":${"[".repeat(8e6)}${"]".repeat(8e6)}}`);
    const hostile = new Uint8Array(8 + text.length);
    new DataView(hostile.buffer).setUint32(0, text.length, true);
    hostile.set(text, 8);
    expect(reasonOf(hostile)).toBe("not a lowrank model: its header takes 16000006 bytes, ours at most 1 MB");
    const model = modelFixture();
    const provenance = { ...model.provenance, options: { note: "x".repeat(1 << 20) } };
    expect(() => encodeModel({ ...model, provenance })).toThrow("options take more than 1 MB as JSON");
  });

  it("offsets that overlap, leave a gap, run backwards or go beyond the file are refused", () => {
    const bytes = encodeModel(modelFixture());
    const moved = (tensor: string, by: [number, number]) =>
      withHeader(bytes, (json) => {
        const { data_offsets } = json[tensor] as { data_offsets: number[] };
        data_offsets[0] += by[0];
        data_offsets[1] += by[1];
      });
    expect(reasonOf(moved("user_factors", [-4, -4]))).toMatch('tensor "user_factors" overlaps the one before it');
    expect(reasonOf(moved("item_factors", [4, 4]))).toMatch('tensor "item_factors" leaves a gap of 4 bytes before it');
    expect(reasonOf(moved("user_factors", [1000, 0]))).toMatch("no usable shape and data_offsets");
    expect(reasonOf(moved("user_ids", [1e9, 1e9]))).toMatch("leaves a gap");
    expect(reasonOf(Uint8Array.from([...bytes, 0]))).toBe("1 bytes follow the last tensor");
    expect(reasonOf(bytes.slice(0, -1))).toMatch("cut short: tensor");
  });

  it("unknown versions are refused by number, other files told apart", () => {
    const bytes = encodeModel(modelFixture());
    const as = (change: Record<string, string | undefined>) =>
      reasonOf(withHeader(bytes, (json) => Object.assign(json.__metadata__, change)));
    expect(as({ format_version: "3" })).toBe("written as version 3, this build reads 1; update the package");
    expect(as({ format_version: "new" })).toBe("does not say a usable version, this build reads 1");
    expect(as({ kind: "tree" })).toBe(
      'holds a model of kind "tree", this build reads "factors", "net" and "items"; update the package',
    );
    // Files of the first builds; without its checksum, which is of the content.
    const former = withHeader(bytes, (json) =>
      Object.assign(json.__metadata__, { kind: "factor", checksum: undefined }),
    );
    expect(decodeModel(former).kind).toBe("factors");
    expect(as({ format: "pt" })).toBe(
      'not a lowrank model: a safetensors file of something else ("item_ids", "user_factors", "item_factors")',
    );
    const written = "give a file that saveModel or lowrank fit wrote";
    expect(() => decodeModel(new Uint8Array(0))).toThrow(`not a lowrank model: the file is empty; ${written}`);
    expect(() => decodeModel(bytes.slice(0, -1))).toThrow(/; take another copy of the file, or train the model again$/);
    // What a file says of itself is not taken for a remedy.
    const named = withHeader(bytes, (json) => Object.assign(json, { "a; update b": { dtype: "Q9" } }));
    expect(() => decodeModel(named)).toThrow(
      /"a; update b" has an element type .*; take another copy of the file, or /,
    );
    const file = (text: string) => reasonOf(new TextEncoder().encode(text));
    expect(file("userId,movieId,rating\n1,31,2.5\n")).toMatch("not a lowrank model: a text file, ");
    expect(file("PK\u0003\u0004.......................")).toMatch("not a lowrank model: a zip archive, ");
    expect(file("PAR1......................PAR1")).toMatch("not a lowrank model: a Parquet file, ");
    expect(file("")).toBe("not a lowrank model: the file is empty");
  });

  /** A file that is whole but for one thing; without checksum, so that the thing itself must be noticed. */
  const changed = (json: (h: ReturnType<typeof header>) => void) =>
    reasonOf(
      withHeader(encodeModel(modelFixture()), (all) => {
        delete all.__metadata__.checksum;
        json(all);
      }),
    );

  it("histories that point outside the catalogue, repeat an item, do not ascend or hold NaN are refused", () => {
    const whole = modelFixture();
    const value = CellValues.of([1, 2, 1, 1]);
    const rows = { start: Uint32Array.of(0, 2, 4, 4, 4, 4), index: Uint32Array.of(0, 3, 1, 2), value };
    const history = { ...(whole.history as NonNullable<FactorModel["history"]>), ...rows };
    const bytes = withHeader(encodeModel({ ...whole, history }), (json) => delete json.__metadata__.checksum);
    /** The file with the bytes of one tensor replaced. */
    const put = (tensor: string, values: Uint32Array | Float32Array) => {
      const { data_offsets } = header(bytes)[tensor] as { data_offsets: number[] };
      const put = new Uint8Array(values.buffer);
      expect(put.length).toBe(data_offsets[1] - data_offsets[0]);
      const hostile = bytes.slice();
      hostile.set(put, 8 + bytes[0] + 256 * bytes[1] + data_offsets[0]);
      return reasonOf(hostile);
    };
    const start = (...words: number[]) => put("history_start", Uint32Array.from(words));
    const item = (...words: number[]) => put("history_item", Uint32Array.from(words));
    expect(start(0, 2, 4, 4, 4, 4)).toBe("accepted");
    expect(start(0, 4, 4, 4, 4, 4)).toBe("history_item must ascend below 4 within a row, which place 2 does not");
    expect(item(0, 4, 1, 2)).toMatch("which place 1 does not");
    expect(item(0, 4_000_000_000, 1, 2)).toMatch("which place 1 does not");
    expect(item(0, 0, 1, 2)).toMatch("which place 1 does not");
    expect(start(1, 2, 4, 4, 4, 4)).toBe("history_start must run from 0 to the 4 entries");
    expect(start(0, 2, 4, 4, 4, 5)).toBe("history_start must run from 0 to the 4 entries");
    expect(start(0, 2, 1, 4, 4, 4)).toBe("history_start does not ascend at row 1");
    expect(start(0, 2, 4_294_967_295, 4, 4, 4)).toBe("history_start does not ascend at row 1");
    expect(put("history_value", Float32Array.of(1, Number.NaN, 1, 1))).toMatch("history_value holds NaN at place 1");
    const shapes = (tensor: string, entries: number) =>
      reasonOf(
        withHeader(bytes, (json) => {
          const { shape, data_offsets } = json[tensor] as { shape: number[]; data_offsets: number[] };
          shape[0] = entries;
          data_offsets[1] = data_offsets[0] + 4 * entries;
        }),
      );
    expect(shapes("history_start", 1)).not.toBe("accepted");
  });

  it("tensors that are missing, unknown or of another type are refused by name", () => {
    const rename = (from: string, to: string) =>
      changed((json) => {
        json[to] = json[from];
        delete json[from];
      });
    expect(rename("item_factors", "item_vectors")).toBe("tensor item_factors is missing");
    expect(rename("user_factors", "user_vectors")).toBe("tensor user_factors is missing");
    expect(rename("user_bias", "user_offset")).toBe('tensor "user_offset" is not part of a model');
    expect(rename("history_start", "history_from")).toMatch('tensor "history_value" is not part of a model');
    const retyped = changed((json) => {
      (json.user_bias as { dtype: string }).dtype = "I32";
    });
    expect(retyped).toBe("tensor user_bias must be F32 [5], got I32 [5]");
  });

  it("metadata that are missing or cannot be are refused by key", () => {
    const meta = (change: Record<string, string | undefined>) =>
      changed((json) => Object.assign(json.__metadata__, change));
    expect(meta({ mean: "NaN" })).toBe('metadata mean must be a finite number, got "NaN"');
    expect(meta({ mean: "1e999" })).toMatch("metadata mean must be a finite number");
    expect(meta({ mean: undefined })).toBe("metadata mean must be a finite number, got nothing");
    expect(meta({ scale: "stars" })).toBe('metadata scale must be one of rating, preference, logit, got "stars"');
    expect(meta({ range: '{"min":5,"max":1}' })).toMatch("metadata range must be a finite min and a finite max");
    expect(meta({ options: "[1]" })).toMatch("metadata options must be a JSON object");
    expect(meta({ passes: "-1" })).toMatch("metadata passes must be a whole number");
    expect(meta({ objective: '{"kind":"magic"}' })).toMatch("metadata objective must be an objective of kind");
    expect(meta({ objective: '{"kind":"explicit","regularization":-1}' })).toMatch(
      "whose regularization is a finite number from 0",
    );
    expect(meta({ note: "trained for the spring catalogue" })).toBe("accepted");
  });

  it("ids out of order, twice, empty or not UTF-8 are refused with their number", () => {
    const model = modelFixture({ users: ["aa", "bb", "cc", "dd", "ee"] });
    const bytes = withHeader(encodeModel(model), (json) => delete json.__metadata__.checksum);
    const at = new TextDecoder("latin1").decode(bytes).lastIndexOf("aabbccddee");
    const text = (...changed: number[]) => {
      const damaged = bytes.slice();
      damaged.set(changed, at);
      return reasonOf(damaged);
    };
    expect(text(0x61, 0x61, 0x61, 0x61)).toMatch("user id number 2 does not come after the one before it");
    expect(text(0x7a, 0x7a)).toMatch("user id number 2 does not come after the one before it");
    expect(text(0xff, 0xff)).toMatch("not valid UTF-8");
    // "é" across the border between two ids: valid as a whole, not as ids
    expect(text(0x61, 0xc3, 0xa9)).toMatch("the user ids from number 1 on are not valid UTF-8");
    const { data_offsets } = header(bytes).user_id_offsets as { data_offsets: number[] };
    const offsets = at - (header(bytes).user_ids as { data_offsets: number[] }).data_offsets[0] + data_offsets[0];
    const damaged = bytes.slice();
    damaged[offsets + 4] = 0;
    expect(reasonOf(damaged)).toMatch("the user id offsets do not ascend at id number 1");
    damaged[offsets + 4] = 2;
    damaged[offsets + 8] = 200;
    expect(reasonOf(damaged)).toMatch("the user id offsets do not ascend at id number 2");
  });
});
