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
import { dot, dotF64, laneSum, madd } from "./simd";

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

/** Stores the codes of a row's four columns: the two builds add them up in different orders. @param codes whole numbers, one a lane */
@inline
function storeCodes(step: usize, row: usize, codes: v128): void {
  const narrow = i16x8.narrow_i32x4_s(i32x4.add(codes, i32x4.splat(64)), i32x4.splat(0));
  const four = i32x4.extract_lane(i8x16.narrow_i16x8_u(narrow, narrow), 0);
  const half = step + ((row >> 2) << 4);
  const lane = row & 3;
  if (ASC_FEATURE_RELAXED_SIMD) {
    store<u32>(half + (lane << 2), four);
  } else {
    store<u16>(half + (lane << 1), <u16>four);
    store<u16>(half + (lane << 1), <u16>(four >>> 16), 8);
  }
}

/** The length of rows `8 from` to `8 to` - 1, about, into their places in the scales of panels in the table's own order. */
export function codeLengths(items: usize, out: usize, rows: u32, rank: usize, pitch: usize, from: u32, to: u32): void {
  const bytes = panelBytes(codeColumns(rank));
  for (let panel = <usize>from; panel < <usize>to; panel++) {
    const last = min(PANEL, <usize>rows - panel * PANEL);
    for (let row: usize = 0; row < last; row++) {
      const y = items + (panel * PANEL + row) * pitch;
      store<f32>(out + panel * bytes + (row << 2), Mathf.sqrt(dot(y, y, pitch)));
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

/** Half a unit in the last place of f32. */
export const ULP: f64 = 1.0 / 16777216.0;

/** What `encodeRow` found beside the codes. */
let rowSize: f32 = 0;
let rowError: f32 = 0;

/** The largest of a row's numbers, regardless of their signs; not a number when one of them is none. */
function mostOf(y: usize, columns: usize): f32 {
  let most = f32x4.splat(0);
  for (let j: usize = 0; j < columns << 2; j += 16) most = f32x4.max(most, f32x4.abs(v128.load(y + j)));
  most = f32x4.max(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.max(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2)), 0);
}

/** @param y the row, or 0 for none: a row of zeros */
function encodeRow(y: usize, panel: usize, row: usize, rank: usize, columns: usize): void {
  const most: f32 = y ? mostOf(y, columns) : 0;
  const codes = panel + HEADER;
  if (!(most >= LEAST_NUMBER && most <= MOST_NUMBER)) {
    for (let j: usize = 0; j < columns; j += 4) storeCodes(codes + (j << 3), row, i32x4.splat(0));
    store<f32>(panel + (row << 2), 0);
    rowSize = y ? roundedUp(Math.sqrt(dotF64(y, y, rank))) : 0;
    rowError = rowSize;
    return;
  }
  // In units of the scale: nothing is lost to numbers too small for f32.
  const scale = most / MOST_CODE;
  const unit = f32x4.splat(scale);
  const limit = f32x4.splat(MOST_CODE);
  let squares = f32x4.splat(0);
  let codedSquares = squares;
  let errorSquares = squares;
  for (let j: usize = 0; j < columns; j += 4) {
    const value = f32x4.div(v128.load(y + (j << 2)), unit);
    const code = f32x4.max(f32x4.neg(limit), f32x4.min(limit, f32x4.nearest(value)));
    const error = f32x4.sub(value, code);
    squares = madd(value, value, squares);
    codedSquares = madd(code, code, codedSquares);
    errorSquares = madd(error, error, errorSquares);
    storeCodes(codes + (j << 3), row, i32x4.trunc_sat_f32x4_s(code));
  }
  store<f32>(panel + (row << 2), scale);
  // Sums of n terms in f32 are true to n · 2⁻²⁴ of themselves; each quotient, at most 63 and a bit, to 63 · 2⁻²⁴, hence 10⁻⁵ a column.
  const unsure = 1 + <f64>(columns + 16) * ULP;
  const size = <f64>max(laneSum(squares), laneSum(codedSquares));
  rowSize = roundedUp(<f64>scale * Math.sqrt(size) * unsure);
  rowError = roundedUp(<f64>scale * (Math.sqrt(<f64>laneSum(errorSquares)) * unsure + 1e-5 * Math.sqrt(<f64>columns)));
}
