/**
 * FactorModel: what training yields, as plain data. Two tables, optional biases, a mean, and where it came from.
 *
 *   score(u, i) = mean + userBias_u + itemBias_i + userFactors_u · itemFactors_i
 *
 * Whatever was subtracted from the ratings before fitting (`Center`) is undone here: `mean` is the mean of all training
 * ratings, 0 only for center "none"; with center "user" `userBias` holds, beside a fitted bias, what each user's mean
 * differs from `mean`, and with "item" `itemBias` likewise. So a row without ratings, which has the mean of all as its
 * centre, and a user or item that the model does not know need no case of their own: their bias is 0.
 *
 * Everything after training (predict, top-N, similar, fold-in, explain, file, server) works from this and nothing else.
 * The arrays are the model's own; treat them as read-only.
 */
import type { CompressedRows, IdMap } from "../ratings/index.ts";
import type { Scale } from "./scorer.ts";

/** Which sides have a fitted bias. */
export const biasSides = ["none", "user", "item", "both"] as const;
export type Biases = (typeof biasSides)[number];

/** Whether the rows of a side have a fitted bias. */
export function isBiased(biases: Biases, side: "user" | "item"): boolean {
  return biases === "both" || biases === side;
}

/** What is subtracted from each rating before fitting: nothing, the mean of all, of its user's, or of its item's ratings. */
export const centers = ["none", "global", "user", "item"] as const;
export type Center = (typeof centers)[number];

/**
 * How the weight of a seen cell follows from its rating: 1; scale · rating; 1 + scale · rating; 1 + scale · ln(1 + rating).
 * Sources: Rendle et al., RecSys 2022; the Python package implicit; Hu, Koren & Volinsky, ICDM 2008 (both of theirs).
 */
export type Confidence = (typeof confidenceKinds)[number];
export const confidenceKinds = ["constant", "proportional", "linear", "log"] as const;

/**
 * How a user's or item's row follows from a history alone, the other side fixed: what fold-in and explain solve, with
 * the very settings of training. See ExplicitRows and ImplicitRows in kernels.ts for the two objectives. The penalty of a
 * row with n ratings is regularization · n^regularizationExponent for explicit, and
 * regularization · (n + unobservedWeight · cells of the other side)^regularizationExponent for implicit.
 */
export type RowObjective =
  | {
      readonly kind: "explicit";
      readonly regularization: number;
      readonly regularizationExponent: number;
      /** What was subtracted before fitting; of a folded-in row's own side, the mean of the history */
      readonly center: Center;
      /** The sides whose rows have a fitted bias */
      readonly biases: Biases;
      /** Penalty of a fitted bias, · n^biasRegularizationExponent; undefined exactly when `biases` is "none" */
      readonly biasRegularization: number | undefined;
      readonly biasRegularizationExponent: number;
    }
  | {
      readonly kind: "implicit";
      readonly regularization: number;
      readonly regularizationExponent: number;
      readonly unobservedWeight: number;
      /** True when observed cells are also in the unobserved term (Rendle), false when not (Hu–Koren) */
      readonly observedInUnobserved: boolean;
      readonly confidence: Confidence;
      /** The scale in `confidence` */
      readonly confidenceScale: number;
    };

export interface Provenance {
  readonly method: string;
  /** Every option of the method, defaults filled in; JSON values only */
  readonly options: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Digest of the training ratings, ids included */
  readonly dataHash: string;
  /** Such as `wasm strict` */
  readonly backend: string;
  /** Version of @lowrank/core that trained it */
  readonly version: string;
  /** Sweeps, epochs or steps done */
  readonly passes: number;
}

/** What every kind of model has. */
export interface CommonModel {
  readonly users: IdMap;
  readonly items: IdMap;
  readonly scale: Scale;
  /** Smallest and largest training rating; predictions may be clamped to it on request. Undefined for clicks and counts */
  readonly range: { readonly min: number; readonly max: number } | undefined;
  /** The training ratings by user, so that a file alone can recommend; undefined when the caller left them out */
  readonly history: CompressedRows | undefined;
  readonly provenance: Provenance;
}

/** What models have whose users and items are rows of factors. */
export interface FactoredModel extends CommonModel {
  readonly rank: number;
  /** f32[users × rank], row-major */
  readonly userFactors: Float32Array;
  /** f32[items × rank], row-major */
  readonly itemFactors: Float32Array;
  /** f32[users]; there when users have a fitted bias or are the centre */
  readonly userBias: Float32Array | undefined;
  /** f32[items]; there when items have a fitted bias or are the centre */
  readonly itemBias: Float32Array | undefined;
  /** Part of every score, those of unknown users and items included; 0 for models of clicks and for center "none" */
  readonly mean: number;
}

export interface FactorModel extends FactoredModel {
  readonly kind: "factors";
  /** How rows follow from histories; undefined when the method has no closed form */
  readonly objective: RowObjective | undefined;
}
