/**
 * Splits separated text into records with their line numbers: text in pieces comes in, fields go out.
 *
 * DuckDB reads the ratings; this scanner looks at the first lines to plan, reads small tables of titles, and walks a
 * file again when DuckDB refused it, because users need the real line of a bad row and DuckDB counts records.
 * It works on strings of any kind: decoded text, or bytes as Latin-1 characters where only the cut is wanted.
 */

export interface Dialect {
  readonly separator: string;
  /** True: a field that begins with `"` ends with `"`, and `""` inside it is a quote */
  readonly quotes: boolean;
  /** `\n` also ends lines written as `\r\n` */
  readonly newline: "\n" | "\r";
}

/**
 * `open-quote`: a quote that never closes. `after-quote`: text between a closing quote and the separator.
 * `stray-return`: a carriage return in a line without quotes, where lines end in `\n`
 */
export type ScanProblem = "open-quote" | "after-quote" | "too-long" | "stray-return";

export interface ScannedRecord {
  /** Line of its first character, counted from 1 in the file; a quoted field may span several lines */
  readonly line: number;
  readonly fields: readonly string[];
  /** The record as it stands in the text, its line end included */
  readonly raw: string;
  readonly problem: ScanProblem | undefined;
}

/** DuckDB refuses longer records too. */
export const MAX_RECORD_LENGTH = 2_000_000;

type Quoted = { readonly fields: string[]; readonly end: number; readonly problem: ScanProblem | undefined };

export class Scanner {
  readonly #dialect: Dialect;
  #text = "";
  #line = 1;
  /** Where the next quote is in the text; infinite when there is none; less than the position when not known */
  #quote = -1;

  constructor(dialect: Dialect) {
    this.#dialect = dialect;
  }

  /**
   * The records that are complete now; blank lines are skipped. Call with `last` when no more text follows.
   */
  *take(piece: string, last: boolean): Generator<ScannedRecord> {
    this.#text += piece;
    this.#quote = -1;
    let at = 0;
    while (at < this.#text.length) {
      const record = this.#record(at, last);
      if (record === undefined) break;
      const { fields, end, problem } = record;
      const raw = this.#text.slice(at, end);
      const line = this.#line;
      for (let n = raw.indexOf(this.#dialect.newline); n >= 0; n = raw.indexOf(this.#dialect.newline, n + 1))
        this.#line++;
      at = end;
      if (fields.length === 1 && fields[0] === "" && problem === undefined) continue;
      yield { line, fields, raw, problem };
    }
    this.#text = this.#text.slice(at);
  }

  /** The record at `at`; undefined when its end is not here yet. */
  #record(at: number, last: boolean): Quoted | undefined {
    const { separator, quotes, newline } = this.#dialect;
    const lineEnd = this.#text.indexOf(newline, at);
    const stop = lineEnd < 0 ? this.#text.length : lineEnd;
    if (lineEnd < 0 && !last) return this.#tooLong(at, stop);
    const end = lineEnd < 0 ? stop : lineEnd + 1;
    if (!quotes || this.#nextQuote(at) >= stop) {
      const content = this.#text.slice(at, this.#withoutReturn(at, stop));
      const strays = newline === "\n" && content.includes("\r");
      const problem = content.length > MAX_RECORD_LENGTH ? "too-long" : strays ? "stray-return" : undefined;
      return { fields: content.split(separator), end, problem };
    }
    const record = this.#quoted(at, last);
    if (record === undefined && this.#text.length - at <= MAX_RECORD_LENGTH) return undefined;
    const isBad = record?.problem !== undefined;
    if (record !== undefined && (!isBad || (record.problem === "after-quote" && record.end === end))) return record;
    // A quote that swallows the lines after it, to the end or up to the next quote: blame its line and go on after it.
    return { fields: [this.#text.slice(at, this.#withoutReturn(at, stop))], end, problem: "open-quote" };
  }

  /** The first quote from `at` on; looked for once, not for every line before it. */
  #nextQuote(at: number): number {
    if (this.#quote < at) {
      const found = this.#text.indexOf('"', at);
      this.#quote = found < 0 ? Number.POSITIVE_INFINITY : found;
    }
    return this.#quote;
  }

  #tooLong(at: number, stop: number): Quoted | undefined {
    if (stop - at <= MAX_RECORD_LENGTH) return undefined;
    return { fields: [this.#text.slice(at, at + 80)], end: stop, problem: "too-long" };
  }

  #withoutReturn(at: number, stop: number): number {
    return stop > at && this.#dialect.newline === "\n" && this.#text[stop - 1] === "\r" ? stop - 1 : stop;
  }

  /** A record with at least one quote character in it, field by field. */
  #quoted(start: number, last: boolean): Quoted | undefined {
    const { separator, newline } = this.#dialect;
    const text = this.#text;
    const fields: string[] = [];
    let at = start;
    for (;;) {
      let value: string;
      if (text[at] === '"') {
        const close = closingQuote(text, at + 1);
        if (close < 0) return last ? { fields, end: text.length, problem: "open-quote" } : undefined;
        if (close + 2 >= text.length && !last) return undefined;
        value = text.slice(at + 1, close).replaceAll('""', '"');
        at = close + 1;
        while (text[at] === " ") at++;
        if (!text.startsWith(separator, at)) {
          fields.push(value);
          if (at >= text.length) return last ? { fields, end: at, problem: undefined } : undefined;
          if (text[at] === newline) return { fields, end: at + 1, problem: undefined };
          if (text[at] === "\r" && text[at + 1] === newline) return { fields, end: at + 2, problem: undefined };
          const lineEnd = text.indexOf(newline, at);
          if (lineEnd < 0 && !last) return undefined;
          return { fields, end: lineEnd < 0 ? text.length : lineEnd + 1, problem: "after-quote" };
        }
      } else {
        const lineEnd = text.indexOf(newline, at);
        const next = text.indexOf(separator, at);
        if (next < 0 || (lineEnd >= 0 && lineEnd < next)) {
          if (lineEnd < 0 && !last) return undefined;
          const stop = lineEnd < 0 ? text.length : lineEnd;
          fields.push(text.slice(at, this.#withoutReturn(at, stop)));
          return { fields, end: lineEnd < 0 ? stop : lineEnd + 1, problem: undefined };
        }
        value = text.slice(at, next);
        at = next;
      }
      fields.push(value);
      at += separator.length;
    }
  }
}

/** Where the quoted field that begins before `from` ends; -1 when its closing quote is not in the text. */
function closingQuote(text: string, from: number): number {
  let close = text.indexOf('"', from);
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
  return close;
}

/** All records of a text that is whole. */
export function scanText(text: string, dialect: Dialect): ScannedRecord[] {
  return [...new Scanner(dialect).take(text, true)];
}
