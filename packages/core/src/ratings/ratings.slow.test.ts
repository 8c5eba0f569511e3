import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import { align } from "./align.ts";
import { describeRatings } from "./describe.ts";
import type { RatingColumns } from "./records.ts";
import { ratingsFrom } from "./sources.ts";
import { kFold, leaveLastOut, splitByTime } from "./splits.ts";

/** Columns of a file without quoting. */
function columns(file: string, separator: string, header = false): RatingColumns {
  const lines = readFileSync(file, "utf8")
    .split(/\r?\n/)
    .slice(header ? 1 : 0);
  const rows = lines.filter((line) => line !== "").map((line) => line.split(separator).map(Number));
  const column = (k: number) => Float64Array.from(rows, (row) => row[k]);
  const time = rows[0].length > 3 ? column(3) : undefined;
  return { user: column(0), item: column(1), rating: column(2), time };
}

/** "user item item …" a line. */
function histories(file: string): RatingColumns {
  const user: number[] = [];
  const item: number[] = [];
  for (const line of readFileSync(file, "utf8").split("\n")) {
    const [first, ...rest] = line
      .trim()
      .split(/\s+/)
      .filter((word) => word !== "")
      .map(Number);
    for (const one of rest) {
      user.push(first);
      item.push(one);
    }
  }
  return { user, item };
}

const counts = (histogram: readonly { readonly count: number }[] | undefined) => histogram?.map(({ count }) => count);

describe("MovieLens 100K", () => {
  const ratings = ratingsFrom(columns(sharedData("ml-100k", "u.data"), "\t"));

  it("has 943 users, 1682 items, the published histogram and mean 3.52986", () => {
    const facts = describeRatings(ratings);
    expect([facts.users, facts.items, facts.ratings]).toEqual([943, 1682, 100_000]);
    expect(counts(facts.values.histogram)).toEqual([6110, 11370, 27145, 34174, 21201]);
    expect(facts.values.mean).toBe(3.52986);
    expect(facts.density).toBeCloseTo(100_000 / (943 * 1682), 15);
    // "Each user has rated at least 20 movies" (README of the data set)
    expect([facts.perUser.min, facts.perUser.withOne]).toEqual([20, 0]);
    expect(ratings.report.merged).toBe(0);
  });

  it("the five published folds align onto the whole without losing a rating, and their test parts cover it", () => {
    let tested = 0;
    for (const fold of [1, 2, 3, 4, 5]) {
      const test = align(ratingsFrom(columns(sharedData("ml-100k", `u${fold}.test`), "\t")), ratings);
      expect(test.unknown).toEqual({ users: 0, items: 0, records: 0 });
      tested += test.ratings.size;
    }
    expect(tested).toBe(100_000);
  });

  it("5 folds of our own have 20,000 test ratings each; the last rating of each user makes 943", () => {
    expect(kFold(ratings).map(({ test }) => test.size)).toEqual([20_000, 20_000, 20_000, 20_000, 20_000]);
    expect(leaveLastOut(ratings).test.size).toBe(943);
    const { train, test } = splitByTime(ratings, { testFraction: 0.2 });
    expect(test.size).toBe(20_000);
    const latest = train.byUser.time!.reduce((a, b) => Math.max(a, b));
    expect(test.byUser.time!.every((time) => time >= latest)).toBe(true);
  });
});

it("MovieLens latest-small has 610 users, 9724 items, the published half-star histogram and mean 3.50156", () => {
  const facts = describeRatings(ratingsFrom(columns(sharedData("ml-latest-small", "ratings.csv"), ",", true)));
  expect([facts.users, facts.items, facts.ratings]).toEqual([610, 9724, 100_836]);
  expect(counts(facts.values.histogram)).toEqual([1370, 2811, 1791, 7551, 5550, 20047, 13136, 26818, 8551, 13211]);
  expect(facts.values.mean).toBeCloseTo(3.50156, 5);
});

it("MovieLens 1M has 6040 users, 3706 items, the published histogram, and one hash in any order of its rows", () => {
  const all = columns(sharedData("ml-1m", "ratings.no-timestamps.dat"), "::");
  const ratings = ratingsFrom(all);
  const facts = describeRatings(ratings);
  expect([facts.users, facts.items, facts.ratings]).toEqual([6040, 3706, 1_000_209]);
  expect(counts(facts.values.histogram)).toEqual([56174, 107557, 261197, 348971, 226310]);
  expect(facts.values.mean).toBeCloseTo(3.581564, 6);
  const reversed = (column: unknown) => (column as Float64Array).slice().reverse();
  const backwards = ratingsFrom({
    user: reversed(all.user),
    item: reversed(all.item),
    rating: reversed(all.rating),
  });
  expect(backwards.hash).toBe(ratings.hash);
});

it("Gowalla has 29,858 users, 40,981 items, 810,128 and 217,242 cells, and its test part knows no stranger", () => {
  const train = ratingsFrom(histories(sharedData("gowalla", "train.txt")));
  const test = ratingsFrom(histories(sharedData("gowalla", "test.txt")));
  expect([train.users.size, train.items.size, train.size, test.size]).toEqual([29_858, 40_981, 810_128, 217_242]);
  expect([train.hasRatings, train.max]).toEqual([false, 1]);
  expect(align(test, train).unknown).toEqual({ users: 0, items: 0, records: 0 });
});
