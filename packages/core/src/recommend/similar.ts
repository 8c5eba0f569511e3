/**
 * The nearest rows of one side by cosine, the row itself left out. Biases play no part: two items are similar when the
 * same people like them, not when they are equally popular.
 *
 * Rows of zeros have no direction: they are never listed, and asking for the neighbours of one says so.
 */
import type { Kernels } from "../kernels/index.ts";
import type { Id, IdMap } from "../ratings/index.ts";
import { knownOptions, nextTurn, wholeNumber } from "../support/index.ts";
import { type Filters, filterMask, filterOptions, type Mask } from "./filters.ts";
import { type Similar, shortList } from "./outcomes.ts";
import { Ranker } from "./ranker.ts";
import { rowOf } from "./top-n.ts";

export interface SimilarOptions extends Filters {
  /** How many, from 1 (default 10) */
  readonly n?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A question with its options checked and its filters turned into a mask. */
export interface SimilarQuestion {
  readonly who: string;
  readonly asked: number;
  readonly mask: Mask;
  readonly signal: AbortSignal | undefined;
}

export function checkedSimilar(who: string, ids: IdMap, options: SimilarOptions): SimilarQuestion {
  knownOptions(who, options, ["n", "signal", ...filterOptions]);
  const asked = wholeNumber(who, "n", options.n ?? 10, 1, Number.MAX_SAFE_INTEGER);
  return { who, asked, mask: filterMask(who, ids, options), signal: options.signal };
}

/** Floats normalized before the host gets its turn: some milliseconds. */
const FLOATS_PER_TURN = 1 << 21;

export class Neighbours {
  readonly #ids: IdMap;
  readonly #rank: number;
  readonly #factors: Float32Array;
  readonly #zeroRows: readonly number[];
  readonly #ranker: Ranker;

  private constructor(ids: IdMap, rank: number, factors: Float32Array, zeroRows: readonly number[], ranker: Ranker) {
    this.#ids = ids;
    this.#rank = rank;
    this.#factors = factors;
    this.#zeroRows = zeroRows;
    this.#ranker = ranker;
  }

  static async open(kernels: Kernels, ids: IdMap, rank: number, factors: Float32Array): Promise<Neighbours> {
    const unitRows = new Float32Array(factors.length);
    const zeroRows: number[] = [];
    for (let row = 0; row < ids.size; row++) {
      if (!directionInto(unitRows, factors, rank, row)) zeroRows.push(row);
      if (((row + 1) * rank) % FLOATS_PER_TURN < rank) await nextTurn();
    }
    const ranker = new Ranker(kernels, { rank, rows: ids.size, factors: unitRows, bias: undefined }, 1);
    return new Neighbours(ids, rank, factors, zeroRows, ranker);
  }

  /** @throws AbortedError */
  async of(id: Id, { who, asked, mask, signal }: SimilarQuestion): Promise<Similar> {
    const self = this.#ids.index(id);
    if (self === undefined) return { status: "unknown", id };
    const direction = new Float32Array(this.#rank);
    if (!directionInto(direction, rowOf(this.#factors, this.#rank, self), this.#rank, 0))
      return { status: "zero-row", id };
    const { allowed, candidates } = this.#candidates(mask.allowed, self);
    const similar: { id: Id; similarity: number }[] = [];
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
        similar.push({ id: this.#ids.id(item[place]), similarity });
      }
    }
    const catalogue = this.#ids.size - 1;
    const short = shortList(asked, similar.length, { catalogue, filteredOut: catalogue - candidates, seen: 0 });
    return { status: "known", id, similar, asked, short, unknownIds: mask.unknownIds };
  }

  close(): void {
    this.#ranker.close();
  }

  /** The mask without rows that have no direction, and how many rows but `self` it leaves. */
  #candidates(mask: Uint8Array | undefined, self: number): { allowed: Uint8Array | undefined; candidates: number } {
    if (mask === undefined && this.#zeroRows.length === 0)
      return { allowed: undefined, candidates: this.#ids.size - 1 };
    const allowed = mask ?? new Uint8Array(this.#ids.size).fill(1);
    for (const row of this.#zeroRows) allowed[row] = 0;
    let candidates = 0;
    for (let row = 0; row < allowed.length; row++) candidates += allowed[row];
    return { allowed, candidates: candidates - allowed[self] };
  }
}

/** Row `row` of `factors` at length 1, into the same place of `out`; false, and zeros, for a row of zeros. */
function directionInto(out: Float32Array, factors: Float32Array, rank: number, row: number): boolean {
  let squares = 0;
  for (let k = row * rank; k < (row + 1) * rank; k++) squares += factors[k] * factors[k];
  if (squares === 0) return false;
  const length = Math.sqrt(squares);
  for (let k = row * rank; k < (row + 1) * rank; k++) out[k] = factors[k] / length;
  return true;
}
