/** A result must not take the place of the files it is made of, by whatever name either of them goes. */
import { type BigIntStats, fstatSync } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { UsageError } from "./exit.ts";
import type { ReadingFlags } from "./flags.ts";

/** Every file that ratings are read from, those beside a matrix included, with patterns looked up. */
export async function ratingPaths(
  files: readonly string[],
  { mask, userIds, itemIds }: Pick<ReadingFlags, "mask" | "userIds" | "itemIds">,
): Promise<string[]> {
  const { sourcePaths } = await import("../readers/index.ts");
  const beside = [mask, userIds, itemIds].filter((path) => path !== undefined);
  return [...(await sourcePaths(files)), ...beside];
}

/** A file by its place on the disk: links and other spellings of one path are the same. */
export interface InputFile {
  readonly name: string;
  readonly place: string;
}

/** @param paths files that are there, `-` for standard input; those that are not are told when they are read */
export async function inputFiles(paths: readonly string[]): Promise<InputFile[]> {
  const { fileOf } = await import("../arrays/index.ts");
  const files: InputFile[] = [];
  for (const name of paths) {
    const info = name === "-" ? standardInput() : await statOf(await fileOf(name));
    if (info?.isFile()) files.push({ name, place: placeOf(info) });
  }
  return files;
}

/** What a refusal calls things. */
interface Words {
  /** Where the name of the file was stated */
  readonly flag: string;
  readonly sources: string;
  readonly result: string;
}

const modelOfRatings: Words = { flag: "--out", sources: "rating files", result: "the model" };

/** @throws UsageError when `out` is one of the files */
export async function refuseOverwritingInput(
  files: readonly InputFile[],
  out: string,
  { flag, sources, result }: Words = modelOfRatings,
): Promise<void> {
  const target = await statOf(out);
  if (target === undefined) return;
  const same = files.find(({ place }) => place === placeOf(target));
  if (same === undefined) return;
  const which = same.name === out || same.name === "-" ? "" : ` (${same.name})`;
  throw new UsageError(`${flag} ${out} is one of the ${sources}${which}; name another file for ${result}`, {
    out,
    file: same.name,
  });
}

const statOf = (path: string) => stat(path, { bigint: true }).catch(() => undefined);

function standardInput(): BigIntStats | undefined {
  try {
    return fstatSync(0, { bigint: true });
  } catch {
    return undefined; // closed
  }
}

const placeOf = ({ dev, ino }: BigIntStats) => `${dev}:${ino}`;

/** By place on the disk where both are there, else by path. */
export async function isSameFile(a: string, b: string): Promise<boolean> {
  if (resolve(a) === resolve(b)) return true;
  const [first, second] = await Promise.all([a, b].map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino;
}
