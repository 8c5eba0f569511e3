/**
 * A tile of entries through a net: their rows gathered, the layers forward, and in training the error and the layers
 * backward. Everything of the tile lies in the thread's scratch.
 */
import { addOuter, addRows, forward, linear } from "./net-dense";
import { Frame, layerOf, leftOf, rightOf } from "./net-frame";
import { addTimes, dot, laneSum, madd } from "./simd";

/** Entries of a tile: NET_TILE in kernels/net.ts. */
export const TILE: u32 = 64;

/** The row of an entry on a side. */
@inline
export function rowOf(rows: usize, order: usize, place: u32): usize {
  const entry = order ? load<u32>(order + (<usize>place << 2)) : place;
  return <usize>load<u32>(rows + (<usize>entry << 2));
}

@inline
function copyRow(from: usize, to: usize, pitch: usize): void {
  for (let j: usize = 0; j < pitch; j += 16) v128.store(to + j, v128.load(from + j));
}

/** [left ‖ right] of entries `place` to `place + count` - 1 to the begin of the scratch, in rows of two pitches. */
export function gather(frame: Frame, order: usize, place: u32, count: u32, scratch: usize): void {
  const pitch = <usize>frame.pitch;
  const left = leftOf(frame);
  const right = rightOf(frame);
  for (let t: u32 = 0; t < count; t++) {
    const to = scratch + <usize>t * 2 * pitch;
    copyRow(left.table + rowOf(left.row, order, place + t) * pitch, to, pitch);
    // Over the left row's padding; the right row's own padding ends within the second pitch.
    copyRow(right.table + rowOf(right.row, order, place + t) * pitch, to + (<usize>frame.rank << 2), pitch);
  }
}

/** Layers `from` on: outputs of each into its place in the scratch. Layer 0 takes what `gather` left. */
export function forwardLayers(frame: Frame, from: u32, count: u32, scratch: usize): void {
  for (let l = from; l < frame.depth; l++) {
    const layer = layerOf(frame, l);
    const before = l === 0 ? scratch : scratch + layerOf(frame, l - 1).out;
    const pitchBefore: usize = l === 0 ? 2 * <usize>frame.pitch : <usize>layerOf(frame, l - 1).pitch;
    forward(
      before,
      pitchBefore,
      frame.layers + layer.weight,
      layer.pitch,
      scratch + layer.out,
      layer.pitch,
      count,
      layer.inputs,
      layer.pitch,
      frame.layers + layer.bias,
    );
  }
}

/** Σ_j weight_j · a_j · b_j over one row. */
@inline
export function dot3(weight: usize, a: usize, b: usize, pitch: usize): f32 {
  let sum = f32x4.splat(0);
  for (let j: usize = 0; j < pitch; j += 16) {
    sum = madd(f32x4.mul(v128.load(a + j), v128.load(b + j)), v128.load(weight + j), sum);
  }
  return laneSum(sum);
}

/** The score of an entry whose layers have been gone through: row t of the tile. */
@inline
export function scoreOf(frame: Frame, left: usize, right: usize, t: u32, scratch: usize): f32 {
  const top = layerOf(frame, frame.depth - 1);
  const l = leftOf(frame);
  const r = rightOf(frame);
  const pitch = <usize>top.pitch;
  let score = frame.offset + load<f32>(frame.layers + frame.bias);
  if (l.bias) score += load<f32>(l.bias + (left << 2));
  if (r.bias) score += load<f32>(r.bias + (right << 2));
  score += dot(scratch + top.out + <usize>t * pitch, frame.layers + frame.top, pitch);
  if (frame.hasProduct) {
    const rowPitch = <usize>frame.pitch;
    score += dot3(
      frame.layers + frame.product,
      l.product + left * rowPitch,
      r.product + right * rowPitch,
      rowPitch,
    );
  }
  return score;
}

/** a ∘ b · weight into out, over one row. */
@inline
function scaledProduct(weight: v128, a: usize, b: usize, out: usize, pitch: usize): void {
  for (let j: usize = 0; j < pitch; j += 16) {
    v128.store(out + j, f32x4.mul(weight, f32x4.mul(v128.load(a + j), v128.load(b + j))));
  }
}

