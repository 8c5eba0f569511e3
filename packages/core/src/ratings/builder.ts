/**
 * RatingsBuilder: records or columns in, as they stream, Ratings out.
 *
 * Keeps records in blocks (record-blocks.ts) and frees each as soon as it has been placed among the cells (sort-records.ts), where the engine can
 * free arrays at once. Of stars, at most 65,536 items and records user by user that is 5 bytes a record while they come, 3 for each cell at
 * the end, and hardly more than 5 at a time; of more than 65,536 users in any order 7, then 10 at a time. Times are 8 more, twice while they are sorted.
 * Cost of build: a counting sort by user and one by item, O(records + users + items).
 */
import {
  beyondFloats,
  DataError,
  isFloat,
  knownOptions,
  LowrankError,
  oneOf,
  show,
  wholeNumber,
} from "../support/index.ts";
import { IdCodes } from "./id-codes.ts";
import { mergeDuplicates } from "./merge.ts";
import { Ratings, reportOf } from "./ratings.ts";
import { RecordBlocks } from "./record-blocks.ts";
import { type DuplicatePolicy, duplicatePolicies, type RatingColumns, type RatingRecord } from "./records.ts";
import { sortRecords } from "./sort-records.ts";

export interface RatingsOptions {
  /** Default `last` for records with ratings, `sum` (number of events) for records without */
  readonly duplicates?: DuplicatePolicy | undefined;
}

export class RatingsBuilder {
  readonly #policy: DuplicatePolicy | undefined;
  readonly #userCodes = new IdCodes("user");
  readonly #itemCodes = new IdCodes("item");
  readonly #records = new RecordBlocks();
  /** Undefined until the first record */
  #hasRatings: boolean | undefined;
  #hasTimes: boolean | undefined;
  readonly #dropped = new Map<string, number>();
  /** Why it takes nothing more; undefined while it does */
  #usedUp: string | undefined;

  constructor(options: RatingsOptions = {}) {
    knownOptions("RatingsBuilder", options, ["duplicates"]);
    if (options.duplicates !== undefined)
      this.#policy = oneOf("RatingsBuilder", "duplicates", options.duplicates, duplicatePolicies);
  }

  /** Adds one record. @throws DataError naming the record; the builder is then as it was before, see `append` */
  add(record: RatingRecord): this {
    this.#open();
    const row = this.#records.length + 1;
    if (typeof record !== "object" || record === null)
      throw new DataError(`ratings: record ${row} is ${show(record)}; give { user, item, rating?, time? }`, { row });
    this.#userCodes.checkOne(record.user, row);
    this.#itemCodes.checkOne(record.item, row);
    const { rating, time } = record;
    const hasRating = isPresent(rating);
    const hasTime = isPresent(time);
    this.#agree("rating", this.#hasRatings, hasRating, row);
    this.#agree("time", this.#hasTimes, hasTime, row);
    if (hasRating) checkRating(rating, row);
    if (hasTime) checkTime(time, row);
    this.#hasRatings = hasRating;
    this.#hasTimes = hasTime;
    const { to, at } = this.#records.room(hasRating, hasTime);
    try {
      to.user[at] = this.#userCodes.code(record.user);
      to.item[at] = this.#itemCodes.code(record.item);
    } catch (error) {
      throw this.#spoiled(error);
    }
    if (hasRating) to.rating[at] = rating;
    // + 0 makes -0 a plain 0, so that equal data have equal bytes
    if (hasTime) to.time[at] = time + 0;
    this.#records.add(1);
    return this;
  }

  /**
   * Adds parallel columns; they are copied.
   *
   * @throws DataError naming the record; the builder is then as it was before. Only when there are more than 2^24
   *   different text ids, or numbers beyond 0 to 2^24 - 1, on one side, it cannot be used further
   */
  append(columns: RatingColumns): this {
    this.#open();
    const row = this.#records.length + 1;
    const { user, item } = columns;
    checkLengths(columns, row);
    if (user.length === 0) return this;
    const rating = this.#present("rating", columns.rating, this.#hasRatings, row);
    const time = this.#present("time", columns.time, this.#hasTimes, row);
    this.#userCodes.check(user, row);
    this.#itemCodes.check(item, row);
    if (rating !== undefined) for (let i = 0; i < rating.length; i++) checkRating(rating[i], row + i);
    if (time !== undefined) for (let i = 0; i < time.length; i++) checkTime(time[i], row + i);
    this.#hasRatings = rating !== undefined;
    this.#hasTimes = time !== undefined;
    this.#write(user, item, rating, time);
    return this;
  }

