/** What is written must not take the place of the ratings it is made of, by whatever name either of them goes. */
import { type BigIntStats, fstatSync } from "node:fs";
import { stat } from "node:fs/promises";
import { UsageError } from "./exit.ts";

/** A file by its place on the disk: links and other spellings of one path are the same. */
interface InputFile {
  readonly name: string;
  readonly place: string;
}

/** @param paths files that are there, `-` for standard input; those that are not are told when they are read */
export async function inputFiles(paths: readonly string[]): Promise<InputFile[]> {
  const files: InputFile[] = [];
  for (const name of paths) {
    const info = name === "-" ? standardInput() : await stat(name, { bigint: true }).catch(() => undefined);
    if (info?.isFile()) files.push({ name, place: placeOf(info) });
  }
  return files;
}

/**
 * @param flag what names the file to be written, `--out`
 * @param noun what is to be written there
 * @throws UsageError when `out` is one of the files
 */
export async function refuseOverwritingInput(
  files: readonly InputFile[],
  out: string,
  flag = "--out",
  noun = "model",
): Promise<void> {
  const target = await stat(out, { bigint: true }).catch(() => undefined);
  if (target === undefined) return;
  const same = files.find(({ place }) => place === placeOf(target));
  if (same === undefined) return;
  throw new UsageError(
    `${flag} ${out} is one of the rating files${same.name === out || same.name === "-" ? "" : ` (${same.name})`}; name another file for the ${noun}`,
    { out, file: same.name },
  );
}

function standardInput(): BigIntStats | undefined {
  try {
    return fstatSync(0, { bigint: true });
  } catch {
    return undefined; // closed
  }
}

const placeOf = ({ dev, ino }: BigIntStats) => `${dev}:${ino}`;
