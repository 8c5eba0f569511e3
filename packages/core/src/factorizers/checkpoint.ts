/**
 * A checkpoint: everything that a training needs to go on as if it had never stopped, as plain data, as one safetensors
 * file, and back. docs/checkpoints.md is the specification.
 *
 * Writing is deterministic; reading runs no code from the file, trusts no length in it, and allocates no more than a few
 * times what it is long. Not here: when one is written and what may be resumed by it (checkpointing.ts), disks
 * (packages/lowrank).
 */
import {
  checkVersion,
  contentChecksum,
  decodeModel,
  encodeModel,
  joined,
  MAX_HEADER_BYTES,
  type Model,
  type Refuse,
  readHeader,
  readTensors,
  type Tensor,
  writeSafetensors,
} from "../model/index.ts";
import { CheckpointError, DataError, type Facts, LowrankError } from "../support/index.ts";
import type { PassName, RunState } from "./factorizer.ts";

const FORMAT = "lowrank-checkpoint";
const FORMAT_VERSION = 1;
const MODEL_FORMAT = "lowrank-model";
const STATE = "state.";

/** Every key of version 1, in the order in which they are written and digested. */
const metadataKeys = ["format", "format_version", "training", "validation"] as const;

const passNames: readonly PassName[] = ["sweeps", "epochs", "steps"];

/** A training after some of its passes. */
export interface Checkpoint {
  readonly method: string;
  /** Every option of the method as it was called, `auto` where that was said; JSON values only */
  readonly options: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Digest of the training ratings, ids included */
  readonly dataHash: string;
  /** Such as `wasm` */
  readonly backend: string;
  /** Such as `relaxed` */
  readonly build: string;
  /** Version of @lowrank/core */
  readonly version: string;
  readonly passName: PassName;
  /** Made so far */
  readonly passes: number;
  readonly lossName: string;
  readonly initialLoss: number | undefined;
  /** After each pass */
  readonly loss: readonly number[];
  readonly seconds: {
    readonly prepare: number;
    /** Of each pass */
    readonly passes: readonly number[];
    readonly validation: number;
    /** Everything so far */
    readonly total: number;
  };
  readonly state: RunState;
  readonly validation: CheckpointValidation | undefined;
}

/** What is watched while training, and how far it has come. */
export interface CheckpointValidation {
  readonly name: string;
  readonly better: "lower" | "higher";
  readonly every: number;
  readonly patience: number | undefined;
  /** Digest of the held-out data, where the validation has one */
  readonly dataHash: string | undefined;
  readonly values: readonly { readonly pass: number; readonly value: number }[];
  /** The best so far, without its history; undefined when it is not kept, which is without `patience` */
  readonly bestModel: Model | undefined;
}

/**
 * The file as parts to be written one after another. The parts are views of the checkpoint's own arrays, so a large one is
 * not copied.
 *
 * @throws DataError for a checkpoint that `decodeCheckpoint` would refuse
 */
export function encodeCheckpointParts(checkpoint: Checkpoint): Uint8Array[] {
  const tensors = tensorsOf(checkpoint);
  const written = metadataOf(checkpoint);
  const metadata = new Map(Object.entries(written));
  const refuse: Refuse = (why, _kind, facts) => {
    throw new DataError(`checkpoint: ${why}`, facts);
  };
  readCheckpoint(metadata, new Map(tensors.map((tensor) => [tensor.name, tensor])), refuse);
  const checksum = contentChecksum(metadata, metadataKeys, tensors);
  const parts = writeSafetensors({ ...written, checksum }, tensors);
  if (parts[0].byteLength - 8 > MAX_HEADER_BYTES) {
    refuse("the method's options take more than 1 MB as JSON, which no build would read", "broken");
  }
  return parts;
}

