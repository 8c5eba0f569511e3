import fc from "fast-check";
import { expect, it } from "vitest";
import { type Ratings, subset } from "./ratings.ts";
import type { Id, RatingRecord } from "./records.ts";
import { ratingsFrom } from "./sources.ts";

const id = fc.oneof(fc.nat(12), fc.integer({ min: -5, max: 2 ** 25 }));
const rating = fc.integer({ min: -20, max: 20 }).map((x) => x / 4);
const records = fc.array(fc.record({ user: id, item: id, rating, time: fc.nat(1e6) }), { minLength: 1, maxLength: 60 });
/** Times all different, so that which record is last does not depend on the order */
const distinctTimes = records.map((list) => list.map((record, i) => ({ ...record, time: 1000 * record.time + i })));

const content = (ratings: Ratings) => ({ records: [...ratings.records()], report: ratings.report, hash: ratings.hash });

it("permuting the input changes nothing, under every policy", () => {
  const policy = fc.constantFrom("last", "first", "mean", "sum");
  fc.assert(
    fc.property(distinctTimes, policy, fc.infiniteStream(fc.nat()), (list, duplicates, keys) => {
      const shuffledList = list
        .map((record) => ({ record, key: keys.next().value as number }))
        .sort((a, b) => a.key - b.key)
        .map(({ record }) => record);
      expect(content(ratingsFrom(shuffledList, { duplicates }))).toEqual(content(ratingsFrom(list, { duplicates })));
    }),
  );
});

it("relabelling ids only relabels: the same ratings under the new names", () => {
  fc.assert(
    fc.property(distinctTimes, (list) => {
      const rename = (old: Id) => `name ${(old as number) * 31 + 7}`;
      const renamed = ratingsFrom(list.map((r) => ({ ...r, user: rename(r.user), item: rename(r.item) })));
      const key = ({ user, item, rating, time }: RatingRecord) => `${user}|${item}|${rating}|${time}`;
      const expected = [...ratingsFrom(list).records()].map((r) =>
        key({ ...r, user: rename(r.user), item: rename(r.item) }),
      );
      expect([...renamed.records()].map(key).sort()).toEqual(expected.sort());
    }),
  );
});

it("byItem holds exactly the cells of byUser, items ascending, users ascending within an item", () => {
  fc.assert(
    fc.property(records, (list) => {
      const { byUser, byItem } = ratingsFrom(list);
      const cells: string[] = [];
      for (let user = 0; user < byUser.rows; user++)
        for (let i = byUser.start[user]; i < byUser.start[user + 1]; i++)
          cells.push([byUser.index[i], user, byUser.value.at(i)].join());
      const transposed: string[] = [];
      for (let item = 0; item < byItem.rows; item++) {
        for (let i = byItem.start[item]; i < byItem.start[item + 1]; i++) {
          transposed.push([item, byItem.index[i], byItem.value.at(i)].join());
          if (i > byItem.start[item]) expect(byItem.index[i]).toBeGreaterThan(byItem.index[i - 1]);
        }
      }
      expect([byItem.rows, byItem.columns]).toEqual([byUser.columns, byUser.rows]);
      expect(transposed.sort()).toEqual(cells.sort());
    }),
  );
});

it("writeByItem fills arrays that held other numbers with what byItem holds", () => {
  fc.assert(
    fc.property(records, (list) => {
      const ratings = ratingsFrom(list);
      const out = {
        start: new Uint32Array(ratings.items.size + 1).fill(7),
        index: new Uint32Array(ratings.size).fill(7),
        value: new Float32Array(ratings.size).fill(7),
      };
      ratings.writeByItem(out);
      const { start, index, value } = ratings.byItem;
      expect(out).toEqual({ start, index: new Uint32Array(index), value: value.toFloats() });
    }),
  );
});

it("writing records and reading them back gives the same ratings", () => {
  fc.assert(
    fc.property(records, (list) => {
      const ratings = ratingsFrom(list);
      const again = ratingsFrom(ratings.records());
      expect([...again.records()]).toEqual([...ratings.records()]);
      expect(again.hash).toBe(ratings.hash);
    }),
  );
});

it("agrees with a Map filled one by one: the last record of each cell, by time", () => {
  fc.assert(
    fc.property(records, (list) => {
      const cells = new Map<string, RatingRecord>();
      for (const record of list) {
        const key = `${record.user + 0}|${record.item + 0}`;
        const before = cells.get(key);
        if (before === undefined || record.time >= before.time!) cells.set(key, record);
      }
      const built = new Map([...ratingsFrom(list).records()].map((r) => [`${r.user}|${r.item}`, r]));
      expect(built.size).toBe(cells.size);
      for (const [key, record] of cells)
        expect(built.get(key)).toMatchObject({ rating: record.rating, time: record.time });
    }),
  );
});

it("the hash depends on every id, cell and value, and not on times", () => {
  const base = [
    { user: "a", item: "x", rating: 1, time: 1 },
    { user: "b", item: "y", rating: 2, time: 2 },
  ];
  const hash = (change: (list: typeof base) => void) => {
    const list = base.map((record) => ({ ...record }));
    change(list);
    return ratingsFrom(list).hash;
  };
  const same = hash(() => {});
  expect(same).toMatch(/^[0-9a-f]{16}$/);
  expect(hash((list) => Object.assign(list[1], { time: 9 }))).toBe(same);
  const others = [{ rating: 3 }, { item: "x" }, { user: "c" }, { item: "z" }].map((change) =>
    hash((list) => Object.assign(list[1], change)),
  );
  expect(new Set([same, ...others]).size).toBe(5);
});

it("a subset keeps the ids of the whole, and reports its own users and items", () => {
  const whole = ratingsFrom({ user: [1, 1, 2], item: [5, 6, 6], rating: [1, 2, 3], time: [7, 8, 9] });
  const part = subset(whole, Uint8Array.of(0, 1, 0));
  expect(part.users).toBe(whole.users);
  expect([...part.records()]).toEqual([{ user: 1, item: 6, rating: 2, time: 8 }]);
  expect(part.report).toMatchObject({ records: 1, ratings: 1, users: 1, items: 1, merged: 0, dropped: [] });
  expect(() => subset(whole, new Uint8Array(2))).toThrow("keep has 2 entries, the ratings have 3 cells");
});

it("ratings without a cell have no mean: an error says so instead of NaN", () => {
  const empty = subset(ratingsFrom([{ user: 1, item: 1, rating: 1 }]), new Uint8Array(1));
  expect(empty.size).toBe(0);
  expect(() => empty.mean).toThrow("there is no cell here");
  expect([...empty.records()]).toEqual([]);
});

it("clicks and ratings that are all 1 have the same cells and another hash", () => {
  const clicks = ratingsFrom({ user: [1, 2], item: [1, 2] });
  const ones = ratingsFrom({ user: [1, 2], item: [1, 2], rating: [1, 1] });
  expect([...ones.byUser.value]).toEqual([...clicks.byUser.value]);
  expect(ones.hash).not.toBe(clicks.hash);
  expect(subset(ones, Uint8Array.of(1, 1)).hash).toBe(ones.hash);
});
