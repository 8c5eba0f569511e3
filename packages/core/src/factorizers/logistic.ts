/**
 * Logistic matrix factorization: σ(s) is the probability that a user chooses an item.
 *
 *   minimise  Σ_u w_u [ Σ_p −log σ(s_up)  +  unobservedWeight · Σ_unseen −log σ(−s_uj) ] + penalties        (docs/logistic.md)
 *
 * with the sum over what was not chosen estimated from the items drawn. Source: Johnson, NIPS workshop 2014.
 */
import { biasesOption, withBiases } from "./common-options.ts";
import type { Factorizer } from "./factorizer.ts";
import { type OptionTable, resolveOptions } from "./options.ts";
import {
  penaltyOption,
  rowsOfTheirOwn,
  type SampledOptions,
  sampledFactorizer,
  sampledOptions,
} from "./sampled-options.ts";

export const logisticOptions = {
  ...sampledOptions(rowsOfTheirOwn),
  regularization: penaltyOption(0.01, "factors"),
  biases: biasesOption("none"),
  biasRegularization: { ...penaltyOption(0.01, "biases"), when: withBiases },
  unobservedWeight: {
    type: "number",
    default: 1,
    min: 0,
    max: 1e9,
    about: "weight of an item that was not chosen",
  },
} as const satisfies OptionTable;

/** Options of `logistic`; every one may be left out. */
export interface LogisticOptions extends SampledOptions {
  /** λ ≥ 0. Default 0.01 */
  readonly regularization?: number;
  /** Which sides have a fitted bias. Default none */
  readonly biases?: "none" | "user" | "item" | "both";
  /** λ_b ≥ 0. Default 0.01 */
  readonly biasRegularization?: number;
  /** Weight of an item that was not chosen, ≥ 0; 1 makes σ(score) a probability. Default 1 */
  readonly unobservedWeight?: number;
}

/**
 * Logistic matrix factorization.
 *
 * @throws OptionError for an unknown option, a value out of range, or one that cannot act beside the others
 */
export function logistic(given: LogisticOptions = {}): Factorizer {
  const options = resolveOptions("logistic", logisticOptions, given);
  const { unobservedWeight, regularization, biases, biasRegularization } = options;
  return sampledFactorizer(
    {
      name: "logistic",
      options,
      loss: { kind: "logistic", unobservedWeight },
      unit: 1,
      cosine: false,
      regularization,
      biases,
      biasRegularization,
      scale: "logit",
    },
    options,
  );
}
