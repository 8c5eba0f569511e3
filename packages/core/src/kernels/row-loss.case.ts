/**
 * The behaviour of `rowLoss` and `rowGradients` on every backend: the objective's definition and its slopes in f64. Part of
 * kernels.case.ts.
 */
import { expect, it } from "vitest";
import type { Kernels, RowProblem } from "./kernels.ts";
import { explicitWorld, gradient, implicitWorld, objective, RANKS, type RowWorld, unknowns } from "./worlds.case.ts";

export function rowLossCases(kernels: Kernels): void {
  it.each(RANKS)("agrees with the objective's definition to 2⁻¹⁸ of its terms at rank %i", async (rank) => {
    const worlds = [
      explicitWorld(kernels, { rank }),
      explicitWorld(kernels, { rank, seed: 4 }, false),
      await implicitWorld(kernels, { rank }),
      await implicitWorld(kernels, { rank }, { unobservedWeight: 0.2, overlap: 0.2 }),
    ];
    for (const { problem, loss, workspace } of worlds) {
      await workspace.rowLoss(problem, loss);
      for (let row = 0; row < problem.out.rows; row++) {
        const x = unknowns(problem, row);
        const exact = objective(problem, row, x, false);
        // Terms of both signs meet in the implicit loss; all are at most of the size of the sum without overlap.
        const size = problem.kind === "implicit" ? objective({ ...problem, overlap: 0 }, row, x, false) : exact;
        expect(Math.abs(loss[row] - exact)).toBeLessThanOrEqual(size * 2 ** -18);
      }
      workspace.close();
    }
  });

  it("is zero for rows without entries, except for the unseen cells of implicit rows", async () => {
    const explicit = explicitWorld(kernels, { rank: 3 });
    await explicit.workspace.rowLoss(explicit.problem, explicit.loss);
    expect(explicit.loss[1]).toBe(0);
    explicit.workspace.close();
    const implicit = await implicitWorld(kernels, { rank: 3 });
    await implicit.workspace.rowLoss(implicit.problem, implicit.loss);
    expect(implicit.loss[1]).toBeGreaterThan(0);
    implicit.workspace.close();
  });
}

export function rowGradientCases(kernels: Kernels): void {
  it.each(RANKS)(
    "are the lengths of the dense gradients, which finite differences confirm up to rank 17, at rank %i",
    async (rank) => {
      const worlds: RowWorld<RowProblem>[] = [
        explicitWorld(kernels, { rank }),
        explicitWorld(kernels, { rank }, false),
        await implicitWorld(kernels, { rank }),
        await implicitWorld(kernels, { rank }, { unobservedWeight: 0.2, overlap: 0.2 }),
      ];
      for (const { problem, loss, workspace } of worlds) {
        await workspace.rowGradients(problem, loss);
        for (let row = 0; row < problem.out.rows; row++) {
          const x = unknowns(problem, row);
          const { value, size } = gradient(problem, row, x);
          const exact = 2 * Math.hypot(...value);
          const entries = problem.entries.start[row + 1] - problem.entries.start[row];
          const bound = 2 * Math.sqrt(x.length) * size * (entries + rank + 16) * 2 ** -23;
          expect(Math.abs(Math.sqrt(loss[row]) - exact)).toBeLessThanOrEqual(bound);
          // The formula is the same for every backend, and knows no width: differences confirm it once, at a few ranks.
          if (row > 3 || rank > 17 || kernels.backend !== "reference") continue;
          const step = 1e-5;
          for (const i of x.keys()) {
            const moved = (by: number) => objective(problem, row, x.with(i, x[i] + by), true);
            expect(Math.abs((moved(step) - moved(-step)) / (2 * step) - 2 * value[i])).toBeLessThan(1e-6 * (1 + size));
          }
        }
        workspace.close();
      }
    },
  );

  it("are 0 to rounding for rows that were just solved, and 0 for rows without entries", async () => {
    const { problem, loss, workspace } = explicitWorld(kernels, { rank: 12 });
    await workspace.rowGradients(problem, loss);
    const before = Math.max(...loss);
    await workspace.solveRows(problem, { kind: "cholesky" });
    await workspace.rowGradients(problem, loss);
    expect(Math.max(...loss)).toBeLessThan(1e-8 * before);
    expect(loss[1]).toBe(0);
    workspace.close();
  });
}
