/**
 * Entries of row problems, as tightly as they allow: part of the contract of every backend (kernels.ts).
 *
 * An index takes 2 bytes where the fixed table has at most 65,536 rows, a number 1 byte where at most 256 differ, none where all are
 * equal. The routines that work row by row (`RowProblem`, `NonNegativeRows`) take entries so, and give the same bits as for plain ones. Such
 * arrays may lie outside of a backend's one memory (`slot.inPieces`). Needs a `pieces` slot in the layout.
 */
import { slot } from "./kernels.ts";

/** As SparseRows, in 2 bytes an index where these do. */
export interface PackedRows {
  /** u32[rows + 1], ascending, start[0] = 0 */
  readonly start: Uint32Array;
  /** u32 or u16[entries], each below the number of rows of the fixed table */
  readonly index: Uint32Array | Uint16Array;
}

/** Numbers of which few differ: entry e's is table[code[e]]. */
export interface CodedNumbers {
  /** u8[entries]; undefined: every entry's number is table[0] */
  readonly code: Uint8Array | undefined;
  /** f32, at most 256, one at least; each code is below its length */
  readonly table: Float32Array;
}

/** A number for each entry: f32[entries], or coded. */
export type EntryNumbers = Float32Array | CodedNumbers;

export function isCoded(numbers: EntryNumbers): numbers is CodedNumbers {
  return "table" in numbers;
}

export function numberAt(numbers: EntryNumbers, entry: number): number {
  if (!isCoded(numbers)) return numbers[entry];
  return numbers.table[numbers.code === undefined ? 0 : numbers.code[entry]];
}

/** The most different numbers that codes tell apart. */
export const MOST_CODES = 256;

const MOST_U16 = 65_536;

/** Entries unpacked at a time: some tens of kilobytes, which stay in a core's cache. */
const PIECE = 8192;

/** The slot of an index: of `length` entries, of a table of so many rows. */
export function indexSlot(length: number, rows: number) {
  return slot.inPieces(rows <= MOST_U16 ? slot.u16(length) : slot.u32(length));
}

/**
 * The room in which each thread unpacks entries.
 *
 * @param longest entries of the longest of all rows that are worked on
 * @param entries of all
 */
export function piecesFor(longest: number, entries: number) {
  return slot.pieces(Math.max(longest, Math.min(PIECE, entries)));
}
