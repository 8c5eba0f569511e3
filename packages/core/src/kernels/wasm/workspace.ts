/**
 * A workspace on a WebAssembly memory: problems in terms of arrays in, jobs in terms of addresses out.
 *
 * Calls on one workspace run one after the other, because they share its scratch; those of different workspaces overlap.
 */
import { LowrankError } from "../../support/index.ts";
import { checkPairs, checkTopN } from "../checks.ts";
import type { Layout, PairProblem, TopNProblem, Workspace } from "../kernels.ts";
import { placeArrays } from "../layout.ts";
import { blockEpochs, shuffleBlocks } from "./blocks.ts";
import * as descent from "./descent.ts";
import { giveBack, takeBlock } from "./memory.ts";
import { netBatches, netPairs, netScores } from "./net.ts";
import { nonNegativeRoutines } from "./nonnegative.ts";
import * as plan from "./plan.ts";
import { forgetBlock, warmPool } from "./pool.ts";
import { productRoutines } from "./products.ts";
import { gram, pitchOf, rowGradients, rowLoss, solveRows } from "./rows.ts";
import { Runner, type Settings } from "./runner.ts";
import { sampledBatches } from "./sampled.ts";
import { squareRoutines } from "./squares.ts";

/** Queries of a block of top-n: packing a chunk of items is paid once per block and should be a few percent of it. */
const MOST_BLOCK = 192;
const TILE = 6;

/** Workspaces from this size on start the workers at once: a job for them is likely to follow. */
const WARM_BYTES = 4 * 2 ** 20;

export function openWorkspace<L extends Layout>(layout: L, settings: Settings): Workspace<L> {
  const sizes = plan.planLayout(layout, settings.threads);
  const block = takeBlock(sizes.bytes, settings.threads > 1, settings.module, forgetBlock);
  if (settings.threads > 1 && sizes.bytes >= WARM_BYTES) warmPool(settings.threads);
  const runner = new Runner(block, sizes, settings);
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;
  const next = <T>(call: () => Promise<T>): Promise<T> => {
    if (closed) return Promise.reject(new LowrankError("closed", "wasm: this workspace is closed; open another"));
    const result = last.then(call);
    last = result.catch(() => {});
    return result;
  };
  return {
    at: placeArrays(layout, block.buffer, sizes.arrays, plan.REAL_BYTES),
    gram: (table, out) => next(() => gram(runner, table, out)),
    solveRows: (problem, solver) => next(() => solveRows(runner, problem, solver)),
    rowLoss: (problem, out) => next(() => rowLoss(runner, problem, out)),
    rowGradients: (problem, out) => next(() => rowGradients(runner, problem, out)),
    topN: (problem) => next(() => topN(runner, problem)),
    pairs: (problem) => next(() => pairs(runner, problem)),
    netBatches: (problem, batches) => next(() => netBatches(runner, problem, batches)),
    netScores: (problem) => next(() => netScores(runner, problem)),
    netPairs: (problem) => next(() => netPairs(runner, problem)),
    sampledBatches: (problem, batches) => next(() => sampledBatches(runner, problem, batches)),
    ...productRoutines(runner, next),
    ...squareRoutines(runner, next),
    ...nonNegativeRoutines(runner, next),
    loss: (problem) => next(() => descent.loss(runner, problem)),
    gradients: (problem) => next(() => descent.gradients(runner, problem)),
    descend: (problem, steps, losses) => next(() => descent.descend(runner, problem, steps, losses)),
    epochs: (problem, settings, sums) => next(() => descent.epochs(runner, problem, settings, sums)),
    shuffleBlocks: (problem, group, seed) => next(() => shuffleBlocks(runner, problem, group, seed)),
    blockEpochs: (problem, settings, sums) => next(() => blockEpochs(runner, problem, settings, sums)),
    close() {
      if (closed) return;
      closed = true;
      void last.then(() => giveBack(block, forgetBlock));
    },
  };
}

async function topN(runner: Runner, problem: TopNProblem): Promise<void> {
  checkTopN(problem);
  const { query, queries, items, itemBias, excluded, allowed, n } = problem;
  if (query.length === 0) return;
  plan.checkScratch("topN", plan.topNScratchBytes(items.rows, items.rank), runner.sizes.scratchBytes);
  const { threads } = runner.settings;
  const share = Math.ceil(query.length / (threads === 1 ? 1 : 4 * threads));
  const blockSize = Math.min(MOST_BLOCK, TILE * Math.ceil(share / TILE));
  const chunkSize = plan.topNChunk(items.rows, items.rank);
  const chunks = Math.ceil(items.rows / chunkSize);
  const args = [
    runner.address(query),
    runner.address(queries.data),
    runner.address(items.data),
    runner.address(itemBias),
    runner.address(excluded?.start),
    runner.address(excluded?.index),
    runner.address(allowed),
    n,
    runner.address(problem.item),
    runner.address(problem.score),
    runner.address(problem.listed),
    query.length,
    items.rows,
    blockSize,
    chunkSize,
    items.rank,
    pitchOf(items),
  ];
  const cost = query.length * items.rows * (items.stride + 16);
  await runner.run("topN", args, chunks * Math.ceil(query.length / blockSize), cost, chunks);
}

async function pairs(runner: Runner, problem: PairProblem): Promise<void> {
  checkPairs(problem);
  const { left, right, leftRow, rightRow, out } = problem;
  const args = [
    runner.address(left.data),
    runner.address(right.data),
    runner.address(leftRow),
    runner.address(rightRow),
    runner.address(out),
    pitchOf(left),
  ];
  await runner.run("pairs", args, leftRow.length, leftRow.length * (left.stride + 16));
}
