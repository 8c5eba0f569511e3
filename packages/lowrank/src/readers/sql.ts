/**
 * The query that imports one file: ids, rating and time as columns of numbers (or text), and a code that says what is
 * wrong with a row. Pure: a plan comes in, SQL goes out.
 *
 * Numbers are cast in SQL, so that results arrive as typed arrays. A whole number as an id must read the same when
 * written again; the first that does not (`007`, `A1`) makes the import start over with text ids.
 */
import { quoted, quotedPath } from "./duck.ts";
import type { CleanOptions } from "./options.ts";
import type { IdKind, JsonPlan, ListsPlan, ParquetPlan, Plan, TextPlan } from "./plan.ts";
import { type ValueProblem, valueProblems } from "./problems.ts";

export interface IdKinds {
  readonly user: IdKind;
  readonly item: IdKind;
}

/** Codes of the column `bad` beyond those of `valueProblems`; 0 is a good row. */
export const ZERO_CODE = valueProblems.length + 1;
export const TEXT_USER_CODE = valueProblems.length + 2;
export const TEXT_ITEM_CODE = valueProblems.length + 3;

/** The one row after all others: without it, the result was cut short by an error that DuckDB's stream does not tell. */
export const END_CODE = 255;

const codeOf = (problem: ValueProblem) => valueProblems.indexOf(problem) + 1;

/** One role of the query: what the inner select makes, and expressions over that. */
interface Part {
  readonly inner: readonly string[];
  readonly value: string;
  /** True for nearly every row that no check catches, and for no other: asked first, so that checks cost nothing there */
  readonly good: string;
  /** Conditions and the code of a row that meets them; earlier ones win inside one part */
  readonly checks: readonly { readonly when: string; readonly code: number }[];
}

/** Columns of the result: user, item, rating (if any), time (if any), bad. The last row has `END_CODE` and no values. */
export function importQuery(plan: Plan, kinds: IdKinds, options: CleanOptions, lenient: boolean): string {
  const user = idPart(plan, "user", kinds.user);
  const item = idPart(plan, "item", kinds.item);
  const rating = plan.columns.rating === undefined ? undefined : ratingPart(plan, plan.columns.rating, options);
  const time = plan.columns.time === undefined ? undefined : timePart(plan, plan.columns.time);
  const parts = [rating, time, user, item].filter((part) => part !== undefined);
  const inner = parts.flatMap((part) => part.inner);
  const values = [user, item, rating, time].flatMap((part) => (part === undefined ? [] : [part.value]));
  const checks = [...headerAgain(plan, kinds), ...parts.flatMap((part) => part.checks)].sort((a, b) => a.code - b.code);
  const cases = checks.map(({ when, code }) => `WHEN ${when} THEN ${code}`).join(" ");
  const again = headerAgain(plan, kinds).map(({ when }) => `NOT (${when})`);
  const good = [...parts.map((part) => part.good), ...again].join(" AND ");
  const bad = `(CASE WHEN ${good} THEN 0 ${cases} ELSE 0 END)::UTINYINT`;
  const rows = `SELECT ${[...values, bad].join(", ")} FROM (SELECT ${inner.join(", ")} FROM ${tableOf(plan, lenient)})`;
  return `${rows} UNION ALL SELECT ${values.map(() => "NULL").join(", ")}, ${END_CODE}::UTINYINT`;
}

/** The values of one Parquet row as text, for an error message. */
export function rowQuery(plan: ParquetPlan, row: number): string {
  const names = [plan.columns.user, plan.columns.item, plan.columns.rating, plan.columns.time];
  const values = names.map((index) => (index === undefined ? "NULL" : `${identifier(plan.names[index])}::VARCHAR`));
  return `SELECT ${values.join(", ")} FROM read_parquet(${quotedPath(plan.file.path)}) LIMIT 1 OFFSET ${row}`;
}

function tableOf(plan: Plan, lenient: boolean): string {
  const path = quotedPath(plan.file.path);
  switch (plan.kind) {
    case "text":
      return csvTable(plan, plan.layout.fields, plan.layout.dialect.separator, lenient);
    case "lists":
      return listsTable(plan, lenient);
    case "jsonl":
      return (
        `read_ndjson(${path}, records = true, compression = ${quoted(plan.file.gzip ? "gzip" : "uncompressed")}, ` +
        `columns = {${jsonColumns(plan)}})`
      );
    case "parquet":
      return `read_parquet(${path})`;
    default:
      return plan satisfies never;
  }
}

