/**
 * Option rows that bpr(), softmax(), warp() and logistic() share, and what they are made into: one kind of training, settings
 * by method.
 */
import type { SampledLoss } from "../kernels/index.ts";
import type { Biases } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { rankOption } from "./common-options.ts";
import {
  learningRateRange,
  MAX_PASSES,
  type OptimizerOptions,
  optimizerOf,
  optimizerOptions,
} from "./descent-options.ts";
import type { Factorizer } from "./factorizer.ts";
import type { OptionTable, Resolved } from "./options.ts";
import { foldInBytes } from "./sampled-fold-in.ts";
import { SampledRun, type SampledSettings, sampledLayout, solvesRows } from "./sampled-run.ts";
import { ratesOf, type ScheduleOptions, scheduleOptions } from "./schedules.ts";

/** Defaults that each method has its own of. */
interface SampledDefaults {
  readonly epochs: number;
  readonly learningRate: number;
  readonly negatives: number;
  readonly historyExponent: number;
  readonly historyWeight: number;
  readonly popularityExponent: number;
  readonly initScale: number;
}

/** Of warp and logistic, whose users are no part of their items' rows. */
export const rowsOfTheirOwn: SampledDefaults = {
  epochs: 30,
  learningRate: 0.01,
  negatives: 512,
  historyExponent: 1,
  historyWeight: 0,
  popularityExponent: 0,
  initScale: 0.1,
};

export const sampledOptions = (defaults: SampledDefaults) =>
  ({
    rank: rankOption(64),
    epochs: { type: "whole", default: defaults.epochs, min: 1, max: MAX_PASSES, about: "passes over the users" },
    learningRate: { ...learningRateRange, default: defaults.learningRate },
    ...scheduleOptions,
    schedule: { ...scheduleOptions.schedule, default: "linear" },
    ...optimizerOptions,
    // A row's last gradient is many batches old: to go on in its direction does harm, see docs/softmax.md.
    beta1: { ...optimizerOptions.beta1, default: 0 },
    batchSize: {
      type: "whole",
      default: 64,
      min: 1,
      max: 2 ** 20,
      about: "users in a batch, each with the whole history",
    },
    negatives: {
      type: "whole",
      default: defaults.negatives,
      min: 1,
      max: 2 ** 20,
      about: "items drawn for each batch: what its users do not have of them are their negatives",
    },
    historyExponent: {
      type: "number",
      default: defaults.historyExponent,
      min: 0,
      max: 2,
      about: "a user counts as the number of items chosen to this power; 0 = every user alike",
    },
    historyWeight: {
      type: "number",
      default: defaults.historyWeight,
      min: 0,
      max: 1e6,
      about:
        "how much a user's row is made of the n items chosen: this / √n of the sum of their rows, beside a part of its own",
    },
    popularityExponent: {
      type: "number",
      default: defaults.popularityExponent,
      min: -4,
      max: 4,
      about: "odds of an item from the start, whoever is asked: 1 + the times it was chosen, to this power",
    },
    initScale: {
      type: "number",
      default: defaults.initScale,
      // From all zeros no factor would ever move.
      min: 1e-6,
      max: 1e3,
      about: "standard deviation of the starting factors",
    },
  }) as const satisfies OptionTable;

/** What a score is: `dot` has lengths, so it has penalties and item biases too. @param scores, regularization defaults */
export const scoreOptions = <const S extends "dot" | "cosine">(scores: S, regularization: number) =>
  ({
    scores: {
      type: "choice",
      default: scores,
      choices: ["dot", "cosine"],
      about: "a score is the product of two rows, or the cosine of the angle between them",
    },
    regularization: {
      ...penaltyOption(regularization, "factors"),
      when: { option: "scores", is: ["dot"] },
    },
    biases: {
      type: "choice",
      default: "none",
      choices: ["none", "item"],
      about: "which sides have a fitted bias",
      when: { option: "scores", is: ["dot"] },
    },
    biasRegularization: { ...penaltyOption(0.01, "biases"), when: { option: "biases", is: ["item"] } },
  }) as const satisfies OptionTable;

export const penaltyOption = (penalty: number, what: "factors" | "biases") =>
  ({
    type: "number",
    default: penalty,
    min: 0,
    max: 1e9,
    about: `L2 penalty of the ${what}, per chosen item`,
  }) as const;

