/** Arrays for a rival, as raw little-endian files in a folder that is removed afterwards. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CompressedRows, Ratings } from "@lowrank/core";

export type RawArrays = Readonly<Record<string, Uint32Array | Float32Array>>;

/** Writes each array to its name, calls `use` with the folder, and removes it. */
export async function withArrays<T>(arrays: RawArrays, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "lowrank-bench-"));
  try {
    for (const [name, { buffer, byteOffset, byteLength }] of Object.entries(arrays)) {
      await writeFile(join(folder, name), new Uint8Array(buffer, byteOffset, byteLength));
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Every cell of these ratings, user by user: NAME-user.u32, NAME-item.u32, NAME-rating.f32. */
export function cells(name: string, { byUser }: Ratings): RawArrays {
  const { rows, start, index, value } = byUser;
  const user = new Uint32Array(index.length);
  for (let row = 0; row < rows; row++) user.fill(row, start[row], start[row + 1]);
  return {
    [`${name}-user.u32`]: user,
    [`${name}-item.u32`]: new Uint32Array(index),
    [`${name}-rating.f32`]: value.toFloats(),
  };
}

/** A compressed matrix: start.u32, index.u32, value.f32. */
export function matrix({ start, index, value }: CompressedRows): RawArrays {
  return { "start.u32": start, "index.u32": new Uint32Array(index), "value.f32": value.toFloats() };
}
