/**
 * Ratings 1 to 4 without any structure, spread evenly: the data of seed notebook 004. Nothing can be learned from them
 * beyond their mean (2.5), so held-out RMSE near 1.118 is the best there is.
 */
import { finiteNumber, knownOptions, unit, wholeNumber } from "../../support/index.ts";
import { CellValues, indexArrayOf } from "../cell-values.ts";
import type { Ratings } from "../ratings.ts";
import { worldRatings } from "./world.ts";

export interface UniformSparseOptions {
  /** Default 1000 */
  readonly users?: number | undefined;
  /** Default 1000 */
  readonly items?: number | undefined;
  /** Chance of each cell to hold a rating, from 0 to 1; default 0.01 */
  readonly density?: number | undefined;
  /** Whole number from 0 to 2^32 - 1; default 0 */
  readonly seed?: number | undefined;
}

/** Cell c = user · items + item is rated when unit(seed, c) < density, with 1 + floor(4 · unit(seed + 1, c)). */
export function uniformSparse(options: UniformSparseOptions = {}): Ratings {
  const who = "uniformSparse";
  knownOptions(who, options, ["users", "items", "density", "seed"]);
  const users = wholeNumber(who, "users", options.users ?? 1000, 1, 1 << 24);
  const items = wholeNumber(who, "items", options.items ?? 1000, 1, 1 << 24);
  const density = finiteNumber(who, "density", options.density ?? 0.01, 0, 1);
  const seed = wholeNumber(who, "seed", options.seed ?? 0, 0, 0xffffffff);
  const start = new Uint32Array(users + 1);
  const index: number[] = [];
  const value: number[] = [];
  for (let user = 0; user < users; user++) {
    for (let item = 0; item < items; item++) {
      const cell = user * items + item;
      if (unit(seed, cell) >= density) continue;
      index.push(item);
      value.push(1 + Math.floor(4 * unit(seed + 1, cell)));
    }
    start[user + 1] = index.length;
  }
  return worldRatings(
    {
      rows: users,
      columns: items,
      start,
      index: indexArrayOf(items).from(index),
      value: CellValues.of(value),
      time: undefined,
    },
    true,
  );
}
