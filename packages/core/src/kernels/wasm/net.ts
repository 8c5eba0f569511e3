/** Nets on a WebAssembly memory: problems in terms of arrays in, frames and jobs out. The frame is assembly/net-frame.ts. */

import { type RealTable, rowStride } from "../kernels.ts";
import {
  type Moved,
  NET_JOB_BATCHES,
  NET_TILE,
  type NetBatches,
  type NetPairsProblem,
  type NetPlaces,
  type NetProblem,
  type NetScoresProblem,
  type NetShape,
  netPlaces,
  netScratch,
  type ScoringNet,
  shardSize,
} from "../net.ts";
import { checkNetBatches, checkNetPairs, checkNetScores } from "../net-checks.ts";
import { writeOptimizer } from "./optimizer.ts";
import * as plan from "./plan.ts";
import type { Runner } from "./runner.ts";

/** Words of assembly/net-frame.ts: a Frame, whose last 40 words are the two sides, then the layers. */
const FRAME_WORDS = 96;
const SIDE_WORDS = 20;
const LAYER_WORDS = 16;
/** The word of `first`, before `firstPitch`, `spare` and `step`; then that of `done`, and of the optimizer. */
const FIRST_AT = 29;
const DONE_AT = 34;
const OPTIMIZER_AT = 36;

/**
 * Multiply-adds of one job of batches, between which the caller has its turn: some milliseconds where they are done on its own
 * thread, some dozens on workers.
 */
const JOB_HERE = 6e7;
const JOB_AWAY = 4e8;

/** Touched rows that one unit moves. */
const ROWS_OF_UNIT = 64;
const MOST_ROW_UNITS = 8;

/** Floats of layers that one unit moves: LAYER_UNIT of assembly/net-train.ts. */
const LAYER_UNIT_FLOATS = 4096;

/** Right rows that one unit of `netScores` scores, a multiple of the tile. */
const CHUNK_ROWS = 8 * NET_TILE;

/** Writes words and floats of a frame one after another. */
class Words {
  readonly #words: Uint32Array;
  readonly #floats: Float32Array;
  at = 0;

