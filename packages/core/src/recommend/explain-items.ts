/** Why this score, by an ItemModel: each item of the history brings its weight times what it counts, and nothing else is in it. */
import { entryWeight, historyScore, type ItemModel, itemWeight } from "../model/index.ts";
import type { CleanHistory } from "./history.ts";
import type { Explanation } from "./outcomes.ts";

/** @param item its index */
export function explainByItems(model: ItemModel, history: CleanHistory, item: number): Explanation {
  if (history.index.length === 0) return { status: "empty-history", unknownHistory: history.unknown };
  const contributions = Array.from(history.index, (from, e) => ({
    item: model.items.id(from),
    rating: history.value.at(e),
    contribution: entryWeight(model, history, e) * itemWeight(model, from, item),
  }));
  contributions.sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const score = historyScore(model, history, item);
  const none = { baseline: 0, remainder: 0, remainderReason: undefined };
  return { status: "known", item: model.items.id(item), score, contributions, ...none };
}
