import { hitsWithin, type RankedList } from "./ranked-list.ts";

/** What recall divides by: every relevant item, or at most as many as the list has places. */
export const recallDenominators = ["relevant", "reachable"] as const;
export type RecallDenominator = (typeof recallDenominators)[number];

/**
 * Recall at N: the share of the user's relevant items found in the first N places.
 *
 *   recall@N = hits in the first N / denominator
 *
 * Denominator: `"relevant"` is the number of relevant items, as LightGCN and BARS tabulate it (a user with more than N of
 * them cannot reach 1); `"reachable"` is min(N, relevant), as in LensKit and the Mult-VAE line of papers.
 * Gain: none, a hit counts 1. Range 0 to 1. Ties and users: see ranked-list.ts.
 */
export function recall(list: RankedList, n: number, denominator: RecallDenominator = "relevant"): number {
  const most = denominator === "relevant" ? list.relevant : Math.min(n, list.relevant);
  return hitsWithin(list, n) / most;
}
