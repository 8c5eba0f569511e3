/**
 * Bayesian personalized ranking: what a user chose is to score above what the user did not, pair by pair.
 *
 *   minimise  Σ_u w_u Σ_p −log σ((s_up − s_uj) / τ)   + penalties,  j the highest of some negatives       (docs/bpr.md)
 *
 * or with `against: "all"` the mean over all negatives of a batch. Sources: Rendle, Freudenthaler, Gantner & Schmidt-Thieme, UAI 2009;
 * Zhang, Chen, Wang & Yu, SIGIR 2013 (the highest of some).
 */
import type { Ratings } from "../ratings/index.ts";
import { wholeNumber } from "../support/index.ts";
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

/** Where in a user's list the negative that counts is looked for: the highest of items / place is there on average. Chosen on Gowalla. */
const AIMED_PLACE = 640;

export const bprOptions = {
  ...sampledOptions({
    epochs: 40,
    learningRate: 0.005,
    negatives: 512,
    historyExponent: 0.7,
    historyWeight: 1,
    popularityExponent: 0.15,
    initScale: 0.03,
  }),
  ...scoreOptions("cosine", 0.001),
  temperature: temperatureOption(0.4),
  against: {
    type: "choice",
    default: "hardest",
    choices: ["hardest", "all"],
    about: "what an item chosen is compared with: the highest of some negatives, or all that are drawn",
  },
  hardestOf: {
    type: "number",
    default: "auto",
    auto: `1/${AIMED_PLACE} of the items, so that it stands about ${AIMED_PLACE}th in the user's list`,
    min: 1,
    max: 2 ** 20,
    about: "negatives that the highest is taken of, a whole number, for each item chosen anew; 1 = any one",
    when: { option: "against", is: ["hardest"] },
  },
} as const satisfies OptionTable;

/** Options of `bpr`; every one may be left out. */
export interface BprOptions extends SampledOptions, ScoreOptions {
  /** τ, 10⁻⁴ to 10⁴. Default 0.4 */
  readonly temperature?: number;
  /** What an item chosen is compared with: the highest of some negatives, or all that are drawn. Default hardest */
  readonly against?: "hardest" | "all";
  /** Negatives that the highest is taken of, for each item chosen anew, at least 1, which takes any one. Default `auto`: 1/640 of the items */
  readonly hardestOf?: number | "auto";
}

/**
 * Bayesian personalized ranking.
 *
 * @throws OptionError for an unknown option, a value out of range, or one that cannot act beside the others
 */
export function bpr(given: BprOptions = {}): Factorizer {
  const options = resolveOptions("bpr", bprOptions, given);
  const { scores, temperature, against, hardestOf, regularization, biases, biasRegularization } = options;
  if (hardestOf !== "auto") wholeNumber("bpr", "hardestOf", hardestOf, 1, 2 ** 20);
  const lossOf = (most: number | undefined) => ({ kind: "bpr", temperature, hardestOf: most }) as const;
  const choose = ({ items }: Ratings) => {
    const most = hardestOf === "auto" ? Math.max(1, Math.round(items.size / AIMED_PLACE)) : hardestOf;
    return { loss: lossOf(most), options: { ...options, hardestOf: most } };
  };
  return sampledFactorizer(
    {
      name: "bpr",
      options,
      loss: lossOf(undefined),
      choose: against === "hardest" ? choose : undefined,
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
