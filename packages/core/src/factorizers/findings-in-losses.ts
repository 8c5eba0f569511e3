/**
 * What the figures of a training say about it: losses and held-out figures in, findings out. Every judgement is relative, so
 * that it does not depend on the scale of the ratings, nor on the number of passes.
 */
import type { Model } from "../model/index.ts";
import { withUnit } from "./descent-unit.ts";
import type { Factorizer } from "./factorizer.ts";
import type { Finding } from "./findings.ts";
import { ratesOf } from "./schedules.ts";

/** The figures of a training so far. */
export interface LossCourse {
  readonly lossName: string;
  /** Before the first pass; undefined where the method does not know it */
  readonly initialLoss: number | undefined;
  /** What is next to nothing, without penalties; undefined where that is not known */
  readonly smallLoss?: number | undefined;
  readonly loss: readonly number[];
  readonly validation:
    | {
        readonly name: string;
        readonly better: "lower" | "higher";
        readonly values: readonly { readonly pass: number; readonly value: number }[];
        readonly bestPass: number;
        /** The model of the best pass is the one that is kept */
        readonly keepsBest: boolean;
      }
    | undefined;
}

/** A loss that has changed by less than this share has not moved. */
const FLAT = 1e-3;
/** Fewest passes in which going up and down can be told from settling. */
const SWINGING_PASSES = 10;
/** The loss jumps by this share of itself a pass, up and down. */
const SWING = 0.01;
/** Fewest passes that can be called too few: who asks for fewer knows. */
export const FEW_PASSES = 8;
/** A loss that has fallen by no more than this share of its start has come nowhere yet. */
const HARDLY = 0.1;
/** The second half falls at this share of the pace of the whole, at least: nothing is settling. */
const PACE = 0.7;
/** Held-out figures within this share of the best are as good. */
const HELD_OUT_WORSE = 0.02;

/** Whether a finding says that the training itself did not come to its end. */
export function isUnsettled({ code }: Finding): boolean {
  return ["loss-flat", "learning-rate-too-high", "too-few-passes", "starts-at-zero", "learned-nothing"].includes(code);
}

/**
 * @param options of the method, with the numbers that came of `auto`
 * @param isOver no pass is to come; a loss that has not moved is told before only from half of the passes on
 */
export function findingsInLosses(
  method: Factorizer<Model>,
  options: Factorizer<Model>["options"],
  course: LossCourse,
  isOver: boolean,
): Finding[] {
  const { loss, initialLoss, smallLoss = 0 } = course;
  if (loss.length === 0) return [];
  const findings: Finding[] = [];
  // Factors that cannot move are told of before the first pass, with another remedy.
  const mayMove = initialLoss !== undefined && initialLoss > smallLoss && method.startsAtZero !== true;
  if (mayMove && (isOver || isHalfWay(method, loss))) findings.push(...flatLoss(method, options, course));
  // Where nearly nothing is left, adaptive steps rise and fall by what is.
  if (options.learningRate !== undefined && !(loss[loss.length - 1] <= smallLoss))
    findings.push(...rateTooHigh(method, options, course));
  if (isOver && mayMove && findings.length === 0) findings.push(...tooFewPasses(method, options, course));
  findings.push(...heldOutTurned(method, course));
  return findings;
}

/** What an epoch loses on its way is of its beginning too: one or two say little. */
function isHalfWay(method: Factorizer<Model>, loss: readonly number[]): boolean {
  return loss.length > 2 && loss.length * 2 >= method.passes;
}

/** From before the first pass to the best one nothing to speak of: the training has done nothing. */
function flatLoss(
  method: Factorizer<Model>,
  options: Factorizer<Model>["options"],
  { lossName, initialLoss, loss }: LossCourse,
): Finding[] {
  if (initialLoss === undefined || !(initialLoss > 0)) return [];
  const { learningRate, regularization } = options;
  const last = loss[loss.length - 1];
  const best = loss.reduce((least, value) => Math.min(least, value), initialLoss);
  // Down and back up again is another finding, with the opposite remedy.
  if (initialLoss - best > FLAT * initialLoss || last - initialLoss > FLAT * initialLoss) return [];
  const word = method.passName.slice(0, -1);
  const hopeless = "if these ratings hold no pattern, nothing will help";
  const remedy =
    learningRate !== undefined
      ? `raise learningRate${now(learningRate, withUnit(options))} tenfold until the loss falls, then make more ${method.passName}`
      : regularization !== undefined
        ? `lower regularization${now(regularization)}; ${hopeless}`
        : hopeless;
  return [
    {
      code: "loss-flat",
      message: `the ${lossName} went from ${figure(initialLoss)} to ${figure(last)} in ${counted(loss.length, word)}: training has moved next to nothing`,
      remedy,
    },
  ];
}

/**
 * The loss has hardly moved, and falls at the end as fast as in the whole, measured by the learning rates that were made. A loss that has come far is
 * another matter: it may fall for ever, and what is learned then be by heart.
 */
