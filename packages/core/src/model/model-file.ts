/**
 * A model as one safetensors file, and back. docs/model-file.md is the specification, with five lines of Python.
 *
 * Writing is deterministic: the same model gives the same bytes. Reading runs no code from the file, trusts no length
 * in it, and allocates no more than the file is long. Not here: the container (safetensors.ts), disks
 * (packages/lowrank).
 */
import { CellValues, type CompressedRows, type IdMap, narrowIndexes, wideIndexes } from "../ratings/index.ts";
import { DataError, type Facts, LowrankError, ModelFileError } from "../support/index.ts";
import { checkHistory, checkModel, firstNotFinite } from "./check-model.ts";
import type { FactorModel } from "./factor-model.ts";
import { idTensors, numberIds, textIds } from "./id-tensors.ts";
import type { HistoryValues, ItemModel, ItemWeights } from "./item-model.ts";
import type { Model } from "./model.ts";
import { checkFormat, type ModelFacts, metadataKeys, readMetadata, writeMetadata } from "./model-metadata.ts";
import type { NetLayer, NetModel } from "./net-model.ts";
import {
  contentChecksum,
  joined,
  MAX_HEADER_BYTES,
  type Refuse,
  readHeader,
  readTensors,
  type Tensor,
  writeSafetensors,
} from "./safetensors.ts";

/**
 * The file as parts to be written one after another. The tables are views of the model's own arrays, so a large model
 * is not copied: write them before anything changes the model.
 *
 * What is written reads back: a model that `decodeModel` would refuse is not written.
 *
 * @throws DataError when the model's arrays do not fit together or hold a number that is not finite, or its provenance is
 *   not what FactorModel says
 */
export function encodeModelParts(model: Model): Uint8Array[] {
  checkModel(model);
  const tensors = modelTensors(model);
  const written = writeMetadata(model);
  const metadata = new Map(Object.entries(written));
  readMetadata(metadata, (why, _kind, facts) => {
    throw new DataError(`model: ${why}`, facts);
  });
  const digits = contentChecksum(metadata, metadataKeys, tensors);
  const parts = writeSafetensors({ ...written, checksum: digits }, tensors);
  if (parts[0].byteLength - 8 > MAX_HEADER_BYTES) {
    throw new ModelFileError("model file: the method's options take more than 1 MB as JSON, which no build would read");
  }
  return parts;
}

/** The file in one block: `encodeModelParts` joined. */
export function encodeModel(model: Model): Uint8Array {
  return joined(encodeModelParts(model));
}

/** What to do about a file that is refused. */
const remedies = {
  foreign: "give a file that saveModel or lowrank fit wrote",
  broken: "take another copy of the file, or train the model again",
} as const;

/**
 * A model from the bytes of a file.
 *
 * The model takes the bytes over: where they are aligned its arrays are views of them, so do not change them
 * afterwards.
 *
 * @param name what to call the file in errors, such as its path
 * @throws ModelFileError when the bytes are cut short, damaged, of an unknown version or no lowrank model at all;
 *   facts: `file`, and `tensor`, `key`, `side`, `position`, `version` where they apply
 */
export function decodeModel(bytes: Uint8Array, name = "model file"): Model {
  const refuse: Refuse = (why, kind, facts: Facts = {}, remedy = remedies[kind]) => {
    const what = kind === "foreign" ? `not a lowrank model: ${sniff(bytes)}${why}` : why;
    throw new ModelFileError(`${name}: ${what}; ${remedy}`, { file: name, ...facts });
  };
  try {
    return decode(bytes, refuse);
  } catch (cause) {
    if (cause instanceof ModelFileError) throw cause;
    // What the parts of a model check for themselves (ids, for instance) is the file's fault here.
    if (cause instanceof LowrankError)
      throw new ModelFileError(`${name}: ${cause.message}`, { file: name, ...cause.facts }, cause);
    throw cause;
  }
}

