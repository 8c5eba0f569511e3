/** Files of models of items: written and read, and what is wrong with one that cannot be read. */
import { describe, expect, it } from "vitest";
import { itemsFixture } from "../../test/model-fixture.ts";
import { CellValues } from "../ratings/index.ts";
import { checkModel } from "./check-model.ts";
import type { ItemModel } from "./item-model.ts";
import { scorerOf } from "./model.ts";
import { modelDigest } from "./model-digest.ts";
import { decodeModel, encodeModel } from "./model-file.ts";

const sparse = itemsFixture({ seed: 3 });
const dense = itemsFixture({ seed: 3, weights: "dense", counted: "given" });

const scores = (model: ItemModel) => {
  const scorer = scorerOf(model);
  const out = new Float32Array(model.items.size);
  return Array.from({ length: model.users.size }, (_, user) => {
    scorer.scoreItems(user, out);
    return [...out];
  });
};

describe.each([
  ["sparse", sparse],
  ["dense", dense],
  ["sparse without its history", { ...sparse, history: undefined }],
])("a %s model of items", (_, model) => {
  it("reads back as it was written, to the same bytes and the same digest", () => {
    const bytes = encodeModel(model);
    const read = decodeModel(bytes.slice());
    expect(read.kind).toBe("items");
    expect(encodeModel(read)).toEqual(bytes);
    expect(modelDigest(read)).toBe(modelDigest(model));
    expect(read.provenance).toEqual(model.provenance);
    expect(read.range).toEqual(model.range);
    if (model.history !== undefined) expect(scores(read as ItemModel)).toEqual(scores(model));
  });
});

describe("the digest of a model of items", () => {
  it("follows what scores follow from: weights, histories, and values only where they count", () => {
    const { history, weights } = sparse;
    const other = { ...history!, value: CellValues.of(history!.value.toFloats().map((value) => value + 1)) };
    const heavier = { ...weights, value: weights.value.map((value) => 2 * value) };
    const digest = modelDigest(sparse);
    expect(modelDigest({ ...sparse, provenance: dense.provenance })).toBe(digest);
    expect(modelDigest({ ...sparse, history: other })).toBe(digest);
    for (const changed of [
      { ...sparse, weights: heavier },
      { ...sparse, values: "given" as const },
      { ...sparse, history: undefined },
    ]) {
      expect(modelDigest(changed)).not.toBe(digest);
    }
    expect(modelDigest({ ...sparse, values: "given", history: other })).not.toBe(
      modelDigest({ ...sparse, values: "given" }),
    );
  });
});

describe("checkModel", () => {
  const refuses = (model: unknown, words: string) => expect(() => checkModel(model as ItemModel)).toThrow(words);

  it("refuses weights that make no square, a scale of ratings, and words it does not know", () => {
    const { weights } = sparse;
    if (weights.kind !== "sparse") throw new Error("the fixture is sparse");
    const value = dense.weights.value;
    refuses({ ...dense, weights: { kind: "dense", value: value.slice(1) } }, "weights.value has 15 numbers");
    const bad = value.slice();
    bad[6] = Number.NaN;
    refuses({ ...dense, weights: { kind: "dense", value: bad } }, "weights.value row 1 holds NaN");
    refuses(
      { ...sparse, weights: { ...weights, start: weights.start.slice(1) } },
      "weights.start has 4 numbers, 4 items need 5",
    );
    refuses(
      { ...sparse, weights: { ...weights, index: weights.index.map(() => 4) } },
      "weights.index must ascend below 4",
    );
    refuses({ ...sparse, weights: { kind: "few" } }, 'weights must be "sparse" or "dense", got "few"');
    refuses({ ...sparse, scale: "rating" }, 'scale of a model of items must be "preference"');
    refuses({ ...sparse, values: "all" }, "values must be one of ones, given");
  });
});

describe("decodeModel", () => {
  /** The file with one text of its header replaced by another of the same length. */
  function damaged(model: ItemModel, from: string, to: string): Uint8Array {
    expect(to.length).toBe(from.length);
    const bytes = encodeModel(model);
    const text = new TextDecoder("latin1").decode(bytes);
    expect(text).toContain(from);
    return Uint8Array.from(text.replace(from, to), (letter) => letter.charCodeAt(0));
  }

  it("refuses metadata and tensors that are not of a model of items", () => {
    expect(() => decodeModel(damaged(sparse, '"values":"ones"', '"values":"nine"'))).toThrow(
      "metadata values must be one of ones, given",
    );
    expect(() => decodeModel(damaged(sparse, '"scale":"preference"', '"scale":"rating"    '))).toThrow(
      'metadata scale must be "preference"',
    );
    expect(() => decodeModel(damaged(sparse, '"weight_item"', '"weight_atem"'))).toThrow(/tensor weight_item|checksum/);
    expect(() => decodeModel(damaged(dense, '"kind":"items"', '"kind":"atoms"'))).toThrow(
      'this build reads "factors", "net" and "items"',
    );
  });

  it("refuses a bit that fell over in the weights by the checksum", () => {
    const bytes = encodeModel(dense);
    bytes[bytes.length - 200] ^= 1;
    expect(() => decodeModel(bytes)).toThrow("damaged");
  });
});
