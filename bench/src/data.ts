/**
 * Real ratings: below the folder that LOWRANK_DATA names, or shared/data beside the checkout, else in the cache of
 * `lowrank datasets download`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, datasets } from "lowrank";
import { UsageError } from "./usage.ts";

/** @throws UsageError that says what is needed and where it is looked for, when the file is not there */
export function dataFile(...path: string[]): string {
  const stated = process.env.LOWRANK_DATA;
  const folder = stated || fileURLToPath(new URL("../../../shared/data", import.meta.url));
  const files = [folder, cacheFolder()].map((parent) => join(parent, ...path));
  const found = files.find(existsSync);
  if (found !== undefined) return found;
  const dataset = datasets.find(
    ({ folder, ratingsFile, titlesFile }) =>
      folder === path[0] && [ratingsFile.path, titlesFile.path].includes(path.slice(1).join("/")),
  );
  const where = stated ? `below LOWRANK_DATA, ${folder},` : `below ${folder} (LOWRANK_DATA is not set)`;
  const remedy =
    dataset === undefined
      ? `set LOWRANK_DATA to a folder that holds ${path.join("/")}; CONTRIBUTING.md says what it is`
      : `get it with: npx lowrank datasets download ${dataset.name}, or set LOWRANK_DATA to a folder that holds it`;
  throw new UsageError(
    `this table needs ${path.join("/")}, which is not ${where} nor in the cache of downloads; ${remedy}`,
  );
}
