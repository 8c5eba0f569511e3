/**
 * Ratings for the demo: MovieLens latest-small from the folder named by LOWRANK_DATA, from the cache, or from its publisher;
 * where none can be had, a made-up world, which says so itself.
 */
import { join } from "node:path";
import { AbortedError, plantedWorld, type Ratings } from "@lowrank/core";
import type { DownloadOptions } from "../datasets/index.ts";

export interface DemoData {
  readonly ratings: Ratings;
  /** Titles by item id as text; empty for the made-up world */
  readonly titles: ReadonlyMap<string, string>;
  /** Where the ratings come from, as a sentence without a full stop */
  readonly origin: string;
  /** Why there are no real ratings; undefined when there are */
  readonly noRealData: string | undefined;
}

const DATASET = "latest-small";
/** A megabyte; a network that needs longer is taken as none. */
const DOWNLOAD_MS = 45_000;

export async function demoData(
  signal: AbortSignal,
  onProgress: NonNullable<DownloadOptions["onProgress"]>,
): Promise<DemoData> {
  const { datasetNamed, downloadDataset, findDataset } = await import("../datasets/index.ts");
  let folder = await findDataset(DATASET);
  let origin = `MovieLens latest-small, from ${folder}`;
  if (folder === undefined) {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(DOWNLOAD_MS)]);
      folder = await downloadDataset(DATASET, { signal: limit, onProgress });
      origin = `MovieLens latest-small, downloaded from its publisher to ${folder}`;
    } catch (error) {
      if (signal.aborted) throw error;
      const failure =
        error instanceof AbortedError ? `the download took longer than ${DOWNLOAD_MS / 1000} s` : messageOf(error);
      return madeUp(`${whereNot()}, the cache is empty, and ${failure}`);
    }
  }
  const { readRatings, readTitles } = await import("../readers/index.ts");
  const { ratingsFile, titlesFile } = datasetNamed("demo", DATASET);
  const { ratings } = await readRatings(join(folder, ratingsFile.path), { ...ratingsFile.options, signal });
  const titles = await readTitles(join(folder, titlesFile.path), { ...titlesFile.options, signal });
  return { ratings, titles, origin, noRealData: undefined };
}

/** What LOWRANK_DATA has to do with it. */
function whereNot(): string {
  const data = process.env.LOWRANK_DATA;
  return data === undefined ? "LOWRANK_DATA is not set" : `${join(data, "ml-latest-small")} is not there`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A world of the size and habits of the real data: half stars, few popular items, few active users, taste of rank 8. */
function madeUp(noRealData: string): DemoData {
  const { ratings } = plantedWorld({
    users: 600,
    items: 1500,
    rank: 8,
    ratings: 90_000,
    mean: 3.4,
    biasSpread: 0.4,
    signal: 0.7,
    noise: 0.5,
    popularityExponent: 0.7,
    activitySpread: 0.8,
    selection: 1,
    scale: { min: 0.5, max: 5, step: 0.5 },
    seed: 1,
  });
  const origin = "A made-up world: 600 people and 1,500 items that do not exist, with tastes of 8 dimensions";
  return { ratings, titles: new Map(), origin, noRealData };
}
