/**
 * ALS for explicit ratings: r̂_ui = mean + b_u + b_i + x_u·y_i.
 *
 *   minimise  Σ_observed (r_ui − r̂_ui)²  +  Σ_u λ n_u^e |x_u|²  +  Σ_i λ n_i^e |y_i|²  +  Σ_u λ_b n_u^f b_u²  +  Σ_i λ_b n_i^f b_i²
 *
 * with λ = regularization, e = regularizationExponent, λ_b = biasRegularization, f = biasRegularizationExponent, n the
 * number of ratings of the user or item; sums, no means and no halves. A row and its bias are solved jointly.
 * Source: Zhou, Wilkinson, Schreiber & Pan, AAIM 2008 (weighted-λ regularization is e = 1); biases as in Koren, Bell &
 * Volinsky, IEEE Computer 2009.
 */
import type { Kernels } from "../kernels/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { DataError } from "../support/index.ts";
import { AlternatingRun, type AlternatingSettings, alternatingLayout, MAX_RANK } from "./alternating.ts";
import type { Factorizer } from "./factorizer.ts";
import { type OptionTable, resolveOptions } from "./options.ts";

export const alsOptions = {
  rank: { type: "whole", default: 32, min: 1, max: MAX_RANK, about: "latent dimension" },
  sweeps: { type: "whole", default: 15, min: 1, max: 10_000, about: "passes over the data, items then users" },
  regularization: { type: "number", default: 0.05, min: 0, max: 1e9, about: "L2 penalty of the factors" },
  regularizationExponent: {
    type: "number",
    default: 1,
    min: 0,
    max: 2,
    about: "penalty grows with (number of ratings) to this power; 1 = ALS-WR, 0 = plain",
  },
  biases: { type: "flag", default: true, about: "fit a bias for every user and item" },
  biasRegularization: {
    type: "number",
    default: 0.05,
    min: 0,
    max: 1e9,
    about: "L2 penalty of the biases",
    when: { option: "biases", is: [true] },
  },
  biasRegularizationExponent: {
    type: "number",
    default: 1,
    min: 0,
    max: 2,
    about: "as regularizationExponent, for the biases",
    when: { option: "biases", is: [true] },
  },
  initScale: {
    type: "number",
    default: 0.1,
    min: 0,
    max: 1e3,
    about: "starting factors are normal with this standard deviation over √rank",
  },
  solver: {
    type: "choice",
    default: "cholesky",
    choices: ["cholesky", "cg"],
    about: "exact, or conjugate gradient from the last sweep's factors",
  },
  cgSteps: {
    type: "whole",
    default: 3,
    min: 1,
    max: 1000,
    about: "conjugate gradient steps per row and sweep",
    when: { option: "solver", is: ["cg"] },
  },
} as const satisfies OptionTable;

/** Options of `als`; every one may be left out. */
export interface AlsOptions {
  /** Latent dimension, 1 to 1024. Default 32 */
  readonly rank?: number;
  /** Passes over the data, at least 1. Default 15 */
  readonly sweeps?: number;
  /** λ ≥ 0. Default 0.05 */
  readonly regularization?: number;
  /** e from 0 to 2; 0 = plain, 1 = ALS-WR. Default 1 */
  readonly regularizationExponent?: number;
  /** Default true */
  readonly biases?: boolean;
  /** λ_b ≥ 0. Default 0.05 */
  readonly biasRegularization?: number;
  /** f from 0 to 2. Default 1 */
  readonly biasRegularizationExponent?: number;
  /** Standard deviation of the starting factors times √rank. Default 0.1 */
  readonly initScale?: number;
  /** `cholesky` solves each row exactly (default); `cg` approximately */
  readonly solver?: "cholesky" | "cg";
  /** Steps of `cg`. Default 3 */
  readonly cgSteps?: number;
}

/**
 * Alternating least squares for explicit ratings.
 *
 * @throws OptionError for an unknown option or a value out of range
 */
export function als(given: AlsOptions = {}): Factorizer {
  const options = resolveOptions("als", alsOptions, given);
  const settings: AlternatingSettings = {
    name: "als",
    options,
    rank: options.rank,
    initScale: options.initScale,
    solver: options.solver === "cg" ? { kind: "cg", steps: options.cgSteps } : { kind: "cholesky" },
    objective: {
      kind: "explicit",
      regularization: options.regularization,
      regularizationExponent: options.regularizationExponent,
      biasRegularization: options.biases ? options.biasRegularization : undefined,
      biasRegularizationExponent: options.biasRegularizationExponent,
    },
  };
  return {
    name: "als",
    options,
    rank: options.rank,
    passName: "sweeps",
    passes: options.sweeps,
    ignores: ["time"],
    bytesFor: (ratings: Ratings, kernels: Kernels) => kernels.bytesFor(alternatingLayout(ratings, settings)),
    start: async (ratings: Ratings, kernels: Kernels, seed: number) => {
      if (!ratings.hasRatings) {
        throw new DataError(
          "als: these records have no rating, and als fits ratings; use ials() for clicks, plays or purchases",
          { method: "als" },
        );
      }
      return new AlternatingRun(settings, ratings, kernels, seed);
    },
  };
}
