import { expect, it } from "vitest";
import { RECORDED_DIGEST, selfTest } from "./self-test.ts";

it("the small training of doctor gives its recorded digest with the strict build", async () => {
  expect((await selfTest(true)).digest).toBe(RECORDED_DIGEST);
});

it("the fast build of this host fits the small world as well as the strict one, to 1e-3", async () => {
  const [strict, preferred] = [await selfTest(true), await selfTest(false)].map(({ loss }) => loss[loss.length - 1]);
  expect(Math.abs(preferred - strict)).toBeLessThan(1e-3 * strict);
});
