/**
 * Where gradient descent starts: an init by name and the seed, or arrays that the caller gives. Options in, tables filled.
 *
 * Each table and each bias has a stream of its own, numbers row by row, so a row starts alike whatever the backend.
 */
import type { Reals, RealTable } from "../kernels/index.ts";
import { fillTable } from "../kernels/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { DataError, Digest, knownOptions, normal, OptionError, show, streamSeed, uniform } from "../support/index.ts";
import type { OptionTable } from "./options.ts";

export const initOptions = {
  init: {
    type: "choice",
    default: "normal",
    choices: ["normal", "uniform", "positive", "kaiming"],
    about: "starting factors: normal, uniform around 0, uniform from 0 up, or uniform within 1/√rank",
  },
  initScale: {
    type: "number",
    default: 0.1,
    // From all zeros no factor would ever move.
    min: 1e-6,
    max: 1e3,
    about: "standard deviation of normal, largest size of uniform and positive starting factors",
    when: { option: "init", is: ["normal", "uniform", "positive"] },
  },
} as const satisfies OptionTable;

export type Init = "normal" | "uniform" | "positive" | "kaiming";

/**
 * Starting values given by the caller, rows in the order of `ratings.users` and `ratings.items`. Read when training
 * starts, never written; the model records their digest.
 */
export interface InitialFactors {
  /** [users × rank], row-major */
  readonly userFactors: Float32Array | Float64Array;
  /** [items × rank], row-major */
  readonly itemFactors: Float32Array | Float64Array;
  /** [users]; only with a fitted user bias. Default zeros */
  readonly userBias?: Float32Array | Float64Array | undefined;
  /** [items]; only with a fitted item bias. Default zeros */
  readonly itemBias?: Float32Array | Float64Array | undefined;
}

const initialNames = ["userFactors", "itemFactors", "userBias", "itemBias"] as const;

export type Start =
  | { readonly kind: "drawn"; readonly init: Init; readonly initScale: number }
  | { readonly kind: "given"; readonly initial: InitialFactors };

/** What `fillStart` fills. */
export interface StartTables {
  readonly users: RealTable;
  readonly items: RealTable;
  readonly userBias: Reals | undefined;
  readonly itemBias: Reals | undefined;
  /** Where each row of a table stands; undefined: in order. Biases are in order */
  readonly userPlace?: Uint32Array | undefined;
  readonly itemPlace?: Uint32Array | undefined;
}

/** @throws OptionError for given arrays beside options of drawn ones, or for something else than arrays of numbers */
export function startOf(
  who: string,
  drawn: { readonly init: Init; readonly initScale: number },
  given: { readonly init?: unknown; readonly initScale?: unknown },
  initial: InitialFactors | undefined,
): Start {
  if (initial === undefined) return { kind: "drawn", ...drawn };
  for (const name of ["init", "initScale"] as const) {
    if (given[name] !== undefined) {
      throw new OptionError(who, name, given[name], "left out when initial is given", "nothing is drawn then");
    }
  }
  const shape = "{ userFactors, itemFactors, userBias?, itemBias? }";
  if (typeof initial !== "object" || initial === null) throw new OptionError(who, "initial", initial, shape);
  knownOptions(`${who} initial`, initial, initialNames);
  for (const name of initialNames) {
    const values: unknown = initial[name];
    if (values instanceof Float32Array || values instanceof Float64Array) continue;
    if (values === undefined && name.endsWith("Bias")) continue;
    throw new OptionError(who, `initial.${name}`, values, "a Float32Array or a Float64Array");
  }
  return { kind: "given", initial };
}

/** Whether no gradient leads away: the gradient of each side's factors is a multiple of the other side's. */
export function isZero(start: Start): boolean {
  if (start.kind === "drawn") return false;
  const { userFactors, itemFactors } = start.initial;
  return [userFactors, itemFactors].every((factors) => factors.every((factor) => factor === 0));
}

/** 16 hexadecimal digits of given arrays. */
export function initialDigest(initial: InitialFactors): string {
  const digest = new Digest();
  for (const name of initialNames) digest.add(initial[name] ?? new Float32Array(0));
  return digest.hex();
}

/** @throws DataError when given arrays do not fit the ratings, or hold something else than finite numbers within 32 bits */
export function fillStart(who: string, start: Start, tables: StartTables, ratings: Ratings, seed: number): void {
  if (start.kind === "given") {
    fillGiven(who, start.initial, tables, ratings);
    return;
  }
  for (const side of ["user", "item"] as const) {
    const { data, rows, rank, stride } = tables[`${side}s`];
    const draw = drawing(start, rank, streamSeed(seed, `${side} factors`));
    const place = tables[`${side}Place`];
    for (let r = 0; r < rows; r++) {
      const at = (place === undefined ? r : place[r]) * stride;
      for (let c = 0; c < rank; c++) data[at + c] = draw(r * rank + c);
    }
    const bias = tables[`${side}Bias`];
    // The others start from biases of 0, which is the mean of what they would be drawn from.
    if (bias === undefined || start.init !== "kaiming") continue;
    const drawBias = drawing(start, rank, streamSeed(seed, `${side} bias`));
    for (let r = 0; r < rows; r++) bias[r] = drawBias(r);
  }
}

/** The i-th starting number of a stream, rounded to f32. */
function drawing(start: Start & { kind: "drawn" }, rank: number, seed: number): (i: number) => number {
  const { init, initScale } = start;
  switch (init) {
    case "normal":
      return (i) => Math.fround(initScale * normal(seed, i));
    case "uniform":
      return (i) => uniform(seed, i, -initScale, initScale);
    case "positive":
      return (i) => uniform(seed, i, 0, initScale);
    case "kaiming": {
      // kaiming_uniform_ with a = √5: √3 · √(2 / (1 + 5)) / √fan_in, and the fan-in of a [rows × rank] table is the rank.
      const bound = 1 / Math.sqrt(rank);
      return (i) => uniform(seed, i, -bound, bound);
    }
    default:
      return init satisfies never;
  }
}

function fillGiven(who: string, initial: InitialFactors, tables: StartTables, ratings: Ratings): void {
  for (const side of ["user", "item"] as const) {
    const table = tables[`${side}s`];
    const { size } = ratings[`${side}s`];
    const factors = initial[`${side}Factors`];
    checkGiven(who, `${side}Factors`, factors, size, table.rank);
    fillTable(table, factors, tables[`${side}Place`]);
    const given = initial[`${side}Bias`];
    const bias = tables[`${side}Bias`];
    if (given === undefined) continue;
    if (bias === undefined) {
      const message = `${who}: initial.${side}Bias is given, but ${side}s have no fitted bias; set biases to ${show(side)} or "both"`;
      throw new DataError(message, { method: who, array: `${side}Bias` });
    }
    checkGiven(who, `${side}Bias`, given, size, 1);
    bias.set(given);
  }
}

function checkGiven(who: string, name: string, values: Reals, rows: number, width: number): void {
  if (values.length !== rows * width) {
    const needed = width === 1 ? `${rows}, one a row` : `${rows} × ${width} = ${rows * width}, rows × rank`;
    throw new DataError(`${who}: initial.${name} has ${values.length} numbers, these ratings need ${needed}`, {
      method: who,
      array: name,
      got: values.length,
      expected: rows * width,
    });
  }
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(Math.fround(values[i]))) continue;
    const row = Math.floor(i / width);
    throw new DataError(
      `${who}: initial.${name} row ${row} holds ${values[i]}; give finite numbers that fit into 32 bits`,
      { method: who, array: name, row },
    );
  }
}
