/**
 * Downloads a data set from its publisher: archive beside its final place, checksum, unpacking, one rename. A download
 * that was cut off goes on where it stopped. What stands under the final name is whole.
 */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { AbortedError, DataError, LowrankError, OptionError } from "@lowrank/core";
import { knownOptions, oneOf, throwIfAborted } from "@lowrank/core/support";
import { isDiskError, makeFolder, outputError, tryBeside } from "../outputs.ts";
import { refusal } from "../remedy.ts";
import { unzip } from "../zip/index.ts";
import { cacheFolder, isComplete } from "./find.ts";
import { type DatasetInfo, datasetNamed, PUBLISHER } from "./list.ts";

export interface DownloadOptions {
  /** The data set's folder is made in this one; default: `cacheFolder()` */
  readonly to?: string | undefined;
  /** Where the archives are; default: the environment's LOWRANK_DATASETS_URL, else the publisher's address */
  readonly baseUrl?: string | undefined;
  /**
   * `known` (default): the checksum that this version of lowrank knows. `beside`: the one in the file `<archive>.md5`
   * beside the archive, for a new edition or another archive
   */
  readonly checksum?: "known" | "beside" | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the archive so far and in all; called at most ten times a second */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

const who = "downloadDataset";
/** Times that a broken connection is taken up again. */
const RETRIES = 3;
/** A connection that sends nothing for so long is given up. */
const STALL_MS = 30_000;

interface Job {
  readonly dataset: DatasetInfo;
  readonly url: string;
  /** The archive, while it is not complete */
  readonly part: string;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: DownloadOptions["onProgress"];
}

/**
 * Downloads and unpacks a data set, unless it is there already.
 *
 * @param name such as `1m`, or what is known about a data set of your own
 * @returns the data set's folder
 * @throws LowrankError with code `network` or `output`; DataError when checksum or archive are wrong; AbortedError
 */
export async function downloadDataset(name: string | DatasetInfo, options: DownloadOptions = {}): Promise<string> {
  knownOptions(who, options, ["to", "baseUrl", "checksum", "signal", "onProgress"]);
  const dataset = typeof name === "string" ? datasetNamed(who, name) : name;
  const checksum = oneOf(who, "checksum", options.checksum ?? "known", ["known", "beside"]);
  const url = new URL(dataset.archive, baseOf(options.baseUrl)).href;
  const parent = resolve(options.to ?? cacheFolder());
  const folder = join(parent, dataset.folder);
  throwIfAborted(who, options.signal);
  if (await isComplete(folder, dataset)) return folder;
  await refuseHalfFolder(folder, dataset);
  await makeFolder(parent);
  await tryBeside(folder);
  const part = join(parent, `${dataset.archive}.part`);
  const job: Job = { dataset, url, part, signal: options.signal, onProgress: options.onProgress };
  try {
    await fetchArchive(job);
    await checkArchive(job, checksum);
    await unpack(job, parent, folder);
    await rm(part, { force: true });
    await rm(statePath(job), { force: true });
    return folder;
  } catch (error) {
    if (options.signal?.aborted) throw new AbortedError(who, { dataset: dataset.name });
    throw isDiskError(error) ? outputError(folder, error) : error;
  }
}

function baseOf(stated: string | undefined): string {
  const base = stated ?? (process.env.LOWRANK_DATASETS_URL || PUBLISHER);
  const withSlash = base.endsWith("/") ? base : `${base}/`;
  if (URL.canParse(withSlash) && /^https?:$/.test(new URL(withSlash).protocol)) return withSlash;
  throw new OptionError(who, "baseUrl", base, "an address that begins with https:// or http://");
}

async function refuseHalfFolder(folder: string, dataset: DatasetInfo): Promise<void> {
  const there = await stat(folder).catch(() => undefined);
  if (there === undefined) return;
  throw new DataError(
    `${folder}: is there already, but without ${dataset.ratingsFile.path} and ${dataset.titlesFile.path}; ` +
      "move it away, or download to another folder",
    { folder, dataset: dataset.name },
  );
}

/** What a partial archive belongs to: without it, the server's file may have changed in between. */
interface PartState {
  readonly url: string;
  /** The server's ETag or date of the file */
  readonly edition: string;
}

const statePath = (job: Job) => `${job.part}.json`;

async function fetchArchive(job: Job): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await fetchOnce(job);
      return;
    } catch (error) {
      if (job.signal?.aborted || error instanceof LowrankError || isDiskError(error) || attempt === RETRIES)
        throw networkError(job, error);
      await sleep(500 * 2 ** attempt, undefined, job.signal === undefined ? {} : { signal: job.signal });
    }
  }
}

async function fetchOnce(job: Job): Promise<void> {
  const stall = new AbortController();
  const signal = job.signal === undefined ? stall.signal : AbortSignal.any([job.signal, stall.signal]);
  const timer = setTimeout(() => stall.abort(new Error(`nothing came for ${STALL_MS / 1000} seconds`)), STALL_MS);
  const alive = () => {
    timer.refresh();
  };
  try {
    const have = await resumable(job);
    const headers: Record<string, string> =
      have === undefined ? {} : { Range: `bytes=${have.bytes}-`, "If-Range": have.edition };
    // The archive is packed already; its length must be the one that is counted.
    const response = await fetch(job.url, { signal, headers: { ...headers, "Accept-Encoding": "identity" } });
    alive();
    const from = startOf(job, response, have?.bytes);
    await receive(job, response, from, alive);
  } finally {
    clearTimeout(timer);
  }
}

