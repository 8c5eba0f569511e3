import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readTitles, type TitleOptions } from "./index.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lowrank-titles-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(content: string | Uint8Array, options: TitleOptions = {}, name = "titles.csv") {
  const path = join(folder, name);
  await writeFile(path, content);
  return readTitles(path, options);
}

describe("readTitles", () => {
  const expected = new Map([
    ["1", "Toy Story (1995)"],
    ["11", "American President, The (1995)"],
    ["12", 'The "It" Girl'],
  ]);
  const csv =
    'movieId,title,genres\r\n1,Toy Story (1995),A|B\r\n11,"American President, The (1995)",C\r\n12,"The ""It"" Girl",D\r\n';

  it("reads quoted commas and quotes, and keys by the id as text", async () => {
    expect(await read(csv)).toEqual(expected);
    expect(await read(gzipSync(csv), {}, "titles.csv.gz")).toEqual(expected);
  });

  it("takes the first two columns of 24 without a header", async () => {
    const more = "|01-Jan-1995||http://x|0".padEnd(60, "|0");
    const text = [...expected].map(([id, title]) => `${id}|${title}${more}`).join("\n");
    expect(await read(text, {}, "u.item")).toEqual(expected);
  });

  it("reads titles with a single colon between double colons", async () => {
    const titles = await read("1::Mission: Impossible (1996)::Action\n2::Alien³ (1992)::Horror\n");
    expect(titles.get("1")).toBe("Mission: Impossible (1996)");
  });

  it("reads JSON lines, with numbers or text for ids", async () => {
    const json = '{"item":1,"name":"One"}\n{"item":"b","name":"Two"}\n{"item":3}\n';
    expect(await read(json, {}, "a.jsonl")).toEqual(
      new Map([
        ["1", "One"],
        ["b", "Two"],
      ]),
    );
  });

  it("reads Parquet", async () => {
    const path = join(folder, "titles.parquet");
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const db = await DuckDBInstance.create();
    const connection = await db.connect();
    await connection.run(`COPY (SELECT 7 AS movie_id, 'Seven' AS title) TO '${path}' (FORMAT parquet)`);
    db.closeSync();
    expect(await readTitles(path)).toEqual(new Map([["7", "Seven"]]));
  });

  it("reads latin-1 when stated; otherwise names file, line and the way out", async () => {
    const bytes = Buffer.from("1::Alien (1979)::A\n73::Misérables, Les (1995)::B\n", "latin1");
    expect((await read(bytes, { encoding: "latin-1" })).get("73")).toBe("Misérables, Les (1995)");
    await expect(read(bytes)).rejects.toThrow(
      'titles.csv line 2: "Misérables, Les (1995)" is not UTF-8; state the encoding of the file, most often encoding: "latin-1"',
    );
  });

  it("takes the columns that the caller names", async () => {
    expect(await read("a,b,c\n1,x,One\n", { id: "a", title: 3 })).toEqual(new Map([["1", "One"]]));
  });

  it("names the line of a ragged row, without offering what titles do not have", async () => {
    const error = await read("movieId,title\n1,One\n2\n").catch((thrown: Error) => thrown.message);
    expect(error).toContain("titles.csv line 3: has 1 field where the first line has 2; correct the line");
    expect(error).not.toContain("onBadRow");
  });

  it("refuses columns that cannot be told, options that do not exist, and files that are not there", async () => {
    await expect(read("a,b\nc,d\n", { header: true })).rejects.toThrow("name them with id and title");
    await expect(read("1,a\n", { item: 1 } as TitleOptions)).rejects.toThrow("readTitles has no such option");
    await expect(readTitles(join(folder, "none.csv"))).rejects.toThrow("there is no such file");
  });
});
