/**
 * The safetensors container: named tensors and string metadata in one block of bytes. Knows nothing of models.
 *
 *   u64 little-endian N | N bytes of JSON | tensor bytes, back to back
 *   JSON: { "__metadata__": { key: string }, name: { "dtype", "shape", "data_offsets": [begin, end] } … }
 *
 * Format: huggingface.co/docs/safetensors. The reader trusts nothing: it allocates no more than the file is long, and
 * whatever is wrong goes to the caller's `refuse` as a sentence.
 */
import { Digest, type Facts, show } from "../support/index.ts";

/** Bytes per element of every element type that the format defines. */
const dtypeBytes: Readonly<Record<string, number>> = {
  ...{ BOOL: 1, U8: 1, I8: 1, F8_E4M3: 1, F8_E5M2: 1, U16: 2, I16: 2, F16: 2, BF16: 2 },
  ...{ U32: 4, I32: 4, F32: 4, U64: 8, I64: 8, F64: 8 },
};

export interface Tensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** As many as shape and dtype ask for; on reading a view of the file's bytes, aligned or not */
  readonly bytes: Uint8Array;
}

export interface Header {
  readonly metadata: ReadonlyMap<string, string>;
  /** The tensors' descriptions as they stand in the file, not yet checked */
  readonly entries: readonly (readonly [name: string, entry: unknown])[];
  /** Where the tensor bytes begin */
  readonly dataStart: number;
}

/**
 * Throws the error of whoever reads. `foreign`: the bytes are no safetensors file at all. `remedy`: what to do, where whoever reads
 * knows nothing better than to take another file. It is never looked for in `why`, which may quote the file.
 */
export type Refuse = (why: string, kind: "broken" | "foreign", facts?: Facts, remedy?: string) => never;

/** Refuses a format version other than the one that this build reads. */
export function checkVersion(metadata: ReadonlyMap<string, string>, reads: number, refuse: Refuse): void {
  const version = metadata.get("format_version");
  if (version === String(reads)) return;
  const named = version !== undefined && /^\d{1,9}$/.test(version);
  const written = named ? `written as version ${version}` : "does not say a usable version";
  const remedy = named && Number(version) > reads ? "update the package" : undefined;
  refuse(`${written}, this build reads ${reads}`, "broken", { version, reads }, remedy);
}

/** Longer headers are neither written nor read: ours take about 2 kB, and hostile JSON may take 100 times its bytes. */
export const MAX_HEADER_BYTES = 1 << 20; // 1 MB

/**
 * The file as parts to be written one after another; tensor parts are the given views, not copies. The same input gives
 * the same bytes. The header is padded with spaces so that tensor data begin at a multiple of 8; give the tensors with
 * the largest elements first and each begins at a multiple of its element size.
 */
