/**
 * Factorization by gradient descent: r̂_ui = centre + b_u + b_i + x_u·y_i, over the ratings that are there.
 *
 * Four objectives, four optimizers, all ratings at once or in batches: what the seed notebooks do, and what PyTorch users
 * write. Objectives and optimizers stand in kernels/descent.ts, formula by formula; docs/gradient.md has them for users.
 */
import type { Kernels, Objective } from "../kernels/index.ts";
import { objectives } from "../kernels/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { asOptions, OptionError } from "../support/index.ts";
import {
  type CostOptions,
  costOptions,
  learningRateRange,
  MAX_PASSES,
  needRatings,
  type OptimizerOptions,
  optimizerOf,
  optimizerOptions,
  orderOption,
  penaltiesFor,
  rankRow,
} from "./descent-options.ts";
import { descentBytes, startDescent } from "./descent-run.ts";
import type { DescentSettings } from "./descent-space.ts";
import { unitBeside, unitFor } from "./descent-unit.ts";
import type { Factorizer } from "./factorizer.ts";
import { type OptionTable, type Resolved, resolveOptions } from "./options.ts";
import { ratesOf, type ScheduleOptions, scheduleOptions } from "./schedules.ts";
import { type Init, type InitialFactors, initialDigest, initOptions, isZero, startOf } from "./starting-factors.ts";

/** Learning rates of adam, adamw and adagrad for ratings of standard deviation 1. Chosen as docs/gradient.md says. */
const AUTO_LEARNING_RATE = { full: 0.05, mini: 0.005 } as const;

export const gradientOptions = {
  rank: rankRow,
  batch: {
    type: "choice",
    default: "full",
    choices: ["full", "mini"],
    about: "all ratings in every step, or a few at a time",
  },
  steps: {
    type: "whole",
    default: 150,
    min: 1,
    max: MAX_PASSES,
    about: "steps with all ratings",
    when: { option: "batch", is: ["full"] },
  },
  epochs: {
    type: "whole",
    default: 15,
    min: 1,
    max: MAX_PASSES,
    about: "passes over the data",
    when: { option: "batch", is: ["mini"] },
  },
  batchSize: {
    type: "whole",
    default: 256,
    min: 1,
    max: 2 ** 24,
    about: "ratings in a batch",
    when: { option: "batch", is: ["mini"] },
  },
  order: { ...orderOption("shuffled"), when: { option: "batch", is: ["mini"] } },
  objective: {
    type: "choice",
    default: "half",
    choices: objectives,
    about: "of the errors: their norm, the sum of their squares, half of it, or their mean square",
  },
  ...costOptions("gradient"),
  ...optimizerOptions,
  learningRate: {
    ...learningRateRange,
    default: "auto",
    auto: `${AUTO_LEARNING_RATE.full}, in batches ${AUTO_LEARNING_RATE.mini}, of ratings in units of their deviation (none with optimizer sgd)`,
  },
  ...scheduleOptions,
  clipping: {
    type: "choice",
    default: "none",
    choices: ["none", "norm"],
    about: "whether long gradients are shortened, all alike",
  },
  clipNorm: {
    type: "number",
    default: 1,
    min: 1e-12,
    max: 1e12,
    about: "longest joint gradient, of ratings in their unit",
    when: { option: "clipping", is: ["norm"] },
  },
  ...initOptions,
} as const satisfies OptionTable;

/** Options of `gradient`; every one may be left out. */
export interface GradientOptions extends CostOptions, OptimizerOptions, ScheduleOptions {
  /** Latent dimension, 1 to 1024. Default 32 */
  readonly rank?: number;
  /** `full` (default): every step has all ratings, and is a pass. `mini`: batches; an epoch is a pass */
  readonly batch?: "full" | "mini";
  /** Steps of `full`, 1 to 10⁷. Default 150 */
  readonly steps?: number;
  /** Epochs of `mini`, 1 to 10⁷. Default 15 */
  readonly epochs?: number;
  /** Ratings in a batch of `mini`, 1 to 2²⁴. Default 256 */
  readonly batchSize?: number;
  /** Order of the ratings in `mini`. Default `shuffled`, anew for each epoch */
  readonly order?: "rows" | "shuffled" | "shuffledOnce";
  /** Default `half` */
  readonly objective?: Objective;
  /** 10⁻¹² to 10¹². Default `auto`: 0.05, in batches 0.005, with ratings in units of their deviation; `sgd` has none */
  readonly learningRate?: number | "auto";
  /** `norm`: gradients whose joint length is above clipNorm are scaled down to it. Default `none` */
  readonly clipping?: "none" | "norm";
  /** Longest joint gradient, in `unit`; 10⁻¹² to 10¹². Default 1 */
  readonly clipNorm?: number;
  /** What starting factors are drawn from: normal (default), uniform in ±initScale, positive in [0, initScale), kaiming in ±1/√rank */
  readonly init?: Init;
  /** 10⁻⁶ to 1000. Default 0.1 */
  readonly initScale?: number;
  /** Starting factors given, instead of drawn */
  readonly initial?: InitialFactors | undefined;
}

/**
 * Factorization by gradient descent.
 *
 * @throws OptionError for an unknown option, a value out of range, or one that cannot act beside the others
 */
export function gradient(given: GradientOptions = {}): Factorizer {
  const who = "gradient";
  const { initial, ...inTable } = asOptions(who, given);
  const options = resolveOptions(who, gradientOptions, inTable);
  const { rank, batch, objective } = options;
  const full = batch === "full";
  const passes = full ? options.steps : options.epochs;
  const learningRate = options.learningRate === "auto" ? autoRate(options) : options.learningRate;
  const rates = ratesOf(who, learningRate, options, passes);
  const start = startOf(who, options, given, initial);
  const unitGiven = unitBeside(options.learningRate, options.unit);
  const shown = {
    ...options,
    learningRate,
    unit: unitGiven,
    ...(initial === undefined ? {} : { initial: initialDigest(initial) }),
  };
  const settings = (ratings: Ratings): DescentSettings => {
    const batchSize = Math.max(1, Math.min(options.batchSize, ratings.size));
    const entries = full ? ratings.size : batchSize;
    const unit = unitFor(unitGiven, options.center, ratings);
    const penalties = penaltiesFor(who, options, objective, ratings, unit, entries);
    return {
      name: who,
      options: { ...shown, ...penalties, unit },
      rank,
      passes,
      objective,
      ...penalties,
      unit,
      optimizer: optimizerOf(options),
      clipNorm: options.clipping === "none" ? undefined : options.clipNorm,
      rates,
      biases: options.biases,
      center: options.center,
      start,
      batches: full ? undefined : { size: batchSize, order: options.order, update: "together" },
    };
  };
  return {
    name: who,
    options: shown,
    rank,
    passName: full ? "steps" : "epochs",
    passes,
    passesMatter: rates.passesMatter,
    startsAtZero: isZero(start),
    ignores: ["time"],
    bytesFor: (ratings: Ratings, kernels: Kernels) => descentBytes(ratings, settings(ratings), kernels),
    start: async (ratings, kernels, seed, from, signal) => {
      needRatings(who, ratings);
      return startDescent(settings(ratings), ratings, kernels, seed, from, signal);
    },
  };
}

function autoRate({ batch, optimizer }: Resolved<typeof gradientOptions>): number {
  if (optimizer !== "sgd") return AUTO_LEARNING_RATE[batch];
  const remedy =
    "what sgd needs follows from the number and size of the ratings; try 0.001 and go up until it diverges";
  throw new OptionError("gradient", "learningRate", "auto", 'given with optimizer "sgd"', remedy);
}