/** Every field as text, cut as the plan says: DuckDB guesses nothing. */
function csvTable(plan: TextPlan | ListsPlan, fields: number, separator: string, lenient: boolean): string {
  const { header, firstLine, dialect } = plan.layout;
  const quote = dialect.quotes ? `'"'` : "''";
  const columns = Array.from({ length: fields }, (_, index) => `'c${index}': 'VARCHAR'`).join(", ");
  return (
    `read_csv(${quotedPath(plan.file.path)}, auto_detect = false, delim = ${quoted(separator)}, quote = ${quote}, escape = ${quote}, ` +
    `header = ${header !== undefined}, skip = ${firstLine - 1}, strict_mode = ${!lenient}, ` +
    `compression = ${quoted(plan.file.gzip ? "gzip" : "none")}, columns = {${columns}})`
  );
}

/** Lines are read whole (split at a character that text does not have) and then cut into user and items. */
function listsTable(plan: ListsPlan, lenient: boolean): string {
  const separator = quoted(plan.layout.dialect.separator);
  const lines = csvTable(
    { ...plan, layout: { ...plan.layout, dialect: { ...plan.layout.dialect, quotes: false } } },
    1,
    "\u0001",
    lenient,
  );
  return (
    "(SELECT cells[1] AS c0, unnest(list_filter(cells[2:], lambda cell: trim(cell) <> '')) AS c1 FROM " +
    `(SELECT string_split(trim(c0, ' ' || chr(13) || chr(9)), ${separator}) AS cells FROM ${lines}))`
  );
}

function jsonColumns(plan: JsonPlan): string {
  const { user, item, rating, time } = plan.columns;
  const ids = [user, item].map((index) => `${quoted(plan.names[index])}: 'JSON'`);
  const values = [rating, time].flatMap((index) =>
    index === undefined ? [] : [`${quoted(plan.names[index])}: 'VARCHAR'`],
  );
  return [...ids, ...values].join(", ");
}

const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** The column as DuckDB's table calls it. */
function columnOf(plan: Plan, index: number): string {
  return plan.kind === "text" || plan.kind === "lists" ? `c${index}` : identifier(plan.names[index]);
}

/** Files that were joined have their header in the middle, too. */
function headerAgain(plan: Plan, kinds: IdKinds) {
  if (plan.kind !== "text" || plan.layout.header === undefined) return [];
  const { header } = plan.layout;
  const equals = (role: "user" | "item") =>
    `${kinds[role] === "string" ? `${role}_id` : `${role}_text`} = ${quoted(header[plan.columns[role]])}`;
  return [{ when: `${equals("user")} AND ${equals("item")}`, code: codeOf("header-again") }];
}

function idPart(plan: Plan, role: "user" | "item", kind: IdKind): Part {
  const column = columnOf(plan, plan.columns[role]);
  return kind === "number" ? numberId(plan, role, column) : textId(plan, role, column);
}

function numberId(plan: Plan, role: "user" | "item", column: string): Part {
  const [text, whole] = [`${role}_text`, `${role}_whole`];
  const notWhole = role === "user" ? TEXT_USER_CODE : TEXT_ITEM_CODE;
  const isFloat = plan.kind === "parquet" && /^(FLOAT|DOUBLE|DECIMAL)/.test(plan.types[plan.columns[role]]);
  const typed = plan.kind === "parquet";
  const isSafe = `${whole} BETWEEN ${Number.MIN_SAFE_INTEGER} AND ${Number.MAX_SAFE_INTEGER}`;
  const differs = typed
    ? isFloat
      ? `${whole}::DOUBLE <> ${text}::DOUBLE`
      : "false"
    : `(${whole}::VARCHAR <> ${text} AND ${whole}::VARCHAR <> trim(${text}))`;
  const missing = typed
    ? `(${text} IS NULL${isFloat ? ` OR isnan(${text}::DOUBLE)` : ""})`
    : `(${whole} IS NULL AND coalesce(trim(${text}), '') IN ('', '""'))`;
  return {
    inner: [
      `${plan.kind === "jsonl" ? `${column}::VARCHAR` : column} AS ${text}`,
      `TRY_CAST(${plan.kind === "jsonl" ? `${column}::VARCHAR` : column} AS BIGINT) AS ${whole}`,
    ],
    value: `${whole}::DOUBLE`,
    good: `${isFloat ? `${whole}::DOUBLE = ${text}::DOUBLE` : typed ? "true" : `${whole}::VARCHAR = ${text}`} AND ${isSafe}`,
    checks: [
      { when: missing, code: codeOf(`${role}-missing`) },
      {
        when: `(${whole} IS NULL OR ${differs} OR NOT (${isSafe}))`,
        code: notWhole,
      },
    ],
  };
}

