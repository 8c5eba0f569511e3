import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DataError, Digest } from "../support/index.ts";
import { IdCodes } from "./id-codes.ts";
import { IdMap } from "./id-map.ts";
import type { Id } from "./records.ts";

const numbers = fc.uniqueArray(fc.maxSafeInteger(), { minLength: 1, maxLength: 30 });
const strings = fc.uniqueArray(fc.string({ minLength: 1, unit: "grapheme" }), { minLength: 1, maxLength: 30 });

const digest = (map: IdMap) => {
  const whole = new Digest();
  map.digestInto(whole);
  return whole.hex();
};

it('numbers ascend by size, strings by code unit: 2 before 10, but "10" before "2" and "Z" before "a"', () => {
  expect([...IdMap.of([10, 2, -1], "user").ids()]).toEqual([-1, 2, 10]);
  expect([...IdMap.of(["a", "2", "Z", "10"], "item").ids()]).toEqual(["10", "2", "Z", "a"]);
});

it("id and index undo each other for every id, and the order of the input changes nothing", () => {
  fc.assert(
    fc.property(fc.oneof(numbers, strings) as fc.Arbitrary<Id[]>, (ids) => {
      const map = IdMap.of(ids, "user");
      expect(map.size).toBe(ids.length);
      for (const id of ids) expect(map.id(map.index(id)!)).toBe(Object.is(id, -0) ? 0 : id);
      const reversed = IdMap.of([...ids].reverse(), "user");
      expect([...reversed.ids()]).toEqual([...map.ids()]);
      expect(reversed.equals(map)).toBe(true);
      expect(digest(reversed)).toBe(digest(map));
    }),
  );
});

it("unknown ids have no index: neighbours, fractions, NaN, and ids of the other kind", () => {
  const map = IdMap.of([1, 2, 3, 7], "user");
  for (const id of [0, 4, 6, 8, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY, "1"])
    expect(map.index(id)).toBeUndefined();
  expect(map.has(7)).toBe(true);
  expect(IdMap.of(["1"], "user").index(1)).toBeUndefined();
  expect(IdMap.of(["1"], "user").has("constructor")).toBe(false);
});

it("-0 and 0 are one id", () => {
  const map = IdMap.of([-0, 1], "user");
  expect(map.index(0)).toBe(0);
  expect(Object.is(map.id(0), 0)).toBe(true);
  expect(Object.is(map.index(-0), 0)).toBe(true);
});

it("a map of nothing has size 0 and knows nobody", () => {
  const map = IdMap.of([], "user");
  expect([map.size, map.index(0), [...map.ids()].length]).toEqual([0, undefined, 0]);
});

describe("refused ids", () => {
  it.each([
    [["a", 1], 'ids: user id number 2 is 1, a number, but the first is "a", a string; use one kind'],
    [[1, 2, 1], "ids: user 1 occurs twice; give every user once"],
    [["b", "a", "b"], 'ids: user "b" occurs twice; give every user once'],
    [[1, 2 ** 53], "ids: user id number 2 is 9007199254740992; numbers must be whole and within ±(2^53 - 1)"],
    [[0.5], "ids: user id number 1 is 0.5; numbers must be whole"],
    [[Number.NaN], "ids: user id number 1 is missing (NaN)"],
    [["a", ""], "ids: user id number 2 is an empty string; leave the record out, or name the id"],
    [["\ud800"], "ids: user id number 1 is not well-formed Unicode"],
    [[undefined], "ids: user id number 1 is missing"],
    [[10n], "ids: user id number 1 is the bigint 10; use a string or a whole number"],
  ])("%#: %s", (ids, message) => {
    expect(() => IdMap.of(ids as Id[], "user")).toThrow(DataError);
    expect(() => IdMap.of(ids as Id[], "user")).toThrow(message);
  });
});

it("text from a command line becomes an id of the map's kind, known or not", () => {
  const users = IdMap.of([1, 2], "user");
  expect([users.parse("2"), users.parse(" -7 "), users.parse("99")]).toEqual([2, -7, 99]);
  for (const text of ["x", "", "1.5", "1e3", "0x10", "9007199254740993"])
    expect(() => users.parse(text)).toThrow("user ids are whole numbers in these data, got");
  expect(IdMap.of(["u2"], "user").parse("2")).toBe("2");
});

it("an index outside the map is a RangeError", () => {
  expect(() => IdMap.of(["a"], "item").id(1)).toThrow("item index 1 is outside 0 to 0");
  expect(() => IdMap.of([5], "item").id(-1)).toThrow(RangeError);
});

it('the digest tells apart 1 and "1", and how text is cut into ids', () => {
  const digests = [[1], ["1"], ["ab", "c"], ["a", "bc"], ["abc"]].map((ids) => digest(IdMap.of(ids, "user")));
  expect(new Set(digests).size).toBe(5);
});

it("more than 2^24 text ids are refused, saying so, before any is looked at", () => {
  const ids: string[] = ["a"];
  ids.length = 2 ** 24 + 1; // empty places: cheap
  expect(() => IdMap.of(ids, "item")).toThrow("more than 16777216 different items whose ids are text");
});

it("ids that stream in are refused beyond what a Map holds, here 3, and known ones still have their codes", () => {
  const codes = new IdCodes("user", 3);
  expect(["a", "b", "c", "b"].map((id) => codes.code(id))).toEqual([0, 1, 2, 1]);
  expect(() => codes.code("d")).toThrow(DataError);
  expect(() => codes.code("d")).toThrow("more than 3 different users whose ids are text");
  const numbers = new IdCodes("user", 0);
  expect(numbers.code(2 ** 24 - 1)).toBe(0);
  expect(() => numbers.code(2 ** 24)).toThrow("number them from 0");
});
