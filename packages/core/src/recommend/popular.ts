/**
 * The most rated items of the model's history: what can be said to someone of whom nothing is known.
 */
import type { Model } from "../model/index.ts";
import { knownOptions, LowrankError, wholeNumber } from "../support/index.ts";
import { type Filters, filterMask, filterOptions, type Mask } from "./filters.ts";
import { historyCounts } from "./history.ts";
import { type PopularItem, type PopularList, shortList } from "./outcomes.ts";
import { fallingOrder } from "./top-n.ts";

export interface PopularOptions extends Filters {
  /** How many items, from 1 (default 10) */
  readonly n?: number | undefined;
}

/** A question with its options checked and its filters turned into a mask. */
export interface PopularQuestion {
  readonly who: string;
  readonly asked: number;
  readonly mask: Mask;
}

export function checkedPopular(who: string, model: Model, options: PopularOptions): PopularQuestion {
  knownOptions(who, options, ["n", ...filterOptions]);
  const asked = wholeNumber(who, "n", options.n ?? 10, 1, Number.MAX_SAFE_INTEGER);
  return { who, asked, mask: filterMask(who, model.items, options) };
}

export class Popularity {
  readonly #model: Model;
  readonly #count: Uint32Array;
  readonly #order: Uint32Array;

  /** @throws LowrankError `no-history` for a model without its training ratings */
  constructor(who: string, model: Model) {
    const count = historyCounts(model, "item");
    if (count === undefined) {
      throw new LowrankError(
        "no-history",
        `${who}: this model was kept without its training ratings, so nothing is known about popularity; train with keepHistory: true`,
      );
    }
    this.#model = model;
    this.#count = count;
    this.#order = fallingOrder(count);
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
