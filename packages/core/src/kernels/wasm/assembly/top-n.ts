/**
 * Top-n lists in two passes at once: scores from codes of 7 bits for all items, exact ones for those that could be listed.
 *
 * Let x = q·d + e (codes d from -127 to 127, e what they leave out), y = s·c + f, as codes.ts has it. Then
 *
 *     x·y  =  q·s·(d·c)  +  e·(s·c)  +  x·f   ≤   q·s·(d·c)  +  |e| · size  +  |x| · error        (Cauchy–Schwarz)
 *
 * d·c is a sum of small whole numbers and exact. An item whose bound, with a bias and room for all rounding, is below the query's present
 * n-th score cannot be listed; the others are scored in f32, and only these scores make lists. So a list is the same as if every item were scored
 * in f32, whatever the batch, the order of the items or the build of the codes. A score that rounding moves by at most
 * (k + 16) · 2⁻²⁴ · |x|·|y| is given (k + 32), which covers the bound's own three roundings too.
 * Items come in falling order of what they can score at most, so a scan ends at the first panel from which no one reaches the n-th score.
 * Filters (`excluded`, `allowed`) are looked at only for items that could be listed.
 *
 * Queries come in blocks, panels in chunks that stay in a core's own cache; six queries meet a panel in 12 accumulators.
 * Few queries for many items come as one block against ranges of panels, each range with lists of its own, which `mergeLists` makes
 * one. Ranges tell each other the n-th scores that they have reached (`floor`): what comes by then is left out sooner, and the lists
 * are the same whichever thread was first, because better and worse are a total order (heap.ts) and nothing that equals a floor is left out.
 * `scoreTile` is longer than 60 lines because it is unrolled by hand: its 12 accumulators stay in registers only as local
 * variables of one function, and asc unrolls no loop over them.
 */
import {
  BIAS,
  codeColumns,
  ERROR,
  HEADER,
  LEAST_NUMBER,
  MARGIN,
  MOST_NUMBER,
  NO_ROW,
  PANEL,
  panelBytes,
  REACH,
  REACH_BIAS,
  ROW,
  roundedUp,
  SIZE,
  ULP,
} from "./codes";
import { add, replaceRoot, sort } from "./heap";
import { dot, dotF64, madd } from "./simd";

/** Queries of a tile. */
const TILE: usize = 6;

/**
 * The record of a tile in a thread's scratch: eight lanes for each of these, of which six are queries, then the queries' codes,
 * four columns of each of the six side by side.
 */
const THRESHOLD: usize = 0;
/** What the first score of a panel's items must not be below. */
const LEAST: usize = 32;
/** Factors of a panel's `size` and `error` in the bound, of `reach` in what can be scored at most. */
const BY_SIZE: usize = 64;
const BY_ERROR: usize = 96;
const BY_REACH: usize = 128;
const SCALE: usize = 160;
/** −64 · the sum of the query's codes: takes back what items' codes are raised by. */
const START: usize = 192;
const ROWS: usize = 224;
const CODES: usize = 256;

const MOST_CODE: f32 = 127;

/** What the scan of one job needs at each candidate. One job at a time per instance, so globals may hold it. */
let listScore: usize = 0;
let listItem: usize = 0;
let listSize: usize = 0;
let listLength: usize = 0;
let excludedStart: usize = 0;
let excludedIndex: usize = 0;
let allowedItem: usize = 0;
let itemTable: usize = 0;
let itemPitch: usize = 0;
/** Bytes of a row that a score is made of. */
let rowWidth: usize = 0;
let isBiased: bool = false;

