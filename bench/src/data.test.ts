/** Real ratings that are not there are a sentence that names the variable and the remedy. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { dataFile } from "./data.ts";
import { tables } from "./tables.ts";
import { help, UsageError } from "./usage.ts";

afterEach(() => vi.unstubAllEnvs());

it("a file that is nowhere is refused with LOWRANK_DATA and what to do, by download where there is one", () => {
  const nothing = mkdtempSync(join(tmpdir(), "lowrank-bench-"));
  vi.stubEnv("LOWRANK_DATA", nothing);
  vi.stubEnv("LOWRANK_CACHE", nothing);
  expect(() => dataFile("gowalla", "train.txt")).toThrow(UsageError);
  expect(() => dataFile("gowalla", "train.txt")).toThrow(
    `needs gowalla/train.txt, which is not below LOWRANK_DATA, ${nothing}, nor in the cache of downloads; set LOWRANK_DATA`,
  );
  expect(() => dataFile("ml-latest-small", "ratings.csv")).toThrow("npx lowrank datasets download latest-small");
  // Not what the publisher's archive holds.
  expect(() => dataFile("ml-1m", "ratings.no-timestamps.dat")).toThrow("CONTRIBUTING.md");
});

it("a download in the cache is found", () => {
  const [data, cache] = [0, 1].map(() => mkdtempSync(join(tmpdir(), "lowrank-bench-")));
  vi.stubEnv("LOWRANK_DATA", data);
  vi.stubEnv("LOWRANK_CACHE", cache);
  mkdirSync(join(cache, "ml-latest-small"));
  writeFileSync(join(cache, "ml-latest-small", "ratings.csv"), "");
  expect(dataFile("ml-latest-small", "ratings.csv")).toBe(join(cache, "ml-latest-small", "ratings.csv"));
});

it("--help says what each table measures, what --quick does, where results go and rivals are installed", () => {
  for (const [name, { about }] of Object.entries(tables))
    expect(help).toMatch(new RegExp(`^  ${name} +${about}$`, "m"));
  for (const word of ["--quick", "bench/results/TABLE.json", ".cache/bench", "LOWRANK_DATA"])
    expect(help).toContain(word);
});
