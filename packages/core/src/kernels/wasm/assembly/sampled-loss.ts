/**
 * The four losses of one left row (kernels/sampled.ts): scores of its candidates and entries in, what each is multiplied by
 * in the gradient out, in the same places. Candidates that the row has, and what pads them, come in as MASKED.
 */
import { exp4, logOnePlus4 } from "./exponential";
import { logarithm } from "./logarithm";
import { hash32 } from "./random";
import { laneSum, madd } from "./simd";

/** A score that no loss takes notice of. */
export const MASKED: f32 = -1e30;
const IS_MASKED: f32 = -1e29;

/**
 * Σ of four lanes of scores: `softmax` over `count` scores at temperature t. Leaves e^((s − top)/t) in `out`.
 *
 * @returns log of the mean over `among` scores
 */
function logMeanExp(scores: usize, out: usize, count: u32, among: u32, t: f32, sumAt: usize): f64 {
  const end = <usize>count << 2;
  const whole = end & ~15;
  let tops = f32x4.splat(MASKED);
  for (let j: usize = 0; j < whole; j += 16) tops = f32x4.max(tops, v128.load(scores + j));
  let top = max(
    max(f32x4.extract_lane(tops, 0), f32x4.extract_lane(tops, 1)),
    max(f32x4.extract_lane(tops, 2), f32x4.extract_lane(tops, 3)),
  );
  for (let j = whole; j < end; j += 4) top = max(top, load<f32>(scores + j));
  const inverse = f32x4.splat(1 / t);
  const above = f32x4.splat(top);
  let sums = f32x4.splat(0);
  for (let j: usize = 0; j < whole; j += 16) {
    const e = exp4(f32x4.mul(f32x4.sub(v128.load(scores + j), above), inverse));
    v128.store(out + j, e);
    sums = f32x4.add(sums, e);
  }
  let sum = <f64>laneSum(sums);
  for (let j = whole; j < end; j += 4) {
    const e = f32x4.extract_lane(exp4(f32x4.splat((load<f32>(scores + j) - top) * (1 / t))), 0);
    store<f32>(out + j, e);
    sum += e;
  }
  store<f64>(sumAt, sum);
  return <f64>top / t + logarithm(sum / <f64>among);
}

function multiply(at: usize, count: u32, by: f32): void {
  const end = <usize>count << 2;
  const whole = end & ~15;
  const factor = f32x4.splat(by);
  for (let j: usize = 0; j < whole; j += 16) v128.store(at + j, f32x4.mul(factor, v128.load(at + j)));
  for (let j = whole; j < end; j += 4) store<f32>(at + j, by * load<f32>(at + j));
}

/** @param columns a multiple of 4 @param room 16 bytes */
export function softmax(
  candidates: usize,
  columns: u32,
  negatives: u32,
  entries: usize,
  n: u32,
  weight: f32,
  unseen: u32,
  temperature: f32,
  positiveTemperature: f32,
  room: usize,
): f64 {
  const mean = logMeanExp(candidates, candidates, columns, negatives, temperature, room);
  const ofNegatives = mean + logarithm(<f64>unseen);
  const share = <f32>((<f64>weight * n) / (<f64>temperature * load<f64>(room)));
  multiply(candidates, columns, share);
  if (positiveTemperature == 0) {
    let sum: f64 = 0;
    for (let p: usize = 0; p < <usize>n << 2; p += 4) {
      sum += load<f32>(entries + p);
      store<f32>(entries + p, -weight / temperature);
    }
    return <f64>weight * (<f64>n * ofNegatives - sum / temperature);
  }
  const ofEntries = logMeanExp(entries, entries, n, n, positiveTemperature, room);
  multiply(entries, n, <f32>((-<f64>weight * n) / (<f64>temperature * load<f64>(room))));
  return <f64>weight * n * (ofNegatives - (<f64>positiveTemperature / temperature) * ofEntries);
}

/** @param slopes room for `columns` floats */
export function bpr(
  candidates: usize,
  columns: u32,
  negatives: u32,
  entries: usize,
  n: u32,
  weight: f32,
  temperature: f32,
  slopes: usize,
): f64 {
  const end = <usize>columns << 2;
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  const share = weight / <f32>negatives;
  const inverse = f32x4.splat(1 / temperature);
  let loss: f64 = 0;
  memory.fill(slopes, 0, end);
  for (let p: usize = 0; p < <usize>n << 2; p += 4) {
    const above = v128.load32_splat(entries + p);
    let losses = zero;
    let sum = zero;
    for (let j: usize = 0; j < end; j += 16) {
      const d = f32x4.mul(inverse, f32x4.sub(v128.load(candidates + j), above));
      const e = exp4(f32x4.neg(f32x4.abs(d)));
      losses = f32x4.add(losses, f32x4.add(f32x4.max(d, zero), logOnePlus4(e)));
      const sigma = f32x4.div(v128.bitselect(one, e, f32x4.ge(d, zero)), f32x4.add(one, e));
      sum = f32x4.add(sum, sigma);
      v128.store(slopes + j, f32x4.add(sigma, v128.load(slopes + j)));
    }
    loss += <f64>laneSum(losses);
    store<f32>(entries + p, (-share / temperature) * laneSum(sum));
  }
  const shares = f32x4.splat(share / temperature);
  for (let j: usize = 0; j < end; j += 16) v128.store(candidates + j, f32x4.mul(shares, v128.load(slopes + j)));
  return loss * share;
}

