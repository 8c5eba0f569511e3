/**
 * Sampled softmax: among the items drawn, what a user chose is to have most of the probability e^(s/τ).
 *
 *   minimise  Σ_u w_u n_u · [ log( (m̄/m) Σ_j e^(s_uj/τ) )  −  (1/n_u) Σ_p s_up/τ ]                    (docs/softmax.md)
 *
 * and with `bilateral` the mean of the scores of what was chosen is (ρ/τ) · log of the mean of e^(s/ρ).
 * Source: Wu et al., TOIS 2024 (sampled softmax, cosines); Wu et al., ICDE 2024 (bilateral softmax loss).
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

export const softmaxOptions = {
  ...sampledOptions({
    epochs: 30,
    learningRate: 0.005,
    negatives: 2048,
    historyExponent: 0.7,
    historyWeight: 1,
    popularityExponent: 0.8,
    initScale: 0.03,
  }),
  ...scoreOptions("cosine", 0.001),
  temperature: temperatureOption(0.1),
  bilateral: {
    type: "flag",
    default: false,
    about:
      "what was chosen counts by its own softmax too: the more the higher its score, so that odd choices count less",
  },
  positiveTemperature: {
    ...temperatureOption(0.3),
    about: "what scores of what was chosen are divided by in their softmax",
    when: { option: "bilateral", is: [true] },
  },
} as const satisfies OptionTable;

/** Options of `softmax`; every one may be left out. */
export interface SoftmaxOptions extends SampledOptions, ScoreOptions {
  /** τ, 10⁻⁴ to 10⁴. Default 0.1 */
  readonly temperature?: number;
  /** Bilateral softmax loss: what was chosen counts by its own softmax too. Default false */
  readonly bilateral?: boolean;
  /** ρ, 10⁻⁴ to 10⁴, with `bilateral`. Default 0.3 */
  readonly positiveTemperature?: number;
}

/**
 * Sampled softmax, or with `bilateral` the bilateral softmax loss.
 *
 * @throws OptionError for an unknown option, a value out of range, or one that cannot act beside the others
 */
export function softmax(given: SoftmaxOptions = {}): Factorizer {
  const options = resolveOptions("softmax", softmaxOptions, given);
  const { scores, temperature, bilateral, regularization, biases, biasRegularization } = options;
  const positiveTemperature = bilateral ? options.positiveTemperature : undefined;
  return sampledFactorizer(
    {
      name: "softmax",
      options,
      loss: { kind: "softmax", temperature, positiveTemperature },
      unit: temperature,
      cosine: scores === "cosine",
      regularization,
      biases,
      biasRegularization,
      scale: "preference",
    },
    options,
  );
}
