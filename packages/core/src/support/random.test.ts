import fc from "fast-check";
import { expect, it } from "vitest";
import { hash32, normal, shuffled, streamSeed, uniform, unit, unit48 } from "./random.ts";

const first4 = (draw: (i: number) => number) => [0, 1, 2, 3].map(draw);

it("hash32 of stream 42 begins 551831576, 144025891, 322543647, 3034809370", () => {
  expect(first4((i) => hash32(42, i))).toEqual([551831576, 144025891, 322543647, 3034809370]);
});

it("unit of stream 42 begins with 0.12848329544067383 and three more recorded numbers, to the bit", () => {
  const recorded = [0.12848329544067383, 0.03353363275527954, 0.07509803771972656, 0.7065966129302979];
  expect(first4((i) => unit(42, i))).toEqual(recorded);
});

it("uniform of stream 42 in [-0.1, 0.1) gives the four recorded f32 numbers, to the bit", () => {
  const recorded = [-0.07430334389209747, -0.09329327195882797, -0.08498039096593857, 0.04131932184100151];
  expect(first4((i) => uniform(42, i, -0.1, 0.1))).toEqual(recorded);
});

it("normal of stream 42 begins with -2.528559684753418 and three more recorded numbers, to the bit", () => {
  const recorded = [-2.528559684753418, -0.6288634538650513, 0.3502662777900696, -0.36310333013534546];
  expect(first4((i) => normal(42, i))).toEqual(recorded);
});

it("shuffled(42, 10) is 6 2 5 7 3 9 4 8 0 1", () => {
  expect([...shuffled(42, 10)]).toEqual([6, 2, 5, 7, 3, 9, 4, 8, 0, 1]);
});

it("shuffled is a permutation for any seed and count", () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.nat(300), (seed, count) => {
      expect([...shuffled(seed, count)].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    }),
  );
});

it("unit48 adds 24 finer bits to unit", () => {
  for (let i = 0; i < 100; i++) {
    const coarse = unit(42, 2 * i);
    expect(unit48(42, i) - coarse).toBe(unit(42, 2 * i + 1) * 2 ** -24);
  }
});

it("normal does not come again where draws pass 2^32: 2^32 numbers on, of 1,000 fewer than 10 are the same", () => {
  // 12 · (i + 2^32) = 12 · i modulo 2^32
  const again = Array.from({ length: 1000 }, (_, i) => normal(42, i) === normal(42, i + 2 ** 32));
  expect(again.filter(Boolean).length).toBeLessThan(10);
  expect(Number.isFinite(normal(42, Math.floor(2 ** 32 / 12)))).toBe(true);
});

it("100,000 uniforms have mean 1/2 and variance 1/12 to within 0.003, and fill each tenth of [0, 1) to 1.5 %", () => {
  const count = 100_000;
  const tenths = new Array(10).fill(0);
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const u = unit(7, i);
    sum += u;
    squares += u * u;
    tenths[Math.floor(10 * u)]++;
  }
  const mean = sum / count;
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.003);
  expect(Math.abs(squares / count - mean * mean - 1 / 12)).toBeLessThan(0.003);
  for (const tenth of tenths) expect(Math.abs(tenth - count / 10)).toBeLessThan(0.015 * count);
});

it("100,000 normals have mean 0 and variance 1 to within 0.02", () => {
  const count = 100_000;
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const x = normal(11, i);
    sum += x;
    squares += x * x;
  }
  expect(Math.abs(sum / count)).toBeLessThan(0.02);
  expect(Math.abs(squares / count - 1)).toBeLessThan(0.02);
});

it("streams for different purposes of one seed share fewer than 1 in 1000 of their first 10,000 numbers", () => {
  const a = streamSeed(3, "users");
  const b = streamSeed(3, "items");
  const inA = new Set(Array.from({ length: 10_000 }, (_, i) => hash32(a, i)));
  const shared = Array.from({ length: 10_000 }, (_, i) => hash32(b, i)).filter((x) => inA.has(x)).length;
  expect(shared).toBeLessThan(10);
});
