/**
 * Gradient descent with all entries: errors, gradients and loss, over rows (descent-steps.ts moves them). A unit is a tile
 * of four rows, for all phases alike.
 *
 * One side is *direct*: its rows get their gradients and move at once. The other, with fewer rows, is *buffered*: its
 * gradients are written down and its rows move a phase later.
 *
 * Every sum over rows is taken by the row and then over the rows in order, so that threads and the division into calls
 * change no bit.
 */
import { SUM_BYTES, TILE, tileErrors, tileGradients, WEIGHT_BYTES } from "./descent-complete";
import { dataScale, ownScale } from "./descent-move";
import { Descent, leftOf, Objective, restOf, rightOf, Side } from "./descent-record";
import { ERRORS, GRADIENT, rowErrors, rowPass, rowSquares } from "./descent-rows";
import { clear, dot, madd } from "./simd";

/** Rows of a thread's scratch: zeros, 8 for totals in f64, a tile of gradients, one for a number that moves. */
const DESCENT_ROWS: usize = 14;

@inline
function totalsIn(scratch: usize, pitch: usize): usize {
  return scratch + pitch;
}

@inline
export function tileIn(scratch: usize, pitch: usize): usize {
  return scratch + 9 * pitch;
}

@inline
export function roomIn(scratch: usize, pitch: usize): usize {
  return scratch + 13 * pitch;
}

@inline
export function weightsIn(scratch: usize, pitch: usize): usize {
  return scratch + DESCENT_ROWS * pitch;
}

/** For wasm/plan.ts: bytes of a thread's scratch for tables of this pitch. */
export function descentScratch(pitch: usize): usize {
  return DESCENT_ROWS * pitch + WEIGHT_BYTES + SUM_BYTES;
}

@inline
export function tilesOf(side: Side): u32 {
  return (side.rows + <u32>TILE - 1) / <u32>TILE;
}

/** Of a complete matrix the left side is buffered, as errors are made by left rows. */
@inline
function leftIsBuffered(record: usize): bool {
  return restOf(record).complete != 0 || leftOf(record).rows <= rightOf(record).rows;
}

@inline
export function bufferedOf(record: usize): Side {
  return leftIsBuffered(record) ? leftOf(record) : rightOf(record);
}

@inline
export function directOf(record: usize): Side {
  return leftIsBuffered(record) ? rightOf(record) : leftOf(record);
}

/** Σ error² of a left row of a complete matrix. */
function squaresOf(d: Descent, columns: usize, row: usize): f64 {
  let error = d.error + ((row * columns) << 2);
  let s = f64x2.splat(0);
  let t = s;
  let count = columns;
  for (; count > 3; count -= 4) {
    const v = v128.load(error);
    const low = f64x2.promote_low_f32x4(v);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
    s = f64x2.add(s, f64x2.mul(low, low));
    t = f64x2.add(t, f64x2.mul(high, high));
    error += 16;
  }
  s = f64x2.add(s, t);
  let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  for (; count > 0; count--) {
    const one = <f64>load<f32>(error);
    sum += one * one;
    error += 4;
  }
  return sum;
}

/** regularization · |row|² + biasRegularization · bias² */
function penalty(d: Descent, side: Side, row: usize): f64 {
  const x = side.value + row * d.pitch;
  const bias: f64 = side.bias ? load<f32>(side.bias + (row << 2)) : 0;
  return <f64>side.regularization * <f64>dot(x, x, d.width) + <f64>side.biasRegularization * bias * bias;
}

@inline
export function storeSums(d: Descent, side: Side, row: usize, squares: f64): void {
  store<f64>(side.sums + (row << 4), squares);
  store<f64>(side.sums + (row << 4), d.penalized ? penalty(d, side, row) : 0, 8);
}

/** Raw gradients of a tile of a complete matrix, into the scratch's tile. */
@inline
export function rawTile(d: Descent, record: usize, isLeft: bool, row: usize, rows: usize, scratch: usize): void {
  const pitch = d.pitch;
  const out = tileIn(scratch, pitch);
  const weights = weightsIn(scratch, pitch);
  tileGradients(d, leftOf(record), rightOf(record), isLeft, row, rows, out, totalsIn(scratch, pitch), weights);
}

