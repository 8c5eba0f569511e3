import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { zipOf } from "../../test/zip-of.ts";
import { readRatings, readTitles } from "../readers/index.ts";
import { type DatasetInfo, datasets, downloadDataset, findDataset } from "./index.ts";

const md5 = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");

/** 200 kB that do not pack, so that connections can be cut in the middle. */
const filler = randomBytes(200_000);
const archive = zipOf({
  "ml-latest-small/ratings.csv": "userId,movieId,rating\n1,10,4\n",
  "ml-latest-small/movies.csv": 'movieId,title\n10,"Postino, Il"\n',
  "ml-latest-small/filler.bin": filler,
});

/** The real entry, with the checksum of the archive above. */
function smallSet(bytes: Uint8Array = archive): DatasetInfo {
  return { ...datasets[0], checksum: { algorithm: "md5", hex: md5(bytes) } };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Serves bytes with ranges and an ETag, as the publisher's server does. */
function serving(bytes: Uint8Array, etag = '"one"'): Answer {
  return (request, response) => {
    const range = request.headers.range?.match(/^bytes=(\d+)-$/);
    const isSame = request.headers["if-range"] === etag;
    const from = range !== null && range !== undefined && isSame ? Number(range[1]) : 0;
    const body = bytes.subarray(from);
    const headers = { etag, "content-length": body.length, "accept-ranges": "bytes" };
    if (from > 0 && body.length === 0) response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
    else if (from > 0)
      response
        .writeHead(206, { ...headers, "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` })
        .end(body);
    else response.writeHead(200, headers).end(body);
  };
}

/** Promises all bytes and breaks the connection after some of them, once the first of these are on the disk. */
function breaking(bytes: Uint8Array, after: number): Answer {
  const part = join(folder, "ml-latest-small.zip.part");
  const arrived = async () => ((await stat(part).catch(() => undefined))?.size ?? 0) > 0;
  return async (_, response) => {
    response.writeHead(200, { etag: '"one"', "content-length": bytes.length });
    response.write(bytes.subarray(0, after));
    while (!response.destroyed && !(await arrived())) await new Promise((later) => setTimeout(later, 10));
    response.destroy();
  };
}

/** Where a request asked to go on; what the connection held when it broke may be lost. */
const resumedAt = (index: number) => Number(requests[index].range?.match(/^bytes=(\d+)-$/)?.[1]);

let folder: string;
let baseUrl: string;
let answers: Answer[];
let requests: { readonly url: string; readonly range: string | undefined }[];
const server = createServer((request, response) => {
  requests.push({ url: request.url ?? "", range: request.headers.range });
  const answer = answers.length > 1 ? answers.shift() : answers[0];
  answer?.(request, response);
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lowrank-datasets-"));
  requests = [];
  answers = [serving(archive)];
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/movielens`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await rm(folder, { recursive: true, force: true });
});

describe("downloadDataset", () => {
  it("leaves the unpacked folder and nothing else; the readers read it; a second call asks for nothing", async () => {
    const progress: { done: number; total: number }[] = [];
    const to = join(folder, "new", "cache");
    const path = await downloadDataset(smallSet(), { to, baseUrl, onProgress: (at) => progress.push(at) });
    expect(path).toBe(join(to, "ml-latest-small"));
    expect(await readdir(to)).toEqual(["ml-latest-small"]);
    expect(await readFile(join(path, "filler.bin"))).toEqual(filler);
    expect((await readRatings(join(path, "ratings.csv"))).ratings.size).toBe(1);
    expect((await readTitles(join(path, "movies.csv"))).get("10")).toBe("Postino, Il");
    expect(progress.at(-1)).toEqual({ done: archive.length, total: archive.length });
    expect(requests.map(({ url }) => url)).toEqual(["/movielens/ml-latest-small.zip"]);
    expect(await downloadDataset(smallSet(), { to, baseUrl })).toBe(path);
    expect(requests).toHaveLength(1);
    expect(await findDataset("latest-small", { cache: to, data: "" })).toBe(path);
  });

  it("goes on where a broken connection stopped", async () => {
    answers = [breaking(archive, 100_000), serving(archive)];
    const path = await downloadDataset(smallSet(), { to: folder, baseUrl });
    expect(requests).toHaveLength(2);
    expect(resumedAt(1)).toBeGreaterThan(0);
    expect(resumedAt(1)).toBeLessThanOrEqual(100_000);
    expect(await readFile(join(path, "filler.bin"))).toEqual(filler);
  });

  it("goes on in a later call, and starts over when the server's file is another by then", async () => {
    answers = [breaking(archive, 50_000), (_, response) => response.destroy()];
    await expect(downloadDataset(smallSet(), { to: folder, baseUrl })).rejects.toMatchObject({ code: "network" });
    expect((await readdir(folder)).sort()).toEqual(["ml-latest-small.zip.part", "ml-latest-small.zip.part.json"]);
    answers = [serving(archive, '"two"')];
    requests = [];
    await downloadDataset(smallSet(), { to: folder, baseUrl });
    expect(resumedAt(0)).toBeGreaterThan(0);
    expect(resumedAt(0)).toBeLessThanOrEqual(50_000);
    expect(await readdir(folder)).toEqual(["ml-latest-small"]);
  });

  it("takes an archive that was complete before the last call ended", async () => {
    await writeFile(join(folder, "ml-latest-small.zip.part"), archive);
    const url = `${baseUrl}/ml-latest-small.zip`;
    await writeFile(join(folder, "ml-latest-small.zip.part.json"), JSON.stringify({ url, edition: '"one"' }));
    await downloadDataset(smallSet(), { to: folder, baseUrl });
    expect(await readdir(folder)).toEqual(["ml-latest-small"]);
  });

  it("unpacks nothing when the checksum is wrong, and says both", async () => {
    const wrong = { ...smallSet(), checksum: { algorithm: "md5", hex: "0".repeat(32) } } as const;
    await expect(downloadDataset(wrong, { to: folder, baseUrl })).rejects.toThrow(
      `has md5 ${md5(archive)}, expected is ${"0".repeat(32)}; nothing was unpacked`,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it("knows the real archive's checksum: another one under its name is refused", async () => {
    await expect(downloadDataset("latest-small", { to: folder, baseUrl })).rejects.toThrow(
      "expected is 696d65a3dfceac7c",
    );
  });

  it("takes the checksum beside the archive on request, in both ways of writing it", async () => {
    for (const text of [
      `MD5 (ml-latest-small.zip) = ${md5(archive)}\n`,
      `${md5(archive).toUpperCase()}  ml-latest-small.zip\n`,
    ]) {
      const to = await mkdtemp(join(folder, "beside-"));
      answers = [
        (request, response) =>
          request.url?.endsWith(".md5") ? response.end(text) : serving(archive)(request, response),
      ];
      await downloadDataset("latest-small", { to, baseUrl, checksum: "beside" });
      expect(await readdir(to)).toEqual(["ml-latest-small"]);
    }
    answers = [
      (request, response) =>
        request.url?.endsWith(".md5") ? response.writeHead(404).end() : serving(archive)(request, response),
    ];
    const to = join(folder, "none");
    await expect(downloadDataset("latest-small", { to, baseUrl, checksum: "beside" })).rejects.toThrow(
      "has no checksum beside it",
    );
  });

  it("says what the server answered, without trying again for 404", async () => {
    answers = [(_, response) => response.writeHead(404).end("gone")];
    await expect(downloadDataset(smallSet(), { to: folder, baseUrl })).rejects.toThrow(
      "the server answered 404 Not Found",
    );
    expect(requests).toHaveLength(1);
  });

  it("tries again after 503", async () => {
    answers = [(_, response) => response.writeHead(503).end(), serving(archive)];
    await downloadDataset(smallSet(), { to: folder, baseUrl });
    expect(requests).toHaveLength(2);
  });

  it("stops on the caller's signal and leaves no folder of the data set", async () => {
    const controller = new AbortController();
    answers = [
      (_, response) => {
        response.writeHead(200, { "content-length": archive.length });
        response.write(archive.subarray(0, 1000), () => controller.abort());
      },
    ];
    const stopped = downloadDataset(smallSet(), { to: folder, baseUrl, signal: controller.signal });
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    expect(await readdir(folder)).not.toContain("ml-latest-small");
  });

  it("refuses an archive without the files it should hold, or that leads out of its folder", async () => {
    const bytes = zipOf({ "ml-latest-small/README.txt": "x" });
    answers = [serving(bytes)];
    await expect(downloadDataset(smallSet(bytes), { to: folder, baseUrl })).rejects.toThrow(
      "does not hold ml-latest-small/ratings.csv",
    );
    const evil = zipOf({ "../ratings.csv": "x" });
    answers = [serving(evil, '"evil"')];
    await expect(downloadDataset(smallSet(evil), { to: folder, baseUrl })).rejects.toThrow("leads out of its folder");
    expect(await readdir(folder)).not.toContain("ml-latest-small");
  });

  it("does not touch a folder of that name with other things in it", async () => {
    await mkdir(join(folder, "ml-latest-small"));
    await writeFile(join(folder, "ml-latest-small", "mine.txt"), "mine");
    await expect(downloadDataset(smallSet(), { to: folder, baseUrl })).rejects.toThrow(
      "is there already, but without ratings.csv",
    );
    expect(await readdir(join(folder, "ml-latest-small"))).toEqual(["mine.txt"]);
  });

  it("refuses a place that takes no folder before it asks the server, in a sentence", async () => {
    const file = join(folder, "file");
    await writeFile(file, "");
    const places = [
      [file, `${file}: is a file, so no folder can be made there`],
      [join(file, "a", "b"), `${file}: is a file, so no folder can be made there`],
      ["/proc/lowrank/a", "/proc/lowrank: cannot be written: the folder /proc takes no new files"],
    ] as const;
    for (const [to, message] of process.platform === "linux" ? places : places.slice(0, 2)) {
      const refused = downloadDataset(smallSet(), { to, baseUrl });
      await expect(refused).rejects.toMatchObject({ code: "output", message: expect.stringContaining(message) });
    }
    expect(requests).toEqual([]);
  });

  it("says it in a sentence when the unpacked folder cannot be put in its place", async () => {
    answers = [
      (request, response) => {
        void mkdir(join(folder, "ml-latest-small", "full"), { recursive: true }).then(() =>
          serving(archive)(request, response),
        );
      },
    ];
    await expect(downloadDataset(smallSet(), { to: folder, baseUrl })).rejects.toMatchObject({
      code: "output",
      message: expect.stringContaining("something of that name is there already"),
    });
  });

  it("refuses unknown names, options and addresses by name", async () => {
    await expect(downloadDataset("lastest-small")).rejects.toThrow('did you mean "latest-small"?');
    await expect(downloadDataset("1m", { folder: "x" } as object)).rejects.toThrow(
      "downloadDataset has no such option",
    );
    await expect(downloadDataset("1m", { baseUrl: "ftp://example.org" })).rejects.toThrow("begins with https://");
  });
});

describe("findDataset", () => {
  it("prefers the data folder to the cache, and takes only folders with ratings and titles", async () => {
    const data = join(folder, "data");
    const cache = join(folder, "cache");
    for (const parent of [data, cache]) await mkdir(join(parent, "ml-1m"), { recursive: true });
    expect(await findDataset("1m", { data, cache })).toBeUndefined();
    for (const file of ["ratings.dat", "movies.dat"]) await writeFile(join(cache, "ml-1m", file), "");
    expect(await findDataset("1m", { data, cache })).toBe(join(cache, "ml-1m"));
    for (const file of ["ratings.dat", "movies.dat"]) await writeFile(join(data, "ml-1m", file), "");
    expect(await findDataset("ml-1m", { data, cache })).toBe(join(data, "ml-1m"));
  });
});
