/**
 * Batches of a SampledProblem (kernels/sampled.ts), each in three phases (tickets.ts): the candidates are drawn and packed; the
 * left rows are scored tile by tile and move, while their entries are strung together by right row; the right rows move. A left
 * row is in one batch of a pass only and so may move at once: what the right rows need of it stands in the panels.
 *
 * Sums over entries of a right row are taken in the order of the batch, those over candidates in the order of these.
 *
 * Longer than other files: what a phase leaves for the next one, and where, is known in full by the three of them together.
 */
import { beginMove, move, moveOne, Optimizer } from "./optimizer";
import { hash32 } from "./random";
import { Frame, leftOf, Loss, optimizerOf, rightOf, Side } from "./sampled-frame";
import { bpr, hardest, logistic, MASKED, softmax, upTo, warp } from "./sampled-loss";
import { packColumns, packRow, PANEL, PANEL_BYTES, product, scaled, TILE } from "./sampled-products";
import { addTimes, clear, dot, madd } from "./simd";
import { takeTicket, ticketDone, untilDone } from "./tickets";

/** Candidates that one unit moves, a multiple of the tile and of the panel: what `columns` is rounded up to. */
const BLOCK: u32 = 24;

/** Units that the other touched right rows are shared out to. */
const TOUCHED_UNITS: u32 = 16;

/** Tells the draws of places from which negatives are looked at from those of candidates. */
const PLACES: u32 = 0x5bd1e995;

const enum Phase {
  DRAW,
  LEFT,
  RIGHT,
}

@inline
function rowsOf(frame: Frame, batch: u32): u32 {
  return min(frame.batchSize, frame.leftRows - (frame.firstBatch + batch) * frame.batchSize);
}

@inline
function unitsOf(frame: Frame, batch: u32, phase: Phase): u32 {
  if (phase === Phase.DRAW) return 1;
  if (phase === Phase.LEFT) return 1 + (rowsOf(frame, batch) + TILE - 1) / TILE;
  return frame.columns / BLOCK + TOUCHED_UNITS;
}

/** Seed of all that batch draws: `done` counts those before. */
@inline
function drawOf(frame: Frame, batch: u32): u32 {
  return hash32(frame.seed, <u32>(<u64>frame.done + batch));
}

@inline
function leftRow(frame: Frame, batch: u32, place: u32): u32 {
  return load<u32>(frame.order + (<usize>((frame.firstBatch + batch) * frame.batchSize + place) << 2));
}

/** Lengths of all right rows, as 1 / length; 1 without `cosine`. Before the first batch of a call. */
export function sampledBegin(at: usize): void {
  const frame = changetype<Frame>(at);
  for (let row: u32 = 0; row < frame.rightRows; row++) measure(frame, row);
}

@inline
function measure(frame: Frame, row: u32): void {
  const value = rightOf(frame).value + <usize>row * frame.pitch;
  store<f32>(frame.scale + (<usize>row << 2), frame.cosine ? inverseLength(value, frame.pitch) : 1);
}

@inline
function inverseLength(row: usize, pitch: usize): f32 {
  return 1 / sqrt<f32>(dot(row, row, pitch));
}

@inline
function scaleOf(frame: Frame, right: u32): f32 {
  return load<f32>(frame.scale + (<usize>right << 2));
}

@inline
function biasOf(side: Side, row: u32): f32 {
  return side.bias ? load<f32>(side.bias + (<usize>row << 2)) : 0;
}

/** What a right row brings to a score beside the product. */
@inline
function levelOf(frame: Frame, right: u32): f32 {
  const offset: f32 = frame.offset ? load<f32>(frame.offset + (<usize>right << 2)) : 0;
  return offset + biasOf(rightOf(frame), right);
}

@inline
function historyWeightOf(frame: Frame, left: u32): f32 {
  return load<f32>(frame.historyWeight + (<usize>left << 2));
}

/** Where the gradient by a left row's z stands. */
@inline
function gradientOf(frame: Frame, place: u32): usize {
  return frame.leftPanel + <usize>(2 * frame.panelRows + place) * frame.pitch;
}

