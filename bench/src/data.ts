/** Real ratings below the folder that LOWRANK_DATA names, else shared/data beside the checkout. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** @throws Error that says what is needed, when the file is not there */
export function dataFile(...path: string[]): string {
  const folder = process.env.LOWRANK_DATA ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
  const file = join(folder, ...path);
  if (existsSync(file)) return file;
  throw new Error(
    `the bench needs ${path.join("/")} below ${folder}; CONTRIBUTING.md says how that folder is laid out`,
  );
}
