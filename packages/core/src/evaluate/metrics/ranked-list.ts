/**
 * What a ranking metric sees of one user: the list that was shown, position by position, and what should have been on it.
 *
 * Common to all ranking metrics:
 * - Ranking: every item of the catalogue takes part, less those of the user's training history; nothing is sampled.
 * - Ties: items with equal scores stand in the order of their ids, so a list never depends on chance.
 * - Users: those known to the model with at least one relevant held-out item. A user without one has no defined recall
 *   and is left out of every mean (and counted).
 * - A list may hold fewer than N items, when the catalogue without the history is that short; the empty places are misses.
 */
export interface RankedList {
  /** How many items were listed; positions beyond are not to be read */
  readonly listed: number;
  /** By position, 1 when the item there is relevant, else 0: u8[≥ listed] */
  readonly hit: Uint8Array;
  /** By position, the gain of the item there: 0 for a miss; 1 for a hit under binary gain. f64[≥ listed] */
  readonly gain: Float64Array;
  /** How many held-out items are relevant to this user, whether the model knows them or not; at least 1 */
  readonly relevant: number;
  /** The gains of all relevant items, largest first: f64[≥ relevant] */
  readonly ideal: Float64Array;
}

/** Hits among the first `n` places. */
export function hitsWithin(list: RankedList, n: number): number {
  const end = Math.min(n, list.listed);
  let hits = 0;
  for (let p = 0; p < end; p++) hits += list.hit[p];
  return hits;
}

/** An empty list for up to `places` positions and `relevant` relevant items, to be filled user by user. */
export function emptyList(places: number, relevant: number): MutableRankedList {
  return {
    listed: 0,
    hit: new Uint8Array(places),
    gain: new Float64Array(places),
    relevant: 0,
    ideal: new Float64Array(relevant),
  };
}

export type MutableRankedList = { -readonly [Field in keyof RankedList]: RankedList[Field] };
