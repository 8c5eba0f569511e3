/**
 * Stochastic gradient descent, one rating at a time: r̂_ui = centre + b_u + b_i + x_u·y_i. In blocks, for data of any size, on all
 * threads and with adaptive rates (kernels/blocks.ts); or in one order of the ratings, by one rate:
 *
 *   e = r_ui − r̂_ui;   x_u += α (e y_i − λ/n_u x_u);   y_i += α (e x_u − λ/n_i y_i);   b_u += α (e − λ_b/n_u b_u);   b_i alike
 *
 * with α = learningRate, λ = regularization, λ_b = biasRegularization, n the number of ratings of the user or item: the
 * gradient of ½ [Σ e² + λ Σ |x_u|² + λ Σ |y_i|² + λ_b (Σ b_u² + Σ b_i²)], taken a rating at a time. Whether y_i is moved by
 * the old or the already moved x_u is the option `update`. Source: Funk 2006; Koren, Bell & Volinsky, IEEE Computer 2009.
 */
import type { Kernels } from "../kernels/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { asOptions } from "../support/index.ts";
import {
  autoInBlocks,
  type BlockOptions,
  blockOptions,
  blockPenalties,
  blockUnit,
  checkRatings,
  withNeeds,
} from "./block-options.ts";
import { blockBytes, startBlocks } from "./block-run.ts";
import type { BlockSettings } from "./block-space.ts";
import {
  type CostOptions,
  costOptions,
  learningRateRange,
  MAX_PASSES,
  needRatings,
  type Order,
  orderOption,
  penaltiesFor,
  rankRow,
} from "./descent-options.ts";
import { descentBytes, startDescent } from "./descent-run.ts";
import type { DescentSettings } from "./descent-space.ts";
import { unitBeside, unitFor, unitOption } from "./descent-unit.ts";
import type { Factorizer } from "./factorizer.ts";
import { type OptionTable, type Resolved, resolveOptions } from "./options.ts";
import { type Rates, ratesOf, type ScheduleOptions, scheduleOptions } from "./schedules.ts";
import {
  type Init,
  type InitialFactors,
  initialDigest,
  initOptions,
  isZero,
  type Start,
  startOf,
} from "./starting-factors.ts";

/** For ratings of standard deviation 1. Chosen as docs/sgd.md says. */
const AUTO_LEARNING_RATE = { blocks: 0.1, others: 0.025 } as const;
const AUTO_INIT_SCALE = 0.1;

const otherOrders = { option: "order", is: ["rows", "shuffled", "shuffledOnce"] } as const;

const cost = costOptions("sgd");

export const sgdOptions = {
  rank: rankRow,
  epochs: { type: "whole", default: 20, min: 1, max: MAX_PASSES, about: "passes over the data" },
  learningRate: {
    ...learningRateRange,
    default: "auto",
    auto: `${AUTO_LEARNING_RATE.blocks} in blocks, ${AUTO_LEARNING_RATE.others} in other orders, of ratings in units of their deviation`,
  },
  ...scheduleOptions,
  schedule: { ...scheduleOptions.schedule, default: "linear" },
  ...cost,
  regularization: {
    ...cost.regularization,
    auto: `${autoInBlocks.regularization} in blocks, ${cost.regularization.auto} in other orders`,
  },
  biasRegularization: {
    ...cost.biasRegularization,
    auto: `${autoInBlocks.biasRegularization} in blocks, ${cost.biasRegularization.auto} in other orders`,
  },
  unit: { ...unitOption, auto: `${unitOption.auto} in another order than blocks` },
  order: {
    type: "choice",
    default: "blocks",
    choices: ["blocks", ...orderOption("rows").choices],
    about:
      "ratings in blocks, on all threads with adaptive rates; or one after the other by one rate, user by user, in an order drawn for each epoch, or drawn once",
  },
  ...blockOptions,
  update: {
    type: "choice",
    default: "together",
    choices: ["together", "alternately"],
    about: "an item moves by its user's old factors, or by those just moved",
    when: otherOrders,
  },
  init: {
    ...initOptions.init,
    default: "positive",
    about: `${initOptions.init.about}; normal where it is left out in other orders than blocks`,
  },
  initScale: {
    ...initOptions.initScale,
    default: "auto",
    auto: `1 / √rank in blocks, ${AUTO_INIT_SCALE} in other orders`,
  },
} as const satisfies OptionTable;

/** Options of `sgd`; every one may be left out. The schedule is `linear` by default. */
export interface SgdOptions extends CostOptions, ScheduleOptions, BlockOptions {
  /** Latent dimension, 1 to 1024. Default 32 */
  readonly rank?: number;
  /** Passes over the data, at least 1. Default 20 */
  readonly epochs?: number;
  /** 10⁻¹² to 10¹². Default `auto`: 0.1 in blocks, 0.025 in other orders, with ratings in units of their deviation */
  readonly learningRate?: number | "auto";
  /** `blocks` (default): on all threads, with adaptive rates. Others by one rate: user by user, shuffled anew for each epoch, or once */
  readonly order?: "blocks" | Order;
  /** `alternately`: an item moves by its user's factors as just moved; not in blocks. Default `together` */
  readonly update?: "together" | "alternately";
  /** What starting factors are drawn from, see GradientOptions. Default `positive` in blocks, `normal` in other orders */
  readonly init?: Init;
  /** 10⁻⁶ to 1000. Default `auto`: 1 / √rank in blocks, 0.1 in other orders */
  readonly initScale?: number | "auto";
  /** Starting factors given, instead of drawn */
  readonly initial?: InitialFactors | undefined;
}