function decode(bytes: Uint8Array, refuse: Refuse): Model {
  const header = readHeader(bytes, refuse);
  checkFormat(
    header.metadata,
    header.entries.map(([entry]) => entry),
    refuse,
  );
  const tensors = readTensors(bytes, header, refuse);
  const facts = readMetadata(header.metadata, refuse);
  const written = header.metadata.get("checksum");
  if (written !== undefined && written !== contentChecksum(header.metadata, metadataKeys, [...tensors.values()])) {
    refuse("damaged: the content does not agree with the checksum written with it", "broken");
  }
  const take = new TensorTaker(tensors, refuse);
  const users = readIds(take, "user", refuse);
  const items = readIds(take, "item", refuse);
  const { kind } = facts;
  const rank = kind === "items" ? undefined : take.columns("user_factors");
  if (users.size < 1 || items.size < 1 || (rank !== undefined && rank < 1)) {
    const what = rank === undefined ? "users and items" : "users, items and a rank";
    const got = [users.size, items.size, ...(rank === undefined ? [] : [rank])].join(", ");
    refuse(`a model needs ${what} of at least 1, got ${got}`, "broken");
  }
  const model =
    rank === undefined
      ? decodeItems(take, facts, users, items, refuse)
      : decodeTables(take, facts, rank, users, items, refuse);
  take.nothingLeft();
  return model;
}

/** A model of factors or a net. */
function decodeTables(
  take: TensorTaker,
  { kind, objective, provenance, mean, scale, range }: ModelFacts,
  rank: number,
  users: IdMap,
  items: IdMap,
  refuse: Refuse,
): Model {
  const tables = {
    rank,
    users,
    items,
    userFactors: take.floats("user_factors", [users.size, rank]),
    itemFactors: take.floats("item_factors", [items.size, rank]),
    userBias: take.has("user_bias") ? take.floats("user_bias", [users.size]) : undefined,
    itemBias: take.has("item_bias") ? take.floats("item_bias", [items.size]) : undefined,
    mean,
    scale,
    range,
  };
  const history = take.has("history_start") ? readHistory(take, users.size, items.size, refuse) : undefined;
  if (kind === "factors") return { kind, ...tables, objective, provenance, history };
  const net = readNet(take, rank, users.size, items.size, refuse);
  return { kind: "net", ...tables, activation: "relu", ...net, provenance, history };
}

function decodeItems(
  take: TensorTaker,
  { values, provenance, range }: ModelFacts,
  users: IdMap,
  items: IdMap,
  refuse: Refuse,
): ItemModel {
  const weights = readWeights(take, items.size, refuse);
  const history = take.has("history_start") ? readHistory(take, users.size, items.size, refuse) : undefined;
  const common = { users, items, scale: "preference", range, history, provenance } as const;
  return { kind: "items", ...common, values: values as HistoryValues, weights };
}

/** Largest elements first, so that each tensor begins at a multiple of its element size; then a fixed order. */
function modelTensors(model: Model): Tensor[] {
  const { users, items, history } = model;
  const f32 = (name: string, values: Float32Array, shape: number[]): Tensor[] => [
    { name, dtype: "F32", shape, bytes: bytesOf(values) },
  ];
  const u32 = (name: string, values: Uint32Array): Tensor[] => [
    { name, dtype: "U32", shape: [values.length], bytes: bytesOf(values) },
  ];
  const tensors = [
    ...idTensors(users, "user"),
    ...idTensors(items, "item"),
    ...(model.kind === "items" ? weightTensors(model, f32, u32) : tableTensors(model, f32)),
    ...(model.kind === "net" ? netTensors(model, f32) : []),
    ...(history === undefined
      ? []
      : [...u32("history_start", history.start), ...u32("history_item", wideIndexes(history.index))]),
    ...(history === undefined || history.value.every((value) => value === 1)
      ? []
      : f32("history_value", history.value.toFloats(), [history.value.length])),
  ];
  const order = ["I64", "F32", "U32", "U8"];
  return tensors.sort((a, b) => order.indexOf(a.dtype) - order.indexOf(b.dtype));
}

type OfFloats = (name: string, values: Float32Array, shape: number[]) => Tensor[];

function tableTensors({ users, items, rank, ...model }: FactorModel | NetModel, f32: OfFloats): Tensor[] {
  return [
    ...f32("user_factors", model.userFactors, [users.size, rank]),
    ...f32("item_factors", model.itemFactors, [items.size, rank]),
    ...(model.userBias === undefined ? [] : f32("user_bias", model.userBias, [users.size])),
    ...(model.itemBias === undefined ? [] : f32("item_bias", model.itemBias, [items.size])),
  ];
}

