/**
 * Where the examples find real ratings: below the folder that LOWRANK_DATA names, or shared/data beside the checkout, else in
 * the cache of `lowrank datasets download`.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { datasetNamed, findDataset } from "lowrank";
import { UsageError } from "./arguments.ts";

/**
 * The file of ratings of a public data set.
 *
 * @throws UsageError that says how to get it, when it is on none of these places
 */
export async function ratingsOf(name: string): Promise<string> {
  const dataset = datasetNamed("example", name);
  const stated = process.env.LOWRANK_DATA;
  const data = stated || fileURLToPath(new URL("../../../../shared/data", import.meta.url));
  const folder = await findDataset(dataset, { data });
  if (folder !== undefined) return join(folder, dataset.ratingsFile.path);
  const where = stated ? `${dataset.folder} is not below LOWRANK_DATA, ${stated}` : "LOWRANK_DATA is not set";
  throw new UsageError(
    `needs ${dataset.title}: ${where}, and it has not been downloaded; get it with: npx lowrank datasets download ${name}, ` +
      "or give a file of ratings after the steps: npm run example -- seed-002 15000 path/to/ratings.csv",
  );
}
