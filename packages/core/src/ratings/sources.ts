/**
 * Ratings from what callers have at hand: records, columns, a stream of either.
 */
import { DataError, knownOptions, show, throwIfAborted } from "../support/index.ts";
import { RatingsBuilder, type RatingsOptions } from "./builder.ts";
import type { Ratings } from "./ratings.ts";
import type { RatingColumns, RatingRecord } from "./records.ts";

export interface AsyncRatingsOptions extends RatingsOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Ratings from records in memory, or from columns.
 *
 * @throws DataError naming the record that cannot be used, or when there is none
 */
export function ratingsFrom(source: Iterable<RatingRecord> | RatingColumns, options: RatingsOptions = {}): Ratings {
  knownOptions("ratingsFrom", options, ["duplicates"]);
  if (typeof source !== "object" || source === null)
    throw new DataError(`ratings: give records { user, item, rating?, time? } or columns of them, got ${show(source)}`);
  const builder = new RatingsBuilder(options);
  if (!(Symbol.iterator in source)) return builder.append(source).build();
  for (const record of source) builder.add(record);
  return builder.build();
}

/**
 * Ratings from a stream of records, or of batches of columns, or of both.
 *
 * @param options `signal` stops between two pieces of the stream
 * @throws DataError, AbortedError
 */
export async function ratingsFromAsync(
  source: AsyncIterable<RatingRecord | RatingColumns>,
  options: AsyncRatingsOptions = {},
): Promise<Ratings> {
  knownOptions("ratingsFromAsync", options, ["duplicates", "signal"]);
  const { signal, ...rest } = options;
  const builder = new RatingsBuilder(rest);
  for await (const piece of source) {
    throwIfAborted("ratingsFromAsync", signal);
    if (isColumns(piece)) builder.append(piece);
    else builder.add(piece);
  }
  throwIfAborted("ratingsFromAsync", signal);
  return builder.build();
}

/** A record's user is a string or a number, a column of users is a list. */
function isColumns(piece: RatingRecord | RatingColumns): piece is RatingColumns {
  return typeof piece === "object" && piece !== null && typeof piece.user === "object" && piece.user !== null;
}
