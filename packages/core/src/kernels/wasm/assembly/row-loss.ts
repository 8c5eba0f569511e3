/** Each row's share of the objective without its penalty. Dot products in f32, everything else in f64. */
import { dots4, gatherUpTo4, laneMask, loadUpTo4, rowOf } from "./gather";
import { dotF64, multiplySymmetric } from "./simd";

/** Rows of `pitch` bytes that one thread needs: zeros, one product. */
export const LOSS_ROWS: usize = 2;

@inline
function lowHalf(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

@inline
function highHalf(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
}

/** Σ_j (value_j − offset − bias − fixedBias_j − x·y_j)² for rows `from` to `to` - 1 of an ExplicitRows problem. */
export function explicitLoss(
  x: usize,
  bias: usize,
  fixed: usize,
  fixedBias: usize,
  start: usize,
  index: usize,
  value: usize,
  offset: f32,
  loss: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
): void {
  memory.fill(scratch, 0, pitch);
  for (let row = <usize>from; row < <usize>to; row++) {
    const first = load<u32>(start + (row << 2));
    let own = f32x4.splat(offset);
    if (bias) own = f32x4.add(own, v128.load32_splat(bias + (row << 2)));
    let entries = index + (<usize>first << 2);
    let values = value + (<usize>first << 2);
    let sum = f64x2.splat(0);
    for (let left: i32 = load<u32>(start + (row << 2), 4) - first; left > 0; left -= 4) {
      const scores = dots4(
        x + row * pitch,
        rowOf(fixed, entries, 0, left, scratch, pitch),
        rowOf(fixed, entries, 1, left, scratch, pitch),
        rowOf(fixed, entries, 2, left, scratch, pitch),
        rowOf(fixed, entries, 3, left, scratch, pitch),
        pitch,
      );
      let error = f32x4.sub(f32x4.sub(loadUpTo4(values, left), own), scores);
      if (fixedBias) error = f32x4.sub(error, gatherUpTo4(fixedBias, entries, left));
      error = v128.and(error, laneMask(left));
      const low = lowHalf(error);
      const high = highHalf(error);
      sum = f64x2.add(sum, f64x2.add(f64x2.mul(low, low), f64x2.mul(high, high)));
      entries += 16;
      values += 16;
    }
    store<f64>(loss + (row << 3), f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1));
  }
}

/** c·(1 − s)² − overlap·s², two at a time. */
@inline
function implicitTerm(c: v128, s: v128, overlap: v128): v128 {
  const error = f64x2.sub(f64x2.splat(1), s);
  return f64x2.sub(f64x2.mul(c, f64x2.mul(error, error)), f64x2.mul(overlap, f64x2.mul(s, s)));
}

/** Σ_j [c_j (1 − s_j)² − overlap·s_j²] + w·xᵀGx for rows `from` to `to` - 1 of an ImplicitRows problem. */
export function implicitLoss(
  x: usize,
  fixed: usize,
  start: usize,
  index: usize,
  confidence: usize,
  gram: usize,
  unobservedWeight: f32,
  overlap: f32,
  loss: usize,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
): void {
  const product = scratch + pitch;
  const overlaps = f64x2.splat(<f64>overlap);
  memory.fill(scratch, 0, pitch);
  for (let row = <usize>from; row < <usize>to; row++) {
    const own = x + row * pitch;
    const first = load<u32>(start + (row << 2));
    let entries = index + (<usize>first << 2);
    let weights = confidence + (<usize>first << 2);
    let sum = f64x2.splat(0);
    for (let left: i32 = load<u32>(start + (row << 2), 4) - first; left > 0; left -= 4) {
      const scores = dots4(
        own,
        rowOf(fixed, entries, 0, left, scratch, pitch),
        rowOf(fixed, entries, 1, left, scratch, pitch),
        rowOf(fixed, entries, 2, left, scratch, pitch),
        rowOf(fixed, entries, 3, left, scratch, pitch),
        pitch,
      );
      // Missing entries have score 0 and confidence 0: their term is 0.
      const c = loadUpTo4(weights, left);
      sum = f64x2.add(sum, implicitTerm(lowHalf(c), lowHalf(scores), overlaps));
      sum = f64x2.add(sum, implicitTerm(highHalf(c), highHalf(scores), overlaps));
      entries += 16;
      weights += 16;
    }
    multiplySymmetric(gram, own, product, rank, pitch);
    const everywhere = dotF64(own, product, rank);
    const observed = f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
    store<f64>(loss + (row << 3), observed + <f64>unobservedWeight * everywhere);
  }
}
