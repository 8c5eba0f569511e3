/**
 * Gradient descent with all entries, in phases over rows. A unit is a tile of four rows, for all phases alike.
 *
 * A step has two phases. First the right rows get their gradients and move, when the errors and the left rows are still
 * the old ones. Then each left row moves by the gradient it was given in the phase before, gets its errors with the new
 * right rows, and from these its gradient for the next step, while the rows it gathers are still in the cache. Clipping
 * needs all gradients before anything moves, which makes one more phase.
 *
 * Every sum over rows is taken by the row and then over the rows in order, so that threads and the division into calls
 * change no bit.
 */
import { sumErrors, TILE, tileErrors, tileGradients } from "./descent-complete";
import { beginMove, dataScale, moveRow, ownScale } from "./descent-move";
import { Descent, leftOf, Objective, restOf, rightOf, Side } from "./descent-record";
import { rawGradient, rowErrors } from "./descent-rows";
import { clear, dot, madd } from "./simd";

/** Rows of a thread's scratch: zeros, 8 for totals in f64, a tile of gradients, one for a number that moves. */
export const DESCENT_ROWS: usize = 14;

@inline
function totalsIn(scratch: usize, pitch: usize): usize {
  return scratch + pitch;
}

@inline
function tileIn(scratch: usize, pitch: usize): usize {
  return scratch + 9 * pitch;
}

@inline
function roomIn(scratch: usize, pitch: usize): usize {
  return scratch + 13 * pitch;
}

@inline
function tilesOf(side: Side): u32 {
  return (side.rows + <u32>TILE - 1) / <u32>TILE;
}

/** Σ error² of a left row. */
function rowSquares(d: Descent, left: Side, right: Side, row: usize): f64 {
  let first: usize;
  let count: usize;
  if (d.complete) {
    count = right.rows;
    first = row * count;
  } else {
    first = load<u32>(left.start + (row << 2));
    count = <usize>load<u32>(left.start + (row << 2), 4) - first;
  }
  let error = d.error + (first << 2);
  let s = f64x2.splat(0);
  let t = s;
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
  return <f64>side.regularization * <f64>dot(x, x, d.pitch) + <f64>side.biasRegularization * bias * bias;
}

@inline
function storeSums(side: Side, row: usize, squares: f64, penalty: f64): void {
  store<f64>(side.sums + (row << 4), squares);
  store<f64>(side.sums + (row << 4), penalty, 8);
}

/** Raw gradients of a tile's rows into `out`; returns nothing for biases, which are made one by one. */
@inline
function rawTile(d: Descent, record: usize, isLeft: bool, row: usize, rows: usize, out: usize, scratch: usize): void {
  const columns = <usize>rightOf(record).rows;
  const other = isLeft ? rightOf(record) : leftOf(record);
  tileGradients(d, other, isLeft, row, rows, columns, out, totalsIn(scratch, d.pitch));
}

/** Raw gradients of left rows, into their buffers. */
function rawLeft(d: Descent, record: usize, row: usize, rows: usize, scratch: usize): void {
  const left = leftOf(record);
  const pitch = d.pitch;
  const target = left.gradient + row * pitch;
  if (!d.complete) {
    for (let i: usize = 0; i < rows; i++) {
      const bias = rawGradient(d, left, rightOf(record).value, row + i, target + i * pitch, scratch);
      if (left.bias) store<f32>(left.biasGradient + ((row + i) << 2), bias);
    }
    return;
  }
  const columns = <usize>rightOf(record).rows;
  if (rows == TILE) rawTile(d, record, true, row, rows, target, scratch);
  else {
    const tile = tileIn(scratch, pitch);
    rawTile(d, record, true, row, rows, tile, scratch);
    memory.copy(target, tile, rows * pitch);
  }
  if (!left.bias) return;
  for (let i: usize = 0; i < rows; i++) {
    store<f32>(left.biasGradient + ((row + i) << 2), sumErrors(d, true, row + i, columns, columns));
  }
}

/** The raw gradient of a right row's bias, where the problem is complete. */
@inline
function rightBias(d: Descent, record: usize, row: usize): f32 {
  return sumErrors(d, false, row, leftOf(record).rows, rightOf(record).rows);
}

/** Errors of left rows, with Σ error² and penalty of each. */
function errorsOf(d: Descent, record: usize, row: usize, rows: usize, scratch: usize): void {
  const left = leftOf(record);
  const right = rightOf(record);
  if (d.complete) tileErrors(d, left, right, row, rows, scratch);
  else for (let i: usize = 0; i < rows; i++) rowErrors(d, left, right, row + i, scratch);
  for (let i = row; i < row + rows; i++) {
    storeSums(left, i, rowSquares(d, left, right, i), d.penalized ? penalty(d, left, i) : 0);
  }
}

