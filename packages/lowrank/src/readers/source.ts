/**
 * From what the caller names (paths, globs, standard input) to files that can be read: found, looked at, and in UTF-8.
 */
import { closeSync, constants, createReadStream, createWriteStream, openSync, type Stats, writeSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { AbortedError, DataError, OptionError } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import { isMemberPath } from "../arrays/index.ts";
import type { Encoding } from "../file-words.ts";
import { charsetOf, checkGzip, decoded, firstBytes, markLength, writeAsUtf8 } from "./bytes.ts";
import type { Head } from "./dialect.ts";
import { globFiles } from "./duck.ts";
import type { Spool } from "./spool.ts";

/** One file, ready: DuckDB and the scanner read `path`; people read `name`. */
export interface SourceFile {
  readonly name: string;
  /** Absolute */
  readonly path: string;
  readonly gzip: boolean;
  readonly parquet: boolean;
  /** A matrix, which `arrays` reads; the path may lead into an archive */
  readonly numpy: boolean;
  /** The first characters; empty for Parquet and NumPy */
  readonly head: Head;
  readonly notes: readonly string[];
  /** Settles when all of the gzip data have been checked; already settled for other files */
  readonly intact: Promise<void>;
}

interface Opening {
  readonly encoding: Encoding | undefined;
  readonly spool: Spool;
  readonly signal: AbortSignal | undefined;
}

/** @throws DataError for files that are not there, empty, or of another kind */
export async function openSources(source: string | readonly string[], opening: Opening): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  for (const path of await sourcePaths(source))
    files.push(path === "-" ? await openStandardInput("standard input", opening) : await openFile(path, path, opening));
  return files;
}

/**
 * The files that a source of `readRatings` stands for, with its patterns looked up; `-` stays as it is.
 *
 * @throws DataError for a pattern that no file matches; OptionError
 */
export async function sourcePaths(source: string | readonly string[]): Promise<string[]> {
  const asked = typeof source === "string" ? [source] : source;
  if (!Array.isArray(asked) || asked.length === 0 || asked.some((path) => typeof path !== "string" || path === ""))
    throw new OptionError(
      "readRatings",
      "source",
      source,
      'a path, a glob, "-" for standard input, or a list of paths',
    );
  const paths: string[] = [];
  for (const path of asked) paths.push(...(path === "-" ? [path] : await expand(path)));
  return paths;
}