/** The file in one block: `encodeCheckpointParts` joined. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  return joined(encodeCheckpointParts(checkpoint));
}

/** What to do about a file that is refused. */
const remedies = {
  foreign: "give a file that a training kept as its checkpoint",
  broken: "take another copy of the file, or start anew without it",
} as const;

/**
 * A checkpoint from the bytes of a file.
 *
 * It takes the bytes over: where they are aligned its arrays are views of them, so do not change them afterwards.
 *
 * @param name what to call the file in errors, such as its path
 * @throws CheckpointError when the bytes are cut short, damaged, of an unknown version or no checkpoint at all
 */
export function decodeCheckpoint(bytes: Uint8Array, name = "checkpoint"): Checkpoint {
  const refuse: Refuse = (why, kind, facts: Facts = {}, remedy = remedies[kind]) => {
    const what = kind === "foreign" ? `not a lowrank checkpoint: ${why}` : why;
    throw new CheckpointError(`${name}: ${what}; ${remedy}`, { file: name, ...facts });
  };
  const header = readHeader(bytes, refuse);
  checkFormat(header.metadata, refuse);
  const tensors = readTensors(bytes, header, refuse);
  if (header.metadata.get("checksum") !== contentChecksum(header.metadata, metadataKeys, [...tensors.values()])) {
    refuse("damaged: the content does not agree with the checksum written with it", "broken");
  }
  try {
    return readCheckpoint(header.metadata, tensors, refuse);
  } catch (cause) {
    if (cause instanceof CheckpointError || !(cause instanceof LowrankError)) throw cause;
    // What the best model checks for itself is the file's fault here.
    throw new CheckpointError(`${name}: ${cause.message}`, { ...cause.facts, file: name }, cause);
  }
}

/** Asked before anything else in the file is looked at. */
function checkFormat(metadata: ReadonlyMap<string, string>, refuse: Refuse): void {
  const format = metadata.get("format");
  if (format === MODEL_FORMAT) refuse("a model file, which is what a training ends with", "foreign");
  if (format !== FORMAT) refuse("a safetensors file of something else", "foreign");
  checkVersion(metadata, FORMAT_VERSION, refuse);
}

function metadataOf(checkpoint: Checkpoint): Record<string, string> {
  const { method, options, seed, dataHash, backend, build, version, passName, passes, lossName } = checkpoint;
  const { initialLoss, seconds, validation } = checkpoint;
  const { prepare, validation: measuring, total } = seconds;
  const training = { method, options, seed, dataHash, backend, build, version, passName, passes, lossName };
  return {
    format: FORMAT,
    format_version: String(FORMAT_VERSION),
    training: JSON.stringify({ ...training, initialLoss, seconds: { prepare, validation: measuring, total } }),
    ...(validation === undefined ? {} : { validation: JSON.stringify(plainValidation(validation)) }),
  };
}

function plainValidation({ name, better, every, patience, dataHash }: CheckpointValidation) {
  return { name, better, every, patience, dataHash };
}

/** Largest elements first, so that each tensor begins at a multiple of its element size; then a fixed order. */
function tensorsOf({ state, loss, seconds, validation }: Checkpoint): Tensor[] {
  const tensors = Object.entries(state.arrays).map(([name, values]) => tensorOf(STATE + name, values));
  tensors.push(tensorOf("loss", Float64Array.from(loss)), tensorOf("pass_seconds", Float64Array.from(seconds.passes)));
  if (validation !== undefined) {
    const { values, bestModel } = validation;
    tensors.push(
      tensorOf(
        "validation_pass",
        Float64Array.from(values, ({ pass }) => pass),
      ),
    );
    tensors.push(
      tensorOf(
        "validation_value",
        Float64Array.from(values, ({ value }) => value),
      ),
    );
    if (bestModel !== undefined) {
      const bytes = encodeModel({ ...bestModel, history: undefined });
      tensors.push({ name: "best_model", dtype: "U8", shape: [bytes.length], bytes });
    }
  }
  const order = ["F64", "F32", "U32", "U8"];
  return tensors.sort((a, b) => order.indexOf(a.dtype) - order.indexOf(b.dtype));
}