function weightTensors(
  { items, weights }: ItemModel,
  f32: OfFloats,
  u32: (name: string, values: Uint32Array) => Tensor[],
): Tensor[] {
  if (weights.kind === "dense") return f32("weights", weights.value, [items.size, items.size]);
  const { start, index, value } = weights;
  return [...u32("weight_start", start), ...u32("weight_item", index), ...f32("weight_value", value, [value.length])];
}

/** Layers in their order, then the product branch. */
function netTensors({ users, items, rank, layers, product }: NetModel, f32: OfFloats): Tensor[] {
  return [
    ...layers.flatMap(({ inputs, outputs, weight, bias }, l) => [
      ...f32(`layer_${l}.weight`, weight, [outputs, inputs]),
      ...f32(`layer_${l}.bias`, bias, [outputs]),
    ]),
    ...(product === undefined
      ? []
      : [
          ...f32("user_product_factors", product.userFactors, [users.size, rank]),
          ...f32("item_product_factors", product.itemFactors, [items.size, rank]),
        ]),
  ];
}

function bytesOf(values: Float32Array | Uint32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Hands out tensors by name with the type and shape that the model needs, and knows which were not asked for. */
class TensorTaker {
  readonly #left: Map<string, Tensor>;
  readonly #refuse: Refuse;

  constructor(tensors: ReadonlyMap<string, Tensor>, refuse: Refuse) {
    this.#left = new Map(tensors);
    this.#refuse = refuse;
  }

  has(name: string): boolean {
    return this.#left.has(name);
  }

  /** The first dimension of a table that is still to be taken. */
  rows(name: string): number {
    return this.#left.get(name)?.shape[0] ?? 0;
  }

  /** The second dimension of a table that is still to be taken. */
  columns(name: string): number {
    const tensor = this.#left.get(name) ?? this.#refuse(`tensor ${name} is missing`, "broken", { tensor: name });
    return tensor.shape[1] ?? 0;
  }

  /** @param shape what the tensor's shape must be; undefined for any list */
  take(name: string, dtypes: readonly string[], shape: readonly number[] | undefined): Tensor {
    const tensor = this.#left.get(name);
    if (tensor === undefined) return this.#refuse(`tensor ${name} is missing`, "broken", { tensor: name });
    this.#left.delete(name);
    const fits = shape === undefined ? tensor.shape.length === 1 : String(shape) === String(tensor.shape);
    if (!dtypes.includes(tensor.dtype) || !fits) {
      const wanted = `${dtypes.join(" or ")} [${shape === undefined ? "any length" : shape.join(", ")}]`;
      const got = `${tensor.dtype} [${tensor.shape.slice(0, 8).join(", ")}]`;
      this.#refuse(`tensor ${name} must be ${wanted}, got ${got}`, "broken", { tensor: name });
    }
    return tensor;
  }

  floats(name: string, shape: readonly number[]): Float32Array {
    const { buffer, byteOffset, byteLength } = aligned(this.take(name, ["F32"], shape).bytes);
    const values = new Float32Array(buffer, byteOffset, byteLength / 4);
    const bad = firstNotFinite(values);
    if (bad !== undefined) {
      this.#refuse(`tensor ${name} holds ${values[bad]} at place ${bad}; all must be finite`, "broken", {
        tensor: name,
      });
    }
    return values;
  }

  words(name: string, length: number | undefined): Uint32Array {
    const shape = length === undefined ? undefined : [length];
    const { buffer, byteOffset, byteLength } = aligned(this.take(name, ["U32"], shape).bytes);
    return new Uint32Array(buffer, byteOffset, byteLength / 4);
  }

  nothingLeft(): void {
    const [name] = this.#left.keys();
    if (name !== undefined) {
      this.#refuse(`tensor ${JSON.stringify(name.slice(0, 60))} is not part of a model`, "broken", { tensor: name });
    }
  }
}

