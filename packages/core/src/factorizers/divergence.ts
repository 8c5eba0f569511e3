/**
 * When a training has diverged, and the error that says so: one rule for every method. The figure of a pass comes in, with
 * what the run began at; an error with pass, row, learning rate and remedy goes out.
 *
 * A figure has diverged when it is no finite number, or more than `DIVERGED` times what the training began with. A method
 * whose steps do not grow with the gradient (adam, adagrad) comes to rest at numbers that are finite and mean nothing.
 */
import type { Model } from "../model/index.ts";
import { DivergenceError, show } from "../support/index.ts";
import { withUnit } from "./descent-unit.ts";
import type { Factorizer, Run } from "./factorizer.ts";
import type { WorstRow } from "./worst-row.ts";

/**
 * How many times its beginning a figure may be. What a rate too high reaches and still comes back from lies below: the farthest
 * of 110 trainings on MovieLens 100K (five optimizers, eleven rates, full batch and small ones) was 62,000, a squared error.
 */
const DIVERGED = 1e6;

/** What a run knows about why a pass diverged. */
export interface Blame {
  /** That the pass was made with; undefined for methods without one */
  readonly learningRate: number | undefined;
  readonly worst: WorstRow | undefined;
  /** What to set otherwise, beside a lower learning rate; such as `set clipping "norm"` */
  readonly further?: string | undefined;
}

/**
 * @param loss the figure of the run's `lossName` after the pass
 * @param pass counted from 1; 0 for the start
 * @param initialLoss the figure at the start, where that is known
 * @throws DivergenceError
 */
export function refuseDiverged<M extends Model>(
  loss: number,
  pass: number,
  initialLoss: number | undefined,
  run: Run<M>,
  method: Factorizer<M>,
): void {
  if (Number.isFinite(loss) && !isFar(loss, initialLoss, run)) return;
  const { learningRate, worst, further } = run.blame?.(pass) ?? { learningRate: undefined, worst: undefined };
  const word = method.passName.slice(0, -1);
  const began = pass === 0 || initialLoss === undefined ? "" : `, from ${short(initialLoss)} at the start`;
  const where = pass === 0 ? ` before the first ${word}` : ` in ${word} ${pass} of ${method.passes}`;
  const whose = worst === undefined ? "" : `: ${grown(worst)}`;
  throw new DivergenceError(
    `${method.name}: the ${run.lossName} became ${short(loss)}${where}${began}${whose}; ${remedy()}`,
    {
      method: method.name,
      pass,
      loss,
      ...(initialLoss === undefined ? {} : { initialLoss }),
      ...(learningRate === undefined ? {} : { learningRate }),
      ...(worst?.word === "user" || worst?.word === "item" ? { [worst.word]: worst.id } : {}),
    },
  );

  function remedy(): string {
    const check = "check the ratings for extreme values";
    if (pass === 0) return method.rank === undefined ? check : "start from smaller factors";
    if (learningRate === undefined)
      return method.options.regularization === undefined ? check : `raise regularization, or ${check}`;
    const lower = `lower learningRate (${learningRate.toPrecision(3)} in that ${word}${withUnit(run.options ?? {})})`;
    return `${lower}${further === undefined ? "" : `, or ${further}`}, and ${check}`;
  }
}

/**
 * A training that starts at the optimum may leave it: it is measured by predicting 0 then, if that is worse. That goes through all ratings,
 * so it is asked for last.
 */
function isFar(loss: number, initialLoss: number | undefined, run: Pick<Run, "zeroLoss">): boolean {
  if (initialLoss === undefined || !(loss > DIVERGED * initialLoss)) return false;
  const from = Math.max(initialLoss, run.zeroLoss ?? 0);
  return from > 0 && loss > DIVERGED * from;
}

function grown(worst: WorstRow): string {
  const who = worst.word === "layers" ? "the layers" : `${worst.word} ${show(worst.id)}`;
  if (!Number.isFinite(worst.size)) return `numbers of ${who} are no longer finite`;
  return `the largest numbers are those of ${who}, up to ${short(worst.size)}`;
}

function short(value: number): string {
  return Math.abs(value) < 1e6 ? String(Number(value.toPrecision(4))) : value.toPrecision(4);
}
