import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataError } from "../support/index.ts";
import type { Ratings } from "./ratings.ts";
import { ratingsFrom } from "./sources.ts";
import { kFold, leaveLastOut, randomSplit, type Split, splitByTime, splitPerUser } from "./splits.ts";
import { plantedWorld } from "./worlds/planted.ts";

const keys = (ratings: Ratings) =>
  [...ratings.records()].map(({ user, item, rating, time }) => [user, item, rating, time].join("|"));

const world = fc
  .record({ users: fc.integer({ min: 3, max: 12 }), items: fc.integer({ min: 4, max: 10 }), seed: fc.nat(1e6) })
  .map((size) => plantedWorld({ ...size, density: 0.7, activitySpread: 1, times: true }).ratings);

const ways: [string, (ratings: Ratings, seed: number) => Split[]][] = [
  ["randomSplit", (ratings, seed) => [randomSplit(ratings, { testFraction: 0.3, seed })]],
  ["kFold", (ratings, seed) => kFold(ratings, { folds: 4, seed })],
  ["splitPerUser", (ratings, seed) => [splitPerUser(ratings, { testFraction: 0.5, seed })]],
  ["leaveLastOut", (ratings) => [leaveLastOut(ratings)]],
  ["splitByTime", (ratings) => [splitByTime(ratings, { testFraction: 0.25 })]],
];

describe.each(ways)("%s", (_, split) => {
  it("parts are disjoint, together the whole, on the id maps of the whole, and the same for the same seed", () => {
    fc.assert(
      fc.property(world, fc.nat(0xffffffff), (ratings, seed) => {
        const splits = split(ratings, seed);
        for (const { train, test } of splits) {
          expect([...keys(train), ...keys(test)].sort()).toEqual(keys(ratings).sort());
          for (const part of [train, test]) {
            expect(part.users).toBe(ratings.users);
            expect(part.items).toBe(ratings.items);
            expect(part.byUser.rows).toBe(ratings.users.size);
          }
        }
        expect(split(ratings, seed).map(({ test }) => test.hash)).toEqual(splits.map(({ test }) => test.hash));
      }),
      { numRuns: 40 },
    );
  });

  it("the order of the input does not change the parts", () => {
    const { ratings } = plantedWorld({ users: 20, items: 15, times: true });
    const backwards = ratingsFrom([...ratings.records()].reverse());
    const forwards = ratingsFrom(ratings.records());
    expect(split(backwards, 5).map(({ test }) => test.hash)).toEqual(split(forwards, 5).map(({ test }) => test.hash));
  });
});

const cells = (count: number, times = true) =>
  ratingsFrom(
    Array.from({ length: count }, (_, i) => ({
      user: Math.floor(i / 10),
      item: i % 10,
      rating: 1 + (i % 5),
      ...(times ? { time: (i * 37) % 1000 } : {}),
    })),
  );

describe("randomSplit", () => {
  it.each([
    [0.1, 100, 10],
    [0.25, 10, 3],
    [0.125, 100, 13],
    [0.1, 14, 1],
    [0.1, 15, 2],
  ])("%d of %d cells are %d, half rounded up", (testFraction, count, expected) => {
    expect(randomSplit(cells(count), { testFraction }).test.size).toBe(expected);
  });

  it("the default is a tenth, and seeds give different parts", () => {
    const ratings = cells(200);
    expect(randomSplit(ratings).test.size).toBe(20);
    const hashes = [0, 1, 2, 3, 4].map((seed) => randomSplit(ratings, { seed }).test.hash);
    expect(new Set(hashes).size).toBe(5);
  });

  it("every cell has the same chance: over 2000 seeds each of 20 cells is held out 400 ± 80 times", () => {
    const ratings = cells(20);
    const held = new Map<string, number>();
    for (let seed = 0; seed < 2000; seed++)
      for (const key of keys(randomSplit(ratings, { testFraction: 0.2, seed }).test))
        held.set(key, (held.get(key) ?? 0) + 1);
    expect(held.size).toBe(20);
    for (const times of held.values()) expect(Math.abs(times - 400)).toBeLessThan(80);
  });

  it("a part that would be empty is refused", () => {
    expect(() => randomSplit(cells(4))).toThrow("randomSplit: the test part of these 4 ratings would be empty");
    expect(() => randomSplit(cells(4), { testFraction: 0.9 })).toThrow("the training part");
  });

  it("refuses fractions that are not between 0 and 1 (every split that takes one), odd seeds and unknown options", () => {
    for (const testFraction of [0, 1, -0.1, 1.5, Number.NaN, "0.1" as never]) {
      const message = "testFraction must be a number above 0 and below 1, got";
      expect(() => randomSplit(cells(20), { testFraction })).toThrow(`randomSplit: ${message}`);
      expect(() => splitByTime(cells(20), { testFraction })).toThrow(`splitByTime: ${message}`);
      if (testFraction !== 1)
        expect(() => splitPerUser(cells(20), { testFraction })).toThrow(`splitPerUser: ${message}`);
    }
    expect(() => randomSplit(cells(20), { seed: -1 })).toThrow("seed must be a whole number");
    expect(() => randomSplit(cells(20), { test: 0.1 } as object)).toThrow("has no such option");
  });
});

