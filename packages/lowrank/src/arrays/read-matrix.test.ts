import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ratingsFromDense } from "@lowrank/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { byNumpy, doubles, headerOf, npyFile, singles } from "../../test/by-numpy.ts";
import { readRatings } from "../readers/index.ts";
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

type Rows = readonly (readonly number[])[];
const { NaN: NaN_, POSITIVE_INFINITY: infinity } = Number;

const cells = (ratings: { records(): Iterable<unknown> }) => [...ratings.records()];
const transposed = (rows: Rows) => rows[0].map((_, column) => rows.map((row) => row[column]));

describe("readMatrix", () => {
  it("reads Y and R of 2 items × 3 users as the notebook has them: what the mask leaves out is never looked at", async () => {
    const values = await file(
      doubles([
        [5, NaN_, infinity],
        [0, 3.5, 1],
      ]),
    );
    const mask = await file(
      singles("|b1", [
        [1, 0, 0],
        [1, 0, 1],
      ]),
    );
    const { ratings, notes } = await readMatrix({ values, mask, rows: "items" });
    expect(cells(ratings)).toEqual([
      { user: 0, item: 0, rating: 5 },
      { user: 0, item: 1, rating: 0 },
      { user: 2, item: 1, rating: 1 },
    ]);
    expect([ratings.users.size, ratings.items.size, ratings.hasRatings]).toEqual([3, 2, true]);
    expect(notes.join("\n")).toContain("rows are items, their ids 0 to 1; columns are users, their ids 0 to 2");
  });

  it("gives the same ratings for either side as rows, C and Fortran order, and NaN or a mask for what is missing", async () => {
    const entry = fc.oneof(
      fc.constant(NaN_),
      fc.integer({ min: -8, max: 8 }).map((x) => x / 2 + 0),
    );
    const size = fc.integer({ min: 1, max: 4 });
    const users = size
      .chain((rows) => size.map((columns) => [rows, columns] as const))
      .chain(([rows, columns]) =>
        fc.array(fc.array(entry, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
      );
    await fc.assert(
      fc.asyncProperty(users, fc.boolean(), fc.boolean(), fc.boolean(), async (rows, byItem, fortran, masked) => {
        fc.pre(rows.flat().some((value) => !Number.isNaN(value)));
        const expected = ratingsFromDense(rows);
        const side = byItem ? transposed(rows) : rows;
        const values = await file(
          doubles(
            side.map((row) => row.map((x) => (masked && Number.isNaN(x) ? 9 : x))),
            fortran,
          ),
        );
        const mask = masked
          ? await file(
              doubles(
                side.map((row) => row.map((x) => (Number.isNaN(x) ? 0 : 1))),
                !fortran,
              ),
            )
          : undefined;
        const { ratings } = await readMatrix({ values, mask, rows: byItem ? "items" : "users" });
        expect(ratings.hash).toBe(expected.hash);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps users and items without a rating", async () => {
    const values = await file(
      doubles([
        [NaN_, NaN_],
        [NaN_, 2],
      ]),
    );
    const { ratings } = await readMatrix({ values, rows: "users" });
    expect([ratings.users.size, ratings.items.size, ratings.size]).toEqual([2, 2, 1]);
  });

  it("takes 0 for missing when that is stated", async () => {
    const values = await file(
      singles("|i1", [
        [0, 4],
        [1, 0],
      ]),
    );
    expect((await readMatrix({ values, rows: "users" })).ratings.size).toBe(4);
    expect((await readMatrix({ values, rows: "users", zeroIsMissing: true })).ratings.size).toBe(2);
  });

  it("takes ids from lists, arrays, text files and archives, in the order of the rows", async () => {
    const values = await file(
      singles("|i1", [
        [1, 2],
        [3, 4],
      ]),
    );
    const firstUser = async (userIds: MatrixOptions["userIds"], options: Partial<MatrixOptions> = {}) =>
      cells((await readMatrix({ values, rows: "users", userIds, ...options })).ratings)[0];
    expect(await firstUser(["b", "a"])).toEqual({ user: "a", item: 0, rating: 3 });
    expect(await firstUser([7, 3])).toEqual({ user: 3, item: 0, rating: 3 });
    expect(await firstUser([7, 3], { stringIds: true })).toEqual({ user: "3", item: "0", rating: 3 });
    expect(await firstUser([7, 3], { stringIds: "user" })).toEqual({ user: "3", item: 0, rating: 3 });
    expect(await firstUser(await file("\ufeff20\r\n10\r\n", "ids.txt"))).toEqual({ user: 10, item: 0, rating: 3 });
    expect(await firstUser(await file("20\n010\n", "text.txt"))).toEqual({ user: "010", item: 0, rating: 3 });
    const wide = BigInt64Array.of(9007199254740991n, -5n);
    const numbers = npyFile("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", new Uint8Array(wide.buffer));
    expect(await firstUser(await file(numbers))).toEqual({ user: -5, item: 0, rating: 3 });
    const archive = await file(Buffer.concat(zipParts([{ name: "users.npy", parts: [numbers] }])), "ids.npz");
    expect(await firstUser(`${archive}/users`)).toEqual({ user: -5, item: 0, rating: 3 });
    expect(await firstUser(archive)).toEqual({ user: -5, item: 0, rating: 3 });
    const four = await file(singles("|i1", [[1], [2], [3], [4]]));
    const texts = await file(byNumpy("texts").fill("c", 128 + 60, 128 + 61));
    const { ratings } = await readMatrix({ values: four, rows: "users", userIds: texts });
    expect([...ratings.users.ids()]).toEqual(["a", "c", "émile", "🎬x"]);
  });

  it("reads arrays of an archive by name, and its only one without", async () => {
    const archive = await file(byNumpy("savez"), "data.npz");
    const { ratings, notes } = await readMatrix({ values: `${archive}/Y`, mask: `${archive}/R`, rows: "items" });
    expect(cells(ratings).map((each) => Object.values(each as object))).toEqual([
      [0, 1, 3],
      [1, 1, 4],
      [2, 0, 2],
      [2, 1, 100],
    ]);
    expect(notes[0]).toContain("data.npz/Y: 2 × 3 int8; ratings are where");
    const one = await file(byNumpy("savezCompressed"), "one.npz");
    expect((await readMatrix({ values: one, rows: "users" })).ratings.size).toBe(150);
  });
});

describe("whole numbers beyond 2²⁴", () => {
  it("are noted where 32-bit floats round them, here 2 of 4, and not where they hold them", async () => {
    const notesFor = async (rows: Rows) =>
      (await readMatrix({ values: await file(doubles(rows)), rows: "users" })).notes;
    const noted = await notesFor([
      [2 ** 24, 2 ** 24 + 1],
      [2 ** 24 + 2, 2 ** 24 + 3],
    ]);
    expect(noted).toHaveLength(3);
    expect(noted[2]).toMatch(
      /^2 of 4 ratings are whole numbers that 32-bit floats do not hold and are rounded: .*; divide/,
    );
    expect(
      await notesFor([
        [2 ** 24, 2 ** 40],
        [1e10 + 0.5, 3],
      ]),
    ).toHaveLength(2);
  });

  it("that no double tells apart are noted as well: 2⁶⁰ and 2⁶⁰ + 1 as int64", async () => {
    const elements = new Uint8Array(BigInt64Array.of(2n ** 60n, 2n ** 60n + 1n).buffer);
    const { notes } = await readMatrix({ values: await file(npyFile(headerOf("<i8", 1, 2), elements)), rows: "users" });
    expect(notes[2]).toMatch(/^2 of 2 ratings/);
  });

  it("of a CSV file are noted and refused alike", async () => {
    const { notes } = await readRatings(await file("1,2,16777217\n1,3,5\n", "whole.csv"));
    expect(notes.at(-1)).toMatch(/^1 of 2 ratings are whole numbers/);
    const one = await file("user,item,rating\n1,2,1099511627776\n1,3,1099511627777\n", "one.csv");
    await expect(readRatings(one)).rejects.toThrow(
      /one\.csv: the ratings 1099511627776 to 1099511627777 are all 1099511627776/,
    );
  });
});

describe("readRatings", () => {
  it("reads matrices as readMatrix does, told by their first bytes, not their names", async () => {
    const values = await file(
      doubles([
        [1, NaN_],
        [3, 4],
      ]),
      "matrix.bin",
    );
    const { ratings } = await readRatings(values, { rows: "items", itemIds: ["x", "y"] });
    const same = await readMatrix({ values, rows: "items", itemIds: ["x", "y"] });
    expect(ratings.hash).toBe(same.ratings.hash);
    const archive = await file(byNumpy("savez"), "data.npz");
    expect((await readRatings(`${archive}/Y`, { rows: "users", mask: `${archive}/R` })).ratings.size).toBe(4);
  });

  it("refuses options of tables beside a matrix, options of matrices beside a table, and a matrix among other files", async () => {
    const values = await file(
      doubles([
        [1, 2],
        [3, 4],
      ]),
    );
    const table = await file("user,item,rating\n1,2,3\n", "table.csv");
    for (const option of [
      ...[{ format: "csv" }, { separator: "," }, { header: true }, { user: 1 }, { time: "t" }, { encoding: "latin-1" }],
      ...[{ decimal: "," }, { onBadRow: "drop" }, { noRating: true }, { noTime: true }, { duplicates: "sum" }],
    ])
      await expect(readRatings(values, { rows: "users", ...option } as object), JSON.stringify(option)).rejects.toThrow(
        `${Object.keys(option)[0]} must be left out: ${values} is a matrix`,
      );
    for (const option of [{ rows: "users" }, { mask: values }, { userIds: [1] }, { itemIds: "ids.txt" }])
      await expect(readRatings(table, option as object), JSON.stringify(option)).rejects.toThrow(
        `${Object.keys(option)[0]} must be left out: ${table} is a table`,
      );
    await expect(readRatings([table, values])).rejects.toThrow("is a matrix, and 2 files were given");
  });

  it("refuses a file whose name says NumPy and whose bytes do not, and a packed one", async () => {
    const table = await file("user,item,rating\n1,2,3\n", "table.npy");
    await expect(readRatings(table)).rejects.toThrow("table.npy: is no NumPy file, by its first bytes");
    const nothing = await file(Buffer.concat([Buffer.from("PK\u0005\u0006"), Buffer.alloc(18)]), "nothing.npz"); // np.savez()
    await expect(readRatings(nothing)).rejects.toThrow(
      "nothing.npz: is an archive without a single array; write them by",
    );
    const { gzipSync } = await import("node:zlib");
    const packed = await file(gzipSync(doubles([[1]])), "Y.npy.gz");
    await expect(readRatings(packed)).rejects.toThrow("is a packed NumPy file; unpack it with gunzip");
  });
});
