/**
 * Lists of an ItemModel, from histories: of its users, or of anybody.
 *
 * Sparse weights: sums here, in double precision, over the items that the history speaks for; no other item is listed. Dense
 * weights: rows of scores by the kernels' sparse product (f32, all threads), the best picked here. Memory: dense weights
 * once more in the kernels, and the scores of a block. Concurrent calls take turns, block by block.
 */
import { type Kernels, paddedRank, slot, type Table, type Workspace } from "../kernels/index.ts";
import { entryWeight, type ItemHistory, type ItemModel, type SparseItemWeights, userHistory } from "../model/index.ts";
import { nextTurn, throwIfAborted, turnIsOver } from "../support/index.ts";
import { Lock } from "./lock.ts";
import { BATCH_QUERIES, type RankBatch, type RankRequest } from "./ranker.ts";
import { BLOCK_SCORES, bestOfRows } from "./score-lists.ts";
import { BestOf } from "./select.ts";
import type { UserRanker, UserRankRequest } from "./user-ranker.ts";

export interface HistoryRankRequest extends Omit<RankRequest, "row"> {
  /** What query q has */
  readonly history: (q: number) => ItemHistory;
}

/** Answers some queries from `first` on, at least one. */
interface Answerer {
  answer(request: HistoryRankRequest, first: number): Promise<RankBatch>;
  close(): void;
}

export class ItemRanker implements UserRanker {
  readonly #model: ItemModel;
  readonly #answerer: Answerer;
  readonly #lock = new Lock();

  /** @param users the most queries that one request will have */
  constructor(kernels: Kernels, model: ItemModel, users: number) {
    this.#model = model;
    const { weights } = model;
    this.#answerer =
      weights.kind === "sparse" ? new SparseSums(model, weights) : new DenseProducts(kernels, model, users);
  }

