/**
 * A history as callers give it, cleaned: ids to ascending indexes, duplicates merged, unknown ids set apart.
 */
import type { FactorModel } from "../model/index.ts";
import type { Id, IdMap } from "../ratings/index.ts";
import { DataError, show } from "../support/index.ts";

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
  readonly value: Float32Array;
  readonly merged: number;
  readonly unknown: readonly Id[];
}

/**
 * Several entries for one id: the last one counts for ratings, their sum for clicks, as in training data by default.
 *
 * @throws DataError for an entry without the rating that the model needs, or with one that is not finite; facts:
 *   `position` (from 1)
 */
export function cleanHistory(
  who: string,
  model: FactorModel,
  ids: IdMap,
  entries: Iterable<{ readonly id: Id; readonly rating: number | undefined }>,
): CleanHistory {
  const sums = model.objective?.kind === "implicit";
  const needsRating = !sums && model.range !== undefined;
  const byIndex = new Map<number, number>();
  const unknown: Id[] = [];
  let position = 0;
  let known = 0;
  for (const { id, rating } of entries) {
    position++;
    const value = rating ?? (needsRating ? Number.NaN : 1);
    if (!Number.isFinite(Math.fround(value))) throw badRating(who, id, rating, position);
    const index = ids.index(id);
    if (index === undefined) {
      unknown.push(id);
      continue;
    }
    known++;
    byIndex.set(index, sums ? (byIndex.get(index) ?? 0) + value : value);
  }
  const index = Uint32Array.from(byIndex.keys()).sort();
  const value = Float32Array.from(index, (one) => byIndex.get(one) as number);
  return { index, value, merged: known - index.length, unknown };
}

/** The training history of one user, as it stands in the model. */
export function storedHistory(model: FactorModel, user: number): CleanHistory | undefined {
  const rows = model.history;
  if (rows === undefined) return undefined;
  const begin = rows.start[user];
  const end = rows.start[user + 1];
  return { index: rows.index.subarray(begin, end), value: rows.value.subarray(begin, end), merged: 0, unknown: [] };
}

function badRating(who: string, id: Id, rating: number | undefined, position: number): DataError {
  const got = rating === undefined ? "has no rating" : `has the rating ${show(rating)}`;
  return new DataError(
    `${who}: entry ${position} of the history (${show(id)}) ${got}; this model needs a finite rating with every entry`,
    { position, id, rating },
  );
}
