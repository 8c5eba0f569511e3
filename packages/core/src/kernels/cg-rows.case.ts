/** The behaviour of `solveRows` by conjugate gradient on every backend: beside its definition and formulas. Part of kernels.case.ts. */
import { expect, it } from "vitest";
import type { Kernels } from "./kernels.ts";
import { openReference } from "./reference/index.ts";
import {
  allUnknowns,
  expectClose,
  expectEmptyRowsZero,
  explicitWorld,
  gradient,
  once,
  RANKS,
  relativeResidual,
  rowWorlds,
  solvedWorlds,
  totalObjective,
  unknowns,
} from "./worlds.case.ts";

const worlds = (kernels: Kernels, rank: number) => rowWorlds(kernels, rank, { unobservedWeight: 0, overlap: 0 });

const solved = (kernels: Kernels, rank: number, steps: number) =>
  solvedWorlds(worlds(kernels, rank), { kind: "cg", steps });

export function cgCases(kernels: Kernels): void {
  // The definition is not compared with itself.
  if (kernels.backend !== "reference") {
    it.each(RANKS)("1 and 3 steps agree with the reference to 2⁻¹⁴ of the largest factor at rank %i", async (rank) => {
      for (const steps of [1, 3]) {
        const defined = await once(["cg", rank, steps], () => solved(openReference("the definition"), rank, steps));
        expectClose(await solved(kernels, rank, steps), defined);
      }
    });
  }

  it("one explicit step is steepest descent: x − (g·g / g·A·g) · g", async () => {
    const { problem, workspace } = explicitWorld(kernels, { rank: 6 });
    const rows = [0, 2, 3, 4, 6];
    const expected = rows.map((row) => {
      const x = unknowns(problem, row);
      const g = gradient(problem, row, x).value;
      const shifted = gradient(
        problem,
        row,
        x.map((value, i) => value + g[i]),
      ).value; // A is linear: this is g + A·g
      const curvature = g.reduce((sum, gi, i) => sum + gi * (shifted[i] - gi), 0);
      const length = g.reduce((sum, gi) => sum + gi * gi, 0) / curvature;
      return x.map((value, i) => value - length * g[i]);
    });
    await workspace.solveRows(problem, { kind: "cg", steps: 1 });
    for (const [i, row] of rows.entries()) {
      for (const [j, value] of unknowns(problem, row).entries()) expect(value).toBeCloseTo(expected[i][j], 4);
    }
    workspace.close();
  });

  it("the objective falls with each step and ends at the exact solution", async () => {
    for (const pick of [0, 1, 2, 3, 4]) {
      let before = Number.POSITIVE_INFINITY;
      for (const steps of [1, 2, 4, 60]) {
        const { problem, workspace } = (await worlds(kernels, 9))[pick];
        await workspace.solveRows(problem, { kind: "cg", steps });
        const sum = totalObjective(problem);
        expect(sum).toBeLessThan(before * (steps === 60 ? 1 + 2 ** -20 : 1));
        before = sum;
        if (steps === 60) {
          for (let row = 0; row < problem.out.rows; row++) {
            if (problem.entries.start[row] === problem.entries.start[row + 1]) continue;
            expect(relativeResidual(problem, row)).toBeLessThan(1e-4);
          }
        }
        workspace.close();
      }
    }
  });

  it("from the exact solution it stays there to 2⁻¹⁴", async () => {
    const [before, after]: number[][][][] = [[], []];
    for (const { problem, workspace } of await worlds(kernels, 17)) {
      await workspace.solveRows(problem, { kind: "cholesky" });
      before.push(allUnknowns(problem));
      await workspace.solveRows(problem, { kind: "cg", steps: 3 });
      after.push(allUnknowns(problem));
      workspace.close();
    }
    expectClose(after, before);
  });

  it("rows without entries become zero, padding stays zero", async () => {
    for (const { problem, workspace } of await worlds(kernels, 5)) {
      await workspace.solveRows(problem, { kind: "cg", steps: 2 });
      expectEmptyRowsZero(problem);
      workspace.close();
    }
  });
}
