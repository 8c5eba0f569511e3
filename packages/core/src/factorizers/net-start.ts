/**
 * Where a net starts: drawn from the seed as PyTorch draws, or arrays that the caller gives.
 *
 * Factors are normal; weights and biases of a layer are uniform within 1/√inputs, as those of PyTorch's Linear (Kaiming
 * uniform). Biases of users and items are 0. Every array has a stream of its own.
 */
import type { NetShape, Reals, RealTable } from "../kernels/index.ts";
import { fillTable } from "../kernels/index.ts";
import { layerInputs, layersToFlat, type NetLayer, type NetProduct } from "../model/index.ts";
import { DataError, Digest, knownOptions, normal, OptionError, show, streamSeed, uniform } from "../support/index.ts";

/** What errors about options begin with, which come from the call of that name. */
export const CALLED = "denseNet";

/** Starting values given by the caller; rows in the order of `ratings.users` and `ratings.items`. Read, never written. */
export interface InitialNet {
  /** f32[users × rank], row-major */
  readonly userFactors: Float32Array;
  /** f32[items × rank], row-major */
  readonly itemFactors: Float32Array;
  /** As in NetModel: hidden layers, then the one to the score */
  readonly layers: readonly NetLayer[];
  /** Needed exactly with a product branch */
  readonly product?: NetProduct | undefined;
}

/** What `startNet` fills. */
export interface NetTables {
  readonly users: RealTable;
  readonly items: RealTable;
  readonly userProduct: RealTable;
  readonly itemProduct: RealTable;
  readonly layers: Reals;
}

export function drawNet(shape: NetShape, initScale: number, seed: number, tables: NetTables): void {
  const factors = (table: RealTable, stream: string) => {
    const own = streamSeed(seed, stream);
    const { data, rows, rank, stride } = table;
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < rank; c++) data[r * stride + c] = Math.fround(initScale * normal(own, r * rank + c));
    }
  };
  factors(tables.users, "user factors");
  factors(tables.items, "item factors");
  if (shape.product) {
    factors(tables.userProduct, "user product factors");
    factors(tables.itemProduct, "item product factors");
  }
  const outputs = [...shape.hidden, 1];
  const layers = layerInputs(shape.rank, shape.hidden, shape.product).map((inputs, l) => {
    const bound = 1 / Math.sqrt(inputs);
    const draw = (what: string, count: number) => {
      const own = streamSeed(seed, `layer ${l} ${what}`);
      return Float32Array.from({ length: count }, (_, i) => uniform(own, i, -bound, bound));
    };
    return { inputs, outputs: outputs[l], weight: draw("weight", inputs * outputs[l]), bias: draw("bias", outputs[l]) };
  });
  layersToFlat(shape, layers, tables.layers);
}

/** @throws OptionError for something else than arrays of numbers */
export function checkInitial(initial: unknown): void {
  const allowed = "{ userFactors, itemFactors, layers, product? }";
  if (typeof initial !== "object" || initial === null) throw new OptionError(CALLED, "initial", initial, allowed);
  knownOptions(`${CALLED} initial`, initial, ["userFactors", "itemFactors", "layers", "product"]);
  const { userFactors, itemFactors, layers, product } = initial as Partial<InitialNet>;
  const tables: unknown[] = [userFactors, itemFactors];
  // Callers without types: null is no layer and no product.
  if (product !== undefined) tables.push(product?.userFactors, product?.itemFactors);
  const good =
    tables.every((table) => table instanceof Float32Array) &&
    Array.isArray(layers) &&
    layers.every((layer) => layer?.weight instanceof Float32Array && layer.bias instanceof Float32Array);
  if (!good) throw new OptionError(CALLED, "initial", initial, `${allowed} of Float32Arrays`);
}

/** Whether no gradient leads away but that of the last bias: it goes through weights and factors, of which none is left. */
export function isZeroNet({ userFactors, itemFactors, layers, product }: InitialNet): boolean {
  const tables = [userFactors, itemFactors, ...layers.map(({ weight }) => weight)];
  if (product !== undefined) tables.push(product.userFactors, product.itemFactors);
  return tables.every((table) => table.every((number) => number === 0));
}

/** @throws DataError when arrays do not fit the shape and the ratings, or hold a number that is not finite */
export function fillInitial(shape: NetShape, initial: InitialNet, tables: NetTables): void {
  const { userFactors, itemFactors, layers, product } = initial;
  const fits = (name: string, values: Float32Array, length: number) => {
    if (values.length !== length) {
      throw new DataError(`${CALLED}: initial ${name} has ${values.length} numbers, ${length} are needed`, {
        array: name,
      });
    }
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0)
      throw new DataError(`${CALLED}: initial ${name} holds ${show(values[bad])} at place ${bad}`, { array: name });
  };
  const fill = (name: string, values: Float32Array, table: RealTable) => {
    fits(name, values, table.rows * table.rank);
    fillTable(table, values);
  };
  const inputs = layerInputs(shape.rank, shape.hidden, shape.product);
  const outputs = [...shape.hidden, 1];
  if (layers.length !== inputs.length) {
    throw new DataError(`${CALLED}: initial layers are ${layers.length}, ${inputs.length} are needed`, {
      array: "layers",
    });
  }
  for (const [l, { weight, bias }] of layers.entries()) {
    fits(`layers[${l}].weight`, weight, inputs[l] * outputs[l]);
    fits(`layers[${l}].bias`, bias, outputs[l]);
  }
  if ((product !== undefined) !== shape.product) {
    const why = shape.product ? "are needed with product true" : "are given with product false";
    throw new DataError(`${CALLED}: initial product factors ${why}`, { array: "product" });
  }
  fill("userFactors", userFactors, tables.users);
  fill("itemFactors", itemFactors, tables.items);
  if (product !== undefined) {
    fill("product.userFactors", product.userFactors, tables.userProduct);
    fill("product.itemFactors", product.itemFactors, tables.itemProduct);
  }
  const shaped = layers.map((layer, l) => ({ ...layer, inputs: inputs[l], outputs: outputs[l] }));
  layersToFlat(shape, shaped, tables.layers);
}

/** 16 digits for the record of a training that began with given arrays. */
export function initialNetDigest({ userFactors, itemFactors, layers, product }: InitialNet): string {
  const digest = new Digest().add(userFactors).add(itemFactors);
  for (const { weight, bias } of layers) digest.add(weight).add(bias);
  if (product !== undefined) digest.add(product.userFactors).add(product.itemFactors);
  return digest.hex();
}