/** Takes part in the batches of `frame` until all are done. */
export function sampledTrain(at: usize, from: u32, to: u32, scratch: usize): void {
  const frame = changetype<Frame>(at);
  const tickets = frame.tickets;
  let batch: u32 = 0;
  let phase = Phase.DRAW;
  let before: u32 = 0;
  let units = unitsOf(frame, 0, phase);
  for (;;) {
    const ticket = takeTicket(tickets);
    while (ticket >= before + units) {
      before += units;
      if (phase === Phase.RIGHT) {
        phase = Phase.DRAW;
        if (++batch === frame.batches) return;
      } else {
        phase = phase === Phase.DRAW ? Phase.LEFT : Phase.RIGHT;
      }
      units = unitsOf(frame, batch, phase);
    }
    if (!untilDone(tickets, before)) return;
    const unit = ticket - before;
    if (phase === Phase.DRAW) draw(frame, batch, scratch);
    else if (phase === Phase.LEFT) {
      if (unit === 0) chain(frame, batch);
      else moveLeft(frame, batch, (unit - 1) * TILE, scratch);
    } else moveRight(frame, batch, unit, scratch);
    ticketDone(tickets, before + units);
  }
}

/** Draws the candidates and packs them, and counts the entries of the batch's rows. */
function draw(frame: Frame, batch: u32, scratch: usize): void {
  const count = frame.candidateCount;
  const list = frame.candidates;
  for (let c: u32 = 0; c < count; c++) {
    store<u32>(frame.place + (<usize>load<u32>(list + (<usize>c << 2)) << 2), 0);
  }
  const seed = drawOf(frame, batch);
  const all = count === frame.rightRows;
  let c: u32 = 0;
  for (let i: u32 = 0; c < count; i++) {
    const row = all ? i : upTo(hash32(seed, i), frame.rightRows);
    const place = frame.place + (<usize>row << 2);
    if (load<u32>(place) !== 0) continue;
    store<u32>(list + (<usize>c << 2), row);
    store<u32>(place, ++c);
  }
  const panels = frame.rightPanel;
  const columnPanels = panels + <usize>frame.columns * frame.pitch;
  const biases = columnPanels + <usize>frame.columns * frame.pitch;
  const right = rightOf(frame);
  for (let c: u32 = 0; c < frame.columns; c++) {
    if (c < count) {
      const row = load<u32>(list + (<usize>c << 2));
      scaled(right.value + <usize>row * frame.pitch, scaleOf(frame, row), scratch, frame.pitch);
      store<f32>(biases + (<usize>c << 2), levelOf(frame, row));
    } else {
      clear(scratch, frame.pitch);
    }
    packRow(scratch, panels + <usize>(c / PANEL) * PANEL * frame.pitch, c % PANEL, frame.pitch);
    packColumns(scratch, columnPanels, frame.columns, c, frame.pitch);
  }
  countEntries(frame, batch);
}

/** Where each row's entries begin among those of the batch; none for a row that all candidates are entries of. */
function countEntries(frame: Frame, batch: u32): void {
  let sum: u32 = 0;
  for (let place: u32 = 0; place < rowsOf(frame, batch); place++) {
    store<u32>(frame.starts + (<usize>place << 2), sum);
    const row = leftRow(frame, batch, place);
    const n = load<u32>(frame.start + (<usize>row << 2), 4) - load<u32>(frame.start + (<usize>row << 2));
    if (n < frame.candidateCount || negativesOf(frame, row) !== 0) sum += n;
  }
  store<u32>(frame.starts + (<usize>rowsOf(frame, batch) << 2), sum);
}

/** Candidates that a left row has no entry for. */
function negativesOf(frame: Frame, row: u32): u32 {
  let count = frame.candidateCount;
  const at = frame.start + (<usize>row << 2);
  for (let e = load<u32>(at); e < load<u32>(at, 4); e++) {
    if (load<u32>(frame.place + (<usize>load<u32>(frame.index + (<usize>e << 2)) << 2)) !== 0) count--;
  }
  return count;
}

