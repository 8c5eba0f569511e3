/**
 * Gradient descent in blocks (../../blocks.ts): blocks of a grid, each begun when those before it in its row and column of the
 * grid are done, on any number of threads.
 *
 * Per entry four accumulators of the product, then one vector of four for what the two learners of both rows need: their rates, and the
 * squares of their gradients in closed form, Σ (λx − zy)² = λ²|x|² − 2λz x·y + z²|y|². The squared lengths |x|² are
 * carried along with the rows and made anew at the beginning of each epoch. Where factors are shaped (L1, not negative) the lengths
 * are summed as the rows are written. `moveBlock` is one long function so that what a block shares stays in registers.
 */
import { lossOf, slopeOf } from "./block-loss";
import { BROUGHT, FRAME_BYTES, Frame, SIDE_BYTES, Side, TICKET_BYTES } from "./block-record";
import { bring } from "./bring";
import { laneSum, madd } from "./simd";
import { takeTicket, ticketDone, untilDone } from "./tickets";

/** Units `from` to `to` - 1 of the call, in order, on one thread. */
export function blocksInOrder(at: usize, from: u32, to: u32, scratch: usize): void {
  const frame = changetype<Frame>(at);
  for (let unit = from; unit < to; unit++) moveUnit(at, frame, unit, scratch, false);
}

/** Takes part in the units of the call until all are taken. */
export function blocksTogether(at: usize, from: u32, to: u32, scratch: usize): void {
  const frame = changetype<Frame>(at);
  const units = frame.epochs * frame.leftBlocks * frame.rightBlocks;
  for (;;) {
    const unit = takeTicket(frame.tickets);
    if (unit >= units || !moveUnit(at, frame, unit, scratch, true)) return;
  }
}

/** @param waits for the blocks before it, and says when it is done. Returns false when the job has failed */
function moveUnit(at: usize, frame: Frame, unit: u32, scratch: usize, waits: bool): bool {
  const left = changetype<Side>(at + FRAME_BYTES);
  const right = changetype<Side>(at + FRAME_BYTES + SIDE_BYTES);
  const across = frame.rightBlocks;
  const diagonals = frame.leftBlocks;
  const i = unit % across;
  const turn = unit / across;
  const epoch = turn / diagonals;
  const place = turn % diagonals;
  const diagonal = load<u32>(frame.order + (<usize>turn << 2));
  const row = (diagonal / across) * across + i;
  const column = (i + diagonal) % across;
  const rowTickets = frame.tickets + TICKET_BYTES * <usize>(1 + row);
  const columnTickets = frame.tickets + TICKET_BYTES * <usize>(1 + diagonals + column);
  // The diagonals of a strip follow each other, so a row has met as many blocks as the strip has had diagonals.
  const rowTurn = epoch * across + (place % across);
  if (waits && !(untilDone(rowTickets, rowTurn) && untilDone(columnTickets, turn))) return false;
  if (place % across === 0) measure(frame, left, row);
  if (place === 0) measure(frame, right, column);
  const slowOnly = frame.slowStart !== 0 && epoch === 0;
  const block = row * across + column;
  const rate = <f32>load<f64>(frame.rates + (<usize>epoch << 3));
  const first = load<u32>(frame.blockStart + (<usize>block << 2));
  const last = load<u32>(frame.blockStart + (<usize>block << 2), 4);
  const records = frame.record + (<usize>first << 3);
  const end = frame.record + (<usize>last << 3);
  let sum: f64;
  if (frame.shaped) {
    sum = frame.recordBuffer
      ? moveBrought(frame, left, right, row, column, first, last, rate, slowOnly, true, scratch)
      : moveBlock(frame, left, right, row, column, records, end, rate, slowOnly, true, 0);
  } else {
    sum = frame.recordBuffer
      ? moveBrought(frame, left, right, row, column, first, last, rate, slowOnly, false, scratch)
      : moveBlock(frame, left, right, row, column, records, end, rate, slowOnly, false, 0);
  }
  store<f64>(frame.sums + (<usize>(epoch * diagonals * across + block) << 3), sum);
  if (waits) {
    ticketDone(rowTickets, rowTurn + 1);
    ticketDone(columnTickets, turn + 1);
  }
  return true;
}

