/**
 * NetModel: a trained network as plain data. A user's and an item's factors go side by side through layers to one score.
 *
 *   a_0 = [userFactors_u ‖ itemFactors_i]                          2 · rank numbers
 *   a_l = max(0, weight_l · a_(l−1) + bias_l)                      each layer but the last
 *   score(u, i) = mean + userBias_u + itemBias_i + weight · [a_last ‖ productUserFactors_u ∘ productItemFactors_i] + bias
 *
 * Source: the dense network of seed notebook 003; with the product branch NeuMF, He et al., WWW 2017. Weights stand as in
 * PyTorch, [out × in]. The arrays are the model's own; treat them as read-only.
 */
import type { FactoredModel } from "./factor-model.ts";

/** out = weight · in + bias. */
export interface NetLayer {
  readonly inputs: number;
  readonly outputs: number;
  /** f32[outputs × inputs], row-major */
  readonly weight: Float32Array;
  /** f32[outputs] */
  readonly bias: Float32Array;
}

/** Factors of the product branch, of the same rank as those of the layers. */
export interface NetProduct {
  /** f32[users × rank], row-major */
  readonly userFactors: Float32Array;
  /** f32[items × rank], row-major */
  readonly itemFactors: Float32Array;
}

export interface NetModel extends FactoredModel {
  readonly kind: "net";
  /** After every layer but the last */
  readonly activation: "relu";
  /** At least two; the first has 2 · rank inputs, the last one output and, with a product branch, rank inputs more */
  readonly layers: readonly NetLayer[];
  /** Undefined for a net without a product branch */
  readonly product: NetProduct | undefined;
}

/** Inputs of each layer, the last included, of a net with these hidden widths. */
export function layerInputs(rank: number, hidden: readonly number[], product: boolean): number[] {
  const inputs = [2 * rank, ...hidden];
  inputs[hidden.length] += product ? rank : 0;
  return inputs;
}
