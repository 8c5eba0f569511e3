/**
 * ALS for explicit ratings: r̂_ui = c_ui + b_u + b_i + x_u·y_i, with c_ui what `center` says: nothing, the mean of all ratings,
 * of the user's, or of the item's.
 *
 *   minimise  Σ_observed (r_ui − r̂_ui)²  +  Σ_u λ n_u^e |x_u|²  +  Σ_i λ n_i^e |y_i|²  +  Σ_u λ_b n_u^f b_u²  +  Σ_i λ_b n_i^f b_i²
 *
 * with λ = regularization, e = regularizationExponent, λ_b = biasRegularization, f = biasRegularizationExponent, n the
 * number of ratings of the user or item; sums, no means and no halves. A row and its bias are solved jointly.
 * Source: Zhou, Wilkinson, Schreiber & Pan, AAIM 2008 (weighted-λ regularization is e = 1); biases as in Koren, Bell &
 * Volinsky, IEEE Computer 2009.
 */
import type { Kernels } from "../kernels/index.ts";
import type { Biases, Center } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { DataError, OptionError } from "../support/index.ts";
import { AlternatingRun, type AlternatingSettings, alternatingLayout, alternatingOptions } from "./alternating.ts";
import { checkBlockSize, type RowSolverOptions, solverOf, solverOptions } from "./alternating-solver.ts";
import { biasesOption, centerOption, MAX_PENALTY, rankOption, withBiases } from "./common-options.ts";
import { spreadOf } from "./descent-unit.ts";
import type { Factorizer, StartFrom } from "./factorizer.ts";
import { type OptionTable, resolveOptions } from "./options.ts";

/**
 * The best penalty of the factors grows in proportion to the ratings (their error is squared, factors share the scale
 * between them), so a default that serves stars out of 5 and points out of 100 alike is a multiple of their spread. The
 * multiple is the validation optimum of MovieLens 100K and 1M at exponent 0.5 (flat from 1.1 to 1.3); see docs/als.md.
 */
const AUTO_REGULARIZATION = 1.2;
const AUTO_EXPONENT = 0.5;

export const alsOptions = {
  rank: rankOption(32),
  sweeps: alternatingOptions.sweeps(15),
  regularization: {
    type: "number",
    default: "auto",
    auto: `${AUTO_REGULARIZATION} × the standard deviation of the ratings`,
    min: 0,
    max: MAX_PENALTY,
    about: "L2 penalty of the factors",
  },
  regularizationExponent: {
    type: "number",
    default: AUTO_EXPONENT,
    min: 0,
    max: 2,
    about: "penalty grows with (number of ratings) to this power; 1 = ALS-WR, 0 = plain",
  },
  biases: biasesOption("both"),
  biasRegularization: {
    type: "number",
    default: 3,
    min: 0,
    max: MAX_PENALTY,
    about: "L2 penalty of the biases",
    when: withBiases,
  },
  biasRegularizationExponent: {
    type: "number",
    default: 0,
    min: 0,
    max: 2,
    about: "as regularizationExponent, for the biases",
    when: withBiases,
  },
  center: centerOption("global"),
  initScale: alternatingOptions.initScale,
  ...solverOptions("exact up to about rank 32, conjugate gradient above"),
} as const satisfies OptionTable;

/** Options of `als`; every one may be left out. */
export interface AlsOptions extends RowSolverOptions {
  /** Latent dimension, 1 to 1024. Default 32 */
  readonly rank?: number;
  /** Passes over the data, at least 1. Default 15 */
  readonly sweeps?: number;
  /** λ ≥ 0. Default `auto`: 1.2 × the standard deviation of the ratings */
  readonly regularization?: number | "auto";
  /** e from 0 to 2; 0 = plain, 1 = ALS-WR. Default 0.5 */
  readonly regularizationExponent?: number;
  /** Which sides have a fitted bias. Default `both` */
  readonly biases?: Biases;
  /** λ_b ≥ 0. Default 3 */
  readonly biasRegularization?: number;
  /** f from 0 to 2. Default 0 */
  readonly biasRegularizationExponent?: number;
  /** What is subtracted from each rating before fitting. Default `global`: the mean of all */
  readonly center?: Center;
  /**
   * Standard deviation of the starting factors times √rank, where the ratings' own is 0.5 to 2; beside others, times the root of the power of 4 that is
   * near it. Default 0.1
   */
  readonly initScale?: number;
}

/**
 * Alternating least squares for explicit ratings.
 *
 * @throws OptionError for an unknown option or a value out of range
 */
export function als(given: AlsOptions = {}): Factorizer {
  const options = resolveOptions("als", alsOptions, given);
  checkBlockSize("als", options);
  const { rank, sweeps, biases, center, initScale, regularizationExponent } = options;
  if (options.regularization === "auto" && regularizationExponent !== AUTO_EXPONENT) {
    const allowed = `given with regularizationExponent ${regularizationExponent}`;
    const remedy = `its default is measured for ${AUTO_EXPONENT} only; ALS-WR (1) wants about 0.05 to 0.15`;
    throw new OptionError("als", "regularization", "auto", allowed, remedy);
  }
  const settings = (ratings: Ratings, regularization: number): AlternatingSettings => {
    const solver = solverOf(options, ratings, { kind: "explicit", rank, varied: regularizationExponent !== 0 });
    return {
      name: "als",
      options: { ...options, regularization, solver: solver.kind },
      rank,
      initScale,
      solver,
      objective: {
        kind: "explicit",
        regularization,
        regularizationExponent,
        center,
        biases,
        biasRegularization: biases === "none" ? undefined : options.biasRegularization,
        biasRegularizationExponent: options.biasRegularizationExponent,
      },
    };
  };
  return {
    name: "als",
    options,
    rank,
    passName: "sweeps",
    passes: sweeps,
    ignores: ["time"],
    settledFor: (ratings: Ratings) => als({ ...given, solver: settings(ratings, 0).solver.kind }),
    bytesFor: (ratings: Ratings, kernels: Kernels) =>
      kernels.bytesFor(alternatingLayout(ratings, settings(ratings, 0))),
    start: async (ratings: Ratings, kernels: Kernels, seed: number, from?: StartFrom, signal?: AbortSignal) => {
      if (!ratings.hasRatings) {
        throw new DataError(
          "als: these records have no rating, and als fits ratings; use ials() for clicks, plays or purchases",
          { method: "als" },
        );
      }
      const { regularization } = options;
      const penalty = regularization === "auto" ? AUTO_REGULARIZATION * spreadOf(ratings) : regularization;
      return AlternatingRun.start(settings(ratings, penalty), ratings, kernels, seed, from, signal);
    },
  };
}
