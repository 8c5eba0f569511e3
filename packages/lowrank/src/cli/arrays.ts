/** `fit --arrays`: the tables of a model as NumPy arrays, beside the model file. */
import { type MethodName, type Model, modelKindOf } from "@lowrank/core";
import { noArrays } from "../file-words.ts";
import { UsageError } from "./exit.ts";
import { bytes } from "./format.ts";
import { type InputFile, isSameFile, refuseOverwritingInput } from "./overwriting.ts";

export interface SavedArrays {
  readonly file: string;
  readonly bytes: number;
  readonly arrays: readonly string[];
}

const words = { flag: "--arrays", sources: "rating files", result: "the arrays" };

/** Refuses, before long work, a file that cannot be written or stands for something else. @param out the model's file */
export async function tryArrays(
  file: string | undefined,
  inputs: readonly InputFile[],
  out: string,
  method: MethodName | "auto",
): Promise<void> {
  if (file === undefined) return;
  const kind = method === "auto" ? "factors" : modelKindOf(method);
  if (kind !== "factors")
    throw new UsageError(`--arrays cannot act: ${noArrays[kind]}; leave it out`, { arrays: file, method });
  if (!/\.npz$/i.test(file))
    throw new UsageError(
      `--arrays must end in .npz, got ${JSON.stringify(file)}; for a single array train first, then run lowrank export ` +
        `${out} W.npy --array user_factors`,
      { arrays: file },
    );
  await refuseOverwritingInput(inputs, file, words);
  if (await isSameFile(file, out))
    throw new UsageError(`--arrays ${file} is where the model goes; name another file for one of them`, {
      arrays: file,
      out,
    });
  const { checkArraysWritable } = await import("../arrays/index.ts");
  await checkArraysWritable(file);
}

/** Writes them; nothing when they were not asked for. */
export async function writeArrays(
  file: string | undefined,
  inputs: readonly InputFile[],
  model: Model,
): Promise<SavedArrays | undefined> {
  if (file === undefined) return undefined;
  await refuseOverwritingInput(inputs, file, words);
  const { saveArrays } = await import("../arrays/index.ts");
  return { file, ...(await saveArrays(file, model)) };
}

/** The line of the report. */
export function arraysFacts(saved: SavedArrays | undefined): [string, string][] {
  return saved === undefined ? [] : [["arrays", `${saved.file}, ${bytes(saved.bytes)}`]];
}
