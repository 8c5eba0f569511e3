/**
 * RatingsBuilder: records or columns in, as they stream, Ratings out.
 *
 * Keeps 12 bytes a record (20 with times) in blocks, and frees each column as soon as it has been sorted: at most 16 bytes a record (32)
 * at a time, where the engine can free arrays at once.
 * Cost of build: two counting sorts, O(records + users + items).
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
import { Column, free } from "./column.ts";
import { startsOf } from "./compressed-rows.ts";
import { IdCodes } from "./id-codes.ts";
import { mergeDuplicates, type SortedRecords } from "./merge.ts";
import { Ratings, reportOf } from "./ratings.ts";
import { type DuplicatePolicy, duplicatePolicies, type RatingColumns, type RatingRecord } from "./records.ts";

export interface RatingsOptions {
  /** Default `last` for records with ratings, `sum` (number of events) for records without */
  readonly duplicates?: DuplicatePolicy | undefined;
  /** Records to come, if known: memory for them is taken at once */
  readonly expected?: number | undefined;
}

/** More records than this are met without a first block of their full size. */
const MAX_FIRST_BLOCK = 1 << 25;

export class RatingsBuilder {
  readonly #policy: DuplicatePolicy | undefined;
  readonly #userCodes = new IdCodes("user");
  readonly #itemCodes = new IdCodes("item");
  readonly #user: Column<Uint32Array>;
  readonly #item: Column<Uint32Array>;
  readonly #rating: Column<Float32Array>;
  readonly #time: Column<Float64Array>;
  readonly #expected: number;
  /** Undefined until the first record */
  #hasRatings: boolean | undefined;
  #hasTimes: boolean | undefined;
  readonly #dropped = new Map<string, number>();
  /** Why it takes nothing more; undefined while it does */
  #usedUp: string | undefined;

  constructor(options: RatingsOptions = {}) {
    knownOptions("RatingsBuilder", options, ["duplicates", "expected"]);
    if (options.duplicates !== undefined)
      this.#policy = oneOf("RatingsBuilder", "duplicates", options.duplicates, duplicatePolicies);
    const expected = wholeNumber("RatingsBuilder", "expected", options.expected ?? 0, 0, Number.MAX_SAFE_INTEGER);
    this.#expected = Math.min(expected, MAX_FIRST_BLOCK);
    this.#user = new Column((length) => new Uint32Array(length), this.#expected);
    this.#item = new Column((length) => new Uint32Array(length), this.#expected);
    this.#rating = new Column((length) => new Float32Array(length));
    this.#time = new Column((length) => new Float64Array(length));
  }

  /** Adds one record. @throws DataError naming the record; the builder is then as it was before, see `append` */
  add(record: RatingRecord): this {
    this.#open();
    const row = this.#user.length + 1;
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
    try {
      this.#user.push(this.#userCodes.code(record.user));
      this.#item.push(this.#itemCodes.code(record.item));
    } catch (error) {
      throw this.#spoiled(error);
    }
    if (hasRating) this.#rating.push(rating);
    if (hasTime) this.#time.push(time);
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
    const row = this.#user.length + 1;
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
    try {
      this.#userCodes.encode(user, this.#user);
      this.#itemCodes.encode(item, this.#item);
    } catch (error) {
      throw this.#spoiled(error);
    }
    if (rating !== undefined) this.#rating.append(rating);
    if (time !== undefined) this.#time.append(time);
    return this;
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
    const added = this.#user.length;
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

    const rows = users.ids.size;
    const columns = items.ids.size;
    const user = this.#user.translate(users.indexOf);
    const item = this.#item.translate(items.indexOf);
    const sorted = {
      rows,
      columns,
      ...sortCells(user, item, this.#rating, this.#time, {
        rows,
        columns,
        hasRatings: this.#hasRatings === true,
        hasTimes: this.#hasTimes === true,
      }),
    };
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

/**
 * Stable sort by item, then by user: cells of a user ascend by item, records of one cell keep their order. Each column is freed as soon as
 * it has been sorted by item, so that no more than two copies of the records are there at a time.
 */
function sortCells(
  user: Column<Uint32Array>,
  item: Column<Uint32Array>,
  rating: Column<Float32Array>,
  time: Column<Float64Array>,
  { rows, columns, hasRatings, hasTimes }: Shape,
): Pick<SortedRecords, "start" | "index" | "value" | "time"> {
  const count = user.length;
  const byItem = placed(item, columns);
  const users = user.scatterInto(byItem.destination, new Uint32Array(count));
  const values = hasRatings ? rating.scatterInto(byItem.destination, new Float32Array(count)) : undefined;
  const times = hasTimes ? time.scatterInto(byItem.destination, new Float64Array(count)) : undefined;
  const start = startsOf([users], rows);
  const next = start.slice(0, rows);
  const out = {
    start,
    // Needed no more, and every place is written anew.
    index: byItem.destination,
    value: new Float32Array(count),
    time: hasTimes ? new Float64Array(count) : undefined,
  };
  for (let column = 0; column < columns; column++) {
    for (let i = byItem.start[column]; i < byItem.start[column + 1]; i++) {
      const to = next[users[i]]++;
      out.index[to] = column;
      out.value[to] = values === undefined ? 1 : values[i];
      if (out.time !== undefined && times !== undefined) out.time[to] = times[i];
    }
  }
  for (const sorted of [users, values, times]) if (sorted !== undefined) free(sorted);
  return out;
}

interface Shape {
  readonly rows: number;
  readonly columns: number;
  readonly hasRatings: boolean;
  readonly hasTimes: boolean;
}

/** Where a stable sort puts each entry of a column of keys, which is freed. */
function placed(
  keys: Column<Uint32Array>,
  buckets: number,
): { readonly start: Uint32Array; readonly destination: Uint32Array } {
  const start = startsOf(keys.blocks(), buckets);
  const next = start.slice(0, buckets);
  const destination = new Uint32Array(keys.length);
  let entry = 0;
  for (const block of keys.blocks()) for (let i = 0; i < block.length; i++) destination[entry++] = next[block[i]]++;
  keys.clear();
  return { start, destination };
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
