/**
 * A table of items in kernel memory, and any number of query rows answered against it in bounded batches.
 *
 * In: query rows, what each must not be shown, how many places. Out: item indexes and scores, best first, ties to the
 * smaller index. Memory: the item table, and what one batch of queries takes; never queries × items. Concurrent calls
 * are right: batches take turns on the one workspace, so long streams and single questions interleave.
 * Not here: ids, filters, what a score means (lists.ts).
 */

import { codesLength, fillTable, type Kernels, slot, type Workspace } from "../kernels/index.ts";
import type { Indexes } from "../ratings/index.ts";
import { throwIfAborted } from "../support/index.ts";
import { Lock } from "./lock.ts";

/** Queries answered per kernel call: enough to share among threads, small beside the tables. */
export const BATCH_QUERIES = 2048;
/** Room per query of a full batch: lists up to this long and histories this long on average do not shrink the batch. */
const PLACES_PER_QUERY = 64;
const EXCLUDED_PER_QUERY = 256;

export interface RankerTable {
  readonly rank: number;
  readonly rows: number;
  /** f32[rows × rank] */
  readonly factors: Float32Array;
  /** f32[rows], added to each score */
  readonly bias: Float32Array | undefined;
}

export interface RankRequest {
  /** For errors: the function that the caller called */
  readonly who: string;
  readonly count: number;
  /** The row of query q: f32[rank] */
  readonly row: (q: number) => Float32Array;
  /** Item indexes never listed for query q, ascending; undefined excludes nothing for anyone */
  readonly excluded: ((q: number) => Indexes) | undefined;
  /** u8[rows], 0 = listed for nobody */
  readonly allowed: Uint8Array | undefined;
  /** 1 ≤ n ≤ rows */
  readonly n: number;
  readonly signal: AbortSignal | undefined;
}

/** Lists of queries first .. first + count - 1. The arrays are the receiver's. */
export interface RankBatch {
  readonly first: number;
  readonly count: number;
  readonly n: number;
  /** Item indexes, best first: list q at q · n, `listed[q]` of them; the rest is unspecified */
  readonly item: Uint32Array;
  /** Dot product plus item bias, parallel to `item` */
  readonly score: Float32Array;
  readonly listed: Uint32Array;
}

type RankLayout = ReturnType<typeof rankLayout>;

function rankLayout(table: RankerTable, queries: number) {
  const places = Math.max(table.rows, queries * PLACES_PER_QUERY);
  return {
    items: slot.table(table.rows, table.rank),
    bias: slot.f32(table.bias === undefined ? 0 : table.rows),
    codes: slot.u8(codesLength(table.rows, table.rank)),
    allowed: slot.u8(table.rows),
    queries: slot.table(queries, table.rank),
    query: slot.u32(queries),
    start: slot.u32(queries + 1),
    excluded: slot.u32(Math.max(table.rows, queries * EXCLUDED_PER_QUERY)),
    item: slot.u32(places),
    score: slot.f32(places),
    listed: slot.u32(queries),
  };
}

export class Ranker {
  readonly #space: Workspace<RankLayout>;
  readonly #biased: boolean;
  readonly #lock = new Lock();
  #isEncoded = false;

  /** @param queries the most queries that one batch will hold */
  constructor(kernels: Kernels, table: RankerTable, queries: number) {
    this.#space = kernels.open(rankLayout(table, Math.max(1, Math.min(queries, BATCH_QUERIES))));
    this.#biased = table.bias !== undefined;
    const { at } = this.#space;
    fillTable(at.items, table.factors);
    if (table.bias !== undefined) at.bias.set(table.bias);
    for (let q = 0; q < at.query.length; q++) at.query[q] = q;
  }

  /** Batch after batch, in order. @throws AbortedError between batches */
  async *batches(request: RankRequest): AsyncGenerator<RankBatch> {
    for (let first = 0; first < request.count; ) {
      throwIfAborted(request.who, request.signal);
      const from = first;
      const batch = await this.#lock.run(() => this.#answer(request, from));
      yield batch;
      first += batch.count;
    }
  }

  /** Gives the memory back. Only when no batch is in hand or to come. */
  close(): void {
    this.#space.close();
  }

  async #answer(request: RankRequest, first: number): Promise<RankBatch> {
    const { at } = this.#space;
    const { n } = request;
    const { count, entries } = this.#load(request, first);
    if (request.allowed !== undefined) at.allowed.set(request.allowed);
    const item = at.item.subarray(0, count * n);
    const score = at.score.subarray(0, count * n);
    const listed = at.listed.subarray(0, count);
    const table = { items: at.items, itemBias: this.#biased ? at.bias : undefined, codes: at.codes };
    if (!this.#isEncoded) await this.#space.encode(table);
    this.#isEncoded = true;
    await this.#space.topN({
      ...table,
      query: at.query.subarray(0, count),
      queries: at.queries,
      excluded:
        request.excluded === undefined
          ? undefined
          : { start: at.start.subarray(0, count + 1), index: at.excluded.subarray(0, entries) },
      allowed: request.allowed === undefined ? undefined : at.allowed,
      n,
      item,
      score,
      listed,
    });
    return { first, count, n, item: item.slice(), score: score.slice(), listed: listed.slice() };
  }

  /**
   * As many queries from `first` on as the workspace has room for; at least one, since a row and a list fit any time.
   */
  #load({ count, row, excluded, n }: RankRequest, first: number): { count: number; entries: number } {
    const { at } = this.#space;
    const most = Math.min(count - first, at.query.length, Math.floor(at.item.length / n));
    let entries = 0;
    let loaded = 0;
    while (loaded < most) {
      if (excluded !== undefined) {
        const seen = excluded(first + loaded);
        if (entries + seen.length > at.excluded.length) break;
        at.excluded.set(seen, entries);
        entries += seen.length;
      }
      at.queries.data.set(row(first + loaded), loaded * at.queries.stride);
      at.start[++loaded] = entries;
    }
    return { count: loaded, entries };
  }
}