/** Strings the entries of each right row together, in the order of the batch. */
function chain(frame: Frame, batch: u32): void {
  let touched: u32 = 0;
  for (let place: u32 = 0; place < rowsOf(frame, batch); place++) {
    const begin = load<u32>(frame.starts + (<usize>place << 2));
    const end = load<u32>(frame.starts + (<usize>place << 2), 4);
    const first = load<u32>(frame.start + (<usize>leftRow(frame, batch, place) << 2));
    for (let e = begin; e < end; e++) {
      const right = <usize>load<u32>(frame.index + (<usize>(first + e - begin) << 2)) << 2;
      store<u32>(frame.entryRow + (<usize>e << 2), place);
      store<u32>(frame.next + (<usize>e << 2), 0);
      if (load<u32>(frame.head + right) === 0) {
        store<u32>(frame.head + right, e + 1);
        if (load<u32>(frame.place + right) === 0) {
          store<u32>(frame.touched + 64 + (<usize>touched << 2), <u32>(right >> 2));
          touched++;
        }
      } else {
        store<u32>(frame.next + (<usize>load<u32>(frame.tail + right) << 2), e + 1);
      }
      store<u32>(frame.tail + right, e);
    }
  }
  store<u32>(frame.touched, touched);
}

/** The optimizer with this batch's factors: the thread's own copy, so that nobody writes where others read. */
function stepOf(frame: Frame, batch: u32, scratch: usize): Optimizer {
  memory.copy(scratch, changetype<usize>(optimizerOf(frame)), offsetof<Optimizer>());
  const optimizer = changetype<Optimizer>(scratch);
  beginMove(optimizer, load<f64>(frame.rates + (<usize>batch << 3)), frame.done + <f64>batch + 1);
  return optimizer;
}

/** One tile of left rows: packed, scored, their losses and slopes, their gradients, their move. */
function moveLeft(frame: Frame, batch: u32, first: u32, scratch: usize): void {
  const pitch = <usize>frame.pitch;
  const rows = min(TILE, rowsOf(frame, batch) - first);
  const gradients = scratch;
  const slopes = scratch + <usize>TILE * pitch;
  const room = slopes + (<usize>frame.columns << 2);
  const optimizer = stepOf(frame, batch, room + 64);
  packLeft(frame, batch, first, rows);
  const x = frame.leftPanel + <usize>first * pitch;
  const coefficients = frame.coefficients + <usize>first * frame.coefficientPitch;
  for (let c: u32 = 0; c < frame.columns; c += PANEL) {
    const panel = frame.rightPanel + <usize>c * pitch;
    product(x, pitch, 4, frame.rank, panel, coefficients + (<usize>c << 2), frame.coefficientPitch);
  }
  for (let i: u32 = 0; i < TILE; i++) {
    const own = coefficients + <usize>i * frame.coefficientPitch;
    const loss: f64 = i < rows ? slopesOf(frame, batch, first + i, own, slopes, room) : 0;
    if (i < rows) store<f64>(frame.sums + 8 + (<usize>(first + i) << 3), loss);
    if (i >= rows || entriesOf(frame, first + i) === 0) memory.fill(own, 0, <usize>frame.columns << 2);
  }
  const columnPanels = frame.rightPanel + <usize>frame.columns * pitch;
  for (let k: usize = 0; k < pitch; k += PANEL_BYTES) {
    const panel = columnPanels + (k / PANEL_BYTES) * <usize>frame.columns * PANEL_BYTES;
    product(coefficients, frame.coefficientPitch, 4, frame.candidateCount, panel, gradients + k, pitch);
  }
  for (let i: u32 = 0; i < rows; i++) {
    if (entriesOf(frame, first + i) === 0) continue;
    moveLeftRow(frame, batch, optimizer, first + i, gradients + <usize>i * pitch, room);
  }
}

@inline
function entriesOf(frame: Frame, place: u32): u32 {
  const at = frame.starts + (<usize>place << 2);
  return load<u32>(at, 4) - load<u32>(at);
}

/** Puts z of a tile's rows into the panels, of length 1 with `cosine`, and zeros for rows that are not there. */
function packLeft(frame: Frame, batch: u32, first: u32, rows: u32): void {
  const pitch = <usize>frame.pitch;
  const columnPanels = frame.leftPanel + <usize>frame.panelRows * pitch;
  for (let i: u32 = 0; i < TILE; i++) {
    const at = frame.leftPanel + <usize>(first + i) * pitch;
    if (i < rows) {
      const row = leftRow(frame, batch, first + i);
      memory.copy(at, leftOf(frame).value + <usize>row * pitch, pitch);
      if (frame.historyWeight) addHistory(frame, row, first + i, at);
      const scale: f32 = frame.cosine ? inverseLength(at, pitch) : 1;
      store<f32>(frame.leftScale + (<usize>(first + i) << 2), scale);
      if (frame.cosine) scaled(at, scale, at, pitch);
    } else {
      clear(at, pitch);
    }
    packColumns(at, columnPanels, frame.panelRows, first + i, pitch);
  }
}

