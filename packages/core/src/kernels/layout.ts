/** Where each named array of a layout lies in one block of memory: a layout in, byte offsets out. Shared by all backends. */
import { LowrankError, show } from "../support/index.ts";
import { type Arrays, type Kernels, type Layout, rowStride, type Slot } from "./kernels.ts";

/** Every array starts at a multiple of this many bytes, one unrolled step of the kernels. */
const ALIGNMENT = 64;

const BYTES = { table: 4, f32: 4, u32: 4, u16: 2, f64: 8, u8: 1 } as const;

/** Bytes of a `Reals` element: what the backend computes in. */
export type RealBytes = 4 | 8;

export function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Bytes of a slot's array, without what follows for alignment. */
function slotBytes(slot: Slot, realBytes: RealBytes): number {
  if (slot.kind === "perThread" || slot.kind === "pieces") return 0;
  const bytes = slot.kind === "real" || slot.kind === "realTable" ? realBytes : BYTES[slot.kind];
  return bytes * slotLength(slot);
}

/** Bytes of all arrays of a layout, each aligned. */
export function layoutBytes(layout: Layout, realBytes: RealBytes): number {
  let bytes = 0;
  for (const [name, slot] of Object.entries(layout)) {
    checkSlot(name, slot);
    bytes += alignUp(slotBytes(slot, realBytes));
  }
  return bytes;
}

/** Bytes of the arrays that may lie outside of a backend's one memory, by name, the largest first. */
export function bytesInPieces(layout: Layout, realBytes: RealBytes): readonly (readonly [string, number])[] {
  return Object.entries(layout)
    .filter(([, slot]) => "inPieces" in slot)
    .map(([name, slot]) => [name, alignUp(slotBytes(slot, realBytes))] as const)
    .sort(([, a], [, b]) => b - a);
}

/** Bytes of each array of a layout, by name, as this backend has them: what `bytesFor` counts beside scratch. */
export function arrayBytes(layout: Layout, { build }: Pick<Kernels, "build">): Readonly<Record<string, number>> {
  const realBytes = build === "f64" ? 8 : 4;
  return Object.fromEntries(Object.entries(layout).map(([name, slot]) => [name, alignUp(slotBytes(slot, realBytes))]));
}

/**
 * The layout's arrays as views of `buffer`, the first at byte `from` (a multiple of 64).
 *
 * @param outside buffers of the arrays that have one of their own, by name
 */
export function placeArrays<L extends Layout>(
  layout: L,
  buffer: ArrayBufferLike,
  from: number,
  realBytes: RealBytes,
  outside: ReadonlyMap<string, ArrayBufferLike> = new Map(),
): Arrays<L> {
  const arrays: Record<string, unknown> = {};
  let at = from;
  for (const [name, slot] of Object.entries(layout)) {
    const own = outside.get(name);
    arrays[name] = own === undefined ? arrayOf(slot, buffer, at, realBytes) : arrayOf(slot, own, 0, realBytes);
    if (own === undefined) at += alignUp(slotBytes(slot, realBytes));
  }
  return arrays as Arrays<L>;
}

function slotLength(slot: Slot): number {
  return "rank" in slot ? slot.rows * rowStride(slot.rank) : slot.length;
}

function arrayOf(slot: Slot, buffer: ArrayBufferLike, at: number, realBytes: RealBytes): unknown {
  const length = slotLength(slot);
  const reals = () => (realBytes === 8 ? new Float64Array(buffer, at, length) : new Float32Array(buffer, at, length));
  switch (slot.kind) {
    case "table": {
      const { rows, rank } = slot;
      return { data: new Float32Array(buffer, at, length), rows, rank, stride: rowStride(rank) };
    }
    case "realTable":
      return { data: reals(), rows: slot.rows, rank: slot.rank, stride: rowStride(slot.rank) };
    case "real":
      return reals();
    case "f32":
      return new Float32Array(buffer, at, length);
    case "u32":
      return new Uint32Array(buffer, at, length);
    case "u16":
      return new Uint16Array(buffer, at, length);
    case "f64":
      return new Float64Array(buffer, at, length);
    case "u8":
      return new Uint8Array(buffer, at, length);
    case "perThread":
    case "pieces":
      return undefined;
    default:
      return slot satisfies never;
  }
}

function checkSlot(name: string, slot: Slot): void {
  const counts = "rank" in slot ? [slot.rows, slot.rank] : [slot.length];
  const least = [0, 1]; // rows or length; rank
  for (const [i, count] of counts.entries()) {
    if (Number.isSafeInteger(count) && count >= least[i]) continue;
    throw new LowrankError("shape", `open: slot ${show(name)} (${slot.kind}) has an impossible size, ${show(count)}`, {
      slot: name,
    });
  }
}
