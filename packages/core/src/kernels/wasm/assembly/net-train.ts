/**
 * Batches of a net's training. Each has two phases (tickets.ts): its shards forward and backward, while the entries are
 * strung together by row; then the layers and the rows that the batch touched move. Sums over shards and over the entries of
 * a row are taken in the order of the batch.
 */
import { Frame, layerOf, leftOf, optimizerOf, rightOf, Side } from "./net-frame";
import { TILE, trainTile } from "./net-tile";
import { beginMove, move, moveOne, Optimizer } from "./optimizer";
import { takeTicket, ticketDone, untilDone } from "./tickets";

/** Units of the first phase that string entries together: one a side. */
const CHAIN_UNITS: u32 = 2;

/** Bytes of layers that one unit moves. */
const LAYER_UNIT: usize = 16384;

@inline
function entriesOf(frame: Frame, batch: u32): u32 {
  return min(frame.batchSize, frame.entries - (frame.firstBatch + batch) * frame.batchSize);
}

@inline
function shardsOf(frame: Frame, batch: u32): u32 {
  return (entriesOf(frame, batch) + frame.shardSize - 1) / frame.shardSize;
}

/** Takes part in the batches of `frame` until all are done. */
export function netTrain(at: usize, from: u32, to: u32, scratch: usize): void {
  const frame = changetype<Frame>(at);
  const tickets = frame.tickets;
  const moveUnits = frame.layerUnits + 2 * frame.rowUnits;
  let batch: u32 = 0;
  let moving = false;
  let before: u32 = 0;
  let units = CHAIN_UNITS + shardsOf(frame, 0);
  for (;;) {
    const ticket = takeTicket(tickets);
    while (ticket >= before + units) {
      before += units;
      if (moving) batch++;
      moving = !moving;
      if (batch === frame.batches) return;
      units = moving ? moveUnits : CHAIN_UNITS + shardsOf(frame, batch);
    }
    if (!untilDone(tickets, before)) return;
    const unit = ticket - before;
    if (moving) moveUnit(frame, batch, unit, scratch);
    else if (unit >= CHAIN_UNITS) shard(frame, batch, unit - CHAIN_UNITS, scratch);
    else chain(frame, unit === 0 ? leftOf(frame) : rightOf(frame), batch);
    ticketDone(tickets, before + units);
  }
}

/** Strings the entries of each row together, in their order. */
function chain(frame: Frame, side: Side, batch: u32): void {
  const n = entriesOf(frame, batch);
  const order = frame.order + (<usize>((frame.firstBatch + batch) * frame.batchSize) << 2);
  let touched: u32 = 0;
  for (let t: u32 = 0; t < n; t++) {
    const entry = load<u32>(order + (<usize>t << 2));
    const row = <usize>load<u32>(side.row + (<usize>entry << 2)) << 2;
    store<u32>(side.next + (<usize>t << 2), 0);
    if (load<u32>(side.head + row) === 0) {
      store<u32>(side.head + row, t + 1);
      store<u32>(side.touched + 64 + (<usize>touched << 2), <u32>(row >> 2));
      touched++;
    } else {
      store<u32>(side.next + (<usize>load<u32>(side.tail + row) << 2), t + 1);
    }
    store<u32>(side.tail + row, t);
  }
  store<u32>(side.touched, touched);
}

/** One shard forward and backward, tile by tile, into its own sums. */
function shard(frame: Frame, batch: u32, index: u32, scratch: usize): void {
  const n = entriesOf(frame, batch);
  const start = (frame.firstBatch + batch) * frame.batchSize;
  const last = min(n, (index + 1) * frame.shardSize);
  const sums = frame.shards + <usize>index * frame.layersBytes;
  const share: f32 = 2 / <f32>n;
  memory.fill(sums, 0, frame.layersBytes);
  let squares: f64 = 0;
  for (let row = index * frame.shardSize; row < last; row += TILE) {
    squares += trainTile(frame, start + row, row, min(TILE, last - row), share, sums, scratch);
  }
  store<f64>(frame.sums + 8 + (<usize>index << 3), squares);
}

/** The optimizer with this batch's factors: the thread's own copy, so that nobody writes where others read. */
function stepOf(frame: Frame, batch: u32, scratch: usize): Optimizer {
  const own = scratch + frame.step;
  memory.copy(own, changetype<usize>(optimizerOf(frame)), offsetof<Optimizer>());
  const optimizer = changetype<Optimizer>(own);
  beginMove(optimizer, load<f64>(frame.rates + (<usize>batch << 3)), frame.done + <f64>batch + 1);
  return optimizer;
}

function moveUnit(frame: Frame, batch: u32, unit: u32, scratch: usize): void {
  const optimizer = stepOf(frame, batch, scratch);
  if (unit < frame.layerUnits) {
    if (unit === 0) addSquares(frame, batch);
    moveLayers(frame, optimizer, batch, unit);
    return;
  }
  const part = unit - frame.layerUnits;
  if (part < frame.rowUnits) moveRows(frame, optimizer, leftOf(frame), batch, part, scratch);
  else moveRows(frame, optimizer, rightOf(frame), batch, part - frame.rowUnits, scratch);
}

