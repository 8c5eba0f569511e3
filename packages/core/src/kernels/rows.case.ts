/**
 * The behaviour of `solveRows` by cholesky on every backend: residuals in f64, nothing downhill, rows without a solution; beside it
 * the other cases of rows, each in a file of its own. Part of kernels.case.ts.
 */
import { describe, expect, it } from "vitest";
import { uniform } from "../support/index.ts";
import { cgCases } from "./cg-rows.case.ts";
import { type Kernels, type RowProblem, unpadded } from "./kernels.ts";
import { longRowCases } from "./long-rows.case.ts";
import { packedRowCases } from "./packed-rows.case.ts";
import { rowGradientCases, rowLossCases } from "./row-loss.case.ts";
import { shortRowCases } from "./short-rows.case.ts";
import { subspaceCases } from "./subspace.case.ts";
import {
  explicitWorld,
  fillRandom,
  implicitWorld,
  objective,
  RANKS,
  relativeResidual,
  unknowns,
} from "./worlds.case.ts";

export function rowCases(kernels: Kernels): void {
  describe("solveRows by cholesky", () => choleskyCases(kernels));
  describe("solveRows by cholesky, rows shorter than the rank", () => shortRowCases(kernels));
  describe("solveRows by cg", () => cgCases(kernels));
  describe("solveRows by subspaces", () => subspaceCases(kernels));
  if (kernels.backend !== "reference") describe("long rows", () => longRowCases(kernels));
  describe("rows without a stable solution", () => unstableCases(kernels));
  describe("packed rows", () => packedRowCases(kernels));
  describe("rowLoss", () => rowLossCases(kernels));
  describe("rowGradients", () => rowGradientCases(kernels));
}

/** Every row is optimal to the contract's bound, empty rows are zero, padding stays zero. */
function expectSolved(problem: RowProblem): void {
  const { out, entries } = problem;
  const bound = out.rank * 2 ** -20;
  for (let row = 0; row < out.rows; row++) {
    const x = unknowns(problem, row);
    if (entries.start[row] === entries.start[row + 1]) expect(x).toEqual(x.map(() => 0));
    else expect(relativeResidual(problem, row), `row ${row}`).toBeLessThanOrEqual(bound);
    const padding = out.data.subarray(row * out.stride + out.rank, (row + 1) * out.stride);
    expect(Array.from(padding)).toEqual(Array.from(padding, () => 0));
  }
}

function choleskyCases(kernels: Kernels): void {
  const solver = { kind: "cholesky" } as const;

  it.each(RANKS)("explicit rows with biases leave a residual of at most k · 2⁻²⁰ at rank %i", async (rank) => {
    const { problem, workspace } = explicitWorld(kernels, { rank });
    expect(await workspace.solveRows(problem, solver)).toBeUndefined();
    expectSolved(problem);
    workspace.close();
  });

  it.each(RANKS)("explicit rows without biases leave a residual of at most k · 2⁻²⁰ at rank %i", async (rank) => {
    const { problem, workspace } = explicitWorld(kernels, { rank, seed: 2 }, false);
    expect(await workspace.solveRows(problem, solver)).toBeUndefined();
    expectSolved(problem);
    workspace.close();
  });

  it.each(RANKS)("implicit rows leave a residual of at most k · 2⁻²⁰, overlap 0 and w, at rank %i", async (rank) => {
    for (const overlap of [0, 0.3]) {
      const weights = { unobservedWeight: 0.3, overlap };
      const { problem, workspace } = await implicitWorld(kernels, { rank, seed: 3 }, weights);
      expect(await workspace.solveRows(problem, solver)).toBeUndefined();
      expectSolved(problem);
      workspace.close();
    }
  });

  it("one row over 2,000 entries keeps the bound", async () => {
    const { problem, workspace } = explicitWorld(kernels, { rank: 8, rows: 4, columns: 2000 });
    expect(await workspace.solveRows(problem, solver)).toBeUndefined();
    expectSolved(problem);
    workspace.close();
  });

  it.each([3, 17, 33])("nothing is downhill from the solution along 16 directions at rank %i", async (rank) => {
    const worlds = [explicitWorld(kernels, { rank }), await implicitWorld(kernels, { rank })];
    for (const { problem, workspace } of worlds) {
      await workspace.solveRows(problem, solver);
      for (const row of [2, 3, 5]) {
        const x = unknowns(problem, row);
        const here = objective(problem, row, x, true);
        for (let d = 0; d < 16; d++) {
          const direction = x.map((_, i) => uniform(d, i, -1, 1));
          for (const radius of [0.02, -0.02, 0.5, -0.5]) {
            const there = x.map((value, i) => value + radius * direction[i]);
            if (objective(problem, row, there, true) <= here) expect.fail(`downhill by ${radius} of direction ${d}`);
          }
        }
      }
      workspace.close();
    }
  });

  it("does not depend on what the rows held before", async () => {
    const { problem, workspace } = explicitWorld(kernels, { rank: 20 });
    await workspace.solveRows(problem, solver);
    const once = problem.out.data.slice();
    fillRandom(problem.out, 99, -50, 50);
    await workspace.solveRows(problem, solver);
    expect(problem.out.data).toEqual(once);
    workspace.close();
  });

  it("zero rows and rows that are all empty are solved", async () => {
    for (const rows of [0, 1]) {
      const world = explicitWorld(kernels, { rank: 5, rows, columns: 1 });
      world.problem.entries.start.fill(0);
      expect(await world.workspace.solveRows(world.problem, solver)).toBeUndefined();
      expect(unpadded(world.problem.out)).toEqual(new Float32Array(5 * rows));
      world.workspace.close();
    }
  });
}

