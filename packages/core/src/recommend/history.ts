/**
 * A history as callers give it, cleaned: ids to ascending indexes, duplicates merged, unknown ids set apart.
 */
import type { Model } from "../model/index.ts";
import { CellValues, type Id, type IdMap, wideIndexes } from "../ratings/index.ts";
import { DataError, OptionError, show } from "../support/index.ts";
import { indexesOf } from "./rows.ts";

/** One entry of a user's history. */
export interface HistoryItem {
  readonly item: Id;
  /** Needed for models of ratings; for clicks a count, 1 when left out */
  readonly rating?: number | undefined;
}

/** One entry of an item's history. */
export interface HistoryUser {
  readonly user: Id;
  readonly rating?: number | undefined;
}

/** Indexes of the other side with their values, as the kernels want them. */
export interface CleanHistory {
  /** Ascending */
  readonly index: Uint32Array;
  readonly value: CellValues;
  readonly merged: number;
  readonly unknown: readonly Id[];
}

/**
 * Several entries for one id: the last one counts for ratings, their sum for clicks, as in training data by default.
 *
 * @throws DataError for an entry without the rating that the model needs, or with one that is not a number, or not finite in
 *   32 bits; facts: `position` (from 1), `id`, `rating`
 */
export function cleanHistory(
  who: string,
  model: Model,
  ids: IdMap,
  entries: Iterable<{ readonly id: Id; readonly rating: unknown }>,
): CleanHistory {
  const { sums, needsRating } = policyOf(model);
  const byIndex = new Map<number, number>();
  const unknown: Id[] = [];
  let position = 0;
  let known = 0;
  for (const { id, rating } of entries) {
    position++;
    const value = rating === undefined && !needsRating ? 1 : rating;
    if (!isF32(value)) throw badRating(who, id, rating, position);
    const index = ids.index(id);
    if (index === undefined) {
      unknown.push(id);
      continue;
    }
    known++;
    const merged = sums ? (byIndex.get(index) ?? 0) + value : value;
    if (!isF32(merged)) throw badRating(who, id, merged, position);
    byIndex.set(index, merged);
  }
  const index = Uint32Array.from(byIndex.keys()).sort();
  const value = new CellValues(Float32Array.from(index, (one) => byIndex.get(one) as number));
  return { index, value, merged: known - index.length, unknown };
}

/** Whether repeated entries are added up, and whether each must have a rating. */
function policyOf(model: Model): { sums: boolean; needsRating: boolean } {
  if (model.kind === "items") {
    const { values, range } = model;
    return { sums: range === undefined, needsRating: values === "given" && range !== undefined };
  }
  const objective = model.kind === "factors" ? model.objective : undefined;
  return {
    sums: objective?.kind === "implicit",
    needsRating: objective?.kind === "explicit" || model.scale === "rating",
  };
}

/** The training history of one user, as it stands in the model. */
export function storedHistory(model: Model, user: number): CleanHistory | undefined {
  const rows = model.history;
  if (rows === undefined) return undefined;
  const [begin, end] = [rows.start[user], rows.start[user + 1]];
  return { index: wideIndexes(indexesOf(rows, user)), value: rows.value.subarray(begin, end), merged: 0, unknown: [] };
}

/** Callers in plain JavaScript hand in text, dates and lists, which arithmetic would turn into numbers of its own. */
function isF32(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(Math.fround(value));
}

function badRating(who: string, id: Id, rating: unknown, position: number): DataError {
  const got = rating === undefined ? "has no rating" : `has the rating ${show(rating)}`;
  const needed = rating === undefined ? "a finite rating with every entry" : "finite numbers as ratings";
  return new DataError(`${who}: entry ${position} of the history (${show(id)}) ${got}; this model needs ${needed}`, {
    position,
    id,
    rating,
  });
}

/** Training ratings per item or per user; undefined for a model that was kept without them. */
export function historyCounts(model: Model, side: "user" | "item"): Uint32Array | undefined {
  const { history } = model;
  if (history === undefined) return undefined;
  if (side === "user") return history.start.slice(1).map((end, row) => end - history.start[row]);
  const counts = new Uint32Array(model.items.size);
  for (const item of history.index) counts[item]++;
  return counts;
}

/** Entries under one name for both sides. @throws OptionError for an entry that is not a record with that field */
export function* entriesOf<Field extends "user" | "item">(
  who: string,
  history: Iterable<{ readonly [F in Field]: Id } & { readonly rating?: number | undefined }>,
  field: Field,
): Generator<{ id: Id; rating: unknown }> {
  if (typeof history !== "object" || history === null || !(Symbol.iterator in history)) {
    throw new OptionError(who, "history", history, `a list of { ${field}, rating? }`);
  }
  for (const entry of history) {
    const id: unknown = entry?.[field];
    if (typeof id !== "string" && typeof id !== "number") {
      throw new OptionError(who, "history", entry, `a list of { ${field}, rating? }`);
    }
    yield { id, rating: entry.rating };
  }
}
