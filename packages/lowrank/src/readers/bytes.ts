/**
 * The bytes of a file, unpacked, and what its first bytes give away. All errors name the file as the caller called it.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGunzip, gunzipSync } from "node:zlib";
import { AbortedError, DataError } from "@lowrank/core";
import { holdsArrays } from "../arrays/index.ts";
import type { Encoding } from "../file-words.ts";
import { refusal } from "../remedy.ts";

/** How the characters of a file are written, settled: with the byte order for UTF-16. */
export type Charset = "utf-8" | "latin-1" | "utf-16le" | "utf-16be";

export type Content = "text" | "gzip" | "parquet" | "numpy";

/** First bytes looked at, packed or not. */
const HEAD_BYTES = 1 << 16;

/** Files that are no ratings, by their first bytes. */
const strangers = [
  { magic: "504b0304", what: "a zip archive", remedy: "unpack it and give the file inside" },
  { magic: "28b52ffd", what: "packed with zstd", remedy: "unpack it with zstd -d, or pack it with gzip" },
  { magic: "425a68", what: "packed with bzip2", remedy: "unpack it with bunzip2, or pack it with gzip" },
  { magic: "fd377a585a00", what: "packed with xz", remedy: "unpack it with unxz, or pack it with gzip" },
  { magic: "53514c69746520666f726d6174", what: "an SQLite database", remedy: "export the table of ratings as CSV" },
  { magic: "894844460d0a1a0a", what: "an HDF5 file", remedy: "export the ratings as CSV or Parquet" },
] as const;

const NUMPY = "934e554d5059";
const ZIP = "504b0304";
/** An archive of nothing has no first file, only its end. */
const EMPTY_ZIP = "504b0506";

const begins = (bytes: Buffer, magic: string) => bytes.toString("hex", 0, magic.length / 2) === magic;

export interface FirstBytes {
  readonly content: Content;
  /** Unpacked */
  readonly bytes: Buffer;
  /** True when `bytes` is everything */
  readonly whole: boolean;
}

/** @throws DataError when the file is of a kind that holds no ratings, or packed data are damaged from the start */
export async function firstBytes(name: string, path: string): Promise<FirstBytes> {
  const file = await open(path);
  let packed: Buffer;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    packed = buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
  if (begins(packed, NUMPY) || (begins(packed, ZIP) && (await holdsArrays(path, name))))
    return { content: "numpy", bytes: packed, whole: false };
  if (begins(packed, EMPTY_ZIP) && /\.npz$/i.test(name))
    throw new DataError(`${name}: is an archive without a single array; write them by name: numpy.savez(path, Y=Y)`, {
      file: name,
    });
  const stranger = strangers.find(({ magic }) => begins(packed, magic));
  if (stranger !== undefined)
    throw new DataError(`${name}: is ${stranger.what}, not a table of ratings; ${stranger.remedy}`, { file: name });
  if (/\.np[yz]$/i.test(name) && packed.length > 0)
    throw new DataError(
      `${name}: is no NumPy file, by its first bytes; write it with numpy.save, or give it its real name`,
      {
        file: name,
      },
    );
  if (packed.toString("latin1", 0, 4) === "PAR1") return { content: "parquet", bytes: packed, whole: false };
  if (packed.toString("hex", 0, 2) !== "1f8b")
    return { content: "text", bytes: packed, whole: packed.length < HEAD_BYTES };
  try {
    const bytes = gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH });
    if (begins(bytes, NUMPY))
      throw new DataError(`${name}: is a packed NumPy file; unpack it with gunzip`, { file: name });
    const whole = packed.length < HEAD_BYTES && bytes.length < HEAD_BYTES;
    return { content: "gzip", bytes: bytes.subarray(0, HEAD_BYTES), whole };
  } catch (error) {
    throw gzipError(name, error, undefined);
  }
}

/** What the encoding is, from what was stated and what stands at the start. @throws DataError for bytes that are no text */
export function charsetOf(name: string, bytes: Buffer, stated: Encoding | undefined): Charset {
  const mark = bytes.toString("hex", 0, 3);
  if (mark.startsWith("fffe")) return "utf-16le";
  if (mark.startsWith("feff")) return "utf-16be";
  if (stated === "utf-16") return bytes[0] === 0 ? "utf-16be" : "utf-16le";
  if (stated === "latin-1") return mark === "efbbbf" ? "utf-8" : "latin-1";
  const zero = bytes.indexOf(0);
  if (zero < 0) return "utf-8";
  throw refusal(
    `${name}: byte ${zero + 1} is zero, which text in UTF-8 does not have`,
    (say) =>
      looksLikeUtf16(bytes)
        ? `it looks like UTF-16: pass ${say('encoding: "utf-16"', "--encoding utf-16")}`
        : "it looks like a binary file: give text, gzipped text or Parquet",
    { file: name, byte: zero + 1 },
  );
}

