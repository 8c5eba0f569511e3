/** Headers of safetensors files, to be looked at and changed by tests of what must be refused; and damage to their bytes. */
import { joined } from "../src/model/index.ts";

/** The JSON header of a file. */
export function header(bytes: Uint8Array): { __metadata__: Record<string, string>; [tensor: string]: unknown } {
  return JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + bytes[0] + 256 * bytes[1])));
}

/** The file with a changed header: offsets unchanged, data as they were. */
export function withHeader(bytes: Uint8Array, change: (json: ReturnType<typeof header>) => void): Uint8Array {
  const json = header(bytes);
  change(json);
  const text = new TextEncoder().encode(JSON.stringify(json));
  const data = bytes.subarray(8 + bytes[0] + 256 * bytes[1]);
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setUint32(0, text.length, true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

/** The bytes with others put at some places, or in between: [place modulo the length, byte, in between]. */
export function damagedBytes(
  bytes: Uint8Array,
  changes: readonly (readonly [at: number, byte: number, insert: boolean])[],
): Uint8Array {
  return changes.reduce((now, [at, byte, insert]) => {
    const place = at % now.length;
    return joined([now.subarray(0, place), Uint8Array.of(byte), now.subarray(place + (insert ? 0 : 1))]);
  }, bytes);
}
