/**
 * Unpacks zip archives, into a folder or into memory: stored and deflated entries, archives and files beyond 4 GB (zip64).
 * Nothing in the archive is trusted: names stay inside the folder, lengths are checked against the file, contents against
 * their CRC-32.
 *
 * Format: PKWARE APPNOTE 6.3, sections 4.3 and 4.5. Not here: encryption, other methods, parts on several disks.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { crc32, createInflateRaw, inflateRaw } from "node:zlib";
import { DataError } from "@lowrank/core";

export interface ZipEntry {
  /** Path inside the archive, with slashes; ends with a slash for a folder */
  readonly name: string;
  /** Bytes in the archive and unpacked */
  readonly packed: number;
  readonly size: number;
  readonly crc: number;
  readonly method: "stored" | "deflated";
  /** Where the entry's own header begins */
  readonly offset: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const END_LENGTH = 22;
/** The comment after the end record has at most this length. */
const MAX_COMMENT = 0xffff;
/** A list of entries longer than this is not one of ours. */
const MAX_DIRECTORY = 1 << 26; // 64 MiB
/** What is unpacked into memory is one block, which Node 20 gives up to this size. */
const MAX_CONTENT = 2 ** 32 - 2;
/** Deflated data unpack to no more than this many times their length. */
const MAX_RATIO = 1032;

/** The entries of an archive. @throws DataError when it is damaged, cut short, encrypted or of another kind */
export async function zipEntries(path: string, name = path): Promise<ZipEntry[]> {
  const file = await open(path);
  try {
    return await entriesOf(file, name);
  } finally {
    await file.close();
  }
}

/**
 * Unpacks every entry below `folder`.
 *
 * @param name what to call the archive in errors
 * @throws DataError for names that lead out of the folder and for damaged content
 */
export async function unzip(path: string, folder: string, name = path, signal?: AbortSignal): Promise<void> {
  const file = await open(path);
  try {
    for (const entry of await entriesOf(file, name)) {
      const target = join(folder, ...safeParts(entry.name, name));
      const isFolder = entry.name.endsWith("/");
      await makeInside(isFolder ? target : dirname(target), entry, name);
      if (isFolder) continue;
      const start = await contentStart(file, entry, name);
      await extract(path, entry, start, target, name, signal);
    }
  } finally {
    await file.close();
  }
}

const inflate = promisify(inflateRaw);

/**
 * The content of one entry in memory: never more than it declares, nor than its packed bytes can hold.
 *
 * @param name what to call the archive in errors
 * @throws DataError when lengths or checksum do not agree
 */
export async function zipContent(path: string, entry: ZipEntry, name = path): Promise<Uint8Array> {
  if (Math.max(entry.size, entry.packed) > MAX_CONTENT)
    throw new DataError(
      `${name}: ${entry.name} takes ${entry.size} bytes, and no more than 4 GiB of an archive is read into memory; unpack it and give the file itself`,
      { file: name, entry: entry.name, bytes: entry.size },
    );
  const most = entry.method === "stored" ? entry.packed : MAX_RATIO * entry.packed;
  if (entry.size > most) throw damaged(name, `${entry.name} declares more bytes than it can hold`);
  const file = await open(path);
  try {
    const packed = await readAt(file, await contentStart(file, entry, name), entry.packed, name);
    const content = entry.method === "stored" ? packed : await inflate(packed, { maxOutputLength: entry.size + 1 });
    if (content.length === entry.size && crc32(content) === entry.crc) return content;
    throw damaged(name, `the content of ${entry.name} does not agree with its checksum`);
  } catch (error) {
    const tooLong = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
    throw tooLong ? damaged(name, `${entry.name} is longer than declared`, error) : entryError(entry, name, error);
  } finally {
    await file.close();
  }
}

async function makeInside(folder: string, entry: ZipEntry, name: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw entryError(entry, name, error);
  }
}

/** Errors that the names in the archive bring about are the archive's; a full disk is not. */
function entryError(entry: ZipEntry, name: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    EEXIST: "is in it twice",
    EISDIR: "is in it as a file and as a folder",
    ENOTDIR: "is in it as a file and as a folder",
    EINVAL: "has a name that this system does not take",
    EILSEQ: "has a name that this system does not take",
    ENAMETOOLONG: "has too long a name",
  };
  if (code?.startsWith("Z_")) return damaged(name, `the content of ${entry.name} cannot be unpacked`, error);
  return code !== undefined && code in reasons ? damaged(name, `${entry.name} ${reasons[code]}`, error) : error;
}

async function entriesOf(file: FileHandle, name: string): Promise<ZipEntry[]> {
  const { size: length } = await file.stat();
  const { count, size, offset } = await directoryOf(file, length, name);
  if (size > MAX_DIRECTORY || offset + size > length) throw damaged(name, "its list of entries lies outside the file");
  const bytes = await readAt(file, offset, size, name);
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let n = 0; n < count; n++) {
    if (at + 46 > bytes.length || bytes.readUInt32LE(at) !== ENTRY)
      throw damaged(name, `entry ${n + 1} of its list is broken`);
    const nameLength = bytes.readUInt16LE(at + 28);
    const extraLength = bytes.readUInt16LE(at + 30);
    const end = at + 46 + nameLength + extraLength + bytes.readUInt16LE(at + 32);
    if (end > bytes.length) throw damaged(name, `entry ${n + 1} of its list is cut short`);
    entries.push(entryAt(bytes, at, nameLength, extraLength, length, name));
    at = end;
  }
  return entries;
}

