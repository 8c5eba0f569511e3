import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DataError, LowrankError, type RatingRecord } from "@lowrank/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Duck } from "./duck.ts";
import { type ReadOptions, readRatings, readTitles } from "./index.ts";

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lowrank-readers-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Writes a file of its own for each call. */
async function file(content: string | Uint8Array, name = "ratings.csv"): Promise<string> {
  const own = join(folder, String(count++));
  await mkdir(own);
  const path = join(own, name);
  await writeFile(path, content);
  return path;
}

async function read(content: string | Uint8Array, options: ReadOptions = {}, name?: string) {
  return readRatings(await file(content, name), options);
}

async function records(
  content: string | Uint8Array,
  options: ReadOptions = {},
  name?: string,
): Promise<RatingRecord[]> {
  return [...(await read(content, options, name)).ratings.records()];
}

/** The error of an import, its message with the file's folder left out. */
async function refusal(content: string | Uint8Array, options: ReadOptions = {}, name?: string) {
  const path = await file(content, name);
  const error = await readRatings(path, options).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LowrankError);
  const { message, facts } = error as LowrankError;
  return { message: message.replaceAll(join(path, "..") + "/", "").replaceAll(join(path, "..") + "\\", ""), facts };
}

const three: RatingRecord[] = [
  { user: 1, item: 10, rating: 4 },
  { user: 1, item: 20, rating: 2.5 },
  { user: 2, item: 10, rating: 0 },
];

