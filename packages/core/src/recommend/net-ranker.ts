/**
 * Lists of a NetModel's users: every item scored in the kernels (f32, all threads), the best picked here.
 *
 * Memory: the model's tables, and the scores of a block of users, at most BLOCK_SCORES of them or one user's. Concurrent
 * calls take turns, block by block.
 */
import { type Kernels, type NetScorerProblem, slot, type Workspace } from "../kernels/index.ts";
import { type NetModel, netModelProblem, netModelSlots } from "../model/index.ts";
import { throwIfAborted } from "../support/index.ts";
import { Lock } from "./lock.ts";
import { BATCH_QUERIES, type RankBatch } from "./ranker.ts";
import { BLOCK_SCORES, bestOfRows } from "./score-lists.ts";
import type { UserRanker, UserRankRequest } from "./user-ranker.ts";

type NetLayout = ReturnType<typeof netLayout>;

function netLayout(model: NetModel, users: number) {
  return {
    ...netModelSlots(model),
    query: slot.u32(users),
    score: slot.f32(users * model.items.size),
  };
}

export class NetRanker implements UserRanker {
  readonly #space: Workspace<NetLayout>;
  readonly #problem: NetScorerProblem;
  readonly #items: number;
  readonly #lock = new Lock();

  /** @param users the most users that one request will have */
  constructor(kernels: Kernels, model: NetModel, users: number) {
    this.#items = model.items.size;
    const block = Math.max(1, Math.min(users, BATCH_QUERIES, Math.floor(BLOCK_SCORES / this.#items)));
    this.#space = kernels.open(netLayout(model, block));
    this.#problem = netModelProblem(model, this.#space.at);
  }

  async *batches(request: UserRankRequest): AsyncGenerator<RankBatch> {
    const { who, signal, count } = request;
    for (let first = 0; first < count; ) {
      throwIfAborted(who, signal);
      const from = first;
      const batch = await this.#lock.run(() => this.#answer(request, from));
      yield batch;
      first += batch.count;
    }
  }

  /** Scores are whole. */
  baseOf(): number {
    return 0;
  }

  close(): void {
    this.#space.close();
  }

  async #answer(request: UserRankRequest, first: number): Promise<RankBatch> {
    const { at } = this.#space;
    const count = Math.min(request.count - first, at.query.length);
    for (let q = 0; q < count; q++) at.query[q] = request.user(first + q);
    await this.#space.netScores({ ...this.#problem, query: at.query.subarray(0, count), out: at.score });
    const row = (q: number) => at.score.subarray(q * this.#items, (q + 1) * this.#items);
    return bestOfRows(request, first, count, row);
  }
}