  /** Checked columns into the blocks. Apart from `append`, whose loops of checks the engine optimizes only while they are small. */
  #write(
    user: RatingColumns["user"],
    item: RatingColumns["item"],
    rating: ArrayLike<number> | undefined,
    time: ArrayLike<number> | undefined,
  ): void {
    for (let from = 0; from < user.length; ) {
      const { to, at, free } = this.#records.room(rating !== undefined, time !== undefined);
      const end = Math.min(user.length, from + free);
      try {
        this.#userCodes.encode(user, from, end, to.user, at);
        this.#itemCodes.encode(item, from, end, to.item, at);
      } catch (error) {
        throw this.#spoiled(error);
      }
      if (rating !== undefined) copy(rating, from, end, to.rating, at);
      if (time !== undefined) for (let i = from; i < end; i++) to.time[at + i - from] = time[i] + 0;
      this.#records.add(end - from);
      from = end;
    }
  }

  /** Counts records that a reader left out, for the report. */
  drop(reason: string, count = 1): this {
    this.#open();
    wholeNumber("RatingsBuilder.drop", "count", count, 0, Number.MAX_SAFE_INTEGER);
    if (count > 0) this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
    return this;
  }

  /** Sorts, merges and reports. The builder is empty afterwards and cannot be used again. @throws DataError */
  build(): Ratings {
    this.#open();
    const added = this.#records.length;
    const dropped = [...this.#dropped].map(([reason, count]) => ({ reason, count }));
    if (added === 0) {
      const why = dropped.map(({ reason, count }) => `${count} left out: ${reason}`).join("; ");
      throw new DataError(`ratings: there are no records${why === "" ? "" : ` (${why})`}; give at least one`, {
        dropped,
      });
    }
    this.#usedUp = "build() was called already";
    const policy = this.#policy ?? (this.#hasRatings ? "last" : "sum");
    const users = this.#userCodes.finish();
    const items = this.#itemCodes.finish();

    const sorted = sortRecords(this.#records, users.indexOf, items.indexOf);
    const cells = mergeDuplicates(sorted, policy, users.ids, items.ids);
    const left = dropped.reduce((sum, { count }) => sum + count, 0);
    const report = reportOf(cells, { records: added + left, duplicates: policy, dropped });
    return new Ratings({
      users: users.ids,
      items: items.ids,
      byUser: cells,
      hasRatings: this.#hasRatings === true,
      report,
    });
  }

  #open(): void {
    if (this.#usedUp !== undefined)
      throw new LowrankError("used-up", `RatingsBuilder: ${this.#usedUp}; make a new builder`);
  }

  /** Ids ran out half way through, so the columns no longer agree: nothing more is taken. */
  #spoiled(error: unknown): unknown {
    this.#usedUp = "it met more ids than can be told apart";
    return error;
  }

  /** The column, or undefined when none of its entries is there; they are all there or none is. */
  #present<T extends ArrayLike<number>>(
    column: "rating" | "time",
    values: T | undefined,
    before: boolean | undefined,
    row: number,
  ): T | undefined {
    if (!isPresent(values) || !Array.isArray(values)) {
      this.#agree(column, before, isPresent(values), row);
      return values ?? undefined;
    }
    const first = before ?? isPresent(values[0]);
    for (let i = 0; i < values.length; i++) this.#agree(column, first, isPresent(values[i]), row + i);
    return first ? values : undefined;
  }

  /** All records have the column or none has it. */
  #agree(column: "rating" | "time", before: boolean | undefined, now: boolean, row: number): void {
    if (before === undefined || before === now) return;
    throw new DataError(
      `ratings: record ${row} has ${now ? "a" : "no"} ${column}, but record 1 has ${now ? "none" : "one"}; ` +
        `give a ${column} with every record or with none`,
      { row, firstRow: 1, column },
    );
  }
}

/** null is absent, as undefined is: databases and JSON write what is missing so. */
function isPresent<T>(value: T | undefined | null): value is T {
  return value !== undefined && value !== null;
}

function copy(from: ArrayLike<number>, begin: number, end: number, to: Float32Array, at: number): void {
  if (Array.isArray(from)) for (let i = begin; i < end; i++) to[at + i - begin] = from[i];
  else to.set((from as Float32Array).subarray(begin, end), at);
}

function checkRating(rating: unknown, row: number): asserts rating is number {
  if (isFloat(rating)) return;
  throw new DataError(`ratings: record ${row}: the rating is ${described(rating)}`, {
    row,
    column: "rating",
    got: rating,
  });
}

function checkTime(time: unknown, row: number): asserts time is number {
  if (Number.isFinite(time)) return;
  const remedy = time instanceof Date ? "a Date; give its getTime() / 1000" : described(time);
  throw new DataError(`ratings: record ${row}: the time is ${remedy}`, { row, column: "time", got: time });
}

function described(value: unknown): string {
  if (typeof value === "string") return `the text ${show(value)}; turn it into a number first`;
  if (Number.isFinite(value)) return `${value}, ${beyondFloats(value as number, "ratings")}`;
  if (typeof value === "number") return `${value}; give finite numbers only, and leave out what is missing`;
  return `${show(value)}; give a finite number`;
}

function checkLengths({ user, item, rating, time }: RatingColumns, row: number): void {
  for (const [column, values] of [
    ["item", item],
    ["rating", rating],
    ["time", time],
  ] as const) {
    if (column !== "item" && !isPresent(values)) continue;
    if (values?.length !== user?.length) {
      throw new DataError(
        `ratings: the columns appended at record ${row} differ in length: user has ${user?.length}, ` +
          `${column} has ${values?.length}; give one entry of each per record`,
        { row, column, users: user?.length, got: values?.length },
      );
    }
  }
}
