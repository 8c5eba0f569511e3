import fc from "fast-check";
import { expect, it } from "vitest";
import { ratingsFromDense } from "./dense.ts";
import { ratingsFrom } from "./sources.ts";

const NaN_ = Number.NaN;

it("NaN is missing, zero is a rating, ids are row and column numbers", () => {
  const ratings = ratingsFromDense([
    [0, NaN_, 3],
    [NaN_, NaN_, NaN_],
  ]);
  expect([...ratings.records()]).toEqual([
    { user: 0, item: 0, rating: 0 },
    { user: 0, item: 2, rating: 3 },
  ]);
  expect([ratings.users.size, ratings.items.size]).toEqual([2, 3]);
  expect(ratings.report).toMatchObject({ ratings: 2, users: 1, items: 2, merged: 0 });
});

it("a full matrix under given ids, in any order, equals its records", () => {
  const ids = fc.uniqueArray(fc.nat(1000), { minLength: 3, maxLength: 3 });
  const entry = fc.integer({ min: -8, max: 8 }).map((x) => x / 2);
  const matrix = fc.array(fc.array(entry, { minLength: 3, maxLength: 3 }), { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(matrix, ids, ids, (rows, users, items) => {
      const records = users.flatMap((user, r) => items.map((item, c) => ({ user, item, rating: rows[r][c] })));
      const dense = ratingsFromDense(rows, { users, items });
      expect([...dense.records()]).toEqual([...ratingsFrom(records).records()]);
      const flat = { data: Float64Array.from(rows.flat()), rows: 3, columns: 3 };
      expect(ratingsFromDense(flat, { users, items }).hash).toBe(dense.hash);
    }),
  );
});

it.each<[string, () => unknown, string]>([
  [
    "∞",
    () =>
      ratingsFromDense([
        [1, 2],
        [3, Infinity],
      ]),
    "row 1, column 1 of the matrix is Infinity",
  ],
  ["text", () => ratingsFromDense([["4" as unknown as number]]), 'row 0, column 0 of the matrix is "4"'],
  ["null", () => ratingsFromDense([[1, null as unknown as number]]), "row 0, column 1 of the matrix is null"],
  ["ragged", () => ratingsFromDense([[1, 2], [3]]), "row 1 of the matrix has 1 entries, row 0 has 2"],
  ["length", () => ratingsFromDense({ data: [1, 2, 3], rows: 2, columns: 2 }), "needs 4 entries, got 3"],
  ["all missing", () => ratingsFromDense([[NaN_]]), "the 1 × 1 matrix holds no rating (NaN is missing)"],
  ["nothing", () => ratingsFromDense([]), "the 0 × 0 matrix holds no rating"],
  ["too few ids", () => ratingsFromDense([[1], [2]], { users: ["a"] }), "users must be 2 ids, one per row"],
  ["same id", () => ratingsFromDense([[1], [2]], { users: ["a", "a"] }), 'user "a" occurs twice'],
  ["option", () => ratingsFromDense([[1]], { user: ["a"] } as object), 'did you mean "users"?'],
])("refuses %s, with the position", (_, make, message) => {
  expect(make).toThrow(message);
});

it("numbers that 32-bit floats would make 0 or infinite are refused with their place, the smallest that they hold is not", () => {
  expect(() =>
    ratingsFromDense([
      [1, 2],
      [3, 7e-46],
    ]),
  ).toThrow(
    /row 1, column 1 of the matrix is 7e-46, which 32-bit numbers, from 1\.4e-45 on, make 0; scale the ratings up/,
  );
  expect(() => ratingsFromDense([[1, -1e39]])).toThrow(
    /is -1e\+39, more than 32-bit numbers hold \(3\.4e38\); scale the ratings down/,
  );
  expect(ratingsFromDense([[0, 2 ** -149]]).max).toBe(2 ** -149);
});
