/**
 * What callers may state about a file of ratings, and the check that turns it into clean values.
 */
import { type DuplicatePolicy, duplicatePolicies, OptionError } from "@lowrank/core";
import { knownOptions, oneOf, trueOrFalse, wholeNumber } from "@lowrank/core/support";
import type { IdSource, MatrixMeaning } from "../arrays/index.ts";
import { type Encoding, encodings, type Format, formats } from "../file-words.ts";

/** A column by its name in the file (case and punctuation do not matter) or by its position, counted from 1. */
export type ColumnChoice = string | number;

/** `rows`, `mask`, `userIds` and `itemIds` act for a matrix in NumPy files, and there alone; most others for tables alone. */
export interface ReadOptions extends Pick<MatrixMeaning, "rows" | "mask" | "userIds" | "itemIds"> {
  /** Told from the content when left out */
  readonly format?: Format | undefined;
  /** One to four characters; told from the content when left out */
  readonly separator?: string | undefined;
  /** Whether the first line holds names; told from the content when left out */
  readonly header?: boolean | undefined;
  /** Found by name when left out, as are the other columns; without a header: columns 1 to 4 are user item rating time */
  readonly user?: ColumnChoice | undefined;
  readonly item?: ColumnChoice | undefined;
  readonly rating?: ColumnChoice | undefined;
  readonly time?: ColumnChoice | undefined;
  /** True: every record counts as one event, even if there is a rating column */
  readonly noRating?: boolean | undefined;
  /** True: times are not read, even if there is a time column */
  readonly noTime?: boolean | undefined;
  /** Default `utf-8`; a byte order mark at the start of the file is believed */
  readonly encoding?: Encoding | undefined;
  /** Default `.` */
  readonly decimal?: "." | "," | undefined;
  /** `fail` (default): the first bad row is an error. `drop`: bad rows are left out and counted by reason */
  readonly onBadRow?: "fail" | "drop" | undefined;
  /** True: a rating of 0 means that there is none. Default false: 0 is a rating */
  readonly zeroIsMissing?: boolean | undefined;
  /** True: ids stay text even when all of them are whole numbers; `user` or `item`: those of one side do */
  readonly stringIds?: boolean | "user" | "item" | undefined;
  readonly duplicates?: DuplicatePolicy | undefined;
  /** Threads of the file reader, default 2; never changes the result */
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** ReadOptions with defaults filled in; `undefined` is left only where the content decides. */
export interface CleanOptions {
  readonly format: Format | undefined;
  readonly separator: string | undefined;
  readonly header: boolean | undefined;
  readonly asked: AskedColumns;
  readonly noRating: boolean;
  readonly noTime: boolean;
  readonly encoding: Encoding | undefined;
  readonly decimal: "." | ",";
  readonly onBadRow: "fail" | "drop";
  readonly zeroIsMissing: boolean;
  readonly stringIds: { readonly user: boolean; readonly item: boolean };
  readonly duplicates: DuplicatePolicy | undefined;
  readonly rows: "users" | "items" | undefined;
  readonly mask: string | undefined;
  readonly userIds: IdSource | undefined;
  readonly itemIds: IdSource | undefined;
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
}

export interface AskedColumns {
  readonly user: ColumnChoice | undefined;
  readonly item: ColumnChoice | undefined;
  readonly rating: ColumnChoice | undefined;
  readonly time: ColumnChoice | undefined;
}

const known = [
  "format",
  "separator",
  "header",
  "user",
  "item",
  "rating",
  "time",
  "noRating",
  "noTime",
  "encoding",
  "decimal",
  "onBadRow",
  "zeroIsMissing",
  "stringIds",
  "duplicates",
  "rows",
  "mask",
  "userIds",
  "itemIds",
  "threads",
  "signal",
] as const satisfies readonly (keyof ReadOptions)[];

export function cleanOptions(options: ReadOptions): CleanOptions {
  const who = "readRatings";
  knownOptions(who, options, known);
  const flag = (name: "noRating" | "noTime" | "zeroIsMissing") => trueOrFalse(who, name, options[name] ?? false);
  const clean: CleanOptions = {
    format: options.format === undefined ? undefined : oneOf(who, "format", options.format, formats),
    separator: options.separator === undefined ? undefined : cleanSeparator(who, options.separator),
    header: options.header === undefined ? undefined : trueOrFalse(who, "header", options.header),
    asked: {
      user: cleanColumn(who, "user", options.user),
      item: cleanColumn(who, "item", options.item),
      rating: cleanColumn(who, "rating", options.rating),
      time: cleanColumn(who, "time", options.time),
    },
    noRating: flag("noRating"),
    noTime: flag("noTime"),
    encoding: options.encoding === undefined ? undefined : oneOf(who, "encoding", options.encoding, encodings),
    decimal: oneOf(who, "decimal", options.decimal ?? ".", [".", ","]),
    onBadRow: oneOf(who, "onBadRow", options.onBadRow ?? "fail", ["fail", "drop"]),
    zeroIsMissing: flag("zeroIsMissing"),
    stringIds: cleanStringIds(who, options.stringIds),
    duplicates:
      options.duplicates === undefined ? undefined : oneOf(who, "duplicates", options.duplicates, duplicatePolicies),
    rows: options.rows === undefined ? undefined : oneOf(who, "rows", options.rows, ["users", "items"]),
    mask: options.mask === undefined ? undefined : cleanPath(who, "mask", options.mask),
    userIds: options.userIds,
    itemIds: options.itemIds,
    threads: wholeNumber(who, "threads", options.threads ?? 2, 1, 256),
    signal: options.signal,
  };
  refuseContradictions(who, clean);
  return clean;
}

function cleanStringIds(who: string, given: unknown): CleanOptions["stringIds"] {
  if (given === undefined || typeof given === "boolean") return { user: given === true, item: given === true };
  if (given === "user" || given === "item") return { user: given === "user", item: given === "item" };
  throw new OptionError(who, "stringIds", given, 'true, false, "user" or "item"');
}

function cleanPath(who: string, option: string, given: unknown): string {
  if (typeof given === "string" && given !== "") return given;
  throw new OptionError(who, option, given, "the path of a NumPy file");
}

/** A separator of one to four bytes that is no quote and no line end. `\t` and `tab` are understood as a tab. */
export function cleanSeparator(who: string, given: unknown): string {
  const separator = given === "\\t" || given === "tab" ? "\t" : given;
  const fits =
    typeof separator === "string" && /^[^"\r\n]+$/.test(separator) && new TextEncoder().encode(separator).length <= 4;
  if (fits) return separator;
  throw new OptionError(who, "separator", given, "one to four characters other than quotes and line ends");
}

export function cleanColumn(who: string, option: string, given: unknown): ColumnChoice | undefined {
  if (given === undefined || (typeof given === "string" && given.trim() !== "")) return given;
  if (typeof given === "number" && Number.isInteger(given) && given >= 1) return given;
  throw new OptionError(who, option, given, "the name of a column or its position, counted from 1");
}

function refuseContradictions(
  who: string,
  { asked, noRating, noTime, zeroIsMissing, format, separator }: CleanOptions,
) {
  if (noRating && asked.rating !== undefined)
    throw new OptionError(who, "rating", asked.rating, "left out when noRating is true", "state one of the two");
  if (noRating && zeroIsMissing)
    throw new OptionError(who, "zeroIsMissing", true, "left out when noRating is true", "state one of the two");
  if (noTime && asked.time !== undefined)
    throw new OptionError(who, "time", asked.time, "left out when noTime is true", "state one of the two");
  if (separator !== undefined && (format === "jsonl" || format === "parquet"))
    throw new OptionError(who, "separator", separator, `left out for format "${format}"`);
  if (separator !== undefined && separator !== "\t" && format === "tsv")
    throw new OptionError(who, "separator", separator, 'a tab for format "tsv"', 'state format "csv" for another one');
}

/** Options that act for tables alone, with the values they have when nobody stated them. */
const tableOnly = {
  ...{ format: undefined, separator: undefined, header: undefined, encoding: undefined, decimal: "." },
  ...{ onBadRow: "fail", noRating: false, noTime: false, duplicates: undefined },
} as const satisfies Partial<CleanOptions>;

/** @throws OptionError for an option that cannot act on a matrix, by its name */
export function refuseTableOptions(options: CleanOptions, file: string): void {
  const stated = (Object.keys(tableOnly) as (keyof typeof tableOnly)[]).find(
    (name) => options[name] !== tableOnly[name],
  );
  const column = (["user", "item", "rating", "time"] as const).find((name) => options.asked[name] !== undefined);
  const got = stated === undefined ? column && options.asked[column] : options[stated];
  const name = stated ?? column;
  if (name !== undefined)
    throw new OptionError("readRatings", name, got, `left out: ${file} is a matrix, and this is about tables`);
}

/** @throws OptionError for an option that acts on a matrix alone, by its name */
export function refuseMatrixOptions(options: CleanOptions, file: string): void {
  const name = (["rows", "mask", "userIds", "itemIds"] as const).find((option) => options[option] !== undefined);
  if (name !== undefined)
    throw new OptionError(
      "readRatings",
      name,
      options[name],
      `left out: ${file} is a table, and this is about matrices`,
    );
}
