/**
 * State of a run, both ways: the arrays and tables that a method trains come in under names, a RunState goes out, and back.
 * Tables are kept without their padding. Not here: files (checkpoint.ts).
 */
import type { RealTable, Table } from "../kernels/index.ts";
import { fillTable } from "../kernels/index.ts";
import { DataError } from "../support/index.ts";
import type { RunState } from "./factorizer.ts";

type Numbers = Float32Array | Float64Array | Uint32Array;

/** What a run trains, by name; undefined for what this run does not have. */
export type Trained = Readonly<Record<string, Table | RealTable | Numbers | undefined>>;

/** Copies, each in its own precision. */
export function copyState(trained: Trained): RunState {
  const arrays: Record<string, Numbers> = {};
  for (const [name, slot] of Object.entries(trained)) {
    if (slot !== undefined) arrays[name] = isTable(slot) ? rowsOf(slot) : slot.slice();
  }
  return { arrays };
}

/**
 * Writes a state into the arrays and tables it was copied from, or into ones of another run of the same shape.
 *
 * @throws DataError when a name, a length or a precision differs; nothing is written then
 */
export function restoreState(method: string, trained: Trained, { arrays }: RunState): void {
  const refuse = (why: string, array: string): never => {
    throw new DataError(
      `${method}: the state to resume from does not fit: ${why}; it is of other ratings or settings`,
      {
        method,
        array,
      },
    );
  };
  for (const name of Object.keys(arrays)) if (trained[name] === undefined) refuse(`${name} has no place here`, name);
  for (const [name, slot] of Object.entries(trained)) {
    if (slot === undefined) continue;
    const values = Object.hasOwn(arrays, name) ? arrays[name] : refuse(`${name} is missing`, name);
    const place = isTable(slot) ? slot.data : slot;
    const length = isTable(slot) ? slot.rows * slot.rank : slot.length;
    if (kindOf(values) !== kindOf(place) || values.length !== length) {
      refuse(`${name} is ${kindOf(values)}[${values.length}], needed is ${kindOf(place)}[${length}]`, name);
    }
  }
  for (const [name, slot] of Object.entries(trained)) {
    if (slot === undefined) continue;
    if (isTable(slot)) fillTable(slot, arrays[name] as Float32Array | Float64Array);
    else slot.set(arrays[name]);
  }
}

function isTable(slot: Table | RealTable | Numbers): slot is Table | RealTable {
  return "stride" in slot;
}

/** Rows without padding, in the table's own precision. */
function rowsOf({ data, rows, rank, stride }: Table | RealTable): Float32Array | Float64Array {
  const out = new (data instanceof Float64Array ? Float64Array : Float32Array)(rows * rank);
  for (let r = 0; r < rows; r++) out.set(data.subarray(r * stride, r * stride + rank), r * rank);
  return out;
}

function kindOf(values: Numbers): string {
  return values instanceof Float64Array ? "f64" : values instanceof Float32Array ? "f32" : "u32";
}
