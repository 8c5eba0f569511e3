import { describe, expect, it } from "vitest";
import { type Ratings, ratingsFrom } from "../ratings/index.ts";
import { biasOnly, popularity, random } from "./rulers.ts";

/** Three users, items a (three ratings), b (two), c (one). Mean 3. */
const train: Ratings = ratingsFrom([
  { user: 1, item: "a", rating: 5 },
  { user: 1, item: "b", rating: 3 },
  { user: 1, item: "c", rating: 1 },
  { user: 2, item: "a", rating: 4 },
  { user: 2, item: "b", rating: 2 },
  { user: 3, item: "a", rating: 3 },
]);

const scoresOf = (scorer: { scoreItems(user: number, out: Float32Array): void }, user: number, items = 3) => {
  const out = new Float32Array(items);
  scorer.scoreItems(user, out);
  return [...out];
};

describe("popularity", () => {
  it("scores items by how many users have them, 3, 2 and 1, whatever the ratings and whoever asks", () => {
    expect(scoresOf(popularity(train), 0)).toEqual([3, 2, 1]);
    expect(scoresOf(popularity(train), 2)).toEqual([3, 2, 1]);
    expect(popularity(train).score(1, 1)).toBe(2);
  });
});

describe("biasOnly", () => {
  it("with dampings 1 and 2 gives μ = 3, b_a = 3/4, b_b = −1/3, b_c = −1 and b of user 1 = (2 − 3/4 + 1/3 − 2 + 1) / 5", () => {
    const scorer = biasOnly(train, { itemDamping: 1, userDamping: 2 });
    const user1 = (5 - 3 - 3 / 4 + (3 - 3 + 1 / 3) + (1 - 3 + 1)) / 5;
    expect(scorer.score(0, 0)).toBeCloseTo(3 + 3 / 4 + user1, 14);
    expect(scorer.score(0, 1)).toBeCloseTo(3 - 1 / 3 + user1, 14);
    expect(scorer.score(0, 2)).toBeCloseTo(3 - 1 + user1, 14);
    for (let item = 0; item < 3; item++) {
      expect(scoresOf(scorer, 2)[item]).toBe(Math.fround(scorer.score(2, item)));
    }
  });

  it("without damping repeats the mean of an item's ratings for users without a leaning of their own", () => {
    const flat = ratingsFrom([1, 2].flatMap((user) => [2, 4].map((item) => ({ user, item, rating: item }))));
    const scorer = biasOnly(flat, { itemDamping: 0, userDamping: 0 });
    expect([scorer.score(0, 0), scorer.score(1, 1)]).toEqual([2, 4]);
  });

  it("refuses data without ratings and a damping of −1, and says what to do", () => {
    const clicks = ratingsFrom([{ user: 1, item: 2 }]);
    expect(() => biasOnly(clicks)).toThrow("no rating column, so there are no biases; use popularity instead");
    expect(() => biasOnly(train, { itemDamping: -1 })).toThrow(
      "biasOnly: itemDamping must be a finite number of at least 0",
    );
  });
});

describe("random", () => {
  const many = ratingsFrom(
    Array.from({ length: 200 }, (_, user) =>
      [0, 1, 2, 3, 4].map((i) => ({ user, item: i, rating: 1 + ((user + i) % 5) })),
    ).flat(),
  );

  it("has the mean 3 and variance 2 of the training ratings within 5 % over 40,000 draws", () => {
    const wide = ratingsFrom([
      ...many.records(),
      ...Array.from({ length: 200 }, (_, i) => ({ user: 0, item: 1000 + i, rating: 3 })),
    ]);
    const draws = Array.from({ length: 200 }, (_, user) => scoresOf(random(wide, 7), user, 205)).flat();
    const train = [...wide.records()].map((record) => record.rating!);
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
    const variance = (values: number[]) => mean(values.map((x) => (x - mean(values)) ** 2));
    expect(mean(draws)).toBeCloseTo(mean(train), 1);
    expect(variance(draws) / variance(train)).toBeGreaterThan(0.95);
    expect(variance(draws) / variance(train)).toBeLessThan(1.05);
  });

  it("repeats itself for one seed, differs for another, and scores one by one as all at once", () => {
    expect(scoresOf(random(train, 1), 0)).toEqual(scoresOf(random(train, 1), 0));
    expect(scoresOf(random(train, 1), 0)).not.toEqual(scoresOf(random(train, 2), 0));
    expect(scoresOf(random(train, 1), 0)).not.toEqual(scoresOf(random(train, 1), 1));
    expect(scoresOf(random(train, 1), 2)).toEqual([0, 1, 2].map((item) => random(train, 1).score(2, item)));
  });
});
