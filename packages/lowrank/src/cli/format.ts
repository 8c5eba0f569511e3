/**
 * Values in, text for people out: numbers, durations, sizes, and tables whose columns line up in any terminal.
 */
import { rounded } from "@lowrank/core/support";
import { displayWidth, printable, shortened } from "../terminal-text.ts";

/** 1000209 → `1,000,209`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** `1 user`, `2 users`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** The end of a scale: 1,000,209 with commas, 4.9982 to 4 digits, 5.867e+22. */
export function scaleNumber(value: number): string {
  return Number.isInteger(value) && Math.abs(value) < MOST_COUNTED ? count(value) : rounded(value);
}

/** Whole numbers from here on are measured rather than counted: `figure` writes them. */
const MOST_COUNTED = 1e15;

/**
 * A number with so many decimals, as numbers of its kind have them: `4.27`. Where these would show nothing of it, or more digits than
 * there are, it is `figure` that writes it.
 *
 * @param size of the numbers that it stands among, such as the largest rating; they are all written alike
 */
export function decimal(value: number, decimals: number, size = value): string {
  const scale = Math.abs(size);
  const isPlain = scale === 0 || (scale >= 10 ** (1 - decimals) && scale < 1e7);
  return isPlain ? value.toFixed(decimals) : figure(value);
}

/** `a sweep`, `an epoch`. */
export function aPass(pass: string): string {
  return `${/^[aeio]/.test(pass) ? "an" : "a"} ${pass}`;
}

/** About `digits` significant digits, without exponents where a person would not write them. */
export function figure(value: number, digits = 4): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-5) return value.toExponential(digits - 1);
  if (size >= 10 ** digits) return count(Math.round(value));
  return value.toFixed(Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
}

/** A share as percent: 0.0170 → `1.70 %`. */
export function percent(share: number): string {
  return `${figure(100 * share, 3)} %`;
}

/** A share that the user wrote, as percent: 0.1 → `10 %`. */
export function inPercent(share: number): string {
  return `${Number((100 * share).toPrecision(6))} %`;
}

/** Seconds as people say them: `8 ms`, `1.24 s`, `2 min 05 s`, `1 h 02 min`. */
export function duration(seconds: number): string {
  if (seconds < 0.0995) return `${Math.max(1, Math.round(1000 * seconds))} ms`;
  if (seconds < 10) return `${seconds.toFixed(seconds < 1 ? 2 : 1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** Bytes in decimal units, as disks and networks count: `2.61 MB`. */
export function bytes(value: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let size = value;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit++;
  }
  return unit === 0 ? counted(value, "byte") : `${size.toPrecision(3)} ${units[unit]}`;
}

/** 4100000 → `4.1 M`. */
export function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(1)} M`;
  if (perSecond >= 1e4) return `${Math.round(perSecond / 1e3)} k`;
  return count(Math.round(perSecond));
}

/** `a, b and c`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
}

export interface Column {
  readonly title: string;
  /** Numbers go right, words go left (the default) */
  readonly align?: "left" | "right";
  /** May be shortened when the table is wider than the terminal; the widest such column gives way first */
  readonly flexible?: boolean;
}

/**
 * Lines of a table, two blanks between columns, without trailing blanks. Where its columns do not fit beside each other it goes on below,
 * the first column again in front.
 *
 * @param rows one text per column; shorter rows leave the rest empty, and a text alone is a heading as long as it is
 * @param width columns of the terminal that the table should fit in, by shortening flexible columns
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width = 100,
  indent = "  ",
): string[] {
  const isHeading = (r: number) => rows[r].length === 1 && columns.length > 1;
  const cells = rows.map((row) => columns.map((_, c) => printable(row[c] ?? "")));
  const widths = columns.map((column, c) =>
    Math.max(displayWidth(column.title), ...cells.filter((_, r) => !isHeading(r)).map((row) => displayWidth(row[c]))),
  );
  const gap = "  ";
  let excess = indent.length + widths.reduce((sum, w) => sum + w, 0) + gap.length * (columns.length - 1) - width;
  while (excess > 0) {
    let widest = -1;
    for (let c = 0; c < columns.length; c++) {
      if (columns[c].flexible && widths[c] > 8 && (widest < 0 || widths[c] > widths[widest])) widest = c;
    }
    if (widest < 0) break;
    widths[widest]--;
    excess--;
  }
  const titles = columns.map((column) => column.title);
  const line = (row: readonly string[], shown: readonly number[]) =>
    (indent + shown.map((c) => aligned(row[c], widths[c], columns[c].align)).join(gap)).trimEnd();
  return inPieces(widths, width - indent.length, gap.length).flatMap((shown, piece) => [
    ...(piece === 0 ? [] : [""]),
    ...(shown.some((c) => titles[c] !== "") ? [line(titles, shown)] : []),
    ...cells.map((row, r) => (isHeading(r) ? `${indent}${row[0]}`.trimEnd() : line(row, shown))),
  ]);
}

/** The columns that fit beside each other, the first one in each piece. */
function inPieces(widths: readonly number[], width: number, gap: number): number[][] {
  const pieces: number[][] = [[0]];
  let used = widths[0];
  for (let c = 1; c < widths.length; c++) {
    const last = pieces[pieces.length - 1];
    const needs = gap + widths[c];
    // A column without words at the end is no reason to begin anew.
    if (used + needs > width && last.length > 1 && widths[c] > 0) {
      pieces.push([0, c]);
      used = widths[0] + needs;
    } else {
      last.push(c);
      used += needs;
    }
  }
  return pieces;
}

function aligned(text: string, width: number, align: "left" | "right" = "left"): string {
  const fitted = shortened(text, width);
  const blanks = " ".repeat(Math.max(0, width - displayWidth(fitted)));
  return align === "right" ? blanks + fitted : fitted + blanks;
}

/** Fewer columns than this beside the labels, and texts go below them. */
const LEAST_BESIDE = 26;

/** `label   text` lines with the labels in one column and long texts over several lines: how facts are shown. */
export function factLines(pairs: readonly (readonly [label: string, text: string])[], width = 100): string[] {
  const labelWidth = Math.max(...pairs.map(([label]) => displayWidth(label)));
  if (width - labelWidth - 4 < LEAST_BESIDE)
    return pairs.flatMap(([label, text]) => [
      `  ${label}`,
      ...wrapped(printable(text), width - 6).map((line) => `      ${line}`),
    ]);
  const rows = pairs.flatMap(([label, text]) =>
    wrapped(printable(text), width - labelWidth - 4).map((line, at) => [at === 0 ? label : "", line]),
  );
  return table([{ title: "" }, { title: "" }], rows, Number.POSITIVE_INFINITY);
}

/** Text in lines of at most `width` columns, broken at blanks; a longer word has a line of its own. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && displayWidth(line) + 1 + displayWidth(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** A sentence below a heading: indented, and further lines a little more. */
export function hanging(text: string, width = 100): string[] {
  return wrapped(printable(text), width - 4).map((line, at) => `${at === 0 ? "  " : "    "}${line}`);
}

/** One CSV field, quoted when it must be (RFC 4180). */
function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

/** One CSV line with its line end. */
export function csvLine(fields: readonly (string | number)[]): string {
  return `${fields.map(csvField).join(",")}\n`;
}

/** A bar of `width` columns at most, as long as `share` (0 to 1) says, in eighths of a column. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const rest = eighths % 8;
  return "█".repeat(Math.floor(eighths / 8)) + (rest === 0 ? "" : String.fromCharCode(0x2590 - rest));
}