function tensorOf(name: string, values: Float32Array | Float64Array | Uint32Array): Tensor {
  const dtype = values instanceof Float64Array ? "F64" : values instanceof Float32Array ? "F32" : "U32";
  const { buffer, byteOffset, byteLength } = values;
  return { name, dtype, shape: [values.length], bytes: new Uint8Array(buffer, byteOffset, byteLength) };
}

/** @param refuse called for the first thing that is missing or cannot be */
function readCheckpoint(
  metadata: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, Tensor>,
  refuse: Refuse,
): Checkpoint {
  const left = new Map(tensors);
  const take = (name: string): Tensor | undefined => {
    const tensor = left.get(name);
    left.delete(name);
    return tensor;
  };
  const numbers = (name: string): Float64Array => {
    const tensor = take(name) ?? refuse(`tensor ${name} is missing`, "broken", { tensor: name });
    const values = valuesOf(tensor);
    if (!(values instanceof Float64Array) || tensor.shape.length !== 1) {
      return refuse(`tensor ${name} must be a list of F64`, "broken", { tensor: name });
    }
    if (!values.every(Number.isFinite))
      refuse(`tensor ${name} holds a number that is not finite`, "broken", { tensor: name });
    return values;
  };
  const training = new Fields(metadata, "training", refuse);
  const passes = training.whole("passes", 0, Number.MAX_SAFE_INTEGER);
  const [loss, passSeconds] = [numbers("loss"), numbers("pass_seconds")];
  if (loss.length !== passes || passSeconds.length !== passes) {
    refuse(`${passes} passes with ${loss.length} losses and ${passSeconds.length} times`, "broken", { passes });
  }
  const seconds = training.inner("seconds");
  const checkpoint: Checkpoint = {
    method: training.text("method"),
    options: training.inner("options").all,
    seed: training.whole("seed", 0, 2 ** 32 - 1),
    dataHash: training.text("dataHash"),
    backend: training.text("backend"),
    build: training.text("build"),
    version: training.text("version"),
    passName: training.word("passName", passNames),
    passes,
    lossName: training.text("lossName"),
    initialLoss: training.has("initialLoss") ? training.finite("initialLoss") : undefined,
    loss: Array.from(loss),
    seconds: {
      prepare: seconds.finite("prepare"),
      passes: Array.from(passSeconds),
      validation: seconds.finite("validation"),
      total: seconds.finite("total"),
    },
    validation: metadata.has("validation") ? readValidation(metadata, numbers, take, passes, refuse) : undefined,
    state: takeState(left, refuse),
  };
  const [name] = left.keys();
  if (name !== undefined)
    refuse(`tensor ${JSON.stringify(name.slice(0, 60))} is not part of a checkpoint`, "broken", { tensor: name });
  return checkpoint;
}

function readValidation(
  metadata: ReadonlyMap<string, string>,
  numbers: (name: string) => Float64Array,
  take: (name: string) => Tensor | undefined,
  passes: number,
  refuse: Refuse,
): CheckpointValidation {
  const fields = new Fields(metadata, "validation", refuse);
  const [at, values] = [numbers("validation_pass"), numbers("validation_value")];
  const fits = at.every((pass, i) => Number.isSafeInteger(pass) && pass > (i === 0 ? 0 : at[i - 1]) && pass <= passes);
  if (!fits || at.length !== values.length) {
    refuse("the passes at which validation was measured do not ascend to the last one", "broken", {
      tensor: "validation_pass",
    });
  }
  const best = take("best_model");
  const most = Number.MAX_SAFE_INTEGER;
  return {
    name: fields.text("name"),
    better: fields.word("better", ["lower", "higher"]),
    every: fields.whole("every", 1, most),
    patience: fields.has("patience") ? fields.whole("patience", 1, most) : undefined,
    dataHash: fields.has("dataHash") ? fields.text("dataHash") : undefined,
    values: Array.from(values, (value, i) => ({ pass: at[i], value })),
    bestModel: best === undefined ? undefined : decodeModel(best.bytes, "the best model so far"),
  };
}

