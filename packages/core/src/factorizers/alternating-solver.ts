/** How the rows of als and ials are solved: the options, and which solver `auto` takes. The arithmetic: RowSolver in kernels/. */
import { BLOCK_SIZE_STEP, type RowSolver } from "../kernels/index.ts";
import { OptionError } from "../support/index.ts";

const DEFAULT_BLOCK_SIZE = 16;

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
      default: 3,
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
  /** How each row is solved: exactly, by conjugate gradient, or by subspaces (iALS++). Default `auto`, by the rank */
  readonly solver?: "auto" | "cholesky" | "cg" | "subspace";
  /** Steps of `cg`. Default 3 */
  readonly cgSteps?: number;
  /** Columns that `subspace` solves together, a multiple of 16. Default 16 */
  readonly blockSize?: number;
}

/**
 * The solver that was asked for.
 *
 * @param auto what `auto` is here
 * @throws OptionError for a block size that is not a multiple of 16
 */
export function solverOf(
  who: string,
  { solver, cgSteps, blockSize }: Required<RowSolverOptions>,
  auto: RowSolver["kind"],
): RowSolver {
  const kind = solver === "auto" ? auto : solver;
  switch (kind) {
    case "cholesky":
      return { kind };
    case "cg":
      return { kind, steps: cgSteps };
    case "subspace":
      if (blockSize % BLOCK_SIZE_STEP === 0) return { kind, blockSize };
      throw new OptionError(who, "blockSize", blockSize, `a multiple of ${BLOCK_SIZE_STEP}`);
    default:
      return kind satisfies never;
  }
}