function isExcluded(query: usize, item: u32): bool {
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

/** The score below which no newcomer enters this query's list. */
@inline
function thresholdOf(query: usize): f32 {
  return load<u32>(listSize + (query << 2)) < <u32>listLength ? -Infinity : load<f32>(listScore + ((query * listLength) << 2));
}

/** Offers one item to a query's list, which puts equal scores in order of their items. What is not a number and −∞ never enter. */
function offer(query: usize, item: u32, score: f32): void {
  const scores = listScore + ((query * listLength) << 2);
  const items = listItem + ((query * listLength) << 2);
  const size = load<u32>(listSize + (query << 2));
  const isFull = <usize>size == listLength;
  const least: f32 = isFull ? load<f32>(scores) : -Infinity;
  const enters = score > least || (isFull && score == least && item < load<u32>(items));
  if (!enters || isExcluded(query, item)) return;
  if (isFull) replaceRoot(scores, items, listLength, score, item);
  else {
    add(scores, items, size, score, item);
    store<u32>(listSize + (query << 2), size + 1);
  }
}

/** Scores the items of a panel whose bits are set, and offers them to query `query`, number q of the tile. */
function offerItems(items: i32, panel: usize, tile: usize, q: usize, query: usize): void {
  const x = load<u32>(tile + (q << 2), ROWS);
  if (!x) return; // beyond the queries of this tile
  const at = tile + (q << 2);
  while (items) {
    const lane = <usize>ctz(items) << 2;
    items &= items - 1;
    const item = load<u32>(panel + lane, ROW);
    if (item == NO_ROW || (allowedItem && load<u8>(allowedItem + <usize>item) == 0)) continue;
    const score = dot(x, itemTable + <usize>item * itemPitch, rowWidth) + load<f32>(panel + lane, BIAS);
    if (score < load<f32>(at, THRESHOLD)) continue;
    offer(query, item, score);
    store<f32>(at, max(load<f32>(at, THRESHOLD), thresholdOf(query)), THRESHOLD);
  }
}

/** acc + products of codes, four of them in each lane. @param x the same four codes in each lane, as `fourCodes` gives them */
@inline
function addDots(x: v128, y: v128, acc: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, y, acc);
  const pairs = i16x8.add(i16x8.extmul_low_i8x16_s(x, y), i16x8.extmul_high_i8x16_s(x, y)); // at most 2 · 127²: within i16
  return i32x4.add(acc, i32x4.extadd_pairwise_i16x8_s(pairs));
}

/** A query's four codes in each lane, in the order in which `codePanels` has those of the items. */
@inline
function fourCodes(at: usize): v128 {
  const x = v128.load32_splat(at);
  if (ASC_FEATURE_RELAXED_SIMD) return x;
  return v128.shuffle<i8>(x, x, 0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3);
}

/** Codes and bounds of one query into its lane; without x a query that no item can be listed for. */
function prepareQuery(x: usize, tile: usize, q: usize, rank: usize, columns: usize): void {
  const at = tile + (q << 2);
  let most: f32 = 0;
  let squares: f64 = 0;
  if (x) {
    for (let j: usize = 0; j < rank << 2; j += 4) most = max(most, abs(load<f32>(x + j)));
    squares = dotF64(x, x, rank);
  }
  const coded = most >= LEAST_NUMBER && most <= MOST_NUMBER && squares < Infinity;
  const scale: f32 = coded ? most / MOST_CODE : 0;
  let errorSquares: f64 = 0;
  let sum: i32 = 0;
  for (let j: usize = 0; j < columns; j++) {
    const value: f32 = x && j < rank ? load<f32>(x + (j << 2)) : 0;
    const code: f32 = coded ? max(-MOST_CODE, min(MOST_CODE, nearest(value / scale))) : 0;
    const error = <f64>value - <f64>scale * <f64>code;
    errorSquares += error * error;
    sum += <i32>code;
    store<i8>(tile + CODES + (j >> 2) * (TILE << 2) + (q << 2) + (j & 3), <i8>code);
  }
  const length = Math.sqrt(squares);
  const error = Math.sqrt(errorSquares);
  const rounding = <f64>(rank + 32) * ULP;
  store<u32>(at, <u32>x, ROWS);
  store<f32>(at, x ? roundedUp(error + rounding * (length + error)) : 0, BY_SIZE);
  store<f32>(at, x ? roundedUp(length) : 0, BY_ERROR);
  store<f32>(at, x ? roundedUp(length + rounding * (length + error)) : 0, BY_REACH);
  store<f32>(at, scale, SCALE);
  store<i32>(at, -64 * sum, START);
}

