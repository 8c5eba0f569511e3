import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError } from "@lowrank/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { zipOf } from "../../test/zip-of.ts";
import { unzip, zipEntries } from "./read-zip.ts";

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lowrank-zip-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Unpacks bytes into a folder of its own. */
async function unpacked(bytes: Uint8Array): Promise<string> {
  const own = join(folder, String(count++));
  await mkdir(own);
  await writeFile(`${own}.zip`, bytes);
  await unzip(`${own}.zip`, own, "a.zip");
  return own;
}

/**
 * Written by Python's zipfile: a folder, a stored, a deflated, a zip64 and an empty entry with a UTF-8 name, a comment.
 */
const byPython = Buffer.from(
  "UEsDBBQAAAAAAAAAIVAAAAAAAAAAAAAAAAAEAAAAc2V0L1BLAwQUAAAAAAAAACFQ4pxTpQcAAAAHAAAADgAAAHNldC9zdG9yZWQudHh0c3RvcmVk" +
    "ClBLAwQUAAAACAAAACFQtkaxphQAAACEAwAAEAAAAHNldC9kZWZsYXRlZC50eHRLSU3LSSxJTVFIGWWMMkYZA8EAAFBLAwQtAAAACAAAACFQJFoo" +
    "Fv//////////DAAUAHNldC93aWRlLnR4dAEAEAAsAQAAAAAAAAwAAAAAAAAAq8osMDNRqBoliSABUEsDBBQAAAgAAAAAIVAAAAAAAAAAAAAAAAAK" +
    "AAAAc2V0L8OpLnR4dFBLAQIUAxQAAAAAAAAAIVAAAAAAAAAAAAAAAAAEAAAAAAAAAAAAAACAAQAAAABzZXQvUEsBAhQDFAAAAAAAAAAhUOKcU6UH" +
    "AAAABwAAAA4AAAAAAAAAAAAAAIABIgAAAHNldC9zdG9yZWQudHh0UEsBAhQDFAAAAAgAAAAhULZGsaYUAAAAhAMAABAAAAAAAAAAAAAAAIABVQAA" +
    "AHNldC9kZWZsYXRlZC50eHRQSwECLQMtAAAACAAAACFQJFooFgwAAAAsAQAADAAAAAAAAAAAAAAAgAGXAAAAc2V0L3dpZGUudHh0UEsBAhQDFAAA" +
    "CAAAAAAhUAAAAAAAAAAAAAAAAAoAAAAAAAAAAAAAAIAB4QAAAHNldC/DqS50eHRQSwUGAAAAAAUABQAeAQAACQEAAAkAYSBjb21tZW50",
  "base64",
);

describe("unzip", () => {
  it("unpacks what Python's zipfile wrote", async () => {
    const own = await unpacked(byPython);
    expect((await readdir(join(own, "set"))).sort()).toEqual(
      ["deflated.txt", "stored.txt", "wide.txt", "é.txt"].sort(),
    );
    const text = (name: string) => readFile(join(own, "set", name), "utf8");
    expect(await text("stored.txt")).toBe("stored\n");
    expect(await text("deflated.txt")).toBe("deflated ".repeat(100));
    expect(await text("wide.txt")).toBe("zip64 ".repeat(50));
    expect(await text("é.txt")).toBe("");
  });

  it("reads the lengths of zip64 from entries and from the end record", async () => {
    const own = await unpacked(zipOf({ "a/b.txt": "wide" }, { zip64: true }));
    expect(await readFile(join(own, "a", "b.txt"), "utf8")).toBe("wide");
  });

  it("refuses names that lead out of the folder, before anything of them is written", async () => {
    for (const name of ["../out.txt", "a/../../out.txt", "/out.txt", "C:\\out.txt", "..\\out.txt", "a/b:c"])
      await expect(unpacked(zipOf({ [name]: "x" })), name).rejects.toThrow("leads out of its folder");
    expect(await readdir(folder)).not.toContain("out.txt");
  });

  it("refuses an entry that is there twice, or as a file and as a folder, and takes ./ for the folder itself", async () => {
    await expect(unpacked(zipOf({ "a.txt": "x", "./a.txt": "y" }))).rejects.toThrow("./a.txt is in it twice");
    await expect(unpacked(zipOf({ a: "x", "a/b": "y" }))).rejects.toThrow("a/b is in it");
    await expect(unpacked(zipOf({ "a/b": "x", a: "y" }))).rejects.toThrow("a is in it");
    const own = await unpacked(zipOf({ "./": "", "./a.txt": "x" }));
    expect(await readdir(own)).toEqual(["a.txt"]);
  });

  it("refuses content that disagrees with its checksum or its length", async () => {
    const broken = Buffer.from(byPython);
    broken[broken.indexOf("stored\n")] ^= 1;
    await expect(unpacked(broken)).rejects.toThrow("the content of set/stored.txt does not agree with its checksum");
    await expect(unpacked(zipOf({ "a.txt": "x".repeat(5000) }, { declared: 100 }))).rejects.toThrow(
      "longer than declared",
    );
  });

  it("refuses encrypted entries and unknown methods", async () => {
    await expect(unpacked(zipOf({ a: "x" }, { flags: 1 }))).rejects.toThrow("a in it is encrypted");
    await expect(unpacked(zipOf({ a: "x" }, { method: 93 }))).rejects.toThrow("packed by method 93");
  });

  it("throws a DataError, and nothing else, for an archive cut at any length", async () => {
    const path = join(folder, "cut.zip");
    for (let length = 0; length < byPython.length; length++) {
      await writeFile(path, byPython.subarray(0, length));
      const entries = await zipEntries(path).catch((error: unknown) => error);
      // The comment at the end may be missing without harm.
      if (length < byPython.length - "a comment".length) expect(entries).toBeInstanceOf(DataError);
    }
  });

  it("gives entries or a DataError for any flipped byte, and never reads beyond the file", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(byPython.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(byPython);
        bytes[at] ^= flip;
        const result = await unpacked(bytes).catch((error: unknown) => error);
        if (typeof result !== "string") expect(result).toBeInstanceOf(DataError);
      }),
      { numRuns: 150 },
    );
  });
});
