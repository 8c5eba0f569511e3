/**
 * Any scorer and some users in; their best items over the full catalogue, block by block, out.
 *
 * Three ways to the same lists, chosen here and nowhere else: models by the kernels' fused score-and-select (all threads),
 * rulers, whose order is known, by walking that order, all others by scoring every item. Memory grows with
 * the block and the catalogue, never with users × items.
 */
import { fillTable, type Kernels, slot } from "../kernels/index.ts";
import type { FactorModel, Scorer } from "../model/index.ts";
import type { CompressedRows } from "../ratings/index.ts";
import { LowrankError, show } from "../support/index.ts";
import { Turns } from "./host.ts";
import { BestOf } from "./select.ts";
import { isFactorModel } from "./training-cells.ts";

/** Users answered per kernel call: enough to share among threads, small beside the tables. */
const BLOCK_USERS = 2048;
/** List places per block (32 MB of items and scores), which bounds memory when whole catalogues are ranked. */
const BLOCK_PLACES = 1 << 22;

/** Marks a scorer whose ranking is known without scoring; a symbol, so that no caller's field is taken for it. */
export const itemOrder = Symbol("item order");

/** A scorer that ranks items in one order for everyone, each user beginning at a place of their own and going round. */
export interface OrderedScorer extends Scorer {
  readonly [itemOrder]: {
    /** Every item index */
    readonly order: Uint32Array;
    /** The place in `order` where this user's ranking begins */
    first(user: number): number;
  };
}

/** Lists of users[first] .. users[first + count - 1]. The arrays are overwritten by the next block. */
export interface ListBlock {
  readonly first: number;
  readonly count: number;
  /** Item indexes, best first: list q starts at q · places */
  readonly item: Uint32Array;
  /** How many each list holds */
  readonly listed: Uint32Array;
  readonly places: number;
}

export interface ListRequest {
  readonly who: string;
  readonly users: Uint32Array;
  /** At most the number of items */
  readonly places: number;
  /** Rows by user index of items never to be listed; undefined lists everything */
  readonly seen: CompressedRows | undefined;
  readonly kernels: Kernels;
  readonly signal: AbortSignal | undefined;
}

export function listBlocks(scorer: FactorModel | Scorer, request: ListRequest): AsyncGenerator<ListBlock> {
  if (isFactorModel(scorer)) return listsOfModel(scorer, request);
  if (itemOrder in scorer) return listsOfOrder(scorer as OrderedScorer, request);
  return listsOfScorer(scorer, request);
}

function blockSize(request: ListRequest): number {
  return Math.max(1, Math.min(BLOCK_USERS, request.users.length, Math.floor(BLOCK_PLACES / request.places)));
}

/** The most seen items that any block of users has together. */
function longestExclusion(request: ListRequest, size: number): number {
  const { users, seen } = request;
  if (seen === undefined) return 0;
  let longest = 0;
  for (let first = 0; first < users.length; first += size) {
    let entries = 0;
    const end = Math.min(users.length, first + size);
    for (let q = first; q < end; q++) entries += seen.start[users[q] + 1] - seen.start[users[q]];
    longest = Math.max(longest, entries);
  }
  return longest;
}

