import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError, LowrankError } from "@lowrank/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { byNumpy } from "../../test/by-numpy.ts";
import { zipOf } from "../../test/zip-of.ts";
import { zipContent, zipEntries, zipParts } from "./index.ts";

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lowrank-zip-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function contents(bytes: Uint8Array): Promise<[string, Buffer][]> {
  const path = join(folder, `${count++}.zip`);
  await writeFile(path, bytes);
  const found: [string, Buffer][] = [];
  for (const entry of await zipEntries(path, "a.zip"))
    found.push([entry.name, Buffer.from(await zipContent(path, entry, "a.zip"))]);
  return found;
}

describe("zipParts", () => {
  it("writes archives that read back: any names, contents in any number of parts", async () => {
    const parts = fc.array(fc.uint8Array(), { maxLength: 3 });
    const names = fc.uniqueArray(fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(names, fc.infiniteStream(parts), async (list, stream) => {
        const files = list.map((name) => ({ name, parts: stream.next().value as Uint8Array[] }));
        const bytes = Buffer.concat(zipParts(files));
        expect(await contents(bytes)).toEqual(files.map((file) => [file.name, Buffer.concat(file.parts)]));
        expect(Buffer.concat(zipParts(files))).toEqual(bytes);
      }),
      { numRuns: 50 },
    );
  });

  it("refuses more than 4 GiB together, before anything is computed, and 65,535 files", () => {
    const half = { byteLength: 2 ** 31 } as Uint8Array;
    const large = () => zipParts([{ name: "a", parts: [half, half] }]);
    expect(large).toThrow(LowrankError);
    expect(large).toThrow("would take 4294967296 bytes");
    const many = Array.from({ length: 65_535 }, (_, at) => ({ name: String(at), parts: [] }));
    expect(() => zipParts(many)).toThrow("65,534 files");
  });
});

describe("zipContent", () => {
  it("reads what numpy.savez and numpy.savez_compressed wrote", async () => {
    const [[name, values], [mask]] = await contents(byNumpy("savez"));
    expect([name, mask]).toEqual(["Y.npy", "R.npy"]);
    expect(values.subarray(-6)).toEqual(Buffer.of(0, 1, 2, 3, 4, 100));
    const [[, packed]] = await contents(byNumpy("savezCompressed"));
    expect(packed).toHaveLength(128 + 600);
  });

  it("reads zip64 and deflated entries, and empty ones", async () => {
    const expected = [
      ["a", Buffer.from("x".repeat(1000))],
      ["b", Buffer.alloc(0)],
    ];
    expect(await contents(zipOf({ a: "x".repeat(1000), b: "" }, { zip64: true }))).toEqual(expected);
    expect(await contents(zipOf({ a: "x".repeat(1000), b: "" }))).toEqual(expected);
  });

  it("reads files of 0 bytes, stored and deflated, from an archive of nothing else, and an archive of nothing", async () => {
    const none = { name: "none", parts: [] };
    expect(await contents(Buffer.concat(zipParts([none])))).toEqual([["none", Buffer.alloc(0)]]);
    expect(await contents(zipOf({ none: "" }))).toEqual([["none", Buffer.alloc(0)]]);
    expect(await contents(Buffer.concat(zipParts([])))).toEqual([]);
  });

  it("refuses what takes 4 GiB and more before a byte of it is read, and 2³² − 1 bytes without a zip64 field", async () => {
    const entry = { name: "Y.npy", crc: 0, method: "stored", offset: 0 } as const;
    for (const size of [2 ** 32 - 1, 2 ** 32, 2 ** 40]) {
      const large = zipContent("nowhere.zip", { ...entry, packed: size, size }, "a.zip");
      await expect(large).rejects.toThrow(`a.zip: Y.npy takes ${size} bytes, and no more than 4 GiB`);
      const swelling = zipContent("nowhere.zip", { ...entry, method: "deflated", packed: 2 ** 30, size }, "a.zip");
      await expect(swelling).rejects.toThrow(DataError);
    }
    await expect(contents(zipOf({ a: "x" }, { declared: 2 ** 32 - 1 }))).rejects.toThrow(DataError);
  });

  it("takes no more memory than is declared, and believes no more than the packed bytes can hold", async () => {
    const bomb = zipOf({ a: new Uint8Array(1e6) }, { declared: 100 });
    await expect(contents(bomb)).rejects.toThrow("a is longer than declared");
    const boast = zipOf({ a: "x" }, { declared: 2 ** 31 });
    await expect(contents(boast)).rejects.toThrow("a declares more bytes than it can hold");
    const short = zipOf({ a: "xx" }, { declared: 3 });
    await expect(contents(short)).rejects.toThrow("the content of a does not agree with its checksum");
  });

  it("refuses content that disagrees with its checksum", async () => {
    const broken = byNumpy("savez");
    broken[160] ^= 1;
    await expect(contents(broken)).rejects.toThrow("the content of Y.npy does not agree with its checksum");
  });
});