/** Adds its entries' rows to a left row. */
function addHistory(frame: Frame, row: u32, place: u32, out: usize): void {
  const weight = historyWeightOf(frame, row);
  const index = frame.index + (<usize>load<u32>(frame.start + (<usize>row << 2)) << 2);
  const end = <usize>entriesOf(frame, place) << 2;
  for (let k: usize = 0; k < end; k += 4) {
    const other = load<u32>(index + k);
    const value = rightOf(frame).value + <usize>other * frame.pitch;
    addTimes(weight * scaleOf(frame, other), value, out, frame.pitch);
  }
}

/** The loss of one left row; the slopes of its candidates in place of their scores, and those of its entries. */
function slopesOf(frame: Frame, batch: u32, place: u32, own: usize, slopes: usize, room: usize): f64 {
  const n = entriesOf(frame, place);
  if (n === 0) return 0;
  const row = leftRow(frame, batch, place);
  const firstEntry = load<u32>(frame.start + (<usize>row << 2));
  const index = frame.index + (<usize>firstEntry << 2);
  const entries = frame.entry + (<usize>load<u32>(frame.starts + (<usize>place << 2)) << 2);
  const negatives = finishScores(frame, row, place, own, index, entries, n);
  const columns = frame.columns;
  const weight = load<f32>(frame.weight + (<usize>row << 2));
  let loss: f64 = 0;
  if (frame.loss == Loss.SOFTMAX) {
    const rho = frame.positiveTemperature;
    loss = softmax(own, columns, negatives, entries, n, weight, frame.rightRows - n, frame.temperature, rho, room);
  } else if (frame.loss == Loss.BPR) {
    const tau = frame.temperature;
    if (frame.hardestOf) {
      const seed = drawOf(frame, batch) ^ PLACES;
      const count = frame.candidateCount;
      const most = frame.hardestOf;
      loss = hardest(own, count, columns, entries, n, weight, tau, most, seed, firstEntry, slopes);
    } else {
      loss = bpr(own, columns, negatives, entries, n, weight, tau, slopes);
    }
  } else if (frame.loss == Loss.LOGISTIC) {
    const each = frame.unobservedWeight * (<f32>(frame.rightRows - n) / <f32>negatives);
    loss = logistic(own, columns, entries, n, weight, each);
  } else {
    const count = frame.candidateCount;
    const seed = drawOf(frame, batch) ^ PLACES;
    const unseen = frame.rightRows - n;
    loss = warp(own, count, columns, entries, n, weight, frame.margin, unseen, seed, firstEntry, slopes);
  }
  for (let c = frame.candidateCount; c < columns; c++) store<f32>(own + (<usize>c << 2), 0);
  for (let k: u32 = 0; k < n; k++) {
    const candidate = load<u32>(frame.place + (<usize>load<u32>(index + (<usize>k << 2)) << 2));
    if (candidate !== 0) store<f32>(own + (<usize>(candidate - 1) << 2), 0);
  }
  return loss;
}

