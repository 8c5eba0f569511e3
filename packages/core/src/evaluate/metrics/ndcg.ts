import { logarithm2 } from "../../support/index.ts";
import type { RankedList } from "./ranked-list.ts";

/** What a hit is worth: 1; its rating; 2^rating − 1. */
export const gains = ["binary", "linear", "exponential"] as const;
export type Gain = (typeof gains)[number];

/**
 * Normalised discounted cumulative gain at N: hits weigh less further down, and the best possible list scores 1.
 *
 *   DCG@N   = Σ_{p = 1..N} gain_p / log2(p + 1)
 *   NDCG@N  = DCG@N / DCG@N of the ideal list
 *
 * Ideal list: the user's relevant items by falling gain, cut at min(N, relevant), as LightGCN and BARS do (a library that
 * does not cut, or cuts elsewhere, reports lower figures). Relevant items unknown to the model stand in the ideal list.
 * Gain: binary by default, see `Gain`. Discount: log2(p + 1), so that the first place is not discounted.
 * Range 0 to 1. Ties and users: see ranked-list.ts. Source: Järvelin & Kekäläinen, TOIS 2002.
 *
 * @param discounts 1 / log2(p + 2) for position p counted from 0, from `discountTable`, of length ≥ n
 */
export function ndcg(list: RankedList, n: number, discounts: Float64Array): number {
  const end = Math.min(n, list.listed);
  let found = 0;
  for (let p = 0; p < end; p++) found += list.gain[p] * discounts[p];
  const idealEnd = Math.min(n, list.relevant);
  let best = 0;
  for (let p = 0; p < idealEnd; p++) best += list.ideal[p] * discounts[p];
  return found / best;
}

/**
 * 1 / log2(p + 2) for p = 0 .. length − 1, the same bits on every engine: early stopping compares figures, and the same run
 * must stop at the same sweep everywhere.
 */
export function discountTable(length: number): Float64Array {
  const table = new Float64Array(length);
  for (let p = 0; p < length; p++) table[p] = 1 / logarithm2(p + 2);
  return table;
}
