import type { RankedList } from "./ranked-list.ts";

/**
 * Hit rate at N: 1 when at least one of the first N places holds a relevant item, else 0; the mean is the share of users
 * who find something.
 *
 * Denominator: users. Gain: none. Range 0 to 1. Ties and users: see ranked-list.ts.
 */
export function hitRate(list: RankedList, n: number): number {
  const end = Math.min(n, list.listed);
  for (let p = 0; p < end; p++) if (list.hit[p] === 1) return 1;
  return 0;
}