/** A path that exists is itself, whatever characters are in it; else a glob is looked up. */
async function expand(path: string): Promise<string[]> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (exists || !/[*?[]/.test(path) || /^[a-z][a-z0-9+.-]+:\/\//i.test(path)) return [path];
  const found = await globFiles(path);
  if (found.length > 0) return found;
  throw new DataError(`${path}: no file matches; check the folder and the pattern`, { file: path });
}

/** One file, or what stands for one: a pipe is copied first, because it can be read only once. */
export async function openFile(name: string, given: string, opening: Opening): Promise<SourceFile> {
  if (await isMemberPath(given)) return binaryFile(name, given, "numpy");
  const info = await statOf(name, given);
  if (info.isDirectory()) {
    const example = `${name.replace(/[\\/]+$/, "")}/*.csv`;
    throw new DataError(`${name}: is a folder; give a file, or a pattern such as ${show(example)}`, { file: name });
  }
  if (!info.isFile()) {
    if (isStandardInput(given)) return openStandardInput(name, opening);
    if (!info.isFIFO()) throw new DataError(`${name}: is a device or a socket; give a file or a pipe`, { file: name });
    const wake = () => wakeReader(given);
    opening.signal?.addEventListener("abort", wake);
    try {
      return await openCopy(name, () => createReadStream(given), opening);
    } finally {
      opening.signal?.removeEventListener("abort", wake);
    }
  }
  return openRegular(name, resolve(given), opening);
}

const isStandardInput = (path: string) => /^\/(dev\/stdin|dev\/fd\/0|proc\/self\/fd\/0)$/.test(path);

async function openRegular(name: string, path: string, opening: Opening): Promise<SourceFile> {
  await checkReadable(name, path);
  const { content, bytes, whole } = await firstBytes(name, path);
  if (content === "parquet") {
    if (opening.encoding !== undefined)
      throw new DataError(`${name}: is Parquet, which has no encoding to state; leave encoding out`, { file: name });
    return binaryFile(name, path, "parquet");
  }
  if (content === "numpy") return binaryFile(name, path, "numpy");
  if (bytes.length === 0) throw new DataError(`${name}: is empty; give a file with ratings`, { file: name });
  const charset = charsetOf(name, bytes, opening.encoding);
  const mark = markLength(bytes, charset);
  const head = { text: decoded(bytes.subarray(mark), charset), whole };
  const gzip = content === "gzip";
  if (charset === "utf-8" && mark === 0) {
    const intact = gzip ? checkGzip(name, path, opening.signal) : Promise.resolve();
    intact.catch(() => {}); // awaited later; until then a failure must not count as unhandled
    return { name, path, gzip, parquet: false, numpy: false, head, notes: [], intact };
  }
  const plain = await opening.spool.next();
  await writeAsUtf8({ name, path, gzip, charset }, plain, opening.signal);
  const said = charset === "utf-8" ? undefined : `${basename(name)}: read as ${charset.replace(/[lb]e$/, "")}`;
  const told = said === undefined || opening.encoding !== undefined ? said : `${said}, by its byte order mark`;
  const notes = told === undefined ? [] : [told];
  return { name, path: plain, gzip: false, parquet: false, numpy: false, head, notes, intact: Promise.resolve() };
}

/** A file that no text is read from. */
function binaryFile(name: string, path: string, kind: "parquet" | "numpy"): SourceFile {
  const head = { text: "", whole: true };
  const is = { gzip: false, parquet: kind === "parquet", numpy: kind === "numpy" };
  return { name, path, ...is, head, notes: [], intact: Promise.resolve() };
}

function openStandardInput(name: string, opening: Opening): Promise<SourceFile> {
  return openCopy(name, () => process.stdin, opening);
}

/**
 * Ends a wait for a pipe that nobody writes to: a process cannot end while it waits there. The byte goes into a copy that is
 * thrown away.
 */
function wakeReader(pipe: string): void {
  try {
    const file = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(file, "\n");
    closeSync(file);
  } catch {
    // nobody waits, or the pipe cannot be opened again
  }
}

/**
 * A private copy of what a stream brings.
 *
 * @param streamed makes the stream once there is a place for the copy: from then on somebody listens to its errors
 */
async function openCopy(name: string, streamed: () => NodeJS.ReadableStream, opening: Opening): Promise<SourceFile> {
  const path = await opening.spool.next();
  const { signal } = opening;
  if (signal?.aborted) throw new AbortedError("readRatings", { file: name });
  try {
    await pipeline(streamed(), createWriteStream(path), signal === undefined ? {} : { signal });
  } catch (error) {
    if (signal?.aborted) throw new AbortedError("readRatings", { file: name });
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES" || code === "EPERM") throw unreadable(name, error);
    if (code === "ENOSPC" || code === "EDQUOT")
      throw new DataError(
        `${name}: is copied before it is read, and the disk of the folder for temporary files is full; free some space, ` +
          "or name another folder with TMPDIR",
        { file: name, cause: code },
        error,
      );
    throw error;
  }
  return openRegular(name, path, opening);
}

async function statOf(name: string, path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    throw unreadable(name, error);
  }
}

async function checkReadable(name: string, path: string): Promise<void> {
  try {
    await (await open(path)).close();
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): DataError {
  const { code } = error as NodeJS.ErrnoException;
  const why =
    code === "ENOENT" || code === "ENOTDIR"
      ? /^[a-z][a-z0-9+.-]+:\/\//i.test(name)
        ? "is an address, and only files are read; download it first"
        : "there is no such file; check the path"
      : code === "EACCES" || code === "EPERM"
        ? "may not be read; check its permissions"
        : `cannot be opened (${code})`;
  return new DataError(`${name}: ${why}`, { file: name, cause: code }, error);
}

/** Short name of a file for notes. */
export function shortName(file: SourceFile): string {
  return basename(file.name);
}
