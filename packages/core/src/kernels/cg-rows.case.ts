/** The behaviour of `solveRows` by conjugate gradient on every backend: beside its definition and formulas. Part of kernels.case.ts. */
import { expect, it } from "vitest";
import type { Kernels, RowProblem } from "./kernels.ts";
import { unpadded } from "./kernels.ts";
import { openReference } from "./reference/index.ts";
import {
  explicitWorld,
  gradient,
  implicitWorld,
  objective,
  once,
  RANKS,
  type RowWorld,
  relativeResidual,
  unknowns,
} from "./worlds.case.ts";

const worlds = (kernels: Kernels, rank: number): Promise<RowWorld<RowProblem>[]> =>
  Promise.all([
    explicitWorld(kernels, { rank, seed: 5 }),
    explicitWorld(kernels, { rank, seed: 6 }, false),
    implicitWorld(kernels, { rank, seed: 7 }),
    implicitWorld(kernels, { rank, seed: 8 }, { unobservedWeight: 0.1, overlap: 0.1, regularization: 0.7 }),
    implicitWorld(kernels, { rank, seed: 9 }, { unobservedWeight: 0, overlap: 0 }),
  ]);

/** The unknowns of each row of each world after some steps. */
async function solvedWorlds(kernels: Kernels, rank: number, steps: number): Promise<number[][][]> {
  const found: number[][][] = [];
  for (const { problem, workspace } of await worlds(kernels, rank)) {
    expect(await workspace.solveRows(problem, { kind: "cg", steps })).toBeUndefined();
    found.push(Array.from({ length: problem.out.rows }, (_, row) => unknowns(problem, row)));
    workspace.close();
  }
  return found;
}

export function cgCases(kernels: Kernels): void {
  // The definition is not compared with itself.
  if (kernels.backend !== "reference") {
    it.each(RANKS)("1 and 3 steps agree with the reference to 2⁻¹⁴ of the largest factor at rank %i", async (rank) => {
      for (const steps of [1, 3]) {
        const defined = await once(["cg", rank, steps], () =>
          solvedWorlds(openReference("the definition"), rank, steps),
        );
        for (const [i, found] of (await solvedWorlds(kernels, rank, steps)).entries()) {
          for (const [row, x] of found.entries()) {
            const y = defined[i][row];
            const size = Math.max(...y.map(Math.abs));
            const error = Math.max(...x.map((value, j) => Math.abs(value - y[j])));
            expect(error, `world ${i}, row ${row}`).toBeLessThanOrEqual(size * 2 ** -14);
          }
        }
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
        let sum = 0;
        for (let row = 0; row < problem.out.rows; row++) sum += objective(problem, row, unknowns(problem, row), true);
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
    for (const { problem, workspace } of await worlds(kernels, 17)) {
      await workspace.solveRows(problem, { kind: "cholesky" });
      const exact = unpadded(problem.out);
      await workspace.solveRows(problem, { kind: "cg", steps: 3 });
      const size = Math.max(...exact.map(Math.abs));
      for (const [i, value] of unpadded(problem.out).entries()) {
        expect(Math.abs(value - exact[i])).toBeLessThanOrEqual(size * 2 ** -14);
      }
      workspace.close();
    }
  });

  it("rows without entries become zero, padding stays zero", async () => {
    for (const { problem, workspace } of await worlds(kernels, 5)) {
      await workspace.solveRows(problem, { kind: "cg", steps: 2 });
      expect(unknowns(problem, 1).every((value) => value === 0)).toBe(true);
      for (let row = 0; row < problem.out.rows; row++) {
        const padding = problem.out.data.subarray(row * 16 + 5, row * 16 + 16);
        expect(padding.every((value) => value === 0)).toBe(true);
      }
      workspace.close();
    }
  });
}
