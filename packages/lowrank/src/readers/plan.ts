/**
 * How one file will be read, decided before it is read: format, layout, which column is what. Only the first lines are
 * looked at (for Parquet the schema), so that a wrong file is refused at once.
 */
import { AbortedError, DataError } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import { refusal } from "../remedy.ts";
import {
  columnsByName,
  columnsByPosition,
  namesUsersAndItems,
  quotedList,
  type Role,
  type Roles,
  roles,
} from "./columns.ts";
import { layoutOf, type TextLayout } from "./dialect.ts";
import { Duck, duckMessage, quotedPath } from "./duck.ts";
import type { CleanOptions } from "./options.ts";
import type { SourceFile } from "./source.ts";

/** `number` when all ids are whole numbers that a double holds exactly, as far as the plan can see. */
export type IdKind = "number" | "string";

interface Common {
  readonly file: SourceFile;
  readonly columns: Roles;
  readonly ids: { readonly user: IdKind; readonly item: IdKind };
  /** What was taken for what, as a sentence without the file's name */
  readonly note: string;
}

export interface TextPlan extends Common {
  readonly kind: "text";
  readonly layout: TextLayout;
  readonly decimal: "." | ",";
}

/** One user per line, then that user's items. */
export interface ListsPlan extends Common {
  readonly kind: "lists";
  readonly layout: TextLayout;
}

export interface JsonPlan extends Common {
  readonly kind: "jsonl";
  /** Keys of the objects; `columns` are indexes into these */
  readonly names: readonly string[];
}

export interface ParquetPlan extends Common {
  readonly kind: "parquet";
  readonly names: readonly string[];
  /** DuckDB's types, one for each name */
  readonly types: readonly string[];
}

export type Plan = TextPlan | ListsPlan | JsonPlan | ParquetPlan;

/** Whether a text, as it stands, is a whole number that stays the same when read as one: no `007`, `1.0` or `+1`. */
function isPlainInteger(text: string): boolean {
  return /^(0|-?[1-9]\d*)$/.test(text.trim()) && Number.isSafeInteger(Number(text));
}

