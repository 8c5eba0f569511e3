/**
 * A workspace on a WebAssembly memory: problems in terms of arrays in, jobs in terms of addresses out.
 *
 * Calls on one workspace run one after the other, because they share its scratch; those of different workspaces overlap.
 */
import { LowrankError } from "../../support/index.ts";
import { checkPairs } from "../checks.ts";
import type { Layout, PairProblem, Workspace } from "../kernels.ts";
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
import { encode, topN } from "./top-n.ts";

/** Workspaces from this size on start the workers at once: a job for them is likely to follow. */
const WARM_BYTES = 4 * 2 ** 20;

export function openWorkspace<L extends Layout>(layout: L, settings: Settings): Workspace<L> {
  const sizes = plan.planLayout(layout, settings.threads, settings.mostBytes);
  const outside = [...sizes.outside.values()];
  const block = takeBlock(sizes.bytes, outside, settings.threads > 1, settings.module, forgetBlock);
  const apart = new Map([...sizes.outside.keys()].map((name, i) => [name, block.outside[i]] as const));
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
    at: placeArrays(layout, block.buffer, sizes.arrays, plan.REAL_BYTES, apart),
    gram: (table, out) => next(() => gram(runner, table, out)),
    solveRows: (problem, solver) => next(() => solveRows(runner, problem, solver)),
    rowLoss: (problem, out) => next(() => rowLoss(runner, problem, out)),
    rowGradients: (problem, out) => next(() => rowGradients(runner, problem, out)),
    encode: (problem) => next(() => encode(runner, problem)),
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
