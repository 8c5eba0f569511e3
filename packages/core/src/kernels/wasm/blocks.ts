/** Descent in blocks on a WebAssembly memory: problems in terms of arrays in, a frame and jobs out. The frame is assembly/blocks.ts. */
import { nextTurn, turnIsOver } from "../../support/index.ts";
import { checkBlockEpochs, checkShuffle } from "../block-checks.ts";
import { BLOCK_SCRATCH, type BlockEpochs, type BlockProblem, type BlockSide, blockLosses } from "../blocks.ts";
import { shuffleEntries } from "../reference/blocks.ts";
import * as plan from "./plan.ts";
import type { Runner } from "./runner.ts";

/** Bytes before the two sides, and of a side. */
const FRAME_BYTES = 80;
const SIDE_BYTES = 32;

/** Entries between looks at the clock: a millisecond or less. */
const SHUFFLED_TOGETHER = 8192;

/** Multiply-adds that the drawing and swapping of an entry takes as long as. */
const SHUFFLE_COST = 40;

export async function shuffleBlocks(
  runner: Runner,
  problem: Pick<BlockProblem, "grid" | "blockStart" | "record">,
  group: number,
  seed: number,
): Promise<void> {
  checkShuffle(problem, group, seed);
  const { blockStart, record } = problem;
  if (runner.source(record).buffer !== 0) return shuffleHere(problem, group, seed);
  const args = [runner.address(blockStart), runner.address(record), group, seed];
  await runner.run("shuffleBlocks", args, blockStart.length - 1, (SHUFFLE_COST * record.length) / 2);
}

/** Records outside of the memory are swapped where they lie, by this thread, with turns between. */
async function shuffleHere(
  { blockStart, record }: Pick<BlockProblem, "blockStart" | "record">,
  group: number,
  seed: number,
): Promise<void> {
  for (let block = 0; block + 1 < blockStart.length; block++) {
    const end = blockStart[block + 1];
    for (let from = blockStart[block]; from < end; ) {
      from = shuffleEntries(record, from, end, group, seed, SHUFFLED_TOGETHER);
      if (turnIsOver()) await nextTurn();
    }
  }
}

export async function blockEpochs(
  runner: Runner,
  problem: BlockProblem,
  epochs: BlockEpochs,
  sums: Float64Array,
): Promise<void> {
  checkBlockEpochs(problem, epochs, sums);
  plan.checkScratch("blockEpochs", 4 * BLOCK_SCRATCH, runner.sizes.scratchBytes);
  const { grid, left, record, work } = problem;
  const frame = runner.address(work.blockFrame);
  writeFrame(runner, problem, epochs, sums.length);
  work.blockTickets.fill(0);
  const blocks = grid.leftBlocks * grid.rightBlocks;
  const cost = sums.length * (record.length / 2) * (4 * left.table.stride + 64);
  const { threads, spread } = runner.settings;
  if (threads === 1 || (!spread && plan.isShort(cost))) {
    await runner.runInOrder("blocksInOrder", [frame], sums.length * blocks, cost);
  } else {
    await runner.run("blocksTogether", [frame], threads, cost);
  }
  for (let epoch = 0; epoch < sums.length; epoch++) {
    let sum = 0;
    for (let block = 0; block < blocks; block++) sum += work.blockSums[epoch * blocks + block];
    sums[epoch] = sum;
  }
}

function writeFrame(runner: Runner, problem: BlockProblem, epochs: BlockEpochs, count: number): void {
  const { left, right, grid, stateWidth, work, loss, nonNegative } = problem;
  const { buffer, byteOffset } = work.blockFrame;
  const words = new Uint32Array(buffer, byteOffset, FRAME_BYTES / 4);
  const records = runner.source(problem.record);
  const shaped = nonNegative || left.regularizationL1 !== 0 || right.regularizationL1 !== 0;
  words.set([
    left.table.rank,
    4 * left.table.stride,
    plan.REAL_BYTES * stateWidth,
    grid.leftBlocks,
    grid.rightBlocks,
    runner.address(problem.blockStart),
    records.at,
    blockLosses.indexOf(loss),
    0,
    0,
    Number(nonNegative),
    Number(shaped),
    Number(problem.slowStart && epochs.done === 0),
    count,
    runner.address(epochs.rates),
    runner.address(epochs.order),
    runner.address(work.blockSums),
    runner.address(work.blockTickets),
    records.buffer,
  ]);
  new Float32Array(buffer, byteOffset, FRAME_BYTES / 4).set([problem.offset, problem.delta], 8);
  writeSide(runner, left, grid.leftRows, byteOffset + FRAME_BYTES);
  writeSide(runner, right, grid.rightRows, byteOffset + FRAME_BYTES + SIDE_BYTES);
}

function writeSide(runner: Runner, side: BlockSide, blockRows: number, at: number): void {
  const { table, state, biased, regularization, regularizationL1, biasRegularization } = side;
  const words = [runner.address(table.data), runner.address(state), table.rows, blockRows, Number(biased)];
  new Uint32Array(runner.block.buffer, at, words.length).set(words);
  const penalties = [regularization, regularizationL1, biasRegularization];
  new Float32Array(runner.block.buffer, at + 4 * words.length, penalties.length).set(penalties);
}
