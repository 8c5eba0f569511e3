/** Gradient descent by batches, one after the other on one thread: the order of the entries is the order of the moves. */
import { dataScale, moveRow, ownScale } from "./descent-move";
import { Descent, leftOf, Objective, restOf, rightOf, Side } from "./descent-record";
import { beginMove } from "./optimizer";
import { addTimes, clear, dot, madd } from "./simd";

@inline
function shareOf(side: Side, row: usize): f32 {
  return load<f32>(side.share + (row << 2));
}

@inline
function biasOf(side: Side, row: usize): f32 {
  return side.bias ? load<f32>(side.bias + (row << 2)) : 0;
}

@inline
function errorOf(d: Descent, left: Side, right: Side, l: usize, r: usize, entry: usize): f32 {
  const score = dot(left.value + l * d.pitch, right.value + r * d.pitch, d.width);
  return score + (d.offset + biasOf(left, l)) + biasOf(right, r) - load<f32>(d.value + (entry << 2));
}

/** What regularization · share · row is multiplied by in the gradient of a batch of m entries. */
@inline
function batchOwn(d: Descent, m: u32): f32 {
  const own = ownScale(d.objective);
  return d.objective == Objective.MEAN ? own * (<f32>d.count / <f32>m) : own;
}

/** One entry by plain sgd moves its two rows; returns error². */
function moveEntry(d: Descent, left: Side, right: Side, entry: usize): f64 {
  const pitch = d.pitch;
  const width = d.width;
  const l = <usize>load<u32>(d.leftRow + (entry << 2));
  const r = <usize>load<u32>(left.index + (entry << 2));
  const error = errorOf(d, left, right, l, r, entry);
  const squared = <f64>error * <f64>error;
  const weight = -d.rate * <f32>dataScale(d.objective, squared, 1) * error;
  const own = -d.rate * batchOwn(d, 1);
  const ownLeft = own * shareOf(left, l);
  const ownRight = own * shareOf(right, r);
  const weights = f32x4.splat(weight);
  const keepLeft = f32x4.splat(1 + ownLeft * left.regularization);
  const keepRight = f32x4.splat(1 + ownRight * right.regularization);
  const x = left.value + l * pitch;
  const y = right.value + r * pitch;
  if (d.alternately) {
    for (let j: usize = 0; j < width; j += 16) {
      const b = v128.load(y + j);
      const a = madd(weights, b, f32x4.mul(keepLeft, v128.load(x + j)));
      v128.store(x + j, a);
      v128.store(y + j, madd(weights, a, f32x4.mul(keepRight, b)));
    }
  } else {
    for (let j: usize = 0; j < width; j += 16) {
      const a = v128.load(x + j);
      const b = v128.load(y + j);
      v128.store(x + j, madd(weights, b, f32x4.mul(keepLeft, a)));
      v128.store(y + j, madd(weights, a, f32x4.mul(keepRight, b)));
    }
  }
  moveBias(left, l, weight, ownLeft);
  moveBias(right, r, weight, ownRight);
  return squared;
}

@inline
function moveBias(side: Side, row: usize, weight: f32, own: f32): void {
  if (!side.bias) return;
  const at = side.bias + (row << 2);
  store<f32>(at, load<f32>(at) * (1 + own * side.biasRegularization) + weight);
}

/** The first time a batch meets a row: its gradient becomes zero, and it is put on the list. Returns the list's length. */
@inline
function touch(d: Descent, side: Side, row: usize, mark: usize, list: usize, listed: u32): u32 {
  if (load<u32>(mark + (row << 2))) return listed;
  store<u32>(mark + (row << 2), 1);
  store<u32>(list + (<usize>listed << 2), <u32>row);
  clear(side.gradient + row * d.pitch, d.width);
  if (side.bias) store<f32>(side.biasGradient + (row << 2), 0);
  return listed + 1;
}

/** The gradient of one entry: its error times the other row, and its share of the row's penalty. */
@inline
function addGradient(d: Descent, side: Side, row: usize, weight: f32, other: usize, own: f32): void {
  const gradient = side.gradient + row * d.pitch;
  addTimes(weight, other, gradient, d.width);
  if (side.regularization != 0) addTimes(own * side.regularization, side.value + row * d.pitch, gradient, d.width);
  if (!side.bias) return;
  const at = side.biasGradient + (row << 2);
  store<f32>(at, load<f32>(at) + weight + own * side.biasRegularization * biasOf(side, row));
}

