/**
 * The behaviour of `solveRows` on a row so long that sums in f32 would drift: beside the definition. Part of kernels.case.ts; not
 * run on the definition itself.
 */
import { expect, it } from "vitest";
import { uniform } from "../support/index.ts";
import { type Kernels, type RowSolver, rowStride, slot } from "./kernels.ts";
import { openReference } from "./reference/index.ts";
import { subspaceScratch } from "./subspace.ts";
import { fillRandom, once, unknowns } from "./worlds.case.ts";

const LONG = 1_000_001;

function longEntries(columns: number) {
  const index = new Uint32Array(LONG);
  const value = new Float32Array(LONG);
  for (let e = 0; e < LONG; e++) {
    index[e] = Math.floor((e * columns) / LONG); // each column about 1,000 times, which the formulas allow
    value[e] = 1 + Math.floor(5 * uniform(2, e, 0, 1));
  }
  return { index, value };
}

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
    forRows: slot.perThread(subspaceScratch(rank, 16, LONG)),
  });
  const { out, outBias, fixed, scratch, start, index, value, regularization, gram } = w.at;
  fillRandom(fixed, 1, 0.5, 1.5);
  const entries = once(["long row", columns], () => longEntries(columns));
  index.set(entries.index);
  value.set(entries.value);
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

/** The unknowns of both problems from zero. */
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

const longRowSolvers: [string, RowSolver][] = [
  ["cholesky", { kind: "cholesky" }],
  ["one cg step from zero", { kind: "cg", steps: 1 }],
  ["subspaces from zero", { kind: "subspace", blockSize: 16 }],
];

export function longRowCases(kernels: Kernels): void {
  const title = "of 1,000,001 entries agree with the reference to 2⁻¹⁷ of the largest unknown: %s";
  it.each(longRowSolvers)(title, async (_, solver) => {
    const found = await solveLongRow(kernels, solver);
    const defined = await once(["solved long row", solver], () =>
      solveLongRow(openReference("the definition"), solver),
    );
    expect(found).toHaveLength(2);
    for (const [p, x] of found.entries()) {
      const size = Math.max(...defined[p].map(Math.abs));
      const error = Math.max(...x.map((value, i) => Math.abs(value - defined[p][i])));
      expect(error / size, `problem ${p}`).toBeLessThanOrEqual(2 ** -17);
    }
  });
}
