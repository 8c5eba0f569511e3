/**
 * The most rated items of the model's history: what can be said to someone of whom nothing is known.
 */
import type { FactorModel } from "../model/index.ts";
import { LowrankError } from "../support/index.ts";
import type { Mask } from "./filters.ts";
import { type PopularItem, type PopularList, shortList } from "./outcomes.ts";

export class Popularity {
  readonly #model: FactorModel;
  readonly #count: Uint32Array;
  readonly #order: Uint32Array;

  /** @throws LowrankError `no-history` for a model without its training ratings */
  constructor(who: string, model: FactorModel) {
    if (model.history === undefined) {
      throw new LowrankError(
        "no-history",
        `${who}: this model was kept without its training ratings, so nothing is known about popularity; train with keepHistory: true`,
      );
    }
    const count = new Uint32Array(model.items.size);
    for (const item of model.history.index) count[item]++;
    this.#model = model;
    this.#count = count;
    this.#order = Uint32Array.from(count, (_, item) => item).sort((a, b) => count[b] - count[a] || a - b);
  }

  list(n: number, mask: Mask): PopularList {
    const items: PopularItem[] = [];
    for (let place = 0; place < this.#order.length && items.length < n; place++) {
      const item = this.#order[place];
      if (mask.allowed === undefined || mask.allowed[item] === 1) {
        items.push({ item: this.#model.items.id(item), count: this.#count[item] });
      }
    }
    const counts = { catalogue: this.#model.items.size, filteredOut: mask.filteredOut, seen: 0 };
    return { items, asked: n, short: shortList(n, items.length, counts), unknownIds: mask.unknownIds };
  }
}
