/**
 * Stochastic gradient descent, one rating at a time: r̂_ui = centre + b_u + b_i + x_u·y_i.
 *
 *   e = r_ui − r̂_ui;   x_u += α (e y_i − λ/n_u x_u);   y_i += α (e x_u − λ/n_i y_i);   b_u += α (e − λ_b/n_u b_u);   b_i alike
 *
 * with α = learningRate, λ = regularization, λ_b = biasRegularization, n the number of ratings of the user or item: the
 * gradient of ½ [Σ e² + λ Σ |x_u|² + λ Σ |y_i|² + λ_b (Σ b_u² + Σ b_i²)], taken a rating at a time. Whether y_i is moved by
 * the old or the already moved x_u is the option `update`. Source: Funk 2006; Koren, Bell & Volinsky, IEEE Computer 2009.
 */
import type { Kernels } from "../kernels/index.ts";
import type { Ratings } from "../ratings/index.ts";
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
import { unitFor } from "./descent-unit.ts";
import type { Factorizer } from "./factorizer.ts";
import { type OptionTable, resolveOptions } from "./options.ts";
import { ratesOf, type ScheduleOptions, scheduleOptions } from "./schedules.ts";
import { type Init, type InitialFactors, initialDigest, initOptions, startOf } from "./starting-factors.ts";

/** For ratings of standard deviation 1. Chosen as docs/sgd.md says. */
const AUTO_LEARNING_RATE = 0.025;

export const sgdOptions = {
  rank: rankRow,
  epochs: { type: "whole", default: 30, min: 1, max: MAX_PASSES, about: "passes over the data" },
  learningRate: {
    ...learningRateRange,
    default: "auto",
    auto: `${AUTO_LEARNING_RATE}, of ratings in units of their deviation`,
  },
  ...scheduleOptions,
  schedule: { ...scheduleOptions.schedule, default: "linear" },
  ...costOptions("sgd"),
  order: orderOption("shuffled"),
  update: {
    type: "choice",
    default: "together",
    choices: ["together", "alternately"],
    about: "an item moves by its user's old factors, or by those just moved",
  },
  ...initOptions,
} as const satisfies OptionTable;

/** Options of `sgd`; every one may be left out. The schedule is `linear` by default. */
export interface SgdOptions extends CostOptions, ScheduleOptions {
  /** Latent dimension, 1 to 1024. Default 32 */
  readonly rank?: number;
  /** Passes over the data, at least 1. Default 30 */
  readonly epochs?: number;
  /** 10⁻¹² to 10¹². Default `auto`: 0.025, with ratings in units of their deviation */
  readonly learningRate?: number | "auto";
  /** User by user, anew shuffled for each epoch (default), or shuffled once */
  readonly order?: Order;
  /** `alternately`: an item moves by its user's factors as just moved. Default `together` */
  readonly update?: "together" | "alternately";
  /** What starting factors are drawn from, see GradientOptions. Default `normal` */
  readonly init?: Init;
  /** 10⁻⁶ to 1000. Default 0.1 */
  readonly initScale?: number;
  /** Starting factors given, instead of drawn */
  readonly initial?: InitialFactors | undefined;
}

/**
 * Stochastic gradient descent, one rating at a time.
 *
 * @throws OptionError for an unknown option, a value out of range, or one that cannot act beside the others
 */
export function sgd(given: SgdOptions = {}): Factorizer {
  const who = "sgd";
  const { initial, ...inTable } = given;
  const options = resolveOptions(who, sgdOptions, inTable);
  const { rank, epochs, biases, center, order, update } = options;
  const learningRate = options.learningRate === "auto" ? AUTO_LEARNING_RATE : options.learningRate;
  const rates = ratesOf(who, learningRate, options, epochs);
  const start = startOf(who, options, given, initial);
  const shown = { ...options, learningRate, ...(initial === undefined ? {} : { initial: initialDigest(initial) }) };
  const settings = (ratings: Ratings): DescentSettings => {
    const penalties = penaltiesFor(who, options, "half", ratings, 1);
    const unit = unitFor(options.unit, options.learningRate !== "auto", ratings);
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
  };
  return {
    name: who,
    options: shown,
    rank,
    passName: "epochs",
    passes: epochs,
    passesMatter: rates.passesMatter,
    ignores: ["time"],
    bytesFor: (ratings: Ratings, kernels: Kernels) => descentBytes(ratings, settings(ratings), kernels),
    start: async (ratings, kernels, seed, from) => {
      needRatings(who, ratings);
      return startDescent(settings(ratings), ratings, kernels, seed, from);
    },
  };
}
