import fc from "fast-check";
import { expect, it } from "vitest";
import { align } from "./align.ts";
import { ratingsFrom } from "./sources.ts";

it("re-indexes onto the other's ids, and counts the users, items and cells that it does not know", () => {
  const train = ratingsFrom({ user: [1, 2, 5], item: [10, 20, 30], rating: [1, 2, 3] });
  const test = ratingsFrom({
    user: [2, 2, 3, 3, 5],
    item: [20, 99, 10, 98, 10],
    rating: [4, 5, 4, 5, 2],
    time: [1, 2, 3, 4, 5],
  });
  const { ratings, unknown } = align(test, train);
  expect(unknown).toEqual({ users: 1, items: 2, records: 3 });
  expect(ratings.users).toBe(train.users);
  expect([...ratings.records()]).toEqual([
    { user: 2, item: 20, rating: 4, time: 1 },
    { user: 5, item: 10, rating: 2, time: 5 },
  ]);
  expect(ratings.report.ratings).toBe(2);
});

it("keeps exactly the cells whose user and item the other has, for any two data sets", () => {
  const records = fc.array(fc.record({ user: fc.nat(15), item: fc.nat(15), rating: fc.nat(5) }), {
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(
    fc.property(records, records, (a, b) => {
      const from = ratingsFrom(a);
      const to = ratingsFrom(b);
      const { ratings, unknown } = align(from, to);
      const expected = [...from.records()].filter(({ user, item }) => to.users.has(user) && to.items.has(item));
      expect([...ratings.records()]).toEqual(expected);
      expect(unknown.records).toBe(from.size - expected.length);
      const strangers = new Set([...from.users.ids()].filter((user) => !to.users.has(user)));
      expect(unknown.users).toBe(strangers.size);
      expect(ratings.byUser.start[to.users.size]).toBe(expected.length);
      expect(align(from, from).ratings.hash).toBe(from.hash);
    }),
  );
});

it("ratings without a single known cell are empty, not an error", () => {
  const { ratings, unknown } = align(ratingsFrom({ user: [1], item: [1] }), ratingsFrom({ user: [2], item: [2] }));
  expect(ratings.size).toBe(0);
  expect(unknown).toEqual({ users: 1, items: 1, records: 1 });
});

it("strings on one side and numbers on the other cannot match: refused with both kinds", () => {
  const numbers = ratingsFrom({ user: [1], item: [1] });
  const strings = ratingsFrom({ user: ["1"], item: ["1"] });
  expect(() => align(strings, numbers)).toThrow(
    "align: user ids are strings here and numbers there, so none can match",
  );
});
