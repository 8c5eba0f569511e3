import { describe, expect, it } from "vitest";
import { Digest, hash32 } from "../support/index.ts";
import { type RecordBlock, RecordBlocks } from "./record-blocks.ts";
import { sortRecords, valuesOf } from "./sort-records.ts";

/** A block and a part of another. */
const COUNT = 300_000;
const BLOCK = 1 << 18;

interface Record {
  readonly user: number;
  readonly item: number;
  readonly rating: number;
}

function collected(count: number, of: (i: number) => Record, hasTimes = false): RecordBlocks {
  const records = new RecordBlocks();
  for (let i = 0; i < count; ) {
    const { to, at, free } = records.room(true, hasTimes);
    const end = Math.min(count, i + free);
    for (let j = i; j < end; j++) {
      const record = of(j);
      to.user[at + j - i] = record.user;
      to.item[at + j - i] = record.item;
      to.rating[at + j - i] = record.rating;
      if (hasTimes) to.time[at + j - i] = j;
    }
    records.add(end - i);
    i = end;
  }
  return records;
}

const forms = ({ user, item, rating }: RecordBlock) =>
  [user.offset, item.offset, rating].map((array) => array?.BYTES_PER_ELEMENT);
/** Large arrays are compared by digest: vitest takes seconds to. */
const bytes = (array: ArrayBufferView) => new Digest().add(array).hex();
const upTo = (n: number) => Uint32Array.from({ length: n }, (_, i) => i);

describe("blocks of records", () => {
  const stars = (i: number) => 1 + (hash32(3, i) % 9) / 2;

  it("take 5 bytes a record that comes user by user, 7 where more than 65,536 users come in any order", () => {
    const inOrder = collected(COUNT, (i) => ({ user: i >> 2, item: hash32(1, i) % 1000, rating: stars(i) }));
    expect(inOrder.all().map(({ length }) => length)).toEqual([BLOCK, COUNT - BLOCK]);
    expect(inOrder.all().map(forms)).toEqual(Array(2).fill([2, 2, 1]));
    expect(inOrder.all()[1].user.base).toBe(BLOCK >> 2);
    const shuffled = collected(COUNT, (i) => ({ user: hash32(2, i) % 70_000, item: i % 1000, rating: stars(i) }));
    expect(shuffled.all().map(forms)).toEqual(Array(2).fill([4, 2, 1]));
  });

  it("become numbers, those before as well, when the 257th different rating comes", () => {
    for (const [different, form] of [
      [256, 1],
      [257, 4],
    ]) {
      const records = collected(COUNT, (i) => ({ user: 0, item: 0, rating: i < BLOCK ? i % 3 : i % different }));
      expect(records.all().map(({ rating }) => rating?.BYTES_PER_ELEMENT)).toEqual([form, form]);
      const first = records.all()[0].rating!;
      const numbers = Array.from(first.subarray(0, 4), (x) => (form === 1 ? records.codes!.table[x] : x));
      expect(numbers).toEqual([0, 1, 2, 0]);
    }
  });
});

describe("sorted records", () => {
  it("300,000 of 70,000 users in any order, sorted by user and item; of one cell in the order in which they came", () => {
    const record = (i: number) => ({ user: hash32(4, i) % 70_000, item: hash32(5, i) % 300, rating: i % 200 });
    const userOf = upTo(70_000).reverse();
    const itemOf = upTo(300).map((item) => (item * 7) % 300);
    const expected = Float64Array.from({ length: COUNT }, (_, i) => {
      const { user, item } = record(i);
      return (userOf[user] * 300 + itemOf[item]) * COUNT + i;
    })
      .sort()
      .map((key) => key % COUNT);
    const sorted = sortRecords(collected(COUNT, record, true), userOf, itemOf);
    expect(bytes(sorted.time!)).toBe(bytes(expected));
    expect(bytes(sorted.index)).toBe(bytes(Uint16Array.from(expected, (i) => itemOf[record(i).item])));
    expect(bytes(valuesOf(sorted).toFloats())).toBe(bytes(Float32Array.from(expected, (i) => i % 200)));
    expect([sorted.start[0], sorted.start[70_000], sorted.hasRepeats]).toEqual([0, COUNT, true]);
  });

  it("one row longer than what is sorted at once, and rows that are in order already", () => {
    const backwards = collected(150_000, (i) => ({ user: 0, item: 149_999 - i, rating: i % 5 }));
    const sorted = sortRecords(backwards, upTo(1), upTo(150_000));
    expect(bytes(sorted.index)).toBe(bytes(upTo(150_000)));
    expect(valuesOf(sorted).at(0)).toBe(149_999 % 5);
    const ordered = sortRecords(
      collected(200_000, (i) => ({ user: i >> 1, item: i & 1, rating: 2 })),
      upTo(100_000),
      upTo(2),
    );
    expect(ordered.index.every((item, i) => item === (i & 1))).toBe(true);
    expect([sorted.hasRepeats, ordered.hasRepeats]).toEqual([false, false]);
  });
});