/** Prepares the tile of queries `first` to `first + count` - 1; lanes beyond them list nothing. */
function prepareTile(query: usize, queries: usize, first: usize, count: usize, tile: usize, rank: usize, pitch: usize): void {
  const columns = codeColumns(rank);
  memory.fill(tile, 0, CODES);
  for (let q: usize = 0; q < TILE + 2; q++) {
    store<f32>(tile + (q << 2), q < count ? -Infinity : Infinity, THRESHOLD);
    if (q >= TILE) continue;
    const x = q < count ? queries + <usize>load<u32>(query + ((first + q) << 2)) * pitch : 0;
    prepareQuery(x, tile, q, rank, columns);
  }
}

/** Whether no query of four lanes can be helped by this panel or a later one. */
@inline
function isBeyond(tile: usize, reach: v128, reachBias: v128): v128 {
  return f32x4.lt(madd(v128.load(tile, BY_REACH), reach, reachBias), v128.load(tile, THRESHOLD));
}

/** What first scores must reach, for four lanes of queries. */
@inline
function setLeast(tile: usize, panel: usize): void {
  const bySize = madd(v128.load(tile, BY_SIZE), v128.load32_splat(panel, SIZE), v128.load32_splat(panel, MARGIN));
  const bound = madd(v128.load(tile, BY_ERROR), v128.load32_splat(panel, ERROR), bySize);
  v128.store(tile, f32x4.sub(v128.load(tile, THRESHOLD), bound), LEAST);
}

/** One query of a tile row: offers the items whose bound is not below the threshold; what is not a number counts as above. */
@inline
function finish(q: usize, query: usize, panel: usize, tile: usize, low: v128, high: v128): void {
  const scale = v128.load32_splat(tile + (q << 2), SCALE);
  let a = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(low), scale), v128.load(panel));
  let b = f32x4.mul(f32x4.mul(f32x4.convert_i32x4_s(high), scale), v128.load(panel, 16));
  if (isBiased) {
    a = f32x4.add(a, v128.load(panel, BIAS));
    b = f32x4.add(b, v128.load(panel, BIAS + 16));
  }
  const least = v128.load32_splat(tile + (q << 2), LEAST);
  a = f32x4.lt(a, least);
  b = f32x4.lt(b, least);
  if (i32x4.all_true(v128.and(a, b))) return;
  offerItems((i32x4.bitmask(a) | (i32x4.bitmask(b) << 4)) ^ 255, panel, tile, q, query + q);
}

