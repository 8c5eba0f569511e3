/**
 * Is this FactorModel whole? Lengths agree and every number is finite. For models made by hand or by another tool,
 * checked once where they enter: before writing a file, before opening a recommender.
 */
import { DataError } from "../support/index.ts";
import type { FactorModel } from "./factor-model.ts";

/** @throws DataError naming the array, its length and the one needed, or the row of a number that is not finite */
export function checkModel(model: FactorModel): void {
  const { rank, users, items, history } = model;
  if (!Number.isInteger(rank) || rank < 1)
    throw new DataError(`model: rank must be a whole number from 1, got ${rank}`);
  if (users.size === 0 || items.size === 0) {
    throw new DataError(`model: needs at least one user and one item, got ${users.size} and ${items.size}`);
  }
  checkArray("userFactors", model.userFactors, users.size, rank);
  checkArray("itemFactors", model.itemFactors, items.size, rank);
  if (model.userBias !== undefined) checkArray("userBias", model.userBias, users.size, 1);
  if (model.itemBias !== undefined) checkArray("itemBias", model.itemBias, items.size, 1);
  if (!Number.isFinite(model.mean)) throw new DataError(`model: mean must be a finite number, got ${model.mean}`);
  if (
    model.range !== undefined &&
    !(Number.isFinite(model.range.max - model.range.min) && model.range.min <= model.range.max)
  ) {
    throw new DataError(
      `model: range must go from a finite min up to a finite max, got ${model.range.min} to ${model.range.max}`,
    );
  }
  if (history !== undefined && (history.rows !== users.size || history.columns !== items.size)) {
    throw new DataError(
      `model: history is ${history.rows} users × ${history.columns} items, the model has ${users.size} × ${items.size}`,
    );
  }
}

function checkArray(name: string, values: Float32Array, rows: number, width: number): void {
  if (values.length !== rows * width) {
    const needed = width === 1 ? `${rows} rows` : `${rows} rows of rank ${width}`;
    throw new DataError(`model: ${name} has ${values.length} numbers, ${needed} need ${rows * width}`);
  }
  const bad = firstNotFinite(values);
  if (bad !== undefined) {
    const row = Math.floor(bad / width);
    throw new DataError(`model: ${name} row ${row} holds ${values[bad]}; every factor and bias must be finite`, {
      name,
      row,
    });
  }
}

/** Position of the first NaN or infinite number, or undefined. */
export function firstNotFinite(values: Float32Array): number | undefined {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return undefined;
}