function textId(plan: Plan, role: "user" | "item", column: string): Part {
  const id = `${role}_id`;
  // trim() copies every text, blank or not: three times the cost of the import.
  const trimmed = (raw: string) =>
    `CASE WHEN starts_with(${raw}, ' ') OR ends_with(${raw}, ' ') THEN trim(${raw}) ELSE ${raw} END AS ${id}`;
  const text = plan.kind === "jsonl" ? `(${column} ->> '$')` : `${column}::VARCHAR`;
  const missing = { when: `coalesce(${id}, '') = ''`, code: codeOf(`${role}-missing`) };
  if (plan.kind !== "jsonl") return { inner: [trimmed(text)], value: id, good: `${id} <> ''`, checks: [missing] };
  const nested = {
    when: `(starts_with(${role}_json, '{') OR starts_with(${role}_json, '['))`,
    code: codeOf(`${role}-nested`),
  };
  return {
    inner: [trimmed(text), `${column}::VARCHAR AS ${role}_json`],
    value: id,
    good: `${id} <> '' AND NOT ${nested.when}`,
    checks: [missing, nested],
  };
}

/** Largest finite number of 32 bits, and what still rounds to it. */
const MAX_RATING = "3.4028235677973366e38";

/** Half of the smallest number of 32 bits: up to here all round to 0. */
const VANISHING = "7.006492321624085e-46";

function ratingPart(plan: Plan, index: number, options: CleanOptions): Part {
  const column = columnOf(plan, index);
  const isText = plan.kind !== "parquet" || plan.types[index] === "VARCHAR" || plan.types[index].startsWith("ENUM");
  const point = options.decimal === "," && isText ? `replace(${column}, ',', '.')` : column;
  const text = isText ? "trim(rating_text)" : "rating_text::VARCHAR";
  const checks = [
    { when: `(rating IS NULL AND coalesce(${text}, '') = '')`, code: codeOf("rating-missing") },
    { when: "rating IS NULL", code: codeOf("rating-text") },
    { when: `(NOT isfinite(rating) OR abs(rating) >= ${MAX_RATING})`, code: codeOf("rating-not-finite") },
  ];
  checks.push({ when: `(rating <> 0 AND abs(rating) <= ${VANISHING})`, code: codeOf("rating-vanishes") });
  if (options.zeroIsMissing) checks.push({ when: "rating = 0", code: ZERO_CODE });
  const held = `abs(rating) > ${VANISHING}`;
  const good = `abs(rating) < ${MAX_RATING} AND ${options.zeroIsMissing ? held : `(${held} OR rating = 0)`}`;
  return {
    inner: [`${column} AS rating_text`, `TRY_CAST(${point} AS DOUBLE) AS rating`],
    value: "rating",
    good,
    checks,
  };
}

/**
 * Seconds since 1970 for dates and timestamps, UTC where they name no zone; numbers as they are. Zones by name other
 * than UTC are refused: DuckDB would let them leak into the rows after them.
 */
function timePart(plan: Plan, index: number): Part {
  const column = columnOf(plan, index);
  const type = plan.kind === "parquet" ? plan.types[index] : "VARCHAR";
  const isStamp = /^(TIMESTAMP|DATE)/.test(type);
  // Full timestamps without a zone are by far the most common, and read three times as fast without calendars.
  const isPlain = `(length(${column}) = 10 OR (length(${column}) = 19 AND ${column}[17] = ':'))`;
  const fromText =
    `CASE WHEN ${column}[5] <> '-' THEN TRY_CAST(${column} AS DOUBLE) WHEN ${isPlain} THEN epoch(TRY_CAST(${column} AS TIMESTAMP)) ` +
    `WHEN regexp_full_match(${column}, '[-+0-9:./ TZ]*( ?UTC)?') THEN epoch(TRY_CAST(${column} AS TIMESTAMPTZ)) END`;
  const seconds = type === "VARCHAR" ? fromText : isStamp ? `epoch(${column})` : `TRY_CAST(${column} AS DOUBLE)`;
  return {
    inner: [`${column} AS time_text`, `${seconds} AS seconds`],
    value: "seconds::DOUBLE",
    good: "isfinite(seconds)",
    checks: [
      { when: "(seconds IS NULL AND coalesce(trim(time_text::VARCHAR), '') = '')", code: codeOf("time-missing") },
      { when: "(seconds IS NULL OR NOT isfinite(seconds))", code: codeOf("time-text") },
    ],
  };
}