/** The squared lengths of a block's rows, by learner. */
function measure(frame: Frame, side: Side, block: u32): void {
  const pitch = <usize>frame.pitch;
  const from = block * side.blockRows;
  const to = min(side.rows, from + side.blockRows);
  for (let r = from; r < to; r++) {
    const row = side.table + <usize>r * pitch;
    const state = side.state + <usize>r * frame.stateBytes;
    store<f32>(state, squares(row, 0, 32), 8);
    store<f32>(state, squares(row, 32, pitch), 12);
  }
}

function squares(row: usize, from: usize, to: usize): f32 {
  let sum = f32x4.splat(0);
  for (let j = from; j < to; j += 16) {
    const x = v128.load(row + j);
    sum = madd(x, x, sum);
  }
  return laneSum(sum);
}

@inline
function softened(x: v128, threshold: v128, least: v128): v128 {
  const size = f32x4.max(f32x4.splat(0), f32x4.sub(f32x4.abs(x), threshold));
  const signed = v128.or(size, v128.and(x, f32x4.splat(-0.0)));
  return f32x4.max(least, signed);
}

/**
 * `moveBlock` where records lie outside of this memory: some thousand at a time are brought to scratch. A function of its own, and so a copy of the
 * loop of its own: a call within it would cost the other one registers.
 */
function moveBrought(
  frame: Frame,
  left: Side,
  right: Side,
  row: u32,
  column: u32,
  first: u32,
  last: u32,
  rate: f32,
  slowOnly: bool,
  shaped: bool,
  scratch: usize,
): f64 {
  let sum: f64 = 0;
  for (let entry = first; entry < last; entry += BROUGHT) {
    const count = min<u32>(last - entry, BROUGHT);
    bring(frame.recordBuffer, <f64>frame.record + 8 * <f64>entry, count << 3, scratch);
    const end = scratch + (<usize>count << 3);
    sum = shaped
      ? moveBlock(frame, left, right, row, column, scratch, end, rate, slowOnly, true, sum)
      : moveBlock(frame, left, right, row, column, scratch, end, rate, slowOnly, false, sum);
  }
  return sum;
}

