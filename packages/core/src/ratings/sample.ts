/** Ratings of some of the users, for trials: a share of the work of all. */
import { indexArray } from "./cell-values.ts";
import { IdMap } from "./id-map.ts";
import { Ratings, reportOf } from "./ratings.ts";
import type { Id } from "./records.ts";

/**
 * Whole histories of users evenly spread over all, about so many ratings in all; every item stays. All ratings where these are not more.
 *
 * @param wanted at least 1
 */
export function someHistories(ratings: Ratings, wanted: number): Ratings {
  if (wanted >= ratings.size) return ratings;
  const { users, items, byUser, hasRatings } = ratings;
  const count = Math.max(1, Math.round((users.size * wanted) / ratings.size));
  const user = Uint32Array.from({ length: count }, (_, n) => Math.floor(((n + 0.5) * users.size) / count));
  const start = new Uint32Array(count + 1);
  for (let n = 0; n < count; n++) start[n + 1] = start[n] + byUser.start[user[n] + 1] - byUser.start[user[n]];
  const index = indexArray(start[count], items.size);
  const value = byUser.value.room(start[count]);
  const stored = byUser.value.stored;
  for (let n = 0; n < count; n++) {
    const [from, to] = [byUser.start[user[n]], byUser.start[user[n] + 1]];
    index.set(byUser.index.subarray(from, to), start[n]);
    if (stored !== undefined) value?.set(stored.subarray(from, to), start[n]);
  }
  const ids: Id[] = Array.from(user, (one) => users.id(one));
  const cells = {
    rows: count,
    columns: items.size,
    start,
    index,
    value: byUser.value.madeOf(value, index.length),
    time: undefined,
  };
  const { duplicates } = ratings.report;
  return new Ratings({
    users: IdMap.of(ids, "user"),
    items,
    byUser: cells,
    hasRatings,
    report: reportOf(cells, { records: index.length, duplicates, dropped: [] }),
  });
}
