import { expect, it } from "vitest";
import { portableExp, portableLn } from "./portable-math.ts";

it("exp agrees with Math.exp to (2 + |x|) · 2^-52 relative from -700 to 700", () => {
  for (let x = -700; x <= 700; x += 0.173)
    expect(Math.abs(portableExp(x) / Math.exp(x) - 1)).toBeLessThan((2 + Math.abs(x)) * 2 ** -52);
  expect(portableExp(0)).toBe(1);
});

it("ln agrees with Math.log to 2^-51 · max(1, |ln x|) from 1e-300 to 1e300", () => {
  for (let x = 1e-300; x < 1e300; x *= 1.7)
    expect(Math.abs(portableLn(x) - Math.log(x))).toBeLessThan(2 ** -51 * Math.max(1, Math.abs(Math.log(x))));
  expect(portableLn(1)).toBe(0);
});

it("recorded bits: exp(1), exp(-0.3), ln(3), ln(1e-6)", () => {
  const bits = (x: number) => new BigUint64Array(Float64Array.of(x).buffer)[0].toString(16);
  expect([portableExp(1), portableExp(-0.3), portableLn(3), portableLn(1e-6)].map(bits)).toEqual([
    "4005bf0a8b14576a",
    "3fe7b4c869c37c05",
    "3ff193ea7aad030a",
    "c02ba18a998fffa0",
  ]);
});
