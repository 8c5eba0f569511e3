/** Many workspaces in one process: nothing is left behind. */
import { expect, it } from "vitest";
import { slot } from "../kernels.ts";
import { explicitWorld } from "../worlds.case.ts";
import { openWasm } from "./index.ts";

const resident = () => process.memoryUsage().rss / 2 ** 20; // MB

it.each([1, 2])(
  "10,000 short solves, each in its own workspace, add less than 60 MB on %i threads",
  async (threads) => {
    const kernels = await openWasm({ build: "strict", threads, reason: "a test" });
    let before = 0;
    for (let i = 0; i < 10_000; i++) {
      const { problem, workspace } = explicitWorld(kernels, { rank: 1 + (i % 40), rows: 10 + (i % 7), columns: 20 });
      await workspace.solveRows(problem, { kind: "cholesky" });
      workspace.close();
      if (i === 1000) before = resident();
    }
    expect(resident() - before).toBeLessThan(60);
  },
);

it.each([1, 2])("60 workspaces of 100 MB, one after another, never hold 1 GB on %i threads", async (threads) => {
  const kernels = await openWasm({ build: "strict", threads, reason: "a test", spread: true });
  const before = resident();
  for (let i = 0; i < 60; i++) {
    const w = kernels.open({ t: slot.table(1_500_000 + i, 16), out: slot.f32(256) });
    w.at.t.data.fill(1);
    await w.gram(w.at.t, w.at.out);
    expect(w.at.out[0]).toBe(1_500_000 + i);
    w.close();
    expect(resident() - before).toBeLessThan(1000);
  }
});
