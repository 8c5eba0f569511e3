/** Headers of safetensors files, to be looked at and changed by tests of what must be refused. */

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
