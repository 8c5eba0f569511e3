/**
 * A model file read from Python by the five lines of docs/model-file.md, as they stand there. LOWRANK_PYTHON names an
 * interpreter with numpy and safetensors.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { als, factorize, ials, openRecommender } from "@lowrank/core";
import { afterAll, describe, expect, it } from "vitest";
import { readRatings, saveModel } from "../src/index.ts";
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

describe("a model file in Python", () => {
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
