import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { file, folder, ownFolder, read, refusal, writeParquet } from "../../test/reading.ts";
import { Duck } from "./duck.ts";
import { type ReadOptions, readRatings } from "./index.ts";

ownFolder();

describe("bad rows", () => {
  const table: readonly (readonly [string, string | Uint8Array, string, number, ReadOptions?, string?])[] = [
    [
      "text in the rating column",
      "user,item,rating\n1,2,3\n\n1,3,good\n",
      'ratings.csv line 4: rating "good" is not a number; correct the line, or leave such rows out with onBadRow: "drop"',
      4,
    ],
    [
      "a decimal comma",
      "1;2;3\n1;3;4,5\n",
      'ratings.csv line 2: rating "4,5" is not a number; use a decimal point, or pass decimal: ","',
      2,
    ],
    ["NaN", "user,item,rating\r\n1,2,3\r\n1,3,NaN\r\n", 'ratings.csv line 3: rating "NaN" is not a finite number', 3],
    ["infinity", "1,2,3\n1,3,-inf\n", 'ratings.csv line 2: rating "-inf" is not a finite number', 2],
    ["a rating beyond 32 bits", "1,2,3\n1,3,1e39\n", 'ratings.csv line 2: rating "1e39" is not a finite number', 2],
    [
      "a rating that 32 bits make 0",
      "1,2,3\n1,3,0\n1,4,-1e-50\n",
      'ratings.csv line 3: rating "-1e-50" is 0 as a 32-bit number, which begin at 1.4e-45; scale the ratings up, or correct the line',
      3,
    ],
    [
      "a rating that 32 bits make 0, where 0 is missing",
      "user,item,rating\n1,2,3\n1,3,0\n1,4,7e-46\n",
      'ratings.csv line 4: rating "7e-46" is 0 as a 32-bit number',
      4,
      { zeroIsMissing: true },
    ],
    ["an empty rating", "user,item,rating\n1,2,\n", "ratings.csv line 2: rating is missing", 2],
    ["an empty user", "user,item,rating\n1,2,3\n,2,3\n", "ratings.csv line 3: user is missing", 3],
    ["an item of blanks", "user,item,rating\na,x,3\nb,  ,3\n", "ratings.csv line 3: item is missing", 3],
    ["a quoted empty user", 'user,item,rating\na,x,3\n"",x,3\n', "ratings.csv line 3: user is missing", 3],
    [
      "a row that is too short",
      'user,item,rating\n1,"a\nb",3\n1,2\n',
      "ratings.csv line 4: has 2 fields where the header has 3",
      4,
    ],
    ["a row that is too long", "1,2,3\n1,3,4,5\n", "ratings.csv line 2: has 4 fields where the first line has 3", 2],
    [
      "a quote that never closes",
      'user,item,rating\n1,2,3\n1,"b,4\n2,c,5\n',
      "ratings.csv line 3: a quote opens here and is never closed",
      3,
    ],
    [
      "text after a closing quote",
      'user,item,rating\n1,"b"c,4\n',
      "ratings.csv line 2: text follows a closing quote",
      2,
    ],
    [
      "a header in the middle",
      "user,item,rating\n1,2,3\nuser,item,rating\n2,3,4\n",
      "ratings.csv line 3: the header stands here again, as when files are joined",
      3,
    ],
    [
      "a header in the middle of text ids",
      "user,item\na,b\nuser,item\n",
      "ratings.csv line 3: the header stands here again",
      3,
    ],
    [
      "an unreadable time",
      "user,item,rating,time\n1,2,3,5\n1,3,3,03/02/2015\n",
      'ratings.csv line 3: time "03/02/2015" is not a number, nor a date',
      3,
    ],
    [
      "a time in a zone by name",
      "user,item,rating,time\n1,3,3,2015-03-02 12:00 Europe/Berlin\n",
      "ratings.csv line 2: time",
      2,
    ],
    ["a missing time", "user,item,rating,time\n1,2,3,5\n1,3,3,\n", "ratings.csv line 3: time is missing", 3],
    [
      "a later header-like row with other numbers wrong too",
      "1,2,3\n1,3,x\n1,4,y\n",
      'ratings.csv line 2: rating "x"',
      2,
    ],
    ["a carriage return inside a line", "1,2,3\n1,\r4,5\n", "ratings.csv line 2: carriage return inside a line", 2],
    [
      "bytes that are not UTF-8",
      Buffer.from("user,item,rating\nann,Dune,5\nann,Amélie,5\n", "latin1"),
      'ratings.csv line 3: "Amélie" is not UTF-8; state the encoding of the file, most often encoding: "latin-1"',
      3,
    ],
    ["bad gzipped rows", gzipSync("1,2,3\n1,3,x\n"), 'ratings.csv line 2: rating "x" is not a number', 2],
    [
      "broken JSON",
      '{"user":1,"item":2}\n\n{"user":1,"item":\n',
      'a.jsonl line 3: "{\\"user\\":1,\\"item\\":" is not JSON',
      3,
      {},
      "a.jsonl",
    ],
    [
      "JSON that is no object",
      '{"user":1,"item":2}\n[1,2]\n',
      'a.jsonl line 2: "[1,2]" is not a JSON object',
      2,
      {},
      "a.jsonl",
    ],
    ["JSON without the item", '{"user":1,"item":2}\n{"user":1}\n', "a.jsonl line 2: item is missing", 2, {}, "a.jsonl"],
    [
      "JSON with a list for a user",
      '{"user":"a","item":2}\n{"user":["b"],"item":2}\n',
      'a.jsonl line 2: user is a list or an object, "[\\"b\\"]"',
      2,
      {},
      "a.jsonl",
    ],
    [
      "JSON with NaN",
      '{"user":1,"item":2,"rating":1}\n{"user":1,"item":3,"rating":NaN}\n',
      'a.jsonl line 2: rating "NaN" is not a finite number',
      2,
      {},
      "a.jsonl",
    ],
    [
      "JSON in latin-1",
      Buffer.from('{"user":1,"item":"x"}\n{"user":1,"item":"é"}\n', "latin1"),
      "a.jsonl line 2: ",
      2,
      {},
      "a.jsonl",
    ],
  ];
  for (const [name, content, message, line, options, path] of table) {
    it(`are refused: ${name}, on line ${line}`, async () => {
      const error = await refusal(content, options, path);
      expect(error.message).toContain(message);
      expect(error.facts.line).toBe(line);
    });
  }

  it("are found at line 150,001 of a long file, among quotes that span lines", async () => {
    const rows = Array.from({ length: 50_000 }, (_, row) => `${row},"x\ny\n",3\n`).join("");
    const { facts, message } = await refusal(`${rows}5,a,bad\n`);
    expect(message).toContain('line 150001: rating "bad" is not a number');
    expect(facts.line).toBe(150_001);
  });

  it("do not end the import early when they stop DuckDB in the middle: line 200,002 of 250,000", async () => {
    const rows = Array.from({ length: 250_000 }, (_, row) => `${row % 5000},${row % 977},3`);
    rows[200_000] += ",9";
    const csv = `user,item,rating\n${rows.join("\n")}\n`;
    expect((await refusal(csv)).message).toContain("ratings.csv line 200002: has 4 fields where the header has 3");
    const { ratings } = await read(csv, { onBadRow: "drop" });
    expect([ratings.report.records, ratings.report.dropped]).toEqual([
      250_000,
      [{ reason: "wrong number of fields", count: 1 }],
    ]);
  });

  it("name the row of a Parquet file and what it holds", async () => {
    const path = join(folder, "bad.parquet");
    await writeParquet(
      path,
      "SELECT i AS user, 1 AS item, CASE WHEN i = 4000 THEN 'nan'::DOUBLE ELSE 3 END AS rating FROM range(5000) t(i)",
    );
    await expect(readRatings(path)).rejects.toThrow('row 4001: rating "nan" is not a finite number');
  });

  it("are dropped on request, each counted by its reason, and the rest is kept", async () => {
    const bad = [
      "1,2",
      "x,y,z,w",
      "9,9,good",
      "9,9,nan",
      "9,9,1e-50",
      "9,9,",
      ",9,3",
      '9,"open,3',
      "user,item,rating",
      '9,"b"c,3',
    ];
    const rows = Array.from({ length: 5000 }, (_, row) => `${row % 70},${row % 71},${row % 5}`);
    const mixed = rows.flatMap((row, index) =>
      index % 500 === 250 && index < 5000 ? [row, bad[(index - 250) / 500]] : [row],
    );
    const csv = `user,item,rating\n${mixed.join("\n")}\n`;
    const clean = await read(`user,item,rating\n${rows.join("\n")}\n`);
    for (const content of [csv, gzipSync(csv)]) {
      const { ratings } = await read(content, { onBadRow: "drop" });
      expect(ratings.hash).toBe(clean.ratings.hash);
      expect(Object.fromEntries(ratings.report.dropped.map(({ reason, count }) => [reason, count]))).toEqual({
        "wrong number of fields": 2,
        "quote that is never closed": 1,
        "text after a closing quote": 1,
        "rating is not a number": 1,
        "rating is NaN, infinite or beyond 3.4e38": 1,
        "rating is not 0, and is as a 32-bit number": 1,
        "rating is missing": 1,
        "user is missing": 1,
        "the header line again": 1,
      });
    }
  });

  it("that are dropped do not turn number ids into text", async () => {
    const { ratings } = await read("1,2,3\nx,y,bad\n4,5,1\n", { onBadRow: "drop" });
    expect([ratings.users.kind, ratings.size]).toEqual(["number", 2]);
  });

  it("of JSON lines are dropped, too", async () => {
    const { ratings } = await read(
      '{"user":1,"item":2}\nnot json\n{"user":1}\n{"user":3,"item":2}\n',
      { onBadRow: "drop" },
      "a.jsonl",
    );
    expect(ratings.size).toBe(2);
    expect(ratings.report.dropped).toEqual([
      { reason: "line is not JSON", count: 1 },
      { reason: "item is missing", count: 1 },
    ]);
  });

  it("alone leave no ratings, and the error counts them", async () => {
    const { message } = await refusal("user,item,rating\n1,2,x\n1,3,y\n", { onBadRow: "drop" });
    expect(message).toContain("2 left out: rating is not a number");
  });
});