/** @throws DataError naming file and remedy */
export async function planFile(file: SourceFile, options: CleanOptions): Promise<Plan> {
  const { format } = options;
  if (format !== undefined && file.parquet !== (format === "parquet")) {
    throw new DataError(
      `${file.name}: is ${file.parquet ? "" : "not "}Parquet, but format ${show(format)} was stated; leave the format out`,
      { file: file.name, format },
    );
  }
  if (file.parquet) return planParquet(file, options);
  const start = file.head.text.trimStart()[0];
  if (options.format === "jsonl" || (options.format === undefined && start === "{")) return planJson(file, options);
  if (options.format === undefined && start === "[" && /^\s*\[\s*(\{|\])/.test(file.head.text)) {
    throw new DataError(
      `${file.name}: is one JSON array; give one object a line instead (jq -c '.[]' writes it so) or CSV`,
      { file: file.name },
    );
  }
  return options.format === "lists" ? planLists(file, options) : planText(file, options);
}

function planText(file: SourceFile, options: CleanOptions): TextPlan {
  const names = roles.flatMap((role) => (typeof options.asked[role] === "string" ? [options.asked[role]] : []));
  const separator = options.format === "tsv" ? "\t" : options.separator;
  const layout = layoutOf(file.name, file.head, { separator, header: options.header, names });
  const columns =
    layout.header === undefined
      ? columnsByPosition(file.name, layout.fields, options)
      : columnsByName(file.name, layout.header, options, layout.firstLine);
  if (layout.sample.length === 0 && file.head.whole) {
    throw new DataError(`${file.name}: has a header but no ratings below it; give a file with ratings`, {
      file: file.name,
      line: layout.firstLine,
    });
  }
  if (layout.header === undefined && options.asked.rating === undefined)
    refuseTimesAsRatings(file.name, layout, columns);
  const rows = layout.sample.filter((fields) => fields.length === layout.fields && hasNumber(fields, columns.rating));
  const ids = { user: kindOf(rows, columns.user), item: kindOf(rows, columns.item) };
  const separated = `fields separated by ${separatorName(layout.dialect.separator)}`;
  const header = layout.header;
  const taken =
    header === undefined
      ? `no header; ${assignments(columns, (index) => `column ${index + 1}`)}`
      : assignments(columns, (index) => show(header[index]));
  const note = `${separated}; ${taken}${lackOfRatings(columns, options, header)}`;
  return { kind: "text", file, layout, columns, ids, note, decimal: options.decimal };
}

function planLists(file: SourceFile, options: CleanOptions): ListsPlan {
  const separator = options.separator ?? listSeparator(file.head.text);
  const layout = layoutOf(file.name, file.head, { separator, header: options.header ?? false, names: [] });
  const asked = roles.find((role) => options.asked[role] !== undefined);
  if (asked !== undefined)
    throw new DataError(`${file.name}: format "lists" has no ${asked} column to state; leave ${asked} out`, {
      file: file.name,
      role: asked,
    });
  if (options.header === undefined) refuseHeaderAsList(file.name, layout);
  const columns: Roles = { user: 0, item: 1, rating: undefined, time: undefined };
  const users = layout.sample.map(([user]) => [user]);
  const items = layout.sample.flatMap(([, ...list]) => list.filter((item) => item !== "").map((item) => [item]));
  const note = `one user a line, then that user's items, separated by ${separatorName(separator)}`;
  return { kind: "lists", file, layout, columns, ids: { user: kindOf(users, 0), item: kindOf(items, 0) }, note };
}

/** Lists have no header, as a rule; the names of an ordinary table would become a user with items. */
function refuseHeaderAsList(file: string, { sample, firstLine }: TextLayout): void {
  const [first, ...others] = sample;
  const isName = (field: string) => field !== "" && !isPlainInteger(field);
  const standsAbove =
    first.every(isName) && others.length > 0 && others.every((fields) => fields.every((field) => !isName(field)));
  if (!namesUsersAndItems(first) && !standsAbove) return;
  throw refusal(
    `${file} line ${firstLine}: ${quotedList(first)} look like names of columns, and format "lists" has one user and then that user's items on each line`,
    (say) =>
      `${say("leave the format out", "leave --format out")} if this is a table; else pass ` +
      `${say("header: true", "--header")} to pass over line ${firstLine}, or ${say("header: false", "--no-header")} if it holds ids`,
    { file, line: firstLine, got: first.slice(0, 12) },
  );
}

function listSeparator(text: string): string {
  return ["\t", ";", "|", ",", " "].find((separator) => text.includes(separator)) ?? " ";
}

function planJson(file: SourceFile, options: CleanOptions): JsonPlan {
  const names: string[] = [];
  const known = new Set<string>();
  const objects: Record<string, unknown>[] = [];
  const lines = file.head.text.split("\n").slice(0, file.head.whole ? 101 : -1);
  for (const line of lines.slice(0, 100)) {
    const object = line.trim() === "" ? undefined : parsedObject(line);
    if (object === undefined) continue;
    objects.push(object);
    for (const name of Object.keys(object)) if (!known.has(name)) known.add(names[names.push(name) - 1]);
  }
  if (objects.length === 0) {
    throw new DataError(
      `${file.name} line 1: ${show(lines[0] ?? "")} is not a JSON object; give one object a line, such as {"user": 1, "item": 2, "rating": 4}`,
      { file: file.name, line: 1 },
    );
  }
  const columns = columnsByName(file.name, names, options);
  const kind = (index: number): IdKind =>
    objects.every((object) => object[names[index]] == null || Number.isSafeInteger(object[names[index]]))
      ? "number"
      : "string";
  const note = `JSON, one object a line; ${assignments(columns, (index) => show(names[index]))}`;
  const ids = { user: kind(columns.user), item: kind(columns.item) };
  return { kind: "jsonl", file, names, columns, ids, note: note + lackOfRatings(columns, options, names) };
}

function parsedObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

async function planParquet(file: SourceFile, options: CleanOptions): Promise<ParquetPlan> {
  const duck = await Duck.open([file.path], 1, options.signal);
  let schema: string[][];
  try {
    const rows = await duck.rows(`DESCRIBE SELECT * FROM read_parquet(${quotedPath(file.path)})`);
    schema = rows.map((row) => row.map(String));
  } catch (error) {
    if (error instanceof AbortedError) throw error;
    throw new DataError(
      `${file.name}: the Parquet file is damaged or cut short (${duckMessage(error, file)}); get it again`,
      { file: file.name },
      error,
    );
  } finally {
    duck.close();
  }
  const names = schema.map(([name]) => name);
  const types = schema.map(([, type]) => type);
  const columns = columnsByName(file.name, names, options);
  for (const role of roles) refuseType(file.name, role, columns, names, types);
  const kind = (index: number): IdKind =>
    /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(.*\))$/.test(types[index])
      ? "number"
      : "string";
  const note = `Parquet; ${assignments(columns, (index) => show(names[index]))}`;
  const ids = { user: kind(columns.user), item: kind(columns.item) };
  return { kind: "parquet", file, names, types, columns, ids, note: note + lackOfRatings(columns, options, names) };
}

