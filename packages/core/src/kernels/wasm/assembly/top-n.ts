/**
 * Top-n lists: scores fused with selection, so that no score of a poor item is ever stored.
 *
 * Queries come in blocks, items in chunks that fit a core's own cache. A chunk is packed once per block into panels of 8
 * items with one column of all 8 beside the other; six queries then meet a panel in 12 accumulators, without any sum
 * across lanes. A lone query reads the table as it lies and turns 4 × 4 corners on the way. Both ways add up a score
 * column by column, so a list does not depend on the batch it was asked in.
 * Filters (`excluded`, `allowed`) are looked at only for items that beat the present n-th score.
 *
 * `scoreTile` is longer than 60 lines because it is unrolled by hand: its 12 accumulators stay in registers only as local
 * variables of one function, and asc unrolls no loop over them.
 */
import { add, replaceRoot, sort } from "./heap";
import { madd } from "./simd";

/** Items of a packed panel, queries of a tile. */
const PANEL: usize = 8;
const TILE: usize = 6;

/** Bytes behind the panels in a thread's scratch: six thresholds. Then the packed queries, 24 bytes per column. */
const THRESHOLDS: usize = 64;

/** What the scan of one job needs at each candidate. One job at a time per instance, so globals may hold it. */
let listScore: usize = 0;
let listItem: usize = 0;
let listSize: usize = 0;
let listLength: usize = 0;
let excludedStart: usize = 0;
let excludedIndex: usize = 0;
let allowedItem: usize = 0;

function isExcluded(query: usize, item: u32): bool {
  if (allowedItem && load<u8>(allowedItem + <usize>item) == 0) return true;
  if (!excludedStart) return false;
  let low = load<u32>(excludedStart + (query << 2));
  const end = load<u32>(excludedStart + (query << 2), 4);
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(excludedIndex + (<usize>middle << 2)) < item) low = middle + 1;
    else high = middle;
  }
  return low < end && load<u32>(excludedIndex + (<usize>low << 2)) == item;
}

/** The score that a newcomer to this query's list must exceed. */
@inline
function thresholdOf(query: usize): f32 {
  return load<u32>(listSize + (query << 2)) < <u32>listLength ? -Infinity : load<f32>(listScore + ((query * listLength) << 2));
}

/** Offers one item to a query's list; returns the list's threshold afterwards. */
function offer(query: usize, item: u32, score: f32, threshold: f32): f32 {
  if (!(score > threshold) || isExcluded(query, item)) return threshold;
  const scores = listScore + ((query * listLength) << 2);
  const items = listItem + ((query * listLength) << 2);
  const size = load<u32>(listSize + (query << 2));
  if (<usize>size < listLength) {
    add(scores, items, size, score, item);
    store<u32>(listSize + (query << 2), size + 1);
  } else replaceRoot(scores, items, listLength, score, item);
  return thresholdOf(query);
}

/** Offers the 8 items of two vectors of scores, those below `last` only. */
function offerPanel(query: usize, item: u32, last: u32, low: v128, high: v128, threshold: f32): f32 {
  const t = f32x4.splat(threshold);
  let better = i32x4.bitmask(f32x4.gt(low, t)) | (i32x4.bitmask(f32x4.gt(high, t)) << 4);
  while (better) {
    const lane = ctz(better);
    better &= better - 1;
    if (item + lane >= last) break;
    threshold = offer(query, item + lane, laneOf(low, high, lane), threshold);
  }
  return threshold;
}

function laneOf(low: v128, high: v128, lane: i32): f32 {
  const v = lane < 4 ? low : high;
  switch (lane & 3) {
    case 0:
      return f32x4.extract_lane(v, 0);
    case 1:
      return f32x4.extract_lane(v, 1);
    case 2:
      return f32x4.extract_lane(v, 2);
    default:
      return f32x4.extract_lane(v, 3);
  }
}

/** Packs items `first` to `last` - 1 into panels; places beyond `last` hold zeros. `columns`: rank rounded up to 4. */
function packItems(items: usize, first: u32, last: u32, panel: usize, columns: usize, pitch: usize): void {
  for (let item = first; item < last; item += <u32>PANEL) {
    for (let half: u32 = 0; half < 8; half += 4) {
      const at = item + half;
      const y0 = items + <usize>at * pitch;
      const y1 = at + 1 < last ? y0 + pitch : y0;
      const y2 = at + 2 < last ? y1 + pitch : y0;
      const y3 = at + 3 < last ? y2 + pitch : y0;
      let out = panel + (<usize>half << 2);
      if (at >= last) {
        for (let j: usize = 0; j < columns; j++) v128.store(out + (j << 5), f32x4.splat(0));
        continue;
      }
      for (let j: usize = 0; j < columns << 2; j += 16) {
        const a = v128.load(y0 + j);
        const b = v128.load(y1 + j);
        const c = v128.load(y2 + j);
        const d = v128.load(y3 + j);
        const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
        const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
        const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
        const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
        v128.store(out, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5));
        v128.store(out, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), 32);
        v128.store(out, v128.shuffle<f32>(abHigh, cdHigh, 0, 1, 4, 5), 64);
        v128.store(out, v128.shuffle<f32>(abHigh, cdHigh, 2, 3, 6, 7), 96);
        out += 128;
      }
    }
    panel += columns << 5;
  }
}

