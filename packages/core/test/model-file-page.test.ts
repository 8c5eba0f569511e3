import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeModel, encodeModel, type FactorModel, factorScorer } from "../src/model/index.ts";
import { CellValues, IdMap } from "../src/ratings/index.ts";

const page = readFileSync(new URL("../../../docs/model-file.md", import.meta.url), "utf8");

/** The worked example of the page as bytes: length, header with its line breaks taken out, hexadecimal tensors. */
function exampleBytes(): Uint8Array {
  const example = page.slice(page.indexOf("## A worked example"));
  const header = (/```json\n([\s\S]*?)\n```/.exec(example)?.[1] ?? "").replace(/\n ?/g, "");
  const padded = header.padEnd(8 * Math.ceil(header.length / 8), " ");
  const tensors = /```text\n([\s\S]*?)\n```/.exec(example)?.[1] ?? "";
  const hex = tensors.replace(/^\S+/gm, "").replace(/\s/g, "");
  const length = new Uint8Array(8);
  new DataView(length.buffer).setUint32(0, padded.length, true);
  const data = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  return Uint8Array.from([...length, ...new TextEncoder().encode(padded), ...data]);
}

const example: FactorModel = {
  kind: "factors",
  rank: 1,
  users: IdMap.of(["ann", "bob"], "user"),
  items: IdMap.of([10, 20], "item"),
  userFactors: Float32Array.of(0.5, -1),
  itemFactors: Float32Array.of(1, 2),
  userBias: Float32Array.of(0.25, 0),
  itemBias: Float32Array.of(0, -0.5),
  mean: 3.5,
  scale: "rating",
  range: { min: 1, max: 5 },
  objective: {
    kind: "explicit",
    regularization: 0.1,
    regularizationExponent: 1,
    center: "global",
    biases: "both",
    biasRegularization: 0.5,
    biasRegularizationExponent: 0,
  },
  history: {
    rows: 2,
    columns: 2,
    start: Uint32Array.of(0, 2, 3),
    index: Uint32Array.of(0, 1, 1),
    value: CellValues.of([4, 3, 5]),
    time: undefined,
  },
  provenance: {
    method: "als",
    options: { rank: 1, sweeps: 15 },
    seed: 0,
    dataHash: "0123456789abcdef",
    backend: "wasm strict",
    version: "0.1.0",
    passes: 15,
  },
};

describe("docs/model-file.md", () => {
  it("its worked example of 1286 bytes is what this build writes, byte for byte", () => {
    expect(exampleBytes().length).toBe(1286);
    expect(exampleBytes()).toEqual(encodeModel(example));
  });

  it("its worked example reads back and scores Ann and item 20 at 4.25", () => {
    const model = decodeModel(exampleBytes()) as FactorModel;
    expect([...model.users.ids(), ...model.items.ids()]).toEqual(["ann", "bob", 10, 20]);
    expect(factorScorer(model).score(0, 1)).toBe(4.25);
    expect(model.objective).toEqual(example.objective);
  });

  it("its table of metadata names every key that a file has", () => {
    const header = new TextDecoder().decode(encodeModel(example).subarray(8, 8 + 1176));
    for (const key of Object.keys(JSON.parse(header).__metadata__)) expect(page).toContain(`| \`${key}\``);
  });
});