type SgdResolved = Resolved<typeof sgdOptions>;

/** What the settings of every order are made of. */
interface Resolution {
  readonly who: string;
  readonly options: SgdResolved;
  readonly shown: Readonly<Record<string, unknown>> & Pick<SgdResolved, "unit">;
  readonly rates: Rates;
  readonly start: Start;
}

/**
 * Stochastic gradient descent, one rating at a time.
 *
 * @throws OptionError for an unknown option, a value out of range, or one that cannot act beside the others
 */
export function sgd(given: SgdOptions = {}): Factorizer {
  const who = "sgd";
  const { initial, ...inTable } = asOptions(who, given);
  const options = resolved(who, inTable);
  const { rank, epochs, order, initScale } = options;
  const inBlocks = order === "blocks";
  const learningRate =
    options.learningRate === "auto" ? AUTO_LEARNING_RATE[inBlocks ? "blocks" : "others"] : options.learningRate;
  const autoScale = inBlocks ? 1 / Math.sqrt(rank) : AUTO_INIT_SCALE;
  const drawn = { init: options.init, initScale: initScale === "auto" ? autoScale : initScale };
  const rates = ratesOf(who, learningRate, options, epochs);
  const start = startOf(who, drawn, given, initial);
  const shown = {
    ...options,
    learningRate,
    unit: inBlocks ? options.unit : unitBeside(options.learningRate, options.unit),
    ...drawn,
    ...(initial === undefined ? {} : { initial: initialDigest(initial) }),
  };
  const resolution = { who, options, shown, rates, start };
  return {
    name: who,
    options: shown,
    rank,
    passName: "epochs",
    passes: epochs,
    passesMatter: rates.passesMatter,
    startsAtZero: isZero(start),
    ignores: ["time"],
    bytesFor: (ratings: Ratings, kernels: Kernels) =>
      order === "blocks"
        ? blockBytes(ratings, blockSettings(resolution, ratings), kernels)
        : descentBytes(ratings, rowSettings(resolution, order, ratings), kernels),
    start: async (ratings, kernels, seed, from, signal) => {
      needRatings(who, ratings);
      if (order !== "blocks")
        return startDescent(rowSettings(resolution, order, ratings), ratings, kernels, seed, from, signal);
      checkRatings(who, options.loss, ratings);
      return startBlocks(blockSettings(resolution, ratings), ratings, kernels, seed, from, signal);
    },
  };
}

function resolved(who: string, given: object): SgdResolved {
  const values = given as Readonly<Record<string, unknown>>;
  const options = withNeeds(who, resolveOptions(who, sgdOptions, given), values);
  return options.order === "blocks" || values.init !== undefined ? options : { ...options, init: "normal" };
}

function blockSettings({ who, options, shown, rates, start }: Resolution, ratings: Ratings): BlockSettings {
  const { rank, epochs, loss, biases, center, nonNegative, regularizationL1 } = options;
  // A learning rate that is given is the adaptive one's, which is for ratings in their own unit too.
  const unit = blockUnit(loss, unitFor(options.unit, center, ratings));
  // How much a row differs from others does not follow the mean, as the unit does where there is no centre.
  const penalties = blockPenalties(loss, options, blockUnit(loss, unitFor(options.unit, "global", ratings)), ratings);
  const huberDelta = options.huberDelta === "auto" ? unitFor("auto", "global", ratings) : options.huberDelta;
  return {
    name: who,
    options: { ...shown, ...penalties, unit: unit.rating, ...(loss === "huber" ? { huberDelta } : {}) },
    rank,
    passes: epochs,
    rates,
    loss,
    huberDelta,
    ...penalties,
    regularizationL1,
    nonNegative,
    biases,
    center,
    start,
    unit,
  };
}

function rowSettings(
  { who, options, shown, rates, start }: Resolution,
  order: Order,
  ratings: Ratings,
): DescentSettings {
  const { rank, epochs, biases, center, update } = options;
  const unit = unitFor(shown.unit, center, ratings);
  const penalties = penaltiesFor("sgd", options, "half", ratings, unit, 1);
  return {
    name: who,
    options: { ...shown, ...penalties, unit },
    rank,
    passes: epochs,
    objective: "half",
    ...penalties,
    unit,
    optimizer: { kind: "sgd", momentum: 0 },
    clipNorm: undefined,
    rates,
    biases,
    center,
    start,
    batches: { size: 1, order, update },
  };
}
