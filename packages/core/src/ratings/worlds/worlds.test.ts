import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { shuffled } from "../../support/index.ts";
import { describeRatings } from "../describe.ts";
import { checkerboard } from "./checkerboard.ts";
import { apportion } from "./choose-cells.ts";
import { plantedWorld } from "./planted.ts";
import { uniformSparse } from "./uniform-sparse.ts";

describe("checkerboard", () => {
  it("of 6: three likes a user, one of them the diagonal, withheld", () => {
    const { train, test, likes, withheld } = checkerboard({ size: 6 });
    expect([...train.records()].map(({ user, item }) => `${user}-${item}`)).toEqual(
      "0-2 0-4 1-3 1-5 2-0 2-4 3-1 3-5 4-0 4-2 5-1 5-3".split(" "),
    );
    expect([...test.records()].map(({ user, item }) => [user, item])).toEqual([0, 1, 2, 3, 4, 5].map((u) => [u, u]));
    expect([train.hasRatings, likes(2, 4), likes(2, 3), withheld(5)]).toEqual([false, true, false, 5]);
    expect(test.users.equals(train.users)).toBe(true);
  });
});

describe("uniformSparse is the data of seed notebook 004", () => {
  const check = (users: number, items: number, density: number, seed: number) => {
    const ratings = uniformSparse({ users, items, density, seed });
    const records = [...ratings.records()].map(({ user, item, rating }) => [user, item, rating] as number[]);
    const sum = (k: number) => records.reduce((total, record) => total + record[k], 0);
    return { size: ratings.size, sums: [sum(0), sum(1), sum(2)], first: records.slice(0, 5), records };
  };

  it("scaled: 604 ratings, sums 36553, 31130 and 1520, and the recorded first cells and training order", () => {
    const { size, sums, first, records } = check(120, 100, 0.05, 4104);
    expect(size).toBe(604);
    expect(sums).toEqual([36553, 31130, 1520]);
    expect(first).toEqual([
      [0, 4, 3],
      [0, 8, 3],
      [0, 42, 2],
      [0, 44, 2],
      [0, 57, 3],
    ]);
    const order = shuffled(4104 + 2, size);
    expect([...order.subarray(0, 10)]).toEqual([181, 296, 167, 251, 515, 133, 459, 114, 70, 487]);
    expect(records[order[0]]).toEqual([36, 17, 2]);
    expect(records[order[1]]).toEqual([59, 94, 2]);
  });

  it("full: 9891 ratings of 1000 × 1000, sums 4885034, 4898340 and 24795", () => {
    const { size, sums, first } = check(1000, 1000, 0.01, 4204);
    expect(size).toBe(9891);
    expect(sums).toEqual([4885034, 4898340, 24795]);
    expect(first).toEqual([
      [0, 163, 4],
      [0, 208, 1],
      [0, 258, 3],
      [0, 529, 4],
      [0, 553, 3],
    ]);
  });
});

describe("apportion", () => {
  it("shares sum to the count, stay within the limit, and are at least one where there are enough", () => {
    const weights = fc.array(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 20 }), fc.nat(1000), (list, limit, n) => {
        const count = 1 + (n % (list.length * limit));
        const shares = [...apportion(count, Float64Array.from(list), limit)];
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(count);
        expect(Math.max(...shares)).toBeLessThanOrEqual(limit);
        if (count >= list.length) expect(Math.min(...shares)).toBeGreaterThanOrEqual(1);
      }),
    );
  });

  it("one each first, then by weight: 70 over 4, 2, 1 are 39, 20, 11; with a limit of 3, 7 over 100, 2, 1 are 3, 2, 2", () => {
    expect([...apportion(70, Float64Array.of(4, 2, 1), 100)]).toEqual([39, 20, 11]);
    expect([...apportion(7, Float64Array.of(100, 2, 1), 3)]).toEqual([3, 2, 2]);
  });
});