export function writeSafetensors(metadata: Readonly<Record<string, string>>, tensors: readonly Tensor[]): Uint8Array[] {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const { name, dtype, shape, bytes } of tensors) {
    const begin = end;
    end += bytes.byteLength;
    header[name] = { dtype, shape, data_offsets: [begin, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const length = Math.ceil(text.length / 8) * 8;
  const head = new Uint8Array(8 + length).fill(0x20, 8);
  new DataView(head.buffer).setUint32(0, length, true);
  head.set(text, 8);
  return [head, ...tensors.map((tensor) => tensor.bytes)];
}

/**
 * Digest of metadata and tensors, to be written beside them as one more entry: damage shows.
 *
 * @param keys which metadata count and in what order; those that are not there are left out
 * @param tensors in file order: name, type, shape and bytes of each count
 */
export function contentChecksum(
  metadata: ReadonlyMap<string, string>,
  keys: readonly string[],
  tensors: readonly Tensor[],
): string {
  const digest = new Digest();
  for (const key of keys) {
    const value = metadata.get(key);
    if (value !== undefined) digest.addText(key).addText(value);
  }
  for (const { name, dtype, shape, bytes } of tensors) digest.addText(`${name} ${dtype} ${shape.join(" ")}`).add(bytes);
  return digest.hex();
}

/** Parts of a file in one block. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let end = 0;
  for (const part of parts) {
    bytes.set(part, end);
    end += part.byteLength;
  }
  return bytes;
}

/** Length, JSON and metadata; the tensors' descriptions are left to `readTensors`. */
export function readHeader(bytes: Uint8Array, refuse: Refuse): Header {
  if (!(bytes instanceof Uint8Array)) refuse(`${show(bytes)} in place of the bytes of a file`, "foreign");
  const size = bytes.byteLength;
  if (size < 8) refuse(size === 0 ? "the file is empty" : `only ${size} bytes`, "foreign", { bytes: size });
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const length = view.getUint32(0, true) + 2 ** 32 * view.getUint32(4, true);
  if (length < 2 || (size > 8 && bytes[8] !== 0x7b) || length > Math.max(size - 8, MAX_HEADER_BYTES)) {
    refuse("no safetensors header at its start", "foreign", { headerBytes: length });
  }
  if (length > MAX_HEADER_BYTES) {
    refuse(`its header takes ${length} bytes, ours at most 1 MB`, "foreign", { headerBytes: length });
  }
  if (length > size - 8) {
    refuse(`cut short: the header takes ${length} bytes, ${size - 8} are there`, "broken", { headerBytes: length });
  }
  const json = parseHeader(bytes.subarray(8, 8 + length), refuse);
  const metadata = new Map<string, string>();
  for (const [key, value] of Object.entries(asObject(own(json, "__metadata__") ?? {}, "__metadata__", refuse))) {
    if (typeof value !== "string") refuse(`metadata ${JSON.stringify(key)} is not a string`, "broken", { key });
    metadata.set(key, value as string);
  }
  const entries = Object.entries(json).filter(([name]) => name !== "__metadata__");
  return { metadata, entries, dataStart: 8 + length };
}

/**
 * Checks every description against the others and the file: the tensors fill it from the header to its end without gap
 * or overlap.
 */
export function readTensors(bytes: Uint8Array, header: Header, refuse: Refuse): Map<string, Tensor> {
  const available = bytes.byteLength - header.dataStart;
  const found = header.entries.map(([name, entry]) => describe(name, entry, refuse));
  found.sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, Tensor>();
  let end = 0;
  for (const tensor of found) {
    if (tensor.begin !== end) {
      const what =
        tensor.begin < end ? "overlaps the one before it" : `leaves a gap of ${tensor.begin - end} bytes before it`;
      refuse(`tensor ${JSON.stringify(tensor.name)} ${what}`, "broken", { tensor: tensor.name });
    }
    end = tensor.end;
    if (end > available) {
      refuse(
        `cut short: tensor ${JSON.stringify(tensor.name)} ends at byte ${end} of the data, ${available} are there`,
        "broken",
        {
          tensor: tensor.name,
        },
      );
    }
    const start = header.dataStart + tensor.begin;
    const { name, dtype, shape } = tensor;
    tensors.set(name, { name, dtype, shape, bytes: bytes.subarray(start, header.dataStart + end) });
  }
  if (end !== available)
    refuse(`${available - end} bytes follow the last tensor`, "broken", { extraBytes: available - end });
  return tensors;
}

function parseHeader(bytes: Uint8Array, refuse: Refuse): Record<string, unknown> {
  let json: unknown;
  try {
    // A copy, because some engines do not decode views of shared memory.
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes.slice()));
  } catch (cause) {
    refuse(`the header is not JSON: ${(cause as Error).message}`, "broken");
  }
  return asObject(json, "the header", refuse);
}

interface Description {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function describe(name: string, entry: unknown, refuse: Refuse): Description {
  const who = `tensor ${JSON.stringify(name.slice(0, 60))}`;
  const fields = asObject(entry, who, refuse);
  const dtype = own(fields, "dtype");
  if (typeof dtype !== "string" || !Object.hasOwn(dtypeBytes, dtype)) {
    return refuse(`${who} has an element type that the format does not define`, "broken", { tensor: name });
  }
  const shape = sizes(own(fields, "shape"));
  const offsets = sizes(own(fields, "data_offsets"));
  if (shape === undefined || offsets === undefined || offsets.length !== 2 || offsets[0] > offsets[1]) {
    return refuse(`${who} has no usable shape and data_offsets`, "broken", { tensor: name });
  }
  const [begin, end] = offsets;
  const needed = shape.reduce((product, dimension) => product * dimension, dtypeBytes[dtype]);
  if (needed !== end - begin) {
    return refuse(
      `${who} of shape [${shape.slice(0, 8).join(", ")}] needs ${needed} bytes and has ${end - begin}`,
      "broken",
      {
        tensor: name,
      },
    );
  }
  return { name, dtype, shape, begin, end };
}

/** A list of whole numbers from 0, or undefined. */
function sizes(value: unknown): readonly number[] | undefined {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0) ? value : undefined;
}

function asObject(value: unknown, who: string, refuse: Refuse): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return refuse(`${who} is not a JSON object`, "broken");
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
