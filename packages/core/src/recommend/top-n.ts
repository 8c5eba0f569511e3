/**
 * Lists by index, for evaluation: a model and user indexes in, item indexes out, batch by batch.
 *
 * The one routine of this room that speaks of indexes. People's questions go through Recommender.
 */
import type { Kernels } from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import type { CompressedRows } from "../ratings/index.ts";
import { wholeNumber } from "../support/index.ts";
import type { RankBatch } from "./ranker.ts";
import { indexesOf } from "./rows.ts";
import { openUserRanker } from "./user-ranker.ts";

export interface TopNRequest {
  readonly model: Model;
  readonly kernels: Kernels;
  /** User indexes of the model, in the order of the answers; repeats are allowed */
  readonly users: Uint32Array;
  /** List length, from 1; lists are no longer than the catalogue */
  readonly n: number;
  /** Rows by user index (all users of the model) of item indexes never listed, such as `train.byUser` */
  readonly excluded?: Pick<CompressedRows, "start" | "index"> | undefined;
  /** u8[items], 0 = listed for nobody */
  readonly allowed?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The best items of each user over the full catalogue, ties to the smaller item index.
 *
 * Yields batches of at most BATCH_QUERIES users; `n` in a batch is the request's, or the number of items if that is smaller.
 * Scores of a factor model are dot product plus item bias: add the model's mean and the user's bias for the predicted score; those of a
 * net are whole. Kernel
 * memory is held until the generator ends or is returned.
 *
 * @throws AbortedError between batches
 */
export async function* topNForIndexes(request: TopNRequest): AsyncGenerator<RankBatch> {
  const { model, kernels, users, excluded, allowed, signal } = request;
  const n = Math.min(wholeNumber("topNForIndexes", "n", request.n, 1, Number.MAX_SAFE_INTEGER), model.items.size);
  const ranker = openUserRanker(kernels, model, users.length);
  try {
    yield* ranker.batches({
      who: "topNForIndexes",
      count: users.length,
      user: (q) => users[q],
      excluded: excluded && ((q) => indexesOf(excluded, users[q])),
      allowed,
      n,
      signal,
    });
  } finally {
    ranker.close();
  }
}

/** Indexes by falling score, ties to the smaller index. */
export function fallingOrder(scores: ArrayLike<number>): Uint32Array {
  const order = Uint32Array.from(scores, (_, index) => index);
  return order.sort((a, b) => scores[b] - scores[a] || a - b);
}
