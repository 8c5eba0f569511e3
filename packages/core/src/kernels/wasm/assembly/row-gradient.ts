/** The squared length of each row's gradient, penalty included. Dot products and sums of rows in f32, their squares in f64. */
import { addWeighted4, dots4, gatherUpTo4, laneMask, loadUpTo4, rowOf } from "./gather";
import { addTimes, dotF64, laneSum, multiplySymmetric } from "./simd";

/** Rows of `pitch` bytes that one thread needs: zeros, the gradient. */
export const GRADIENT_ROWS: usize = 2;

/** Rows `from` to `to` - 1 of an ExplicitRows problem. */
export function explicitGradients(
  x: usize,
  bias: usize,
  fixed: usize,
  fixedBias: usize,
  start: usize,
  index: usize,
  value: usize,
  offset: f32,
  regularization: usize,
  biasRegularization: usize,
  out: usize,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
): void {
  const gradient = scratch + pitch;
  memory.fill(scratch, 0, pitch);
  for (let row = <usize>from; row < <usize>to; row++) {
    const own = x + row * pitch;
    const first = load<u32>(start + (row << 2));
    let known = f32x4.splat(offset);
    if (bias) known = f32x4.add(known, v128.load32_splat(bias + (row << 2)));
    let entries = index + (<usize>first << 2);
    let values = value + (<usize>first << 2);
    let errors = f32x4.splat(0);
    memory.fill(gradient, 0, pitch);
    addTimes(-load<f32>(regularization + (row << 2)), own, gradient, pitch);
    for (let left: i32 = load<u32>(start + (row << 2), 4) - first; left > 0; left -= 4) {
      const y0 = rowOf(fixed, entries, 0, left, scratch, pitch);
      const y1 = rowOf(fixed, entries, 1, left, scratch, pitch);
      const y2 = rowOf(fixed, entries, 2, left, scratch, pitch);
      const y3 = rowOf(fixed, entries, 3, left, scratch, pitch);
      let error = f32x4.sub(f32x4.sub(loadUpTo4(values, left), known), dots4(own, y0, y1, y2, y3, pitch));
      if (fixedBias) error = f32x4.sub(error, gatherUpTo4(fixedBias, entries, left));
      error = v128.and(error, laneMask(left));
      addWeighted4(error, y0, y1, y2, y3, gradient, pitch);
      errors = f32x4.add(errors, error);
      entries += 16;
      values += 16;
    }
    let sum = dotF64(gradient, gradient, rank);
    if (bias) {
      const slope = <f64>laneSum(errors) - <f64>load<f32>(biasRegularization + (row << 2)) * <f64>load<f32>(bias + (row << 2));
      sum += slope * slope;
    }
    store<f64>(out + (row << 3), 4 * sum);
  }
}

/** Rows `from` to `to` - 1 of an ImplicitRows problem. */
export function implicitGradients(
  x: usize,
  fixed: usize,
  start: usize,
  index: usize,
  confidence: usize,
  gram: usize,
  unobservedWeight: f32,
  overlap: f32,
  regularization: usize,
  out: usize,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
): void {
  const gradient = scratch + pitch;
  const overlaps = f32x4.splat(overlap);
  const weight = f32x4.splat(unobservedWeight);
  memory.fill(scratch, 0, pitch);
  for (let row = <usize>from; row < <usize>to; row++) {
    const own = x + row * pitch;
    const first = load<u32>(start + (row << 2));
    let entries = index + (<usize>first << 2);
    let weights = confidence + (<usize>first << 2);
    multiplySymmetric(gram, own, gradient, rank, pitch);
    for (let j: usize = 0; j < pitch; j += 16) {
      v128.store(gradient + j, f32x4.mul(weight, v128.load(gradient + j)));
    }
    addTimes(load<f32>(regularization + (row << 2)), own, gradient, pitch);
    for (let left: i32 = load<u32>(start + (row << 2), 4) - first; left > 0; left -= 4) {
      const y0 = rowOf(fixed, entries, 0, left, scratch, pitch);
      const y1 = rowOf(fixed, entries, 1, left, scratch, pitch);
      const y2 = rowOf(fixed, entries, 2, left, scratch, pitch);
      const y3 = rowOf(fixed, entries, 3, left, scratch, pitch);
      const c = loadUpTo4(weights, left);
      // Missing entries have score 0 and confidence 0: they add nothing.
      const score = dots4(own, y0, y1, y2, y3, pitch);
      addWeighted4(f32x4.sub(f32x4.mul(f32x4.sub(c, overlaps), score), c), y0, y1, y2, y3, gradient, pitch);
      entries += 16;
      weights += 16;
    }
    store<f64>(out + (row << 3), 4 * dotF64(gradient, gradient, rank));
  }
}
