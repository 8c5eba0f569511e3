/** How the rows of als and ials are solved: the options, and which solver `auto` takes. The arithmetic: RowSolver in kernels/. */
import { BLOCK_SIZE_STEP, type RowSolver } from "../kernels/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { OptionError } from "../support/index.ts";

const DEFAULT_BLOCK_SIZE = 16;
const DEFAULT_CG_STEPS = 3;

/** Exact rows end after fewer sweeps, and their time is known to be well spent: `auto` keeps them up to this many times the cost of `cg`. */
const EXACT_AT_MOST = 2.5;

/** Multiply-adds of `subspace` take 1.5 times as long as those of `cg`, and on dense data it needs more sweeps: it must save this factor. */
const SUBSPACE_SAVES = 2;

/** Option rows of both methods. @param auto what `auto` takes, in words */
export const solverOptions = (auto: string) =>
  ({
    solver: {
      type: "choice",
      default: "auto",
      choices: ["auto", "cholesky", "cg", "subspace"],
      about: `rows exactly, by conjugate gradient, or in blocks of columns (iALS++); auto is ${auto}`,
    },
    cgSteps: {
      type: "whole",
      default: DEFAULT_CG_STEPS,
      min: 1,
      max: 1000,
      about: "conjugate gradient steps per row and sweep, from the last sweep's factors",
      when: { option: "solver", is: ["cg"] },
    },
    blockSize: {
      type: "whole",
      default: DEFAULT_BLOCK_SIZE,
      min: BLOCK_SIZE_STEP,
      max: 1024,
      about: `columns solved together, a multiple of ${BLOCK_SIZE_STEP}; the rank and more is exact`,
      when: { option: "solver", is: ["subspace"] },
    },
  }) as const;

export interface RowSolverOptions {
  /** How each row is solved: exactly, by conjugate gradient, or by subspaces (iALS++). Default `auto`: by rank and ratings */
  readonly solver?: "auto" | "cholesky" | "cg" | "subspace";
  /** Steps of `cg`. Default 3 */
  readonly cgSteps?: number;
  /** Columns that `subspace` solves together, a multiple of 16. Default 16 */
  readonly blockSize?: number;
}

/** @throws OptionError for a block size that is not a multiple of 16 */
export function checkBlockSize(who: string, { blockSize }: Required<RowSolverOptions>): void {
  if (blockSize % BLOCK_SIZE_STEP === 0) return;
  throw new OptionError(who, "blockSize", blockSize, `a multiple of ${BLOCK_SIZE_STEP}`);
}

/** The solver that was asked for, or the one that `auto` takes for these ratings. */
export function solverOf(
  { solver, cgSteps, blockSize }: Required<RowSolverOptions>,
  ratings: Ratings,
  problem: AutoProblem,
): RowSolver {
  const kind = solver === "auto" ? autoSolver(ratings, problem) : solver;
  switch (kind) {
    case "cholesky":
      return { kind };
    case "cg":
      return { kind, steps: cgSteps };
    case "subspace":
      return { kind, blockSize };
    default:
      return kind satisfies never;
  }
}

/** What the cost of a sweep follows from, beside the ratings. */
interface AutoProblem {
  readonly kind: "explicit" | "implicit";
  readonly rank: number;
  /** Penalties differ between rows, which whitened conjugate gradient pays for in each step */
  readonly varied: boolean;
}

/**
 * The least work to the same objective, by the multiply-adds of a sweep: exact up to about rank 32, conjugate gradient above, subspaces where
 * rank² for each row is most of the cost of these: high ranks, short histories, penalties that differ. docs/ials.md has the measurements.
 */
function autoSolver({ byUser, itemCounts }: Ratings, problem: AutoProblem): RowSolver["kind"] {
  const costs = { cholesky: 0, cg: 0, subspace: 0 };
  const { rows, start } = byUser;
  for (let row = 0; row < rows; row++) addCosts(costs, start[row + 1] - start[row], problem);
  for (let item = 0; item < itemCounts.length; item++) addCosts(costs, itemCounts[item], problem);
  if (costs.cholesky <= EXACT_AT_MOST * costs.cg) return "cholesky";
  return SUBSPACE_SAVES * costs.subspace < costs.cg ? "subspace" : "cg";
}

/** Adds the multiply-adds of a row with n entries: see assembly/exact-rows.ts, short-rows.ts, cg-rows.ts and subspace-rows.ts. */
function addCosts(costs: Record<RowSolver["kind"], number>, n: number, { kind, rank, varied }: AutoProblem): void {
  if (n === 0) return;
  const square = rank * rank;
  const block = Math.min(DEFAULT_BLOCK_SIZE, rank);
  // Explicit rows with fewer entries than the rank are solved by the system of their entries.
  const size = kind === "explicit" ? Math.min(n, rank) : rank;
  costs.cholesky += (n * size * rank) / 2 + size ** 3 / 6;
  costs.cg += (DEFAULT_CG_STEPS + 1) * 2 * n * rank;
  costs.subspace += n * rank * (block / 2 + 3) + (rank * block * block) / 6;
  if (kind === "explicit") return;
  costs.cholesky += square;
  costs.cg += square * (1 + (varied ? DEFAULT_CG_STEPS + 1 : 0));
  costs.subspace += square;
}
