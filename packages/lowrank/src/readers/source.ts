/**
 * From what the caller names (paths, globs, standard input) to files that can be read: found, looked at, and in UTF-8.
 */
import { createWriteStream } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { AbortedError, DataError, OptionError } from "@lowrank/core";
import { show } from "@lowrank/core/support";
import { charsetOf, checkGzip, decoded, firstBytes, markLength, writeAsUtf8 } from "./bytes.ts";
import type { Head } from "./dialect.ts";
import { globFiles } from "./duck.ts";
import type { Encoding } from "./options.ts";
import type { Spool } from "./spool.ts";

/** One file, ready: DuckDB and the scanner read `path`; people read `name`. */
export interface SourceFile {
  readonly name: string;
  /** Absolute */
  readonly path: string;
  readonly gzip: boolean;
  readonly parquet: boolean;
  /** The first characters; empty for Parquet */
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
  const asked = typeof source === "string" ? [source] : source;
  if (!Array.isArray(asked) || asked.length === 0 || asked.some((path) => typeof path !== "string" || path === ""))
    throw new OptionError(
      "readRatings",
      "source",
      source,
      'a path, a glob, "-" for standard input, or a list of paths',
    );
  const files: SourceFile[] = [];
  for (const path of asked) {
    if (path === "-") {
      files.push(await openStandardInput(opening));
      continue;
    }
    for (const found of await expand(path)) files.push(await openFile(found, resolve(found), opening));
  }
  return files;
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

export async function openFile(name: string, path: string, opening: Opening): Promise<SourceFile> {
  await checkReadable(name, path);
  const { content, bytes, whole } = await firstBytes(name, path);
  if (content === "parquet") {
    if (opening.encoding !== undefined)
      throw new DataError(`${name}: is Parquet, which has no encoding to state; leave encoding out`, { file: name });
    const head = { text: "", whole: true };
    return { name, path, gzip: false, parquet: true, head, notes: [], intact: Promise.resolve() };
  }
  if (bytes.length === 0) throw new DataError(`${name}: is empty; give a file with ratings`, { file: name });
  const charset = charsetOf(name, bytes, opening.encoding);
  const mark = markLength(bytes, charset);
  const head = { text: decoded(bytes.subarray(mark), charset), whole };
  const gzip = content === "gzip";
  if (charset === "utf-8" && mark === 0) {
    const intact = gzip ? checkGzip(name, path, opening.signal) : Promise.resolve();
    intact.catch(() => {}); // awaited later; until then a failure must not count as unhandled
    return { name, path, gzip, parquet: false, head, notes: [], intact };
  }
  const plain = await opening.spool.next();
  await writeAsUtf8({ name, path, gzip, charset }, plain, opening.signal);
  const said = charset === "utf-8" ? undefined : `${basename(name)}: read as ${charset.replace(/[lb]e$/, "")}`;
  const told = said === undefined || opening.encoding !== undefined ? said : `${said}, by its byte order mark`;
  const notes = told === undefined ? [] : [told];
  return { name, path: plain, gzip: false, parquet: false, head, notes, intact: Promise.resolve() };
}

async function openStandardInput(opening: Opening): Promise<SourceFile> {
  const name = "standard input";
  const path = await opening.spool.next();
  const { signal } = opening;
  try {
    await pipeline(process.stdin, createWriteStream(path), signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted ? new AbortedError("readRatings", { file: name }) : error;
  }
  return openFile(name, path, opening);
}

async function checkReadable(name: string, path: string): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === "ENOENT" || code === "ENOTDIR"
        ? /^[a-z][a-z0-9+.-]+:\/\//i.test(name)
          ? "is an address, and only files are read; download it first"
          : "there is no such file; check the path"
        : code === "EACCES" || code === "EPERM"
          ? "may not be read; check its permissions"
          : `cannot be opened (${code})`;
    throw new DataError(`${name}: ${why}`, { file: name, cause: code }, error);
  }
  try {
    const info = await file.stat();
    if (info.isDirectory()) {
      const example = `${name.replace(/[\\/]+$/, "")}/*.csv`;
      throw new DataError(`${name}: is a folder; give a file, or a pattern such as ${show(example)}`, { file: name });
    }
    if (info.isFile() && info.size === 0)
      throw new DataError(`${name}: is empty; give a file with ratings`, { file: name });
  } finally {
    await file.close();
  }
}

/** Short name of a file for notes. */
export function shortName(file: SourceFile): string {
  return basename(file.name);
}
