/**
 * Files in, for commands: rating files with a report of what was read, model files, titles. DuckDB is loaded only by the
 * commands that read rating files.
 */
import { open, stat } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import { DataError, LowrankError, type Model, type Ratings } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import type { ReadOptions } from "../readers/index.ts";
import { counted, duration, figure, hanging, listed, percent, scaleNumber } from "./format.ts";
import type { Job } from "./shell.ts";

export interface LoadedRatings {
  readonly ratings: Ratings;
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** Reads rating files and says what they hold. */
export async function loadRatings(job: Job, files: readonly string[], options: ReadOptions): Promise<LoadedRatings> {
  const started = performance.now();
  const { readRatings } = await import("../readers/index.ts");
  const { ratings, notes } = await readRatings(files.length === 1 ? files[0] : [...files], options);
  const seconds = (performance.now() - started) / 1000;
  job.output.say(`Read ${sourceNames(files)} in ${duration(seconds)}`);
  const lines = [...notes, ...ratingsLines(ratings)];
  job.output.say(...lines.flatMap((line) => hanging(line, job.output.width)));
  return { ratings, notes, seconds };
}

/** `a.csv and b.csv`; `5 files` where they are many. */
export function sourceNames(files: readonly string[]): string {
  const names = files.map((file) => (file === "-" ? "standard input" : shortName(file)));
  return names.length > 3 ? counted(names.length, "file") : listed(names);
}

/** The file's own name; `data.npz/Y` for an array of an archive. */
function shortName(file: string): string {
  const name = basename(file);
  return /\.npz[\\/]+[^\\/]+$/i.test(file) ? `${basename(dirname(file))}/${name}` : name;
}

/** What the data are, in two or more lines: sizes, scale, and what was merged or dropped. */
export function ratingsLines(ratings: Ratings): string[] {
  const { users, items, merged, duplicates, dropped } = ratings.report;
  const noun = ratings.hasRatings ? "rating" : "click";
  const lines = [
    `${counted(ratings.size, noun)} of ${counted(users, "user")} and ${counted(items, "item")}, ` +
      `${percent(ratings.size / (users * items))} of all pairs${scaleOf(ratings)}`,
  ];
  if (merged > 0)
    lines.push(
      `${counted(merged, "record")} fell together with another of the same user and item: ${mergedBy[duplicates]}`,
    );
  for (const { reason, count: rows } of dropped) lines.push(`${counted(rows, "record")} left out: ${reason}`);
  return lines;
}

const mergedBy = {
  last: "the last one counts",
  first: "the first one counts",
  mean: "their mean counts",
  sum: "their sum counts",
  error: "refused",
} as const;

function scaleOf(ratings: Ratings): string {
  if (ratings.size === 0) return "";
  if (ratings.min === ratings.max) return ratings.hasRatings ? `; every one is ${scaleNumber(ratings.min)}` : "";
  const name = ratings.hasRatings ? "from" : "counts from";
  return `; ${name} ${scaleNumber(ratings.min)} to ${scaleNumber(ratings.max)}, mean ${figure(ratings.mean, 3)}`;
}

/**
 * Refuses ratings of one user or one item: a model learns from what users have in common. Most often a wrong column was
 * taken, so the message says how to state the right one.
 */
export function refuseOneSided(ratings: Ratings, files: readonly string[], rows: "users" | "items" | undefined): void {
  for (const side of ["user", "item"] as const) {
    const ids = side === "user" ? ratings.users : ratings.items;
    if (ids.size !== 1) continue;
    const remedy =
      rows === undefined
        ? `state the right column with --${side}-column`
        : `give a matrix of more than one ${(rows === "users") === (side === "user") ? "row" : "column"}: with --rows ${rows}, rows are ${rows}`;
    throw new DataError(
      `${listed(files)}: there is one ${side} only, ${show(ids.id(0))}, and nothing to learn from what ${side}s have in common; ` +
        `add ratings of other ${side}s, or ${remedy}`,
      { files, side, id: ids.id(0) },
    );
  }
}

/** Refuses a model without its training ratings where these are needed. @param remedy what else would help */
export function requireHistory(model: Model, file: string, need: string, remedy = ""): void {
  if (model.history !== undefined) return;
  throw new LowrankError(
    "no-history",
    `${file} was trained with --no-history, and ${need} needs the training ratings; ${remedy}train it again without --no-history`,
    { file },
  );
}

/** Loads a model file. */
export async function loadModelFile(path: string): Promise<Model> {
  const { loadModel } = await import("../model-files.ts");
  return loadModel(path);
}

/**
 * Titles by item id as text; an empty map when no file was named. Titles are only shown, so a file that is not UTF-8 is read
 * as latin-1, which the older MovieLens sets are written in, and this is said.
 */
export async function loadTitles(job: Job, path: string | undefined): Promise<ReadonlyMap<string, string>> {
  if (path === undefined) return new Map();
  const { readTitles } = await import("../readers/index.ts");
  const { signal } = job;
  try {
    return await readTitles(path, { signal });
  } catch (error) {
    if (!(error instanceof DataError) || error.facts.problem !== "encoding") throw error;
    if (!(await stat(path)).isFile()) throw error; // a pipe is used up
    job.output.say(`${basename(path)} is not UTF-8; its titles are read as latin-1`);
    return readTitles(path, { encoding: "latin-1", signal });
  }
}

/** Bytes that the header of a safetensors file may take, any program's. */
const MOST_HEADER = 100_000_000n;

/** Whether a file is a model, by its name, or by how it begins: a header length and a brace. */
export async function isModelFile(file: string): Promise<boolean> {
  if (extname(file) === ".safetensors") return true;
  // A pipe can be read only once, and opening it is reading it.
  const info = await stat(file).catch(() => undefined);
  if (file === "-" || !info?.isFile()) return false;
  const handle = await open(file, "r").catch(() => undefined);
  if (handle === undefined) return false;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(9), 0, 9, 0);
    // The length of the header; a file that is cut short ends before it. Text has no zero bytes, so no such number.
    return bytesRead === 9 && buffer[8] === "{".charCodeAt(0) && buffer.readBigUInt64LE(0) <= MOST_HEADER;
  } catch {
    return false;
  } finally {
    await handle.close();
  }
}
