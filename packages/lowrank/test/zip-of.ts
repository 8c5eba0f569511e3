/** Writes zip archives for tests: with zip64 records, wrong lengths, flags and methods on request. */
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipFaults {
  readonly zip64?: boolean;
  /** Unpacked length to declare instead of the true one */
  readonly declared?: number;
  readonly flags?: number;
  readonly method?: number;
}

export function zipOf(files: Readonly<Record<string, string | Uint8Array>>, faults: ZipFaults = {}): Buffer {
  const parts: Buffer[] = [];
  const list: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const bytes = Buffer.from(content);
    const packed = deflateRawSync(bytes);
    const path = Buffer.from(name, "utf8");
    const fields = { size: faults.declared ?? bytes.length, packed: packed.length, crc: crc32(bytes), offset };
    const local = entryHeader(0x04034b50, path, fields, faults);
    parts.push(local, packed);
    list.push(entryHeader(0x02014b50, path, fields, faults));
    offset += local.length + packed.length;
  }
  const directory = Buffer.concat(list);
  return Buffer.concat([...parts, directory, ...endOf(list.length, directory.length, offset, faults.zip64 === true)]);
}

interface Fields {
  readonly size: number;
  readonly packed: number;
  readonly crc: number;
  readonly offset: number;
}

/** The header before the content (signature 04034b50) or in the list (02014b50). */
function entryHeader(
  signature: number,
  path: Buffer,
  { size, packed, crc, offset }: Fields,
  faults: ZipFaults,
): Buffer {
  const inList = signature === 0x02014b50;
  const wide = faults.zip64 === true ? [size, packed, ...(inList ? [offset] : [])] : [];
  const extra = Buffer.alloc(wide.length === 0 ? 0 : 4 + 8 * wide.length);
  if (wide.length > 0) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(8 * wide.length, 2);
    for (const [index, value] of wide.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  }
  const short = (value: number) => (faults.zip64 === true ? 0xffffffff : value);
  const header = Buffer.alloc(inList ? 46 : 30);
  header.writeUInt32LE(signature, 0);
  const at = inList ? 6 : 4;
  header.writeUInt16LE(45, at);
  header.writeUInt16LE(0x800 | (faults.flags ?? 0), at + 2);
  header.writeUInt16LE(faults.method ?? 8, at + 4);
  header.writeUInt32LE(crc, at + 10);
  header.writeUInt32LE(short(packed), at + 14);
  header.writeUInt32LE(short(size), at + 18);
  header.writeUInt16LE(path.length, at + 22);
  header.writeUInt16LE(extra.length, at + 24);
  if (inList) header.writeUInt32LE(short(offset), 42);
  return Buffer.concat([header, path, extra]);
}

function endOf(count: number, size: number, offset: number, zip64: boolean): Buffer[] {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(zip64 ? 0xffff : count, 8);
  end.writeUInt16LE(zip64 ? 0xffff : count, 10);
  end.writeUInt32LE(zip64 ? 0xffffffff : size, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : offset, 16);
  if (!zip64) return [end];
  const wide = Buffer.alloc(56);
  wide.writeUInt32LE(0x06064b50, 0);
  wide.writeBigUInt64LE(44n, 4);
  for (const [at, value] of [
    [24, count],
    [32, count],
    [40, size],
    [48, offset],
  ] as const)
    wide.writeBigUInt64LE(BigInt(value), at);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + size), 8);
  locator.writeUInt32LE(1, 16);
  return [wide, locator, end];
}
