/**
 * How a text file is written, told from its first lines: separator, quotes, line ends, header. Pure; reads no file.
 */
import { DataError } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import { refusal } from "../remedy.ts";
import { namesAnything, namesUsersAndItems, plain } from "./columns.ts";
import { type Dialect, type ScannedRecord, scanText } from "./scan.ts";

/** The first characters of a file, decoded. */
export interface Head {
  readonly text: string;
  /** True when that is the whole file */
  readonly whole: boolean;
}

export interface TextLayout {
  readonly dialect: Dialect;
  /** Names in the header line; undefined when there is none */
  readonly header: readonly string[] | undefined;
  /** Where the header stands, or would stand: the first line that is not blank, counted from 1 */
  readonly firstLine: number;
  /** Fields in the first line */
  readonly fields: number;
  /** The first records after the header */
  readonly sample: readonly (readonly string[])[];
}

/** Tried in this order when several split the lines evenly: rarer inside values first. */
const separators = ["::", "\t", ";", "|", ",", " "] as const;

/** Lines looked at. */
const SAMPLE = 100;

export interface LayoutWishes {
  readonly separator: string | undefined;
  readonly header: boolean | undefined;
  /** Names that the caller gave for columns: they tell a header when they are there */
  readonly names: readonly string[];
}

/** @throws DataError when no separator makes sense of the first lines */
export function layoutOf(file: string, head: Head, wishes: LayoutWishes): TextLayout {
  const newline = head.text.includes("\n") || !head.text.includes("\r") ? "\n" : "\r";
  const text = wholeLines(head, newline);
  if (text.trim() === "")
    throw new DataError(`${file}: holds nothing but blank lines; give a file with ratings`, { file });
  const separator = wishes.separator ?? likelySeparator(file, text, newline);
  const dialect: Dialect = { separator, quotes: usesQuotes(text, separator), newline };
  const records = scanText(text, dialect).slice(0, SAMPLE);
  const [first, second] = records;
  const header = wishes.header ?? isHeader(first.fields, second?.fields, wishes.names);
  return {
    dialect,
    header: header ? first.fields.map((name) => name.trim()) : undefined,
    firstLine: first.line,
    fields: first.fields.length,
    sample: records.slice(header ? 1 : 0).map((record) => record.fields),
  };
}

/** The head up to its last line end: a line cut in the middle would mislead. */
function wholeLines({ text, whole }: Head, newline: string): string {
  const end = text.lastIndexOf(newline) + 1;
  return whole || end === 0 ? text : text.slice(0, end);
}

function likelySeparator(file: string, text: string, newline: Dialect["newline"]): string {
  let best: { separator: string; share: number } | undefined;
  let spread = false;
  for (const separator of separators) {
    const records = scanText(text, { separator, quotes: usesQuotes(text, separator), newline }).slice(0, SAMPLE);
    const { count, share } = commonest(records);
    if (separator === " " && share < 0.5) spread = records.some((record) => record.fields.length > 2);
    if (count >= 2 && share >= 0.5 && share > (best?.share ?? 0)) best = { separator, share };
  }
  if (best !== undefined) return best.separator;
  const firstLine = text.split(newline, 1)[0].trim();
  throw refusal(
    `${file} line 1: cannot tell columns apart in ${show(firstLine)}`,
    (say) =>
      spread
        ? `if each line is a user and then that user's items, pass ${say('format: "lists"', "--format lists")}`
        : `state what stands between the fields with ${say('separator: ","', '--separator ","')} or the like`,
    { file, line: 1, got: firstLine.slice(0, 200) },
  );
}

/** The number of fields that most records have, and the share of records that have it. */
function commonest(records: readonly ScannedRecord[]): { count: number; share: number } {
  const tally = new Map<number, number>();
  for (const { fields } of records) tally.set(fields.length, (tally.get(fields.length) ?? 0) + 1);
  const [count, times] = [...tally].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0]);
  return { count, share: times / Math.max(1, records.length) };
}

/**
 * Commas and semicolons come with quotes by custom. Elsewhere a quote is a character, unless one opens and closes a field, in which
 * others are doubled.
 */
function usesQuotes(text: string, separator: string): boolean {
  if (separator === "," || separator === ";") return true;
  if (separator === "::" || separator === " ") return false;
  const mark = separator.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  return new RegExp(`(^|${mark}|[\\r\\n])"([^"\\r\\n]|"")*"(${mark}|[\\r\\n]|$)`).test(text);
}

const isNumber = (field: string) => field.trim() !== "" && Number.isFinite(Number(field.trim().replace(",", ".")));

/** Whether the first line names columns instead of holding a rating. */
export function isHeader(
  first: readonly string[],
  second: readonly string[] | undefined,
  asked: readonly string[],
): boolean {
  if (asked.some((name) => first.some((field) => plain(field) === plain(name)))) return true;
  if (first.some(isNumber)) return false;
  if (namesUsersAndItems(first) || namesAnything(first)) return true;
  return second?.some((field, index) => isNumber(field) && !isNumber(first[index] ?? "")) ?? false;
}
