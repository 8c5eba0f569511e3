/**
 * The behaviour of descents on every backend: `loss` and `gradients`, `descend`, `epochs`, each in a file of its own, problems
 * that do not fit, and a digest of everything. Formulas and central differences in f64 are in descent-worlds.case.ts, held to
 * rounding error of the backend's numbers. Part of kernels.case.ts.
 */
import { describe, expect, it } from "vitest";
import { Digest } from "../support/index.ts";
import { descendCases } from "./descend.case.ts";
import { type Objective, objectives } from "./descent.ts";
import { lossAndGradientCases } from "./descent-gradient.case.ts";
import { ADAM, descend, epochs } from "./descent-runs.case.ts";
import { type DescentWorld, descentWorld, OPTIMIZERS } from "./descent-worlds.case.ts";
import { epochCases } from "./epochs.case.ts";
import type { Kernels } from "./kernels.ts";

export function descentCases(kernels: Kernels): void {
  lossAndGradientCases(kernels);
  describe("descend", () => descendCases(kernels));
  describe("epochs", () => epochCases(kernels));
  describe("descent problems that do not fit", () => shapeCases(kernels));
}

function shapeCases(kernels: Kernels): void {
  it("are refused with the code shape, naming what is wrong", async () => {
    const { workspace, full, batch, at } = descentWorld(kernels, { rank: 2 });
    const rates = at.rates.subarray(0, 2);
    const losses = at.losses.subarray(0, 2);
    const steps = { optimizer: ADAM, done: 0, rates, clipNorm: undefined };
    const short = at.error.subarray(1);
    const calls: [() => Promise<unknown>, string][] = [
      [() => workspace.loss({ ...full, error: short }), "error.length"],
      [() => workspace.loss({ ...full, across: undefined }), "across and place"],
      [() => workspace.loss({ ...full, complete: true }), "complete"],
      [() => workspace.gradients({ ...full, rowSum: at.rowSum.subarray(1) }), "rowSum"],
      [() => workspace.descend(full, { ...steps, rates: at.rates.subarray(0, 1) }, losses), "rates.length"],
      [() => workspace.descend(full, { ...steps, done: -1 }, losses), "done"],
      [() => workspace.descend(full, { ...steps, clipNorm: 0 }, losses), "clipNorm"],
      [() => workspace.descend({ ...full, left: withoutMoments(full.left) }, steps, losses), "left factors.first"],
      [() => workspace.epochs({ ...batch, batchSize: 0 }, steps, losses), "batchSize"],
      [() => workspace.epochs({ ...batch, order: at.order.subarray(1) }, steps, losses), "order.length"],
      [() => workspace.epochs({ ...batch, update: "alternately" }, steps, losses), "alternately"],
      [() => workspace.epochs({ ...batch, rightCount: at.rightCount.subarray(1) }, steps, losses), "rightCount"],
      [() => workspace.epochs({ ...batch, share: at.share.subarray(1) }, steps, losses), "share.length"],
    ];
    for (const [call, what] of calls) {
      await expect(call(), what).rejects.toMatchObject({ code: "shape", message: expect.stringContaining(what) });
    }
    workspace.close();
  });

  function withoutMoments(side: DescentWorld["full"]["left"]): typeof side {
    const none = side.factors.first.subarray(0, 0);
    return { ...side, factors: { ...side.factors, first: none, second: none } };
  }
}

/** A digest of every descent on fixed problems: equal for any thread count of one build. */
export async function digestOfDescent(kernels: Kernels): Promise<string> {
  const digest = new Digest();
  for (const rank of [3, 16, 33]) await addDescents(kernels, rank, digest);
  return digest.hex();
}

async function addDescents(kernels: Kernels, rank: number, digest: Digest): Promise<void> {
  const add = (world: DescentWorld) => {
    for (const name of ["leftValue", "rightValue", "leftGradient", "rightGradient"] as const)
      digest.add(world.at[name].data);
    digest.add(world.at.leftBias).add(world.at.rightBias).add(world.at.losses).add(world.at.error);
  };
  const rates = [0.01, 0.02, 0.01];
  for (const [i, optimizer] of OPTIMIZERS.entries()) {
    for (const complete of [false, true]) {
      const objective: Objective = objectives[i % objectives.length];
      const shape = { rank, complete, objective, leftRows: 40 + rank, rightRows: 50 };
      const world = descentWorld(kernels, shape);
      await descend(world, optimizer, { rates, clipNorm: i === 2 ? 0.5 : undefined });
      add(world);
      await world.workspace.gradients(world.full);
      add(world);
      const batches = descentWorld(kernels, { ...shape, batchSize: 1 + 4 * (i % 2) });
      await epochs(batches, optimizer, { rates }, 3);
      add(batches);
      for (const { workspace } of [world, batches]) workspace.close();
    }
  }
}