/** The view itself where 4-byte elements can be laid over it, else a copy. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
}

function readIds(take: TensorTaker, side: "user" | "item", refuse: Refuse): IdMap {
  const tensor = take.take(`${side}_ids`, ["I64", "U8"], undefined);
  if (tensor.dtype === "I64") return numberIds(tensor, side, refuse);
  // A copy where the memory is shared: some engines do not decode text from it.
  const text = tensor.bytes.buffer instanceof ArrayBuffer ? tensor.bytes : tensor.bytes.slice();
  return textIds(text, take.words(`${side}_id_offsets`, undefined), side, refuse);
}

function readHistory(take: TensorTaker, users: number, items: number, refuse: Refuse): CompressedRows {
  const start = take.words("history_start", users + 1);
  const wide = take.words("history_item", undefined);
  const floats = take.has("history_value") ? take.floats("history_value", [wide.length]) : undefined;
  const value =
    floats === undefined ? new CellValues(Float32Array.of(1), undefined, wide.length) : new CellValues(floats);
  const fault = checkHistory({ rows: users, columns: items, start, index: wide, value, time: undefined });
  if (fault !== undefined) {
    const tensor = `history_${fault.array === "index" ? "item" : fault.array}`;
    refuse(`${tensor} ${fault.why}`, "broken", { tensor, ...fault.facts });
  }
  // Checked before they are held tightly: rounding indexes to 16 bits would hide a fault.
  return {
    rows: users,
    columns: items,
    start,
    index: narrowIndexes(wide, items),
    value: floats === undefined ? value : CellValues.of(floats),
    time: undefined,
  };
}

/** One of the two: a weight for every pair, or rows of few. */
function readWeights(take: TensorTaker, items: number, refuse: Refuse): ItemWeights {
  if (take.has("weights")) return { kind: "dense", value: take.floats("weights", [items, items]) };
  const start = take.words("weight_start", items + 1);
  const index = take.words("weight_item", undefined);
  const value = take.floats("weight_value", [index.length]);
  const fault = checkHistory(
    { rows: items, columns: items, start, index, value: new CellValues(value), time: undefined },
    "items",
  );
  if (fault !== undefined) {
    const tensor = `weight_${fault.array === "index" ? "item" : fault.array}`;
    refuse(`${tensor} ${fault.why}`, "broken", { tensor, ...fault.facts });
  }
  return { kind: "sparse", start, index, value };
}

/** Layers as many as there are, each with as many inputs as come in; the last with one output. */
function readNet(
  take: TensorTaker,
  rank: number,
  users: number,
  items: number,
  refuse: Refuse,
): Pick<NetModel, "layers" | "product"> {
  const product = take.has("user_product_factors")
    ? {
        userFactors: take.floats("user_product_factors", [users, rank]),
        itemFactors: take.floats("item_product_factors", [items, rank]),
      }
    : undefined;
  const layers: NetLayer[] = [];
  let inputs = 2 * rank;
  for (let l = 0; take.has(`layer_${l}.weight`); l++) {
    const isLast = !take.has(`layer_${l + 1}.weight`);
    const outputs = take.rows(`layer_${l}.weight`);
    if (outputs < 1) refuse(`tensor layer_${l}.weight has no outputs`, "broken", { tensor: `layer_${l}.weight` });
    if (isLast && product !== undefined) inputs += rank;
    const weight = take.floats(`layer_${l}.weight`, [isLast ? 1 : outputs, inputs]);
    layers.push({ inputs, outputs, weight, bias: take.floats(`layer_${l}.bias`, [outputs]) });
    inputs = outputs;
  }
  if (layers.length < 2) {
    refuse(`a net needs a hidden layer and one to the score, got ${layers.length} layers`, "broken", {});
  }
  return { layers, product };
}

/** What a file that is not ours seems to be, by its first bytes: `a zip archive, `, or nothing. */
function sniff(bytes: Uint8Array): string {
  if (!(bytes instanceof Uint8Array)) return ""; // the caller has no types
  const starts = (...expected: number[]) => expected.every((byte, i) => bytes[i] === byte);
  if (starts(0x50, 0x4b, 3, 4)) return "a zip archive, ";
  if (starts(0x1f, 0x8b)) return "a gzip file, ";
  if (starts(0x50, 0x41, 0x52, 0x31)) return "a Parquet file, ";
  if (starts(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59)) return "a NumPy array, ";
  const head = bytes.subarray(0, 64);
  const text = head.length >= 8 && head.every((byte) => byte === 9 || byte === 10 || byte === 13 || byte >= 32);
  return text ? "a text file, " : "";
}
