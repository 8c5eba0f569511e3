/** A shuffle of 16,777,218 numbers. */
import { expect, it } from "vitest";
import { shuffled, unit48 } from "./random.ts";

it("shuffled draws 48 bits above 2^24 entries: of 2^24 + 2 the first swap goes where unit48 says", () => {
  const count = 2 ** 24 + 2;
  const order = shuffled(42, count);
  // Whatever comes first is final: no later step touches the last place.
  expect(order[count - 1]).toBe(Math.floor(unit48(42, 0) * count));
  let sum = 0;
  for (let i = 0; i < count; i++) sum += order[i];
  expect(sum).toBe((count * (count - 1)) / 2);
});
