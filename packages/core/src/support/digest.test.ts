import fc from "fast-check";
import { expect, it } from "vitest";
import { Digest } from "./digest.ts";

const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 });

it("the same bytes give the same 16 hexadecimal digits, wherever they lie in memory", () => {
  fc.assert(
    fc.property(bytes, fc.nat(7), (data, offset) => {
      const moved = new Uint8Array(offset + data.length);
      moved.set(data, offset);
      const digits = new Digest().add(data).hex();
      expect(digits).toMatch(/^[0-9a-f]{16}$/);
      expect(new Digest().add(moved.subarray(offset)).hex()).toBe(digits);
    }),
  );
});

it("one flipped bit anywhere changes the digest", () => {
  fc.assert(
    fc.property(bytes, fc.nat(1000), fc.nat(7), (data, at, bit) => {
      const flipped = data.slice();
      flipped[at % data.length] ^= 1 << bit;
      expect(new Digest().add(flipped).hex()).not.toBe(new Digest().add(data).hex());
    }),
  );
});

it('"ab", "c" and "a", "bc" differ, and so do one array of two and two arrays of one', () => {
  expect(new Digest().addText("ab").addText("c").hex()).not.toBe(new Digest().addText("a").addText("bc").hex());
  const both = new Digest().add(Uint32Array.of(1, 2)).hex();
  expect(new Digest().add(Uint32Array.of(1)).add(Uint32Array.of(2)).hex()).not.toBe(both);
});

it("100,000 arrays that differ in one number have 100,000 digests", () => {
  const seen = new Set<string>();
  for (let i = 0; i < 100_000; i++) seen.add(new Digest().add(Uint32Array.of(7, i, 7)).hex());
  expect(seen.size).toBe(100_000);
});

it("a recorded digest stays as it is: models written today are compared with tomorrow's", () => {
  const digest = new Digest()
    .addText("lowrank")
    .add(Float32Array.of(0, 1, -2.5))
    .add(Uint8Array.of(1, 2, 3));
  expect(digest.hex()).toBe("d87fddee2b0222f3");
});