/**
 * BPR of each entry against the highest of `most` negatives.
 *
 * @param firstEntry number of the row's first entry, which with `seed` says where each entry begins to look
 * @param slopes room for `columns` floats
 */
export function hardest(
  candidates: usize,
  count: u32,
  columns: u32,
  entries: usize,
  n: u32,
  weight: f32,
  temperature: f32,
  most: u32,
  seed: u32,
  firstEntry: u32,
  slopes: usize,
): f64 {
  memory.fill(slopes, 0, <usize>columns << 2);
  let loss: f64 = 0;
  for (let k: u32 = 0; k < n; k++) {
    let at = upTo(hash32(seed, firstEntry + k), count);
    let best = at;
    let top = MASKED;
    let looked: u32 = 0;
    for (let i: u32 = 0; i < count && looked < most; i++) {
      const s = load<f32>(candidates + (<usize>at << 2));
      // A score that is not a number is taken and kept, so that the sum tells of it.
      if (!(s <= IS_MASKED)) {
        looked++;
        if (s > top || s != s) {
          top = s;
          best = at;
        }
      }
      at = at + 1 == count ? 0 : at + 1;
    }
    const entry = entries + (<usize>k << 2);
    const d = (top - load<f32>(entry)) / temperature;
    const e = f32x4.extract_lane(exp4(f32x4.splat(-abs(d))), 0);
    loss += <f64>weight * (<f64>max<f32>(d, 0) + f32x4.extract_lane(logOnePlus4(f32x4.splat(e)), 0));
    const slope = ((weight / temperature) * (d >= 0 ? 1 : e)) / (1 + e);
    const to = slopes + (<usize>best << 2);
    store<f32>(to, load<f32>(to) + slope);
    store<f32>(entry, -slope);
  }
  memory.copy(candidates, slopes, <usize>columns << 2);
  return loss;
}

/** @param each what a negative weighs beside an entry */
export function logistic(candidates: usize, columns: u32, entries: usize, n: u32, weight: f32, each: f32): f64 {
  const zero = f32x4.splat(0);
  let losses = zero;
  const share = weight * each;
  for (let j: usize = 0; j < <usize>columns << 2; j += 16) {
    const s = v128.load(candidates + j);
    const e = exp4(f32x4.neg(f32x4.abs(s)));
    losses = f32x4.add(losses, f32x4.add(f32x4.max(s, zero), logOnePlus4(e)));
    const upper = v128.bitselect(f32x4.splat(1), e, f32x4.ge(s, zero));
    v128.store(candidates + j, f32x4.mul(f32x4.splat(share), f32x4.div(upper, f32x4.add(f32x4.splat(1), e))));
  }
  let loss: f64 = <f64>share * laneSum(losses);
  for (let p: usize = 0; p < <usize>n << 2; p += 4) {
    const s = load<f32>(entries + p);
    const e = f32x4.extract_lane(exp4(f32x4.splat(-abs(s))), 0);
    loss += <f64>weight * (<f64>max<f32>(-s, 0) + f32x4.extract_lane(logOnePlus4(f32x4.splat(e)), 0));
    store<f32>(entries + p, -weight * ((s >= 0 ? e : 1) / (1 + e)));
  }
  return loss;
}

/** L(k) = Σ 1/i up to k: summed when short, else by the series of the logarithm, whose next term is below 2⁻⁴⁵. */
function harmonic(k: u32): f64 {
  if (k < 32) {
    let sum: f64 = 0;
    for (let i: u32 = 1; i <= k; i++) sum += 1 / <f64>i;
    return sum;
  }
  const x = <f64>k;
  const square = 1 / (x * x);
  return logarithm(x) + 0.5772156649015329 + 0.5 / x - square / 12 + (square * square) / 120;
}

/**
 * @param unseen right rows that the left row has no entry for
 * @param firstEntry number of the row's first entry, which with `seed` says where each entry begins to look
 * @param slopes room for `columns` floats
 */
export function warp(
  candidates: usize,
  count: u32,
  columns: u32,
  entries: usize,
  n: u32,
  weight: f32,
  margin: f32,
  unseen: u32,
  seed: u32,
  firstEntry: u32,
  slopes: usize,
): f64 {
  memory.fill(slopes, 0, <usize>columns << 2);
  const most = harmonic(unseen);
  let loss: f64 = 0;
  for (let k: u32 = 0; k < n; k++) {
    const entry = entries + (<usize>k << 2);
    const score = load<f32>(entry);
    let at = upTo(hash32(seed, firstEntry + k), count);
    let looked: u32 = 0;
    let slope: f32 = 0;
    for (let i: u32 = 0; i < count; i++) {
      const s = load<f32>(candidates + (<usize>at << 2));
      // What is not a number is within the margin, so that the sum tells of it.
      if (!(s <= IS_MASKED)) {
        looked++;
        if (!(s <= score - margin)) {
          const rank = harmonic(unseen / looked) / most;
          slope = weight * <f32>rank;
          loss += <f64>weight * rank * (<f64>margin - score + s);
          const to = slopes + (<usize>at << 2);
          store<f32>(to, load<f32>(to) + slope);
          break;
        }
      }
      at = at + 1 == count ? 0 : at + 1;
    }
    store<f32>(entry, -slope);
  }
  memory.copy(candidates, slopes, <usize>columns << 2);
  return loss;
}

/** A whole number below `count`. */
@inline
export function upTo(hash: u32, count: u32): u32 {
  return <u32>((<u64>hash * <u64>count) >> 32);
}