/** Adds biases to a row's scores, masks those that are no negatives, and scores its entries. Returns the negatives. */
function finishScores(
  frame: Frame,
  row: u32,
  place: u32,
  own: usize,
  index: usize,
  entries: usize,
  n: u32,
): u32 {
  const pitch = <usize>frame.pitch;
  const columns = <usize>frame.columns << 2;
  const right = rightOf(frame);
  const level = biasOf(leftOf(frame), row);
  if (right.bias || frame.offset || level != 0) {
    const biases = frame.rightPanel + 2 * <usize>frame.columns * pitch;
    for (let j: usize = 0; j < columns; j += 16) {
      const sum = f32x4.add(v128.load(own + j), f32x4.add(f32x4.splat(level), v128.load(biases + j)));
      v128.store(own + j, sum);
    }
  }
  for (let c = frame.candidateCount; c < frame.columns; c++) store<f32>(own + (<usize>c << 2), MASKED);
  let negatives = frame.candidateCount;
  const x = frame.leftPanel + <usize>place * pitch;
  for (let k: u32 = 0; k < n; k++) {
    const other = load<u32>(index + (<usize>k << 2));
    const score = dot(x, right.value + <usize>other * pitch, pitch) * scaleOf(frame, other);
    store<f32>(entries + (<usize>k << 2), score + (level + levelOf(frame, other)));
    const candidate = load<u32>(frame.place + (<usize>other << 2));
    if (candidate === 0) continue;
    store<f32>(own + (<usize>(candidate - 1) << 2), MASKED);
    negatives--;
  }
  return negatives;
}

/** @param gradient what the row's candidates bring */
function moveLeftRow(
  frame: Frame,
  batch: u32,
  optimizer: Optimizer,
  place: u32,
  gradient: usize,
  room: usize,
): void {
  const pitch = <usize>frame.pitch;
  const row = leftRow(frame, batch, place);
  const n = entriesOf(frame, place);
  const index = frame.index + (<usize>load<u32>(frame.start + (<usize>row << 2)) << 2);
  const entries = frame.entry + (<usize>load<u32>(frame.starts + (<usize>place << 2)) << 2);
  const side = leftOf(frame);
  let slope: f32 = 0;
  for (let k: u32 = 0; k < n; k++) {
    const own = load<f32>(entries + (<usize>k << 2));
    const other = load<u32>(index + (<usize>k << 2));
    addTimes(own * scaleOf(frame, other), rightOf(frame).value + <usize>other * pitch, gradient, pitch);
    slope += own;
  }
  if (side.bias) slope += sumOf(frame.coefficients + <usize>place * frame.coefficientPitch, frame.columns);
  const value = side.value + <usize>row * pitch;
  if (frame.cosine) {
    const z = frame.leftPanel + <usize>place * pitch;
    project(gradient, z, 1, load<f32>(frame.leftScale + (<usize>place << 2)), pitch);
  }
  if (frame.historyWeight) memory.copy(gradientOf(frame, place), gradient, pitch);
  const penalty: f32 = 2 * load<f32>(frame.weight + (<usize>row << 2)) * <f32>n;
  moveRow(optimizer, side, row, pitch, gradient, slope, penalty, room);
}

@inline
function sumOf(at: usize, columns: u32): f32 {
  let sum: f32 = 0;
  for (let j: usize = 0; j < <usize>columns << 2; j += 4) sum += load<f32>(at + j);
  return sum;
}

/** From the gradient by a direction to that by what it is the direction of: by · (g − (g · x) x), x = scale · row. */
@inline
function project(gradient: usize, row: usize, scale: f32, by: f32, pitch: usize): void {
  const along = f32x4.splat(-dot(gradient, row, pitch) * scale * scale);
  const scales = f32x4.splat(by);
  for (let j: usize = 0; j < pitch; j += 16) {
    const across = madd(along, v128.load(row + j), v128.load(gradient + j));
    v128.store(gradient + j, f32x4.mul(scales, across));
  }
}

/** @param penalty what regularization · value is multiplied by in the gradient */
function moveRow(
  o: Optimizer,
  side: Side,
  row: u32,
  pitch: usize,
  gradient: usize,
  slope: f32,
  penalty: f32,
  room: usize,
): void {
  const at = <usize>row * pitch;
  const first = side.first ? side.first + at : 0;
  const second = side.second ? side.second + at : 0;
  move(o, side.value + at, gradient, first, second, 1, penalty * side.regularization, pitch);
  if (!side.bias) return;
  const one = <usize>row << 2;
  const biasFirst = side.biasFirst ? side.biasFirst + one : 0;
  const biasSecond = side.biasSecond ? side.biasSecond + one : 0;
  moveOne(o, side.bias + one, slope, biasFirst, biasSecond, 1, penalty * side.biasRegularization, room);
}

