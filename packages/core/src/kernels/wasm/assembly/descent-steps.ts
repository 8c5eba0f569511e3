/**
 * The steps of a descent with all entries, each of two phases over the rows (descent.ts says which are direct and which
 * buffered).
 *
 * First the direct rows move, when the errors and the buffered rows are still the old ones. Then each buffered row moves by
 * the gradient it was given before, gets its errors with the new direct rows, and from these its gradient for the next step,
 * while the rows it gathers are still in the cache. Clipping needs all gradients before anything moves, which makes one
 * more phase.
 */
import {
  bufferedOf,
  directOf,
  gradientLengths,
  lossOf,
  passBuffered,
  rawTile,
  roomIn,
  setScale,
  storeSums,
  sumOf,
  tileBias,
  tileIn,
  tilesOf,
  weightsIn,
} from "./descent";
import { TILE } from "./descent-complete";
import { moveRow } from "./descent-move";
import { leftOf, restOf, rightOf } from "./descent-record";
import { ERRORS, GRADIENT, rowErrors, rowPass } from "./descent-rows";
import { beginMove } from "./optimizer";
import { clear } from "./simd";
import { takeTicket, ticketDone, untilDone } from "./tickets";

/** Step `step` of this call begins: the optimizer's factors. */
export function beginStep(record: usize, step: u32): void {
  const d = restOf(record);
  beginMove(d, load<f64>(d.rates + (<usize>step << 3)), d.done + <f64>step + 1);
}

/** Scales all gradients down when they are longer than they may be: after `gradientLengths`. */
function clipGradients(record: usize): void {
  const d = restOf(record);
  const length = sqrt<f64>(sumOf(leftOf(record), 0) + sumOf(rightOf(record), 0));
  if (!(length > d.clipNorm)) return;
  d.scale = <f32>(<f64>d.scale * (d.clipNorm / length));
  d.own = <f32>(<f64>d.own * (d.clipNorm / length));
}

/** Direct tiles `from` to `to` - 1: gradients (unless clipping has made them), move, penalties. */
function moveDirect(record: usize, from: u32, to: u32, scratch: usize): void {
  const d = restOf(record);
  const side = directOf(record);
  const buffered = bufferedOf(record);
  const pitch = d.pitch;
  const all = <usize>side.rows;
  const tile = tileIn(scratch, pitch);
  const room = roomIn(scratch, pitch);
  const weights = weightsIn(scratch, pitch);
  clear(scratch, pitch);
  for (let row = <usize>from * TILE; row < min(<usize>to * TILE, all); row += TILE) {
    const rows = min(TILE, all - row);
    if (!d.clips && d.complete) rawTile(d, record, false, row, rows, scratch);
    for (let i: usize = 0; i < rows; i++) {
      let raw = tile + i * pitch;
      let bias: f32;
      if (d.clips) {
        raw = side.gradient + (row + i) * pitch;
        bias = side.bias ? load<f32>(side.biasGradient + ((row + i) << 2)) : 0;
      } else if (d.complete) {
        bias = tileBias(scratch, pitch, i);
      } else {
        rowPass(d, side, buffered, row + i, GRADIENT, raw, scratch, weights);
        bias = <f32>rowErrors;
      }
      moveRow(d, side, row + i, raw, bias, d.scale, d.own, room);
      if (d.penalized) storeSums(d, side, row + i, 0);
    }
  }
}

/** Buffered tiles `from` to `to` - 1: move, errors, and gradients for the next step unless `step` is this call's last. */
function moveBuffered(record: usize, step: u32, from: u32, to: u32, scratch: usize): void {
  const d = restOf(record);
  const side = bufferedOf(record);
  const pitch = d.pitch;
  const all = <usize>side.rows;
  const room = roomIn(scratch, pitch);
  const does: u32 = step + 1 < d.steps ? ERRORS | GRADIENT : ERRORS;
  clear(scratch, pitch);
  for (let row = <usize>from * TILE; row < min(<usize>to * TILE, all); row += TILE) {
    const rows = min(TILE, all - row);
    for (let i = row; i < row + rows; i++) {
      const bias: f32 = side.bias ? load<f32>(side.biasGradient + (i << 2)) : 0;
      moveRow(d, side, i, side.gradient + i * pitch, bias, d.scale, d.own, room);
    }
    passBuffered(record, row, rows, does, scratch);
  }
}

/** Step `step` of this call ends: its loss, and the factors of the next gradient. False when the loss is not finite. */
function endStep(record: usize, step: u32): bool {
  const d = restOf(record);
  const loss = lossOf(record);
  store<f64>(d.losses + (<usize>step << 3), loss);
  d.made = step + 1;
  d.stopped = !isFinite<f64>(loss);
  setScale(d);
  return !d.stopped;
}

/** Phases of a step, in order; the first two only with clipping. */
const enum Phase {
  LENGTHS,
  CLIP,
  DIRECT,
  BUFFERED,
  END,
}

/** Units of a phase: so many tiles each, or one that no other may go beside. */
function unitsOf(record: usize, phase: u32, grain: u32): u32 {
  if (phase == Phase.CLIP || phase == Phase.END) return 1;
  let tiles: u32 = 0;
  if (phase != Phase.DIRECT) tiles += tilesOf(bufferedOf(record));
  if (phase != Phase.BUFFERED) tiles += tilesOf(directOf(record));
  return (tiles + grain - 1) / grain;
}

function doUnit(record: usize, phase: u32, step: u32, unit: u32, grain: u32, scratch: usize): void {
  const from = unit * grain;
  if (phase == Phase.LENGTHS) {
    const all = tilesOf(bufferedOf(record)) + tilesOf(directOf(record));
    gradientLengths(record, from, min(from + grain, all), scratch);
  } else if (phase == Phase.CLIP) clipGradients(record);
  else if (phase == Phase.DIRECT) moveDirect(record, from, from + grain, scratch);
  else if (phase == Phase.BUFFERED) moveBuffered(record, step, from, from + grain, scratch);
  else if (endStep(record, step) && step + 1 < restOf(record).steps) beginStep(record, step + 1);
}

/**
 * Takes part in steps `first` to `first + count - 1` of this call until all are made.
 *
 * @param tickets 128 bytes (tickets.ts), zero at the begin of each such job
 * @param grain tiles of a unit
 */
export function descend(
  record: usize,
  tickets: usize,
  first: u32,
  count: u32,
  grain: u32,
  from: u32,
  to: u32,
  scratch: usize,
): void {
  const d = restOf(record);
  const begin: u32 = d.clips ? Phase.LENGTHS : Phase.DIRECT;
  let step = first;
  let phase = begin;
  let before: u32 = 0;
  let units = unitsOf(record, phase, grain);
  for (;;) {
    const ticket = takeTicket(tickets);
    while (ticket >= before + units) {
      before += units;
      phase = phase == Phase.END ? begin : phase + 1;
      if (phase == begin && ++step == first + count) return;
      units = unitsOf(record, phase, grain);
    }
    if (!untilDone(tickets, before)) return;
    // What follows a stop is not done, but counted: others may be waiting for it.
    if (!d.stopped) doUnit(record, phase, step, ticket - before, grain, scratch);
    ticketDone(tickets, before + units);
  }
}
