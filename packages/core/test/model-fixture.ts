/** Small models for tests, filled from a seed. */

import {
  type FactorModel,
  type HistoryValues,
  type ItemModel,
  layerInputs,
  type NetModel,
  type RowObjective,
  type SolvedObjective,
} from "../src/model/index.ts";
import type { Id } from "../src/ratings/index.ts";
import { CellValues, IdMap } from "../src/ratings/index.ts";
import { normal, unit } from "../src/support/index.ts";

export interface FixtureOptions {
  readonly users?: readonly Id[];
  readonly items?: readonly Id[];
  readonly rank?: number;
  readonly seed?: number;
  readonly biases?: boolean;
  readonly objective?: RowObjective | undefined;
  /** Share of cells in the history; undefined for a model without one */
  readonly density?: number | undefined;
  /** History values: 1 everywhere, or ratings from 1 to 5 */
  readonly values?: "ones" | "ratings";
}

/** Ids "a0", "a1", … */
export function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

export const explicitObjective = {
  kind: "explicit",
  regularization: 0.1,
  regularizationExponent: 1,
  center: "global",
  biases: "both",
  biasRegularization: 0.5,
  biasRegularizationExponent: 0,
} as const satisfies RowObjective;

/** One of each kind of explicit objective: both, no and one fitted bias, centred by nothing, all, users and items. */
export const explicitObjectives: readonly (SolvedObjective & { readonly kind: "explicit" })[] = [
  explicitObjective,
  { ...explicitObjective, biases: "none", biasRegularization: undefined },
  { ...explicitObjective, center: "user" },
  { ...explicitObjective, center: "user", biases: "item" },
  { ...explicitObjective, center: "item", biases: "user", biasRegularization: 0, regularizationExponent: 0 },
  { ...explicitObjective, center: "none", biases: "item" },
];

export const implicitObjective: SolvedObjective = {
  kind: "implicit",
  regularization: 0.02,
  regularizationExponent: 1,
  unobservedWeight: 0.1,
  observedInUnobserved: true,
  confidence: "linear",
  confidenceScale: 2,
};

export function modelFixture(options: FixtureOptions = {}): FactorModel {
  const { rank = 3, seed = 1, biases = true, density = 0.4, values = "ratings" } = options;
  const users = IdMap.of(options.users ?? names("u", 5), "user");
  const items = IdMap.of(options.items ?? [10, 20, 30, 40], "item");
  const drawn = (stream: number, count: number) =>
    Float32Array.from({ length: count }, (_, i) => normal(seed + stream, i) / 2);
  const start = new Uint32Array(users.size + 1);
  const index: number[] = [];
  for (let user = 0; user < users.size; user++) {
    for (let item = 0; item < items.size; item++) {
      if (unit(seed + 5, user * items.size + item) < (density ?? 0)) index.push(item);
    }
    start[user + 1] = index.length;
  }
  const value = Float32Array.from(index, (_, entry) =>
    values === "ones" ? 1 : 1 + Math.floor(5 * unit(seed + 6, entry)),
  );
  const objective = "objective" in options ? options.objective : explicitObjective;
  return {
    kind: "factors",
    rank,
    users,
    items,
    userFactors: drawn(1, users.size * rank),
    itemFactors: drawn(2, items.size * rank),
    userBias: biases ? drawn(3, users.size) : undefined,
    itemBias: biases ? drawn(4, items.size) : undefined,
    mean: 3.123456789012345,
    scale: values === "ones" ? "preference" : "rating",
    range: values === "ones" ? undefined : { min: 1, max: 5 },
    objective,
    history:
      options.density === undefined && "density" in options
        ? undefined
        : {
            rows: users.size,
            columns: items.size,
            start,
            index: Uint16Array.from(index),
            value: CellValues.of(value),
            time: undefined,
          },
    provenance: {
      method: "als",
      options: { rank, sweeps: 15, nested: { list: [1, "two", null, true] } },
      seed: 42,
      dataHash: "0123456789abcdef",
      backend: "wasm strict",
      version: "0.1.0",
      passes: 15,
    },
  };
}

/** A net on the same ids, factors, biases and history as `modelFixture`. */
export function netFixture(
  options: FixtureOptions & { readonly hidden?: readonly number[]; readonly product?: boolean } = {},
): NetModel {
  const { hidden = [5, 4], product = true, ...rest } = options;
  const { objective: _, ...model } = modelFixture(rest);
  const { rank, users, items } = model;
  const seed = rest.seed ?? 1;
  const drawn = (stream: number, count: number) =>
    Float32Array.from({ length: count }, (_, i) => normal(seed + stream, i) / 2);
  const outputs = [...hidden, 1];
  const layers = layerInputs(rank, hidden, product).map((inputs, l) => ({
    inputs,
    outputs: outputs[l],
    weight: drawn(20 + 2 * l, inputs * outputs[l]),
    bias: drawn(21 + 2 * l, outputs[l]),
  }));
  return {
    ...model,
    kind: "net",
    activation: "relu",
    layers,
    product: product
      ? { userFactors: drawn(7, users.size * rank), itemFactors: drawn(8, items.size * rank) }
      : undefined,
    provenance: { ...model.provenance, method: "net" },
  };
}

/** Weights between the items of `modelFixture`, on its ids and history: `weighed` of all pairs have one when sparse. */
export function itemsFixture(
  options: FixtureOptions & {
    readonly weights?: "sparse" | "dense";
    readonly weighed?: number;
    readonly counted?: HistoryValues;
  } = {},
): ItemModel {
  const { weights = "sparse", weighed = 0.3, counted = "ones", ...rest } = options;
  const { users, items, range, history, provenance } = modelFixture(rest);
  const seed = (rest.seed ?? 1) + 40;
  const count = items.size;
  const value = Float32Array.from({ length: count * count }, (_, at) => {
    const isDiagonal = Math.floor(at / count) === at % count;
    return isDiagonal ? 0 : weights === "dense" ? normal(seed, at) : unit(seed, at) + 0.1;
  });
  const common = { users, items, scale: "preference", range, history } as const;
  const from = { ...provenance, method: weights === "dense" ? "ease" : "itemKnn" };
  const model = { kind: "items", ...common, values: counted, provenance: from } as const;
  if (weights === "dense") return { ...model, weights: { kind: "dense", value } };
  const start = new Uint32Array(count + 1);
  const kept: number[] = [];
  for (let row = 0; row < count; row++) {
    for (let column = 0; column < count; column++) {
      const at = row * count + column;
      if (column !== row && unit(seed + 1, at) < weighed) kept.push(at);
    }
    start[row + 1] = kept.length;
  }
  const index = Uint32Array.from(kept, (at) => at % count);
  return { ...model, weights: { kind: "sparse", start, index, value: Float32Array.from(kept, (at) => value[at]) } };
}
