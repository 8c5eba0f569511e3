/**
 * Item rows in codes of 7 bits, for a first pass of top-n that costs a fraction of the exact one (top-n.ts).
 *
 * Row y becomes s · (c - 64), s = max|y| / 63 and c from 1 to 127. Eight rows make a panel: a header, then steps of four columns,
 * the codes of one row's four columns in the 32-bit lane in which a dot product adds them up, so that no sum goes across lanes.
 * The header: f32 scale[8]; f32 size, error, margin, reach, reachBias (below), three unused; f32 bias[8]; u32 row[8].
 * Over the panel's rows: `size` ≥ |y| and the length of what the codes stand for, `error` ≥ the length of the difference, `margin` ≥ what rounding
 * may do to a sum with the bias; over these and all later panels: `reach` ≥ `size`, `reachBias` ≥ bias + margin. The host puts the
 * rows in falling order of what they can score and works out both `reach`, so that a scan ends where nothing better can follow.
 */
import { dotF64 } from "./simd";

export const PANEL: usize = 8;
export const HEADER: usize = 128;
export const SIZE: usize = 32;
export const ERROR: usize = 36;
export const MARGIN: usize = 40;
export const REACH: usize = 44;
export const REACH_BIAS: usize = 48;
export const BIAS: usize = 64;
export const ROW: usize = 96;

/** In place of a row's number: the last panel has fewer rows. */
export const NO_ROW: u32 = 0xffffffff;

/** Rows whose largest number is not between these are all error: products of scales must stay within f32. Queries too. */
export const LEAST_NUMBER: f32 = 1e-30;
export const MOST_NUMBER: f32 = 1e15;
const MOST_CODE: f32 = 63;

/** What is lost to numbers below the smallest normal one, in any sum here. */
const UNDERFLOW: f32 = 1e-36;

/** Codes of a row: columns rounded up to two steps. */
@inline
export function codeColumns(rank: usize): usize {
  return (rank + 7) & ~7;
}

@inline
export function panelBytes(columns: usize): usize {
  return HEADER + PANEL * columns;
}

/** A length as f32, not below the true one; infinite when it is not a number. */
export function roundedUp(length: f64): f32 {
  if (length != length) return Infinity;
  return <f32>(length * (1 + 1e-6)) + UNDERFLOW;
}

/** Where in a step the code of a row's column `t` of four lies: the two builds add them up in different orders. */
@inline
function placeInStep(row: usize, t: usize): usize {
  const half = (row >> 2) << 4;
  const lane = row & 3;
  if (ASC_FEATURE_RELAXED_SIMD) return half + (lane << 2) + t;
  return half + (lane << 1) + (t & 1) + ((t >> 1) << 3);
}

/** The length of rows `8 from` to `8 to` - 1, into their places in the scales of panels in the table's own order. */
export function codeLengths(items: usize, out: usize, rows: u32, rank: usize, pitch: usize, from: u32, to: u32): void {
  const bytes = panelBytes(codeColumns(rank));
  for (let panel = <usize>from; panel < <usize>to; panel++) {
    const last = min(PANEL, <usize>rows - panel * PANEL);
    for (let row: usize = 0; row < last; row++) {
      const y = items + (panel * PANEL + row) * pitch;
      store<f32>(out + panel * bytes + (row << 2), <f32>Math.sqrt(dotF64(y, y, rank)));
    }
  }
}

/** Writes panels `from` to `to` - 1 but `reach` and `reachBias`, of the rows whose numbers stand in them. */
export function codePanels(items: usize, bias: usize, out: usize, rank: usize, pitch: usize, from: u32, to: u32): void {
  const columns = codeColumns(rank);
  const bytes = panelBytes(columns);
  for (let at = <usize>from; at < <usize>to; at++) {
    const panel = out + at * bytes;
    let size: f32 = 0;
    let error: f32 = 0;
    let margin: f32 = UNDERFLOW;
    for (let row: usize = 0; row < PANEL; row++) {
      const number = load<u32>(panel + (row << 2), ROW);
      const b: f32 = number == NO_ROW || !bias ? 0 : load<f32>(bias + (<usize>number << 2));
      store<f32>(panel + (row << 2), b, BIAS);
      // A bias that is not finite decides the score by itself.
      if (abs(b) < Infinity) margin = max(margin, abs(b) * <f32>2.5e-7 + UNDERFLOW);
      const y = number == NO_ROW ? 0 : items + <usize>number * pitch;
      encodeRow(y, panel, row, rank, columns);
      size = max(size, rowSize);
      error = max(error, rowError);
    }
    store<f32>(panel, size, SIZE);
    store<f32>(panel, error, ERROR);
    store<f32>(panel, margin, MARGIN);
  }
}

/** What `encodeRow` found beside the codes. */
let rowSize: f32 = 0;
let rowError: f32 = 0;

function encodeRow(y: usize, panel: usize, row: usize, rank: usize, columns: usize): void {
  let most: f32 = 0;
  let squares: f64 = 0;
  if (y) {
    for (let j: usize = 0; j < rank << 2; j += 4) most = max(most, abs(load<f32>(y + j)));
    squares = dotF64(y, y, rank);
  }
  const coded = most >= LEAST_NUMBER && most <= MOST_NUMBER && squares < Infinity;
  const scale: f32 = coded ? most / MOST_CODE : 0;
  let codedSquares: f64 = 0;
  let errorSquares: f64 = 0;
  for (let j: usize = 0; j < columns; j++) {
    const value: f32 = y && j < rank ? load<f32>(y + (j << 2)) : 0;
    const code: f32 = coded ? max(-MOST_CODE, min(MOST_CODE, nearest(value / scale))) : 0;
    const stands = <f64>scale * <f64>code;
    codedSquares += stands * stands;
    errorSquares += (<f64>value - stands) * (<f64>value - stands);
    store<u8>(panel + HEADER + ((j >> 2) << 5) + placeInStep(row, j & 3), <u8>(<i32>code + 64));
  }
  store<f32>(panel + (row << 2), scale);
  rowSize = roundedUp(Math.sqrt(max(squares, codedSquares)));
  rowError = roundedUp(Math.sqrt(errorSquares));
  if (squares != squares) rowSize = Infinity;
}
