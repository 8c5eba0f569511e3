/**
 * Flags that several commands share, and the parsers that turn their texts into clean values. A flag given twice is
 * refused: one of the two would be ignored in silence.
 */
import { duplicatePolicies, validationMetrics } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import type { Command } from "commander";
import { type Encoding, encodings, type Format, formats } from "../file-words.ts";
import type { ReadOptions } from "../readers/index.ts";
import { didYouMean, UsageError } from "./exit.ts";

type Parser<T> = (text: string, previous: T | undefined) => T;

/** A whole number; the engine checks the range where there is one of its own. */
export function whole(flag: string, min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER): Parser<number> {
  return once(flag, (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
    throw new UsageError(`${flag} must be a whole number${rangeOf(min, max)}, got ${show(text)}`, { flag, got: text });
  });
}

/** A finite number, in decimal or exponent form. */
export function real(flag: string, min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY): Parser<number> {
  return once(flag, (text) => {
    const value = numberOf(text);
    if (value !== undefined && value >= min && value <= max) return value;
    throw new UsageError(`${flag} must be a number${rangeOf(min, max)}, got ${show(text)}`, { flag, got: text });
  });
}

function numberOf(text: string): number | undefined {
  const value = text.trim() === "" || /^[+-]?0[xob]/i.test(text) ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** The part of the ratings that is held out: something, and most of them are left to train on. */
export function share(flag: string): Parser<number> {
  return real(flag, 0.001, 0.9);
}

const units: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

/** A size in bytes: `2GB`, `1.5GiB`, `500MB`. A number without its unit is refused: few mean bytes by it. */
export function size(flag: string): Parser<number> {
  return once(flag, (text) => {
    const [, number, unit] = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(text) ?? [];
    const name = Object.keys(units).find((known) => known.toLowerCase() === unit?.toLowerCase());
    const bytes = name === undefined ? Number.NaN : Math.floor(Number(number) * units[name]);
    if (bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
    throw new UsageError(`${flag} must be a size such as 2GB, 1.5GiB or 500MB, got ${show(text)}`, { flag, got: text });
  });
}

/** A finite number, or `auto`: derived from the data. */
export function realOrAuto(flag: string): Parser<number | "auto"> {
  return once<number | "auto">(flag, (text) => {
    const value = text === "auto" ? text : numberOf(text);
    if (value !== undefined) return value;
    throw new UsageError(`${flag} must be a number or auto, got ${show(text)}`, { flag, got: text });
  });
}

/** One of a few words. */
export function word<const T extends string>(flag: string, words: readonly T[]): Parser<T> {
  return once(flag, (text) => {
    const found = words.find((candidate) => candidate === text);
    if (found !== undefined) return found;
    const message = `${flag} must be one of ${words.join(", ")}, got ${show(text)}${didYouMean(text, words)}`;
    throw new UsageError(message, { flag, got: text, allowed: words });
  });
}

/** Any text that is not empty. */
export function text(flag: string): Parser<string> {
  return once(flag, (value) => {
    if (value !== "") return value;
    throw new UsageError(`${flag} must not be empty`, { flag });
  });
}

/** A comma-separated list of whole numbers from 1. */
export function wholes(flag: string): Parser<readonly number[]> {
  return once<readonly number[]>(flag, (value) =>
    value.split(",").map((part) => {
      const number = /^\d+$/.test(part.trim()) ? Number(part) : 0;
      if (number >= 1 && number <= 1e6) return number;
      throw new UsageError(`${flag} must be whole numbers of at least 1 with commas between, got ${show(value)}`, {
        flag,
      });
    }),
  );
}

/** Most ranks that one sweep trains. */
const MAX_RANKS = 64;

/** Ranks as `1,2,4,8` or `1-9`, each once; ascending. */
export function ranks(flag: string): Parser<readonly number[]> {
  return once<readonly number[]>(flag, (value) => {
    const found: number[] = [];
    for (const part of value.split(",")) {
      const [, first, last = first] = /^\s*(\d{1,4})(?:\s*-\s*(\d{1,4}))?\s*$/.exec(part) ?? [];
      const [from, to] = [Number(first), Number(last)];
      if (!(from >= 1 && to >= from && to <= 1024))
        throw new UsageError(`${flag} must be ranks from 1 to 1024 such as 1,2,4,8 or 1-9, got ${show(value)}`, {
          flag,
        });
      for (let rank = from; rank <= to; rank++) found.push(rank);
      if (found.length > MAX_RANKS)
        throw new UsageError(`${flag} must be at most ${MAX_RANKS} ranks, got more: ${show(value)}`, { flag });
    }
    const twice = found.find((rank, at) => found.indexOf(rank) < at);
    if (twice !== undefined)
      throw new UsageError(`${flag} has rank ${twice} twice; state it once`, { flag, got: value });
    return found.sort((a, b) => a - b);
  });
}

/** A flag that may come several times; every text is kept. */
export function several(): Parser<readonly string[]> {
  return (value, previous) => [...(previous ?? []), value];
}

function once<T>(flag: string, parse: (text: string) => T): Parser<T> {
  return (value, previous) => {
    if (previous !== undefined) throw new UsageError(`${flag} is given twice; state it once`, { flag });
    return parse(value);
  };
}

function rangeOf(min: number, max: number): string {
  const low = min > Number.MIN_SAFE_INTEGER && min !== Number.NEGATIVE_INFINITY;
  const high = max < Number.MAX_SAFE_INTEGER && max !== Number.POSITIVE_INFINITY;
  if (low && high) return ` from ${min} to ${max}`;
  return low ? ` of at least ${min}` : "";
}

/** `--json`, `--quiet`, `--debug`: on every command. */
export interface OutputFlags {
  json?: true;
  quiet?: true;
  debug?: true;
}

export function addOutputFlags(command: Command): Command {
  return command
    .optionsGroup("Output:")
    .option("--json", "the result as JSON on stdout")
    .option("-q, --quiet", "warnings and errors only on stderr")
    .option("--debug", "show where an error came from");
}

/** How rating files are read. */
export interface ReadingFlags {
  format?: Format;
  separator?: string;
  header?: boolean;
  userColumn?: string;
  itemColumn?: string;
  ratingColumn?: string;
  timeColumn?: string;
  rating?: boolean;
  time?: boolean;
  encoding?: Encoding;
  decimal?: "." | ",";
  badRows?: "fail" | "drop";
  duplicates?: (typeof duplicatePolicies)[number];
  zeroIsMissing?: true;
  stringIds?: true;
  rows?: "users" | "items";
  mask?: string;
  userIds?: string;
  itemIds?: string;
}

export function addReadingFlags(command: Command): Command {
  return command
    .optionsGroup("Reading ratings (all of this is found out when left out):")
    .option(
      "--format <word>",
      `${formats.join(", ")}; lists: a user and their items on each line`,
      word("--format", formats),
    )
    .option("--separator <text>", 'between fields, such as "," "::" "\\t"', text("--separator"))
    .option("--header", "the first line holds column names")
    .option("--no-header", "the first line holds a rating already")
    .option("--user-column <name>", "column of user ids, by name or position from 1", text("--user-column"))
    .option("--item-column <name>", "column of item ids", text("--item-column"))
    .option("--rating-column <name>", "column of ratings", text("--rating-column"))
    .option("--time-column <name>", "column of times", text("--time-column"))
    .option("--no-rating", "take records as clicks, whatever rating column there is")
    .option("--no-time", "do not read times")
    .option("--encoding <word>", `${encodings.join(", ")} (utf-8)`, word("--encoding", encodings))
    .option("--decimal <sign>", '"." or "," in numbers (.)', word("--decimal", [".", ","]))
    .option(
      "--bad-rows <word>",
      "fail: stop and name the line; drop: leave out and count (fail)",
      word("--bad-rows", ["fail", "drop"]),
    )
    .option(
      "--duplicates <word>",
      `same user and item again: ${duplicatePolicies.join(", ")} (last; sum for clicks)`,
      word("--duplicates", duplicatePolicies),
    )
    .option("--zero-is-missing", "a rating of 0 means that there is none (0 is a rating)")
    .option("--string-ids", "keep ids as text even if all are whole numbers")
    .optionsGroup("Reading a matrix (.npy, .npz, or one array of an archive as data.npz/Y):")
    .option("--rows <word>", "what each row is: users, items; must be stated", word("--rows", ["users", "items"]))
    .option("--mask <file>", "matrix of 1 where there is a rating and 0 elsewhere (NaN is missing)", text("--mask"))
    .option(
      "--user-ids <file>",
      "the users' ids: an array, or text with one on each line (0, 1, 2, …)",
      text("--user-ids"),
    )
    .option("--item-ids <file>", "the items' ids", text("--item-ids"));
}

/** What readRatings takes, from the flags. */
export function readOptions(flags: ReadingFlags & EngineFlags, signal: AbortSignal): ReadOptions {
  if (flags.rating === false && flags.ratingColumn !== undefined) {
    throw new UsageError("--no-rating and --rating-column cannot go together; state one of them");
  }
  if (flags.time === false && flags.timeColumn !== undefined) {
    throw new UsageError("--no-time and --time-column cannot go together; state one of them");
  }
  for (const [flag, path] of [
    ["--mask", flags.mask],
    ["--user-ids", flags.userIds],
    ["--item-ids", flags.itemIds],
  ] as const) {
    if (path === "-")
      throw new UsageError(`${flag} -: standard input holds ratings only; name a file, or ./- for that name`, { flag });
  }
  return {
    format: flags.format,
    separator: flags.separator,
    header: flags.header,
    user: column(flags.userColumn),
    item: column(flags.itemColumn),
    rating: column(flags.ratingColumn),
    time: column(flags.timeColumn),
    noRating: flags.rating === false ? true : undefined,
    noTime: flags.time === false ? true : undefined,
    encoding: flags.encoding,
    decimal: flags.decimal,
    onBadRow: flags.badRows,
    duplicates: flags.duplicates,
    zeroIsMissing: flags.zeroIsMissing,
    stringIds: flags.stringIds,
    rows: flags.rows,
    mask: flags.mask,
    userIds: flags.userIds,
    itemIds: flags.itemIds,
    threads: flags.threads,
    signal,
  };
}

/** A column by its position when it is written as a number, else by its name. */
function column(value: string | undefined): string | number | undefined {
  return value !== undefined && /^[1-9]\d*$/.test(value) ? Number(value) : value;
}

/** On what and how the engine computes. */
export interface EngineFlags {
  threads?: number;
  backend?: "auto" | "wasm" | "reference";
  reproducible?: true;
}

export function addEngineFlags(command: Command): Command {
  const backends = ["auto", "wasm", "reference"] as const;
  return command
    .optionsGroup("Engine:")
    .option("--threads <n>", "never changes the result (all cores)", whole("--threads", 1, 256))
    .option("--backend <word>", "auto, wasm or reference (auto)", word("--backend", backends))
    .option("--reproducible", "the same bytes on every machine, a little slower");
}

export function engineOptions(flags: EngineFlags) {
  return {
    ...given("threads", flags.threads),
    ...given("backend", flags.backend),
    ...given("reproducible", flags.reproducible),
  };
}

/** Flags of commands that ask a model about one user or item. */
export interface QuestionFlags extends EngineFlags, OutputFlags {
  item?: string;
  user?: string;
  n?: number;
  titles?: string;
}

/** @param aboutN what `-n` counts */
export function addQuestionFlags(command: Command, aboutN: string): Command {
  command
    .option("-u, --user <id>", "a user of the model", text("--user"))
    .option("-i, --item <id>", "an item of the model", text("--item"))
    .option("-n, --n <n>", aboutN, whole("--n", 1, 1_000_000))
    .option("--titles <file>", "file of item titles, to show beside the ids", text("--titles"));
  addEngineFlags(command);
  return addOutputFlags(command);
}

export function addSeedFlag(command: Command): Command {
  return command.option("--seed <n>", "same seed, same result (0)", whole("--seed", 0, 2 ** 32 - 1));
}

/** The figure on held-out ratings. */
export function addMetricFlag(command: Command): Command {
  return command.option(
    "--metric <word>",
    `figure for --validation: ${validationMetrics.join(", ")} (rmse for methods that fit ratings, ndcg for the others)`,
    word("--metric", validationMetrics),
  );
}

/** `{ [name]: value }`, or nothing when the flag was not given. */
export function given<const K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { [key in K]?: V };
}
