import type { RankedList } from "./ranked-list.ts";

/**
 * Reciprocal rank at N; its mean over users is MRR@N.
 *
 *   RR@N = 1 / (place of the first hit, counted from 1), 0 when none of the first N places is a hit
 *
 * Denominator: users, those without a hit included. Gain: none. Range 0 to 1. Ties and users: see ranked-list.ts.
 */
export function reciprocalRank(list: RankedList, n: number): number {
  const end = Math.min(n, list.listed);
  for (let p = 0; p < end; p++) if (list.hit[p] === 1) return 1 / (p + 1);
  return 0;
}