describe("formats", () => {
  const csv = "userId,movieId,rating\n1,10,4\n1,20,2.5\n2,10,0\n";
  const rows = "1,10,4\n1,20,2.5\n2,10,0\n";
  const forms: readonly (readonly [string, string | Uint8Array, ReadOptions, string])[] = [
    ["CSV with a header", csv, {}, "a.csv"],
    ["CSV without a header", rows, {}, "a.csv"],
    ["CSV with CRLF and no end of line at the end", csv.trimEnd().replaceAll("\n", "\r\n"), {}, "a.csv"],
    ["lines that end in CR alone", csv.replaceAll("\n", "\r"), {}, "a.csv"],
    ["lines that end now in LF, now in CRLF", "user,item,rating\r\n1,10,4\n1,20,2.5\r\n2,10,0\n", {}, "a.csv"],
    ["tabs", rows.replaceAll(",", "\t"), {}, "a.tsv"],
    ["tabs, by format", rows.replaceAll(",", "\t"), { format: "tsv" }, "a"],
    ["double colons", rows.replaceAll(",", "::"), {}, "a.dat"],
    ["semicolons and decimal commas", rows.replaceAll(",", ";").replace("2.5", "2,5"), { decimal: "," }, "a.csv"],
    ["bars", rows.replaceAll(",", "|"), {}, "a.txt"],
    ["blanks", rows.replaceAll(",", " "), {}, "a.txt"],
    ["a separator of three characters", rows.replaceAll(",", " | "), { separator: " | " }, "a.txt"],
    ["quoted fields", '"user","item","rating"\n"1","10","4"\n"1","20","2.5"\n"2","10","0"\n', {}, "a.csv"],
    ["blanks around values", "user, item, rating\n1, 10, 4\n 1 ,20 , 2.5\n2, 10 ,0\n", {}, "a.csv"],
    ["blank lines", "\n\nuser,item,rating\n\n1,10,4\n1,20,2.5\n\n2,10,0\n\n", {}, "a.csv"],
    ["gzip", gzipSync(csv), {}, "a.csv.gz"],
    ["gzip without a telling name", gzipSync(csv), {}, "a.data"],
    ["gzip in two members", Buffer.concat([gzipSync(csv.slice(0, 30)), gzipSync(csv.slice(30))]), {}, "a.gz"],
    ["a byte order mark", `\ufeff${csv}`, {}, "a.csv"],
    ["UTF-16, little end first", Buffer.from(`\ufeff${csv}`, "utf16le"), {}, "a.csv"],
    ["UTF-16, big end first", Buffer.from(`\ufeff${csv}`, "utf16le").swap16(), {}, "a.csv"],
    ["UTF-16 without a mark, stated", Buffer.from(csv, "utf16le"), { encoding: "utf-16" }, "a.csv"],
    [
      "columns in another order among others",
      "x,rating,item_id,y,user_id\na,4,10,b,1\na,2.5,20,b,1\na,0,10,b,2\n",
      {},
      "a.csv",
    ],
    ["columns by position", "4,b,10,1\n2.5,b,20,1\n0,b,10,2\n", { user: 4, item: 3, rating: 1 }, "a.csv"],
    [
      "columns by name",
      "who,what,how much\n1,10,4\n1,20,2.5\n2,10,0\n",
      { user: "who", item: "What", rating: "how_much" },
      "a.csv",
    ],
    [
      "a header said to be one",
      "7,8,9\n1,10,4\n1,20,2.5\n2,10,0\n",
      { header: true, user: 1, item: 2, rating: 3 },
      "a.csv",
    ],
    [
      "JSON lines",
      '{"user":1,"item":10,"rating":4}\n{"user":1,"item":20,"rating":2.5,"note":"x"}\n\n{"rating":0,"item":10,"user":2}',
      {},
      "a.jsonl",
    ],
    [
      "gzipped JSON lines",
      gzipSync(
        '{"user":1,"item":10,"rating":4}\n{"user":1,"item":20,"rating":"2.5"}\n{"user":2,"item":10,"rating":0}\n',
      ),
      {},
      "a.jsonl.gz",
    ],
    [
      "JSON lines with a byte order mark",
      '\ufeff{"user":1,"item":10,"rating":4}\n{"user":1,"item":20,"rating":2.5}\n{"user":2,"item":10,"rating":0}',
      {},
      "a.jsonl",
    ],
  ];
  for (const [name, content, options, path] of forms)
    it(`reads ${name}`, async () => expect(await records(content, options, path)).toEqual(three));

  it("reads Parquet, with integer, floating and text columns and timestamps", async () => {
    const path = join(folder, "a.parquet");
    await writeParquet(
      path,
      "SELECT * FROM (VALUES (1::INTEGER, 10.0::DOUBLE, 4::FLOAT, TIMESTAMP '1970-01-02'), (1, 20, 2.5, TIMESTAMP '1970-01-01 00:00:01.5'), " +
        "(2, 10, 0, TIMESTAMP '2000-01-01')) t(user_id, item_id, rating, ts)",
    );
    const { ratings } = await readRatings(path);
    expect([...ratings.records()]).toEqual([
      { ...three[0], time: 86_400 },
      { ...three[1], time: 1.5 },
      { ...three[2], time: 946_684_800 },
    ]);
  });

  it("reads one user a line, then that user's items", async () => {
    expect(await records("0 5 3 \n1\n2 3\n", { format: "lists" }, "train.txt")).toEqual([
      { user: 0, item: 3 },
      { user: 0, item: 5 },
      { user: 2, item: 3 },
    ]);
  });

  it("refuses an ordinary table as lists by its header, unless a header is stated or ruled out", async () => {
    const csv = "user,item,rating\n1,2,3\n2,3,4\n";
    const error = await refusal(csv, { format: "lists" });
    expect(error.message).toBe(
      'ratings.csv line 1: "user", "item" and "rating" look like names of columns, and format "lists" has one user and then ' +
        "that user's items on each line; leave the format out if this is a table; else pass header: true to pass over line 1, " +
        "or header: false if it holds ids",
    );
    expect((await refusal("who what\n1 2\n2 3 4\n", { format: "lists" })).message).toContain("names of columns");
    const skipped = await records("who what\n1 2\n2 3 4\n", { format: "lists", header: true });
    expect(skipped.map(({ user, item }) => [user, item])).toEqual([
      [1, 2],
      [2, 3],
      [2, 4],
    ]);
    expect((await records(csv, { format: "lists", header: false })).map(({ user }) => user)).toContain("user");
    expect(await records("ann x y\nbob x\n", { format: "lists" })).toHaveLength(3);
  });

  it("reads latin-1 when it is stated, and what it says is the very text", async () => {
    const content = Buffer.from("user,item,rating\nann,Amélie,5\nbob,Ça,3\n", "latin1");
    const { ratings, notes } = await read(content, { encoding: "latin-1" });
    expect([...ratings.items.ids()]).toEqual(["Amélie", "Ça"]);
    expect(notes[0]).toBe("ratings.csv: read as latin-1");
  });
});

