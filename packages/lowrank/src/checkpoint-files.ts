/**
 * Checkpoints on a disk: what `factorize` hands out goes in and a whole file stands there, or the one before it does.
 *
 * Not here: how files are written whole (outputs.ts), the format (factorizers/ of @lowrank/core, docs/checkpoints.md).
 */
import { type Checkpoint, CheckpointError, decodeCheckpoint } from "@lowrank/core";
import { readWhole } from "./inputs.ts";
import { writeWhole } from "./outputs.ts";

/**
 * Keeps a checkpoint: `factorize(ratings, method, { checkpoint: { write: (parts) => saveCheckpoint(path, parts) } })`. The
 * file at `path` is replaced only once the new one is complete and on the disk.
 *
 * @param parts as `write` gets them, or as `encodeCheckpointParts` makes them
 * @throws LowrankError with code `output`; the file is then as before
 */
export async function saveCheckpoint(path: string, parts: readonly Uint8Array[]): Promise<void> {
  await writeWhole(path, parts, "checkpoint");
}

/** Reads a checkpoint, for `resume`. @throws CheckpointError that says what is wrong with the file */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const refuse = (why: string, cause?: unknown) => new CheckpointError(`${path}: ${why}`, { file: path }, cause);
  const remedies = { missing: "check the path, or train without resuming", kind: "give a checkpoint" };
  return decodeCheckpoint(await readWhole(path, refuse, remedies), path);
}
