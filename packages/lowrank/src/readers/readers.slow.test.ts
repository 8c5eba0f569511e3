import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import type { Ratings } from "@lowrank/core";
import { describe, expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import { readRatings, readTitles } from "./index.ts";

/** Every value with its count, ascending. */
const histogram = ({ byUser }: Ratings) => byUser.value.counts(10)?.map(({ value, count }) => [value, count]);

const whole = (counts: readonly number[]) => counts.map((count, index) => [index + 1, count]);

describe("the real data sets, as their publishers describe them", () => {
  it("MovieLens latest-small: 100,836 ratings, 610 users, 9,724 items, mean 3.50156", async () => {
    const { ratings, notes } = await readRatings(sharedData("ml-latest-small", "ratings.csv"));
    const counts = [1370, 2811, 1791, 7551, 5550, 20047, 13136, 26818, 8551, 13211];
    expect(histogram(ratings)).toEqual(counts.map((count, index) => [(index + 1) / 2, count]));
    expect([ratings.size, ratings.users.size, ratings.items.size, ratings.hasTimes]).toEqual([
      100_836,
      610,
      9_724,
      true,
    ]);
    expect(ratings.mean).toBeCloseTo(3.50156, 5);
    expect(notes[0]).toContain('user from "userId", item from "movieId", rating from "rating", time from "timestamp"');
  });

  it("MovieLens 100K: tabs, no header, mean 3.52986; the five folds add up to the whole", async () => {
    const { ratings } = await readRatings(sharedData("ml-100k", "u.data"));
    expect(histogram(ratings)).toEqual(whole([6110, 11370, 27145, 34174, 21201]));
    expect([ratings.users.size, ratings.items.size]).toEqual([943, 1682]);
    const fold = await readRatings([sharedData("ml-100k", "u1.base"), sharedData("ml-100k", "u1.test")]);
    expect(fold.ratings.hash).toBe(ratings.hash);
  });

  it("MovieLens 1M: double colons, mean 3.581564; its gzipped part agrees with the first 487,650 rows", async () => {
    const { ratings } = await readRatings(sharedData("ml-1m", "ratings.no-timestamps.dat"));
    expect(histogram(ratings)).toEqual(whole([56174, 107557, 261197, 348971, 226310]));
    expect([ratings.size, ratings.users.size, ratings.items.size]).toEqual([1_000_209, 6_040, 3_706]);
    expect(ratings.mean).toBeCloseTo(3.581564, 6);
    const part = await readRatings(sharedData("ml-1m", "ratings.users-1-2999.dat.gz"));
    expect([part.ratings.size, part.ratings.users.size, part.ratings.hasTimes]).toEqual([487_650, 2_999, true]);
    const { start, value } = ratings.byUser;
    expect(part.ratings.byUser.value).toEqual(value.subarray(0, start[2999]));
  });

  it("Gowalla: one user a line, 810,128 and 217,242 visits", async () => {
    const train = await readRatings(sharedData("gowalla", "train.txt"), { format: "lists" });
    const { ratings } = train;
    expect([ratings.size, ratings.users.size, ratings.items.size, ratings.hasRatings]).toEqual([
      810_128,
      29_858,
      40_981,
      false,
    ]);
    const test = await readRatings(sharedData("gowalla", "test.txt"), { format: "lists" });
    expect(test.ratings.report.records).toBe(217_242);
  });

  it("titles of all three, in their encodings", async () => {
    const latest = await readTitles(sharedData("ml-latest-small", "movies.csv"));
    expect([latest.size, latest.get("11")]).toEqual([9_742, "American President, The (1995)"]);
    const m1 = await readTitles(sharedData("ml-1m", "movies.dat"), { encoding: "latin-1" });
    expect([m1.size, m1.get("73")]).toEqual([3_883, "Misérables, Les (1995)"]);
    const k100 = await readTitles(sharedData("ml-100k", "u.item"), { encoding: "latin-1" });
    expect([k100.size, k100.get("543")]).toEqual([1_682, "Misérables, Les (1995)"]);
  });
});

/** Runs code of the built package in a process of its own, with a file as its standard input. */
function inNewProcess(code: string, input?: string): Promise<string> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (input === undefined) child.stdin.end();
  else createReadStream(input).pipe(child.stdin);
  return new Promise((settle, reject) => {
    let output = "";
    child.stdout.on("data", (piece) => {
      output += piece;
    });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? settle(output) : reject(new Error(`exit code ${code}: ${output}`))));
  });
}

describe("a process of its own", () => {
  const built = new URL("../../dist/readers/index.js", import.meta.url).href;

  it("reads MovieLens 1M with a peak memory below 300 MB", async () => {
    const path = sharedData("ml-1m", "ratings.no-timestamps.dat");
    const output = await inNewProcess(
      `import { readRatings } from ${JSON.stringify(built)};
       const { ratings } = await readRatings(${JSON.stringify(path)});
       console.log(JSON.stringify({ size: ratings.size, peak: process.resourceUsage().maxRSS }));`,
    );
    const { size, peak } = JSON.parse(output);
    expect(size).toBe(1_000_209);
    expect(peak).toBeLessThan(300 * 1024);
  });

  it("reads standard input, gzipped too, and leaves no temporary folder", async () => {
    const code = `import { readdirSync } from "node:fs";
       import { tmpdir } from "node:os";
       import { readRatings } from ${JSON.stringify(built)};
       const copies = () => readdirSync(tmpdir()).filter((name) => /^lowrank-[A-Za-z0-9]{6}$/.test(name));
       const before = copies();
       const { ratings, notes } = await readRatings("-");
       console.log(JSON.stringify([ratings.size, copies().filter((name) => !before.includes(name)), notes]));`;
    for (const [file, size] of [["u.data", 100_000] as const]) {
      const [read, left, notes] = JSON.parse(await inNewProcess(code, sharedData("ml-100k", file)));
      expect([read, left]).toEqual([size, []]);
      expect(notes[0]).toContain("standard input: fields separated by tabs");
    }
    const [packed] = JSON.parse(await inNewProcess(code, sharedData("ml-1m", "ratings.users-1-2999.dat.gz")));
    expect(packed).toBe(487_650);
  });
});
