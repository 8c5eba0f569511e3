/**
 * Where words go: data to stdout, messages to stderr. With `--json` stdout holds JSON and nothing else; with `--quiet`
 * stderr holds warnings and errors only.
 */

import { displayWidth, inAscii, printable } from "../terminal-text.ts";
import type { Failure } from "./exit.ts";
import { wrapped } from "./format.ts";

export interface OutputMode {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
  readonly debug?: boolean | undefined;
}

/** Table width where there is no terminal to ask. */
const DEFAULT_WIDTH = 100;
const LEAST_WIDTH = 40;

export class Output {
  readonly mode: OutputMode;
  readonly #out: NodeJS.WriteStream;
  readonly #err: NodeJS.WriteStream;

  constructor(
    mode: OutputMode = {},
    out: NodeJS.WriteStream = process.stdout,
    err: NodeJS.WriteStream = process.stderr,
  ) {
    this.mode = mode;
    this.#out = out;
    this.#err = err;
  }

  /** Columns to fit tables in: the terminal's, between 40 and 100; 100 where there is none. */
  get width(): number {
    return Math.min(DEFAULT_WIDTH, Math.max(LEAST_WIDTH, this.#out.columns ?? this.#err.columns ?? DEFAULT_WIDTH));
  }

  /** Whether results may hold signs beyond ASCII: not on a terminal that shows none of them. */
  get isUnicode(): boolean {
    return this.#out.isTTY !== true || showsUnicode(process.env, process.platform);
  }

  /** The stream for progress, and whether a person watches it. */
  get messages(): {
    readonly stream: NodeJS.WriteStream;
    readonly isTerminal: boolean;
    readonly isQuiet: boolean;
    /** Text in the signs that the stream can show */
    shown(text: string): string;
  } {
    const isTerminal = this.#err.isTTY === true && process.env.TERM !== "dumb";
    const shown = (text: string) => inSigns(this.#err, text);
    return { stream: this.#err, isTerminal, isQuiet: this.mode.quiet === true, shown };
  }

  /** A message: what is happening, what was found. */
  say(...lines: readonly string[]): void {
    if (!this.mode.quiet) this.#err.write(lines.map((line) => `${laidOut(this.#err, line)}\n`).join(""));
  }

  /** Something the user should know about, said even with `--quiet`. */
  warn(message: string): void {
    const text = laidOut(this.#err, `warning: ${message}`);
    this.#err.write(`${text.replace("warning:", mark(this.#err, "33", "warning:"))}\n`);
  }

  /** Result lines for people; left out with `--json`, where `json` speaks. */
  print(...lines: readonly string[]): void {
    if (!this.mode.json) this.#out.write(lines.map((line) => `${inSigns(this.#out, line)}\n`).join(""));
  }

  /** The result for programs, one JSON value on its own lines; left out without `--json`. */
  json(value: unknown): void {
    if (this.mode.json) this.#out.write(`${JSON.stringify(value, plainNumbers, 2)}\n`);
  }

  /** Result data as it is (CSV, JSON lines). Resolves when the reader keeps up, so that memory stays bounded. */
  async data(text: string): Promise<void> {
    if (!this.#out.write(text)) await new Promise<void>((resolve) => this.#out.once("drain", resolve));
  }

  /** The last words of a failed command. */
  fail(program: string, failure: Failure): void {
    const text = laidOut(this.#err, `${program}: ${failure.message}`);
    this.#err.write(`${text.replace(`${program}:`, mark(this.#err, "31", `${program}:`))}\n`);
    if (this.mode.json) {
      const { code, message, facts } = failure;
      this.#err.write(`${JSON.stringify({ error: { code, message, facts } }, plainNumbers)}\n`);
    }
  }

  /** A heading, bold where a terminal shows it. */
  heading(text: string): string {
    return mark(this.#out, "1", text);
  }

  /** A side remark, dim where a terminal shows it. */
  dim(text: string): string {
    return mark(this.#out, "2", text);
  }
}

/** JSON has no NaN and no infinity; a figure that does not exist is null. Typed arrays become arrays, maps objects. */
function plainNumbers(_key: string, value: unknown): unknown {
  if (typeof value === "number" && !Number.isFinite(value)) return null;
  if (typeof value === "bigint") return Number(value);
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return Array.from(value as unknown as ArrayLike<number>);
  if (value instanceof Map) return Object.fromEntries(value);
  return value;
}

/** A message as a stream shows it: on a terminal broken at blanks, elsewhere one line, so that scripts find it whole. */
function laidOut(stream: NodeJS.WriteStream, text: string): string {
  const lines = text.split("\n").map(printable);
  // What is to be typed again stays in one piece.
  const isCommand = (line: string) => line.startsWith("Next: ");
  const width = stream.isTTY ? Math.max(LEAST_WIDTH, stream.columns ?? DEFAULT_WIDTH) : undefined;
  const shown = width === undefined ? lines : lines.flatMap((line) => (isCommand(line) ? line : indented(line, width)));
  return inSigns(stream, shown.join("\n"));
}

/** A line broken at blanks, the further ones a little more indented than the first. */
function indented(line: string, width: number): string[] {
  if (displayWidth(line) <= width) return [line];
  const indent = line.slice(0, line.length - line.trimStart().length);
  const [first, ...rest] = wrapped(line.trimStart(), width - indent.length - 2);
  return [indent + first, ...rest.map((each) => `${indent}  ${each}`)];
}

/** Text in the signs that a stream can show. */
function inSigns(stream: NodeJS.WriteStream, text: string): string {
  return stream.isTTY === true && !showsUnicode(process.env, process.platform) ? inAscii(text) : text;
}

/**
 * Whether a terminal shows more than ASCII, by what its environment says: the first of LC_ALL, LC_CTYPE and LANG that is set
 * names the encoding (POSIX, Base Definitions, section 8.2); the Linux console has no Braille. Where nothing is said, it does.
 */
export function showsUnicode(environment: Readonly<Record<string, string | undefined>>, platform: string): boolean {
  if (environment.TERM === "linux" || environment.TERM === "dumb") return false;
  if (platform === "win32") return true;
  const locale = [environment.LC_ALL, environment.LC_CTYPE, environment.LANG].find(
    (one) => one !== undefined && one !== "",
  );
  return locale === undefined || /utf-?8/i.test(locale);
}

/** Colour only for a terminal, and never against the user's wish (no-color.org). */
function mark(stream: NodeJS.WriteStream, code: string, text: string): string {
  const plain = !stream.isTTY || process.env.NO_COLOR || process.env.TERM === "dumb";
  return plain ? text : `\u001b[${code}m${text}\u001b[0m`;
}
