/**
 * Descent problems as the kernels read them: one record in memory, field by field as assembly/descent-record.ts has them.
 * A problem of this workspace's arrays in, the record's address out.
 */
import {
  type BatchProblem,
  type DescentProblem,
  type DescentSide,
  type Epochs,
  entryByEntry,
  type FullProblem,
  type Objective,
  type Steps,
} from "../descent.ts";
import { OPTIMIZER_BYTES, writeOptimizer } from "./optimizer.ts";
import { DESCENT_RECORD_BYTES } from "./plan.ts";
import type { Runner } from "./runner.ts";

const SIDE_BYTES = 64;
const SIDE_WORDS = 14;
const WORDS = 22;
/** Behind the optimizer: words, one float, four bytes that align the doubles */
const DOUBLES_AT = 4 * (WORDS + 2);
/** Bytes that are written here; what follows is the kernels' own and begins as zeros. */
export const GIVEN_BYTES = 2 * SIDE_BYTES + OPTIMIZER_BYTES + DOUBLES_AT + 8 * 2;
/** Where the kernels count the steps or epochs they have made. */
const MADE_AT = GIVEN_BYTES + 8;

const OBJECTIVES: Record<Objective, number> = { norm: 0, sum: 1, half: 2, mean: 3 };

/** What differs between the routines; words that a routine has no use for are 0. */
interface Words {
  error?: number;
  steps?: number;
  rates?: number;
  losses?: number;
  leftRow?: number;
  order?: number;
  orderStep?: number;
  ratesByBatch?: number;
  batchSize?: number;
  batches?: number;
  alternately?: number;
  entryByEntry?: number;
  touched?: number;
  errors?: number;
  complete?: number;
}

/** What a side has beside its numbers. */
interface SideWords {
  start?: number;
  index?: number;
  place?: number;
  sums?: number;
  share?: number;
}

/** @param steps undefined for what moves nothing */
export function writeFull(runner: Runner, problem: FullProblem, steps?: Steps, losses?: Float64Array): number {
  const { left, right, entries, across, place, complete, error, rowSum } = problem;
  const sums = runner.address(rowSum);
  const leftWords = { start: runner.address(entries.start), index: runner.address(entries.index), sums };
  const rightWords = {
    start: runner.address(across?.start),
    index: runner.address(across?.index),
    place: runner.address(place),
    sums: sums + 16 * left.factors.table.rows,
  };
  const words = {
    error: runner.address(error),
    complete: Number(complete),
    steps: losses?.length ?? 0,
    rates: runner.address(steps?.rates),
    losses: runner.address(losses),
  };
  const sides = [sideWords(runner, left, leftWords), sideWords(runner, right, rightWords)];
  return writeRecord(runner, problem, sides, words, steps);
}

export function writeBatches(runner: Runner, problem: BatchProblem, epochs: Epochs, sums: Float64Array): number {
  const { left, right, entries, order, batchSize, share, touched } = problem;
  const count = countOf(problem);
  const shares = runner.address(share);
  const leftRows = left.factors.table.rows;
  const start = runner.address(entries.start);
  const leftWords = { start, index: runner.address(entries.index), share: shares };
  const rightWords = { share: shares + 4 * leftRows };
  const words = {
    rates: runner.address(epochs.rates),
    losses: runner.address(sums),
    leftRow: runner.address(problem.leftRow),
    order: runner.address(order),
    orderStep: order.length === count ? 0 : 4 * count,
    ratesByBatch: Number(epochs.rates.length !== sums.length),
    batchSize,
    batches: Math.ceil(count / batchSize),
    alternately: Number(problem.update === "alternately"),
    entryByEntry: Number(entryByEntry(batchSize, epochs)),
    touched: runner.address(touched),
    errors: shares + 4 * (leftRows + right.factors.table.rows),
  };
  const sides = [sideWords(runner, left, leftWords), sideWords(runner, right, rightWords)];
  return writeRecord(runner, problem, sides, words, epochs);
}

/** Steps or epochs that the kernels have made since the record was written. */
export function stepsMade(runner: Runner): number {
  return new Uint32Array(runner.block.buffer, runner.sizes.record + MADE_AT, 1)[0];
}

const countOf = ({ left, entries }: DescentProblem) => entries.start[left.factors.table.rows];

interface SideRecord {
  readonly words: readonly number[];
  readonly floats: readonly [number, number];
}

function sideWords(runner: Runner, side: DescentSide, words: SideWords): SideRecord {
  const { factors, bias } = side;
  const { start = 0, index = 0, place = 0, sums = 0, share = 0 } = words;
  const addresses = [factors, bias].flatMap((numbers) =>
    [numbers?.value, numbers?.gradient, numbers?.first, numbers?.second].map((array) => runner.address(array)),
  );
  return {
    words: [factors.table.rows, ...addresses, start, index, place, sums, share],
    floats: [side.regularization, side.biasRegularization],
  };
}

function writeRecord(
  runner: Runner,
  problem: DescentProblem,
  sides: readonly SideRecord[],
  words: Words,
  steps: Steps | Epochs | undefined,
): number {
  const { buffer } = runner.block;
  const { record } = runner.sizes;
  new Uint8Array(buffer, record, DESCENT_RECORD_BYTES).fill(0);
  for (const [i, { words, floats }] of sides.entries()) {
    new Uint32Array(buffer, record + i * SIDE_BYTES, SIDE_WORDS).set(words);
    new Float32Array(buffer, record + i * SIDE_BYTES + 4 * SIDE_WORDS, 2).set(floats);
  }
  const { left, right, objective } = problem;
  const penalized = [left, right].some(
    ({ regularization, bias, biasRegularization }) =>
      regularization !== 0 || (bias !== undefined && biasRegularization !== 0),
  );
  if (steps !== undefined) writeOptimizer(buffer, record + 2 * SIDE_BYTES, steps.optimizer);
  const rest = record + 2 * SIDE_BYTES + OPTIMIZER_BYTES;
  new Uint32Array(buffer, rest, WORDS).set([
    4 * left.factors.table.stride,
    16 * Math.ceil(left.factors.table.rank / 4),
    countOf(problem),
    runner.address(problem.value),
    words.error ?? 0,
    words.complete ?? 0,
    OBJECTIVES[objective],
    Number(penalized),
    Number(steps?.clipNorm !== undefined),
    words.steps ?? 0,
    words.rates ?? 0,
    words.losses ?? 0,
    words.leftRow ?? 0,
    words.order ?? 0,
    words.orderStep ?? 0,
    words.ratesByBatch ?? 0,
    words.batchSize ?? 0,
    words.batches ?? 0,
    words.alternately ?? 0,
    words.entryByEntry ?? 0,
    words.touched ?? 0,
    words.errors ?? 0,
  ]);
  new Float32Array(buffer, rest + 4 * WORDS, 1)[0] = problem.offset;
  new Float64Array(buffer, rest + DOUBLES_AT, 2).set([steps?.clipNorm ?? 0, steps?.done ?? 0]);
  return record;
}