/**
 * Errors of a tile and what follows from them at the score: gradients of the top weights, of the product branch, and of the
 * last layer's outputs. Returns Σ error².
 *
 * @param place the tile's first place in `order`; @param row its first row in the batch
 * @param sums gradients of the layers, of this shard
 * @param share 2 / entries of the batch
 */
function errors(
  frame: Frame,
  place: u32,
  row: u32,
  count: u32,
  share: f32,
  sums: usize,
  scratch: usize,
): f64 {
  const left = leftOf(frame);
  const right = rightOf(frame);
  const top = layerOf(frame, frame.depth - 1);
  const pitch = <usize>frame.pitch;
  const topPitch = <usize>top.pitch;
  const weights = frame.layers + frame.top;
  const productWeights = frame.layers + frame.product;
  const zero = f32x4.splat(0);
  let squares: f64 = 0;
  for (let t: u32 = 0; t < count; t++) {
    const entry = load<u32>(frame.order + (<usize>(place + t) << 2));
    const l = <usize>load<u32>(left.row + (<usize>entry << 2));
    const r = <usize>load<u32>(right.row + (<usize>entry << 2));
    const error = scoreOf(frame, l, r, t, scratch) - load<f32>(frame.value + (<usize>entry << 2));
    squares += <f64>error * <f64>error;
    const g = share * error;
    store<f32>(frame.errors + (<usize>(row + t) << 2), g);
    store<f32>(sums + frame.bias, load<f32>(sums + frame.bias) + g);
    const out = scratch + top.out + <usize>t * topPitch;
    const gradient = scratch + top.gradient + <usize>t * topPitch;
    addTimes(g, out, sums + frame.top, topPitch);
    const v = f32x4.splat(g);
    for (let j: usize = 0; j < topPitch; j += 16) {
      const active = f32x4.gt(v128.load(out + j), zero);
      v128.store(gradient + j, v128.and(f32x4.mul(v, v128.load(weights + j)), active));
    }
    if (!frame.hasProduct) continue;
    const a = left.product + l * pitch;
    const b = right.product + r * pitch;
    const rows = frame.rows + <usize>(row + t) * frame.rowsPitch + 2 * pitch;
    scaledProduct(v, productWeights, b, rows, pitch);
    scaledProduct(v, productWeights, a, rows + pitch, pitch);
    const into = sums + frame.product;
    for (let j: usize = 0; j < pitch; j += 16) {
      v128.store(into + j, madd(v, f32x4.mul(v128.load(a + j), v128.load(b + j)), v128.load(into + j)));
    }
  }
  return squares;
}

/** One tile of a batch, forward and backward. Returns Σ error². */
export function trainTile(
  frame: Frame,
  place: u32,
  row: u32,
  count: u32,
  share: f32,
  sums: usize,
  scratch: usize,
): f64 {
  gather(frame, frame.order, place, count, scratch);
  forwardLayers(frame, 0, count, scratch);
  const squares = errors(frame, place, row, count, share, sums, scratch);
  for (let l = frame.depth; l-- > 0; ) {
    const layer = layerOf(frame, l);
    const gradient = scratch + layer.gradient;
    const before = l === 0 ? scratch : scratch + layerOf(frame, l - 1).out;
    const pitchBefore: usize = l === 0 ? 2 * <usize>frame.pitch : <usize>layerOf(frame, l - 1).pitch;
    addRows(gradient, layer.pitch, sums + layer.bias, count, layer.pitch);
    const matrix = sums + layer.weight;
    addOuter(before, pitchBefore, gradient, layer.pitch, matrix, layer.pitch, count, layer.inputs, layer.pitch);
    const to = l === 0 ? frame.rows + <usize>row * frame.rowsPitch : scratch + layerOf(frame, l - 1).gradient;
    const toPitch = l === 0 ? <usize>frame.rowsPitch : pitchBefore;
    linear(
      gradient,
      layer.pitch,
      layer.transposed,
      layer.transposedPitch,
      to,
      toPitch,
      count,
      layer.outputs,
      layer.transposedPitch,
      0,
      l === 0 ? 0 : before,
    );
  }
  return squares;
}