/** Six queries against panels from `panel` to `end` - 1. */
function scoreTile(query: usize, tile: usize, panel: usize, end: usize, columns: usize): void {
  for (; panel < end; panel += panelBytes(columns)) {
    const reach = v128.load32_splat(panel, REACH);
    const reachBias = v128.load32_splat(panel, REACH_BIAS);
    if (i32x4.all_true(v128.and(isBeyond(tile, reach, reachBias), isBeyond(tile + 16, reach, reachBias)))) return;
    setLeast(tile, panel);
    setLeast(tile + 16, panel);
    let a0 = v128.load32_splat(tile, START);
    let a1 = a0;
    let b0 = v128.load32_splat(tile, START + 4);
    let b1 = b0;
    let c0 = v128.load32_splat(tile, START + 8);
    let c1 = c0;
    let d0 = v128.load32_splat(tile, START + 12);
    let d1 = d0;
    let e0 = v128.load32_splat(tile, START + 16);
    let e1 = e0;
    let f0 = v128.load32_splat(tile, START + 20);
    let f1 = f0;
    let x = tile + CODES;
    let y = panel + HEADER;
    const last = y + PANEL * columns;
    while (y < last) {
      let y0 = v128.load(y);
      let y1 = v128.load(y, 16);
      let v = fourCodes(x);
      a0 = addDots(v, y0, a0);
      a1 = addDots(v, y1, a1);
      v = fourCodes(x + 4);
      b0 = addDots(v, y0, b0);
      b1 = addDots(v, y1, b1);
      v = fourCodes(x + 8);
      c0 = addDots(v, y0, c0);
      c1 = addDots(v, y1, c1);
      v = fourCodes(x + 12);
      d0 = addDots(v, y0, d0);
      d1 = addDots(v, y1, d1);
      v = fourCodes(x + 16);
      e0 = addDots(v, y0, e0);
      e1 = addDots(v, y1, e1);
      v = fourCodes(x + 20);
      f0 = addDots(v, y0, f0);
      f1 = addDots(v, y1, f1);
      y0 = v128.load(y, 32);
      y1 = v128.load(y, 48);
      v = fourCodes(x + 24);
      a0 = addDots(v, y0, a0);
      a1 = addDots(v, y1, a1);
      v = fourCodes(x + 28);
      b0 = addDots(v, y0, b0);
      b1 = addDots(v, y1, b1);
      v = fourCodes(x + 32);
      c0 = addDots(v, y0, c0);
      c1 = addDots(v, y1, c1);
      v = fourCodes(x + 36);
      d0 = addDots(v, y0, d0);
      d1 = addDots(v, y1, d1);
      v = fourCodes(x + 40);
      e0 = addDots(v, y0, e0);
      e1 = addDots(v, y1, e1);
      v = fourCodes(x + 44);
      f0 = addDots(v, y0, f0);
      f1 = addDots(v, y1, f1);
      y += 64;
      x += 48;
    }
    finish(0, query, panel, tile, a0, a1);
    finish(1, query, panel, tile, b0, b1);
    finish(2, query, panel, tile, c0, c1);
    finish(3, query, panel, tile, d0, d1);
    finish(4, query, panel, tile, e0, e1);
    finish(5, query, panel, tile, f0, f1);
  }
}

/** The tile's first query, its only one, against panels from `panel` to `end` - 1. */
function scoreAlone(query: usize, tile: usize, panel: usize, end: usize, columns: usize): void {
  for (; panel < end; panel += panelBytes(columns)) {
    const most = load<f32>(tile, BY_REACH) * load<f32>(panel, REACH) + load<f32>(panel, REACH_BIAS);
    if (most < load<f32>(tile, THRESHOLD)) return;
    setLeast(tile, panel);
    let a0 = v128.load32_splat(tile, START);
    let a1 = a0;
    let b0 = i32x4.splat(0);
    let b1 = b0;
    let x = tile + CODES;
    let y = panel + HEADER;
    const last = y + PANEL * columns;
    while (y < last) {
      let v = fourCodes(x);
      a0 = addDots(v, v128.load(y), a0);
      a1 = addDots(v, v128.load(y, 16), a1);
      v = fourCodes(x + 24);
      b0 = addDots(v, v128.load(y, 32), b0);
      b1 = addDots(v, v128.load(y, 48), b1);
      y += 64;
      x += 48;
    }
    finish(0, query, panel, tile, i32x4.add(a0, b0), i32x4.add(a1, b1));
  }
}

/**
 * Takes over what other ranges have reached, for the `count` queries of a tile. Words of 4 bytes are written and read whole without being
 * atomic, and each that was ever written holds, an old one too.
 */
function takeFloors(floor: usize, tile: usize, count: usize): void {
  for (let at: usize = 0; at < count << 2; at += 4) {
    const reached = reinterpret<f32>(load<u32>(floor + at));
    store<f32>(tile + at, max(load<f32>(tile + at, THRESHOLD), reached), THRESHOLD);
  }
}

/** Tells other ranges what n items of this one reach. When two tell at once, the lower may stay. */
function raiseFloors(floor: usize, query: usize, count: usize): void {
  for (let q: usize = 0; q < count; q++) {
    const at = floor + (q << 2);
    const reached = thresholdOf(query + q);
    if (reinterpret<f32>(load<u32>(at)) < reached) store<u32>(at, reinterpret<u32>(reached));
  }
}

