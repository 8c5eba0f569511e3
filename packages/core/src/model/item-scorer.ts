/**
 * Scores of an ItemModel from histories, in double precision; and, of its users' training histories, as a Scorer.
 */
import type { CellValues, Indexes } from "../ratings/index.ts";
import { LowrankError } from "../support/index.ts";
import type { ItemModel } from "./item-model.ts";
import type { Scorer } from "./scorer.ts";

/** What a user has: item indexes, ascending, and what the history holds for each. */
export interface ItemHistory {
  readonly index: Indexes;
  readonly value: CellValues;
}

/** x of entry `e`: what it counts. */
export function entryWeight({ values }: ItemModel, { value }: ItemHistory, e: number): number {
  return values === "ones" ? 1 : value.at(e);
}

/** weight(from → to) of two item indexes, 0 where there is none. */
export function itemWeight({ weights, items }: ItemModel, from: number, to: number): number {
  if (weights.kind === "dense") return weights.value[from * items.size + to];
  const { start, index, value } = weights;
  let low = start[from];
  let high = start[from + 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (index[middle] < to) low = middle + 1;
    else high = middle;
  }
  return low < start[from + 1] && index[low] === to ? value[low] : 0;
}

/** The score of one item. */
export function historyScore(model: ItemModel, history: ItemHistory, item: number): number {
  let sum = 0;
  for (let e = 0; e < history.index.length; e++) {
    sum += entryWeight(model, history, e) * itemWeight(model, history.index[e], item);
  }
  return sum;
}

/** Adds the score of every item into `out`: f64[items]. */
function addHistoryScores(model: ItemModel, history: ItemHistory, out: Float64Array): void {
  const { weights, items } = model;
  for (let e = 0; e < history.index.length; e++) {
    const from = history.index[e];
    const x = entryWeight(model, history, e);
    if (weights.kind === "dense") {
      const row = from * items.size;
      for (let i = 0; i < out.length; i++) out[i] += x * weights.value[row + i];
    } else {
      for (let w = weights.start[from]; w < weights.start[from + 1]; w++) {
        out[weights.index[w]] += x * weights.value[w];
      }
    }
  }
}

/** The training history of a user index. @throws LowrankError `no-history` for a model that was kept without */
export function userHistory({ history }: ItemModel, user: number): ItemHistory {
  if (history === undefined) {
    throw new LowrankError(
      "no-history",
      "this model was kept without its training ratings, and its scores follow from them; train with keepHistory: true, or ask with a history",
    );
  }
  const [begin, end] = [history.start[user], history.start[user + 1]];
  return { index: history.index.subarray(begin, end), value: history.value.subarray(begin, end) };
}

/** Its `score` and `scoreItems` throw LowrankError `no-history` for a model that was kept without. */
export function itemScorer(model: ItemModel): Scorer {
  const sums = new Float64Array(model.items.size);
  return {
    name: model.provenance.method,
    users: model.users,
    items: model.items,
    scale: model.scale,
    score: (user, item) => historyScore(model, userHistory(model, user), item),
    scoreItems: (user, out) => {
      sums.fill(0);
      addHistoryScores(model, userHistory(model, user), sums);
      out.set(sums);
    },
  };
}
