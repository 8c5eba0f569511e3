/**
 * Zip archives with stored entries, as NumPy's `savez` writes them: the same contents give the same bytes.
 *
 * Format: PKWARE APPNOTE 6.3, section 4.3. Not here: packing, zip64. What does not fit into 4 GiB is refused.
 */
import { crc32 } from "node:zlib";
import { LowrankError } from "@lowrank/core";

export interface ZipFile {
  /** Path inside the archive, with slashes */
  readonly name: string;
  /** The content, as parts to be written one after another */
  readonly parts: readonly Uint8Array[];
}

/** 1 January 1980, 0:00, the first moment that the format knows: the time of writing is no part of the contents. */
const DOS_DATE = 0x0021;
const VERSION = 20; // 2.0
const UTF8_NAME = 0x0800;
const LOCAL = 0x04034b50;
const ENTRY = 0x02014b50;
const END = 0x06054b50;
/** The largest length and offset without zip64; 2³² − 1 itself says that there is more. */
const LIMIT = 2 ** 32 - 2;

/**
 * The archive as parts to be written one after another; contents are the given views, not copies.
 *
 * @throws LowrankError with code `output` for contents above 4 GiB together, or more than 65,534 files
 */
export function zipParts(files: readonly ZipFile[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const list: Buffer[] = [];
  let offset = 0;
  for (const { name, parts: content } of files) {
    const path = Buffer.from(name, "utf8");
    const size = content.reduce((sum, part) => sum + part.byteLength, 0);
    if (offset + size > LIMIT) throw tooLarge(offset + size);
    const crc = content.reduce((sum, part) => crc32(part, sum), 0);
    const local = localHeader(path, size, crc);
    parts.push(local, ...content);
    list.push(listEntry(path, size, crc, offset));
    offset += local.length + size;
  }
  const directory = Buffer.concat(list);
  if (offset + directory.length > LIMIT || files.length >= 0xffff) throw tooLarge(offset + directory.length);
  return [...parts, directory, endRecord(files.length, directory.length, offset)];
}

function localHeader(path: Buffer, size: number, crc: number): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(LOCAL, 0);
  common(header, 4, path, size, crc);
  return Buffer.concat([header, path]);
}

function listEntry(path: Buffer, size: number, crc: number, offset: number): Buffer {
  const header = Buffer.alloc(46);
  header.writeUInt32LE(ENTRY, 0);
  header.writeUInt16LE(VERSION, 4);
  common(header, 6, path, size, crc);
  header.writeUInt32LE(offset, 42);
  return Buffer.concat([header, path]);
}

/** The fields that stand both before the content and in the list; the method is 0, stored, and extra fields are none. */
function common(header: Buffer, at: number, path: Buffer, size: number, crc: number): void {
  header.writeUInt16LE(VERSION, at);
  header.writeUInt16LE(UTF8_NAME, at + 2);
  header.writeUInt16LE(DOS_DATE, at + 8);
  header.writeUInt32LE(crc, at + 10);
  header.writeUInt32LE(size, at + 14);
  header.writeUInt32LE(size, at + 18);
  header.writeUInt16LE(path.length, at + 22);
}

function endRecord(count: number, size: number, offset: number): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(END, 0);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return end;
}

function tooLarge(size: number): LowrankError {
  return new LowrankError(
    "output",
    `zip: an archive holds at most 4 GiB and 65,534 files here, and this one would take ${size} bytes; write the arrays as single files`,
    { bytes: size },
  );
}