/** All tensors whose name begins with `state.`. */
function takeState(left: Map<string, Tensor>, refuse: Refuse): RunState {
  const arrays: [string, Float32Array | Float64Array | Uint32Array][] = [];
  for (const [name, tensor] of [...left]) {
    if (!name.startsWith(STATE)) continue;
    left.delete(name);
    const values = valuesOf(tensor);
    if (values === undefined || tensor.shape.length !== 1) {
      return refuse(`tensor ${JSON.stringify(name.slice(0, 60))} must be a list of F64, F32 or U32`, "broken", {
        tensor: name,
      });
    }
    arrays.push([name.slice(STATE.length), values]);
  }
  return { arrays: Object.fromEntries(arrays) };
}

/** The numbers of a tensor: a view where its elements lie aligned, else a copy; undefined for other element types. */
function valuesOf({ dtype, bytes }: Tensor): Float32Array | Float64Array | Uint32Array | undefined {
  const { buffer, byteOffset, byteLength } =
    bytes.byteOffset % 8 === 0 || dtype === "U8" ? bytes : aligned(bytes, dtype);
  if (dtype === "F64") return new Float64Array(buffer, byteOffset, byteLength / 8);
  if (dtype === "F32") return new Float32Array(buffer, byteOffset, byteLength / 4);
  return dtype === "U32" ? new Uint32Array(buffer, byteOffset, byteLength / 4) : undefined;
}

function aligned(bytes: Uint8Array, dtype: string): Uint8Array {
  return dtype !== "F64" && bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
}

/** One JSON object of the metadata, field by field. */
class Fields {
  readonly all: Readonly<Record<string, unknown>>;
  readonly #key: string;
  readonly #refuse: Refuse;

  constructor(metadata: ReadonlyMap<string, string> | unknown, key: string, refuse: Refuse) {
    this.#key = key;
    this.#refuse = refuse;
    const found = metadata instanceof Map ? parsed(metadata.get(key)) : metadata;
    if (typeof found === "object" && found !== null && !Array.isArray(found)) {
      this.all = found as Readonly<Record<string, unknown>>;
    } else {
      this.all = refuse(`metadata ${key} must be a JSON object`, "broken", { key });
    }
  }

  has(name: string): boolean {
    return Object.hasOwn(this.all, name);
  }

  inner(name: string): Fields {
    return new Fields(this.#get(name), `${this.#key}.${name}`, this.#refuse);
  }

  text(name: string): string {
    const value = this.#get(name);
    return typeof value === "string" ? value : this.#fail(name, "a text");
  }

  word<const T extends string>(name: string, words: readonly T[]): T {
    const value = this.#get(name);
    return words.includes(value as T) ? (value as T) : this.#fail(name, `one of ${words.join(", ")}`);
  }

  finite(name: string): number {
    const value = this.#get(name);
    return typeof value === "number" && Number.isFinite(value) ? value : this.#fail(name, "a finite number");
  }

  whole(name: string, min: number, max: number): number {
    const value = this.#get(name);
    const fits = typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
    return fits ? value : this.#fail(name, `a whole number from ${min} to ${max}`);
  }

  #get(name: string): unknown {
    return Object.hasOwn(this.all, name) ? this.all[name] : undefined;
  }

  #fail(name: string, allowed: string): never {
    const got = JSON.stringify(this.#get(name))?.slice(0, 80) ?? "nothing";
    return this.#refuse(`metadata ${this.#key}.${name} must be ${allowed}, got ${got}`, "broken", { key: this.#key });
  }
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
