import type { RankedList } from "./ranked-list.ts";

/**
 * Average precision at N; its mean over users is MAP@N.
 *
 *   AP@N = Σ_{p = 1..N, place p a hit} (hits in the first p / p) / min(N, relevant)
 *
 * Denominator: min(N, relevant), so that a perfect list scores 1 whatever N is. (Dividing by the number of relevant items,
 * or by the number of hits, gives other figures under the same name.)
 * Gain: none, a hit counts 1. Range 0 to 1. Ties and users: see ranked-list.ts.
 */
export function averagePrecision(list: RankedList, n: number): number {
  const end = Math.min(n, list.listed);
  let hits = 0;
  let sum = 0;
  for (let p = 0; p < end; p++) {
    if (list.hit[p] === 1) {
      hits++;
      sum += hits / (p + 1);
    }
  }
  return sum / Math.min(n, list.relevant);
}
