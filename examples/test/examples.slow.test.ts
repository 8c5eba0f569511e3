/** Every example runs as its page says, and prints the figures that the page is about. */
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { sharedData } from "../../packages/core/test/shared-data.ts";

const program = fileURLToPath(new URL("../dist/run.js", import.meta.url));
const folder = fileURLToPath(new URL("..", import.meta.url));

async function example(name: string, ...args: string[]): Promise<string> {
  return run({ LOWRANK_DATA: sharedData() }, name, ...args);
}

async function run(environment: Record<string, string>, name: string, ...args: string[]): Promise<string> {
  if (!existsSync(program)) throw new Error(`${program} is not there; run "npm run build" first`);
  const env = { ...process.env, TMPDIR: mkdtempSync(join(tmpdir(), "lowrank-examples-")), ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, [program, name, ...args], { env });
  return stdout;
}

/** The numbers of the first line after the one that begins with `header`. */
function rowAfter(text: string, header: RegExp): number[] {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => header.test(line));
  if (at < 0) throw new Error(`no line like ${header} in\n${text}`);
  return (lines[at + 1].match(/-?\d+(\.\d+)?/g) ?? []).map(Number);
}

interface Check {
  /** What is looked at, as the rest of a title */
  readonly says: string;
  readonly args?: readonly string[];
  check(text: string): void;
}

const checks: Readonly<Record<string, Check>> = {
  "seed-000": {
    says: "rank 1 ends on the SVD bound, 17.2376, and hidden entries come out better with penalties",
    check(text) {
      const [rank, loss, bound] = rowAfter(text, /^rank +loss +SVD bound/);
      expect([rank, bound]).toEqual([1, 17.2376]);
      expect(Math.abs(loss - bound)).toBeLessThan(2e-4);
      const rmse = (name: RegExp) =>
        Number(/(\d+\.\d+)$/.exec(text.split("\n").find((line) => name.test(line)) ?? "")?.[1]);
      expect(rmse(/als, rank 2/)).toBeLessThan(rmse(/notebook, rank 2/));
      expect(text).toMatch(/finding: .*predicted far from the ratings/);
    },
  },
  "seed-001": {
    says: "200 starts, none below σ₃² = 0.121911, the median at most 0.1225; svd() ends on it",
    check(text) {
      const [best, median, , bound, exact] = rowAfter(text, /^best start/);
      expect(bound).toBe(0.121911);
      expect(exact).toBe(0.121911);
      expect(best).toBeGreaterThanOrEqual(0.121911);
      expect(median).toBeLessThanOrEqual(0.1225);
    },
  },
  "seed-002": {
    says: "1,500 steps lower the cost to the third that the notebook printed; als gets below that in a few sweeps",
    args: ["1500"],
    check(text) {
      // The notebook printed 12315.35 from its own start; another start is within 0.4 %.
      const [steps, cost] = rowAfter(text, /^1400 /);
      expect(steps).toBe(1500);
      expect(Math.abs(cost / 12315.35 - 1)).toBeLessThan(0.004);
      const als = /^ *als +(\d+) +(\d+\.\d+)/m.exec(text);
      expect(Number(als?.[1])).toBeLessThan(10);
      expect(Number(als?.[2])).toBeLessThan(cost);
    },
  },
  "seed-003": {
    says: "the best of 50 nets has a mean squared error of at most 0.0005",
    check(text) {
      const error = (name: string) =>
        Number(new RegExp(`${name}, best of 50 starts: mean squared error (\\S+)`).exec(text)?.[1]);
      expect(error("Dense net")).toBeLessThanOrEqual(5e-4);
      expect(error("Embeddings")).toBeLessThanOrEqual(5e-4);
    },
  },
  "seed-004": {
    says: "as written it moves nothing, and the report says so",
    check(text) {
      const [before, after] = rowAfter(text, /^ *before +seen on the way/);
      expect(Math.abs(after / before - 1)).toBeLessThan(1e-3);
      expect(text).toMatch(/finding: .*moved next to nothing/);
    },
  },
};

const names = readdirSync(folder)
  .filter((name) => /^seed-.*\.ts$/.test(name))
  .map((name) => name.replace(/\.ts$/, ""));

for (const name of names) {
  it(`${name}: ${checks[name]?.says ?? "has a check here"}`, async () => {
    expect(Object.keys(checks)).toContain(name);
    const { args = [], check } = checks[name];
    check(await example(name, ...args));
  });
}

it("there are examples, and a page and a check for each, for none that is gone", () => {
  expect(names.length).toBeGreaterThanOrEqual(5);
  expect(Object.keys(checks)).toEqual(names);
  const pages = readdirSync(new URL("../../docs/seeds/", import.meta.url)).filter((file) => /^seed-.*\.md$/.test(file));
  expect(pages.map((file) => file.replace(/\.md$/, ""))).toEqual(names);
});

it.each([
  [["seed-000", "--polts"], "seed-000: unknown flag --polts; the only one is --plots\n"],
  [["seed-000", "7"], "seed-000: takes nothing, got 7 too\n"],
  [["seed-002", "0"], "seed-002: steps must be a whole number from 1 on, got 0\n"],
  [["seed-002", "2", "a.csv", "b"], "seed-002: takes at most STEPS and RATINGS_FILE, got b too\n"],
] as const)("%j is refused in one sentence, with 2", async ([name, ...args], sentence) => {
  const refused = await example(name, ...args).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 2, stdout: "", stderr: sentence });
});

it("seed-002 takes ratings from the cache of downloads too, and says how to get them", async () => {
  const nothing = mkdtempSync(join(tmpdir(), "lowrank-nothing-"));
  const refused = await run({ LOWRANK_DATA: nothing, LOWRANK_CACHE: nothing }, "seed-002").catch((error) => error);
  expect(refused).toMatchObject({ code: 2, stdout: "" });
  expect(refused.stderr).toContain(
    `ml-latest-small is not below LOWRANK_DATA, ${nothing}, and it has not been downloaded`,
  );
  expect(refused.stderr).toContain("npx lowrank datasets download latest-small");
  const cache = mkdtempSync(join(tmpdir(), "lowrank-cache-"));
  mkdirSync(join(cache, "ml-latest-small"));
  for (const file of ["ratings.csv", "movies.csv"]) writeFileSync(join(cache, "ml-latest-small", file), "no ratings\n");
  const found = await run({ LOWRANK_DATA: nothing, LOWRANK_CACHE: cache }, "seed-002").catch((error) => error);
  expect(found.stderr).toContain(join(cache, "ml-latest-small", "ratings.csv"));
});

it("seed-002 refuses a file that is none of ratings without a word of the readers' options", async () => {
  const refused = await example("seed-002", "15", fileURLToPath(new URL("../run.ts", import.meta.url))).catch(
    (error) => error,
  );
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/give a file with the columns of MovieLens' ratings.csv, user, item and rating/);
});
