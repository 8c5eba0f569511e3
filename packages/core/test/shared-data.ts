/**
 * Where the slow tests find real ratings and recorded PyTorch runs: below the folders LOWRANK_DATA and LOWRANK_GOLDEN, else in
 * shared/data and shared/golden beside the checkout.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const checkout = fileURLToPath(new URL("../../../", import.meta.url));

/**
 * @param path parts of a path below the data folder, such as "ml-100k", "u.data"
 * @throws Error that says what is needed, when the file or folder is not there: a required file fails, it does not skip
 */
export function sharedData(...path: string[]): string {
  const folder = process.env.LOWRANK_DATA ?? join(checkout, "..", "shared", "data");
  const file = join(folder, ...path);
  if (existsSync(file)) return file;
  throw new Error(
    `this test needs ${path.join("/")} below ${folder}: set LOWRANK_DATA to a folder with ml-100k, ml-1m, ` +
      "ml-latest-small and gowalla in it, each unpacked as published",
  );
}

/**
 * @param path parts of a path below the folder of recorded runs, such as "seed-000", "edge-cases.json"
 * @throws Error that says what is needed, when the file is not there
 */
export function sharedGolden(...path: string[]): string {
  const folder = process.env.LOWRANK_GOLDEN ?? join(checkout, "..", "shared", "golden");
  const file = join(folder, ...path);
  if (existsSync(file)) return file;
  throw new Error(
    `this test needs ${path.join("/")} below ${folder}: set LOWRANK_GOLDEN to the folder of the seed notebooks' recorded runs`,
  );
}