/** Left tiles `from` to `to` - 1: errors at the present parameters. */
export function leftErrors(record: usize, from: u32, to: u32, scratch: usize): void {
  const d = restOf(record);
  const all = <usize>leftOf(record).rows;
  clear(scratch, d.pitch);
  for (let row = <usize>from * TILE; row < min(<usize>to * TILE, all); row += TILE) {
    errorsOf(d, record, row, min(TILE, all - row), scratch);
  }
}

/** Right tiles `from` to `to` - 1: penalties at the present parameters. */
export function rightPenalties(record: usize, from: u32, to: u32): void {
  const d = restOf(record);
  const right = rightOf(record);
  const all = <usize>right.rows;
  for (let row = <usize>from * TILE; row < min(<usize>to * TILE, all); row++) {
    storeSums(right, row, 0, d.penalized ? penalty(d, right, row) : 0);
  }
}

/** The loss, when the sums of all rows are there. */
export function lossOf(record: usize): f64 {
  const d = restOf(record);
  addSquares(record);
  let penalties: f64 = 0;
  if (d.penalized) penalties = penaltiesOf(leftOf(record)) + penaltiesOf(rightOf(record));
  const data = d.data;
  if (d.objective == Objective.NORM) return sqrt<f64>(data) + penalties;
  if (d.objective == Objective.SUM) return data + penalties;
  if (d.objective == Objective.HALF) return 0.5 * (data + penalties);
  return (d.count == 0 ? 0 : data / <f64>d.count) + penalties;
}

function addSquares(record: usize): void {
  const left = leftOf(record);
  let data: f64 = 0;
  const end = left.sums + (<usize>left.rows << 4);
  for (let at = left.sums; at < end; at += 16) data += load<f64>(at);
  restOf(record).data = data;
}

function penaltiesOf(side: Side): f64 {
  let sum: f64 = 0;
  const end = side.sums + (<usize>side.rows << 4);
  for (let at = side.sums; at < end; at += 16) sum += load<f64>(at, 8);
  return sum;
}

/** Left tiles `from` to `to` - 1: Σ error² and raw gradients from the errors that are there. */
export function startLeft(record: usize, from: u32, to: u32, scratch: usize): void {
  const d = restOf(record);
  const left = leftOf(record);
  const all = <usize>left.rows;
  clear(scratch, d.pitch);
  for (let row = <usize>from * TILE; row < min(<usize>to * TILE, all); row += TILE) {
    const rows = min(TILE, all - row);
    for (let i = row; i < row + rows; i++) storeSums(left, i, rowSquares(d, left, rightOf(record), i), 0);
    rawLeft(d, record, row, rows, scratch);
  }
}

/** Factors of the gradient from the errors that are there: after `startLeft`. */
export function startScale(record: usize): void {
  addSquares(record);
  setScale(restOf(record));
}

function setScale(d: Descent): void {
  d.scale = <f32>dataScale(d.objective, d.data, d.count);
  d.own = ownScale(d.objective);
}

