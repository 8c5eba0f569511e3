/** Whole files into memory: a path comes in, its bytes or an error in sentences go out. */
import { type FileHandle, open } from "node:fs/promises";

/** Bytes read at once. */
const PIECE = 1 << 24; // 16 MiB

/** What to do about a file that is not there, or is no file. */
export interface InputRemedies {
  readonly missing: string;
  readonly kind: string;
}

/**
 * All bytes of a file; no more memory is taken than it is long.
 *
 * @param refuse makes the error of whoever reads, from why it cannot be read and what to do
 */
export async function readWhole(
  path: string,
  refuse: (why: string, cause?: unknown) => Error,
  remedies: InputRemedies,
): Promise<Uint8Array> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") throw refuse(`there is no such file; ${remedies.missing}`, error);
    throw refuse(
      code === "EACCES"
        ? "may not be read; check its permissions"
        : `cannot be opened (${code}); check the disk and the path`,
      error,
    );
  }
  try {
    const info = await file.stat();
    if (!info.isFile()) throw refuse(`is ${info.isDirectory() ? "a folder" : "no plain file"}; ${remedies.kind}`);
    let bytes: Uint8Array;
    try {
      bytes = new Uint8Array(info.size);
    } catch (error) {
      throw refuse(`its ${info.size} bytes do not fit into memory; read it on a machine with more`, error);
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