  constructor(words: Uint32Array) {
    this.#words = words;
    this.#floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  }

  words(...values: readonly number[]): this {
    for (const value of values) this.#words[this.at++] = value;
    return this;
  }

  floats(...values: readonly number[]): this {
    for (const value of values) this.#floats[this.at++] = value;
    return this;
  }
}

const NO_MOMENTS = new Float32Array(0);

/** The words that scoring and training share: fields `rank` to `offset` of a Frame. */
function writeNet(runner: Runner, words: Words, shape: NetShape, layers: Moved, offset: number): void {
  const { top, product, bias, length } = netPlaces(shape);
  const { rank, hidden } = shape;
  words.at = 0;
  words.words(rank, 4 * rowStride(rank), hidden.length, shape.product ? 1 : 0);
  words.words(
    runner.address(layers.value),
    momentAt(runner, layers.first),
    momentAt(runner, layers.second),
    4 * length,
  );
  words.words(4 * top, 4 * (product ?? 0), 4 * bias).floats(offset);
}

function momentAt(runner: Runner, moment: Moved["first"]): number {
  return moment.length === 0 ? 0 : runner.address(moment);
}

/** Layers with their places in a thread's scratch. */
function writeLayers(words: Words, shape: NetShape, places: NetPlaces, transposed: number): void {
  let scratch = 4 * NET_TILE * 2 * rowStride(shape.rank);
  let transposedAt = transposed;
  words.at = FRAME_WORDS;
  for (const [l, { inputs, outputs, stride, weight, bias }] of places.layers.entries()) {
    const tile = 4 * NET_TILE * stride;
    words.at = FRAME_WORDS + l * LAYER_WORDS;
    words.words(inputs, 4 * stride, outputs, 4 * weight, 4 * bias, transposedAt, 4 * rowStride(inputs));
    words.words(scratch, scratch + tile);
    scratch += 2 * tile;
    transposedAt += 4 * outputs * rowStride(inputs);
  }
}

export async function netBatches(runner: Runner, problem: NetProblem, batches: NetBatches): Promise<number> {
  checkNetBatches(problem, batches);
  checkScratch(runner, "netBatches", problem.shape);
  const { work, order, batchSize, shape } = problem;
  const { from, to } = batches;
  const frame = runner.address(work.netFrame);
  const sums = work.netSums;
  sums[0] = 0;
  const { threads } = runner.settings;
  const perEntry = multiplyAdds(shape);
  const perBatch = perEntry * Math.min(batchSize, order.length) + 3 * netPlaces(shape).length;
  const most = Math.max(1, Math.min(NET_JOB_BATCHES, Math.floor((threads === 1 ? JOB_HERE : JOB_AWAY) / perBatch)));
  for (let first = from; first < to && Number.isFinite(sums[0]); first += most) {
    const count = Math.min(most, to - first);
    writeTraining(runner, problem, batches, first, count);
    if (first === from) begin(runner, problem, frame);
    work.netTickets.fill(0);
    await runner.run("netTrain", [frame], threads, count * perBatch);
  }
  return sums[0];
}

/** What a call finds of an earlier one, or of one that failed half-way, is not its own. */
function begin(runner: Runner, { work }: NetProblem, frame: number): void {
  for (const rows of [work.netLeftRows, work.netRightRows])
    runner.call("zero", [runner.address(rows), rows.byteLength]);
  runner.call("netTranspose", [frame]);
}

/** Multiply-adds of an entry, forward and twice backward. */
function multiplyAdds({ rank, hidden }: NetShape): number {
  let inputs = 2 * rowStride(rank);
  let sum = 8 * inputs;
  for (const outputs of hidden) {
    sum += inputs * rowStride(outputs);
    inputs = rowStride(outputs);
  }
  return 3 * sum;
}

function writeTraining(runner: Runner, problem: NetProblem, batches: NetBatches, first: number, count: number): void {
  const { shape, layers, offset, work, order, batchSize, value, layerRegularization } = problem;
  const words = new Words(work.netFrame);
  const places = netPlaces(shape);
  const pitch = 4 * rowStride(shape.rank);
  writeNet(runner, words, shape, layers, offset);
  words.words(runner.address(value), runner.address(order), order.length, batchSize, shardSize(batchSize));
  words.words(first, count);
  words.words(Math.max(1, Math.min(MOST_ROW_UNITS, Math.ceil(batchSize / ROWS_OF_UNIT))));
  words.words(Math.ceil(places.length / LAYER_UNIT_FLOATS));
  words.words(runner.address(work.netShards), runner.address(work.netRows), (shape.product ? 4 : 2) * pitch);
  words.words(runner.address(work.netErrors), runner.address(work.netSums), runner.address(work.netRates));
  words.words(runner.address(work.netTickets)).floats(layerRegularization);
  const scratch = netScratch(shape);
  writeLayers(words, shape, places, runner.address(work.netTransposed));
  words.at = FIRST_AT;
  words.words(0, 0, 4 * scratch.spare, 4 * scratch.optimizer);
  const { buffer, byteOffset } = work.netFrame;
  new Float64Array(buffer, byteOffset + 4 * DONE_AT, 1)[0] = batches.done + first - batches.from;
  writeOptimizer(buffer, byteOffset + 4 * OPTIMIZER_AT, batches.optimizer);
  writeSides(runner, words, problem);
  const { rates, from } = batches;
  if (rates.length === 1) work.netRates.fill(rates[0], 0, count);
  else work.netRates.set(rates.subarray(first - from, first - from + count));
}

function writeSides(runner: Runner, words: Words, problem: NetProblem): void {
  const { work, batchSize } = problem;
  const chains = runner.address(work.netChains);
  for (const [s, side] of [problem.left, problem.right].entries()) {
    const { factors, product, bias, row, regularization, biasRegularization } = side;
    const rows = runner.address(s === 0 ? work.netLeftRows : work.netRightRows);
    const chain = chains + s * 4 * (2 * batchSize + 16);
    words.at = FRAME_WORDS - (2 - s) * SIDE_WORDS;
    for (const moved of [factors, product, bias]) {
      words.words(runner.address(moved?.value));
      words.words(momentAt(runner, moved?.first ?? NO_MOMENTS), momentAt(runner, moved?.second ?? NO_MOMENTS));
    }
    words.words(runner.address(row), rows, rows + 4 * factors.table.rows, chain, chain + 4 * batchSize);
    words.floats(regularization, biasRegularization).words(s * 4 * problem.shape.rank);
  }
}

/**
 * Everything that scoring reads.
 *
 * @param first for scores of all right rows, what these bring to the first layer
 * @param rows for pairs, per side the row of each
 */
function writeScorer(
  runner: Runner,
  { shape, left, right, layers, offset }: ScoringNet,
  frame: Uint32Array,
  { first, rows }: { first?: RealTable; rows?: readonly [Uint32Array, Uint32Array] },
): void {
  const words = new Words(frame);
  frame.fill(0);
  writeNet(runner, words, shape, { value: layers, first: NO_MOMENTS, second: NO_MOMENTS }, offset);
  writeLayers(words, shape, netPlaces(shape), 0);
  words.at = FIRST_AT;
  words.words(runner.address(first?.data), 4 * (first?.stride ?? 0), 4 * netScratch(shape).spare);
  for (const [s, { table, product, bias }] of [left, right].entries()) {
    words.at = FRAME_WORDS - (2 - s) * SIDE_WORDS;
    words.words(runner.address(table.data), 0, 0, runner.address(product?.data), 0, 0, runner.address(bias), 0, 0);
    words.words(runner.address(rows?.[s]));
  }
}

export async function netScores(runner: Runner, problem: NetScoresProblem): Promise<void> {
  checkNetScores(problem);
  checkScratch(runner, "netScores", problem.shape);
  const { query, out, shape, right, work } = problem;
  const { rows } = right.table;
  if (query.length === 0 || rows === 0) return;
  writeScorer(runner, problem, work.netFrame, { first: work.netFirst });
  const frame = runner.address(work.netFrame);
  const firstCost = rows * shape.rank * rowStride(shape.hidden[0]);
  await runner.run("netFirst", [frame, rows], Math.ceil(rows / NET_TILE), firstCost);
  const args = [frame, runner.address(query), runner.address(out), rows, CHUNK_ROWS];
  const cost = (query.length * rows * multiplyAdds(shape)) / 3;
  await runner.run("netScores", args, query.length * Math.ceil(rows / CHUNK_ROWS), cost);
}

export async function netPairs(runner: Runner, problem: NetPairsProblem): Promise<void> {
  checkNetPairs(problem);
  checkScratch(runner, "netPairs", problem.shape);
  const { leftRow, rightRow, out, shape, work } = problem;
  writeScorer(runner, problem, work.netFrame, { rows: [leftRow, rightRow] });
  const cost = (leftRow.length * multiplyAdds(shape)) / 3;
  const args = [runner.address(work.netFrame), runner.address(out), leftRow.length];
  await runner.run("netPairs", args, Math.ceil(leftRow.length / NET_TILE), cost);
}

function checkScratch(runner: Runner, who: string, shape: NetShape): void {
  plan.checkScratch(who, plan.REAL_BYTES * netScratch(shape).length, runner.sizes.scratchBytes);
}