/**
 * A TopNProblem (kernels.ts) in units of one block of queries against one range of panels; units of the same range come together.
 *
 * @param floor f32[count], −∞ at first, where there are several ranges, else 0. Several ranges each have lists of all queries, one
 *   after another in `item`, `score` and `listed`, not sorted
 * @param rangeSize panels per range
 * @param blockSize queries per block
 * @param chunkSize panels per chunk
 */
export function topN(
  query: usize,
  queries: usize,
  items: usize,
  codes: usize,
  biased: u32,
  start: usize,
  index: usize,
  allowed: usize,
  n: u32,
  item: usize,
  score: usize,
  listed: usize,
  floor: usize,
  count: u32,
  rows: u32,
  rangeSize: u32,
  blockSize: u32,
  chunkSize: u32,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
): void {
  listLength = n;
  excludedStart = start;
  excludedIndex = index;
  allowedItem = allowed;
  itemTable = items;
  itemPitch = pitch;
  rowWidth = ((rank + 3) & ~3) << 2;
  isBiased = biased != 0;
  const columns = codeColumns(rank);
  const bytes = panelBytes(columns);
  const tileBytes = (CODES + TILE * columns + 63) & ~63;
  const panels = (<usize>rows + PANEL - 1) / PANEL;
  const blocks = (count + blockSize - 1) / blockSize;
  for (let unit = from; unit < to; unit++) {
    const range = <usize>(unit / blocks);
    const first = <usize>(unit % blocks) * <usize>blockSize;
    const last = min(first + <usize>blockSize, <usize>count);
    const before = range * <usize>count;
    listScore = score + ((before * <usize>n) << 2);
    listItem = item + ((before * <usize>n) << 2);
    listSize = listed + (before << 2);
    memory.fill(listSize + (first << 2), 0, (last - first) << 2);
    let tile = scratch;
    for (let q = first; q < last; q += TILE) {
      prepareTile(query, queries, q, min(last - q, TILE), tile, rank, pitch);
      tile += tileBytes;
    }
    const end = codes + min((range + 1) * <usize>rangeSize, panels) * bytes;
    for (let panel = codes + range * <usize>rangeSize * bytes; panel < end; panel += <usize>chunkSize * bytes) {
      const chunkEnd = min(panel + <usize>chunkSize * bytes, end);
      tile = scratch;
      for (let q = first; q < last; q += TILE) {
        if (floor) takeFloors(floor + (q << 2), tile, min(last - q, TILE));
        if (last - q == 1) scoreAlone(q, tile, panel, chunkEnd, columns);
        else scoreTile(q, tile, panel, chunkEnd, columns);
        if (floor) raiseFloors(floor + (q << 2), q, min(last - q, TILE));
        tile += tileBytes;
      }
    }
    if (floor) continue;
    for (let q = first; q < last; q++) {
      const places = (q * <usize>n) << 2;
      sort(score + places, item + places, load<u32>(listed + (q << 2)));
    }
  }
}

/**
 * The lists that several ranges have of queries `from` to `to` - 1 into one.
 *
 * @param ofItem, ofScore, ofListed the ranges' lists, as topN left them
 */
export function mergeLists(
  item: usize,
  score: usize,
  listed: usize,
  ofItem: usize,
  ofScore: usize,
  ofListed: usize,
  ranges: u32,
  count: u32,
  n: u32,
  from: u32,
  to: u32,
): void {
  listScore = score;
  listItem = item;
  listSize = listed;
  listLength = n;
  excludedStart = 0; // looked at by the ranges
  for (let q = <usize>from; q < <usize>to; q++) {
    store<u32>(listed + (q << 2), 0);
    for (let range: usize = 0; range < <usize>ranges; range++) {
      const list = range * <usize>count + q;
      const last = (list * <usize>n + load<u32>(ofListed + (list << 2))) << 2;
      for (let at = (list * <usize>n) << 2; at < last; at += 4) {
        offer(q, load<u32>(ofItem + at), load<f32>(ofScore + at));
      }
    }
    const places = (q * <usize>n) << 2;
    sort(score + places, item + places, load<u32>(listed + (q << 2)));
  }
}
