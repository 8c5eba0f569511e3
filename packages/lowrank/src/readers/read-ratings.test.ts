import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DataError } from "@lowrank/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { file, folder, ownFolder, read, records, refusal, three, writeParquet } from "../../test/reading.ts";
import { type ReadOptions, readRatings, readTitles } from "./index.ts";

ownFolder();

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
      (await read(csv, { duplicates })).ratings.byUser.value.at(0);
    expect([await value("first"), await value("mean"), await value("last")]).toEqual([2, 3, 4]);
  });

  it("take the rating as an event with noRating", async () => {
    const { ratings } = await read("user,item,rating\n1,1,2\n", { noRating: true });
    expect(ratings.hasRatings).toBe(false);
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
      // Among tabs a quote may be a character: here every field that tells has quotes inside.
      { numRuns: 30, examples: [[[['A"a', 'A"a', 0]], "\t", false]] },
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
