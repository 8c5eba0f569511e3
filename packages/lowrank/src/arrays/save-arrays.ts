/**
 * The tables of a model of factors as NumPy arrays: the model comes in, a `.npz` with all of them or a `.npy` with one goes out.
 *
 *   score = mean + user_bias[:, None] + item_bias + user_factors @ item_factors.T
 *
 * Not here: the model file, which also holds training ratings, settings and provenance (model-files.ts).
 */
import { extname } from "node:path";
import { checkModel, DataError, type FactorModel, type IdMap, type Model, OptionError } from "@lowrank/core";
import { knownOptions, oneOf, show } from "@lowrank/core/support";
import { type ArrayName, arrayNames, noArrays } from "../file-words.ts";
import { tryWriting, writeWhole } from "../outputs.ts";
import { zipParts } from "../zip/index.ts";
import { type NpyElements, npyParts } from "./npy.ts";

export interface SaveArraysOptions {
  /** Which one: must be stated for a `.npy`, which holds one, and left out for a `.npz`, which holds all */
  readonly array?: ArrayName | undefined;
}

const who = "saveArrays";
const MAX_TEXT_BYTES = 2 ** 32;

/**
 * Makes sure that `saveArrays` can write at `path`: call before hours of training.
 *
 * @throws OptionError for a path or option that cannot be; LowrankError with code `output`
 */
export async function checkArraysWritable(path: string, options: SaveArraysOptions = {}): Promise<void> {
  checkedTarget(path, options);
  await tryWriting(path, "array");
}

/**
 * Writes a model's arrays; the file at `path` is replaced only once the new one is complete and on the disk. The same model
 * gives the same bytes. NumPy reads them with `numpy.load(path)`, nothing is pickled.
 *
 * @param path ends in `.npz` for all arrays, in `.npy` for one
 * @returns the names written, and the length of the file in bytes
 * @throws OptionError; DataError when the model has no such array; LowrankError with code `output`, also above 4 GiB
 */
export async function saveArrays(
  path: string,
  model: Model,
  options: SaveArraysOptions = {},
): Promise<{ arrays: ArrayName[]; bytes: number }> {
  const asked = checkedTarget(path, options);
  checkModel(model);
  if (model.kind !== "factors") throw new DataError(`${who}: ${noArrays[model.kind]}`, { kind: model.kind });
  const there = arrayNames.filter((name) => makers[name](model) !== undefined);
  const names = asked === undefined ? there : there.filter((name) => name === asked);
  if (names.length === 0)
    throw new DataError(`${who}: this model has no ${asked}; it has ${there.join(", ")}`, { array: asked });
  const files = names.map((name) => ({ name: `${name}.npy`, parts: partsOf(model, name) }));
  const { bytes } = await writeWhole(path, asked === undefined ? zipParts(files) : files[0].parts, "array");
  return { arrays: names, bytes };
}

/** The array asked for; undefined for all of them. */
function checkedTarget(path: string, options: SaveArraysOptions): ArrayName | undefined {
  knownOptions(who, options, ["array"]);
  const kind = extname(path).toLowerCase();
  if (kind !== ".npy" && kind !== ".npz")
    throw new OptionError(who, "path", path, "a path that ends in .npz, for all arrays, or in .npy, for one");
  if (kind === ".npz") {
    if (options.array === undefined) return undefined;
    throw new OptionError(
      who,
      "array",
      options.array,
      "left out for a .npz, which holds all arrays",
      "name a .npy for one",
    );
  }
  return oneOf(who, "array", options.array, arrayNames);
}

type Maker = (model: FactorModel) => { readonly shape: readonly number[]; elements(): NpyElements } | undefined;

/** How each array follows from a model; undefined for what it does not have. */
const makers: Readonly<Record<ArrayName, Maker>> = {
  user_factors: ({ users, rank, userFactors }) => ({ shape: [users.size, rank], elements: () => userFactors }),
  item_factors: ({ items, rank, itemFactors }) => ({ shape: [items.size, rank], elements: () => itemFactors }),
  user_bias: ({ users, userBias }) => userBias && { shape: [users.size], elements: () => userBias },
  item_bias: ({ items, itemBias }) => itemBias && { shape: [items.size], elements: () => itemBias },
  mean: ({ mean }) => ({ shape: [], elements: () => Float64Array.of(mean) }),
  user_ids: ({ users }) => ({ shape: [users.size], elements: () => idElements(users) }),
  item_ids: ({ items }) => ({ shape: [items.size], elements: () => idElements(items) }),
};

function partsOf(model: FactorModel, name: ArrayName): Uint8Array[] {
  const made = makers[name](model);
  return made === undefined ? [] : npyParts(made.elements(), made.shape);
}

function idElements(ids: IdMap): NpyElements {
  if (ids.kind === "number") return BigInt64Array.from(ids.ids() as Iterable<number>, BigInt);
  const texts = [...(ids.ids() as Iterable<string>)];
  const spoilt = texts.find((text) => text.endsWith("\0"));
  if (spoilt !== undefined) throw unwritable(ids, `${show(spoilt)} ends in a zero character, which NumPy's text loses`);
  const longest = texts.reduce((most, text) => (text.length > most.length ? text : most), "");
  // NumPy gives every text the room of the longest, 4 bytes a character.
  if (4 * longest.length * texts.length > MAX_TEXT_BYTES)
    throw unwritable(ids, `${show(longest)} is so long that an array of ${texts.length} ids takes more than 4 GiB`);
  return texts;
}

function unwritable({ side }: IdMap, why: string): DataError {
  return new DataError(`${who}: ${side} ${why}; save the model file instead`, { side });
}