async function* listsOfModel(model: FactorModel, request: ListRequest): AsyncGenerator<ListBlock> {
  const { users, places, seen, kernels } = request;
  const size = blockSize(request);
  const work = kernels.open({
    queries: slot.table(size, model.rank),
    items: slot.table(model.items.size, model.rank),
    itemBias: slot.f32(model.items.size),
    query: slot.u32(size),
    start: slot.u32(size + 1),
    excluded: slot.u32(longestExclusion(request, size)),
    item: slot.u32(size * places),
    score: slot.f32(size * places),
    listed: slot.u32(size),
  });
  const { at } = work;
  const turns = new Turns(request.who, request.signal);
  try {
    fillTable(at.items, model.itemFactors);
    if (model.itemBias !== undefined) at.itemBias.set(model.itemBias);
    for (let q = 0; q < size; q++) at.query[q] = q;
    for (let first = 0; first < users.length; first += size) {
      const count = Math.min(size, users.length - first);
      let entries = 0;
      for (let q = 0; q < count; q++) {
        const user = users[first + q];
        const row = model.userFactors.subarray(user * model.rank, (user + 1) * model.rank);
        at.queries.data.set(row, q * at.queries.stride);
        if (seen !== undefined) {
          at.excluded.set(seen.index.subarray(seen.start[user], seen.start[user + 1]), entries);
          entries += seen.start[user + 1] - seen.start[user];
        }
        at.start[q + 1] = entries;
      }
      if (turns.over) await turns.rest();
      await work.topN({
        query: at.query.subarray(0, count),
        queries: at.queries,
        items: at.items,
        itemBias: model.itemBias === undefined ? undefined : at.itemBias,
        excluded:
          seen === undefined
            ? undefined
            : { start: at.start.subarray(0, count + 1), index: at.excluded.subarray(0, entries) },
        allowed: undefined,
        n: places,
        item: at.item.subarray(0, count * places),
        score: at.score.subarray(0, count * places),
        listed: at.listed.subarray(0, count),
      });
      yield { first, count, item: at.item, listed: at.listed, places };
    }
  } finally {
    work.close();
  }
}

async function* listsOfOrder(scorer: OrderedScorer, request: ListRequest): AsyncGenerator<ListBlock> {
  const { users, places, seen } = request;
  const size = blockSize(request);
  const { order, first: begin } = scorer[itemOrder];
  const item = new Uint32Array(size * places);
  const listed = new Uint32Array(size);
  const isSeen = new Uint8Array(scorer.items.size);
  const turns = new Turns(request.who, request.signal);
  for (let first = 0; first < users.length; first += size) {
    const count = Math.min(size, users.length - first);
    for (let q = 0; q < count; q++) {
      const row = seenBy(seen, users[first + q]);
      for (let p = 0; p < row.length; p++) isSeen[row[p]] = 1;
      let found = 0;
      let place = begin(users[first + q]);
      for (let step = 0; step < order.length && found < places; step++) {
        const candidate = order[place];
        if (isSeen[candidate] === 0) item[q * places + found++] = candidate;
        if (++place === order.length) place = 0;
      }
      for (let p = 0; p < row.length; p++) isSeen[row[p]] = 0;
      listed[q] = found;
      if (turns.over) await turns.rest();
    }
    yield { first, count, item, listed, places };
  }
}

async function* listsOfScorer(scorer: Scorer, request: ListRequest): AsyncGenerator<ListBlock> {
  const { who, users, places, seen } = request;
  const size = blockSize(request);
  const item = new Uint32Array(size * places);
  const listed = new Uint32Array(size);
  const scores = new Float32Array(scorer.items.size);
  const best = new BestOf(places);
  const turns = new Turns(who, request.signal);
  for (let first = 0; first < users.length; first += size) {
    const count = Math.min(size, users.length - first);
    for (let q = 0; q < count; q++) {
      const user = users[first + q];
      scorer.scoreItems(user, scores);
      refuseUnordered(who, scorer, user, scores);
      listed[q] = best.select(scores, seenBy(seen, user), item.subarray(q * places, (q + 1) * places));
      if (turns.over) await turns.rest();
    }
    yield { first, count, item, listed, places };
  }
}

const NOTHING = new Uint32Array(0);

function seenBy(seen: CompressedRows | undefined, user: number): Uint32Array {
  return seen === undefined ? NOTHING : seen.index.subarray(seen.start[user], seen.start[user + 1]);
}

/** A score that is NaN or infinite has no place in an order: the scorer is refused, naming the pair. */
function refuseUnordered(who: string, scorer: Scorer, user: number, scores: Float32Array): void {
  for (let i = 0; i < scores.length; i++) {
    if (Number.isFinite(scores[i])) continue;
    throw notFinite(who, scorer, user, i, scores[i]);
  }
}

export function notFinite(who: string, scorer: Scorer | FactorModel, user: number, item: number, got: number): Error {
  const name = isFactorModel(scorer) ? scorer.provenance.method : scorer.name;
  const facts = { scorer: name, user: scorer.users.id(user), item: scorer.items.id(item), got };
  return new LowrankError(
    "score",
    `${who}: ${name} scores user ${show(facts.user)} and item ${show(facts.item)} as ${got}; scores must be finite numbers`,
    facts,
  );
}
