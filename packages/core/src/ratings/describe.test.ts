import { expect, it } from "vitest";
import { describeRatings } from "./describe.ts";
import { subset } from "./ratings.ts";
import { ratingsFrom } from "./sources.ts";

it("six cells of three users and four items: half of the cells, one user with one rating", () => {
  const ratings = ratingsFrom({
    user: [1, 1, 1, 2, 2, 3],
    item: [1, 2, 3, 1, 4, 1],
    rating: [1, 2, 2, 5, 5, 3],
    time: [9, 8, 7, 6, 5, 4],
  });
  expect(describeRatings(ratings)).toEqual({
    users: 3,
    items: 4,
    ratings: 6,
    density: 0.5,
    values: {
      mean: 3,
      deviation: Math.sqrt(14 / 6),
      min: 1,
      median: 2,
      max: 5,
      histogram: [
        { value: 1, count: 1 },
        { value: 2, count: 2 },
        { value: 3, count: 1 },
        { value: 5, count: 2 },
      ],
    },
    perUser: { count: 3, min: 1, tenth: 1, median: 2, ninetieth: 3, max: 3, mean: 2, withOne: 1 },
    perItem: { count: 4, min: 1, tenth: 1, median: 1, ninetieth: 3, max: 3, mean: 1.5, withOne: 3 },
    topTenItemsShare: 1,
    times: { first: 4, last: 9 },
  });
});

it("20 different values have a histogram, 21 have none", () => {
  const values = (count: number) =>
    describeRatings(
      ratingsFrom({
        user: Array.from({ length: count }, () => 1),
        item: Array.from({ length: count }, (_, i) => i),
        rating: Array.from({ length: count }, (_, i) => i),
      }),
    ).values.histogram;
  expect(values(20)).toHaveLength(20);
  expect(values(21)).toBeUndefined();
});

it("the ten most rated of 20 items have 155 of 210 cells", () => {
  const user: number[] = [];
  const item: number[] = [];
  for (let i = 0; i < 20; i++) {
    for (let u = 0; u <= i; u++) {
      user.push(u);
      item.push(i);
    }
  }
  expect(describeRatings(ratingsFrom({ user, item })).topTenItemsShare).toBe(155 / 210);
});

it("users and items without cells do not count", () => {
  const whole = ratingsFrom({ user: [1, 2], item: [1, 2], rating: [3, 4] });
  const part = describeRatings(subset(whole, Uint8Array.of(1, 0)));
  expect([part.users, part.items, part.density]).toEqual([1, 1, 1]);
  expect(part.times).toBeUndefined();
});
