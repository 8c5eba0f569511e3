/** The behaviour of `solveRows` by subspaces on every backend: beside its definition, the exact solution and formulas. Part of kernels.case.ts. */
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

const worlds = (kernels: Kernels, rank: number) => rowWorlds(kernels, rank, { unobservedWeight: 1, overlap: 1 });

/** After one round. */
const solved = (kernels: Kernels, rank: number, blockSize: number) =>
  solvedWorlds(worlds(kernels, rank), { kind: "subspace", blockSize });

export function subspaceCases(kernels: Kernels): void {
  // The definition is not compared with itself.
  if (kernels.backend !== "reference") {
    it.each(RANKS)(
      "blocks of 16 and 32 agree with the reference to 2⁻¹⁴ of the largest factor at rank %i",
      async (rank) => {
        for (const blockSize of [16, 32]) {
          const defined = await once(["subspace", rank, blockSize], () =>
            solved(openReference("the definition"), rank, blockSize),
          );
          expectClose(await solved(kernels, rank, blockSize), defined);
        }
      },
    );
  }

  it.each([5, 16, 33, 65])(
    "one block gives the exact solution, to 2⁻¹⁴ of its largest factor, at rank %i",
    async (rank) => {
      const exact = await solvedWorlds(worlds(kernels, rank), { kind: "cholesky" });
      expectClose(await solved(kernels, rank, 96), exact);
    },
  );

  it("no round raises the objective, and 60 of them end at the exact solution of every row", async () => {
    for (const { problem, workspace } of await worlds(kernels, 24)) {
      let before = totalObjective(problem);
      for (let round = 0; round < 60; round++) {
        await workspace.solveRows(problem, { kind: "subspace", blockSize: 16 });
        if (round > 9 && round < 59) continue;
        const now = totalObjective(problem);
        expect(now).toBeLessThanOrEqual(before * (1 + 2 ** -20));
        before = now;
      }
      for (let row = 0; row < problem.out.rows; row++) {
        if (problem.entries.start[row] === problem.entries.start[row + 1]) continue;
        expect(relativeResidual(problem, row), `row ${row}`).toBeLessThan(24 * 2 ** -20);
      }
      workspace.close();
    }
  });

  it("after a round nothing is downhill in the last block: its share of the gradient is 0 to k · 2⁻²⁰", async () => {
    const rank = 40;
    for (const { problem, workspace } of await worlds(kernels, rank)) {
      await workspace.solveRows(problem, { kind: "subspace", blockSize: 16 });
      for (let row = 0; row < problem.out.rows; row++) {
        const { value, size } = gradient(problem, row, unknowns(problem, row));
        for (const part of value.slice(32)) expect(Math.abs(part)).toBeLessThanOrEqual(rank * 2 ** -20 * size);
      }
      workspace.close();
    }
  });

  it("from the exact solution it stays there to 2⁻¹⁴", async () => {
    const [before, after]: number[][][][] = [[], []];
    for (const { problem, workspace } of await worlds(kernels, 33)) {
      await workspace.solveRows(problem, { kind: "cholesky" });
      before.push(allUnknowns(problem));
      await workspace.solveRows(problem, { kind: "subspace", blockSize: 16 });
      after.push(allUnknowns(problem));
      workspace.close();
    }
    expectClose(after, before);
  });

  it("rows without entries become zero, padding stays zero", async () => {
    for (const { problem, workspace } of await worlds(kernels, 21)) {
      await workspace.solveRows(problem, { kind: "subspace", blockSize: 16 });
      expectEmptyRowsZero(problem);
      workspace.close();
    }
  });

  it("a row without a stable solution is named with its column, in the second block here, and keeps its value", async () => {
    const { problem, workspace } = explicitWorld(kernels, { rank: 20, rows: 14 });
    const { data, rows, stride } = problem.fixed;
    for (let r = 0; r < rows; r++) data[r * stride + 18] = data[r * stride + 17]; // two columns alike
    problem.regularization[2] = 0; // the row that has every entry
    const kept = unknowns(problem, 2);
    const unstable = await workspace.solveRows(problem, { kind: "subspace", blockSize: 16 });
    expect(unstable).toMatchObject({ row: 2, pivot: 18 });
    expect(unknowns(problem, 2)).toEqual(kept);
    workspace.close();
  });

  it("a block size that is not a multiple of 16 is refused", async () => {
    const { problem, workspace } = explicitWorld(kernels, { rank: 20 });
    for (const blockSize of [0, 8, 20, 16.5]) {
      await expect(workspace.solveRows(problem, { kind: "subspace", blockSize })).rejects.toThrow(
        /solveRows: blockSize/,
      );
    }
    workspace.close();
  });
}
