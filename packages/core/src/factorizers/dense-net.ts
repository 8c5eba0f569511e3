/**
 * The dense net: factors of a user and an item go side by side through hidden layers to a score, optionally beside a
 * product of further factors (NeuMF).
 *
 *   minimise  Σ_observed (r_ui − r̂_ui)²  with penalties per rating,  in batches:  see kernels/net.ts and model/net-model.ts
 *
 * Source: the dense network of seed notebook 003; He, Liao, Zhang, Nie, Hu & Chua, WWW 2017 (NeuMF).
 */
import type { Kernels } from "../kernels/index.ts";
import type { NetModel } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { asOptions, OptionError } from "../support/index.ts";
import { needRatings, type OptimizerOptions, optimizerOf } from "./descent-options.ts";
import { unitBeside, unitFor } from "./descent-unit.ts";
import type { Factorizer, StartFrom } from "./factorizer.ts";
import { denseNetOptions, learningRateOf } from "./net-options.ts";
import { NetRun, type NetSettings, netLayout } from "./net-run.ts";
import { CALLED, checkInitial, type InitialNet, initialNetDigest, isZeroNet } from "./net-start.ts";
import { resolveOptions } from "./options.ts";
import { ratesOf, type ScheduleOptions } from "./schedules.ts";

export { denseNetOptions };

/** The method's name in reports, files, errors of a training and on the command line. */
const NAME = "net";

/** Options of `denseNet`; every one may be left out. */
export interface DenseNetOptions extends OptimizerOptions, ScheduleOptions {
  /** Width of the factors, 1 to 1024. Default 16 */
  readonly rank?: number;
  /** Widths of the hidden layers, first to last: 1 to 16 of them, each 1 to 4096. Default [32, 16] */
  readonly hidden?: readonly number[];
  /** A product branch beside the layers, with factors of its own. Default true */
  readonly product?: boolean;
  /** Passes over the data, 1 to 10⁷. Default 8 */
  readonly epochs?: number;
  /** Ratings in a batch, 1 to 2²⁴. Default 512 */
  readonly batchSize?: number;
  /** `rows`: user by user; `shuffled` (default): drawn for each epoch; `shuffledOnce` */
  readonly order?: "rows" | "shuffled" | "shuffledOnce";
  /** 10⁻¹² to 10¹², beside ratings in `unit`. Default `auto`: 0.002 for adam and adamw, 0.03 for adagrad, 0.001 for sgd */
  readonly learningRate?: number | "auto";
  /** λ of the factors, 0 to 10³⁰, once for each rating of their row; beside errors in `unit`, as all penalties. Default 0.03 */
  readonly regularization?: number;
  /** λ of weights and biases of the layers, 0 to 10³⁰, once a batch. Default 0 */
  readonly layerRegularization?: number;
  /** Which sides have a fitted bias. Default both */
  readonly biases?: "none" | "user" | "item" | "both";
  /** λ of those biases, 0 to 10³⁰, once for each rating. Default 0.01 */
  readonly biasRegularization?: number;
  /** What is subtracted before fitting, and added to predictions. Default global */
  readonly center?: "none" | "global" | "user" | "item";
  /** What ratings are divided by while they are fitted, 10⁻³⁰ to 10³⁰. Default `auto`: their standard deviation, 1 where learningRate or initial is given */
  readonly unit?: number | "auto";
  /** Standard deviation of the starting factors, 10⁻⁶ to 1000. Default 0.1; seed notebook 003 has 1 */
  readonly initScale?: number;
  /** Start from these numbers instead of drawn ones */
  readonly initial?: InitialNet;
}

/**
 * A dense net for explicit ratings. Its name in reports, model files and on the command line is `net`.
 *
 * @throws OptionError for an unknown option or a value out of range
 */
export function denseNet(given: DenseNetOptions = {}): Factorizer<NetModel> {
  const { initial, ...rest } = asOptions(CALLED, given);
  const options = resolveOptions(CALLED, denseNetOptions, rest);
  if (initial !== undefined) {
    checkInitial(initial);
    if (rest.initScale !== undefined) {
      const allowed = "left out when initial is given";
      throw new OptionError(CALLED, "initScale", rest.initScale, allowed, "nothing is drawn then");
    }
  }
  const { rank, hidden, product, epochs } = options;
  const learningRate = learningRateOf(options);
  const rates = ratesOf(CALLED, learningRate, options, epochs);
  // Arrays that are given are for the ratings as they are, as is a learning rate.
  const unitGiven =
    initial !== undefined && options.unit === "auto" ? 1 : unitBeside(options.learningRate, options.unit);
  const written = { ...options, learningRate, unit: unitGiven };
  const shown = initial === undefined ? written : { ...written, initial: initialNetDigest(initial) };
  const settings = (ratings: Ratings): NetSettings => {
    const unit = unitFor(unitGiven, options.center, ratings);
    return {
      ...options,
      name: NAME,
      options: { ...shown, unit },
      shape: { rank, hidden, product },
      optimizer: optimizerOf(options),
      rates,
      unit,
      initial,
    };
  };
  return {
    name: NAME,
    options: shown,
    rank,
    passName: "epochs",
    passes: epochs,
    passesMatter: rates.passesMatter,
    rankMayExceedSize: true,
    startsAtZero: initial !== undefined && isZeroNet(initial),
    ignores: ["time"],
    bytesFor: (ratings: Ratings, kernels: Kernels) => kernels.bytesFor(netLayout(ratings, settings(ratings))),
    start: async (ratings: Ratings, kernels: Kernels, seed: number, from?: StartFrom, signal?: AbortSignal) => {
      needRatings(NAME, ratings);
      return NetRun.start(settings(ratings), ratings, kernels, seed, from, signal);
    },
  };
}
