/**
 * ItemModel: weights from items to items as plain data. A user is what the user's history holds, nothing else, so somebody
 * new is answered at once, without a row to be solved.
 *
 *   score(u, i) = Σ_j∈history(u)  x_uj · weight(j → i)        x_uj = 1, or what the history holds for j
 *
 * Scores rank; they are on no scale of ratings. Without its `history` a model still answers for histories that are given to
 * it, and holds nothing about any user but the id. The arrays are the model's own; treat them as read-only.
 */
import type { CommonModel } from "./factor-model.ts";

/** Few weights per item: of item j the entries start[j] .. start[j + 1] - 1, items ascending. */
export interface SparseItemWeights {
  readonly kind: "sparse";
  /** u32[items + 1] */
  readonly start: Uint32Array;
  /** u32[weights]: the item that is spoken for */
  readonly index: Uint32Array;
  /** f32[weights] */
  readonly value: Float32Array;
}

/** A weight for every pair of items. */
export interface DenseItemWeights {
  readonly kind: "dense";
  /** f32[items × items], row-major: row j holds what item j says for every item */
  readonly value: Float32Array;
}

export type ItemWeights = SparseItemWeights | DenseItemWeights;

/** What an entry of a history counts: 1 whatever it holds, or its rating or number of events. */
export const historyValues = ["ones", "given"] as const;
export type HistoryValues = (typeof historyValues)[number];

export interface ItemModel extends CommonModel {
  readonly kind: "items";
  readonly scale: "preference";
  readonly values: HistoryValues;
  readonly weights: ItemWeights;
}
