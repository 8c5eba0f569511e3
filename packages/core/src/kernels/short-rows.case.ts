/**
 * The behaviour of `solveRows` on explicit rows with fewer entries than the rank, which a backend may solve by a smaller
 * system: the same residuals, also where that system is badly conditioned. Part of kernels.case.ts.
 */
import { expect, it } from "vitest";
import { uniform } from "../support/index.ts";
import { type Kernels, type RowProblem, slot } from "./kernels.ts";
import { fillRandom, relativeResidual, unknowns } from "./worlds.case.ts";

/** What makes a short row's system easy or hard: how far apart its rows are, the penalty, the bias. */
const SPREADS = [1, 0.1, 0.001];
const PENALTIES = [1e-6, 1e-2, 1, 1e4, 1e9];
const BIASES = [undefined, 1, 0];
/** From here on, fewer penalties. */
const LARGE_RANK = 100;

/** Rows of 1, 2, … entries, up to the rank and one more; rows of the fixed table differ from a common one by `spread`. */
function shortRows(kernels: Kernels, rank: number, spread: number, penalty: number, biasPenalty: number | undefined) {
  const lengths: number[] = [];
  for (let n = 1; n <= rank + 1; n = Math.max(n + 1, Math.floor(1.6 * n))) lengths.push(n);
  lengths.push(rank);
  const entries = lengths.reduce((sum, n) => sum + n, 0);
  const w = kernels.open({
    out: slot.table(lengths.length, rank),
    fixed: slot.table(rank + 1, rank),
    outBias: slot.f32(lengths.length),
    start: slot.u32(lengths.length + 1),
    index: slot.u32(entries),
    value: slot.f32(entries),
    regularization: slot.f32(lengths.length),
    biasRegularization: slot.f32(lengths.length),
  });
  const { out, outBias, fixed, start, index, value, regularization, biasRegularization } = w.at;
  fillRandom(fixed, rank);
  if (spread < 1) {
    for (let i = 0; i < fixed.data.length; i++) {
      const common = i % fixed.stride < rank ? uniform(7, i % fixed.stride, -1, 1) : 0;
      fixed.data[i] = common + spread * fixed.data[i];
    }
  }
  let at = 0;
  for (const [row, length] of lengths.entries()) {
    for (let c = 0; c < length; c++) {
      index[at] = c;
      value[at] = uniform(8, at, -1, 1);
      at++;
    }
    start[row + 1] = at;
  }
  regularization.fill(penalty);
  biasRegularization.fill(biasPenalty ?? 0);
  const biased = biasPenalty !== undefined;
  const problem: RowProblem = {
    kind: "explicit",
    out,
    outBias: biased ? outBias : undefined,
    fixed,
    fixedBias: undefined,
    entries: { start, index },
    value,
    offset: 0.25,
    regularization,
    biasRegularization: biased ? biasRegularization : undefined,
  };
  return { problem, workspace: w };
}

export function shortRowCases(kernels: Kernels): void {
  // The definition has no smaller system, and takes its time at larger ranks.
  const large = kernels.backend === "reference" ? [] : [LARGE_RANK, 130];
  it.each([2, 3, 5, 6, 8, 9, 17, 33, ...large])(
    "of 1 to k + 1 entries keep the bound k · 2⁻²⁰ at rank %i: rows alike or not, penalties 10⁻⁶ to 10⁹, with, without and with a free bias",
    async (rank) => {
      for (const spread of SPREADS) {
        for (const penalty of rank < LARGE_RANK ? PENALTIES : [1e-2, 1]) {
          for (const biasPenalty of BIASES) {
            const { problem, workspace } = shortRows(kernels, rank, spread, penalty, biasPenalty);
            problem.out.data.fill(Number.NaN);
            const unstable = await workspace.solveRows(problem, { kind: "cholesky" });
            // Rows whose penalty drowns in f32 beside what they have in common are named, not solved badly.
            if (unstable !== undefined) expect(spread < 1 || penalty < 1e-2).toBe(true);
            for (let row = 0; row < problem.out.rows; row++) {
              if (Number.isNaN(problem.out.data[row * problem.out.stride])) continue;
              const error = relativeResidual(problem, row);
              expect(error, `row ${row}, ${spread}, ${penalty}, ${biasPenalty}`).toBeLessThanOrEqual(rank * 2 ** -20);
            }
            workspace.close();
          }
        }
      }
    },
  );

  it.each([6, 33, 100])(
    "of 1 to k/2 entries that differ are solved with a penalty of 10⁻⁶, at rank %i",
    async (rank) => {
      for (const biasPenalty of BIASES) {
        const { problem, workspace } = shortRows(kernels, rank, 1, 1e-6, biasPenalty);
        problem.out.data.fill(Number.NaN);
        await workspace.solveRows(problem, { kind: "cholesky" });
        for (let row = 0; row < problem.out.rows; row++) {
          const n = problem.entries.start[row + 1] - problem.entries.start[row];
          if (2 * n > rank) continue;
          expect(relativeResidual(problem, row), `${n} entries`).toBeLessThanOrEqual(rank * 2 ** -20);
          const padding = problem.out.data.subarray(row * problem.out.stride + rank, (row + 1) * problem.out.stride);
          expect(padding.every((value) => value === 0 || Number.isNaN(value))).toBe(true);
        }
        workspace.close();
      }
    },
  );

  it("one entry and a free bias: the bias is the target and the factors are 0", async () => {
    const { problem, workspace } = shortRows(kernels, 9, 1, 2, 0);
    await workspace.solveRows(problem, { kind: "cholesky" });
    const [bias, ...factors] = unknowns(problem, 0).reverse();
    expect(bias).toBeCloseTo(uniform(8, 0, -1, 1) - 0.25, 6);
    for (const factor of factors) expect(Math.abs(factor)).toBeLessThan(1e-6);
    workspace.close();
  });

  it("without a penalty is named by the pivot of its normal equations", async () => {
    const { problem, workspace } = shortRows(kernels, 9, 1, 0, undefined);
    const kept = unknowns(problem, 0);
    expect(await workspace.solveRows(problem, { kind: "cholesky" })).toMatchObject({ row: 0, pivot: 1 });
    expect(unknowns(problem, 0)).toEqual(kept);
    workspace.close();
  });
}
