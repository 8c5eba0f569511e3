/**
 * Optimizers, of descents and nets alike: a raw gradient in, parameters and moments moved. Formulas in kernels/descent.ts.
 *
 * What is the same for all numbers of a step is computed in double precision and rounded once, by `beginMove`.
 */
import { madd } from "./simd";

export const enum Kind {
  SGD,
  MOMENTUM,
  ADAM,
  ADAGRAD,
}

/** The first five figures and the kind are written by wasm/optimizer.ts; what follows is the factors of the present step. */
@unmanaged
export class Optimizer {
  momentum: f64;
  beta1: f64;
  beta2: f64;
  epsilon: f64;
  weightDecay: f64;
  kind: u32;
  rate: f32;
  /** α / (1 − β₁ᵗ) */
  stepSize: f32;
  /** 1 / √(1 − β₂ᵗ) */
  secondScale: f32;
  /** 1 − α · weightDecay */
  decay: f32;
  unused: f32;
}

/** Bytes of an Optimizer, for comparison with wasm/optimizer.ts. */
export function optimizerRecord(): usize {
  return offsetof<Optimizer>();
}

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

/** The factors of a step at this rate; `t` steps are then made. */
export function beginMove(o: Optimizer, rate: f64, t: f64): void {
  o.rate = <f32>rate;
  if (o.kind != Kind.ADAM) return;
  o.stepSize = <f32>(rate / (1 - power(o.beta1, <u64>t)));
  o.secondScale = <f32>(1 / sqrt<f64>(1 - power(o.beta2, <u64>t)));
  o.decay = <f32>(1 - rate * o.weightDecay);
}

/**
 * Moves `bytes` of parameters, a multiple of 16, by the gradient scale · raw + own · value.
 *
 * Padding has raw, first and second zero and stays zero, because epsilon is above 0.
 */
export function move(
  o: Optimizer,
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
  const rates = f32x4.splat(-o.rate);
  const epsilons = f32x4.splat(<f32>o.epsilon);
  if (o.kind == Kind.SGD) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const x = v128.load(value + j);
      const g = madd(scales, v128.load(raw + j), f32x4.mul(owns, x));
      v128.store(value + j, madd(rates, g, x));
    }
    return;
  }
  if (o.kind == Kind.MOMENTUM) {
    const momenta = f32x4.splat(<f32>o.momentum);
    for (let j: usize = 0; j < bytes; j += 16) {
      const x = v128.load(value + j);
      const g = madd(scales, v128.load(raw + j), f32x4.mul(owns, x));
      const m = madd(momenta, v128.load(first + j), g);
      v128.store(first + j, m);
      v128.store(value + j, madd(rates, m, x));
    }
    return;
  }
  if (o.kind == Kind.ADAGRAD) {
    for (let j: usize = 0; j < bytes; j += 16) {
      const x = v128.load(value + j);
      const g = madd(scales, v128.load(raw + j), f32x4.mul(owns, x));
      const v = madd(g, g, v128.load(second + j));
      v128.store(second + j, v);
      v128.store(value + j, madd(rates, f32x4.div(g, f32x4.add(f32x4.sqrt(v), epsilons)), x));
    }
    return;
  }
  const keepFirst = f32x4.splat(<f32>o.beta1);
  const takeFirst = f32x4.splat(<f32>(1 - o.beta1));
  const keepSecond = f32x4.splat(<f32>o.beta2);
  const takeSecond = f32x4.splat(<f32>(1 - o.beta2));
  const secondScales = f32x4.splat(o.secondScale);
  const stepSizes = f32x4.splat(-o.stepSize);
  const decays = f32x4.splat(o.decay);
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
export function moveOne(
  o: Optimizer,
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
  move(o, room, room + 16, room + 32, room + 48, scale, own, 16);
  store<f32>(value, load<f32>(room));
  if (first) store<f32>(first, load<f32>(room, 32));
  if (second) store<f32>(second, load<f32>(room, 48));
}
