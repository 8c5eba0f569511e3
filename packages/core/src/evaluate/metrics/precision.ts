import { hitsWithin, type RankedList } from "./ranked-list.ts";

/**
 * Precision at N: the share of the N places that hold a relevant item.
 *
 *   precision@N = hits in the first N / N
 *
 * Denominator: N, also when fewer items were listed or relevant; so a user with 3 relevant items reaches at most 3 / N.
 * Gain: none, a hit counts 1. Range 0 to min(1, relevant / N). Ties and users: see ranked-list.ts.
 */
export function precision(list: RankedList, n: number): number {
  return hitsWithin(list, n) / n;
}
