/**
 * The contract of anything that can score a user and an item: a FactorModel through `factorScorer`, a ruler, later a
 * dense net. Evaluation and recommendation need nothing more.
 *
 * Indexes are row numbers of `users` and `items`; ids stay with the callers of recommend/ and evaluate/.
 */
import type { IdMap } from "../ratings/index.ts";

/** What a score means: a rating on the data's scale, a preference (1 = like an observed cell), or log-odds. */
export const scales = ["rating", "preference", "logit"] as const;
export type Scale = (typeof scales)[number];

export interface Scorer {
  /** The method or ruler: `als`, `popularity` */
  readonly name: string;
  readonly users: IdMap;
  readonly items: IdMap;
  readonly scale: Scale;
  /** Scores of every item for one user index, into out: f32[items]. */
  scoreItems(user: number, out: Float32Array): void;
  /** The score of one user index and one item index. */
  score(user: number, item: number): number;
}
