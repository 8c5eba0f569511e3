/** Files written for one test and read at once, in a folder that goes when the test file ends. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LowrankError, type RatingRecord } from "@lowrank/core";
import { afterAll, beforeAll, expect } from "vitest";
import { type ReadOptions, readRatings } from "../src/readers/index.ts";

export let folder: string;
let count = 0;

/** To be called once by each test file: this module may serve several in one process. */
export function ownFolder(): void {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lowrank-readers-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
}

/** Writes a file of its own for each call. */
export async function file(content: string | Uint8Array, name = "ratings.csv"): Promise<string> {
  const own = join(folder, String(count++));
  await mkdir(own);
  const path = join(own, name);
  await writeFile(path, content);
  return path;
}

export async function read(content: string | Uint8Array, options: ReadOptions = {}, name?: string) {
  return readRatings(await file(content, name), options);
}

export async function records(
  content: string | Uint8Array,
  options: ReadOptions = {},
  name?: string,
): Promise<RatingRecord[]> {
  return [...(await read(content, options, name)).ratings.records()];
}

/** The error of an import, its message with the file's folder left out. */
export async function refusal(content: string | Uint8Array, options: ReadOptions = {}, name?: string) {
  const path = await file(content, name);
  const error = await readRatings(path, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LowrankError);
  const { message, facts } = error as LowrankError;
  return { message: message.replaceAll(join(path, "..") + "/", "").replaceAll(join(path, "..") + "\\", ""), facts };
}

export const three: RatingRecord[] = [
  { user: 1, item: 10, rating: 4 },
  { user: 1, item: 20, rating: 2.5 },
  { user: 2, item: 10, rating: 0 },
];

export async function writeParquet(path: string, query: string): Promise<void> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const db = await DuckDBInstance.create();
  const connection = await db.connect();
  await connection.run(`COPY (${query}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`);
  db.closeSync();
}
