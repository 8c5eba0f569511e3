/** Shapes of sampled gradients, checked once at the door of every backend; see checks.ts. */
import { LowrankError, show } from "../support/index.ts";
import { atLeast, checkEntries, exactly, whole } from "./checks.ts";
import { checkOptimizer, checkTableValue } from "./descent-checks.ts";
import type { Moved } from "./net.ts";
import { checkWork } from "./net-checks.ts";
import {
  mostEntries,
  type SampledBatches,
  type SampledLoss,
  type SampledProblem,
  type SampledSide,
  sampledSlots,
} from "./sampled.ts";

const WHO = "sampledBatches";

export function checkSampled(problem: SampledProblem, batches: SampledBatches): void {
  const { left, right, entries, weight, order, batchSize, candidates, cosine, work, seed } = problem;
  const [leftRows, rightRows] = [left.factors.table.rows, right.factors.table.rows];
  const { rank } = left.factors.table;
  const moved: [string, Moved][] = [];
  exactly(WHO, "right.rank", right.factors.table.rank, rank);
  for (const [name, side] of Object.entries({ left, right })) checkSide(name, side, cosine, moved);
  checkEntries(WHO, "entries", entries, leftRows);
  atLeast(WHO, "weight.length", weight.length, leftRows);
  if (problem.historyWeight !== undefined) {
    atLeast(WHO, "historyWeight.length", problem.historyWeight.length, leftRows);
  }
  if (problem.offset !== undefined) atLeast(WHO, "offset.length", problem.offset.length, rightRows);
  exactly(WHO, "order.length", order.length, leftRows);
  whole(WHO, "batchSize", batchSize, 1);
  whole(WHO, "candidates", candidates, 1);
  atLeast(WHO, "right rows, one for each of the candidates", rightRows, candidates);
  whole(WHO, "seed", seed, 0);
  checkLoss(problem.loss);
  const { optimizer, done, rates, from, to } = batches;
  checkOptimizer(WHO, optimizer, done, moved);
  whole(WHO, "from", from, 0);
  whole(WHO, "to", to, from);
  atLeast(WHO, "left rows / batchSize", Math.ceil(leftRows / batchSize), to);
  if (rates.length !== 1) exactly(WHO, "rates.length", rates.length, to - from);
  const sizes = { rightRows, rank, batchSize, candidates, entries: mostEntries(entries, batchSize) };
  checkWork(WHO, work, sampledSlots(sizes));
}

function checkSide(name: string, side: SampledSide, cosine: boolean, moved: [string, Moved][]): void {
  const { factors, bias, regularization, biasRegularization } = side;
  checkTableValue(WHO, `${name}.factors`, factors.value, factors.table);
  moved.push([`${name}.factors`, factors]);
  atLeast(WHO, `${name}.regularization`, regularization, 0);
  atLeast(WHO, `${name}.biasRegularization`, biasRegularization, 0);
  if (cosine && (bias !== undefined || regularization > 0)) {
    throw new LowrankError("shape", `${WHO}: ${name} has a bias or a penalty, and a cosine has neither`);
  }
  if (bias === undefined) return;
  exactly(WHO, `${name}.bias.value.length`, bias.value.length, factors.table.rows);
  moved.push([`${name}.bias`, bias]);
}

function checkLoss(loss: SampledLoss): void {
  const above0 = (what: string, got: number) => {
    if (got > 0) return;
    throw new LowrankError("shape", `${WHO}: ${what} must be above 0, got ${show(got)}`, { who: WHO, what, got });
  };
  if (loss.kind === "logistic") atLeast(WHO, "unobservedWeight", loss.unobservedWeight, 0);
  if (loss.kind === "bpr" && loss.hardestOf !== undefined) whole(WHO, "hardestOf", loss.hardestOf, 1);
  if (loss.kind === "warp") above0("margin", loss.margin);
  if ("temperature" in loss) above0("temperature", loss.temperature);
  if ("positiveTemperature" in loss && loss.positiveTemperature !== undefined)
    above0("positiveTemperature", loss.positiveTemperature);
}
