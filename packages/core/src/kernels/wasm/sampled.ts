/** Sampled gradients on a WebAssembly memory: a problem in terms of arrays in, a frame and jobs out. The frame is assembly/sampled-frame.ts. */
import type { Moved } from "../net.ts";
import {
  coefficientStride,
  SAMPLED_JOB_BATCHES,
  type SampledBatches,
  type SampledLoss,
  type SampledProblem,
  type SampledSide,
  sampledPanels,
  sampledScratch,
} from "../sampled.ts";
import { checkSampled } from "../sampled-checks.ts";
import { writeOptimizer } from "./optimizer.ts";
import * as plan from "./plan.ts";
import type { Runner } from "./runner.ts";
import { Words } from "./words.ts";

/** Words of assembly/sampled-frame.ts. */
const OPTIMIZER_AT = 64;
const SIDES_AT = 80;

/**
 * Multiply-adds of one job of batches, between which the caller has its turn: some milliseconds where they are done on its own
 * thread, some dozens on workers.
 */
const JOB_HERE = 6e7;
const JOB_AWAY = 4e8;

/** Multiply-adds that the loss of a pair costs about as much as. */
const PAIR_COST = 24;

export async function sampledBatches(
  runner: Runner,
  problem: SampledProblem,
  batches: SampledBatches,
): Promise<number> {
  checkSampled(problem, batches);
  const { work, left, candidates } = problem;
  const { rank } = left.factors.table;
  plan.checkScratch("sampledBatches", plan.REAL_BYTES * sampledScratch(rank, candidates), runner.sizes.scratchBytes);
  const frame = runner.address(work.sampledFrame);
  const { threads } = runner.settings;
  const perBatch = batchCost(problem);
  const fitting = Math.floor((threads === 1 ? JOB_HERE : JOB_AWAY) / perBatch);
  const most = Math.max(1, Math.min(SAMPLED_JOB_BATCHES, fitting));
  work.sampledSums[0] = 0;
  const { from, to } = batches;
  for (let first = from; first < to && Number.isFinite(work.sampledSums[0]); first += most) {
    const count = Math.min(most, to - first);
    writeFrame(runner, problem, batches, first, count);
    if (first === from) begin(runner, problem, frame);
    work.sampledTickets.fill(0);
    await runner.run("sampledTrain", [frame], threads, count * perBatch);
  }
  return work.sampledSums[0];
}

/** What a call finds of an earlier one, or of one that failed half-way, is not its own. */
function begin(runner: Runner, { work }: SampledProblem, frame: number): void {
  for (const rows of [work.sampledPlace, work.sampledChains, work.sampledCandidates]) {
    runner.call("zero", [runner.address(rows), rows.byteLength]);
  }
  runner.call("sampledBegin", [frame]);
}

function hardestOf(loss: SampledLoss): number | undefined {
  return loss.kind === "bpr" ? loss.hardestOf : undefined;
}

/** Multiply-adds of a batch, about. */
function batchCost({ left, batchSize, candidates, entries, loss, historyWeight }: SampledProblem): number {
  const { stride, rows } = left.factors.table;
  const own = entries.start[rows] / Math.max(1, rows);
  const pairs = loss.kind === "bpr" ? own * (hardestOf(loss) ?? candidates) : candidates;
  const products = 3 * candidates + (historyWeight === undefined ? 6 : 9) * own;
  return Math.min(batchSize, rows) * (stride * products + PAIR_COST * pairs);
}

function writeFrame(
  runner: Runner,
  problem: SampledProblem,
  batches: SampledBatches,
  first: number,
  count: number,
): void {
  const { left, right, work, entries, batchSize, candidates } = problem;
  const { table } = left.factors;
  const { buffer, byteOffset } = work.sampledFrame;
  const panels = sampledPanels(batchSize, candidates);
  new Float64Array(buffer, byteOffset, 1)[0] = batches.done + first - batches.from;
  const words = new Words(work.sampledFrame);
  words.at = 2;
  words.words(table.rank, 4 * table.stride, table.rows, right.factors.table.rows);
  words.words(batchSize, panels.rows, candidates, panels.columns, 4 * coefficientStride(candidates), first, count);
  writeLoss(words, problem.loss, problem);
  const { sampledLeft, sampledRight, sampledChains } = work;
  const heads = runner.address(sampledChains);
  const arrays = [entries.start, entries.index, problem.weight, problem.order, work.sampledRates, work.sampledSums];
  for (const array of [...arrays, work.sampledTickets, sampledLeft, sampledRight]) words.words(runner.address(array));
  const { sampledCandidates, sampledPlace, sampledScale, sampledCoefficients } = work;
  const ofBatch = [sampledCandidates, sampledPlace, sampledScale, sampledCoefficients];
  for (const array of [...ofBatch, work.sampledEntry, work.sampledEntryRow, work.sampledNext]) {
    words.words(runner.address(array));
  }
  words.words(heads, heads + 4 * right.factors.table.rows);
  words.words(runner.address(work.sampledTouched), runner.address(work.sampledStarts));
  words.words(runner.address(problem.historyWeight), runner.address(problem.offset));
  words.words(runner.address(work.sampledLeftScale), hardestOf(problem.loss) ?? 0);
  writeOptimizer(buffer, byteOffset + 4 * OPTIMIZER_AT, batches.optimizer);
  words.at = SIDES_AT;
  for (const side of [left, right]) writeSide(runner, words, side);
  const { rates, from } = batches;
  if (rates.length === 1) work.sampledRates.fill(rates[0], 0, count);
  else work.sampledRates.set(rates.subarray(first - from, first - from + count));
}

/** Fields `loss` to `margin`. */
function writeLoss(words: Words, loss: SampledLoss, { cosine, seed }: SampledProblem): void {
  const kind = ["softmax", "bpr", "logistic", "warp"].indexOf(loss.kind);
  words.words(kind, cosine ? 1 : 0, seed);
  switch (loss.kind) {
    case "softmax":
      words.floats(loss.temperature, loss.positiveTemperature ?? 0, 0, 0);
      break;
    case "bpr":
      words.floats(loss.temperature, 0, 0, 0);
      break;
    case "logistic":
      words.floats(1, 0, loss.unobservedWeight, 0);
      break;
    case "warp":
      words.floats(1, 0, 0, loss.margin);
      break;
    default:
      loss satisfies never;
  }
}

function writeSide(runner: Runner, words: Words, side: SampledSide): void {
  for (const moved of [side.factors, side.bias]) {
    words.words(runner.address(moved?.value), momentAt(runner, moved?.first), momentAt(runner, moved?.second));
  }
  words.floats(side.regularization, side.biasRegularization);
}

function momentAt(runner: Runner, moment: Moved["first"] | undefined): number {
  return moment === undefined || moment.length === 0 ? 0 : runner.address(moment);
}
