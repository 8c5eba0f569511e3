/**
 * Ratings: clean data, ready for training. Sorted ids of both sides and the cells, by user and by item. Immutable.
 *
 * A cell that is not there is missing, never zero. Users or items without a cell occur in parts of a split, which keep
 * the ids of the whole, and in dense matrices.
 */
import { DataError, Digest, OptionError } from "../support/index.ts";
import { wideBlocks } from "./cell-values.ts";
import {
  type CompressedRows,
  selectCells,
  type TransposedArrays,
  transpose,
  transposeInto,
} from "./compressed-rows.ts";
import type { IdMap } from "./id-map.ts";
import type { DataReport, RatingRecord } from "./records.ts";

export interface RatingsParts {
  readonly users: IdMap;
  readonly items: IdMap;
  /** Rows are users, columns items; taken over, not copied */
  readonly byUser: CompressedRows;
  readonly hasRatings: boolean;
  readonly report: DataReport;
}

export class Ratings {
  readonly users: IdMap;
  readonly items: IdMap;
  readonly byUser: CompressedRows;
  /** False for data without a rating column: values are 1, or numbers of events where duplicates were summed */
  readonly hasRatings: boolean;
  readonly report: DataReport;
  #byItem: CompressedRows | undefined;
  #itemCounts: Uint32Array | undefined;
  #hash: string | undefined;

  /** For the makers of this room (builder, dense, splits, worlds): arrays are taken as correct. */
  constructor(parts: RatingsParts) {
    this.users = parts.users;
    this.items = parts.items;
    this.byUser = parts.byUser;
    this.hasRatings = parts.hasRatings;
    this.report = parts.report;
  }

  /** The same cells, rows are items. Made on first use and kept; has no times. */
  get byItem(): CompressedRows {
    this.#byItem ??= transpose(this.byUser);
    return this.#byItem;
  }

  /**
   * Writes what `byItem` holds into the caller's arrays, and keeps nothing: for copies that are the only ones needed.
   *
   * @param out start u32[items + 1], index u16[cells] or u32[cells], value f32[cells], or u8[cells] for codes where `byUser.value` has them
   */
  writeByItem(out: TransposedArrays): void {
    transposeInto(this.byUser, out);
  }

  /** u32[items]: cells of each item. Made on first use and kept; takes a fraction of what `byItem` does. */
  get itemCounts(): Uint32Array {
    if (this.#itemCounts === undefined) {
      const { columns, index } = this.byUser;
      const counts = new Uint32Array(columns);
      for (let cell = 0; cell < index.length; cell++) counts[index[cell]]++;
      this.#itemCounts = counts;
    }
    return this.#itemCounts;
  }

  /** Number of cells. */
  get size(): number {
    return this.byUser.index.length;
  }

  /** Every user has every item, and there is at least one. */
  get isComplete(): boolean {
    return this.size > 0 && this.size === this.users.size * this.items.size;
  }

  get hasTimes(): boolean {
    return this.byUser.time !== undefined;
  }

  /** Mean value, summed in f64 (`CellValues.sum`). @throws DataError when there is no cell */
  get mean(): number {
    return this.#values().mean;
  }

  /** Smallest value. @throws DataError when there is no cell */
  get min(): number {
    return this.#values().min;
  }

  /** Largest value. @throws DataError when there is no cell */
  get max(): number {
    return this.#values().max;
  }

  /**
   * 16 hexadecimal digits over ids, cells, values and whether these are ratings, not over times: the same data give the
   * same digits everywhere, and clicks others than ratings that are all 1.
   */
  get hash(): string {
    if (this.#hash === undefined) {
      const digest = new Digest();
      this.users.digestInto(digest);
      this.items.digestInto(digest);
      // Of the numbers, however they are held
      digest.add(this.byUser.start).addPieces(wideBlocks(this.byUser.index)).addPieces(this.byUser.value.blocks());
      this.#hash = digest.addText(this.hasRatings ? "ratings" : "events").hex();
    }
    return this.#hash;
  }

  /**
   * Every cell as a record, by user, then item. Records carry a rating when the data have ratings, or when the values
   * are numbers of events other than 1; then the number is the rating.
   */
  *records(): IterableIterator<RatingRecord> {
    const { rows, start, index, value, time } = this.byUser;
    const withValue = this.hasRatings || !value.every((events) => events === 1);
    for (let row = 0; row < rows; row++) {
      const user = this.users.id(row);
      for (let cell = start[row]; cell < start[row + 1]; cell++) {
        yield {
          user,
          item: this.items.id(index[cell]),
          ...(withValue ? { rating: value.at(cell) } : {}),
          ...(time === undefined ? {} : { time: time[cell] }),
        };
      }
    }
  }

  #values(): { readonly mean: number; readonly min: number; readonly max: number } {
    const { value } = this.byUser;
    if (value.length === 0)
      throw new DataError("ratings: there is no cell here, hence no mean, min or max; check `size` first");
    return value.facts;
  }
}

/** Callers without types: what would otherwise end in an error about `undefined`. @throws OptionError for anything but Ratings */
export function asRatings(who: string, option: string, given: unknown): Ratings {
  if (given instanceof Ratings) return given;
  throw new OptionError(who, option, given, "Ratings", "make them with ratingsFrom(records)");
}

/**
 * Some of the cells, with the id maps of the whole, so that indexes agree between the parts of a split.
 *
 * @param keep one entry per cell of `ratings.byUser`; 0 leaves the cell out
 */
export function subset(ratings: Ratings, keep: Uint8Array): Ratings {
  if (keep.length !== ratings.size)
    throw new RangeError(`subset: keep has ${keep.length} entries, the ratings have ${ratings.size} cells`);
  const byUser = selectCells(ratings.byUser, keep);
  return withCells(ratings, ratings.users, ratings.items, byUser);
}

/** Ratings with other cells, reported as made of just these, without merging or dropping. */
export function withCells(like: Ratings, users: IdMap, items: IdMap, byUser: CompressedRows): Ratings {
  const report = reportOf(byUser, { records: byUser.index.length, duplicates: like.report.duplicates, dropped: [] });
  return new Ratings({ users, items, byUser, hasRatings: like.hasRatings, report });
}

/** A report on finished cells; counts the users and items that have any. */
export function reportOf(
  byUser: CompressedRows,
  came: Pick<DataReport, "records" | "duplicates" | "dropped">,
): DataReport {
  const seen = new Uint8Array(byUser.columns);
  for (let cell = 0; cell < byUser.index.length; cell++) seen[byUser.index[cell]] = 1;
  let items = 0;
  for (let item = 0; item < seen.length; item++) items += seen[item];
  let users = 0;
  for (let user = 0; user < byUser.rows; user++) if (byUser.start[user + 1] > byUser.start[user]) users++;
  const ratings = byUser.index.length;
  const dropped = came.dropped.reduce((sum, { count }) => sum + count, 0);
  return {
    records: came.records,
    ratings,
    users,
    items,
    merged: came.records - dropped - ratings,
    duplicates: came.duplicates,
    dropped: came.dropped,
  };
}
