/**
 * The question of what is similar; and its answer for models of factors: the nearest rows of one side by cosine, the row itself left out. Biases play no part: two items are similar when the
 * same people like them, not when they are equally popular.
 *
 * Rows of zeros have no direction: they are never listed, and asking for the neighbours of one says so.
 */
import type { Kernels } from "../kernels/index.ts";
import { toLength1 } from "../model/index.ts";
import type { Id, IdMap } from "../ratings/index.ts";
import { knownOptions, LowrankError, nextTurn, wholeNumber } from "../support/index.ts";
import { type Filters, filterMask, filterOptions, type Mask } from "./filters.ts";
import { type Similar, type SimilarId, shortList } from "./outcomes.ts";
import { Ranker } from "./ranker.ts";
import { rowOf } from "./rows.ts";

export interface SimilarOptions extends Filters {
  /** How many, from 1 (default 10) */
  readonly n?: number | undefined;
  /**
   * List only those with at least this many training ratings. Default 1: all. A row that follows from a rating or two points
   * nearly at random, so small catalogues of neighbours get better from 5 or so; needs the model's history
   */
  readonly minRatings?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A question with its options checked and its filters turned into a mask. */
export interface SimilarQuestion {
  readonly who: string;
  readonly asked: number;
  readonly mask: Mask;
  readonly minRatings: number;
  readonly signal: AbortSignal | undefined;
}

export function checkedSimilar(who: string, ids: IdMap, options: SimilarOptions): SimilarQuestion {
  knownOptions(who, options, ["n", "minRatings", "signal", ...filterOptions]);
  const most = Number.MAX_SAFE_INTEGER;
  const asked = wholeNumber(who, "n", options.n ?? 10, 1, most);
  const minRatings = wholeNumber(who, "minRatings", options.minRatings ?? 1, 1, most);
  return { who, asked, mask: filterMask(who, ids, options), minRatings, signal: options.signal };
}

/** @throws LowrankError `no-history` for minRatings on a model without its training ratings */
export function needCounts(who: string, minRatings: number, counts: Uint32Array | undefined): void {
  if (minRatings === 1 || counts !== undefined) return;
  throw new LowrankError(
    "no-history",
    `${who}: this model was kept without its training ratings, so minRatings cannot act; train with keepHistory: true, or leave it out`,
  );
}

/** Floats normalized before the host gets its turn: some milliseconds. */
const FLOATS_PER_TURN = 1 << 21;

/** One side of a model: what Neighbours is made of. */
export interface SimilarSide {
  readonly ids: IdMap;
  readonly rank: number;
  /** f32[ids × rank] */
  readonly factors: Float32Array;
  /** Training ratings per row; undefined for a model without its history */
  readonly counts: Uint32Array | undefined;
}

export class Neighbours {
  readonly #ids: IdMap;
  readonly #rank: number;
  readonly #factors: Float32Array;
  readonly #counts: Uint32Array | undefined;
  readonly #zeroRows: readonly number[];
  readonly #ranker: Ranker;

  private constructor(side: SimilarSide, zeroRows: readonly number[], ranker: Ranker) {
    this.#ids = side.ids;
    this.#rank = side.rank;
    this.#factors = side.factors;
    this.#counts = side.counts;
    this.#zeroRows = zeroRows;
    this.#ranker = ranker;
  }

  static async open(kernels: Kernels, side: SimilarSide): Promise<Neighbours> {
    const { ids, rank, factors } = side;
    const unitRows = new Float32Array(factors.length);
    const zeroRows: number[] = [];
    const one = new Float64Array(rank);
    for (let row = 0; row < ids.size; row++) {
      one.set(rowOf(factors, rank, row));
      if (toLength1(one) === 0) zeroRows.push(row);
      unitRows.set(one, row * rank);
      if (((row + 1) * rank) % FLOATS_PER_TURN < rank) await nextTurn();
    }
    const ranker = new Ranker(kernels, { rank, rows: ids.size, factors: unitRows, bias: undefined }, 1);
    return new Neighbours(side, zeroRows, ranker);
  }

  /** @throws AbortedError; LowrankError `no-history` for minRatings on a model without its training ratings */
  async of(id: Id, { who, asked, mask, minRatings, signal }: SimilarQuestion): Promise<Similar> {
    needCounts(who, minRatings, this.#counts);
    const self = this.#ids.index(id);
    if (self === undefined) return { status: "unknown", id };
    const own = Float64Array.from(rowOf(this.#factors, this.#rank, self));
    if (toLength1(own) === 0) return { status: "zero-row", id };
    const direction = Float32Array.from(own);
    const { allowed, candidates } = this.#candidates(mask.allowed, self, minRatings);
    const similar: SimilarId[] = [];
    const n = Math.min(asked, this.#ids.size);
    const request = {
      who,
      count: 1,
      row: () => direction,
      excluded: () => Uint32Array.of(self),
      allowed,
      n,
      signal,
    };
    for await (const { item, score, listed } of this.#ranker.batches(request)) {
      for (let place = 0; place < listed[0]; place++) {
        const similarity = Math.max(-1, Math.min(1, score[place])); // f32 rounding may leave the range of a cosine
        similar.push({ id: this.#ids.id(item[place]), similarity, ratings: this.#counts?.[item[place]] });
      }
    }
    const catalogue = this.#ids.size - 1;
    const short = shortList(
      asked,
      similar.length,
      { catalogue, filteredOut: catalogue - candidates, seen: 0 },
      this.#ids.side === "user" ? "other users" : undefined,
    );
    return { status: "known", id, similar, asked, short, unknownIds: mask.unknownIds };
  }

  close(): void {
    this.#ranker.close();
  }

  /** The mask without rows that have no direction or too few ratings, and how many rows but `self` it leaves. */
  #candidates(
    mask: Uint8Array | undefined,
    self: number,
    minRatings: number,
  ): { allowed: Uint8Array | undefined; candidates: number } {
    if (mask === undefined && this.#zeroRows.length === 0 && minRatings === 1)
      return { allowed: undefined, candidates: this.#ids.size - 1 };
    const allowed = mask ?? new Uint8Array(this.#ids.size).fill(1);
    for (const row of this.#zeroRows) allowed[row] = 0;
    const counts = this.#counts;
    if (minRatings > 1 && counts !== undefined) {
      for (let row = 0; row < allowed.length; row++) if (counts[row] < minRatings) allowed[row] = 0;
    }
    let candidates = 0;
    for (let row = 0; row < allowed.length; row++) candidates += allowed[row];
    return { allowed, candidates: candidates - allowed[self] };
  }
}