describe("files that cannot be read", () => {
  it("are told apart: not there, empty, a folder, header only, blank", async () => {
    await expect(readRatings(join(folder, "none.csv"))).rejects.toThrow("none.csv: there is no such file");
    expect((await refusal("")).message).toBe("ratings.csv: is empty; give a file with ratings");
    expect((await refusal(gzipSync(""))).message).toBe("ratings.csv: is empty; give a file with ratings");
    await expect(readRatings(folder)).rejects.toThrow("is a folder; give a file, or a pattern");
    expect((await refusal("user,item,rating\n")).message).toContain("has a header but no ratings below it");
    expect((await refusal("\n\n")).message).toContain("nothing but blank lines");
    await expect(readRatings("https://example.org/a.csv")).rejects.toThrow("is an address, and only files are read");
    await expect(readRatings(join(folder, "*.nothing"))).rejects.toThrow("no file matches");
  });

  it("are refused when the gzip data are cut short, even at the end of a line, or damaged", async () => {
    const rows = Array.from({ length: 60_000 }, (_, row) => `${row},${row % 977},${row % 5}\n`).join("");
    const packed = gzipSync(rows);
    const cut = await refusal(packed.subarray(0, packed.length >> 1), {}, "r.csv.gz");
    expect(cut.message).toMatch(/^r\.csv\.gz: the gzip data end too early after line \d{4,5}; get the file again/);
    const withoutEnd = await refusal(packed.subarray(0, packed.length - 8), {}, "r.csv.gz");
    expect(withoutEnd.message).toContain("the gzip data end too early after line 60000");
    const damaged = Buffer.from(packed);
    damaged[damaged.length - 8] ^= 1;
    expect((await refusal(damaged, {}, "r.csv.gz")).message).toContain("the gzip data are damaged");
    const dropped = await refusal(packed.subarray(0, packed.length >> 1), { onBadRow: "drop" }, "r.csv.gz");
    expect(dropped.message).toContain("end too early");
  });

  it("are named for what they are: zip, one JSON array, UTF-16 without a mark, binary, cut Parquet", async () => {
    expect((await refusal(Buffer.from("504b0304aabb", "hex"))).message).toContain("is a zip archive");
    expect((await refusal('[{"user":1}]', {}, "a.json")).message).toContain("one JSON array; give one object a line");
    expect((await refusal(Buffer.from("user,item\n1,2\n", "utf16le"))).message).toContain(
      'looks like UTF-16: pass encoding: "utf-16"',
    );
    expect((await refusal(Buffer.from("a\0bcdefghijkl,2\n"))).message).toContain("binary");
    expect((await refusal(Buffer.from("abc\0\0\0\0\0\0\0{}\0\0\0\0\0\0"))).message).toContain("binary");
    const parquet = join(folder, "whole.parquet");
    await writeParquet(parquet, "SELECT 1 AS user, 2 AS item");
    expect((await refusal(Buffer.from("PAR1 and then nothing"))).message).toContain("damaged or cut short");
    await expect(readRatings(parquet, { format: "csv" })).rejects.toThrow("is Parquet, but format");
  });

  it("are refused when no column is known, with the columns that there are", async () => {
    expect((await refusal("\nwho,item,rating\n1,2,3\n")).message).toContain(
      'ratings.csv line 2: no column is known as the user; its columns are "who", "item" and "rating"',
    );
    expect((await refusal("user,item,rating,Rating\n1,2,3,4\n")).message).toContain(
      'line 1: the header has "Rating" twice',
    );
  });

  it("are refused when the third column of a headerless file looks like times", async () => {
    expect((await refusal("1,2,964982703\n1,3,964982704\n")).message).toContain(
      "column 3 looks like times, not ratings",
    );
    const { ratings } = await read("1,2,964982703\n1,3,964982704\n", { time: 3, noRating: true });
    expect([ratings.hasRatings, ratings.hasTimes]).toEqual([false, true]);
  });
});

