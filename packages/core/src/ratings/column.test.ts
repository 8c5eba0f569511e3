import { expect, it } from "vitest";
import { Column } from "./column.ts";

it("one append of 20 million entries makes 85 blocks: each as long as all before it, 262,144 at the most", () => {
  const lengths: number[] = [];
  const column = new Column((length) => {
    lengths.push(length);
    return new Float32Array(length);
  });
  const count = 20_000_000;
  const values = new Float32Array(count);
  values[count - 1] = 7;
  column.append(values);
  expect(lengths.slice(0, 11)).toEqual([0, 1024, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072, 262144]);
  expect(lengths).toHaveLength(86); // the empty first one included
  expect(column.length).toBe(count);
  expect(column.blocks().reduce((sum, block) => sum + block.length, 0)).toBe(count);
  expect(column.blocks().at(-1)?.at(-1)).toBe(7);
});

it("appends of any size, typed or plain, and pushes keep every entry in order", () => {
  const column = new Column((length) => new Uint32Array(length), 5);
  const expected: number[] = [];
  for (let size = 0; size < 3000; size += 137) {
    const values = Array.from({ length: size }, (_, i) => expected.length + i);
    column.append(size % 2 === 0 ? values : Uint32Array.from(values));
    expected.push(...values, expected.length + size);
    column.push(expected[expected.length - 1]);
  }
  expect(column.length).toBe(expected.length);
  expect(column.blocks().flatMap((block) => [...block])).toEqual(expected);
});