function addLengths(d: Descent, side: Side, list: usize, listed: u32): f64 {
  let sum: f64 = 0;
  for (let i: u32 = 0; i < listed; i++) {
    const row = <usize>load<u32>(list + (<usize>i << 2));
    const gradient = side.gradient + row * d.pitch;
    sum += <f64>dot(gradient, gradient, d.width);
    if (!side.bias) continue;
    const one = <f64>load<f32>(side.biasGradient + (row << 2));
    sum += one * one;
  }
  return sum;
}

function moveListed(d: Descent, side: Side, mark: usize, list: usize, listed: u32, scale: f32, room: usize): void {
  for (let i: u32 = 0; i < listed; i++) {
    const row = <usize>load<u32>(list + (<usize>i << 2));
    const bias: f32 = side.bias ? load<f32>(side.biasGradient + (row << 2)) : 0;
    moveRow(d, side, row, side.gradient + row * d.pitch, bias, scale, 0, room);
    store<u32>(mark + (row << 2), 0);
  }
}

/** A batch of `m` entries moves the rows they touch; returns Σ error². */
function moveBatch(d: Descent, left: Side, right: Side, order: usize, m: u32, room: usize): f64 {
  const pitch = d.pitch;
  const leftMark = d.touched;
  const rightMark = leftMark + (<usize>left.rows << 2);
  const leftList = rightMark + (<usize>right.rows << 2);
  const rightList = leftList + (<usize>d.batchSize << 2);
  let squares: f64 = 0;
  for (let i: usize = 0; i < m; i++) {
    const entry = <usize>load<u32>(order + (i << 2));
    const l = <usize>load<u32>(d.leftRow + (entry << 2));
    const r = <usize>load<u32>(left.index + (entry << 2));
    const error = errorOf(d, left, right, l, r, entry);
    store<f32>(d.errors + (i << 2), error);
    squares += <f64>error * <f64>error;
  }
  const scale = <f32>dataScale(d.objective, squares, m);
  const own = batchOwn(d, m);
  let lefts: u32 = 0;
  let rights: u32 = 0;
  for (let i: usize = 0; i < m; i++) {
    const entry = <usize>load<u32>(order + (i << 2));
    const l = <usize>load<u32>(d.leftRow + (entry << 2));
    const r = <usize>load<u32>(left.index + (entry << 2));
    const weight = scale * load<f32>(d.errors + (i << 2));
    lefts = touch(d, left, l, leftMark, leftList, lefts);
    rights = touch(d, right, r, rightMark, rightList, rights);
    addGradient(d, left, l, weight, right.value + r * pitch, own * shareOf(left, l));
    addGradient(d, right, r, weight, left.value + l * pitch, own * shareOf(right, r));
  }
  let shrink: f32 = 1;
  if (d.clips) {
    const length = sqrt<f64>(addLengths(d, left, leftList, lefts) + addLengths(d, right, rightList, rights));
    if (length > d.clipNorm) shrink = <f32>(d.clipNorm / length);
  }
  moveListed(d, left, leftMark, leftList, lefts, shrink, room);
  moveListed(d, right, rightMark, rightList, rights, shrink, room);
  return squares;
}

/**
 * Batches `from` to `to` - 1 of this call, counted over its epochs, where each follows on the one before it.
 *
 * An epoch's sum is kept in its place from call to call; whether it is finite is looked at when the epoch is whole.
 */
export function epochs(record: usize, from: u32, to: u32, scratch: usize): void {
  const d = restOf(record);
  const left = leftOf(record);
  const right = rightOf(record);
  let epoch = from / d.batches;
  let batch = from % d.batches;
  for (let unit = from; unit < to && !d.stopped; unit++) {
    const sum = d.losses + (<usize>epoch << 3);
    const first = batch * d.batchSize;
    const order = d.order + <usize>epoch * d.orderStep + (<usize>first << 2);
    const rate = load<f64>(d.rates + (<usize>(d.ratesByBatch ? unit : epoch) << 3));
    let squares: f64;
    if (d.entryByEntry) {
      d.rate = <f32>rate;
      squares = moveEntry(d, left, right, load<u32>(order));
    } else {
      beginMove(d, rate, d.done + <f64>unit + 1);
      squares = moveBatch(d, left, right, order, min(d.batchSize, d.count - first), scratch);
    }
    store<f64>(sum, (batch == 0 ? 0 : load<f64>(sum)) + squares);
    if (++batch < d.batches) continue;
    batch = 0;
    d.made = ++epoch;
    d.stopped = !isFinite<f64>(load<f64>(sum));
  }
}