/** Packs six queries column by column; those beyond `count` are zeros with an unbeatable threshold. */
function packQueries(
  query: usize,
  queries: usize,
  first: usize,
  count: usize,
  packed: usize,
  thresholds: usize,
  columns: usize,
  pitch: usize,
): void {
  for (let q: usize = 0; q < TILE; q++) {
    let out = packed + (q << 2);
    store<f32>(thresholds + (q << 2), q < count ? thresholdOf(first + q) : Infinity);
    const x = q < count ? queries + <usize>load<u32>(query + ((first + q) << 2)) * pitch : 0;
    for (let j: usize = 0; j < columns << 2; j += 4) {
      store<f32>(out, x ? load<f32>(x + j) : 0);
      out += TILE << 2;
    }
  }
}

/** One tile row: adds the bias, and offers the panel's items when any beats the query's threshold. */
@inline
function finish(
  q: usize,
  query: usize,
  item: u32,
  last: u32,
  low: v128,
  high: v128,
  biasLow: v128,
  biasHigh: v128,
  thresholds: usize,
): void {
  const threshold = v128.load32_splat(thresholds + (q << 2));
  const a = f32x4.add(low, biasLow);
  const b = f32x4.add(high, biasHigh);
  if (v128.any_true(v128.or(f32x4.gt(a, threshold), f32x4.gt(b, threshold)))) {
    const at = thresholds + (q << 2);
    store<f32>(at, offerPanel(query + q, item, last, a, b, load<f32>(at)));
  }
}

/** Six queries against the packed items `first` to `last` - 1. */
function scoreTile(
  query: usize,
  packed: usize,
  thresholds: usize,
  panel: usize,
  itemBias: usize,
  first: u32,
  last: u32,
  columns: usize,
): void {
  let y = panel;
  for (let item = first; item < last; item += <u32>PANEL) {
    let x = packed;
    const end = y + (columns << 5);
    let a0 = f32x4.splat(0);
    let a1 = a0;
    let b0 = a0;
    let b1 = a0;
    let c0 = a0;
    let c1 = a0;
    let d0 = a0;
    let d1 = a0;
    let e0 = a0;
    let e1 = a0;
    let f0 = a0;
    let f1 = a0;
    while (y < end) {
      let y0 = v128.load(y);
      let y1 = v128.load(y, 16);
      let v = v128.load32_splat(x);
      a0 = madd(v, y0, a0);
      a1 = madd(v, y1, a1);
      v = v128.load32_splat(x, 4);
      b0 = madd(v, y0, b0);
      b1 = madd(v, y1, b1);
      v = v128.load32_splat(x, 8);
      c0 = madd(v, y0, c0);
      c1 = madd(v, y1, c1);
      v = v128.load32_splat(x, 12);
      d0 = madd(v, y0, d0);
      d1 = madd(v, y1, d1);
      v = v128.load32_splat(x, 16);
      e0 = madd(v, y0, e0);
      e1 = madd(v, y1, e1);
      v = v128.load32_splat(x, 20);
      f0 = madd(v, y0, f0);
      f1 = madd(v, y1, f1);
      y0 = v128.load(y, 32);
      y1 = v128.load(y, 48);
      v = v128.load32_splat(x, 24);
      a0 = madd(v, y0, a0);
      a1 = madd(v, y1, a1);
      v = v128.load32_splat(x, 28);
      b0 = madd(v, y0, b0);
      b1 = madd(v, y1, b1);
      v = v128.load32_splat(x, 32);
      c0 = madd(v, y0, c0);
      c1 = madd(v, y1, c1);
      v = v128.load32_splat(x, 36);
      d0 = madd(v, y0, d0);
      d1 = madd(v, y1, d1);
      v = v128.load32_splat(x, 40);
      e0 = madd(v, y0, e0);
      e1 = madd(v, y1, e1);
      v = v128.load32_splat(x, 44);
      f0 = madd(v, y0, f0);
      f1 = madd(v, y1, f1);
      y += 64;
      x += 48;
    }
    let biasLow = f32x4.splat(0);
    let biasHigh = biasLow;
    if (itemBias) {
      biasLow = v128.load(itemBias + (<usize>item << 2));
      biasHigh = v128.load(itemBias + (<usize>item << 2), 16);
    }
    finish(0, query, item, last, a0, a1, biasLow, biasHigh, thresholds);
    finish(1, query, item, last, b0, b1, biasLow, biasHigh, thresholds);
    finish(2, query, item, last, c0, c1, biasLow, biasHigh, thresholds);
    finish(3, query, item, last, d0, d1, biasLow, biasHigh, thresholds);
    finish(4, query, item, last, e0, e1, biasLow, biasHigh, thresholds);
    finish(5, query, item, last, f0, f1, biasLow, biasHigh, thresholds);
  }
}

