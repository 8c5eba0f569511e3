/**
 * Descent routines as jobs: steps in phases of rows on all threads, epochs in order on one. How a call is divided changes no
 * bit of its result.
 */

import type { BatchProblem, DescentProblem, Epochs, FullProblem, Steps } from "../descent.ts";
import { checkEpochs, checkFull, checkSteps } from "../descent-checks.ts";
import { stepsMade, writeBatches, writeFull } from "./descent-record.ts";
import * as plan from "./plan.ts";
import type { Runner } from "./runner.ts";

/** Left or right rows of a unit (TILE of assembly/descent-complete.ts). */
const TILE = 4;

/**
 * Multiply-adds of one job of steps, between which the caller has its turn: some milliseconds where they are done on its own
 * thread, some dozens on workers.
 */
const JOB_HERE = 6e7;
const JOB_AWAY = 4e8;

export async function loss(runner: Runner, problem: FullProblem): Promise<number> {
  checkFull("loss", problem);
  const { buffered, direct, cost } = sizesOf(runner, "loss", problem);
  const record = writeFull(runner, problem);
  await runner.run("makeErrors", [record], buffered, cost);
  await runner.run("makePenalties", [record], direct, 4 * direct * problem.right.factors.table.stride);
  return runner.call("lossOf", [record]) as number;
}

export async function gradients(runner: Runner, problem: FullProblem): Promise<void> {
  checkFull("gradients", problem);
  const { buffered, direct, cost } = sizesOf(runner, "gradients", problem);
  const record = writeFull(runner, problem);
  await runner.run("startGradients", [record], buffered, cost);
  runner.call("startScale", [record]);
  await runner.run("finishGradients", [record], buffered + direct, cost);
}

export async function descend(
  runner: Runner,
  problem: FullProblem,
  steps: Steps,
  losses: Float64Array,
): Promise<number> {
  checkSteps(problem, steps, losses);
  const { buffered, direct, cost } = sizesOf(runner, "descend", problem);
  const record = writeFull(runner, problem, steps, losses);
  await runner.run("startGradients", [record], buffered, cost);
  runner.call("startScale", [record]);
  runner.call("beginStep", [record, 0]);
  const { threads, spread } = runner.settings;
  const { tickets } = runner.sizes;
  const stepCost = 3 * cost;
  const perJob = Math.max(1, Math.floor((threads === 1 ? JOB_HERE : JOB_AWAY) / stepCost));
  const grain = spread ? 1 : plan.grainFor(buffered + direct, plan.milliseconds(stepCost));
  for (let first = 0; first < losses.length; first += perJob) {
    const count = Math.min(perJob, losses.length - first);
    new Uint8Array(runner.block.buffer, tickets, plan.TICKET_BYTES).fill(0);
    await runner.run("descend", [record, tickets, first, count, grain], threads, count * stepCost);
    if (stepsMade(runner) < first + count) break;
  }
  return stepsMade(runner);
}

export async function epochs(
  runner: Runner,
  problem: BatchProblem,
  settings: Epochs,
  sums: Float64Array,
): Promise<number> {
  checkEpochs(problem, settings, sums);
  checkScratch(runner, "epochs", problem);
  const { left, right, entries, batchSize, share, touched, rightCount } = problem;
  const leftRows = left.factors.table.rows;
  const rows = leftRows + right.factors.table.rows;
  const count = entries.start[leftRows];
  if (count === 0) {
    sums.fill(0);
    return sums.length;
  }
  for (let l = 0; l < leftRows; l++) share[l] = 1 / (entries.start[l + 1] - entries.start[l]);
  for (let r = 0; r < rightCount.length; r++) share[leftRows + r] = 1 / rightCount[r];
  touched.fill(0, 0, rows);
  const record = writeBatches(runner, problem, settings, sums);
  const units = Math.ceil(count / batchSize) * sums.length;
  const cost = count * sums.length * (3 * left.factors.table.stride + 64);
  await runner.runInOrder("epochs", [record], units, cost);
  return stepsMade(runner);
}

/** Units of each side (assembly/descent.ts), and the multiply-adds of one pass over the entries with one over the rows. */
function sizesOf(
  runner: Runner,
  who: string,
  problem: FullProblem,
): { buffered: number; direct: number; cost: number } {
  checkScratch(runner, who, problem);
  const { left, right, value, complete } = problem;
  const { rows, stride } = left.factors.table;
  const rightRows = right.factors.table.rows;
  const cost = (value.length + 4 * (rows + rightRows)) * (stride + 8);
  const tiles = [rows, rightRows].map((count) => Math.ceil(count / TILE));
  const [buffered, direct] = complete || rows <= rightRows ? tiles : tiles.reverse();
  return { buffered, direct, cost };
}

function checkScratch(runner: Runner, who: string, { left }: DescentProblem): void {
  plan.checkScratch(who, plan.descentScratchBytes(left.factors.table.rank), runner.sizes.scratchBytes);
}
