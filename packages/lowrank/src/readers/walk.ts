/**
 * Goes through a text file row by row, in plain JavaScript: for the line of a bad row, and to copy the good ones.
 * Slow beside DuckDB and used only when something is wrong, except for tables of titles.
 */
import { isUtf8 } from "node:buffer";
import { isFloat } from "@lowrank/core/support";
import { bytesOf } from "./bytes.ts";
import type { TextLayout } from "./dialect.ts";
import type { JsonPlan, ListsPlan, TextPlan } from "./plan.ts";
import type { FormProblem, Problem } from "./problems.ts";
import { type Dialect, type ScannedRecord, Scanner } from "./scan.ts";
import type { SourceFile } from "./source.ts";

/** What can be gone through: the plans of text files, and tables of other things. */
export type Walkable =
  | {
      readonly kind: "text" | "lists";
      readonly file: SourceFile;
      readonly layout: TextLayout;
      readonly columns: Columns;
    }
  | { readonly kind: "jsonl"; readonly file: SourceFile; readonly names: readonly string[]; readonly columns: Columns };

/** Index of the field, or of the name, for each thing to read. */
type Columns = Readonly<Record<string, number | undefined>>;

export type WalkedPlan = TextPlan | ListsPlan | JsonPlan;

export interface WalkedRow {
  /** Counted from 1 in the file */
  readonly line: number;
  /** The row's bytes, one per character, its line end included */
  readonly raw: string;
  readonly isHeader: boolean;
  readonly problem: FormProblem | undefined;
  /** The text at fault, decoded as far as it can be */
  readonly got: string | undefined;
  /** Fields in the row; undefined for JSON */
  readonly found: number | undefined;
  /** Text of each column that was asked for; undefined where the row has none */
  readonly values: Readonly<Record<string, string | undefined>>;
}

/** Rows in batches, one for each piece of the file. Blank lines are skipped and counted. */
export async function* walk(plan: Walkable, signal: AbortSignal | undefined): AsyncGenerator<WalkedRow[]> {
  // Bytes go through the scanner as Latin-1: one character a byte, separators included, and nothing is lost.
  const dialect = plan.kind === "jsonl" ? jsonLines : asBytes(plan.layout.dialect, plan.kind === "lists");
  let headerLine = plan.kind === "jsonl" || plan.layout.header === undefined ? 0 : plan.layout.firstLine;
  const columns = Object.entries(plan.columns).filter((column): column is [string, number] => column[1] !== undefined);
  const rows = (records: Iterable<ScannedRecord>) => {
    const batch: WalkedRow[] = [];
    for (const record of records) {
      if (plan.kind === "jsonl" && record.raw.trim() === "") continue;
      const isHeader = record.line === headerLine;
      if (isHeader) headerLine = 0;
      batch.push(plan.kind === "jsonl" ? jsonRow(plan, columns, record) : textRow(plan, columns, record, isHeader));
    }
    return batch;
  };
  const scanner = new Scanner(dialect);
  for await (const piece of bytesOf(plan.file.name, plan.file.path, plan.file.gzip, signal))
    yield rows(scanner.take(piece.toString("latin1"), false));
  yield rows(scanner.take("", true));
}

/** Whole lines. */
const jsonLines: Dialect = { separator: "\n", quotes: false, newline: "\n" };

function asBytes(dialect: Dialect, lists: boolean): Dialect {
  return {
    ...dialect,
    separator: Buffer.from(dialect.separator, "utf8").toString("latin1"),
    quotes: dialect.quotes && !lists,
  };
}

const isAscii = /^[\0-\x7f]*$/;

/** Bytes, one per character, as text; undefined when they are not UTF-8. */
function fromBytes(bytes: string): string | undefined {
  if (isAscii.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, "latin1");
  return isUtf8(buffer) ? buffer.toString("utf8") : undefined;
}

/** What can be shown of bytes that are not UTF-8: read as Latin-1, which they most often are. */
const shown = (bytes: string) => bytes.trim().slice(0, 200);

/** One object a row and no more: files have many rows. */
function textRow(
  plan: Walkable & { kind: "text" | "lists" },
  columns: readonly (readonly [string, number])[],
  record: ScannedRecord,
  isHeader: boolean,
): WalkedRow {
  const { line, raw, fields } = record;
  const isRagged = plan.kind === "text" && fields.length !== plan.layout.fields;
  let problem: FormProblem | undefined = record.problem ?? (isRagged ? "fields" : undefined);
  let got = problem === undefined ? undefined : shown(raw);
  const values: Record<string, string> = {};
  if (problem === undefined) {
    for (const [name, index] of columns) {
      const bytes = plan.kind === "lists" && index > 0 ? fields.slice(index).join(" ") : fields[index];
      const text = fromBytes(bytes);
      if (text !== undefined) values[name] = text;
      else {
        problem = "encoding";
        got ??= shown(bytes);
      }
    }
  }
  return { line, raw, isHeader, problem, got, found: fields.length, values };
}

function jsonRow(
  plan: Walkable & { kind: "jsonl" },
  columns: readonly (readonly [string, number])[],
  { line, raw }: ScannedRecord,
): WalkedRow {
  const bad = (problem: FormProblem, got: string): WalkedRow => ({
    line,
    raw,
    isHeader: false,
    problem,
    got: shown(got),
    found: undefined,
    values: {},
  });
  const text = fromBytes(raw);
  if (text === undefined) return bad("encoding", raw);
  const object = parsed(text);
  if (object === undefined) return bad("not-json", text);
  if (typeof object !== "object" || object === null || Array.isArray(object)) return bad("not-an-object", text);
  const values: Record<string, string | undefined> = {};
  for (const [name, index] of columns) {
    const value = (object as Record<string, unknown>)[plan.names[index]];
    values[name] = value == null ? undefined : typeof value === "object" ? JSON.stringify(value) : String(value);
  }
  return { line, raw, isHeader: false, problem: undefined, got: undefined, found: undefined, values };
}

/** The value of a JSON text; undefined when it is none. NaN and Infinity are not JSON, but Python writes and DuckDB reads them. */
function parsed(text: string): unknown {
  for (const candidate of [text, text.replace(/(:\s*)(-?(?:NaN|Infinity))(?=\s*[,}])/g, '$1"$2"')]) {
    try {
      return JSON.parse(candidate);
    } catch {
      // the next candidate, if any
    }
  }
  return undefined;
}

/** What is wrong with the values of a row, as far as that is plain to see without DuckDB: not for times. */
export function valueProblem(plan: WalkedPlan, row: WalkedRow): Problem | undefined {
  if (plan.kind === "lists") return undefined;
  const blank = (text: string | undefined) => text === undefined || text.trim() === "";
  const { user, item, rating } = row.values;
  if (plan.kind === "text" && plan.layout.header !== undefined) {
    const { header } = plan.layout;
    if (user?.trim() === header[plan.columns.user] && item?.trim() === header[plan.columns.item]) return "header-again";
  }
  if (plan.columns.rating !== undefined) {
    if (blank(rating)) return "rating-missing";
    const text = rating?.trim() ?? "";
    if (/^[+-]?(nan|inf|infinity)$/i.test(text)) return "rating-not-finite";
    const point = plan.kind === "text" && plan.decimal === "," ? text.replace(",", ".") : text;
    const number = Number(point.replaceAll("_", ""));
    if (Number.isNaN(number)) return "rating-text";
    if (!isFloat(number)) return Math.abs(number) > 1 ? "rating-not-finite" : "rating-vanishes";
  }
  return blank(user) ? "user-missing" : blank(item) ? "item-missing" : undefined;
}
