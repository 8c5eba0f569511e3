/** Arrays for a rival, as raw little-endian files in a folder that is removed afterwards. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

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
