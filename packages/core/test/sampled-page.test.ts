/** docs/sampled.md beside the options: every default that it names is the one that acts. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { methods } from "../src/factorizers/index.ts";

const page = readFileSync(new URL("../../../docs/sampled.md", import.meta.url), "utf8");
const names = ["bpr", "softmax", "warp", "logistic"] as const;

it("docs/sampled.md has the defaults of rank, epochs, rate, optimizer, beta1, batch, negatives, historyExponent and initScale", () => {
  const seen: string[] = [];
  for (const [, options, ...cells] of page.matchAll(/^\| (`[^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|/gm)) {
    const shown = [...options.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    for (const [m, method] of names.entries()) {
      const stated = cells[m].split(", ").map((word) => word.trim().replaceAll("`", ""));
      for (const [at, value] of stated.entries()) {
        expect(String(methods[method].make({}).options[shown[at]]), `${shown[at]} of ${method}`).toBe(value);
        if (m === 0) seen.push(shown[at]);
      }
    }
  }
  expect(seen).toEqual(
    "rank epochs learningRate optimizer beta1 batchSize negatives historyExponent initScale".split(" "),
  );
});