  batches({ user, ...request }: UserRankRequest): AsyncGenerator<RankBatch> {
    return this.forHistories({ ...request, history: (q) => userHistory(this.#model, user(q)) });
  }

  /** Batch after batch, in order. @throws AbortedError between batches */
  async *forHistories(request: HistoryRankRequest): AsyncGenerator<RankBatch> {
    for (let first = 0; first < request.count; ) {
      throwIfAborted(request.who, request.signal);
      const from = first;
      const batch = await this.#lock.run(() => this.#answerer.answer(request, from));
      yield batch;
      first += batch.count;
    }
  }

  /** Scores are whole. */
  baseOf(): number {
    return 0;
  }

  close(): void {
    this.#answerer.close();
  }
}

/** List places of a batch, which bounds what it returns: 16 MB. */
const BATCH_PLACES = 1 << 21;

class SparseSums implements Answerer {
  readonly #model: ItemModel;
  readonly #weights: SparseItemWeights;
  /** All zero between queries */
  readonly #sum: Float64Array;
  readonly #isTouched: Uint8Array;
  readonly #touched: Uint32Array;

  constructor(model: ItemModel, weights: SparseItemWeights) {
    this.#model = model;
    this.#weights = weights;
    this.#sum = new Float64Array(model.items.size);
    this.#isTouched = new Uint8Array(model.items.size);
    this.#touched = new Uint32Array(model.items.size);
  }

  async answer(request: HistoryRankRequest, first: number): Promise<RankBatch> {
    const { n, excluded, allowed, history } = request;
    const most = Math.max(1, Math.floor(BATCH_PLACES / n));
    const count = Math.min(request.count - first, BATCH_QUERIES, most);
    const item = new Uint32Array(count * n);
    const score = new Float32Array(count * n);
    const listed = new Uint32Array(count);
    const best = new BestOf(n);
    for (let q = 0; q < count; q++) {
      const touched = this.#add(history(first + q));
      // What must not be listed is known by its place in no list: its sum is cleared like the others afterwards.
      for (const seen of excluded?.(first + q) ?? []) this.#isTouched[seen] = 0;
      for (const one of touched) {
        if (this.#isTouched[one] === 1 && (allowed === undefined || allowed[one] === 1))
          best.offer(one, this.#sum[one]);
      }
      listed[q] = best.take(item.subarray(q * n, (q + 1) * n), score.subarray(q * n, (q + 1) * n));
      for (const one of touched) {
        this.#sum[one] = 0;
        this.#isTouched[one] = 0;
      }
      if (turnIsOver()) await nextTurn();
    }
    return { first, count, n, item, score, listed };
  }

  close(): void {}

  /** Adds what a history says; returns the items it speaks for. */
  #add(history: ItemHistory): Uint32Array {
    const { start, index, value } = this.#weights;
    let count = 0;
    for (let e = 0; e < history.index.length; e++) {
      const x = entryWeight(this.#model, history, e);
      const from = history.index[e];
      for (let w = start[from]; w < start[from + 1]; w++) {
        const one = index[w];
        if (this.#isTouched[one] === 0) {
          this.#isTouched[one] = 1;
          this.#touched[count++] = one;
        }
        this.#sum[one] += x * value[w];
      }
    }
    return this.#touched.subarray(0, count);
  }
}

/** Room per query of a full block for its history; a longer one takes the place of others. */
const ENTRIES_PER_QUERY = 256;

type DenseLayout = ReturnType<typeof denseLayout>;

/** The square of weights is no table of the layout, whose scratch for other routines would be many times its size. */
function denseLayout(items: number, stride: number, queries: number) {
  const entries = Math.max(items, queries * ENTRIES_PER_QUERY);
  return {
    weights: slot.f32(items * stride),
    scores: slot.f32(queries * stride),
    start: slot.u32(queries + 1),
    index: slot.u32(entries),
    value: slot.f32(entries),
  };
}

class DenseProducts implements Answerer {
  readonly #model: ItemModel;
  readonly #space: Workspace<DenseLayout>;
  readonly #stride: number;
  /** Rows of weights that are in kernel memory: the first question brings them there */
  #filled = 0;

  constructor(kernels: Kernels, model: ItemModel, users: number) {
    const items = model.items.size;
    this.#model = model;
    this.#stride = paddedRank(items);
    const block = Math.max(1, Math.min(users, BATCH_QUERIES, Math.floor(BLOCK_SCORES / items)));
    this.#space = kernels.open(denseLayout(items, this.#stride, block));
  }

  async answer(request: HistoryRankRequest, first: number): Promise<RankBatch> {
    const { at } = this.#space;
    const items = this.#model.items.size;
    await this.#fill(request);
    const count = this.#load(request, first);
    const table = (data: Float32Array, rows: number): Table => ({ data, rows, rank: items, stride: this.#stride });
    await this.#space.sparseProduct({
      entries: { start: at.start.subarray(0, count + 1), index: at.index.subarray(0, at.start[count]) },
      value: at.value.subarray(0, at.start[count]),
      right: table(at.weights, items),
      out: table(at.scores.subarray(0, count * this.#stride), count),
    });
    const row = (q: number) => at.scores.subarray(q * this.#stride, q * this.#stride + items);
    return bestOfRows(request, first, count, row);
  }

  close(): void {
    this.#space.close();
  }

  /** The square of weights, which may be gigabytes: in turns. A question that is given up leaves the rest to the next. */
  async #fill({ who, signal }: HistoryRankRequest): Promise<void> {
    const items = this.#model.items.size;
    const { value } = this.#model.weights;
    while (this.#filled < items) {
      const row = value.subarray(this.#filled * items, (this.#filled + 1) * items);
      this.#space.at.weights.set(row, this.#filled++ * this.#stride);
      if (!turnIsOver()) continue;
      await nextTurn();
      throwIfAborted(who, signal);
    }
  }

  /** Histories of as many queries as there is room for. */
  #load({ count, history }: HistoryRankRequest, first: number): number {
    const { at } = this.#space;
    const most = Math.min(count - first, at.start.length - 1);
    let entries = 0;
    let loaded = 0;
    while (loaded < most) {
      const has = history(first + loaded);
      if (entries + has.index.length > at.index.length) break;
      at.index.set(has.index, entries);
      for (let e = 0; e < has.index.length; e++) at.value[entries + e] = entryWeight(this.#model, has, e);
      entries += has.index.length;
      at.start[++loaded] = entries;
    }
    return loaded;
  }
}