export const temperatureOption = (temperature: number) =>
  ({
    type: "number",
    default: temperature,
    min: 1e-4,
    max: 1e4,
    about: "what scores are divided by in the loss: the lower, the more the hardest negatives count",
  }) as const;

/** Options of all four methods; every one may be left out. The schedule is `linear` and beta1 is 0 by default. */
export interface SampledOptions extends ScheduleOptions, OptimizerOptions {
  /** Latent dimension, 1 to 1024. Default 64 */
  readonly rank?: number;
  /** Passes over the users, at least 1 */
  readonly epochs?: number;
  /** 10⁻¹² to 10¹² */
  readonly learningRate?: number;
  /** Users in a batch. Default 64 */
  readonly batchSize?: number;
  /** Items drawn for each batch; all items where there are no more */
  readonly negatives?: number;
  /** A user counts as n^historyExponent, n the number of items chosen; 0 to 2 */
  readonly historyExponent?: number;
  /** A user's row is a part of its own and historyWeight / √n · Σ of the rows of the items chosen; 0 to 10⁶ */
  readonly historyWeight?: number;
  /** ln(1 + times chosen) × this × the temperature (of warp the margin, of logistic 1) is part of each item's scores; −4 to 4 */
  readonly popularityExponent?: number;
  /** Standard deviation of the starting factors, 10⁻⁶ to 1000 */
  readonly initScale?: number;
}

/** Options of bpr, softmax and warp about scores. */
export interface ScoreOptions {
  /** A product of two rows, or the cosine of the angle between them */
  readonly scores?: "dot" | "cosine";
  /** λ ≥ 0, with scores `dot` */
  readonly regularization?: number;
  /** Whether items have a fitted bias, with scores `dot`. Default none */
  readonly biases?: "none" | "item";
  /** λ_b ≥ 0. Default 0.01 */
  readonly biasRegularization?: number;
}

/** The methods' options as they differ. */
export interface SampledMethod extends SampledChoice {
  readonly name: string;
  /** What scores are measured in: temperature, margin, 1 */
  readonly unit: number;
  readonly cosine: boolean;
  readonly regularization: number;
  readonly biases: Biases;
  readonly biasRegularization: number;
  readonly scale: "preference" | "logit";
  /** What `auto` comes to for these ratings; left out where nothing is `auto` */
  readonly choose?: ((ratings: Ratings) => SampledChoice) | undefined;
}

interface SampledChoice {
  readonly loss: SampledLoss;
  readonly options: Readonly<Record<string, unknown>>;
}

/** @param options those that all four methods share, resolved */
export function sampledFactorizer(
  method: SampledMethod,
  options: Resolved<ReturnType<typeof sampledOptions>>,
): Factorizer {
  const { rank, epochs, batchSize, negatives, historyExponent, historyWeight, initScale } = options;
  const { name, cosine, biases } = method;
  const rates = ratesOf(name, options.learningRate, options, epochs);
  const settings = (ratings: Ratings): SampledSettings => {
    const taken = {
      batchSize: Math.min(batchSize, ratings.users.size),
      negatives: Math.min(negatives, ratings.items.size),
    };
    const chosen = method.choose?.(ratings) ?? { loss: method.loss, options: method.options };
    return {
      name,
      loss: chosen.loss,
      options: { ...chosen.options, ...taken },
      rank,
      epochs,
      cosine,
      regularization: cosine ? 0 : method.regularization,
      biases,
      biasRegularization: biases === "none" ? 0 : method.biasRegularization,
      scale: method.scale,
      optimizer: optimizerOf(options),
      rates,
      ...taken,
      historyExponent,
      historyWeight,
      popularity: options.popularityExponent * method.unit,
      initScale,
    };
  };
  return {
    name,
    options: method.options,
    rank,
    passName: "epochs",
    passes: epochs,
    passesMatter: rates.passesMatter,
    lossIsDrawn: true,
    // A direction has length 1, whatever of it lies where nothing of the other side does.
    rankMayExceedSize: cosine,
    ignores: ["rating", "time"],
    comparesWithUnseen: true,
    bytesFor: (ratings, kernels) => kernels.bytesFor(sampledLayout(ratings, settings(ratings))),
    hostBytes: () => (solvesRows({ biases, historyWeight }) ? foldInBytes(rank) : 0),
    start: (ratings, kernels, seed, from, signal) =>
      SampledRun.start(settings(ratings), ratings, kernels, seed, from, signal),
  };
}
