import { describe, expect, it } from "vitest";
import { type Ratings, ratingsFrom } from "../ratings/index.ts";
import type { BaselineScorer } from "./predictions.ts";
import { biasRuler, popularityRuler, randomRuler } from "./rulers.ts";

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

describe("popularityRuler", () => {
  it("scores items by how many users have them, 3, 2 and 1, whatever the ratings and whoever asks", () => {
    expect(scoresOf(popularityRuler(train), 0)).toEqual([3, 2, 1]);
    expect(scoresOf(popularityRuler(train), 2)).toEqual([3, 2, 1]);
    expect(popularityRuler(train).score(1, 1)).toBe(2);
  });
});

describe("biasRuler", () => {
  it("with dampings 1 and 2 and one sweep gives μ = 3, b_a = 3/4, b_b = −1/3, b_c = −1 and b of user 1 = (2 − 3/4 + 1/3 − 2 + 1) / 5", () => {
    const scorer = biasRuler(train, { itemDamping: 1, userDamping: 2, sweeps: 1 });
    const user1 = (5 - 3 - 3 / 4 + (3 - 3 + 1 / 3) + (1 - 3 + 1)) / 5;
    expect(scorer.score(0, 0)).toBeCloseTo(3 + 3 / 4 + user1, 14);
    expect(scorer.score(0, 1)).toBeCloseTo(3 - 1 / 3 + user1, 14);
    expect(scorer.score(0, 2)).toBeCloseTo(3 - 1 + user1, 14);
    for (let item = 0; item < 3; item++) {
      expect(scoresOf(scorer, 2)[item]).toBe(Math.fround(scorer.score(2, item)));
    }
  });

  it("after 200 sweeps is the least-squares optimum: the penalised error has slope 0 ± 1e-9 in every bias", () => {
    const [itemDamping, userDamping] = [0.5, 2];
    const scorer = biasRuler(train, { itemDamping, userDamping, sweeps: 200 });
    const cells = [...train.records()].map(({ user, item, rating }) => ({
      u: train.users.index(user)!,
      i: train.items.index(item)!,
      r: rating!,
    }));
    const itemBias = [0, 1, 2].map((i) => (scorer as BaselineScorer).baseline(undefined, i) - 3);
    const userBias = [0, 1, 2].map((u) => (scorer as BaselineScorer).baseline(u, undefined) - 3);
    const loss = (users: number[], items: number[]) =>
      cells.reduce((sum, { u, i, r }) => sum + (r - 3 - users[u] - items[i]) ** 2, 0) +
      itemDamping * items.reduce((sum, b) => sum + b * b, 0) +
      userDamping * users.reduce((sum, b) => sum + b * b, 0);
    const moved = (biases: number[], at: number, by: number) => biases.map((b, k) => (k === at ? b + by : b));
    const step = 1e-4;
    for (let k = 0; k < 3; k++) {
      const userSlope = loss(moved(userBias, k, step), itemBias) - loss(moved(userBias, k, -step), itemBias);
      const itemSlope = loss(userBias, moved(itemBias, k, step)) - loss(userBias, moved(itemBias, k, -step));
      expect(Math.abs(userSlope / (2 * step))).toBeLessThan(1e-9);
      expect(Math.abs(itemSlope / (2 * step))).toBeLessThan(1e-9);
    }
  });

  it("without damping repeats the mean of an item's ratings for users without a leaning of their own", () => {
    const flat = ratingsFrom([1, 2].flatMap((user) => [2, 4].map((item) => ({ user, item, rating: item }))));
    const scorer = biasRuler(flat, { itemDamping: 0, userDamping: 0 });
    expect([scorer.score(0, 0), scorer.score(1, 1)]).toEqual([2, 4]);
  });

  it("refuses data without ratings and a damping of −1, and says what to do", () => {
    const clicks = ratingsFrom([{ user: 1, item: 2 }]);
    expect(() => biasRuler(clicks)).toThrow("no rating column, so there are no biases; use popularity instead");
    expect(() => biasRuler(train, { itemDamping: -1 })).toThrow(
      "biasRuler: itemDamping must be a finite number of at least 0",
    );
  });
});

describe("randomRuler", () => {
  const wide = ratingsFrom(
    Array.from({ length: 300 }, (_, user) =>
      [0, 1].map((k) => ({ user, item: (7 * user + k) % 101, rating: 1 + (user % 5) })),
    ).flat(),
  );
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const variance = (values: readonly number[]) => {
    const middle = mean(values);
    return mean(values.map((x) => (x - middle) ** 2));
  };

  it("gives every user scores with the mean 3 and the variance 2 of the training ratings, within 0.1 %", () => {
    const given = [...wide.records()].map((record) => record.rating!);
    expect([mean(given), variance(given)]).toEqual([3, 2]);
    for (const user of [0, 17, 299]) {
      const scores = scoresOf(randomRuler(wide, 7), user, 101);
      expect(new Set(scores).size).toBe(101);
      expect(mean(scores)).toBeCloseTo(3, 5);
      expect(variance(scores) / 2).toBeGreaterThan(0.999);
      expect(variance(scores) / 2).toBeLessThan(1.001);
    }
  });

  it("puts each of 101 items first for 30 of 3,030 seeds and users, less or more by 5 standard deviations at most", () => {
    const firsts = new Array<number>(101).fill(0);
    for (let seed = 0; seed < 10; seed++) {
      const scorer = randomRuler(wide, seed);
      for (let user = 0; user < 303; user++) {
        const scores = scoresOf(scorer, user, 101);
        firsts[scores.indexOf(Math.max(...scores))]++;
      }
    }
    expect(Math.min(...firsts)).toBeGreaterThan(30 - 5 * Math.sqrt(30));
    expect(Math.max(...firsts)).toBeLessThan(30 + 5 * Math.sqrt(30));
  });

  it("repeats itself for one seed, differs for another seed and user, and scores one by one as all at once", () => {
    expect(scoresOf(randomRuler(wide, 1), 0, 101)).toEqual(scoresOf(randomRuler(wide, 1), 0, 101));
    expect(scoresOf(randomRuler(wide, 1), 0, 101)).not.toEqual(scoresOf(randomRuler(wide, 2), 0, 101));
    expect(scoresOf(randomRuler(wide, 1), 0, 101)).not.toEqual(scoresOf(randomRuler(wide, 1), 1, 101));
    const scorer = randomRuler(wide, 1);
    expect(scoresOf(scorer, 2, 101)).toEqual(Array.from({ length: 101 }, (_, i) => Math.fround(scorer.score(2, i))));
  });

  it("orders constant ratings and clicks at random too, clicks between 0 and 1", () => {
    const clicks = ratingsFrom([...wide.records()].map(({ user, item }) => ({ user, item })));
    const constant = ratingsFrom([...wide.records()].map((record) => ({ ...record, rating: 4 })));
    expect(new Set(scoresOf(randomRuler(constant), 0, 101)).size).toBe(101);
    const scores = scoresOf(randomRuler(clicks), 0, 101);
    expect(Math.min(...scores)).toBeGreaterThan(0);
    expect(Math.max(...scores)).toBeLessThan(1);
  });
});