/** One block of candidates, or a share of the other right rows that the batch touched. */
function moveRight(frame: Frame, batch: u32, unit: u32, scratch: usize): void {
  const pitch = <usize>frame.pitch;
  const rows = rowsOf(frame, batch);
  const room = scratch + <usize>TILE * pitch + (<usize>frame.columns << 2);
  const optimizer = stepOf(frame, batch, room + 64);
  if (unit === 0) addLosses(frame, rows);
  const blocks = frame.columns / BLOCK;
  if (unit >= blocks) {
    const touched = load<u32>(frame.touched);
    const from = <u32>((<u64>touched * (unit - blocks)) / TOUCHED_UNITS);
    const to = <u32>((<u64>touched * (unit - blocks + 1)) / TOUCHED_UNITS);
    for (let i = from; i < to; i++) {
      clear(scratch, pitch);
      moveRightRow(frame, batch, optimizer, load<u32>(frame.touched + 64 + (<usize>i << 2)), scratch, 0, 0, room);
    }
    return;
  }
  const share = candidateShare(frame, batch, rows);
  const columnPanels = frame.leftPanel + <usize>frame.panelRows * pitch;
  const panelBytes = <usize>frame.panelRows * PANEL_BYTES;
  for (let c = unit * BLOCK; c < (unit + 1) * BLOCK; c += TILE) {
    const coefficients = frame.coefficients + (<usize>c << 2);
    for (let k: usize = 0; k < pitch; k += PANEL_BYTES) {
      const panel = columnPanels + (k / PANEL_BYTES) * panelBytes;
      product(coefficients, 4, frame.coefficientPitch, rows, panel, scratch + k, pitch);
    }
    for (let i: u32 = 0; i < TILE && c + i < frame.candidateCount; i++) {
      const row = load<u32>(frame.candidates + (<usize>(c + i) << 2));
      let slope: f32 = 0;
      if (rightOf(frame).bias) {
        for (let place: u32 = 0; place < rows; place++) {
          slope += load<f32>(coefficients + <usize>place * frame.coefficientPitch + (<usize>i << 2));
        }
      }
      moveRightRow(frame, batch, optimizer, row, scratch + <usize>i * pitch, slope, share, room);
    }
  }
}

function addLosses(frame: Frame, rows: u32): void {
  let sum = load<f64>(frame.sums);
  for (let place: usize = 1; place <= <usize>rows; place++) sum += load<f64>(frame.sums + (place << 3));
  store<f64>(frame.sums, sum);
}

/** What each candidate pays for the batch's entries: Σ weight · n / candidates. */
function candidateShare(frame: Frame, batch: u32, rows: u32): f32 {
  let sum: f64 = 0;
  for (let place: u32 = 0; place < rows; place++) {
    const weight = load<f32>(frame.weight + (<usize>leftRow(frame, batch, place) << 2));
    sum += <f64>weight * entriesOf(frame, place);
  }
  return <f32>(sum / <f64>frame.candidateCount);
}

/** @param gradient, slope what it brings as a candidate @param share of the penalty likewise */
function moveRightRow(
  frame: Frame,
  batch: u32,
  optimizer: Optimizer,
  row: u32,
  gradient: usize,
  slope: f32,
  share: f32,
  room: usize,
): void {
  const pitch = <usize>frame.pitch;
  const at = <usize>row << 2;
  const side = rightOf(frame);
  for (let e = load<u32>(frame.head + at); e !== 0; e = load<u32>(frame.next + (<usize>(e - 1) << 2))) {
    const own = load<f32>(frame.entry + (<usize>(e - 1) << 2));
    const place = load<u32>(frame.entryRow + (<usize>(e - 1) << 2));
    const left = leftRow(frame, batch, place);
    addTimes(own, frame.leftPanel + <usize>place * pitch, gradient, pitch);
    if (frame.historyWeight) addTimes(historyWeightOf(frame, left), gradientOf(frame, place), gradient, pitch);
    slope += own;
    share += load<f32>(frame.weight + (<usize>left << 2));
  }
  store<u32>(frame.head + at, 0);
  const scale = scaleOf(frame, row);
  if (frame.cosine) project(gradient, side.value + <usize>row * pitch, scale, scale, pitch);
  moveRow(optimizer, side, row, pitch, gradient, slope, 2 * share, room);
  if (frame.cosine) measure(frame, row);
}