describe("the lock on DuckDB", () => {
  it("keeps queries away from other files, the network, extensions, settings and writing", async () => {
    const allowed = await file("1,2,3\n");
    const other = await file("secret\n");
    const duck = await Duck.open([allowed], 1);
    const refused = [
      `SELECT * FROM read_text('${other}')`,
      `SELECT * FROM read_csv('${join(folder, "*")}')`,
      "SELECT * FROM read_csv('https://example.org/a.csv')",
      "INSTALL httpfs",
      "LOAD httpfs",
      "SET enable_external_access = true",
      `COPY (SELECT 1) TO '${join(folder, "written.csv")}'`,
    ];
    for (const sql of refused) await expect(duck.rows(sql), sql).rejects.toThrow();
    expect(await duck.rows(`SELECT count(*)::INTEGER FROM read_csv('${allowed}', header = false)`)).toEqual([[1]]);
    duck.close();
  });
});

describe("temporary copies", () => {
  it("are gone when the import ends, well or badly", async () => {
    const before = (await readdir(tmpdir())).filter((name) => /^lowrank-[A-Za-z0-9]{6}$/.test(name));
    const utf16 = Buffer.from("\ufeffuser,item,rating\n1,2,x\n", "utf16le");
    await refusal(utf16);
    await read(utf16, { onBadRow: "drop" }).catch(() => {});
    await read("1,2\n1,2,3\n1,2,3\n", { onBadRow: "drop", header: false, user: 1, item: 2 });
    const after = (await readdir(tmpdir())).filter((name) => /^lowrank-[A-Za-z0-9]{6}$/.test(name));
    expect(after.filter((name) => !before.includes(name))).toEqual([]);
  });
});
