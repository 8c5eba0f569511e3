/**
 * DuckDB, locked down: reads the files it was opened for and nothing else; loads no extensions, reaches no network,
 * writes nowhere. Loaded on first use, because its library takes a third of a second to load.
 */
import type { DuckDBConnection, DuckDBDataChunk, DuckDBInstance, DuckDBValue } from "@duckdb/node-api";
import { AbortedError, LowrankError } from "@lowrank/core";

/** More than reading needs for any width of file; reading itself is streamed. */
const MEMORY_LIMIT = "256MB";

async function load() {
  try {
    return await import("@duckdb/node-api");
  } catch (error) {
    throw new LowrankError(
      "duckdb",
      `DuckDB, which reads files, cannot be loaded on this machine (${process.platform}-${process.arch}): ` +
        `${(error as Error).message.split("\n")[0]}; install again with optional dependencies`,
      { platform: process.platform, arch: process.arch },
      error,
    );
  }
}

async function instance(threads: number): Promise<DuckDBInstance> {
  const { DuckDBInstance } = await load();
  return DuckDBInstance.create(":memory:", {
    threads: String(threads),
    memory_limit: MEMORY_LIMIT,
    temp_directory: "",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    allow_community_extensions: "false",
  });
}

/** DuckDB's version, such as `v1.5.6`: tells that it loads and works. */
export async function duckdbVersion(): Promise<string> {
  const { version } = await load();
  return version();
}

/** Files that match a pattern, in the order of their names. */
export async function globFiles(pattern: string): Promise<string[]> {
  const db = await instance(1);
  try {
    const connection = await db.connect();
    const reader = await connection.runAndReadAll(`SELECT file FROM glob(${quoted(pattern)}) ORDER BY file`);
    return reader.getRowsJS().map(([file]) => String(file));
  } finally {
    db.closeSync();
  }
}

/** One connection, one query at a time: a second query on an open stream would silently return nothing. */
export class Duck {
  readonly #db: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #signal: AbortSignal | undefined;
  #busy = false;
  readonly #interrupt = () => this.#connection.interrupt();

  private constructor(db: DuckDBInstance, connection: DuckDBConnection, signal: AbortSignal | undefined) {
    this.#db = db;
    this.#connection = connection;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#interrupt);
  }

  /** @param paths the only files that queries may read */
  static async open(paths: readonly string[], threads: number, signal?: AbortSignal): Promise<Duck> {
    const db = await instance(threads);
    const connection = await db.connect();
    await connection.run("SET TimeZone = 'UTC'");
    // The pattern is looked at before the file that it stands for.
    const allowed = paths.flatMap((path) => [quoted(path), quotedPath(path)]);
    await connection.run(`SET allowed_paths = [${allowed.join(", ")}]`);
    await connection.run("SET enable_external_access = false");
    await connection.run("SET lock_configuration = true");
    return new Duck(db, connection, signal);
  }

  /**
   * Calls `use` for each chunk of the result, in the order of the rows; stops early when it returns false.
   *
   * An error after the first chunks ends the stream as if the rows were over, silently: let the query mark its last row,
   * and when the mark is missing ask `failureOf` why.
   */
  async stream(sql: string, use: (chunk: DuckDBDataChunk) => boolean): Promise<void> {
    if (this.#busy) throw new LowrankError("duckdb", "Duck: a second query was started while one is open");
    this.#busy = true;
    let coming: Promise<DuckDBDataChunk | null> | undefined;
    try {
      const result = await this.#connection.stream(sql);
      for (;;) {
        const chunk = await (coming ?? result.fetchChunk());
        if (this.#signal?.aborted) throw new AbortedError("readRatings");
        if (chunk === null || chunk.rowCount === 0) return;
        coming = result.fetchChunk(); // made on another thread while this one is used
        if (!use(chunk)) return;
      }
    } catch (error) {
      throw this.#signal?.aborted ? new AbortedError("readRatings") : error;
    } finally {
      await coming?.catch(() => {});
      this.#busy = false;
    }
  }

  /** A result that is small, as a whole. */
  async rows(sql: string): Promise<DuckDBValue[][]> {
    return (await this.#connection.runAndReadAll(sql)).getRows();
  }

  /** Why a query fails; undefined when it does not. Runs it again, to the end, without keeping its rows. */
  async failureOf(sql: string, columns: number): Promise<unknown> {
    const names = Array.from({ length: columns }, (_, index) => `c${index}`);
    const counts = names.map((name) => `count(${name})`).join(", ");
    try {
      await this.rows(`SELECT ${counts} FROM (${sql}) AS t(${names.join(", ")})`);
      return undefined;
    } catch (error) {
      return this.#signal?.aborted ? new AbortedError("readRatings") : error;
    }
  }

  close(): void {
    this.#signal?.removeEventListener("abort", this.#interrupt);
    this.#connection.closeSync();
    this.#db.closeSync();
  }
}

/** A text as an SQL literal. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/**
 * The path of one file as an SQL literal that means this file alone: DuckDB takes `*`, `?` and `[` for a pattern, and a file
 * may have them in its name.
 */
export function quotedPath(path: string): string {
  // Its patterns cannot hold a backslash outside Windows: such a path is taken as it is, if no other file fits it.
  const isPlain = process.platform !== "win32" && path.includes("\\");
  return quoted(isPlain ? path : path.replace(/[*?[]/g, (sign) => `[${sign}]`));
}

/**
 * The values of a numeric column of a chunk; they are the chunk's own memory. The vectors hold them as one typed
 * array, which their type does not show; going through it is 20 times as fast as asking for each value.
 */
export function numbers(chunk: DuckDBDataChunk, column: number): Float64Array | Uint8Array {
  const vector = chunk.getColumnVector(column);
  const items = (vector as unknown as { readonly items?: unknown }).items;
  if (items instanceof Float64Array || items instanceof Uint8Array) return items;
  return Float64Array.from({ length: vector.itemCount }, (_, row) => Number(vector.getItem(row)));
}

/** First line of what DuckDB says of a file, without its own name for the kind of error, the file named as its owner does. */
export function duckMessage(error: unknown, file: { readonly path: string; readonly name: string }): string {
  const message = error instanceof Error ? error.message : String(error);
  const [line] = message.split("\n");
  const pattern = quotedPath(file.path).slice(1, -1);
  return line
    .replace(/^[A-Z][A-Za-z ]+ Error: /, "")
    .replaceAll(pattern, file.name)
    .replaceAll(file.path, file.name);
}