/** acc + x·y for four rows at once, column by column: turns a 4 × 4 corner so that lane i is row i. */
@inline
function addCorner(acc: v128, x: v128, a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5);
  const abHigh = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cdHigh = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  acc = madd(v128.shuffle<f32>(x, x, 0, 0, 0, 0), v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), acc);
  acc = madd(v128.shuffle<f32>(x, x, 1, 1, 1, 1), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7), acc);
  acc = madd(v128.shuffle<f32>(x, x, 2, 2, 2, 2), v128.shuffle<f32>(abHigh, cdHigh, 0, 1, 4, 5), acc);
  return madd(v128.shuffle<f32>(x, x, 3, 3, 3, 3), v128.shuffle<f32>(abHigh, cdHigh, 2, 3, 6, 7), acc);
}

/** One query against the items `first` to `last` - 1 as they lie in the table. */
function scoreAlone(
  query: usize,
  x: usize,
  items: usize,
  itemBias: usize,
  first: u32,
  last: u32,
  columns: usize,
  pitch: usize,
): void {
  let threshold = thresholdOf(query);
  const end = columns << 2;
  for (let item = first; item < last; item += <u32>PANEL) {
    // Rows beyond the last one are read as the last one; their scores are never offered.
    const most = last - 1;
    const y0 = items + <usize>item * pitch;
    const y1 = items + <usize>min(item + 1, most) * pitch;
    const y2 = items + <usize>min(item + 2, most) * pitch;
    const y3 = items + <usize>min(item + 3, most) * pitch;
    const y4 = items + <usize>min(item + 4, most) * pitch;
    const y5 = items + <usize>min(item + 5, most) * pitch;
    const y6 = items + <usize>min(item + 6, most) * pitch;
    const y7 = items + <usize>min(item + 7, most) * pitch;
    let low = f32x4.splat(0);
    let high = low;
    for (let j: usize = 0; j < end; j += 16) {
      const v = v128.load(x + j);
      low = addCorner(low, v, v128.load(y0 + j), v128.load(y1 + j), v128.load(y2 + j), v128.load(y3 + j));
      high = addCorner(high, v, v128.load(y4 + j), v128.load(y5 + j), v128.load(y6 + j), v128.load(y7 + j));
    }
    if (itemBias) {
      low = f32x4.add(low, v128.load(itemBias + (<usize>item << 2)));
      high = f32x4.add(high, v128.load(itemBias + (<usize>item << 2), 16));
    } else {
      // As the tile does: adding zero turns −0 into 0.
      low = f32x4.add(low, f32x4.splat(0));
      high = f32x4.add(high, f32x4.splat(0));
    }
    const t = f32x4.splat(threshold);
    if (v128.any_true(v128.or(f32x4.gt(low, t), f32x4.gt(high, t)))) {
      threshold = offerPanel(query, item, last, low, high, threshold);
    }
  }
}

/**
 * A TopNProblem (kernels.ts) in units of one block of queries times one chunk of items: unit u is chunk u % chunks of
 * block u / chunks. All chunks of a block must be done in order by one thread; the last one sorts the block's lists.
 *
 * @param blockSize queries per block
 * @param chunkSize items per chunk, a multiple of 8
 */
export function topN(
  query: usize,
  queries: usize,
  items: usize,
  itemBias: usize,
  start: usize,
  index: usize,
  allowed: usize,
  n: u32,
  item: usize,
  score: usize,
  listed: usize,
  count: u32,
  rows: u32,
  blockSize: u32,
  chunkSize: u32,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
): void {
  listScore = score;
  listItem = item;
  listSize = listed;
  listLength = n;
  excludedStart = start;
  excludedIndex = index;
  allowedItem = allowed;
  const columns = (rank + 3) & ~3;
  const thresholds = scratch + <usize>chunkSize * (columns << 2);
  const packed = thresholds + THRESHOLDS;
  const chunks = (rows + chunkSize - 1) / chunkSize;
  for (let unit = from; unit < to; unit++) {
    const chunk = unit % chunks;
    const firstQuery = (unit / chunks) * blockSize;
    const lastQuery = min(firstQuery + blockSize, count);
    const first = chunk * chunkSize;
    const last = min(first + chunkSize, rows);
    if (chunk == 0) memory.fill(listed + (<usize>firstQuery << 2), 0, <usize>(lastQuery - firstQuery) << 2);
    if (lastQuery - firstQuery > 1) packItems(items, first, last, scratch, columns, pitch);
    for (let q = firstQuery; q < lastQuery; q += <u32>TILE) {
      const left = lastQuery - q;
      if (left == 1) {
        const x = queries + <usize>load<u32>(query + (<usize>q << 2)) * pitch;
        scoreAlone(q, x, items, itemBias, first, last, columns, pitch);
        continue;
      }
      packQueries(query, queries, q, min(<usize>left, TILE), packed, thresholds, columns, pitch);
      scoreTile(q, packed, thresholds, scratch, itemBias, first, last, columns);
    }
    if (chunk + 1 < chunks) continue;
    for (let q = <usize>firstQuery; q < <usize>lastQuery; q++) {
      const places = (q * <usize>n) << 2;
      sort(score + places, item + places, load<u32>(listed + (q << 2)));
    }
  }
}
