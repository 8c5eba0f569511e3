import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DataError, LowrankError, OptionError } from "@lowrank/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { byNumpy, doubles, headerOf, npyFile, singles } from "../../test/by-numpy.ts";
import { zipParts } from "../zip/index.ts";
import { type MatrixOptions, readMatrix } from "./index.ts";

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lowrank-matrix-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(bytes: Uint8Array | string, name = `${count++}.npy`): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

const { NaN: NaN_, POSITIVE_INFINITY: infinity } = Number;
const transposed = (rows: readonly (readonly number[])[]) => rows[0].map((_, column) => rows.map((row) => row[column]));

async function refused(options: Partial<MatrixOptions>): Promise<LowrankError> {
  const error = await readMatrix(options as MatrixOptions).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof LowrankError)) throw new Error(`not refused as it should be: ${error}`);
  return error;
}

describe("readMatrix refuses", () => {
  const ones = [
    [1, 1, 1],
    [1, 1, 1],
  ];
  it.each<[string, () => Promise<Partial<MatrixOptions>>, string, object]>([
    [
      "rows that are not stated",
      async () => ({ values: await file(doubles(ones), "Y.npy") }),
      'is a matrix of 2 × 3 float64, and nothing in it tells users from items; say what each row is: rows: "users" or rows: "items"',
      { rows: 2, columns: 3 },
    ],
    [
      "a mask of another shape",
      async () => ({ values: await file(doubles(ones)), mask: await file(doubles(transposed(ones))), rows: "users" }),
      "give a mask of the same shape, such as its transpose",
      { got: [3, 2], expected: [2, 3] },
    ],
    [
      "a mask with a 2",
      async () => ({
        values: await file(doubles(ones)),
        mask: await file(
          doubles([
            [1, 0, 1],
            [1, 1, 2],
          ]),
        ),
        rows: "users",
      }),
      "[1, 2] is 2; a mask holds 1 where there is a rating and 0 elsewhere",
      { row: 1, column: 2, got: 2 },
    ],
    [
      "a mask with NaN",
      async () => ({
        values: await file(doubles(ones)),
        mask: await file(
          doubles([
            [1, NaN_, 1],
            [1, 1, 1],
          ]),
        ),
        rows: "users",
      }),
      "[0, 1] is NaN; a mask holds 1",
      { row: 0, column: 1 },
    ],
    [
      "a truth value that is neither",
      async () => ({
        values: await file(doubles(ones)),
        mask: await file(
          singles("|b1", [
            [1, 0, 7],
            [1, 1, 1],
          ]),
        ),
        rows: "users",
      }),
      "[0, 2] is 7; a mask holds 1",
      { got: 7 },
    ],
    [
      "NaN where the mask says that there is a rating",
      async () => ({
        values: await file(
          doubles([
            [1, 1, 1],
            [1, NaN_, 1],
          ]),
        ),
        mask: await file(doubles(ones)),
        rows: "users",
      }),
      "says that there is a rating; give a number there, or 0 in the mask",
      { row: 1, column: 1 },
    ],
    [
      "∞",
      async () => ({
        values: await file(
          doubles([
            [1, -infinity, 1],
            [1, 1, 1],
          ]),
        ),
        rows: "items",
      }),
      "[0, 1] is -Infinity; give a finite number, or NaN for what is missing",
      { row: 0, column: 1 },
    ],
    [
      "a number beyond 32 bits",
      async () => ({
        values: await file(
          doubles(
            [
              [1, 1, 1],
              [1e39, 1, 1],
            ],
            true,
          ),
        ),
        rows: "items",
      }),
      "[1, 0] is 1e+39, more than 32-bit numbers hold",
      { row: 1, column: 0 },
    ],
    [
      "a number that 32 bits make 0, also where 0 is missing",
      async () => ({
        values: await file(
          doubles([
            [1, 0, 1.4e-45],
            [1, -3e-50, 1],
          ]),
        ),
        rows: "users",
        zeroIsMissing: true,
      }),
      "[1, 1] is -3e-50, which 32-bit numbers, from 1.4e-45 on, make 0; scale the ratings up",
      { row: 1, column: 1, got: -3e-50 },
    ],
    [
      "whole numbers that differ and are all one in 32 bits",
      async () => ({
        values: await file(
          npyFile(
            headerOf("<i8", 1, 30),
            new Uint8Array(BigInt64Array.from({ length: 30 }, (_, n) => 2n ** 40n + BigInt(n)).buffer),
          ),
        ),
        rows: "users",
      }),
      "the ratings 1099511627776 to 1099511627805 are all 1099511627776 as 32-bit numbers, which tell whole numbers up to 16777216 apart; divide",
      { min: 2 ** 40, max: 2 ** 40 + 29 },
    ],
    [
      "a matrix without a rating",
      async () => ({ values: await file(doubles([[NaN_]])), rows: "users" }),
      "holds no rating: every cell is missing",
      {},
    ],
    [
      "a mask without a 1",
      async () => ({ values: await file(doubles([[1]])), mask: await file(doubles([[0]])), rows: "users" }),
      "marks no cell",
      {},
    ],
    [
      "one dimension",
      async () => ({ values: await file(byNumpy("texts")), rows: "users" }),
      "has 1 dimension (4); a matrix of ratings has 2",
      {},
    ],
    [
      "no cells",
      async () => ({ values: await file(npyFile(headerOf("<f8", 0, 4), Buffer.alloc(0))), rows: "users" }),
      "is 0 × 4, without a cell",
      {},
    ],
    [
      "a file that is not there",
      async () => ({ values: join(folder, "none.npy"), rows: "users" }),
      "none.npy: there is no such file",
      {},
    ],
    ["a folder", async () => ({ values: folder, rows: "users" }), "is a folder; give a NumPy file", {}],
    ["an empty file", async () => ({ values: await file(""), rows: "users" }), "is empty", {}],
    ["text", async () => ({ values: await file("user,item\n1,2\n"), rows: "users" }), "is no NumPy array", {}],
    [
      "an archive of several without a name",
      async () => ({ values: await file(byNumpy("savez"), "s.npz"), rows: "users" }),
      'holds 2 arrays: "Y", "R"; say which',
      {},
    ],
    [
      "a name that is not in the archive",
      async () => ({ values: `${await file(byNumpy("savez"), "s.npz")}/Q`, rows: "users" }),
      's.npz/Q: there is no array of that name in the archive; it holds "Y", "R"',
      {},
    ],
    [
      "an archive without arrays",
      async () => ({
        values: await file(Buffer.concat(zipParts([{ name: "a.txt", parts: [] }])), "t.npz"),
        rows: "users",
      }),
      "is a zip archive without NumPy arrays",
      {},
    ],
    [
      "a path inside a plain file",
      async () => ({ values: `${await file(doubles(ones), "p.npy")}/Y`, rows: "users" }),
      "is a path inside a file that is no .npz archive",
      {},
    ],
    [
      "an archive with an array twice",
      async () => ({
        values: `${await file(
          Buffer.concat(
            zipParts([
              { name: "Y.npy", parts: [] },
              { name: "Y.npy", parts: [] },
            ]),
          ),
          "w.npz",
        )}/Y`,
        rows: "users",
      }),
      "the archive holds that array twice",
      {},
    ],
    [
      "too few ids",
      async () => ({ values: await file(doubles(ones), "i.npy"), rows: "users", itemIds: ["a"] }),
      "itemIds: holds 1 ids, and there are 3 columns of",
      { got: 1, expected: 3 },
    ],
    [
      "an id twice",
      async () => ({ values: await file(doubles(ones)), rows: "users", userIds: ["a", "a"] }),
      'userIds: user "a" occurs twice',
      {},
    ],
    [
      "ids that are floats",
      async () => ({ values: await file(doubles([[1]])), rows: "users", userIds: await file(byNumpy("scalar")) }),
      "has 0 dimensions; a list of ids has 1",
      {},
    ],
    [
      "an empty line among the ids",
      async () => ({ values: await file(doubles(ones)), rows: "users", userIds: await file("1\n\n2\n", "gap.txt") }),
      "gap.txt: line 2 is empty",
      {},
    ],
    [
      "ids that are no text",
      async () => ({
        values: await file(doubles(ones)),
        rows: "users",
        userIds: await file(Buffer.of(0xff, 0xfe, 0x80), "bad.txt"),
      }),
      "is neither a NumPy array nor text in UTF-8",
      {},
    ],
  ])("%s", async (_, options, message, facts) => {
    const error = await refused(await options());
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toContain(message);
    expect(error.facts).toMatchObject(facts);
  });

  it.each<[string, object, string]>([
    ["an option that it does not have", { values: "a", row: "users" }, 'did you mean "rows"?'],
    ["no path", { rows: "users" }, "values must be the path of a NumPy file"],
    ["a mask that is no path", { values: "a", mask: [1], rows: "users" }, "mask must be the path of a NumPy file"],
  ])("%s", async (_, options, message) => {
    const error = await refused(options);
    expect(error).toBeInstanceOf(OptionError);
    expect(error.message).toContain(message);
  });

  it("refuses sides that are neither users nor items, and ids that are no list", async () => {
    const values = await file(doubles(ones));
    expect((await refused({ values, rows: "movies" as "items" })).message).toContain(
      'rows must be one of "users", "items"',
    );
    expect((await refused({ values, rows: "users", userIds: 5 as never })).message).toContain(
      "userIds must be a list of ids",
    );
  });

  it("gives ratings or a LowrankError for any flipped byte of an archive", async () => {
    const archive = byNumpy("savez");
    await fc.assert(
      fc.asyncProperty(fc.nat(archive.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const flipped = Buffer.from(archive);
        flipped[at] ^= flip;
        const path = await file(flipped, "flipped.npz");
        const result = await readMatrix({ values: `${path}/Y`, mask: `${path}/R`, rows: "users" }).catch(
          (error: unknown) => error,
        );
        if (result instanceof Error) expect(result).toBeInstanceOf(LowrankError);
      }),
      { numRuns: 200 },
    );
  });
  it("stops when asked to", async () => {
    const options = { values: await file(doubles(ones)), rows: "users" as const, signal: AbortSignal.abort() };
    expect((await refused(options)).code).toBe("aborted");
  });
});
