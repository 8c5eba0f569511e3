/**
 * Lists beside what should have been on them: a scorer and relevant items in, one row of figures per list length out.
 *
 * Every figure is the mean over users of that user's figure, summed in f64 in the order of user ids, so neither threads
 * nor block sizes change a bit.
 */
import type { Kernels } from "../kernels/index.ts";
import type { Model, Scorer } from "../model/index.ts";
import type { CompressedRows } from "../ratings/index.ts";
import { type ListBlock, listBlocks } from "./lists.ts";
import { formulas, type RankingMetric, rankingMetrics } from "./metrics/metrics.ts";
import { emptyList, type MutableRankedList } from "./metrics/ranked-list.ts";
import type { RecallDenominator } from "./metrics/recall.ts";
import type { RelevantRows } from "./relevance.ts";

/** Means over the ranked users at one list length; formulas in metrics/ and docs/metrics.md. */
export interface RankingFigures extends Readonly<Record<RankingMetric, number>> {
  /** Length of the lists */
  readonly n: number;
  /** Share of the catalogue that stands on at least one list of length n, 0 to 1 */
  readonly coverage: number;
}

export interface RankingRequest {
  readonly who: string;
  readonly relevant: RelevantRows;
  /** List lengths, ascending */
  readonly n: readonly number[];
  readonly recallDenominator: RecallDenominator;
  readonly seen: CompressedRows | undefined;
  readonly kernels: Kernels;
  readonly signal: AbortSignal | undefined;
  readonly onUsers: ((done: number, total: number) => void) | undefined;
}

/** Undefined when there is no user to rank for. */
export async function rankingFigures(
  scorer: Model | Scorer,
  request: RankingRequest,
): Promise<RankingFigures[] | undefined> {
  const { relevant, n, seen, kernels, signal, who } = request;
  const users = relevant.users;
  if (users.length === 0) return undefined;
  const longest = Math.min(n[n.length - 1], scorer.items.size);
  const tally = new Tally(request, scorer.items.size, longest);
  for await (const block of listBlocks(scorer, { who, users, places: longest, seen, kernels, signal })) {
    for (let q = 0; q < block.count; q++) tally.add(block, q);
    request.onUsers?.(block.first + block.count, users.length);
  }
  return tally.means();
}

/** Running sums over users. One list is held at a time, in arrays made once. */
class Tally {
  readonly #request: RankingRequest;
  readonly #formulas: ReturnType<typeof formulas>;
  readonly #list: MutableRankedList;
  /** By list length, then metric */
  readonly #sums: Float64Array;
  /** Gain of each item for the present user, and whether it is relevant at all */
  readonly #gainOf: Float64Array;
  readonly #isRelevant: Uint8Array;
  /** By item, the best place it had on any list */
  readonly #bestPlace: Uint32Array;

  constructor(request: RankingRequest, items: number, longest: number) {
    this.#request = request;
    this.#formulas = formulas(request.n[request.n.length - 1], request.recallDenominator);
    this.#list = emptyList(longest, request.relevant.longest);
    this.#sums = new Float64Array(request.n.length * rankingMetrics.length);
    this.#gainOf = new Float64Array(items);
    this.#isRelevant = new Uint8Array(items);
    this.#bestPlace = new Uint32Array(items).fill(longest);
  }

  add(block: ListBlock, q: number): void {
    const { start, item, gain } = this.#request.relevant;
    const row = block.first + q;
    for (let p = start[row]; p < start[row + 1]; p++) {
      this.#gainOf[item[p]] = gain[p];
      this.#isRelevant[item[p]] = 1;
    }
    const list = this.#list;
    list.listed = block.listed[q];
    for (let place = 0; place < list.listed; place++) {
      const shown = block.item[q * block.n + place];
      list.hit[place] = this.#isRelevant[shown];
      list.gain[place] = this.#gainOf[shown];
      if (place < this.#bestPlace[shown]) this.#bestPlace[shown] = place;
    }
    for (let p = start[row]; p < start[row + 1]; p++) {
      this.#gainOf[item[p]] = 0;
      this.#isRelevant[item[p]] = 0;
    }
    this.#setIdeal(row);
    this.#sum();
  }

  means(): RankingFigures[] {
    const users = this.#request.relevant.users.length;
    return this.#request.n.map((n, row) => {
      const mean = (metric: RankingMetric) =>
        this.#sums[row * rankingMetrics.length + rankingMetrics.indexOf(metric)] / users;
      return {
        n,
        precision: mean("precision"),
        recall: mean("recall"),
        hitRate: mean("hitRate"),
        ndcg: mean("ndcg"),
        map: mean("map"),
        mrr: mean("mrr"),
        coverage: this.#coverage(n),
      };
    });
  }

  #setIdeal(row: number): void {
    const { start, gain, missingStart, missingGain } = this.#request.relevant;
    const { ideal } = this.#list;
    let size = 0;
    for (let p = start[row]; p < start[row + 1]; p++) ideal[size++] = gain[p];
    for (let p = missingStart[row]; p < missingStart[row + 1]; p++) ideal[size++] = missingGain[p];
    ideal.subarray(0, size).sort().reverse();
    this.#list.relevant = size;
  }

  #sum(): void {
    const { n } = this.#request;
    let at = 0;
    for (let row = 0; row < n.length; row++) {
      for (const metric of rankingMetrics) this.#sums[at++] += this.#formulas[metric](this.#list, n[row]);
    }
  }

  #coverage(n: number): number {
    let covered = 0;
    const longest = this.#list.hit.length;
    for (let i = 0; i < this.#bestPlace.length; i++) {
      if (this.#bestPlace[i] < longest && this.#bestPlace[i] < n) covered++;
    }
    return covered / this.#bestPlace.length;
  }
}
