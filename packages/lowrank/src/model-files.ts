/**
 * Model files on a disk: a Model comes in and a whole file stands there, or nothing does.
 *
 * Not here: how files are written whole (outputs.ts), the format (model/ of @lowrank/core, docs/model-file.md).
 */
import { decodeModel, encodeModelParts, type Model, ModelFileError } from "@lowrank/core";
import { readWhole } from "./inputs.ts";
import { tryWriting, writeWhole } from "./outputs.ts";

/**
 * Makes sure that a file can be written at `path`, by making one beside it and removing it: call before hours of
 * training. An existing file stays as it is.
 *
 * @throws LowrankError with code `output` that says why not
 */
export async function checkWritable(path: string): Promise<void> {
  await tryWriting(path, "model");
}

/**
 * Writes a model; the file at `path` is replaced only once the new one is complete and on the disk. Its permissions stay.
 *
 * @returns the length of the file in bytes
 * @throws LowrankError with code `output`; DataError when the model does not fit together. The file is then as before
 */
export async function saveModel(path: string, model: Model): Promise<{ bytes: number }> {
  return writeWhole(path, encodeModelParts(model), "model");
}

/** Reads a model. @throws ModelFileError that says what is wrong with the file */
export async function loadModel(path: string): Promise<Model> {
  const refuse = (why: string, cause?: unknown) => new ModelFileError(`${path}: ${why}`, { file: path }, cause);
  const remedies = { missing: "check the path, or train a model with lowrank fit", kind: "give a model file" };
  return decodeModel(await readWhole(path, refuse, remedies), path);
}
