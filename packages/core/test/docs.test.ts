/** The TypeScript in README.md and of some pages of docs/, run as it stands: a page that no longer works fails here. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const core = new URL("../dist/index.js", import.meta.url);

/** All ts blocks of a page, in order, as one module; imports moved to its top, types are not used in them. */
function program(page: string): string {
  const text = readFileSync(new URL(`../../../${page}`, import.meta.url), "utf8");
  const code = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => block).join("\n");
  const imports = code.match(/^import .*;$/gm) ?? [];
  const body = code.replace(/^import .*;$/gm, "");
  return `${imports.join("\n")}\n${body}`.replaceAll('"@lowrank/core"', JSON.stringify(core.href));
}

function run(page: string): string {
  if (!existsSync(core)) throw new Error("packages/core/dist is not there; run npm run build first");
  return execFileSync(process.execPath, ["--input-type=module", "-e", program(page)], { encoding: "utf8" });
}

it("the example of README.md runs and ends in recommendations for bob", () => {
  const output = run("README.md");
  expect(output).toContain("training RMSE");
  expect(output).toMatch(/status: 'known',\s+(user: 'bob'|score:)/);
  expect(output).toContain("item: 'Heat'");
});

it("the blocks of docs/api.md run one after another: training stops, lists are made, an explanation adds up", () => {
  const output = run("docs/api.md");
  expect(output).toMatch(/sweep 1 of 30/);
  expect(output).toMatch(/biasOnly/);
  expect(output).toMatch(/from 2 ratings; unknown: \[\]/);
  expect(output).toMatch(/= .* \+ the sum of \d+ contributions/);
  expect(output).toMatch(/method: 'als'/);
});

it("the blocks of docs/svd.md and docs/rank-sweep.md run, and the sweep suggests the planted rank 3", () => {
  expect(run("docs/svd.md")).toBe("");
  expect(run("docs/rank-sweep.md")).toMatch(/^3 the smallest whose held-out RMSE/m);
});
