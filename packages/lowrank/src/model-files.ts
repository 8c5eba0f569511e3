/**
 * Model files on a disk: a FactorModel comes in and a whole file stands there, or nothing does.
 *
 * A file is written under another name in the same folder, synced and renamed, so that a crash, a full disk or Ctrl-C
 * leaves the old file or none. Not here: the format (model/ of @lowrank/core, docs/model-file.md).
 */
import { unlinkSync } from "node:fs";
import { type FileHandle, lstat, open, realpath, rename, stat, unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { decodeModel, encodeModelParts, type FactorModel, LowrankError, ModelFileError } from "@lowrank/core";
import { beside, outputError, tryBeside } from "./outputs.ts";

/** Bytes written or read at once. */
const PIECE = 1 << 24; // 16 MiB

/**
 * Makes sure that a file can be written at `path`, by making one beside it and removing it: call before hours of
 * training. An existing file stays as it is.
 *
 * @throws LowrankError with code `output` that says why not
 */
export async function checkWritable(path: string): Promise<void> {
  await tryBeside(await writableTarget(path), path);
}

/**
 * Writes a model; the file at `path` is replaced only once the new one is complete and on the disk. Its permissions stay.
 *
 * @returns the length of the file in bytes
 * @throws LowrankError with code `output`; DataError when the model does not fit together. The file is then as before
 */
export async function saveModel(path: string, model: FactorModel): Promise<{ bytes: number }> {
  const parts = encodeModelParts(model);
  const target = await writableTarget(path);
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

/** Reads a model. @throws ModelFileError that says what is wrong with the file */
export async function loadModel(path: string): Promise<FactorModel> {
  return decodeModel(await readAll(path), path);
}

/** Where the file goes: a link is followed, and only files are replaced. */
async function writableTarget(path: string): Promise<string> {
  const target = resolve(path);
  const there = await lstat(target).catch(() => undefined);
  if (there === undefined) return target;
  const real = there.isSymbolicLink() ? await realpath(target).catch(() => target) : target;
  const info = await stat(real).catch(() => undefined);
  if (info === undefined || info.isFile()) return real;
  const what = info.isDirectory() ? "a folder" : "no plain file";
  throw new LowrankError("output", `${path}: is ${what}, so no model can be written there; give the path of a file`, {
    file: path,
  });
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

async function readAll(path: string): Promise<Uint8Array> {
  const refuse = (why: string, cause?: unknown) => new ModelFileError(`${path}: ${why}`, { file: path }, cause);
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw refuse("there is no such file; check the path, or train a model with lowrank fit", error);
    throw refuse(code === "EACCES" ? "may not be read; check its permissions" : `cannot be opened (${code})`, error);
  }
  try {
    const info = await file.stat();
    if (!info.isFile()) throw refuse(`is ${info.isDirectory() ? "a folder" : "no plain file"}; give a model file`);
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(info.size);
    } catch (error) {
      throw refuse(`its ${info.size} bytes do not fit into memory`, error);
    }
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await file.read(bytes, at, Math.min(PIECE, bytes.length - at), at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return at === bytes.length ? bytes : bytes.subarray(0, at);
  } finally {
    await file.close();
  }
}
