import { describe, expect, it } from "vitest";
import { DataError } from "../support/index.ts";
import { RatingsBuilder } from "./builder.ts";
import type { DuplicatePolicy, RatingRecord } from "./records.ts";
import { ratingsFrom, ratingsFromAsync } from "./sources.ts";

const triples = (records: Iterable<RatingRecord>) => [...records].map(({ user, item, rating }) => [user, item, rating]);

it("three records become cells sorted by user, then item, with both orientations", () => {
  const ratings = ratingsFrom([
    { user: "bo", item: "x", rating: 1 },
    { user: "al", item: "y", rating: 2 },
    { user: "al", item: "x", rating: 0 },
  ]);
  expect(triples(ratings.records())).toEqual([
    ["al", "x", 0],
    ["al", "y", 2],
    ["bo", "x", 1],
  ]);
  expect([...ratings.byUser.start]).toEqual([0, 2, 3]);
  expect([...ratings.byItem.start]).toEqual([0, 2, 3]);
  expect([...ratings.byItem.index]).toEqual([0, 1, 0]);
  expect([...ratings.byItem.value]).toEqual([0, 1, 2]);
  expect([ratings.size, ratings.mean, ratings.min, ratings.max]).toEqual([3, 1, 0, 2]);
  expect([ratings.hasRatings, ratings.hasTimes]).toEqual([true, false]);
});

describe("duplicates", () => {
  const twice = [
    { user: 1, item: 1, rating: 5, time: 20 },
    { user: 2, item: 1, rating: 4, time: 1 },
    { user: 1, item: 1, rating: 1, time: 10 },
    { user: 1, item: 1, rating: 3, time: 10 },
  ];
  const merged = (duplicates: DuplicatePolicy | undefined, records: readonly RatingRecord[] = twice) => {
    const ratings = ratingsFrom(records, { duplicates });
    return [ratings.byUser.value.at(0), ratings.byUser.time?.[0], ratings.report.merged, ratings.report.duplicates];
  };

  it("last takes the latest by time, and is the default for ratings", () => {
    expect(merged("last")).toEqual([5, 20, 2, "last"]);
    expect(merged(undefined)).toEqual([5, 20, 2, "last"]);
  });

  it("first takes the earliest by time, of equal times the one handed in first", () => {
    expect(merged("first")).toEqual([1, 10, 2, "first"]);
  });

  it("mean of 5, 1 and 3 is 3, sum is 9, the time is the latest", () => {
    expect(merged("mean")).toEqual([3, 20, 2, "mean"]);
    expect(merged("sum")).toEqual([9, 20, 2, "sum"]);
  });

  it("without times last and first go by the order handed in", () => {
    const plain = twice.map(({ user, item, rating }) => ({ user, item, rating }));
    expect(merged("last", plain)).toEqual([3, undefined, 2, "last"]);
    expect(merged("first", plain)).toEqual([5, undefined, 2, "first"]);
  });

  it("error names user, item and how many", () => {
    expect(() => merged("error")).toThrow('user 1 and item 1 have 3 records, and duplicates are "error"');
    expect(merged("error", twice.slice(0, 2))).toEqual([5, 20, 0, "error"]);
  });

  it("without ratings the default is sum: values are numbers of events, and the report says so", () => {
    const clicks = ratingsFrom([
      { user: 1, item: 1 },
      { user: 1, item: 2 },
      { user: 1, item: 1 },
    ]);
    expect([...clicks.byUser.value]).toEqual([2, 1]);
    expect([clicks.hasRatings, clicks.report.duplicates, clicks.report.merged]).toEqual([false, "sum", 1]);
    expect(triples(clicks.records())).toEqual([
      [1, 1, 2],
      [1, 2, 1],
    ]);
    expect([...ratingsFrom([{ user: 1, item: 1 }]).records()]).toEqual([{ user: 1, item: 1 }]);
  });

  it("a sum beyond 32-bit numbers is refused, not stored as infinity", () => {
    const huge = { user: 1, item: 1, rating: 3e38 };
    expect(() => ratingsFrom([huge, huge], { duplicates: "sum" })).toThrow("come to 6.0");
  });
});

