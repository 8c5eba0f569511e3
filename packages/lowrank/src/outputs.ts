/**
 * Files and folders that are to be written: tried before long work, made without surprises, and refused in sentences.
 *
 * A file is written under another name in the same folder, synced and renamed, so that a crash, a full disk or Ctrl-C
 * leaves the old file or none.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, type Stats, unlinkSync } from "node:fs";
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  realpath,
  rename,
  stat,
  unlink,
} from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { LowrankError } from "@lowrank/core";

/** Bytes written at once. */
const PIECE = 1 << 24; // 16 MiB

/**
 * Makes sure that a file can be written at `path`, by making one beside it and removing it. What a killed process has left
 * there half written goes too.
 *
 * @param noun what the file is to hold: `model`
 * @throws LowrankError with code `output` that says why not
 */
export async function tryWriting(path: string, noun: string): Promise<void> {
  const target = await writableTarget(path, noun);
  await tryBeside(target, path);
  await removeLeftovers(target);
}

/**
 * Writes a file; the one at `path` is replaced only once the new one is complete and on the disk. Its permissions stay.
 *
 * @param parts written one after another
 * @param noun what the file holds: `model`
 * @returns the length of the file in bytes
 * @throws LowrankError with code `output`. The file is then as before
 */
export async function writeWhole(
  path: string,
  parts: Iterable<Uint8Array>,
  noun: string,
): Promise<{ readonly bytes: number }> {
  const target = await writableTarget(path, noun);
  const unfinished = beside(target);
  const removeAtExit = () => {
    try {
      unlinkSync(unfinished);
    } catch {
      // not there yet, or renamed already
    }
  };
  process.once("exit", removeAtExit);
  try {
    const old = await stat(target).catch(() => undefined);
    const permissions = old === undefined ? undefined : old.mode & 0o777;
    const file = await open(unfinished, "wx", permissions ?? 0o666);
    let bytes = 0;
    try {
      if (permissions !== undefined) await file.chmod(permissions); // whatever the umask says
      for (const part of parts) bytes += await writeAll(file, part);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, target);
    await syncFolder(dirname(target));
    return { bytes };
  } catch (error) {
    await unlink(unfinished).catch(() => {});
    throw outputError(path, error);
  } finally {
    process.removeListener("exit", removeAtExit);
  }
}

/** Where the file goes: a link is followed, and only files are replaced. */
async function writableTarget(path: string, noun: string): Promise<string> {
  const target = resolve(path);
  const there = await lstat(target).catch(() => undefined);
  if (there === undefined) return target;
  const real = there.isSymbolicLink() ? await realpath(target).catch(() => missingEnd(target)) : target;
  const info = await stat(real).catch(() => undefined);
  if (info === undefined || info.isFile()) return real;
  const what = info.isDirectory() ? "a folder" : "no plain file";
  throw new LowrankError("output", `${path}: is ${what}, so no ${noun} can be written there; give the path of a file`, {
    file: path,
  });
}

/** Links one behind another, at most: the system's own limit. */
const MOST_LINKS = 40;

/** Where a link ends whose end is not there yet. */
async function missingEnd(link: string): Promise<string> {
  let end = link;
  for (let links = 0; links < MOST_LINKS; links++) {
    const next = await readlink(end).catch(() => undefined);
    if (next === undefined) return end;
    // Of the folder as it is: `..` behind a link to a folder is another one.
    end = resolve(await realpath(dirname(end)).catch(() => dirname(end)), next);
  }
  return link;
}

async function writeAll(file: FileHandle, part: Uint8Array): Promise<number> {
  for (let at = 0; at < part.byteLength; ) {
    const { bytesWritten } = await file.write(part, at, Math.min(PIECE, part.byteLength - at));
    at += bytesWritten;
  }
  return part.byteLength;
}

/** Makes the rename itself last through a power failure, where the system can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  try {
    await handle?.sync();
  } catch {
    // Windows and some network file systems cannot sync folders; the file itself is synced.
  } finally {
    await handle?.close();
  }
}

/** Which machine wrote a file that is not finished: a process number means something only there. */
const host = createHash("sha256").update(hostname()).digest("hex").slice(0, 6);

