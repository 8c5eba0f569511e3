/**
 * Threads that wait for each other in kernels whose code is new: engines compile it quickly first and well later, and Node 20's
 * quick code lost a local variable over a wait. Needs a process of its own, which the slow lane gives a file.
 */
import { expect, it } from "vitest";
import { descend, PLAIN } from "../descent-runs.case.ts";
import { descentWorld, numbers } from "../descent-worlds.case.ts";
import type { Kernels } from "../kernels.ts";
import { openWasm } from "./index.ts";

const shapes = (["norm", "sum", "half", "mean"] as const).flatMap((objective) =>
  [false, true].flatMap((complete) =>
    [
      [5, 6],
      [6, 5],
      [9, 13],
    ].map(([leftRows, rightRows]) => ({ rank: 3, objective, complete, leftRows, rightRows })),
  ),
);

async function course(kernels: Kernels, shape: (typeof shapes)[number]) {
  const world = descentWorld(kernels, shape);
  const { losses } = await descend(world, PLAIN, { rates: [0.01, 0.008, 0.012, 0.01] });
  const end = numbers(world);
  world.workspace.close();
  return { losses, end };
}

it.each([3, 13])(
  "the first 480 descents of a process on %i workers end where those on one thread do",
  async (threads) => {
    const alone = await openWasm({ build: "strict", threads: 1, reason: "a test" });
    const many = await openWasm({ build: "strict", threads, reason: "a test", spread: true });
    for (let round = 0; round < 20; round++) {
      for (const shape of shapes) expect(await course(many, shape)).toEqual(await course(alone, shape));
    }
  },
  120_000,
);