/** Bytes that an earlier attempt left, if they can be continued. */
async function resumable(job: Job): Promise<{ readonly bytes: number; readonly edition: string } | undefined> {
  try {
    const { size } = await stat(job.part);
    const state = JSON.parse(await readFile(statePath(job), "utf8")) as PartState;
    return size > 0 && state.url === job.url && typeof state.edition === "string" && state.edition !== ""
      ? { bytes: size, edition: state.edition }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Where the bytes of a response belong: 0 for a whole file, else where the earlier attempt ended. */
function startOf(job: Job, response: Response, have: number | undefined): number {
  if (response.status === 200) return 0;
  const range = response.headers.get("content-range") ?? "";
  if (response.status === 206 && have !== undefined && range.startsWith(`bytes ${have}-`)) return have;
  if (response.status === 416 && have !== undefined && range === `bytes */${have}`) return have;
  if (response.status >= 500) throw new Error(`the server answered ${response.status} ${response.statusText}`);
  throw new LowrankError(
    "network",
    `${job.url}: the server answered ${response.status} ${response.statusText}; check the address, or try again later`,
    { url: job.url, status: response.status },
  );
}

async function receive(job: Job, response: Response, from: number, alive: () => void): Promise<void> {
  if (response.status === 416) {
    await response.body?.cancel();
    return; // complete already: the earlier attempt ended just before the check
  }
  const edition = response.headers.get("etag") ?? response.headers.get("last-modified") ?? "";
  await writeFile(statePath(job), JSON.stringify({ url: job.url, edition } satisfies PartState));
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  const total = Number.isFinite(length) ? from + length : job.dataset.bytes;
  const file = await open(job.part, from === 0 ? "w" : "r+");
  let done = from;
  let told = 0;
  try {
    for await (const piece of response.body ?? []) {
      alive();
      await file.write(piece, 0, piece.byteLength, done);
      done += piece.byteLength;
      if (performance.now() - told >= 100) {
        told = performance.now();
        job.onProgress?.({ done, total });
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (Number.isFinite(length) && done !== total)
    throw new Error(`the connection ended after ${done} of ${total} bytes`);
  job.onProgress?.({ done, total: done });
}

function networkError(job: Job, error: unknown): unknown {
  if (error instanceof LowrankError || isDiskError(error) || job.signal?.aborted) return error;
  const { message, cause } = error as Error;
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? (error as NodeJS.ErrnoException).code;
  const why = cause instanceof Error ? cause.message || code : message;
  return new LowrankError(
    "network",
    `${job.url}: the download failed: ${why}; try again, it goes on where it stopped, ` +
      "or get the file another way and unpack it",
    { url: job.url, cause: code },
    error,
  );
}

async function checkArchive(job: Job, which: "known" | "beside"): Promise<void> {
  const { dataset, part, url } = job;
  const beside = which === "beside" ? await checksumBeside(job) : undefined;
  if (which === "beside" && beside === undefined) {
    throw new DataError(`${url}: has no checksum beside it (${url}.md5); use the known one`, { url });
  }
  const expected = beside === undefined ? dataset.checksum : { algorithm: "md5" as const, hex: beside };
  const hash = createHash(expected.algorithm);
  await pipeline(createReadStream(part), hash);
  const got = hash.digest("hex");
  if (got === expected.hex) return;
  await rm(part, { force: true });
  await rm(statePath(job), { force: true });
  throw refusal(
    `${url}: the file that came has ${expected.algorithm} ${got}, expected is ${expected.hex}; nothing was unpacked`,
    (say) =>
      `download again; if the publisher has put up a new edition, pass ${say('checksum: "beside"', "--checksum beside")}`,
    { url, algorithm: expected.algorithm, got, expected: expected.hex },
  );
}

/** The publisher's own checksum: `MD5 (x.zip) = …` or `…  x.zip`. */
async function checksumBeside(job: Job): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(STALL_MS);
  const signal = job.signal === undefined ? timeout : AbortSignal.any([job.signal, timeout]);
  try {
    const response = await fetch(`${job.url}.md5`, { signal });
    if (!response.ok) return undefined;
    const text = (await response.text()).slice(0, 1000);
    return text.match(/(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/i)?.[0].toLowerCase();
  } catch (error) {
    throw networkError(job, error);
  }
}

/** Unpacks beside the final folder, and renames the data set's own folder into place. */
async function unpack({ dataset, part, url, signal }: Job, parent: string, folder: string): Promise<void> {
  const unfinished = join(parent, `.${dataset.folder}.${randomBytes(6).toString("hex")}.part`);
  try {
    await unzip(part, unfinished, url, signal);
    const inside = join(unfinished, dataset.folder);
    if (!(await isComplete(inside, dataset))) {
      const files = `${dataset.folder}/${dataset.ratingsFile.path} and ${dataset.folder}/${dataset.titlesFile.path}`;
      throw new DataError(`${url}: the archive does not hold ${files}`, { url });
    }
    await rename(inside, folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}
