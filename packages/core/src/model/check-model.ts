/**
 * Is this model whole? Types and lengths of arrays agree, every number is finite, the history points into the
 * tables, the objective can be solved. For models made by hand or by another tool, checked once where they enter: before
 * writing a file, opening a recommender or measuring; the file reader asks the same of a history.
 */
import { CellValues, type CompressedRows } from "../ratings/index.ts";
import { DataError, type Facts, show } from "../support/index.ts";
import type { FactorModel } from "./factor-model.ts";
import { historyValues, type ItemModel } from "./item-model.ts";
import type { Model } from "./model.ts";
import { readObjective } from "./model-metadata.ts";
import { layerInputs, type NetModel } from "./net-model.ts";
import { scales } from "./scorer.ts";

/** @throws DataError naming the array, its length and the one needed, or the place of a number that cannot be */
export function checkModel(model: Model): void {
  if (typeof model !== "object" || model === null)
    refuse(`must be what a training gives or a file holds, got ${show(model)}`);
  const { users, items, range, history } = model;
  if (model.kind !== "factors" && model.kind !== "net" && model.kind !== "items") {
    refuse(`kind must be "factors", "net" or "items", got ${show((model as { kind?: unknown }).kind)}`);
  }
  if (users.size === 0 || items.size === 0) {
    refuse(`needs at least one user and one item, got ${users.size} and ${items.size}`);
  }
  if (model.kind === "items") checkItems(model);
  else checkTables(model);
  if (!scales.includes(model.scale)) refuse(`scale must be one of ${scales.join(", ")}, got ${show(model.scale)}`);
  if (range !== undefined && !(Number.isFinite(range.max - range.min) && range.min <= range.max)) {
    refuse(`range must go from a finite min up to a finite max, got ${show(range.min)} to ${show(range.max)}`);
  }
  if (model.kind === "net") checkNet(model);
  if (model.kind === "factors" && model.objective !== undefined) {
    readObjective({ ...model.objective }, (key, allowed) => refuse(`${key} must be ${allowed}`, { name: key }));
  }
  if (history === undefined) return;
  if (history.rows !== users.size || history.columns !== items.size) {
    refuse(`history is ${history.rows} users × ${history.columns} items, the model has ${users.size} × ${items.size}`);
  }
  const fault = checkHistory(history);
  if (fault !== undefined) {
    refuse(`history.${fault.array} ${fault.why}`, { name: `history.${fault.array}`, ...fault.facts });
  }
}

function checkTables({ rank, users, items, mean, ...model }: FactorModel | NetModel): void {
  if (!Number.isInteger(rank) || rank < 1) refuse(`rank must be a whole number from 1, got ${show(rank)}`);
  checkArray("userFactors", model.userFactors, users.size, rank);
  checkArray("itemFactors", model.itemFactors, items.size, rank);
  if (model.userBias !== undefined) checkArray("userBias", model.userBias, users.size, 1);
  if (model.itemBias !== undefined) checkArray("itemBias", model.itemBias, items.size, 1);
  if (!Number.isFinite(mean)) refuse(`mean must be a finite number, got ${show(mean)}`);
}

/** Weights that are rows of a square matrix, and scores that are no ratings. */
function checkItems({ items, scale, values, weights }: ItemModel): void {
  if (scale !== "preference") refuse(`scale of a model of items must be "preference", got ${show(scale)}`);
  if (!historyValues.includes(values)) {
    refuse(`values must be one of ${historyValues.join(", ")}, got ${show(values)}`);
  }
  if (weights.kind === "dense") {
    checkArray("weights.value", weights.value, items.size, items.size);
    return;
  }
  if (weights.kind !== "sparse") {
    refuse(`weights must be "sparse" or "dense", got ${show((weights as { kind?: unknown }).kind)}`);
  }
  if (!isArrayOf("Float32Array", weights.value))
    refuse("weights.value must be a Float32Array", { name: "weights.value" });
  const value = new CellValues(weights.value);
  const fault = checkHistory({ rows: items.size, columns: items.size, ...weights, value, time: undefined }, "items");
  if (fault === undefined) return;
  refuse(`weights.${fault.array} ${fault.why}`, { name: `weights.${fault.array}`, ...fault.facts });
}

/** Layers that fit each other, the factors and the product branch. */
function checkNet(model: NetModel): void {
  const { rank, users, items, layers, product, activation } = model;
  if (activation !== "relu") refuse(`activation must be "relu", got ${show(activation)}`);
  if (layers.length < 2) refuse(`needs a hidden layer and one to the score, got ${layers.length} layers`);
  const hidden = layers.slice(0, -1).map(({ outputs }) => outputs);
  const needed = layerInputs(rank, hidden, product !== undefined);
  for (const [l, { inputs, outputs, weight, bias }] of layers.entries()) {
    const last = l === layers.length - 1;
    if (inputs !== needed[l]) refuse(`layer ${l} has ${show(inputs)} inputs, ${needed[l]} come in`, { layer: l });
    if (!Number.isInteger(outputs) || outputs < 1 || (last && outputs !== 1)) {
      refuse(`layer ${l} has ${show(outputs)} outputs; ${last ? "the last has one" : "at least 1"}`, { layer: l });
    }
    checkArray(`layers[${l}].weight`, weight, outputs, inputs);
    checkArray(`layers[${l}].bias`, bias, outputs, 1);
  }
  if (product === undefined) return;
  checkArray("product.userFactors", product.userFactors, users.size, rank);
  checkArray("product.itemFactors", product.itemFactors, items.size, rank);
}