function tooFewPasses(
  method: Factorizer<Model>,
  options: Factorizer<Model>["options"],
  { lossName, initialLoss, loss, validation }: LossCourse,
): Finding[] {
  const { learningRate } = options;
  if (initialLoss === undefined || validation !== undefined || typeof learningRate !== "number") return [];
  if (loss.length < FEW_PASSES || loss.length < method.passes) return [];
  const last = loss[loss.length - 1];
  const fell = initialLoss - last;
  if (fell > HARDLY * initialLoss) return [];
  const late = Math.ceil(loss.length / 2);
  const rates = ratesOf(method.name, learningRate, options as Parameters<typeof ratesOf>[2], loss.length);
  let [whole, since] = [0, 0];
  for (let pass = 1; pass <= loss.length; pass++) {
    whole += rates.at(pass);
    if (pass > late) since += rates.at(pass);
  }
  if (!(loss[late - 1] - last > PACE * fell * (since / whole))) return [];
  return [
    {
      code: "too-few-passes",
      message: `the ${lossName} is ${figure(last)} after ${counted(loss.length, method.passName.slice(0, -1))}, from ${figure(initialLoss)} at the start, and was falling as fast at the end as before`,
      remedy: `make more ${method.passName} (now ${method.passes}): small data take many`,
    },
  ];
}

/** Above its start, risen from its best, or up and down without settling. */
function rateTooHigh(
  method: Factorizer<Model>,
  options: Factorizer<Model>["options"],
  { lossName, initialLoss, loss }: LossCourse,
): Finding[] {
  const last = loss[loss.length - 1];
  const word = method.passName.slice(0, -1);
  let best = 0;
  for (let pass = 1; pass < loss.length; pass++) if (loss[pass] < loss[best]) best = pass;
  const said = (message: string, remedy: string): Finding[] => [{ code: "learning-rate-too-high", message, remedy }];
  const lower = `lower learningRate${now(options.learningRate, withUnit(options))} by a factor of 3 to 10`;
  if (initialLoss !== undefined && last > (1 + FLAT) * initialLoss) {
    return said(
      `the ${lossName} is ${figure(last)} after ${counted(loss.length, word)}, above the ${figure(initialLoss)} it started at`,
      lower,
    );
  }
  const isSwinging = method.lossIsDrawn !== true && swings(loss);
  const level = method.lossIsDrawn === true ? around(loss, loss.length - 1) : last;
  const lowest = method.lossIsDrawn === true ? around(loss, best) : loss[best];
  if (!isSwinging && level <= 1.1 * lowest) return [];
  if (isSwinging) {
    return said(
      `the ${lossName} goes up and down by more than ${100 * SWING} % per ${word} and does not settle (now ${figure(last)}, at best ${figure(loss[best])} after ${word} ${best + 1})`,
      `${lower}, or let it fall over the ${method.passName} (schedule "cosine")`,
    );
  }
  return said(
    `the ${lossName} was ${figure(loss[best])} after ${word} ${best + 1} and has risen to ${figure(last)} since`,
    lower,
  );
}

/** Mean of three passes about one, as far as there are: what is left of chance where every pass draws what it measures. */
function around(loss: readonly number[], pass: number): number {
  const from = Math.max(0, Math.min(pass - 1, loss.length - 3));
  const some = loss.slice(from, from + 3);
  return some.reduce((sum, one) => sum + one, 0) / some.length;
}

/** In the second half, at least a quarter of the passes rise, and the mean step up or down is large beside the loss. */
function swings(loss: readonly number[]): boolean {
  const steps = Math.floor(loss.length / 2);
  if (steps < SWINGING_PASSES) return false;
  let rises = 0;
  let moved = 0;
  let level = 0;
  for (let pass = loss.length - steps; pass < loss.length; pass++) {
    const step = loss[pass] - loss[pass - 1];
    if (step > 0) rises++;
    moved += Math.abs(step);
    level += Math.abs(loss[pass]);
  }
  return rises * 4 >= steps && moved > SWING * level;
}

/** Held-out figures got worse while the training figure got better, and the model of the last pass is kept. */
function heldOutTurned(method: Factorizer<Model>, { lossName, loss, validation }: LossCourse): Finding[] {
  if (validation === undefined || validation.keepsBest || validation.values.length < 2) return [];
  const { name, better, values, bestPass } = validation;
  const best = values.find(({ pass }) => pass === bestPass);
  const last = values[values.length - 1];
  if (best === undefined || best.pass === last.pass || last.pass > loss.length) return [];
  const worse = better === "lower" ? last.value - best.value : best.value - last.value;
  if (worse <= HELD_OUT_WORSE * Math.abs(best.value) || loss[last.pass - 1] >= loss[best.pass - 1]) return [];
  const word = method.passName.slice(0, -1);
  return [
    {
      code: "held-out-worse",
      message: `the ${name} was best after ${word} ${best.pass} (${figure(best.value)}) and is ${figure(last.value)} now, while the ${lossName} went on falling: what is learned since is the training ratings by heart`,
      remedy: "stop early (patience), raise regularization, or lower the rank",
    },
  ];
}

/** What a setting is, and what goes with it. Not known of `auto` before the first pass. */
export function now(value: unknown, beside = ""): string {
  return typeof value === "number" ? ` (now ${value}${beside})` : "";
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Six digits: a loss that hardly moved shows that it did. */
function figure(value: number): string {
  return String(Number(value.toPrecision(6)));
}
