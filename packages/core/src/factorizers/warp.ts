/**
 * WARP: for each item that a user chose, negatives are looked at until one scores within the margin of it; the sooner one is
 * found, the lower the item must stand in the list, and the more the pair weighs.
 *
 *   minimise  Σ_u w_u Σ_p L(⌊m̄/t⌋) / L(m̄) · max(0, margin − s_up + s_uj) + penalties,   L(k) = Σ 1/i        (docs/warp.md)
 *
 * Source: Weston, Bengio & Usunier, IJCAI 2011.
 */
import type { Factorizer } from "./factorizer.ts";
import { type OptionTable, resolveOptions } from "./options.ts";
import {
  rowsOfTheirOwn,
  type SampledOptions,
  type ScoreOptions,
  sampledFactorizer,
  sampledOptions,
  scoreOptions,
} from "./sampled-options.ts";

export const warpOptions = {
  ...sampledOptions(rowsOfTheirOwn),
  ...scoreOptions("dot", 0.001),
  margin: {
    type: "number",
    default: 1,
    min: 1e-6,
    max: 1e6,
    about: "how far what was chosen is to score above what was not",
  },
} as const satisfies OptionTable;

/** Options of `warp`; every one may be left out. */
export interface WarpOptions extends SampledOptions, ScoreOptions {
  /** 10⁻⁶ to 10⁶. Default 1 */
  readonly margin?: number;
}

/**
 * Weighted approximate-rank pairwise loss.
 *
 * @throws OptionError for an unknown option, a value out of range, or one that cannot act beside the others
 */
export function warp(given: WarpOptions = {}): Factorizer {
  const options = resolveOptions("warp", warpOptions, given);
  const { scores, margin, regularization, biases, biasRegularization } = options;
  return sampledFactorizer(
    {
      name: "warp",
      options,
      loss: { kind: "warp", margin },
      unit: margin,
      cosine: scores === "cosine",
      regularization,
      biases,
      biasRegularization,
      scale: "preference",
    },
    options,
  );
}