/** What is wrong with sparse rows: in which of its arrays, as the rest of a sentence, and where. */
export interface HistoryFault {
  readonly array: "start" | "index" | "value" | "time";
  readonly why: string;
  readonly facts: { readonly position?: number };
}

/**
 * Whether the arrays of a history, or of sparse weights, make rows: `start` runs from 0 to the number of entries without falling, `index`
 * ascends below `columns` within each row, and there is a finite `value` per entry.
 *
 * @param word what its rows are called
 * @returns the first fault, or undefined
 */
export function checkHistory(
  { rows, columns, start, index, value, time }: CompressedRows,
  word = "users",
): HistoryFault | undefined {
  const fault = (array: HistoryFault["array"], why: string, position?: number): HistoryFault => ({
    array,
    why,
    facts: position === undefined ? {} : { position },
  });
  if (!isArrayOf("Uint32Array", start)) return fault("start", "must be a Uint32Array");
  if (!isArrayOf("Uint32Array", index) && !isArrayOf("Uint16Array", index))
    return fault("index", "must be a Uint16Array or a Uint32Array");
  if (!isArrayOf("Float32Array", value?.table) || (value.code !== undefined && !isArrayOf("Uint8Array", value.code)))
    return fault("value", "must be CellValues, as CellValues.of(numbers) makes them");
  const entries = index.length;
  if (start.length !== rows + 1) {
    return fault("start", `has ${start.length} numbers, ${rows} ${word} need ${rows + 1}`);
  }
  if (start[0] !== 0 || start[rows] !== entries) return fault("start", `must run from 0 to the ${entries} entries`);
  const numbers = value.code === undefined && value.table.length === 1 ? value.length : value.stored?.length;
  if (value.length !== entries || numbers !== entries)
    return fault("value", `has ${numbers} numbers for ${entries} entries`);
  if (time !== undefined && time.length !== entries) {
    return fault("time", `has ${time.length} numbers for ${entries} entries`);
  }
  for (let row = 0; row < rows; row++) {
    if (start[row + 1] < start[row] || start[row + 1] > entries) {
      return fault("start", `does not ascend at row ${row}`, row);
    }
    for (let entry = start[row]; entry < start[row + 1]; entry++) {
      if (index[entry] >= columns || (entry > start[row] && index[entry] <= index[entry - 1])) {
        return fault("index", `must ascend below ${columns} within a row, which place ${entry} does not`, entry);
      }
    }
  }
  return valueFault(value, fault);
}

/** The first code without a number, or the first number that is not finite. */
function valueFault(
  { code, table, length }: CellValues,
  fault: (array: "value", why: string, position: number) => HistoryFault,
): HistoryFault | undefined {
  const entries = code ?? (table.length === 1 ? new Uint8Array(Math.min(1, length)) : undefined);
  if (entries === undefined) {
    const bad = firstNotFinite(table);
    return bad === undefined
      ? undefined
      : fault("value", `holds ${table[bad]} at place ${bad}; all must be finite`, bad);
  }
  for (let entry = 0; entry < entries.length; entry++) {
    const number = table[entries[entry]];
    if (Number.isFinite(number)) continue;
    if (number !== undefined) return fault("value", `holds ${number} at place ${entry}; all must be finite`, entry);
    const why = `has the code ${entries[entry]} at place ${entry}, and a table of ${table.length} numbers`;
    return fault("value", why, entry);
  }
  return undefined;
}

/** Position of the first NaN or infinite number, or undefined. */
export function firstNotFinite(values: Float32Array): number | undefined {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return undefined;
}

function checkArray(name: string, values: Float32Array, rows: number, width: number): void {
  if (!isArrayOf("Float32Array", values)) refuse(`${name} must be a Float32Array`, { name });
  if (values.length !== rows * width) {
    const needed = width === 1 ? `${rows} rows` : `${rows} rows of rank ${width}`;
    refuse(`${name} has ${values.length} numbers, ${needed} need ${rows * width}`, { name });
  }
  const bad = firstNotFinite(values);
  if (bad !== undefined) {
    const row = Math.floor(bad / width);
    refuse(`${name} row ${row} holds ${values[bad]}; every number must be finite`, { name, row });
  }
}

/** By name, so that arrays of another window or frame pass. */
function isArrayOf(type: "Uint8Array" | "Uint16Array" | "Uint32Array" | "Float32Array", value: unknown): boolean {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === `[object ${type}]`;
}

function refuse(why: string, facts: Facts = {}): never {
  throw new DataError(`model: ${why}`, facts);
}