/** Every other byte of most Latin text is zero then, and hardly any of the bytes between. */
function looksLikeUtf16(bytes: Buffer): boolean {
  const zeros = [0, 0];
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === 0) zeros[at % 2]++;
  const [few, many] = zeros.sort((a, b) => a - b);
  return many > bytes.length * 0.35 && few < many / 20;
}

/** Length of the byte order mark at the start. */
export function markLength(bytes: Buffer, charset: Charset): number {
  if (charset === "utf-8") return bytes.toString("hex", 0, 3) === "efbbbf" ? 3 : 0;
  return charset !== "latin-1" && /^(fffe|feff)/.test(bytes.toString("hex", 0, 2)) ? 2 : 0;
}

/** The first bytes as text. Bytes that do not fit become U+FFFD; whether that matters is found out where they are used. */
export function decoded(bytes: Buffer, charset: Charset): string {
  const text = charset === "latin-1" ? bytes.toString("latin1") : new TextDecoder(charset).decode(bytes);
  return text.endsWith("\ufffd") ? text.slice(0, -1) : text;
}

/** The unpacked bytes of a file in pieces. @throws DataError for damaged gzip data, AbortedError */
export async function* bytesOf(
  name: string,
  path: string,
  gzip: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: 1 << 18, ...(signal === undefined ? {} : { signal }) });
  if (!gzip) {
    try {
      for await (const piece of file) yield piece;
    } catch (error) {
      throw signal?.aborted ? new AbortedError("readRatings", { file: name }) : error;
    }
    return;
  }
  const unpacked = createGunzip({ chunkSize: 1 << 18 });
  file.on("error", (error) => unpacked.destroy(error));
  file.pipe(unpacked);
  let lines = 0;
  try {
    for await (const piece of unpacked as AsyncIterable<Buffer>) {
      lines += newlines(piece);
      yield piece;
    }
  } catch (error) {
    if (signal?.aborted) throw new AbortedError("readRatings", { file: name });
    throw gzipError(name, error, lines);
  } finally {
    file.destroy();
    unpacked.destroy();
  }
}

function newlines(piece: Buffer): number {
  let count = 0;
  for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) count++;
  return count;
}

function gzipError(name: string, error: unknown, lines: number | undefined): unknown {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (!code.startsWith("Z_")) return error;
  const after = lines === undefined ? "" : ` after line ${lines}`;
  const what = code === "Z_BUF_ERROR" ? `the gzip data end too early${after}` : `the gzip data are damaged${after}`;
  return new DataError(
    `${name}: ${what}; get the file again, or check it with gzip -t`,
    { file: name, line: lines },
    error,
  );
}

/** Reads gzip data to the end: DuckDB does not notice when they are cut short. @throws DataError */
export async function checkGzip(name: string, path: string, signal: AbortSignal | undefined): Promise<void> {
  for await (const piece of bytesOf(name, path, true, signal)) void piece;
}

/** Writes the text of a file as plain UTF-8 without a byte order mark. @throws DataError naming the line that does not fit */
export async function writeAsUtf8(
  source: { readonly name: string; readonly path: string; readonly gzip: boolean; readonly charset: Charset },
  to: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { name, path, gzip, charset } = source;
  const pieces = async function* () {
    const decoder = new TextDecoder(charset === "latin-1" ? "utf-8" : charset, { fatal: true });
    let line = 1;
    let mark = charset === "utf-8" ? 3 : 0;
    for await (const piece of bytesOf(name, path, gzip, signal)) {
      if (charset === "utf-8") {
        // Copied as it is, without the mark: bytes that are not UTF-8 are found where they are used.
        yield piece.subarray(mark);
        mark = 0;
        continue;
      }
      const text =
        charset === "latin-1" ? piece.toString("latin1") : decodedStrictly(decoder, piece, name, charset, line);
      const bytes = Buffer.from(text, "utf8");
      line += newlines(bytes);
      yield bytes;
    }
    if (charset.startsWith("utf-16")) decodedStrictly(decoder, undefined, name, charset, line);
  };
  await pipeline(Readable.from(pieces()), createWriteStream(to));
}

function decodedStrictly(
  decoder: InstanceType<typeof TextDecoder>,
  piece: Buffer | undefined,
  name: string,
  charset: Charset,
  line: number,
): string {
  try {
    return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
  } catch (error) {
    const said = charset.startsWith("utf-16") ? "UTF-16" : "UTF-8";
    throw new DataError(
      `${name}: the bytes after line ${line} are not ${said}; state the encoding that the file was written in`,
      { file: name, line, encoding: charset },
      error,
    );
  }
}
