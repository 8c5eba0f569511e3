/**
 * The contract's part on item codes: how much room they take, and what they are made of.
 *
 * Codes let `topN` pass over most items without scoring them. What stands in them is the backend's own affair and differs between its builds, so
 * they are not kept in files.
 */
import type { Table } from "./kernels.ts";

/** Rows of a panel, and the bytes in front of its codes. */
export const PANEL_ROWS = 8;
export const PANEL_HEADER_BYTES = 128;

export interface CodesProblem {
  readonly items: Table;
  /** f32[items.rows] added to each score, or undefined for zeros */
  readonly itemBias: Float32Array | undefined;
  /** Out: u8[codesLength(items.rows, items.rank)] */
  readonly codes: Uint8Array;
}

/** Length of the codes of so many items: about rank + 16 bytes an item. */
export function codesLength(rows: number, rank: number): number {
  return Math.ceil(rows / PANEL_ROWS) * panelBytes(rank);
}

/** Codes of a row, one byte each. */
export function codeColumns(rank: number): number {
  return 8 * Math.ceil(rank / 8);
}

export function panelBytes(rank: number): number {
  return PANEL_HEADER_BYTES + PANEL_ROWS * codeColumns(rank);
}