function unstableCases(kernels: Kernels): void {
  it("cholesky names the first such row and its pivot, keeps that row, solves the others", async () => {
    for (const rank of [2, 5, 17, 33]) {
      const { problem, workspace } = explicitWorld(kernels, { rank, rows: 14 });
      const { start } = problem.entries;
      problem.regularization[3] = 0; // and it has one entry only
      const kept = unknowns(problem, 3);
      expect(start[4] - start[3]).toBe(1);
      const unstable = await workspace.solveRows(problem, { kind: "cholesky" });
      expect(unstable).toMatchObject({ row: 3, pivot: 1 });
      expect(Math.abs(unstable?.value ?? 1)).toBeLessThan(1e-5);
      expect(unknowns(problem, 3)).toEqual(kept);
      for (const row of [0, 2, 4, 5, 6]) {
        if (start[row] === start[row + 1]) continue;
        expect(relativeResidual(problem, row)).toBeLessThan(rank * 2 ** -20);
      }
      workspace.close();
    }
  });

  it("the lowest of several is named, on any number of threads", async () => {
    const { problem, workspace } = explicitWorld(kernels, { rank: 40, rows: 200, columns: 30 }, false);
    problem.regularization.fill(0); // 30 columns cannot fill rank 40: no row has a solution
    const first = problem.entries.start.findIndex((start, r) => start < problem.entries.start[r + 1]);
    for (let repeat = 0; repeat < 5; repeat++) {
      expect(await workspace.solveRows(problem, { kind: "cholesky" })).toMatchObject({ row: first });
    }
    workspace.close();
  });

  it("an infinite entry is named, not spread", async () => {
    const { problem, workspace } = explicitWorld(kernels, { rank: 4, rows: 8 });
    const row = 2;
    problem.fixed.data[problem.entries.index[problem.entries.start[row]] * 16] = Number.POSITIVE_INFINITY;
    const kept = unknowns(problem, row);
    expect(await workspace.solveRows(problem, { kind: "cholesky" })).toMatchObject({ pivot: 0 });
    expect(unknowns(problem, row)).toEqual(kept);
    workspace.close();
  });

  it("implicit cg without any penalty or weight of unseen cells names the first row with entries", async () => {
    const weights = { unobservedWeight: 0, overlap: 0, regularization: 0 };
    const { problem, workspace } = await implicitWorld(kernels, { rank: 5 }, weights);
    problem.entries.start.fill(0, 0, 3); // rows 0 and 1 are empty
    const kept = unknowns(problem, 2);
    const unstable = await workspace.solveRows(problem, { kind: "cg", steps: 2 });
    expect(unstable).toEqual({ row: 2, pivot: 0, value: 0 });
    expect(unknowns(problem, 2)).toEqual(kept);
    expect(unknowns(problem, 0)).toEqual([0, 0, 0, 0, 0]);
    workspace.close();
  });
}
