/**
 * ALS for implicit feedback: a preference score x_u·y_i, 1 for what was seen, 0 for what was not, with unequal weights.
 *
 *   minimise  Σ_observed c_ui (1 − x_u·y_i)²  +  w Σ_cells (x_u·y_i)²
 *             + Σ_u λ (n_u + w·items)^e |x_u|²  +  Σ_i λ (n_i + w·users)^e |y_i|²
 *
 * with w = unobservedWeight, λ = regularization, e = regularizationExponent, n the number of observed cells of the row,
 * c = 1, or with s = confidenceScale: s · rating, 1 + s · rating, 1 + s · ln(1 + rating). Σ_cells runs over every cell, the observed
 * ones too (observedInUnobserved true: Rendle et al.), or over the unobserved ones only (false: Hu–Koren). Sums, no means
 * and no halves.
 * Source: Hu, Koren & Volinsky, ICDM 2008; Rendle, Krichene, Zhang & Koren, RecSys 2022 (the penalty's frequency scaling).
 */
import type { Kernels } from "../kernels/index.ts";
import { type Confidence, confidenceKinds } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { DataError, OptionError } from "../support/index.ts";
import { AlternatingRun, type AlternatingSettings, alternatingLayout, alternatingOptions } from "./alternating.ts";
import { checkBlockSize, type RowSolverOptions, solverOf, solverOptions } from "./alternating-solver.ts";
import { MAX_PENALTY, rankOption } from "./common-options.ts";
import type { Factorizer, StartFrom } from "./factorizer.ts";
import { type OptionTable, resolveOptions } from "./options.ts";

/**
 * The best weight of an unseen cell varies a hundredfold between dense and sparse data, but its ratio to the share of cells
 * seen does not: validation optima lie between 5 and 40 on MovieLens (density 1 to 6 %) and Gowalla (0.07 %); see
 * docs/ials.md.
 */
const AUTO_DENSITIES = 10;

export const ialsOptions = {
  rank: rankOption(64),
  sweeps: alternatingOptions.sweeps(10),
  regularization: { type: "number", default: 0.01, min: 0, max: MAX_PENALTY, about: "L2 penalty of the factors" },
  regularizationExponent: {
    type: "number",
    default: 1,
    min: 0,
    max: 2,
    about: "penalty grows with (history + unobservedWeight × catalogue) to this power; 0 = plain",
  },
  unobservedWeight: {
    type: "number",
    default: "auto",
    auto: `${AUTO_DENSITIES} × the share of cells seen, at most 1`,
    min: 0,
    max: 1e9,
    about: "weight of a cell nobody has seen",
  },
  observedInUnobserved: {
    type: "flag",
    default: true,
    about: "seen cells are also in the unobserved term (Rendle); otherwise not (Hu–Koren)",
  },
  confidence: {
    type: "choice",
    default: "constant",
    choices: confidenceKinds,
    about: "weight of a seen cell: 1, scale × rating, 1 + scale × rating, 1 + scale × ln(1 + rating)",
  },
  confidenceScale: {
    type: "number",
    default: 1,
    min: 0,
    max: 1e9,
    about: "the scale in confidence",
    when: { option: "confidence", is: ["proportional", "linear", "log"] },
  },
  initScale: alternatingOptions.initScale,
  ...solverOptions("exact up to about rank 32, then conjugate gradient, blocks where histories are short for the rank"),
} as const satisfies OptionTable;

/** Options of `ials`; every one may be left out. */
export interface IalsOptions extends RowSolverOptions {
  /** Latent dimension, 1 to 1024. Default 64 */
  readonly rank?: number;
  /** Passes over the data, at least 1. Default 10 */
  readonly sweeps?: number;
  /** λ ≥ 0. Default 0.01 */
  readonly regularization?: number;
  /** e from 0 to 2. Default 1 */
  readonly regularizationExponent?: number;
  /** w ≥ 0. Default `auto`: 10 × ratings / (users × items), at most 1 */
  readonly unobservedWeight?: number | "auto";
  /** Default true */
  readonly observedInUnobserved?: boolean;
  /** How the weight of a seen cell follows from its rating or count. Default `constant`: every one is 1 */
  readonly confidence?: Confidence;
  /** The scale in `proportional`, `linear` and `log`. Default 1 */
  readonly confidenceScale?: number;
  /** Standard deviation of the starting factors times √rank. Default 0.1 */
  readonly initScale?: number;
}

/**
 * Alternating least squares for implicit feedback.
 *
 * @throws OptionError for an unknown option or a value out of range
 */
export function ials(given: IalsOptions = {}): Factorizer {
  const options = resolveOptions("ials", ialsOptions, given);
  checkBlockSize("ials", options);
  const { rank, confidence, unobservedWeight, observedInUnobserved } = options;
  // A proportional weight may be anything: row-terms.ts looks at each.
  if (!observedInUnobserved && confidence !== "proportional" && unobservedWeight !== "auto" && unobservedWeight > 1) {
    const remedy = "a seen cell weighs at least 1 and must not weigh less than an unseen one";
    const allowed = "at most 1 with observedInUnobserved false";
    throw new OptionError("ials", "unobservedWeight", unobservedWeight, allowed, remedy);
  }
  const settings = (ratings: Ratings, weight: number): AlternatingSettings => {
    const varied = options.regularizationExponent !== 0;
    const solver = solverOf(options, ratings, { kind: "implicit", rank, varied });
    return {
      name: "ials",
      options: { ...options, unobservedWeight: weight, solver: solver.kind },
      rank,
      initScale: options.initScale,
      solver,
      objective: {
        kind: "implicit",
        regularization: options.regularization,
        regularizationExponent: options.regularizationExponent,
        unobservedWeight: weight,
        observedInUnobserved,
        confidence,
        confidenceScale: options.confidenceScale,
      },
    };
  };
  return {
    name: "ials",
    options,
    rank,
    passName: "sweeps",
    passes: options.sweeps,
    ignores: confidence === "constant" ? ["rating", "time"] : ["time"],
    settledFor: (ratings: Ratings) => ials({ ...given, solver: settings(ratings, 0).solver.kind }),
    bytesFor: (ratings: Ratings, kernels: Kernels) =>
      kernels.bytesFor(alternatingLayout(ratings, settings(ratings, 0))),
    start: async (ratings: Ratings, kernels: Kernels, seed: number, from?: StartFrom, signal?: AbortSignal) => {
      if (confidence !== "constant") refuseNegative(ratings, confidence);
      const weight = unobservedWeight === "auto" ? autoWeight(ratings) : unobservedWeight;
      return AlternatingRun.start(settings(ratings, weight), ratings, kernels, seed, from, signal);
    },
  };
}

function autoWeight(ratings: Ratings): number {
  return Math.min(1, (AUTO_DENSITIES * ratings.size) / (ratings.users.size * ratings.items.size));
}

/** With a negative rating dislike would weigh less than never having seen the item. */
function refuseNegative(ratings: Ratings, confidence: Confidence): void {
  if (ratings.min >= 0) return;
  throw new DataError(
    `ials: the smallest rating is ${ratings.min}, and confidence "${confidence}" needs ratings of at least 0; ` +
      'use confidence "constant", shift the ratings, or use als()',
    { method: "ials", min: ratings.min },
  );
}
