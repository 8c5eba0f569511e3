/**
 * The items whose presence in a history says most for an item, by an ItemModel's own weights.
 *
 * Not here: neighbours by the angle of factors (similar.ts).
 */
import { type ItemModel, itemWeight } from "../model/index.ts";
import type { Id } from "../ratings/index.ts";
import { historyCounts } from "./history.ts";
import { type Similar, shortList } from "./outcomes.ts";
import { BestOf } from "./select.ts";
import { needCounts, type SimilarQuestion } from "./similar.ts";

const NOTHING = new Uint32Array(0);

export class ItemNeighbours {
  readonly #model: ItemModel;
  readonly #counts: Uint32Array | undefined;
  /** Weights towards an item: f32[items], made anew for each question */
  readonly #column: Float32Array;

  constructor(model: ItemModel) {
    this.#model = model;
    this.#counts = historyCounts(model, "item");
    this.#column = new Float32Array(model.items.size);
  }

  /** @throws LowrankError `no-history` for minRatings on a model without its training ratings */
  of(id: Id, { who, asked, mask, minRatings }: SimilarQuestion): Similar {
    needCounts(who, minRatings, this.#counts);
    const { items } = this.#model;
    const self = items.index(id);
    if (self === undefined) return { status: "unknown", id };
    const speaks = this.#load(self);
    if (speaks === 0) return { status: "zero-row", id };
    const catalogue = items.size - 1;
    const allowed = mask.allowed?.slice() ?? new Uint8Array(items.size).fill(1);
    allowed[self] = 0;
    for (let i = 0; i < allowed.length && minRatings > 1; i++) {
      if ((this.#counts as Uint32Array)[i] < minRatings) allowed[i] = 0;
    }
    let candidates = 0;
    for (const one of allowed) candidates += one;
    for (let i = 0; i < allowed.length; i++) if (this.#column[i] === 0) allowed[i] = 0;
    const list = new Uint32Array(Math.min(asked, items.size));
    const listed = new BestOf(list.length).select(this.#column, NOTHING, list, allowed);
    const similar = Array.from(list.subarray(0, listed), (item) => ({
      id: items.id(item),
      similarity: this.#column[item],
      ratings: this.#counts?.[item],
    }));
    const short = shortList(asked, listed, { catalogue, filteredOut: catalogue - candidates, seen: 0 });
    return { status: "known", id, similar, asked, short, unknownIds: mask.unknownIds };
  }

  close(): void {}

  /** Column `to` of the weights; how many are not 0. */
  #load(to: number): number {
    const { items } = this.#model;
    this.#column.fill(0);
    for (let from = 0; from < items.size; from++) this.#column[from] = itemWeight(this.#model, from, to);
    this.#column[to] = 0;
    let count = 0;
    for (const weight of this.#column) if (weight !== 0) count++;
    return count;
  }
}