describe("refused records name their number, the column and the remedy", () => {
  const good = { user: 1, item: 1, rating: 3 };
  it.each<[string, unknown[], string, object]>([
    ["no records", [], "there are no records; give at least one", {}],
    ["no user", [good, { item: 1, rating: 1 }], "record 2: the user id is missing", { row: 2, column: "user" }],
    ["null item", [{ user: 1, item: null }], "record 1: the item id is missing", { row: 1, column: "item" }],
    ["empty user", [{ user: "", item: 1 }], "record 1: the user id is an empty string", { row: 1 }],
    [
      "NaN rating",
      [good, { ...good, rating: Number.NaN }],
      "record 2: the rating is NaN",
      { row: 2, column: "rating" },
    ],
    ["∞", [{ ...good, rating: -Infinity }], "record 1: the rating is -Infinity; give finite numbers only", { row: 1 }],
    ["text", [{ ...good, rating: "4,5" }], 'record 1: the rating is the text "4,5"; turn it into a number', { row: 1 }],
    [
      "1e300",
      [{ ...good, rating: 1e300 }],
      "record 1: the rating is 1e+300, more than 32-bit numbers hold",
      { row: 1 },
    ],
    [
      "1e-50",
      [good, { ...good, rating: 1e-50 }],
      "record 2: the rating is 1e-50, which 32-bit numbers, from 1.4e-45 on, make 0; scale the ratings up",
      { row: 2, column: "rating" },
    ],
    ["time", [{ ...good, time: Number.NaN }], "record 1: the time is NaN", { row: 1, column: "time" }],
    ["Date", [{ ...good, time: new Date(0) }], "record 1: the time is a Date; give its getTime() / 1000", { row: 1 }],
    [
      "rating gone",
      [good, { user: 1, item: 2 }],
      "record 2 has no rating, but record 1 has one",
      { row: 2, firstRow: 1 },
    ],
    ["rating new", [{ user: 1, item: 2 }, good], "record 2 has a rating, but record 1 has none", { row: 2 }],
    ["time gone", [{ ...good, time: 1 }, good], "record 2 has no time, but record 1 has one", { row: 2 }],
    [
      "mixed kinds",
      [good, good, { ...good, user: "1" }],
      'record 3 has user id "1", a string, but record 1 has 1, a number; use one kind of id for all users',
      { row: 3, firstRow: 1, column: "user" },
    ],
    [
      "2^53",
      [{ ...good, user: 2 ** 53 }],
      "record 1: the user id is 9007199254740992; numbers must be whole",
      { row: 1 },
    ],
    ["1.5", [{ ...good, item: 1.5 }], "record 1: the item id is 1.5", { row: 1, got: 1.5 }],
    ["not a record", [good, 7], "record 2 is 7; give { user, item, rating?, time? }", { row: 2 }],
  ])("%s", (_, records, message, facts) => {
    let caught: unknown;
    try {
      ratingsFrom(records as RatingRecord[]);
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(DataError);
    expect((caught as DataError).message).toContain(message);
    expect((caught as DataError).facts).toMatchObject(facts);
  });
});

describe("columns", () => {
  it("typed and plain columns, in batches of any size, give what records give", () => {
    const count = 5000;
    const user = Float64Array.from({ length: count }, (_, i) => (i * 7919) % 611);
    const item = Int32Array.from({ length: count }, (_, i) => ((i * 104729) % 977) - 400);
    const rating = Float32Array.from({ length: count }, (_, i) => (i % 10) / 2);
    const time = Float64Array.from({ length: count }, (_, i) => i);
    const records = Array.from(user, (_, i) => ({ user: user[i], item: item[i], rating: rating[i], time: time[i] }));
    const whole = ratingsFrom(records);
    for (const batch of [1, 777, 1024, 5000]) {
      const builder = new RatingsBuilder();
      for (let from = 0; from < count; from += batch) {
        const cut = <T extends { slice(from: number, to: number): T }>(column: T) => column.slice(from, from + batch);
        const even = (from / batch) % 2 === 0;
        builder.append(
          even
            ? { user: cut(user), item: cut(item), rating: cut(rating), time: cut(time) }
            : { user: [...cut(user)], item: [...cut(item)], rating: [...cut(rating)], time: [...cut(time)] },
        );
      }
      const built = builder.build();
      expect([...built.records()]).toEqual([...whole.records()]);
      expect(built.report).toEqual(whole.report);
      expect(built.hash).toBe(whole.hash);
    }
  });

  it("ids beyond the look-up table, below zero and near 2^53 are kept apart", () => {
    const ids = [0, 1, -1, 2 ** 24 - 1, 2 ** 24, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    const ratings = ratingsFrom({ user: Float64Array.from(ids), item: ids.map(() => 5) });
    expect([...ratings.users.ids()]).toEqual([...ids].sort((a, b) => a - b));
    expect(ratings.size).toBe(ids.length);
  });

  it("a refused batch leaves the builder as it was, new ids included", () => {
    const builder = new RatingsBuilder().append({ user: [1], item: [1], rating: [1] });
    const bad = [
      { user: [8, 9], item: [8, 9], rating: [1, Number.NaN] },
      { user: [8, "9"], item: [8, 9], rating: [1, 1] },
      { user: Float64Array.of(8, 0.5), item: [8, 9], rating: [1, 1] },
      { user: [8, 9], item: [8, 9] },
      { user: [8, 9], item: [8], rating: [1, 1] },
    ];
    for (const columns of bad) expect(() => builder.append(columns)).toThrow(DataError);
    const ratings = builder.append({ user: [2], item: [1], rating: [2] }).build();
    expect(triples(ratings.records())).toEqual([
      [1, 1, 1],
      [2, 1, 2],
    ]);
  });

  it("null is absent, as undefined is: in a record, for a column, and for every entry of one", () => {
    const clicks = ratingsFrom({ user: [1, 2], item: [1, 1] });
    const absent = [
      ratingsFrom([1, 2].map((user) => ({ user, item: 1, rating: null, time: null })) as unknown as RatingRecord[]),
      ratingsFrom({ user: [1, 2], item: [1, 1], rating: null, time: null } as never),
      ratingsFrom({ user: [1, 2], item: [1, 1], rating: [null, undefined], time: [null, null] } as never),
    ];
    for (const ratings of absent) expect([ratings.hasRatings, ratings.hasTimes]).toEqual([false, false]);
    for (const ratings of absent) expect(ratings.hash).toBe(clicks.hash);
    const mixed = { user: [1, 2, 3], item: [1, 1, 1], rating: [5, null, 3] } as never;
    expect(() => ratingsFrom(mixed)).toThrow("record 2 has no rating, but record 1 has one");
    const builder = new RatingsBuilder().append({ user: [1], item: [1], time: [4] });
    expect(() => builder.append({ user: [2, 3], item: [1, 1], time: [5, null] } as never)).toThrow(
      "record 3 has no time, but record 1 has one",
    );
    expect(() => builder.append({ user: [2], item: [1], time: null } as never)).toThrow("record 2 has no time");
  });

  it("columns of different length are refused with both lengths", () => {
    expect(() => ratingsFrom({ user: [1, 2], item: [1] })).toThrow("user has 2, item has 1");
    expect(() => ratingsFrom({ user: [1], item: [1], rating: [] })).toThrow("user has 1, rating has 0");
  });

  it("a bad entry deep in a later batch is named by its number among all records", () => {
    const builder = new RatingsBuilder().append({ user: [1, 2, 3], item: [1, 2, 3], rating: [1, 2, 3] });
    const later = { user: Float64Array.of(4, 5), item: Float64Array.of(4, 5), rating: Float64Array.of(1, Infinity) };
    expect(() => builder.append(later)).toThrow("record 5: the rating is Infinity");
    expect(() => builder.append({ ...later, user: Float64Array.of(4, Number.NaN) })).toThrow(
      "record 5: the user id is missing (NaN)",
    );
    expect(() => builder.append({ user: ["a"], item: [1], rating: [1] })).toThrow('record 4 has user id "a", a string');
  });

  it("the caller's arrays are copied: changing them afterwards changes nothing", () => {
    const rating = Float32Array.of(1, 2);
    const builder = new RatingsBuilder().append({ user: [1, 2], item: [1, 1], rating });
    rating.fill(9);
    expect([...builder.build().byUser.value]).toEqual([1, 2]);
  });
});

it("the report adds up: records = ratings + merged + dropped", () => {
  const ratings = new RatingsBuilder({ duplicates: "mean" })
    .append({ user: [1, 1, 2], item: [1, 1, 1], rating: [1, 2, 3] })
    .drop("text in the rating column", 3)
    .drop("no user")
    .drop("no user")
    .drop("nothing", 0)
    .build();
  expect(ratings.report).toEqual({
    records: 8,
    ratings: 2,
    users: 2,
    items: 1,
    merged: 1,
    duplicates: "mean",
    dropped: [
      { reason: "text in the rating column", count: 3 },
      { reason: "no user", count: 2 },
    ],
  });
});

it("when everything was dropped the error says why", () => {
  expect(() => new RatingsBuilder().drop("no user", 4).build()).toThrow("no records (4 left out: no user)");
});

it("a builder builds once", () => {
  const builder = new RatingsBuilder().add({ user: 1, item: 1 });
  builder.build();
  expect(() => builder.build()).toThrow("build() was called already; make a new builder");
  expect(() => builder.add({ user: 1, item: 1 })).toThrow("make a new builder");
});

it("unknown options and policies are refused by name", () => {
  expect(() => ratingsFrom([], { duplicate: "last" } as object)).toThrow('did you mean "duplicates"?');
  expect(() => new RatingsBuilder({ duplicates: "max" as "last" })).toThrow('one of "last", "first", "mean", "sum"');
});

it("-0 as a rating is stored as 0, so that equal data have equal bytes", () => {
  const zero = ratingsFrom([{ user: 1, item: 1, rating: -0 }]);
  expect(Object.is(zero.byUser.value.at(0), 0)).toBe(true);
  expect(zero.hash).toBe(ratingsFrom([{ user: 1, item: 1, rating: 0 }]).hash);
});

it("a stream of records and of columns gives what one list gives, and stops on a signal", async () => {
  async function* stream() {
    yield { user: 1, item: 1, rating: 4 };
    yield { user: [2, 3], item: [1, 2], rating: [5, 3] };
  }
  const list = ratingsFrom({ user: [1, 2, 3], item: [1, 1, 2], rating: [4, 5, 3] });
  expect((await ratingsFromAsync(stream())).hash).toBe(list.hash);
  await expect(ratingsFromAsync(stream(), { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
});