function entryAt(
  bytes: Buffer,
  at: number,
  nameLength: number,
  extraLength: number,
  length: number,
  archive: string,
): ZipEntry {
  const flags = bytes.readUInt16LE(at + 8);
  const entryName = bytes.toString((flags & 0x800) === 0 ? "latin1" : "utf8", at + 46, at + 46 + nameLength);
  const extra = bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
  const method = bytes.readUInt16LE(at + 10);
  if ((flags & 1) !== 0) throw damaged(archive, `${entryName} in it is encrypted`);
  if (method !== 0 && method !== 8)
    throw damaged(archive, `${entryName} in it is packed by method ${method}, not 0 or 8`);
  // Values that do not fit into 32 bits stand in the extra field, in this order.
  const wide = wideValues(extra);
  const value = (position: number) => {
    const short = bytes.readUInt32LE(position);
    return short === 0xffffffff && wide.length > 0 ? (wide.shift() as number) : short;
  };
  const size = value(at + 24);
  const packed = value(at + 20);
  const offset = value(at + 42);
  if (offset + packed > length) throw damaged(archive, `${entryName} lies outside the file`);
  return {
    name: entryName,
    packed,
    size,
    crc: bytes.readUInt32LE(at + 16),
    method: method === 0 ? "stored" : "deflated",
    offset,
  };
}

function wideValues(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; ) {
    const size = extra.readUInt16LE(at + 2);
    if (extra.readUInt16LE(at) === 1) {
      const field = extra.subarray(at + 4, Math.min(extra.length, at + 4 + size));
      return Array.from({ length: Math.min(3, field.length >> 3) }, (_, n) => Number(field.readBigUInt64LE(8 * n)));
    }
    at += 4 + size;
  }
  return [];
}

/** Where the list of entries is, from the record at the end of the file. */
async function directoryOf(file: FileHandle, length: number, name: string) {
  const tailLength = Math.min(length, END_LENGTH + MAX_COMMENT);
  const tailStart = length - tailLength;
  const tail = await readAt(file, tailStart, tailLength, name);
  let end = tail.length - END_LENGTH;
  while (end >= 0 && tail.readUInt32LE(end) !== END) end--;
  if (end < 0) throw damaged(name, "it has no end record: cut short, or no zip archive");
  const short = {
    count: tail.readUInt16LE(end + 10),
    size: tail.readUInt32LE(end + 12),
    offset: tail.readUInt32LE(end + 16),
  };
  const locator = end - 20;
  if (locator < 0 || tail.readUInt32LE(locator) !== END64_LOCATOR) return short;
  const at = Number(tail.readBigUInt64LE(locator + 8));
  if (at + 56 > length) throw damaged(name, "its zip64 record lies outside the file");
  const record = await readAt(file, at, 56, name);
  if (record.readUInt32LE(0) !== END64) throw damaged(name, "its zip64 record is broken");
  const wide = (position: number) => Number(record.readBigUInt64LE(position));
  return { count: wide(32), size: wide(40), offset: wide(48) };
}

async function contentStart(file: FileHandle, entry: ZipEntry, name: string): Promise<number> {
  const header = await readAt(file, entry.offset, 30, name);
  if (header.readUInt32LE(0) !== LOCAL) throw damaged(name, `${entry.name} has a broken header`);
  return entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
}

async function extract(
  path: string,
  entry: ZipEntry,
  start: number,
  target: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  let size = 0;
  let crc = 0;
  const check = new Transform({
    transform(piece: Buffer, _, done) {
      size += piece.length;
      crc = crc32(piece, crc);
      // An archive that swells beyond what it declares is stopped here, not by a full disk.
      done(size > entry.size ? damaged(name, `${entry.name} is longer than declared`) : null, piece);
    },
    flush(done) {
      const whole = size === entry.size && crc === entry.crc;
      done(whole ? null : damaged(name, `the content of ${entry.name} does not agree with its checksum`));
    },
  });
  const packed = entry.packed === 0 ? emptyStream() : createReadStream(path, { start, end: start + entry.packed - 1 });
  const out = createWriteStream(target, { flags: "wx" });
  const options = signal === undefined ? {} : { signal };
  try {
    if (entry.method === "stored") await pipeline(packed, check, out, options);
    else await pipeline(packed, createInflateRaw(), check, out, options);
  } catch (error) {
    throw entryError(entry, name, error);
  }
}

async function* emptyStream(): AsyncGenerator<Buffer> {}

/** The parts of an entry's path, none for the folder itself (`./`). @throws DataError for absolute paths, drives and `..` */
function safeParts(entryName: string, name: string): string[] {
  const parts = entryName.split(/[\\/]/).filter((part) => part !== "" && part !== ".");
  const isSelf = parts.length === 0 && /^(\.\/)+$/.test(entryName);
  if (
    (parts.length === 0 && !isSelf) ||
    /^[\\/]/.test(entryName) ||
    parts.some((part) => part === ".." || /[:\0]/.test(part))
  )
    throw damaged(name, `the entry ${JSON.stringify(entryName)} leads out of its folder`);
  return parts;
}

async function readAt(file: FileHandle, position: number, length: number, name: string): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    // The system reads no more than 2 GiB at once.
    const { bytesRead } = await file.read(bytes, at, Math.min(length - at, 1 << 30), position + at);
    if (bytesRead === 0) throw damaged(name, "it is cut short");
    at += bytesRead;
  }
  return bytes;
}

function damaged(name: string, why: string, cause?: unknown): DataError {
  return new DataError(`${name}: the zip archive cannot be used: ${why}; get it again`, { file: name }, cause);
}