async function writeParquet(path: string, query: string): Promise<void> {
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const db = await DuckDBInstance.create();
  const connection = await db.connect();
  await connection.run(`COPY (${query}) TO '${path.replaceAll("'", "''")}' (FORMAT parquet)`);
  db.closeSync();
}

describe("ids", () => {
  it("are numbers when all are plain whole numbers, text when the 3,000th is not, and it is said", async () => {
    const rows = Array.from({ length: 3000 }, (_, row) => `${row},7,3`);
    const numbers = await read(`${rows.join("\n")}\n`);
    expect([numbers.ratings.users.kind, numbers.ratings.items.kind]).toEqual(["number", "number"]);
    const mixed = await read(`${rows.join("\n")}\nA1,7,3\n`);
    expect([mixed.ratings.users.kind, mixed.ratings.items.kind, mixed.ratings.size]).toEqual([
      "string",
      "number",
      3001,
    ]);
    expect(mixed.notes).toContain("user ids are kept as text, because not all are plain whole numbers");
  });

  it("keep what a number would lose: leading zeros, signs, decimals, 17 digits", async () => {
    for (const id of ["007", "+5", "1.0", "1e3", "1_000", "9007199254740993", "-0"]) {
      const { ratings } = await read(`user,item,rating\n${id},1,2\n3,1,4\n`);
      expect([...ratings.users.ids()].sort()).toEqual([id, "3"].sort());
    }
  });

  it("may be negative or zero, and go up to 2^53 - 1", async () => {
    const { ratings } = await read("user,item,rating\n-5,0,2\n9007199254740991,1,4\n");
    expect([...ratings.users.ids()]).toEqual([-5, 9007199254740991]);
  });

  it("stay text on request", async () => {
    const { ratings } = await read("user,item,rating\n1,2,3\n", { stringIds: true });
    expect([ratings.users.id(0), ratings.items.id(0)]).toEqual(["1", "2"]);
    const users = await read("user,item,rating\n1,2,3\n", { stringIds: "user" });
    expect([users.ratings.users.id(0), users.ratings.items.id(0)]).toEqual(["1", 2]);
    const items = await read("user,item,rating\n1,2,3\n", { stringIds: "item" });
    expect([items.ratings.users.id(0), items.ratings.items.id(0)]).toEqual([1, "2"]);
    await expect(read("1,2,3\n", { stringIds: "users" as "user" })).rejects.toThrow('true, false, "user" or "item"');
  });

  it("of JSON are what JSON says: text in quotes is text", async () => {
    const { ratings } = await read('{"user":"1","item":2}\n{"user":"2","item":3}\n', {}, "a.jsonl");
    expect([ratings.users.id(0), ratings.items.id(0)]).toEqual(["1", 2]);
  });

  it("of JSON become text when a later one is", async () => {
    const { ratings } = await read('{"user":1,"item":2}\n{"user":"b\\"c","item":3}\n', {}, "a.jsonl");
    expect([...ratings.users.ids()]).toEqual(["1", 'b"c']);
  });

  it("survive quotes, separators, line ends and other scripts inside quoted fields", async () => {
    const odd = ["a,b", 'say "x"', "two\nlines", "日本", "émile", " inner  blanks"];
    const rows = odd.map((id) => `"${id.replaceAll('"', '""')}",1,3`);
    const { ratings } = await read(`user,item,rating\n${rows.join("\n")}\n`);
    expect([...ratings.users.ids()].sort()).toEqual(odd.map((id) => id.trim()).sort());
  });
});

