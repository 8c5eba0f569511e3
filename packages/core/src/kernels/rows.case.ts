/**
 * The behaviour of `solveRows`, `rowLoss` and `rowGradients` on every backend: residuals in f64, nothing downhill, conjugate gradient
 * beside its definition, rows without a solution. Part of kernels.case.ts.
 */
import { describe, expect, it } from "vitest";
import { uniform } from "../support/index.ts";
import { type Kernels, type RowProblem, type RowSolver, rowStride, slot, unpadded } from "./kernels.ts";
import { openReference } from "./reference/index.ts";
import { shortRowCases } from "./short-rows.case.ts";
import {
  explicitWorld,
  fillRandom,
  gradient,
  implicitWorld,
  objective,
  RANKS,
  type RowWorld,
  relativeResidual,
  unknowns,
} from "./worlds.case.ts";

export function rowCases(kernels: Kernels): void {
  describe("solveRows by cholesky", () => choleskyCases(kernels));
  describe("solveRows by cholesky, rows shorter than the rank", () => shortRowCases(kernels));
  describe("solveRows by cg", () => cgCases(kernels));
  describe("long rows", () => longRowCases(kernels));
  describe("rows without a stable solution", () => unstableCases(kernels));
  describe("rowLoss", () => lossCases(kernels));
  describe("rowGradients", () => gradientCases(kernels));
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

  it.each([3, 17, 33])("nothing is downhill from the solution along 64 directions at rank %i", async (rank) => {
    const worlds = [explicitWorld(kernels, { rank }), await implicitWorld(kernels, { rank })];
    for (const { problem, workspace } of worlds) {
      await workspace.solveRows(problem, solver);
      for (const row of [2, 3, 5]) {
        const x = unknowns(problem, row);
        const here = objective(problem, row, x, true);
        for (let d = 0; d < 64; d++) {
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

const LONG = 2_000_001;

/** One row over LONG entries whose features are all positive, so that every sum grows as it can. */
function longRow(kernels: Kernels) {
  const [columns, rank] = [1000, 4];
  const w = kernels.open({
    out: slot.table(1, rank),
    fixed: slot.table(columns, rank),
    scratch: slot.table(columns, rank),
    outBias: slot.f32(1),
    start: slot.u32(2),
    index: slot.u32(LONG),
    value: slot.f32(LONG),
    regularization: slot.f32(1),
    gram: slot.f32(rowStride(rank) ** 2),
  });
  const { out, outBias, fixed, scratch, start, index, value, regularization, gram } = w.at;
  fillRandom(fixed, 1, 0.5, 1.5);
  for (let e = 0; e < LONG; e++) {
    index[e] = Math.floor((e * columns) / LONG); // each column about 2,000 times, which the formulas allow
    value[e] = 1 + Math.floor(5 * uniform(2, e, 0, 1));
  }
  start[1] = LONG;
  regularization[0] = LONG / 20;
  const common = { out, fixed, entries: { start, index }, regularization };
  const bias = { outBias, fixedBias: undefined, biasRegularization: regularization };
  const weights = { confidence: value, gram, unobservedWeight: 0.1, overlap: 0.1, scratch };
  const problems = [
    { kind: "explicit", ...common, ...bias, value, offset: 0 },
    { kind: "implicit", ...common, ...weights },
  ] as const;
  return { workspace: w, problems };
}

/** The unknowns of both problems from zero, and what every backend is to find; the definition takes long, so only once. */
async function solveLongRow(kernels: Kernels, solver: RowSolver): Promise<number[][]> {
  const { workspace, problems } = longRow(kernels);
  const found: number[][] = [];
  for (const problem of problems) {
    problem.out.data.fill(0);
    await workspace.gram(problem.fixed, workspace.at.gram);
    expect(await workspace.solveRows(problem, solver)).toBeUndefined();
    found.push(unknowns(problem, 0));
  }
  workspace.close();
  return found;
}
const longRowsDefined = new Map<RowSolver, Promise<number[][]>>();

const longRowSolvers: [string, RowSolver][] = [
  ["cholesky", { kind: "cholesky" }],
  ["one cg step from zero", { kind: "cg", steps: 1 }],
];

function longRowCases(kernels: Kernels): void {
  it.each(longRowSolvers)(
    "of 2,000,001 entries agree with the reference to 2⁻¹⁷ of the largest unknown: %s",
    async (_, solver) => {
      if (!longRowsDefined.has(solver))
        longRowsDefined.set(solver, solveLongRow(openReference("the definition"), solver));
      const defined = (await longRowsDefined.get(solver)) ?? [];
      const found = await solveLongRow(kernels, solver);
      expect(found).toHaveLength(2);
      for (const [p, x] of found.entries()) {
        const size = Math.max(...defined[p].map(Math.abs));
        const error = Math.max(...x.map((value, i) => Math.abs(value - defined[p][i])));
        expect(error / size, `problem ${p}`).toBeLessThanOrEqual(2 ** -17);
      }
    },
  );
}

function cgCases(kernels: Kernels): void {
  const worlds = (kernels: Kernels, rank: number): Promise<RowWorld<RowProblem>[]> =>
    Promise.all([
      explicitWorld(kernels, { rank, seed: 5 }),
      explicitWorld(kernels, { rank, seed: 6 }, false),
      implicitWorld(kernels, { rank, seed: 7 }),
      implicitWorld(kernels, { rank, seed: 8 }, { unobservedWeight: 0.1, overlap: 0.1, regularization: 0.7 }),
      implicitWorld(kernels, { rank, seed: 9 }, { unobservedWeight: 0, overlap: 0 }),
    ]);

  it.each(RANKS)("1 and 3 steps agree with the reference to 2⁻¹⁴ of the largest factor at rank %i", async (rank) => {
    for (const steps of [1, 3]) {
      const mine = await worlds(kernels, rank);
      const theirs = await worlds(openReference("the definition"), rank);
      for (const [i, { problem, workspace }] of mine.entries()) {
        const expected = theirs[i];
        expect(await workspace.solveRows(problem, { kind: "cg", steps })).toBeUndefined();
        await expected.workspace.solveRows(expected.problem, { kind: "cg", steps });
        for (let row = 0; row < problem.out.rows; row++) {
          const x = unknowns(problem, row);
          const y = unknowns(expected.problem, row);
          const size = Math.max(...y.map(Math.abs));
          const error = Math.max(...x.map((value, j) => Math.abs(value - y[j])));
          expect(error, `world ${i}, row ${row}`).toBeLessThanOrEqual(size * 2 ** -14);
        }
        workspace.close();
        expected.workspace.close();
      }
    }
  });

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

function lossCases(kernels: Kernels): void {
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

function gradientCases(kernels: Kernels): void {
  it.each(RANKS)(
    "are the lengths of the dense gradients, which finite differences confirm, at rank %i",
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
          // The formula of this file is the same for every backend: differences confirm it once.
          if (row > 3 || kernels.backend !== "reference") continue;
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