/** The raw gradient of the bias of row `i` of a tile, after `rawTile`. */
@inline
export function tileBias(scratch: usize, pitch: usize, i: usize): f32 {
  return load<f32>(weightsIn(scratch, pitch) + WEIGHT_BYTES + (i << 2));
}

/** A tile's raw gradients from the scratch into their buffers. */
function keepTile(d: Descent, side: Side, row: usize, rows: usize, scratch: usize): void {
  const pitch = d.pitch;
  const tile = tileIn(scratch, pitch);
  const target = side.gradient + row * pitch;
  for (let j: usize = 0; j < rows * pitch; j += 16) v128.store(target + j, v128.load(tile + j));
  if (!side.bias) return;
  for (let i: usize = 0; i < rows; i++) {
    store<f32>(side.biasGradient + ((row + i) << 2), tileBias(scratch, pitch, i));
  }
}

/** One row's pass (descent-rows.ts), its gradient into its buffer. */
function passInto(d: Descent, side: Side, other: Side, row: usize, does: u32, scratch: usize): void {
  const pitch = d.pitch;
  rowPass(d, side, other, row, does, side.gradient + row * pitch, scratch, weightsIn(scratch, pitch));
  if (side.bias && does & GRADIENT) store<f32>(side.biasGradient + (row << 2), <f32>rowErrors);
}

/**
 * Errors of buffered rows, or those that are there, with Σ error² and penalty of each row; and their raw gradients.
 *
 * @param does ERRORS, GRADIENT or both
 */
export function passBuffered(record: usize, row: usize, rows: usize, does: u32, scratch: usize): void {
  const d = restOf(record);
  const side = bufferedOf(record);
  if (!d.complete) {
    for (let i = row; i < row + rows; i++) {
      passInto(d, side, directOf(record), i, does, scratch);
      storeSums(d, side, i, rowSquares);
    }
    return;
  }
  const right = rightOf(record);
  if (does & ERRORS) tileErrors(d, side, right, row, rows, scratch);
  for (let i = row; i < row + rows; i++) storeSums(d, side, i, squaresOf(d, right.rows, i));
  if (!(does & GRADIENT)) return;
  rawTile(d, record, true, row, rows, scratch);
  keepTile(d, side, row, rows, scratch);
}

@inline
function passTiles(record: usize, from: u32, to: u32, does: u32, scratch: usize): void {
  const all = <usize>bufferedOf(record).rows;
  clear(scratch, restOf(record).pitch);
  for (let row = <usize>from * TILE; row < min(<usize>to * TILE, all); row += TILE) {
    passBuffered(record, row, min(TILE, all - row), does, scratch);
  }
}

/** Buffered tiles `from` to `to` - 1: errors at the present parameters, with the sums that the loss needs. */
export function makeErrors(record: usize, from: u32, to: u32, scratch: usize): void {
  passTiles(record, from, to, ERRORS, scratch);
}

/** Buffered tiles `from` to `to` - 1: raw gradients from the errors that are there. */
export function startGradients(record: usize, from: u32, to: u32, scratch: usize): void {
  passTiles(record, from, to, GRADIENT, scratch);
}

/** Direct tiles `from` to `to` - 1: penalties at the present parameters. */
export function makePenalties(record: usize, from: u32, to: u32): void {
  const d = restOf(record);
  const side = directOf(record);
  const all = <usize>side.rows;
  for (let row = <usize>from * TILE; row < min(<usize>to * TILE, all); row++) storeSums(d, side, row, 0);
}

/** The loss, when the sums of all rows are there. */
export function lossOf(record: usize): f64 {
  const d = restOf(record);
  d.data = sumOf(bufferedOf(record), 0);
  let penalties: f64 = 0;
  if (d.penalized) penalties = sumOf(leftOf(record), 8) + sumOf(rightOf(record), 8);
  const data = d.data;
  if (d.objective == Objective.NORM) return sqrt<f64>(data) + penalties;
  if (d.objective == Objective.SUM) return data + penalties;
  if (d.objective == Objective.HALF) return 0.5 * (data + penalties);
  return (d.count == 0 ? 0 : data / <f64>d.count) + penalties;
}

