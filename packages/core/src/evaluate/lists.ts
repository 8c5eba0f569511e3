/**
 * Any scorer and some users in; their best items over the full catalogue, block by block, out.
 *
 * Three ways to the same lists, chosen here and nowhere else: models by recommend's batches (fused score-and-select in the kernels, all threads),
 * rulers, whose order is known, by walking that order, all others by scoring every item. Memory grows with
 * the block and the catalogue, never with users × items.
 */
import type { Kernels } from "../kernels/index.ts";
import type { Model, Scorer } from "../model/index.ts";
import type { CompressedRows, Indexes } from "../ratings/index.ts";
import { BATCH_QUERIES, BestOf, indexesOf, topNForIndexes } from "../recommend/index.ts";
import { LowrankError, show } from "../support/index.ts";
import { Turns } from "./host.ts";
import { isModel, nameOf } from "./training-cells.ts";

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
  /** Item indexes, best first: list q starts at q · n */
  readonly item: Uint32Array;
  /** How many each list holds */
  readonly listed: Uint32Array;
  /** The places asked for */
  readonly n: number;
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

export function listBlocks(scorer: Model | Scorer, request: ListRequest): AsyncGenerator<ListBlock> {
  if (isModel(scorer)) return listsOfModel(scorer, request);
  if (itemOrder in scorer) return listsOfOrder(scorer as OrderedScorer, request);
  return listsOfScorer(scorer, request);
}

function blockSize(request: ListRequest): number {
  return Math.max(1, Math.min(BATCH_QUERIES, request.users.length, Math.floor(BLOCK_PLACES / request.places)));
}

async function* listsOfModel(model: Model, request: ListRequest): AsyncGenerator<ListBlock> {
  const { users, places, seen, kernels, signal } = request;
  const turns = new Turns(request.who, signal);
  for await (const batch of topNForIndexes({ model, kernels, users, n: places, excluded: seen, signal })) {
    yield batch;
    if (turns.over) await turns.rest();
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
    yield { first, count, item, listed, n: places };
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
    yield { first, count, item, listed, n: places };
  }
}

const NOTHING = new Uint32Array(0);

function seenBy(seen: CompressedRows | undefined, user: number): Indexes {
  return seen === undefined ? NOTHING : indexesOf(seen, user);
}

/** A score that is NaN or infinite has no place in an order: the scorer is refused, naming the pair. */
function refuseUnordered(who: string, scorer: Scorer, user: number, scores: Float32Array): void {
  for (let i = 0; i < scores.length; i++) {
    if (Number.isFinite(scores[i])) continue;
    throw notFinite(who, scorer, user, i, scores[i]);
  }
}

export function notFinite(who: string, scorer: Scorer | Model, user: number, item: number, got: number): Error {
  const name = nameOf(scorer);
  const facts = { scorer: name, user: scorer.users.id(user), item: scorer.items.id(item), got };
  return new LowrankError(
    "score",
    `${who}: ${name} scores user ${show(facts.user)} and item ${show(facts.item)} as ${got}; scores must be finite numbers`,
    facts,
  );
}
