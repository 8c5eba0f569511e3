/**
 * What the made-up worlds share. Their ids are 0, 1, 2, … on both sides, so an id is also the row of the truth tables;
 * users and items without ratings are in the id maps too.
 */
import type { CompressedRows } from "../compressed-rows.ts";
import { IdMap } from "../id-map.ts";
import { Ratings, reportOf } from "../ratings.ts";

/** Ratings over users 0 .. rows - 1 and items 0 .. columns - 1. */
export function worldRatings(byUser: CompressedRows, hasRatings: boolean): Ratings {
  return new Ratings({
    users: IdMap.of(
      Float64Array.from({ length: byUser.rows }, (_, user) => user),
      "user",
    ),
    items: IdMap.of(
      Float64Array.from({ length: byUser.columns }, (_, item) => item),
      "item",
    ),
    byUser,
    hasRatings,
    report: reportOf(byUser, { records: byUser.index.length, duplicates: "error", dropped: [] }),
  });
}