/**
 * A name in the same folder for what is not finished; only there can it be renamed into place. It says whose it is:
 * `.model.safetensors.<host>-<process>-<random>.part`.
 */
function beside(target: string): string {
  const owner = `${host}-${process.pid}-${randomBytes(3).toString("hex")}`;
  return join(dirname(target), `.${basename(target)}.${owner}.part`);
}

/** Removes what processes of this machine that are no more have left unfinished beside `target`. */
async function removeLeftovers(target: string): Promise<void> {
  const folder = dirname(target);
  const start = `.${basename(target)}.${host}-`;
  for (const name of await readdir(folder).catch(() => [])) {
    const [, owner] = (name.startsWith(start) && name.slice(start.length).match(/^(\d+)-[0-9a-f]{6}\.part$/)) || [];
    if (owner !== undefined && !isRunning(Number(owner))) await unlink(join(folder, name)).catch(() => {});
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"; // there, but another user's
  }
}

/**
 * Makes a file beside `target` and removes it.
 *
 * @param path what to call the target in errors
 * @throws LowrankError with code `output` that says why it cannot be
 */
export async function tryBeside(target: string, path = target): Promise<void> {
  const trial = beside(target);
  try {
    await (await open(trial, "wx")).close();
  } catch (error) {
    throw outputError(path, error);
  } finally {
    await unlink(trial).catch(() => {});
  }
}

/**
 * Makes a folder and those above it. One by one: Node's own way tries forever where the system takes no folders.
 *
 * @throws LowrankError with code `output`
 */
export async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  for (let folder = resolve(path); !(await isFolder(folder)); folder = dirname(folder)) {
    missing.unshift(folder);
    if (dirname(folder) === folder) break;
  }
  for (const folder of missing) {
    try {
      await mkdir(folder);
    } catch (error) {
      const madeMeanwhile = (error as NodeJS.ErrnoException).code === "EEXIST" && (await isFolder(folder));
      if (!madeMeanwhile) throw outputError(folder, error);
    }
  }
}

async function isFolder(path: string): Promise<boolean> {
  let info: Stats;
  try {
    info = await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw outputError(path, error);
  }
  if (info.isDirectory()) return true;
  throw new LowrankError("output", `${path}: is a file, so no folder can be made there; give another path`, {
    file: path,
  });
}

/** What the system says when a file or folder cannot be written. */
const diskCodes = [
  ...["ENOENT", "ENOTDIR", "EEXIST", "ENOTEMPTY", "EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "ENAMETOOLONG"],
  ...["EISDIR", "EIO", "EMFILE", "EFBIG"],
];

/** Whether an error is the system's about a file, not about a network. */
export function isDiskError(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return error instanceof Error && syscall !== "connect" && code !== undefined && diskCodes.includes(code);
}

/** The sentence for an error of the system at `path`; any other error as it is. */
export function outputError(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof LowrankError || code === undefined) return error;
  const folder = dirname(resolve(path));
  const noEntry = existsSync(folder)
    ? `the folder ${folder} takes no new files; give another path`
    : `there is no folder ${folder}; make it first`;
  const isThere = "something of that name is there already; give another path, or move it away";
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: noEntry,
    ENOTDIR: `${folder} is not a folder; give another path`,
    EEXIST: isThere,
    ENOTEMPTY: isThere,
    EACCES: `the folder ${folder} may not be written to; give another path or change its permissions`,
    EPERM: `the folder ${folder} may not be written to; give another path or change its permissions`,
    EROFS: `the folder ${folder} is on a read-only disk; give another path`,
    ENOSPC: "the disk is full; free some space or give another path",
    EDQUOT: "the disk quota is used up; free some space or give another path",
    ENAMETOOLONG: "the name is too long; give a shorter one",
  };
  const why = reasons[code] ?? `${code}; give another path`;
  return new LowrankError("output", `${path}: cannot be written: ${why}`, { file: path, cause: code }, error);
}