describe("ratings and times", () => {
  it("without a rating column are events, counted, and it is said", async () => {
    const { ratings, notes } = await read("user,item,when it was\n1,2,a\n1,2,b\n1,3,c\n");
    expect([ratings.hasRatings, [...ratings.byUser.value]]).toEqual([false, [2, 1]]);
    expect(notes[0]).toContain(
      'no rating column, so every record counts as one event (if one of "when it was" is the rating',
    );
  });

  it("keep a rating of 0 unless zeroIsMissing, which counts what it leaves out", async () => {
    const csv = "user,item,rating\n1,1,0\n1,2,5\n";
    expect((await read(csv)).ratings.size).toBe(2);
    const { ratings } = await read(csv, { zeroIsMissing: true });
    expect([ratings.size, ratings.report.dropped]).toEqual([1, [{ reason: "rating 0, declared missing", count: 1 }]]);
  });

  it("turn dates and timestamps into seconds of UTC, and leave numbers as they are", async () => {
    const times: readonly (readonly [string, number])[] = [
      ["0", 0],
      ["964982703", 964982703],
      ["-1.5e3", -1500],
      ["1970-01-02", 86_400],
      ["1970-01-01 00:01:00", 60],
      ["1970-01-01T00:01:00Z", 60],
      ["1970-01-01T02:00:00+02:00", 0],
      ["1970-01-01 00:00:00.25", 0.25],
      ["1970-01-01 00:01:00 UTC", 60],
    ];
    const rows = times.map(([text], row) => `${row},1,3,${text}`);
    const { ratings } = await read(`user,item,rating,time\n${rows.join("\n")}\n`);
    expect([...(ratings.byUser.time ?? [])]).toEqual(times.map(([, seconds]) => seconds));
  });

  it("follow the policy for duplicates", async () => {
    const csv = "user,item,rating\n1,1,2\n1,1,4\n";
    const value = async (duplicates: ReadOptions["duplicates"]) =>
      (await read(csv, { duplicates })).ratings.byUser.value[0];
    expect([await value("first"), await value("mean"), await value("last")]).toEqual([2, 3, 4]);
  });

  it("take the rating as an event with noRating", async () => {
    const { ratings } = await read("user,item,rating\n1,1,2\n", { noRating: true });
    expect(ratings.hasRatings).toBe(false);
  });
});

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
    const bad = ["1,2", "x,y,z,w", "9,9,good", "9,9,nan", "9,9,", ",9,3", '9,"open,3', "user,item,rating", '9,"b"c,3'];
    const rows = Array.from({ length: 5000 }, (_, row) => `${row % 70},${row % 71},${row % 5}`);
    const mixed = rows.flatMap((row, index) =>
      index % 500 === 250 && index < 4750 ? [row, bad[(index - 250) / 500]] : [row],
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

describe("options", () => {
  it("that do not exist or contradict each other are refused by name", async () => {
    const path = await file("1,2,3\n");
    await expect(readRatings(path, { seperator: "," } as ReadOptions)).rejects.toThrow('did you mean "separator"?');
    await expect(readRatings(path, { noRating: true, rating: 3 })).rejects.toThrow(
      "rating must be left out when noRating is true",
    );
    await expect(readRatings(path, { user: 0 })).rejects.toThrow("user must be the name of a column or its position");
    await expect(readRatings(path, { separator: "12345" })).rejects.toThrow("one to four characters");
    await expect(readRatings(path, { encoding: "latin1" as "latin-1" })).rejects.toThrow(
      '"utf-8", "latin-1", "utf-16"',
    );
    await expect(readRatings([])).rejects.toThrow("source must be a path");
  });

  it("stop on the caller's signal", async () => {
    const path = await file("1,2,3\n");
    await expect(readRatings(path, { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
    const large = await file(Array.from({ length: 300_000 }, (_, row) => `${row},${row % 7},3\n`).join(""));
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 5);
    await expect(readRatings(large, { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("several files", () => {
  it("are read together by list and by glob, whatever characters are in their names", async () => {
    const own = join(folder, "many [1]");
    await mkdir(own);
    await writeFile(join(own, "a.csv"), "user,item,rating\n1,10,4\n");
    await writeFile(join(own, "b.csv.gz"), gzipSync("rating,item,user\n2.5,20,1\n"));
    await writeFile(join(own, "it's [c]*?.csv"), "2\t10\t0\n");
    const names = ["a.csv", "b.csv.gz", "it's [c]*?.csv"].map((name) => join(own, name));
    const { ratings, notes } = await readRatings(names);
    expect([...ratings.records()]).toEqual(three);
    expect(notes.map((note) => note.split(":", 1)[0])).toEqual(["a.csv and 1 more", "it's [c]*?.csv"]);
    const plain = join(folder, "plain");
    await symlink(own, plain);
    const globbed = await readRatings(join(plain, "*.csv*"));
    expect(globbed.ratings.hash).toBe(ratings.hash);
  });

  it("are one file when that has a pattern's signs in its name, whatever else the pattern would fit", async () => {
    const own = join(folder, "signs");
    await mkdir(own);
    for (const name of ["*.csv", "a?.csv", "[ab].csv"]) await writeFile(join(own, name), `${name},10,4\n`);
    for (const name of ["a.csv", "b.csv", "ab.csv"]) await writeFile(join(own, name), "sibling,10,4\n");
    for (const name of ["*.csv", "a?.csv", "[ab].csv"]) {
      const { ratings } = await readRatings(join(own, name));
      expect([...ratings.users.ids()]).toEqual([name]);
    }
    expect((await readRatings(join(own, "a*.csv"))).ratings.size).toBe(2);
    await writeParquet(join(own, "?.parquet"), "SELECT 1 AS item, 'one' AS title, 7 AS user");
    await writeParquet(join(own, "b.parquet"), "SELECT 2 AS item, 'two' AS title, 8 AS user");
    expect([...(await readRatings(join(own, "?.parquet"))).ratings.users.ids()]).toEqual([7]);
    expect([...(await readTitles(join(own, "?.parquet")))]).toEqual([["1", "one"]]);
  });

  it("become text ids together when one of them has text ids", async () => {
    const first = await file("1,2,3\n");
    const second = await file("x,2,3\n");
    const { ratings } = await readRatings([first, second]);
    expect([...ratings.users.ids()]).toEqual(["1", "x"]);
  });

  it("must agree on having ratings", async () => {
    const first = await file("user,item,rating\n1,2,3\n");
    const second = await file("user,item\n1,2\n");
    await expect(readRatings([first, second])).rejects.toThrow("has no rating column, but");
  });

  it("name the file of the bad row", async () => {
    const first = await file("1,2,3\n", "first.csv");
    const second = await file("1,2,3\n1,4,x\n", "second.csv");
    await expect(readRatings([first, second])).rejects.toThrow(/second\.csv line 2: rating "x"/);
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

describe("any table", () => {
  it("comes back as it was written, in every text form", async () => {
    const id = fc.oneof(fc.integer({ min: 0, max: 40 }).map(String), fc.stringMatching(/^[A-Za-zé]{1,5}[",; ]?[a-z]$/));
    const row = fc.tuple(
      id,
      id,
      fc.integer({ min: -20, max: 20 }).map((value) => value / 4),
    );
    const rows = fc.uniqueArray(row, { minLength: 1, maxLength: 30, selector: ([user, item]) => `${user}\0${item}` });
    await fc.assert(
      fc.asyncProperty(rows, fc.constantFrom(",", ";", "\t"), fc.boolean(), async (table, separator, gzip) => {
        const cell = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const text = table.map(([user, item, rating]) => [cell(user), cell(item), rating].join(separator)).join("\n");
        const csv = ["user", "item", "rating"].join(separator) + `\n${text}\n`;
        const { ratings } = await read(gzip ? gzipSync(csv) : csv, { separator, header: true, stringIds: true });
        const found = [...ratings.records()].map(({ user, item, rating }) => [user, item, rating].join("\0")).sort();
        expect(found).toEqual(table.map((fields) => fields.join("\0")).sort());
      }),
      { numRuns: 30 },
    );
  });
});

describe("errors", () => {
  it("are DataErrors with file, line, problem and value as fields", async () => {
    const path = await file("user,item,rating\n1,2,bad\n");
    const error = await readRatings(path).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).facts).toMatchObject({ file: path, line: 2, problem: "rating-text", got: "bad" });
  });
});