/** Moves the rows of a block's entries from `at` to `end`, one after the other. Returns `sum` and their losses. */
@inline
function moveBlock(
  frame: Frame,
  left: Side,
  right: Side,
  row: u32,
  column: u32,
  at: usize,
  end: usize,
  rate: f32,
  slowOnly: bool,
  shaped: bool,
  sum: f64,
): f64 {
  const pitch = <usize>frame.pitch;
  const stateBytes = <usize>frame.stateBytes;
  const rows = left.table + <usize>(row * left.blockRows) * pitch;
  const columns = right.table + <usize>(column * right.blockRows) * pitch;
  const rowStates = left.state + <usize>(row * left.blockRows) * stateBytes;
  const columnStates = right.state + <usize>(column * right.blockRows) * stateBytes;
  const slow: f32 = <f32>1 / <f32>min<u32>(8, frame.rank);
  const fast: f32 = slowOnly || frame.rank <= 8 ? 0 : <f32>1 / <f32>(frame.rank - 8);
  const shares = f32x4(slow, fast, slow, fast);
  const fastRate: f32 = slowOnly ? 0 : rate;
  const rates = f32x4(rate, fastRate, rate, fastRate);
  const l = left.regularization;
  const r = right.regularization;
  const penalties = f32x4(l, l, r, r);
  const one = f32x4.splat(1);
  const offset = frame.offset;
  const biased = left.biased | right.biased;
  const leftL1 = f32x4.splat(left.regularizationL1);
  const rightL1 = f32x4.splat(right.regularizationL1);
  const least = f32x4.splat(frame.nonNegative ? 0 : -Infinity);
  while (at < end) {
    const pair = load<u32>(at);
    const value = load<f32>(at, 4);
    at += 8;
    const p = rows + <usize>(pair & 0xffff) * pitch;
    const q = columns + <usize>(pair >>> 16) * pitch;
    const ps = rowStates + <usize>(pair & 0xffff) * stateBytes;
    const qs = columnStates + <usize>(pair >>> 16) * stateBytes;

    const s0 = f32x4.mul(v128.load(p), v128.load(q));
    let f0 = f32x4.mul(v128.load(p, 32), v128.load(q, 32));
    let f1 = f32x4.mul(v128.load(p, 48), v128.load(q, 48));
    const s1 = madd(v128.load(p, 16), v128.load(q, 16), s0);
    if (pitch > 64) {
      let f2 = f32x4.splat(0);
      let f3 = f2;
      for (let j: usize = 64; j < pitch; j += 64) {
        f0 = madd(v128.load(p + j), v128.load(q + j), f0);
        f1 = madd(v128.load(p + j, 16), v128.load(q + j, 16), f1);
        f2 = madd(v128.load(p + j, 32), v128.load(q + j, 32), f2);
        f3 = madd(v128.load(p + j, 48), v128.load(q + j, 48), f3);
      }
      f0 = f32x4.add(f0, f2);
      f1 = f32x4.add(f1, f3);
    }
    const f = f32x4.add(f0, f1);
    // Both sums at once: lanes slow, fast, slow, fast
    const halves = f32x4.add(v128.shuffle<f32>(s1, f, 0, 4, 1, 5), v128.shuffle<f32>(s1, f, 2, 6, 3, 7));
    const products = f32x4.add(halves, v128.shuffle<f32>(halves, halves, 2, 3, 0, 1));
    let score = offset + (f32x4.extract_lane(products, 0) + f32x4.extract_lane(products, 1));
    if (biased) score += biasOf(left, ps) + biasOf(right, qs);
    const z = slopeOf(frame, value, score);
    sum += lossOf(frame, value, score);

    const pState = v128.load(ps);
    const qState = v128.load(qs);
    const sums = v128.shuffle<f32>(pState, qState, 0, 1, 4, 5);
    const own = v128.shuffle<f32>(pState, qState, 2, 3, 6, 7);
    const other = v128.shuffle<f32>(own, own, 2, 3, 0, 1);
    const step = f32x4.div(rates, f32x4.sqrt(sums));
    const zs = f32x4.splat(z);
    const zz = f32x4.mul(zs, zs);
    const cross = f32x4.mul(f32x4.mul(f32x4.add(penalties, penalties), zs), products);
    const gradients = madd(zz, other, f32x4.sub(f32x4.mul(f32x4.mul(penalties, penalties), own), cross));
    const grown = madd(shares, gradients, sums);
    const keep = f32x4.sub(one, f32x4.mul(step, penalties));
    const move = f32x4.mul(step, zs);
    if (!shaped) {
      const twice = f32x4.mul(f32x4.add(keep, keep), f32x4.mul(move, products));
      const lengths = madd(
        f32x4.mul(keep, keep),
        own,
        madd(f32x4.mul(move, move), other, twice),
      );
      v128.store(ps, v128.shuffle<f32>(grown, lengths, 0, 1, 4, 5));
      v128.store(qs, v128.shuffle<f32>(grown, lengths, 2, 3, 6, 7));
    }
    if (biased) {
      moveBias(left, ps, rate, z);
      moveBias(right, qs, rate, z);
    }

    let a = v128.shuffle<f32>(keep, keep, 0, 0, 0, 0);
    let b = v128.shuffle<f32>(move, move, 0, 0, 0, 0);
    let c = v128.shuffle<f32>(keep, keep, 2, 2, 2, 2);
    let d = v128.shuffle<f32>(move, move, 2, 2, 2, 2);
    let x = v128.load(p);
    let y = v128.load(q);
    let xx = v128.load(p, 16);
    let yy = v128.load(q, 16);
    if (shaped) {
      let leftCut = f32x4.mul(leftL1, v128.shuffle<f32>(step, step, 0, 0, 0, 0));
      let rightCut = f32x4.mul(rightL1, v128.shuffle<f32>(step, step, 2, 2, 2, 2));
      let n = softened(madd(b, y, f32x4.mul(a, x)), leftCut, least);
      let m = softened(madd(d, x, f32x4.mul(c, y)), rightCut, least);
      v128.store(p, n);
      v128.store(q, m);
      let ps0 = f32x4.mul(n, n);
      let qs0 = f32x4.mul(m, m);
      n = softened(madd(b, yy, f32x4.mul(a, xx)), leftCut, least);
      m = softened(madd(d, xx, f32x4.mul(c, yy)), rightCut, least);
      v128.store(p, n, 16);
      v128.store(q, m, 16);
      ps0 = madd(n, n, ps0);
      qs0 = madd(m, m, qs0);
      let ps1 = f32x4.splat(0);
      let qs1 = ps1;
      a = v128.shuffle<f32>(keep, keep, 1, 1, 1, 1);
      b = v128.shuffle<f32>(move, move, 1, 1, 1, 1);
      c = v128.shuffle<f32>(keep, keep, 3, 3, 3, 3);
      d = v128.shuffle<f32>(move, move, 3, 3, 3, 3);
      leftCut = f32x4.mul(leftL1, v128.shuffle<f32>(step, step, 1, 1, 1, 1));
      rightCut = f32x4.mul(rightL1, v128.shuffle<f32>(step, step, 3, 3, 3, 3));
      for (let j: usize = 32; j < pitch; j += 16) {
        x = v128.load(p + j);
        y = v128.load(q + j);
        n = softened(madd(b, y, f32x4.mul(a, x)), leftCut, least);
        m = softened(madd(d, x, f32x4.mul(c, y)), rightCut, least);
        v128.store(p + j, n);
        v128.store(q + j, m);
        ps1 = madd(n, n, ps1);
        qs1 = madd(m, m, qs1);
      }
      const lengths = f32x4(laneSum(ps0), laneSum(ps1), laneSum(qs0), laneSum(qs1));
      v128.store(ps, v128.shuffle<f32>(grown, lengths, 0, 1, 4, 5));
      v128.store(qs, v128.shuffle<f32>(grown, lengths, 2, 3, 6, 7));
      continue;
    }
    v128.store(p, madd(b, y, f32x4.mul(a, x)));
    v128.store(q, madd(d, x, f32x4.mul(c, y)));
    v128.store(p, madd(b, yy, f32x4.mul(a, xx)), 16);
    v128.store(q, madd(d, xx, f32x4.mul(c, yy)), 16);
    if (slowOnly) continue;
    a = v128.shuffle<f32>(keep, keep, 1, 1, 1, 1);
    b = v128.shuffle<f32>(move, move, 1, 1, 1, 1);
    c = v128.shuffle<f32>(keep, keep, 3, 3, 3, 3);
    d = v128.shuffle<f32>(move, move, 3, 3, 3, 3);
    x = v128.load(p, 32);
    y = v128.load(q, 32);
    xx = v128.load(p, 48);
    yy = v128.load(q, 48);
    v128.store(p, madd(b, y, f32x4.mul(a, x)), 32);
    v128.store(q, madd(d, x, f32x4.mul(c, y)), 32);
    v128.store(p, madd(b, yy, f32x4.mul(a, xx)), 48);
    v128.store(q, madd(d, xx, f32x4.mul(c, yy)), 48);
    for (let j: usize = 64; j < pitch; j += 64) {
      x = v128.load(p + j);
      y = v128.load(q + j);
      v128.store(p + j, madd(b, y, f32x4.mul(a, x)));
      v128.store(q + j, madd(d, x, f32x4.mul(c, y)));
      x = v128.load(p + j, 16);
      y = v128.load(q + j, 16);
      v128.store(p + j, madd(b, y, f32x4.mul(a, x)), 16);
      v128.store(q + j, madd(d, x, f32x4.mul(c, y)), 16);
      x = v128.load(p + j, 32);
      y = v128.load(q + j, 32);
      v128.store(p + j, madd(b, y, f32x4.mul(a, x)), 32);
      v128.store(q + j, madd(d, x, f32x4.mul(c, y)), 32);
      x = v128.load(p + j, 48);
      y = v128.load(q + j, 48);
      v128.store(p + j, madd(b, y, f32x4.mul(a, x)), 48);
      v128.store(q + j, madd(d, x, f32x4.mul(c, y)), 48);
    }
  }
  return sum;
}

@inline
function biasOf(side: Side, state: usize): f32 {
  return side.biased ? load<f32>(state, 16) : 0;
}

@inline
function moveBias(side: Side, state: usize, rate: f32, z: f32): void {
  if (!side.biased) return;
  const b = load<f32>(state, 16);
  const sum = load<f32>(state, 20);
  const g = side.biasRegularization * b - z;
  store<f32>(state, b - (rate / sqrt<f32>(sum)) * g, 16);
  store<f32>(state, sum + g * g, 20);
}
