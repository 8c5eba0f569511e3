/**
 * A model file read from Python by the five lines of docs/model-file.md, as they stand there, and NumPy files between the two.
 * LOWRANK_PYTHON names an interpreter with numpy and safetensors.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { als, denseNet, factorize, ials, openRecommender } from "@lowrank/core";
import { afterAll, describe, expect, it } from "vitest";
import { readRatings, saveArrays, saveModel } from "../src/index.ts";
import { sharedData } from "./shared-data.ts";

const folder = mkdtempSync(join(tmpdir(), "lowrank-python-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The first Python block of the page, with its ids and file name replaced. */
function documented(user: number, item: number, biased: boolean): string {
  const page = readFileSync(new URL("../../../docs/model-file.md", import.meta.url), "utf8");
  const block = /```python\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const lines = block.trim().split("\n");
  expect(lines).toHaveLength(5);
  const code = block
    .replaceAll("42", String(user))
    .replaceAll("318", String(item))
    .replace(/ \+ t\["user_bias"\].*/, biased ? "$&" : "");
  return `${code}print(repr(float(score)))\n`;
}

function python(code: string): string {
  const interpreter = process.env.LOWRANK_PYTHON;
  if (interpreter === undefined) {
    throw new Error(
      "LOWRANK_PYTHON must name a Python with numpy and safetensors; .ci/run makes one in .cache/ci/venv",
    );
  }
  return execFileSync(interpreter, ["-c", code], { cwd: folder, encoding: "utf8" }).trim();
}

/** The block of the page that scores a net, after the five lines that open the file. */
function documentedNet(user: number, item: number): string {
  const page = readFileSync(new URL("../../../docs/model-file.md", import.meta.url), "utf8");
  const block = [...page.matchAll(/```python\n([\s\S]*?)```/g)].find(([, code]) => code.includes("layer_"))?.[1] ?? "";
  const opened = documented(user, item, false).split("\n").slice(0, 4).join("\n");
  expect(block.trim().split("\n")).toHaveLength(5);
  return `${opened}\n${block}print(repr(float(score)))\n`;
}

describe("a model file in Python", () => {
  it.each([true, false])("gives the predictions of a net, product %s, by numpy, to 1e-5", async (product) => {
    const { ratings } = await readRatings(sharedData("ml-latest-small", "ratings.csv"));
    const { model } = await factorize(ratings, denseNet({ epochs: 1, product, biases: product ? "both" : "user" }));
    await saveModel(join(folder, "model.safetensors"), model);
    const recommender = await openRecommender(model);
    for (const [user, item] of [
      [42, 318],
      [610, 170875],
    ]) {
      const here = recommender.predict(user, item);
      const there = Number(python(documentedNet(user, item)));
      expect(here.status === "known" && Math.abs(here.score - there)).toBeLessThan(1e-5);
    }
    recommender.close();
  });

  for (const method of [als({ rank: 20, sweeps: 3 }), ials({ rank: 20, sweeps: 2 })]) {
    it(`gives the predictions of ${method.name} by numpy dot products, to 1e-5`, async () => {
      const { ratings } = await readRatings(sharedData("ml-latest-small", "ratings.csv"));
      const { model } = await factorize(ratings, method);
      await saveModel(join(folder, "model.safetensors"), model);
      const recommender = await openRecommender(model);
      for (const [user, item] of [
        [42, 318],
        [1, 1],
        [610, 170875],
      ]) {
        const here = recommender.predict(user, item);
        const there = Number(python(documented(user, item, model.userBias !== undefined)));
        expect(here.status).toBe("known");
        if (here.status === "known") expect(Math.abs(here.score - there)).toBeLessThan(1e-5);
      }
      recommender.close();
    });
  }
});

/** Every element type that NumPy writes and we read, in both byte orders. */
const types = "? i1 u1 <i2 >i2 <u2 >u2 <i4 >i4 <u4 >u4 <i8 >i8 <u8 >u8 <f2 >f2 <f4 >f4 <f8 >f8".split(" ");

describe("NumPy files", () => {
  it("written by us give the predictions of als and of ials by the line of docs/arrays.md, to 1e-5, and load without pickle", async () => {
    const { ratings } = await readRatings(sharedData("ml-latest-small", "ratings.csv"), { stringIds: "item" });
    const page = readFileSync(new URL("../../../docs/arrays.md", import.meta.url), "utf8");
    const block = /```python\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
    for (const method of [als({ rank: 20, sweeps: 3 }), ials({ rank: 20, sweeps: 2 })]) {
      const { model } = await factorize(ratings, method);
      await saveArrays(join(folder, "model.npz"), model);
      const recommender = await openRecommender(model);
      const lines = block.replace(
        /\+ a\["user_bias"\][^+]*\+ a\["item_bias"\]/,
        model.userBias === undefined ? "" : "$&",
      );
      const code = `${lines}
u, i = list(a["user_ids"]).index(42), list(a["item_ids"]).index("318")
print(repr(float(scores[u, i])), a["user_factors"].shape, a["item_ids"].dtype.kind)`;
      const [there, ...rest] = python(code).split(" ");
      const here = recommender.predict(42, "318");
      expect(here.status === "known" && Math.abs(here.score - Number(there))).toBeLessThan(1e-5);
      expect(rest.join(" ")).toBe("(610, 20) U");
      recommender.close();
    }
  });

  it(`written by NumPy in ${types.length} element types, C and Fortran order, one by one and in archives, give the same ratings`, async () => {
    python(`
import numpy as np
a = np.arange(12).reshape(3, 4) % 2
for n, t in enumerate(${JSON.stringify(types)}):
    np.save(f"c{n}.npy", a.astype(t)); np.save(f"f{n}.npy", np.asfortranarray(a.astype(t)))
np.savez("stored.npz", Y=a.astype("f4"), R=a.astype(bool)); np.savez_compressed("packed.npz", Y=a.astype("f8"))
`);
    const expected = await readRatings(join(folder, "c0.npy"), { rows: "items" });
    expect(expected.ratings.size).toBe(12);
    const files = types.flatMap((_, at) => [`c${at}.npy`, `f${at}.npy`]);
    for (const name of [...files, "stored.npz/Y", "packed.npz"]) {
      const { ratings } = await readRatings(join(folder, name), { rows: "items" });
      expect(ratings.hash, name).toBe(expected.ratings.hash);
    }
  });
});
