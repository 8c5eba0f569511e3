/**
 * Goes through a text file row by row, in plain JavaScript: for the line of a bad row, and to copy the good ones.
 * Slow beside DuckDB and used only when something is wrong, except for tables of titles.
 */
import { isUtf8 } from "node:buffer";
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
  const rows = (records: Iterable<ScannedRecord>) => {
    const batch: WalkedRow[] = [];
    for (const record of records) {
      if (plan.kind === "jsonl" && record.raw.trim() === "") continue;
      const isHeader = record.line === headerLine;
      if (isHeader) headerLine = 0;
      batch.push(plan.kind === "jsonl" ? jsonRow(plan, record) : textRow(plan, record, isHeader));
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

/** Bytes, one per character, as text; undefined when they are not UTF-8. */
export function fromBytes(bytes: string): string | undefined {
  const buffer = Buffer.from(bytes, "latin1");
  return isUtf8(buffer) ? buffer.toString("utf8") : undefined;
}

/** What can be shown of bytes that are not UTF-8: read as Latin-1, which they most often are. */
const shown = (bytes: string) => bytes.trim().slice(0, 200);

function textRow(plan: Walkable & { kind: "text" | "lists" }, record: ScannedRecord, isHeader: boolean): WalkedRow {
  const { line, raw, fields } = record;
  const base = { line, raw, isHeader, found: fields.length };
  if (record.problem !== undefined) return { ...base, problem: record.problem, got: shown(raw), values: {} };
  if (plan.kind === "text" && fields.length !== plan.layout.fields)
    return { ...base, problem: "fields", got: shown(raw), values: {} };
  const values: Record<string, string> = {};
  for (const [role, index] of Object.entries(plan.columns)) {
    if (index === undefined) continue;
    const bytes = plan.kind === "lists" && index > 0 ? fields.slice(index).join(" ") : fields[index];
    const text = fromBytes(bytes);
    if (text === undefined) return { ...base, problem: "encoding", got: shown(bytes), values: {} };
    values[role] = text;
  }
  return { ...base, problem: undefined, got: undefined, values };
}

function jsonRow(plan: Walkable & { kind: "jsonl" }, { line, raw }: ScannedRecord): WalkedRow {
  const base = { line, raw, isHeader: false, found: undefined };
  const text = fromBytes(raw);
  if (text === undefined) return { ...base, problem: "encoding", got: shown(raw), values: {} };
  const got = text.trim().slice(0, 200);
  let object: unknown;
  try {
    // NaN and Infinity are no JSON, but Python writes them and DuckDB reads them.
    object = JSON.parse(text.replace(/(:\s*)(-?(?:NaN|Infinity))(\s*[,}])/g, '$1"$2"$3'));
  } catch {
    return { ...base, problem: "not-json", got, values: {} };
  }
  if (typeof object !== "object" || object === null || Array.isArray(object))
    return { ...base, problem: "not-an-object", got, values: {} };
  const values: Record<string, string | undefined> = {};
  for (const [role, index] of Object.entries(plan.columns)) {
    if (index === undefined) continue;
    const value = (object as Record<string, unknown>)[plan.names[index]];
    values[role] = value == null ? undefined : typeof value === "object" ? JSON.stringify(value) : String(value);
  }
  return { ...base, problem: undefined, got: undefined, values };
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
    if (!Number.isFinite(Math.fround(Number(point.replaceAll("_", "")))))
      return Number.isNaN(Number(point)) ? "rating-text" : "rating-not-finite";
  }
  return blank(user) ? "user-missing" : blank(item) ? "item-missing" : undefined;
}