function addSquares(frame: Frame, batch: u32): void {
  let sum = load<f64>(frame.sums);
  for (let s: u32 = 1; s <= shardsOf(frame, batch); s++) sum += load<f64>(frame.sums + (<usize>s << 3));
  store<f64>(frame.sums, sum);
}

/** Layers: the shards' gradients summed in the first one's place, the step, and the transposes kept up to date. */
function moveLayers(frame: Frame, optimizer: Optimizer, batch: u32, unit: u32): void {
  const shards = shardsOf(frame, batch);
  const begin = <usize>unit * LAYER_UNIT;
  const end = min(begin + LAYER_UNIT, <usize>frame.layersBytes);
  for (let at = frame.shards + begin; shards > 1 && at < frame.shards + end; at += 16) {
    let sum = v128.load(at);
    for (let s: usize = 1; s < <usize>shards; s++) sum = f32x4.add(sum, v128.load(at + s * frame.layersBytes));
    v128.store(at, sum);
  }
  move(
    optimizer,
    frame.layers + begin,
    frame.shards + begin,
    frame.layersFirst + begin,
    frame.layersSecond + begin,
    1,
    2 * frame.layerRegularization,
    end - begin,
  );
  for (let l: u32 = 0; l < frame.depth; l++) transpose(frame, l, begin, end);
}

/** Copies what bytes `begin` to `end` of the layers hold of layer l's weights to its transpose. */
function transpose(frame: Frame, l: u32, begin: usize, end: usize): void {
  const layer = layerOf(frame, l);
  const pitch = <usize>layer.pitch;
  const first = <usize>layer.weight;
  const last = first + <usize>layer.inputs * pitch;
  const to = min(last, end);
  for (let at = max(first, begin); at < to; ) {
    const input = (at - first) / pitch;
    const rowEnd = min(to, first + (input + 1) * pitch);
    let output = (at - first - input * pitch) >> 2;
    let target = layer.transposed + output * layer.transposedPitch + (input << 2);
    for (; at < rowEnd; at += 4) {
      if (output++ < <usize>layer.outputs) store<f32>(target, load<f32>(frame.layers + at));
      target += layer.transposedPitch;
    }
  }
}

/** Writes all transposes, before the first batch. */
export function netTranspose(at: usize): void {
  const frame = changetype<Frame>(at);
  for (let l: u32 = 0; l < frame.depth; l++) transpose(frame, l, 0, frame.layersBytes);
}

/** One of `rowUnits` parts of the rows that the batch touched. */
function moveRows(frame: Frame, optimizer: Optimizer, side: Side, batch: u32, part: u32, scratch: usize): void {
  const n = entriesOf(frame, batch);
  const touched = load<u32>(side.touched);
  const from = <u32>((<u64>touched * part) / frame.rowUnits);
  const to = <u32>((<u64>touched * (part + 1)) / frame.rowUnits);
  const pitch = <usize>frame.pitch;
  const sum = scratch + frame.spare;
  for (let i = from; i < to; i++) {
    const row = <usize>load<u32>(side.touched + 64 + (<usize>i << 2));
    const head = load<u32>(side.head + (row << 2));
    store<u32>(side.head + (row << 2), 0);
    const count = addChain(frame, side, head, side.gradientAt, sum);
    // The other side's gradients stand in what is padding here.
    for (let k = <usize>frame.rank << 2; k < pitch; k += 4) store<f32>(sum + k, 0);
    const share: f32 = (2 * <f32>count) / <f32>n;
    const penalty = share * side.regularization;
    const wide = row * pitch;
    move(optimizer, side.table + wide, sum, side.tableFirst + wide, side.tableSecond + wide, 1, penalty, pitch);
    if (frame.hasProduct) {
      const at = 2 * frame.pitch + (side.gradientAt === 0 ? 0 : frame.pitch);
      addChain(frame, side, head, at, sum);
      move(optimizer, side.product + wide, sum, side.productFirst + wide, side.productSecond + wide, 1, penalty, pitch);
    }
    if (!side.bias) continue;
    const at = row << 2;
    let g: f32 = 0;
    for (let e = head; e !== 0; e = load<u32>(side.next + (<usize>(e - 1) << 2))) {
      g += load<f32>(frame.errors + (<usize>(e - 1) << 2));
    }
    const first = side.biasFirst ? side.biasFirst + at : 0;
    const second = side.biasSecond ? side.biasSecond + at : 0;
    moveOne(optimizer, side.bias + at, g, first, second, 1, share * side.biasRegularization, sum);
  }
}

/** Sums the gradients of a row's entries, `at` bytes into each. Returns how many entries there are. */
function addChain(frame: Frame, side: Side, head: u32, at: u32, sum: usize): u32 {
  const pitch = <usize>frame.pitch;
  let count: u32 = 0;
  memory.fill(sum, 0, pitch);
  for (let e = head; e !== 0; e = load<u32>(side.next + (<usize>(e - 1) << 2))) {
    const from = frame.rows + <usize>(e - 1) * frame.rowsPitch + at;
    for (let j: usize = 0; j < pitch; j += 16) {
      v128.store(sum + j, f32x4.add(v128.load(sum + j), v128.load(from + j)));
    }
    count++;
  }
  return count;
}
