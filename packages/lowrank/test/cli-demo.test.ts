import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folder, inProcess, lowrank, smallRatings, write } from "./cli-support.ts";
import { zipOf } from "./zip-of.ts";

const movies = `movieId,title,genres\n${Array.from({ length: 30 }, (_, at) => `${at + 1},"Film ${at + 1}, The (1999)",Drama`).join("\n")}\n`;

describe("lowrank demo", () => {
  it("ends in ten recommendations with titles and reasons for a person whose ratings are shown", async () => {
    const data = await folder();
    mkdirSync(data.file("ml-latest-small"));
    await write(data.file("ml-latest-small/ratings.csv"), smallRatings());
    await write(data.file("ml-latest-small/movies.csv"), movies);
    const { code, stdout, stderr } = await lowrank(["demo"], { env: { LOWRANK_DATA: data.path } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.not.stringContaining("made-up") });
    expect(stdout).toContain("MovieLens latest-small, from");
    expect(stdout).toMatch(/^ +predicted ratings: RMSE +0\.\d{3} +– +– +\d\.\d{3} +\d\.\d{3} /m);
    expect(stdout).toMatch(/^4 {2}A person: user \d+$/m);
    expect(stdout).toMatch(/^ +10 +\d\.\d stars +The Film \d+ \(1999\)/m);
    expect(stdout.match(/^ +because of The Film \d+ \(1999\)/gm)?.length).toBeGreaterThanOrEqual(8);
    await data.dispose();
  });

  it("uses a made-up world where no real ratings can be had, and says so and why", async () => {
    const cache = await folder();
    const env = { LOWRANK_DATA: "", LOWRANK_CACHE: cache.path, LOWRANK_DATASETS_URL: "http://127.0.0.1:9/" };
    const { code, stdout, stderr } = await lowrank(["demo", "--json"], { env });
    expect(code).toBe(0);
    expect(stderr).toContain("warning: no real ratings, so this demo uses made-up ones");
    const { data, als, ials, recommendations } = JSON.parse(stdout);
    expect(data).toMatchObject({ users: 600, ratings: 90_000 });
    expect(recommendations).toHaveLength(10);
    const ruler = (name: string) => als.evaluation.rulers.find((each: { name: string }) => each.name === name);
    expect(als.evaluation.errors.rmse).toBeLessThan(ruler("biasOnly").errors.rmse);
    expect(ials.evaluation.ranking[0].ndcg).toBeGreaterThan(ruler("popularity").ranking[0].ndcg);
    await cache.dispose();
  });

  it("says that user 9999 is not in the demo, with 1", async () => {
    const data = await folder();
    mkdirSync(data.file("ml-latest-small"));
    await write(data.file("ml-latest-small/ratings.csv"), smallRatings());
    await write(data.file("ml-latest-small/movies.csv"), movies);
    const { code, stderr } = await inProcess(["demo", "--user", "9999"], { env: { LOWRANK_DATA: data.path } });
    expect(code).toBe(1);
    expect(stderr).toContain("user 9999 is not among the 40 users of the demo");
    await data.dispose();
  });
});

describe("lowrank datasets", () => {
  const files = new Map<string, Buffer>();
  let server: Server;
  let baseUrl: string;

  beforeAll(async () => {
    const archive = zipOf({ "ml-latest-small/ratings.csv": smallRatings(), "ml-latest-small/movies.csv": movies });
    files.set("/ml-latest-small.zip", archive);
    files.set(
      "/ml-latest-small.zip.md5",
      Buffer.from(`${createHash("md5").update(archive).digest("hex")}  ml-latest-small.zip\n`),
    );
    server = createServer((request, response) => {
      const body = files.get(request.url ?? "");
      if (body === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "content-length": body.length }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  });

  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it("lists latest-small, 100k, 1m, 25m and 32m with their numbers of ratings", async () => {
    const { code, stdout } = await inProcess(["datasets"], { env: { LOWRANK_DATA: "" } });
    expect(code).toBe(0);
    for (const [name, ratings] of [
      ["latest-small", "100,836"],
      ["100k", "100,000"],
      ["1m", "1,000,209"],
      ["25m", "25,000,095"],
      ["32m", "32,000,204"],
    ]) {
      expect(stdout).toMatch(new RegExp(`^ {2}${name} +${ratings} `, "m"));
    }
  });

  it("downloads and unpacks from a server, checked by the checksum beside the archive, and prints the folder", async () => {
    const to = await folder();
    const args = ["datasets", "download", "latest-small", "--to", to.path, "--base-url", baseUrl];
    const { code, stdout, stderr } = await inProcess([...args, "--checksum", "beside"]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${to.file("ml-latest-small")}\n` });
    expect(stderr).toContain("terms:");
    expect(readFileSync(to.file("ml-latest-small/ratings.csv"), "utf8")).toBe(smallRatings());
    expect(readdirSync(to.path)).toEqual(["ml-latest-small"]);
    await to.dispose();
  });

  it("refuses an archive that has not the known checksum, with 1, and leaves nothing under the final name", async () => {
    const to = await folder();
    const args = ["datasets", "download", "latest-small", "--to", to.path, "--base-url", baseUrl];
    const { code, stdout, stderr } = await inProcess(args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/checksum/i);
    expect(readdirSync(to.path)).not.toContain("ml-latest-small");
    await to.dispose();
  });

  it.each([
    [["datasets", "download", "32n"], 'there is no data set "32n"; there are latest-small, 100k, 1m, 25m and 32m'],
    [["datasets", "downlod"], 'unknown word "downlod"; did you mean "download"?'],
  ])("refuses %j with 2", async (args, message) => {
    const { code, stderr } = await inProcess(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});
