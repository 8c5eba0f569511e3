/** Where the examples find real ratings: below the folder that LOWRANK_DATA names, else shared/data beside the checkout. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "./arguments.ts";

/** @throws UsageError that says how to get the file, when it is not there */
export function dataFile(...path: string[]): string {
  const folder = process.env.LOWRANK_DATA ?? fileURLToPath(new URL("../../../../shared/data", import.meta.url));
  const file = join(folder, ...path);
  if (existsSync(file)) return file;
  throw new UsageError(
    `${file} is not there. Get it with "npx lowrank datasets download latest-small", and name its ratings.csv after the steps: ` +
      "npm run example -- seed-002 15000 path/to/ratings.csv",
  );
}
