/**
 * Lists by index, for evaluation: a model and user indexes in, item indexes out, batch by batch.
 *
 * The one routine of this room that speaks of indexes. People's questions go through Recommender.
 */
import type { Kernels, SparseRows } from "../kernels/index.ts";
import type { FactorModel } from "../model/index.ts";
import { wholeNumber } from "../support/index.ts";
import { type RankBatch, Ranker, type RankerTable } from "./ranker.ts";

export interface TopNRequest {
  readonly model: FactorModel;
  readonly kernels: Kernels;
  /** User indexes of the model, in the order of the answers; repeats are allowed */
  readonly users: Uint32Array;
  /** List length, from 1; lists are no longer than the catalogue */
  readonly n: number;
  /** Rows by user index (all users of the model) of item indexes never listed, such as `train.byUser` */
  readonly excluded?: SparseRows | undefined;
  /** u8[items], 0 = listed for nobody */
  readonly allowed?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The best items of each user over the full catalogue, ties to the smaller item index.
 *
 * Yields batches of at most BATCH_QUERIES users; `n` in a batch is the request's, or the number of items if that is smaller.
 * Scores are dot product plus item bias: add the model's mean and the user's bias for the predicted score. Kernel
 * memory is held until the generator ends or is returned.
 *
 * @throws AbortedError between batches
 */
export async function* topNForIndexes(request: TopNRequest): AsyncGenerator<RankBatch> {
  const { model, kernels, users, excluded, allowed, signal } = request;
  const n = Math.min(wholeNumber("topNForIndexes", "n", request.n, 1, Number.MAX_SAFE_INTEGER), model.items.size);
  const ranker = new Ranker(kernels, itemTable(model), users.length);
  try {
    yield* ranker.batches({
      who: "topNForIndexes",
      count: users.length,
      row: (q) => rowOf(model.userFactors, model.rank, users[q]),
      excluded: excluded && ((q) => indexesOf(excluded, users[q])),
      allowed,
      n,
      signal,
    });
  } finally {
    ranker.close();
  }
}

export function itemTable(model: FactorModel): RankerTable {
  return { rank: model.rank, rows: model.items.size, factors: model.itemFactors, bias: model.itemBias };
}

/** Row `index` of a tight table: a view. */
export function rowOf(factors: Float32Array, rank: number, index: number): Float32Array {
  return factors.subarray(index * rank, (index + 1) * rank);
}

/** Indexes of row `row`: a view. */
export function indexesOf({ start, index }: SparseRows, row: number): Uint32Array {
  return index.subarray(start[row], start[row + 1]);
}

/** Indexes by falling score, ties to the smaller index. */
export function fallingOrder(scores: ArrayLike<number>): Uint32Array {
  const order = Uint32Array.from(scores, (_, index) => index);
  return order.sort((a, b) => scores[b] - scores[a] || a - b);
}