/** The sum over a side's rows of the first (0) or second (8) of their two figures. */
export function sumOf(side: Side, which: usize): f64 {
  let sum: f64 = 0;
  const end = side.sums + (<usize>side.rows << 4);
  for (let at = side.sums; at < end; at += 16) sum += load<f64>(at + which);
  return sum;
}

/** Factors of the gradient from the errors that are there: after `startGradients`. */
export function startScale(record: usize): void {
  const d = restOf(record);
  d.data = sumOf(bufferedOf(record), 0);
  setScale(d);
}

export function setScale(d: Descent): void {
  d.scale = <f32>dataScale(d.objective, d.data, d.count);
  d.own = ownScale(d.objective);
}

/** Raw gradients of direct rows, into their buffers. */
function rawDirect(record: usize, row: usize, rows: usize, scratch: usize): void {
  const d = restOf(record);
  const side = directOf(record);
  if (!d.complete) {
    for (let i = row; i < row + rows; i++) passInto(d, side, bufferedOf(record), i, GRADIENT, scratch);
    return;
  }
  rawTile(d, record, false, row, rows, scratch);
  keepTile(d, side, row, rows, scratch);
}

/** raw → scale · raw + own · value, in place. */
function finishRow(d: Descent, side: Side, row: usize): void {
  const pitch = d.pitch;
  const raw = side.gradient + row * pitch;
  const x = side.value + row * pitch;
  const scales = f32x4.splat(d.scale);
  const owns = f32x4.splat(d.own * side.regularization);
  for (let j: usize = 0; j < pitch; j += 16) {
    v128.store(raw + j, madd(scales, v128.load(raw + j), f32x4.mul(owns, v128.load(x + j))));
  }
  if (!side.bias) return;
  const at = side.biasGradient + (row << 2);
  const own = d.own * side.biasRegularization * load<f32>(side.bias + (row << 2));
  store<f32>(at, d.scale * load<f32>(at) + own);
}

/** |scale · raw + own · value|² */
function lengthSquared(d: Descent, side: Side, row: usize): f64 {
  const pitch = d.pitch;
  const raw = side.gradient + row * pitch;
  const x = side.value + row * pitch;
  const scales = f32x4.splat(d.scale);
  const owns = f32x4.splat(d.own * side.regularization);
  let s = f64x2.splat(0);
  for (let j: usize = 0; j < pitch; j += 16) {
    const g = madd(scales, v128.load(raw + j), f32x4.mul(owns, v128.load(x + j)));
    const low = f64x2.promote_low_f32x4(g);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(g, g, 2, 3, 2, 3));
    s = f64x2.add(s, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
  }
  let sum = f64x2.extract_lane(s, 0) + f64x2.extract_lane(s, 1);
  if (side.bias) {
    const own = d.own * side.biasRegularization * load<f32>(side.bias + (row << 2));
    const g = <f64>(d.scale * load<f32>(side.biasGradient + (row << 2)) + own);
    sum += g * g;
  }
  return sum;
}

/**
 * Tiles `from` to `to` - 1 of the buffered rows and, after them, of the direct rows: the direct rows' raw gradients into
 * their buffers, then either all finished in place, or the squared length of each into the sums.
 */
@inline
function bothSides(record: usize, from: u32, to: u32, scratch: usize, finish: bool): void {
  const d = restOf(record);
  const buffered = bufferedOf(record);
  const bufferedTiles = tilesOf(buffered);
  clear(scratch, d.pitch);
  for (let tile = from; tile < to; tile++) {
    const isDirect = tile >= bufferedTiles;
    const side = isDirect ? directOf(record) : buffered;
    const row = <usize>(isDirect ? tile - bufferedTiles : tile) * TILE;
    const rows = min(TILE, <usize>side.rows - row);
    if (isDirect) rawDirect(record, row, rows, scratch);
    for (let i = row; i < row + rows; i++) {
      if (finish) finishRow(d, side, i);
      else store<f64>(side.sums + (i << 4), lengthSquared(d, side, i));
    }
  }
}

export function finishGradients(record: usize, from: u32, to: u32, scratch: usize): void {
  bothSides(record, from, to, scratch, true);
}

export function gradientLengths(record: usize, from: u32, to: u32, scratch: usize): void {
  bothSides(record, from, to, scratch, false);
}
