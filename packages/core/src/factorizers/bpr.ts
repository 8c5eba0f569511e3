/**
 * Bayesian personalized ranking: what a user chose is to score above what the user did not, pair by pair.
 *
 *   minimise  Σ_u w_u Σ_p (1/m) Σ_j −log σ((s_up − s_uj) / τ)   + penalties        (docs/bpr.md)
 *
 * Source: Rendle, Freudenthaler, Gantner & Schmidt-Thieme, UAI 2009; each p against all negatives of a batch, not one.
 */
import type { Factorizer } from "./factorizer.ts";
import { type OptionTable, resolveOptions } from "./options.ts";
import {
  type SampledOptions,
  type ScoreOptions,
  sampledFactorizer,
  sampledOptions,
  scoreOptions,
  temperatureOption,
} from "./sampled-options.ts";

export const bprOptions = {
  ...sampledOptions(30, 0.01),
  ...scoreOptions("dot", 0.001),
  temperature: temperatureOption(1),
} as const satisfies OptionTable;

/** Options of `bpr`; every one may be left out. */
export interface BprOptions extends SampledOptions, ScoreOptions {
  /** τ, 10⁻⁴ to 10⁴. Default 1 */
  readonly temperature?: number;
}

/**
 * Bayesian personalized ranking.
 *
 * @throws OptionError for an unknown option, a value out of range, or one that cannot act beside the others
 */
export function bpr(given: BprOptions = {}): Factorizer {
  const options = resolveOptions("bpr", bprOptions, given);
  const { scores, temperature, regularization, biases, biasRegularization } = options;
  return sampledFactorizer(
    {
      name: "bpr",
      loss: { kind: "bpr", temperature },
      cosine: scores === "cosine",
      regularization,
      biases,
      biasRegularization,
      scale: "preference",
    },
    options,
  );
}