describe("kFold", () => {
  it("each of 103 cells is tested exactly once; the 5 test parts have 21, 21, 21, 20 and 20 cells", () => {
    const ratings = cells(103);
    const folds = kFold(ratings);
    expect(folds.map(({ test }) => test.size)).toEqual([21, 21, 21, 20, 20]);
    expect(folds.flatMap(({ test }) => keys(test)).sort()).toEqual(keys(ratings).sort());
  });

  it("goes from 2 folds to one cell a fold", () => {
    expect(kFold(cells(7), { folds: 7 }).map(({ test }) => test.size)).toEqual([1, 1, 1, 1, 1, 1, 1]);
    expect(() => kFold(cells(7), { folds: 8 })).toThrow("folds must be a whole number from 2 to 7, got 8");
    expect(() => kFold(cells(7), { folds: 1 })).toThrow("got 1");
  });
});

describe("splitPerUser", () => {
  it("holds out 3 of 10 cells of every user", () => {
    const { test } = splitPerUser(cells(50), { testFraction: 0.3 });
    expect(Array.from({ length: 5 }, (_, user) => test.byUser.start[user + 1] - test.byUser.start[user])).toEqual([
      3, 3, 3, 3, 3,
    ]);
  });

  it("leaves every user at least one cell to train on, even at a fraction of 1", () => {
    const { train, test } = splitPerUser(cells(31), { testFraction: 1 });
    expect([train.size, test.size]).toEqual([4, 27]);
  });

  it("every cell of a user has the same chance: over 2000 seeds each of 10 cells is held out 600 ± 100 times", () => {
    const held = new Array(10).fill(0);
    for (let seed = 0; seed < 2000; seed++)
      for (const item of splitPerUser(cells(10), { testFraction: 0.3, seed }).test.byUser.index) held[item]++;
    for (const times of held) expect(Math.abs(times - 600)).toBeLessThan(100);
  });
});

describe("leaveLastOut", () => {
  const visits = ratingsFrom([
    { user: "al", item: "a", time: 30 },
    { user: "al", item: "b", time: 10 },
    { user: "al", item: "c", time: 20 },
    { user: "bo", item: "a", time: 5 },
    { user: "bo", item: "b", time: 5 },
    { user: "cy", item: "c", time: 1 },
  ]);
  const held = (count: number) =>
    [...leaveLastOut(visits, { count }).test.records()].map(({ user, item }) => `${user} ${item}`);

  it("holds out the newest cell of each user, of equal times the greater id, and nothing of users with one", () => {
    expect(held(1)).toEqual(["al a", "bo b"]);
    expect(held(2)).toEqual(["al a", "al c"]);
  });

  it("says so when nobody has enough cells, and when there are no times", () => {
    expect(() => leaveLastOut(visits, { count: 3 })).toThrow("the test part of these 6 ratings would be empty");
    expect(() => leaveLastOut(cells(20, false))).toThrow(
      "leaveLastOut: these ratings have no times; give every record a time, or split at random",
    );
    expect(() => splitByTime(cells(20, false))).toThrow(DataError);
  });
});

describe("splitByTime", () => {
  it("no training cell is newer than a test cell, and the count is exact, also when all times are equal", () => {
    const { train, test } = splitByTime(cells(100), { testFraction: 0.15 });
    expect(test.size).toBe(15);
    expect(Math.max(...train.byUser.time!)).toBeLessThanOrEqual(Math.min(...test.byUser.time!));
    const same = ratingsFrom({ user: [1, 2, 3, 4], item: [1, 1, 1, 1], time: [7, 7, 7, 7] });
    expect([...splitByTime(same, { testFraction: 0.5 }).test.records()].map(({ user }) => user)).toEqual([3, 4]);
  });

  it("at a moment: cells of that time or later are tested", () => {
    const ratings = ratingsFrom({ user: [1, 2, 3], item: [1, 1, 1], time: [10, 20, 30] });
    expect(splitByTime(ratings, { at: 20 }).test.size).toBe(2);
    expect(() => splitByTime(ratings, { at: 31 })).toThrow("the test part of these 3 ratings would be empty");
    expect(() => splitByTime(ratings, { at: 20, testFraction: 0.1 } as object)).toThrow("when `at` is given");
    expect(() => splitByTime(ratings, { at: Number.NaN })).toThrow("at must be a finite number");
  });
});
