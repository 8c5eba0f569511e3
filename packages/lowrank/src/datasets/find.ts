/** Data sets that are on this machine already: below the folder named by LOWRANK_DATA, or in the cache. */
import { access } from "node:fs/promises";
import { homedir, platform } from "node:os";
import { join } from "node:path";
import { knownOptions } from "@lowrank/core/support";
import { type DatasetInfo, datasetNamed } from "./list.ts";

export interface FindOptions {
  /** A folder of unpacked data sets (`ml-1m/ratings.dat` …); default: the environment's LOWRANK_DATA */
  readonly data?: string | undefined;
  /** Where downloads go; default: `cacheFolder()` */
  readonly cache?: string | undefined;
}

/**
 * The folder of a data set that is complete on this machine; undefined when there is none.
 *
 * @param name such as `1m`, or what is known about a data set of your own
 */
export async function findDataset(name: string | DatasetInfo, options: FindOptions = {}): Promise<string | undefined> {
  knownOptions("findDataset", options, ["data", "cache"]);
  const dataset = typeof name === "string" ? datasetNamed("findDataset", name) : name;
  const data = options.data ?? process.env.LOWRANK_DATA;
  for (const parent of [data, options.cache ?? cacheFolder()]) {
    if (parent === undefined || parent === "") continue;
    const folder = join(parent, dataset.folder);
    if (await isComplete(folder, dataset)) return folder;
  }
  return undefined;
}

/** Unpacked folders appear under their name only when they are whole, so two files are proof enough. */
export async function isComplete(folder: string, dataset: DatasetInfo): Promise<boolean> {
  const needed = [dataset.ratingsFile.path, dataset.titlesFile.path];
  const found = await Promise.all(
    needed.map((file) =>
      access(join(folder, file)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return !found.includes(false);
}

/** LOWRANK_CACHE, or `lowrank` in the system's folder for caches. */
export function cacheFolder(): string {
  const stated = process.env.LOWRANK_CACHE;
  if (stated !== undefined && stated !== "") return stated;
  switch (platform()) {
    case "win32":
      return join(process.env.LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "lowrank", "cache");
    case "darwin":
      return join(homedir(), "Library", "Caches", "lowrank");
    default:
      return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "lowrank");
  }
}