describe("plantedWorld", () => {
  it("has exactly the ratings asked for, each once, whatever the shape", () => {
    const shape = fc.record({
      users: fc.integer({ min: 1, max: 30 }),
      items: fc.integer({ min: 1, max: 30 }),
      seed: fc.nat(0xffffffff),
      popularityExponent: fc.constantFrom(0, 1, 3),
      activitySpread: fc.constantFrom(0, 1, 3),
      selection: fc.constantFrom(0, 2, -1, 100),
    });
    fc.assert(
      fc.property(shape, fc.nat(899), (options, n) => {
        const ratings = 1 + (n % (options.users * options.items));
        const world = plantedWorld({ ...options, ratings });
        expect(world.ratings.size).toBe(ratings);
        const { start, index } = world.ratings.byUser;
        for (let user = 0; user < options.users; user++)
          for (let i = start[user] + 1; i < start[user + 1]; i++) expect(index[i]).toBeGreaterThan(index[i - 1]);
        expect(plantedWorld({ ...options, ratings }).ratings.hash).toBe(world.ratings.hash);
      }),
      { numRuns: 60 },
    );
  });

  it("without noise and scale every rating is the dot product of the tables, biases and mean, rounded to f32", () => {
    const { ratings, rank, mean, userFactors, itemFactors, userBias, itemBias, score } = plantedWorld({
      rank: 3,
      mean: 3.5,
      biasSpread: 0.5,
    });
    for (const { user, item, rating } of ratings.records()) {
      const [u, i] = [user as number, item as number];
      let exact = mean + userBias[u] + itemBias[i];
      for (let k = 0; k < rank; k++) exact += userFactors[u * rank + k] * itemFactors[i * rank + k];
      expect(score(u, i)).toBe(exact);
      expect(rating).toBe(Math.fround(exact));
    }
  });

  it("dot products have standard deviation `signal`, noise adds its own: sqrt(0.8² + 0.6²) = 1 to within 3 %", () => {
    for (const rank of [2, 16]) {
      const { ratings } = plantedWorld({
        users: 600,
        items: 400,
        rank,
        signal: 0.8,
        noise: 0.6,
        density: 0.3,
        seed: rank,
      });
      expect(Math.abs(describeRatings(ratings).values.deviation - 1)).toBeLessThan(0.03);
    }
  });

  it("on half stars every value is a multiple of 0.5 from 0.5 to 5", () => {
    const scale = { min: 0.5, max: 5, step: 0.5 };
    const { histogram } = describeRatings(plantedWorld({ mean: 3.5, signal: 2, scale }).ratings).values;
    expect(histogram!.map(({ value }) => value)).toEqual([0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]);
  });

  it("popularity is a power law: chi-square of 40,000 draws from 500 items with weights 1/r is 499 ± 4 deviations", () => {
    // One draw a user, so that no item is drawn out
    const { ratings, popularity } = plantedWorld({ users: 40_000, items: 500, ratings: 40_000, popularityExponent: 1 });
    const weights = Array.from(popularity).sort((a, b) => b - a);
    for (const [place, weight] of weights.entries()) expect(weight).toBeCloseTo(1 / (place + 1), 12);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let chiSquare = 0;
    for (let item = 0; item < 500; item++) {
      const expected = (40_000 * popularity[item]) / total;
      chiSquare += (ratings.byItem.start[item + 1] - ratings.byItem.start[item] - expected) ** 2 / expected;
    }
    expect(Math.abs(chiSquare - 499)).toBeLessThan(4 * Math.sqrt(2 * 499));
  });

  it("activity is log-normal: with spread 1 the logarithms of row lengths deviate by 1 ± 0.1", () => {
    const { ratings } = plantedWorld({ users: 2000, items: 5000, ratings: 200_000, activitySpread: 1 });
    const logs = Array.from({ length: 2000 }, (_, user) =>
      Math.log(ratings.byUser.start[user + 1] - ratings.byUser.start[user]),
    );
    const mean = logs.reduce((sum, x) => sum + x, 0) / 2000;
    const deviation = Math.sqrt(logs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 2000);
    expect(Math.abs(deviation - 1)).toBeLessThan(0.1);
  });

  it("long and short rows draw by the same chances: two ways of drawing, item shares within 10 % of each other", () => {
    // 25 of 100 items are drawn one by one, 26 by keys
    const shares = [25, 26].map((perUser) => {
      const { ratings } = plantedWorld({ users: 8000, items: 100, ratings: 8000 * perUser, popularityExponent: 0.5 });
      return Array.from(
        { length: 100 },
        (_, item) => (ratings.byItem.start[item + 1] - ratings.byItem.start[item]) / perUser,
      );
    });
    for (let item = 0; item < 100; item++) expect(Math.abs(shares[0][item] / shares[1][item] - 1)).toBeLessThan(0.1);
  });

  it("clicks follow taste: chosen items score above the user's average by more than one standard deviation", () => {
    const { ratings, score } = plantedWorld({ values: "clicks", density: 0.1, seed: 1 });
    expect(ratings.hasRatings).toBe(false);
    expect(ratings.max).toBe(1);
    let chosen = 0;
    for (const { user, item } of ratings.records()) chosen += score(user as number, item as number);
    let all = 0;
    for (let user = 0; user < 200; user++) for (let item = 0; item < 100; item++) all += score(user, item);
    expect(chosen / ratings.size - all / 20_000).toBeGreaterThan(1);
  });

  it("a recorded world stays as it is, on every engine", () => {
    const world = plantedWorld({
      mean: 3,
      biasSpread: 0.3,
      noise: 0.5,
      popularityExponent: 0.8,
      activitySpread: 1,
      selection: 0.5,
      times: true,
      seed: 9,
    });
    expect(world.ratings.hash).toBe("7512ae89f182e631");
  });

  it.each<[object, string]>([
    [{ values: "clicks", noise: 0.1 }, "noise must be left out: clicks have no ratings"],
    [{ ratings: 10, density: 0.1 }, "density must be left out when `ratings` is given"],
    [{ users: 2, items: 2, ratings: 5 }, "ratings must be a whole number from 1 to 4, got 5"],
    [{ scale: { min: 1, max: 5, step: 0 } }, "scale.step must be above 0, got 0"],
    [{ factors: 3 }, "plantedWorld has no such option"],
  ])("refuses %j", (options, message) => {
    expect(() => plantedWorld(options)).toThrow(message);
  });
});
