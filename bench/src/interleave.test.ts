/** Whose turn it is when, and what comes out. */
import { describe, expect, it } from "vitest";
import { interleave, median } from "./interleave.ts";

describe("interleave", () => {
  const play = async (warmUp: boolean) => {
    const order: string[] = [];
    const contestant = (name: string, seconds: readonly number[]) => {
      let turn = warmUp ? -1 : 0;
      return {
        name,
        turn: async () => {
          order.push(name);
          return { seconds: seconds[turn++] ?? 1000, count: 2, quality: turn };
        },
      };
    };
    const standings = await interleave([contestant("a", [8, 2, 4]), contestant("b", [6, 6, 9])], { rounds: 3, warmUp });
    return { order: order.join(""), standings };
  };

  it("alternates, warm-ups first and not counted: medians and extremes of seconds over counts", async () => {
    const { order, standings } = await play(true);
    expect(order).toBe("abababab");
    expect(standings).toEqual([
      { name: "a", secondsEach: 2, least: 1, most: 4, quality: 2 },
      { name: "b", secondsEach: 3, least: 3, most: 4.5, quality: 2 },
    ]);
  });

  it("without warm-ups every turn counts", async () => {
    expect((await play(false)).order).toBe("ababab");
  });

  it("the median of an even number of figures is the mean of the middle two", () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2])]).toEqual([2, 2.5]);
  });
});