/** Raw gradients of right rows, into their buffers. */
function rawRight(d: Descent, record: usize, row: usize, rows: usize, scratch: usize): void {
  const right = rightOf(record);
  const pitch = d.pitch;
  const target = right.gradient + row * pitch;
  if (d.complete) {
    const tile = tileIn(scratch, pitch);
    rawTile(d, record, false, row, rows, tile, scratch);
    memory.copy(target, tile, rows * pitch);
  }
  for (let i: usize = 0; i < rows; i++) {
    let bias: f32 = 0;
    if (!d.complete) bias = rawGradient(d, right, leftOf(record).value, row + i, target + i * pitch, scratch);
    else if (right.bias) bias = rightBias(d, record, row + i);
    if (right.bias) store<f32>(right.biasGradient + ((row + i) << 2), bias);
  }
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
 * Tiles `from` to `to` - 1 of the left rows and, after them, of the right rows: the right rows' raw gradients into their
 * buffers, then either all finished in place, or the squared length of each into the sums.
 */
@inline
function bothSides(record: usize, from: u32, to: u32, scratch: usize, finish: bool): void {
  const d = restOf(record);
  const leftTiles = tilesOf(leftOf(record));
  clear(scratch, d.pitch);
  for (let tile = from; tile < to; tile++) {
    const isLeft = tile < leftTiles;
    const side = isLeft ? leftOf(record) : rightOf(record);
    const row = <usize>(isLeft ? tile : tile - leftTiles) * TILE;
    const rows = min(TILE, <usize>side.rows - row);
    if (!isLeft) rawRight(d, record, row, rows, scratch);
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

/** Step `step` of this call begins: the optimizer's factors. */
export function beginStep(record: usize, step: u32): void {
  const d = restOf(record);
  beginMove(d, load<f64>(d.rates + (<usize>step << 3)), d.done + <f64>step + 1);
}

/** Scales all gradients down when they are longer than they may be: after `gradientLengths`. */
export function clipGradients(record: usize): void {
  const d = restOf(record);
  let sum: f64 = 0;
  for (let i = 0; i < 2; i++) {
    const side = i == 0 ? leftOf(record) : rightOf(record);
    const end = side.sums + (<usize>side.rows << 4);
    for (let at = side.sums; at < end; at += 16) sum += load<f64>(at);
  }
  const length = sqrt<f64>(sum);
  if (!(length > d.clipNorm)) return;
  d.scale = <f32>(<f64>d.scale * (d.clipNorm / length));
  d.own = <f32>(<f64>d.own * (d.clipNorm / length));
}

/** Right tiles `from` to `to` - 1: gradients (unless clipping has made them), move, penalties. */
export function moveRight(record: usize, from: u32, to: u32, scratch: usize): void {
  const d = restOf(record);
  const right = rightOf(record);
  const pitch = d.pitch;
  const all = <usize>right.rows;
  const tile = tileIn(scratch, pitch);
  const room = roomIn(scratch, pitch);
  const makes = !d.clips;
  clear(scratch, pitch);
  for (let row = <usize>from * TILE; row < min(<usize>to * TILE, all); row += TILE) {
    const rows = min(TILE, all - row);
    if (makes && d.complete) rawTile(d, record, false, row, rows, tile, scratch);
    for (let i = row; i < row + rows; i++) {
      let raw = right.gradient + i * pitch;
      let bias: f32 = 0;
      if (makes) {
        raw = tile + (i - row) * pitch;
        if (!d.complete) bias = rawGradient(d, right, leftOf(record).value, i, raw, scratch);
        else if (right.bias) bias = rightBias(d, record, i);
      } else if (right.bias) bias = load<f32>(right.biasGradient + (i << 2));
      moveRow(d, right, i, raw, bias, d.scale, d.own, room);
      if (d.penalized) storeSums(right, i, 0, penalty(d, right, i));
    }
  }
}

/** Left tiles `from` to `to` - 1: move, errors, and gradients for the next step unless `step` is the last of this call. */
export function moveLeft(record: usize, step: u32, from: u32, to: u32, scratch: usize): void {
  const d = restOf(record);
  const left = leftOf(record);
  const pitch = d.pitch;
  const all = <usize>left.rows;
  const room = roomIn(scratch, pitch);
  const goesOn = step + 1 < d.steps;
  clear(scratch, pitch);
  for (let row = <usize>from * TILE; row < min(<usize>to * TILE, all); row += TILE) {
    const rows = min(TILE, all - row);
    for (let i = row; i < row + rows; i++) {
      const bias: f32 = left.bias ? load<f32>(left.biasGradient + (i << 2)) : 0;
      moveRow(d, left, i, left.gradient + i * pitch, bias, d.scale, d.own, room);
    }
    errorsOf(d, record, row, rows, scratch);
    if (goesOn) rawLeft(d, record, row, rows, scratch);
  }
}

/** Step `step` of this call ends: its loss, and the factors of the next gradient. False when the loss is not finite. */
export function endStep(record: usize, step: u32): bool {
  const d = restOf(record);
  const loss = lossOf(record);
  store<f64>(d.losses + (<usize>step << 3), loss);
  d.made = step + 1;
  d.stopped = !isFinite<f64>(loss);
  setScale(d);
  return !d.stopped;
}

/** Steps `from` to `to` - 1 of this call, everything on this thread: for problems too small to share. */
export function descendHere(record: usize, from: u32, to: u32, scratch: usize): void {
  const d = restOf(record);
  const lefts = tilesOf(leftOf(record));
  const rights = tilesOf(rightOf(record));
  if (from == 0) {
    startLeft(record, 0, lefts, scratch);
    startScale(record);
  }
  for (let step = from; step < to && !d.stopped; step++) {
    beginStep(record, step);
    if (d.clips) {
      gradientLengths(record, 0, lefts + rights, scratch);
      clipGradients(record);
    }
    moveRight(record, 0, rights, scratch);
    moveLeft(record, step, 0, lefts, scratch);
    endStep(record, step);
  }
}

/** For wasm/plan.ts: bytes of a thread's scratch for tables of this pitch. */
export function descentScratch(pitch: usize): usize {
  return DESCENT_ROWS * pitch;
}
