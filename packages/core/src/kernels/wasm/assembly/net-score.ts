/**
 * Scores of a trained net. Over all right rows, what a right row brings to the first layer is worked out once for all left
 * rows (netFirst), and what a left row brings once for each of its chunks; their sum is the first layer.
 */
import { linear } from "./net-dense";
import { Frame, layerOf, leftOf, rightOf } from "./net-frame";
import { forwardLayers, gather, rowOf, scoreOf, TILE } from "./net-tile";
import { dot } from "./simd";

/** Tiles `from` to `to` - 1 of the right rows: frame.first[r] = right_r · the lower half of the first layer's weights. */
export function netFirst(at: usize, rows: u32, from: u32, to: u32): void {
  const frame = changetype<Frame>(at);
  const layer = layerOf(frame, 0);
  const half = frame.layers + layer.weight + <usize>frame.rank * layer.pitch;
  const pitch = <usize>frame.pitch;
  const table = rightOf(frame).table;
  for (let tile = from; tile < to; tile++) {
    const row = <usize>tile * TILE;
    const count = min<u32>(TILE, rows - <u32>row);
    const out = frame.first + row * frame.firstPitch;
    // Whole groups of four, then one by one: beyond the last row there is no room.
    const whole = count & ~3;
    linear(table + row * pitch, pitch, half, layer.pitch, out, layer.pitch, whole, frame.rank, layer.pitch, 0, 0);
    for (let t = <usize>whole; t < <usize>count; t++) single(frame, table + (row + t) * pitch, half, out + t * layer.pitch);
  }
}

/** out = x · weight for one row x of the rank's length. */
function single(frame: Frame, x: usize, weight: usize, out: usize): void {
  const pitch = <usize>layerOf(frame, 0).pitch;
  memory.fill(out, 0, pitch);
  for (let k: usize = 0; k < <usize>frame.rank; k++) {
    const v = v128.load32_splat(x + (k << 2));
    const row = weight + k * pitch;
    for (let j: usize = 0; j < pitch; j += 16) {
      v128.store(out + j, f32x4.add(v128.load(out + j), f32x4.mul(v, v128.load(row + j))));
    }
  }
}

/**
 * Units `from` to `to` - 1: unit q · chunks + c is chunk c of the right rows for query q, into out[q × rows].
 *
 * @param chunkSize right rows of a chunk, a multiple of the tile
 */
export function netScores(
  at: usize,
  query: usize,
  out: usize,
  rows: u32,
  chunkSize: u32,
  from: u32,
  to: u32,
  scratch: usize,
): void {
  const frame = changetype<Frame>(at);
  const chunks = (rows + chunkSize - 1) / chunkSize;
  for (let unit = from; unit < to; unit++) {
    const q = unit / chunks;
    const first = (unit - q * chunks) * chunkSize;
    const row = <usize>load<u32>(query + (<usize>q << 2));
    scoreChunk(frame, row, first, min(rows, first + chunkSize), out + ((<usize>q * rows) << 2), scratch);
  }
}

function scoreChunk(frame: Frame, row: usize, first: u32, last: u32, out: usize, scratch: usize): void {
  const layer = layerOf(frame, 0);
  const top = layerOf(frame, frame.depth - 1);
  const left = leftOf(frame);
  const right = rightOf(frame);
  const pitch = <usize>frame.pitch;
  const layerPitch = <usize>layer.pitch;
  const topPitch = <usize>top.pitch;
  const own = scratch + frame.spare;
  const weighted = scratch;
  single(frame, left.table + row * pitch, frame.layers + layer.weight, own);
  const bias = frame.layers + layer.bias;
  for (let j: usize = 0; j < layerPitch; j += 16) {
    v128.store(own + j, f32x4.add(v128.load(own + j), v128.load(bias + j)));
  }
  let base = frame.offset + load<f32>(frame.layers + frame.bias);
  if (left.bias) base += load<f32>(left.bias + (row << 2));
  if (frame.hasProduct) {
    const weights = frame.layers + frame.product;
    const a = left.product + row * pitch;
    for (let j: usize = 0; j < pitch; j += 16) {
      v128.store(weighted + j, f32x4.mul(v128.load(weights + j), v128.load(a + j)));
    }
  }
  for (let tile = first; tile < last; tile += TILE) {
    const count = min(TILE, last - tile);
    addFirst(frame, tile, count, own, scratch + layer.out);
    forwardLayers(frame, 1, count, scratch);
    for (let t: u32 = 0; t < count; t++) {
      const item = <usize>(tile + t);
      let score = base + dot(scratch + top.out + <usize>t * topPitch, frame.layers + frame.top, topPitch);
      if (frame.hasProduct) score += dot(weighted, right.product + item * pitch, pitch);
      if (right.bias) score += load<f32>(right.bias + (item << 2));
      store<f32>(out + (item << 2), score);
    }
  }
}

/** out = max(0, own + frame.first) for a tile of right rows. */
function addFirst(frame: Frame, tile: u32, count: u32, own: usize, out: usize): void {
  const pitch = <usize>layerOf(frame, 0).pitch;
  const zero = f32x4.splat(0);
  for (let t: u32 = 0; t < count; t++) {
    const from = frame.first + <usize>(tile + t) * frame.firstPitch;
    const to = out + <usize>t * pitch;
    for (let j: usize = 0; j < pitch; j += 16) {
      const sum = f32x4.add(v128.load(own + j), v128.load(from + j));
      v128.store(to + j, v128.andnot(sum, f32x4.lt(sum, zero)));
    }
  }
}

/** Tiles `from` to `to` - 1 of the pairs that the sides' `row` lists name. */
export function netPairs(at: usize, out: usize, pairs: u32, from: u32, to: u32, scratch: usize): void {
  const frame = changetype<Frame>(at);
  const left = leftOf(frame);
  const right = rightOf(frame);
  for (let tile = from; tile < to; tile++) {
    const place = tile * TILE;
    const count = min(TILE, pairs - place);
    gather(frame, 0, place, count, scratch);
    forwardLayers(frame, 0, count, scratch);
    for (let t: u32 = 0; t < count; t++) {
      const score = scoreOf(frame, rowOf(left.row, 0, place + t), rowOf(right.row, 0, place + t), t, scratch);
      store<f32>(out + (<usize>(place + t) << 2), score);
    }
  }
}
