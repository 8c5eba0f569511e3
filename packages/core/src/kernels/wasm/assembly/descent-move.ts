/** Optimizers: a raw gradient in, parameters moved. Formulas in kernels/descent.ts. */
import { Descent, Objective, Optimizer, Side } from "./descent-record";
import { madd } from "./simd";

/** base to a whole power, by squaring, as reference/optimizer.ts does it. */
function power(base: f64, exponent: u64): f64 {
  let result: f64 = 1;
  let square = base;
  for (let left = exponent; left > 0; left >>= 1) {
    if (left & 1) result *= square;
    square *= square;
  }
  return result;
}

/** The optimizer's factors for a step at this rate; `t` steps are then made. */
export function beginMove(d: Descent, rate: f64, t: f64): void {
  d.rate = <f32>rate;
  if (d.optimizer != Optimizer.ADAM) return;
  d.stepSize = <f32>(rate / (1 - power(d.beta1, <u64>t)));
  d.secondScale = <f32>(1 / sqrt<f64>(1 - power(d.beta2, <u64>t)));
  d.decay = <f32>(1 - rate * d.weightDecay);
}

/** What an error is multiplied by in the gradient of an objective over `count` entries with this Σ error². */
export function dataScale(objective: u32, data: f64, count: u32): f64 {
  if (objective == Objective.NORM) return data == 0 ? 0 : 1 / sqrt<f64>(data);
  if (objective == Objective.SUM) return 2;
  if (objective == Objective.HALF) return 1;
  return count == 0 ? 0 : 2 / <f64>count;
}

/** What regularization · value is multiplied by in the gradient. */
export function ownScale(objective: u32): f32 {
  return objective == Objective.HALF ? 1 : 2;
}

/**
 * Moves `bytes` of parameters, a multiple of 16, by the gradient scale · raw + own · value.
 *
 * Padding has raw, first and second zero and stays zero, because epsilon is above 0.
 */
export function move(
  d: Descent,
  value: usize,
  raw: usize,
  first: usize,
  second: usize,
  scale: f32,
  own: f32,
  bytes: usize,
): void {
  const scales = f32x4.splat(scale);
  const owns = f32x4.splat(own);
  const rates = f32x4.splat(-d.rate);
  const epsilons = f32x4.splat(<f32>d.epsilon);
  if (d.optimizer == Optimizer.SGD) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const x = v128.load(value + j);
      const g = madd(scales, v128.load(raw + j), f32x4.mul(owns, x));
      v128.store(value + j, madd(rates, g, x));
    }
    return;
  }
  if (d.optimizer == Optimizer.MOMENTUM) {
    const momenta = f32x4.splat(<f32>d.momentum);
    for (let j: usize = 0; j < bytes; j += 16) {
      const x = v128.load(value + j);
      const g = madd(scales, v128.load(raw + j), f32x4.mul(owns, x));
      const m = madd(momenta, v128.load(first + j), g);
      v128.store(first + j, m);
      v128.store(value + j, madd(rates, m, x));
    }
    return;
  }
  if (d.optimizer == Optimizer.ADAGRAD) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const x = v128.load(value + j);
      const g = madd(scales, v128.load(raw + j), f32x4.mul(owns, x));
      const v = madd(g, g, v128.load(second + j));
      v128.store(second + j, v);
      v128.store(value + j, madd(rates, f32x4.div(g, f32x4.add(f32x4.sqrt(v), epsilons)), x));
    }
    return;
  }
  const keepFirst = f32x4.splat(<f32>d.beta1);
  const takeFirst = f32x4.splat(<f32>(1 - d.beta1));
  const keepSecond = f32x4.splat(<f32>d.beta2);
  const takeSecond = f32x4.splat(<f32>(1 - d.beta2));
  const secondScales = f32x4.splat(d.secondScale);
  const stepSizes = f32x4.splat(-d.stepSize);
  const decays = f32x4.splat(d.decay);
  for (let j: usize = 0; j < bytes; j += 16) {
    const x = v128.load(value + j);
    const g = madd(scales, v128.load(raw + j), f32x4.mul(owns, x));
    const m = madd(keepFirst, v128.load(first + j), f32x4.mul(takeFirst, g));
    const v = madd(keepSecond, v128.load(second + j), f32x4.mul(f32x4.mul(takeSecond, g), g));
    v128.store(first + j, m);
    v128.store(second + j, v);
    const length = madd(f32x4.sqrt(v), secondScales, epsilons);
    v128.store(value + j, madd(stepSizes, f32x4.div(m, length), f32x4.mul(decays, x)));
  }
}

/** Moves one number, by way of 64 bytes at `room`. */
function moveOne(
  d: Descent,
  value: usize,
  raw: f32,
  first: usize,
  second: usize,
  scale: f32,
  own: f32,
  room: usize,
): void {
  v128.store(room, v128.load32_zero(value));
  v128.store(room, f32x4.replace_lane(f32x4.splat(0), 0, raw), 16);
  if (first) v128.store(room, v128.load32_zero(first), 32);
  if (second) v128.store(room, v128.load32_zero(second), 48);
  move(d, room, room + 16, room + 32, room + 48, scale, own, 16);
  store<f32>(value, load<f32>(room));
  if (first) store<f32>(first, load<f32>(room, 32));
  if (second) store<f32>(second, load<f32>(room, 48));
}

@inline
function at(array: usize, offset: usize): usize {
  return array ? array + offset : 0;
}

/**
 * Moves a row of a side and its bias.
 *
 * @param raw the row's raw gradient, `rawBias` its bias's
 * @param own what regularization · value is multiplied by
 */
export function moveRow(
  d: Descent,
  side: Side,
  row: usize,
  raw: usize,
  rawBias: f32,
  scale: f32,
  own: f32,
  room: usize,
): void {
  const wide = row * d.pitch;
  const ownRow = own * side.regularization;
  move(d, side.value + wide, raw, at(side.first, wide), at(side.second, wide), scale, ownRow, d.pitch);
  if (!side.bias) return;
  const one = row << 2;
  const ownBias = own * side.biasRegularization;
  moveOne(d, side.bias + one, rawBias, at(side.biasFirst, one), at(side.biasSecond, one), scale, ownBias, room);
}