function refuseType(file: string, role: Role, columns: Roles, names: readonly string[], types: readonly string[]) {
  const index = columns[role];
  if (index === undefined) return;
  const type = types[index];
  const nested = /\[|^(STRUCT|MAP|LIST|UNION|BLOB|BIT)\b/.test(type);
  const wrong =
    role === "rating" ? /^(DATE|TIME|INTERVAL|UUID)/.test(type) : /^(TIME$|TIME WITH|INTERVAL|BOOLEAN|UUID)/.test(type);
  if (!nested && (role === "user" || role === "item" || !wrong)) return;
  throw refusal(
    `${file}: column ${show(names[index])} is of type ${type}, which cannot be ${role === "item" ? "an" : "a"} ${role}`,
    (say) => `state another column with ${say(role, `--${role}-column`)}`,
    { file, role, column: names[index], type },
  );
}

/** The third column of a headerless file may be times; ratings are never beyond 100 million in every row. */
function refuseTimesAsRatings(file: string, layout: TextLayout, { rating }: Roles): void {
  if (rating === undefined || layout.sample.length === 0) return;
  if (!layout.sample.every((fields) => Number(fields[rating]) >= 1e8)) return;
  const place = rating + 1;
  throw refusal(
    `${file}: has no header line, and column ${place} looks like times, not ratings (${layout.sample[0][rating]})`,
    (say) =>
      `pass ${say(`time: ${place} with noRating: true`, `--time-column ${place} --no-rating`)}, or ` +
      `${say(`rating: ${place}`, `--rating-column ${place}`)} if it is the rating`,
    { file, column: place, got: layout.sample[0][rating] },
  );
}

/** Rows without a rating are bad and may be dropped: their ids tell nothing. */
function hasNumber(fields: readonly string[], rating: number | undefined): boolean {
  return rating === undefined || Number.isFinite(Number(fields[rating].trim().replace(",", ".") || Number.NaN));
}

function kindOf(rows: readonly (readonly string[])[], column: number): IdKind {
  return rows.every(
    (fields) => column >= fields.length || fields[column].trim() === "" || isPlainInteger(fields[column]),
  )
    ? "number"
    : "string";
}

/** `user from "userId", item from "movieId"`. */
function assignments(columns: Roles, name: (index: number) => string): string {
  const parts = roles.flatMap((role) => {
    const index = columns[role];
    return index === undefined ? [] : [`${role} from ${name(index)}`];
  });
  return parts.join(", ");
}

/** Says that there are no ratings, and what to do if there ought to be. */
function lackOfRatings(columns: Roles, { noRating }: CleanOptions, names: readonly string[] | undefined): string {
  if (columns.rating !== undefined) return "";
  if (noRating) return "; ratings left out, every record counts as one event";
  const used = Object.values(columns);
  const others = names?.filter((_, index) => !used.includes(index)) ?? [];
  const hint =
    others.length === 0 ? "" : ` (if one of ${quotedList(others)} is the rating, state it as the rating column)`;
  return `; no rating column, so every record counts as one event${hint}`;
}

function separatorName(separator: string): string {
  return separator === "\t" ? "tabs" : separator === " " ? "spaces" : show(separator);
}
