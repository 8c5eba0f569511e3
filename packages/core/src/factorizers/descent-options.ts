/**
 * Option rows that gradient(), sgd() and denseNet() share, and what they mean: optimizers, penalties `auto`, the size of a
 * penalty for each objective, ratings that descent can fit.
 */
import type { Objective, Optimizer } from "../kernels/index.ts";
import { type Ratings, standardDeviation } from "../ratings/index.ts";
import { DataError } from "../support/index.ts";
import { biasesOption, centerOption, MAX_PENALTY, rankOption, withBiases } from "./common-options.ts";
import { unitOption } from "./descent-unit.ts";
import type { OptionTable, Resolved } from "./options.ts";

/**
 * A row's best penalty beside the sum of its squared errors grows with the spread of the ratings (errors are squared, factors
 * share the scale between them) and with the root of its number of ratings. One penalty for all rows takes the mean root, over
 * ratings and both sides: the same multiple is then near the validation optimum of MovieLens 100K and 1M alike, see
 * docs/gradient.md. One rating at a time is noisy, which is a penalty of its own, so sgd wants less.
 */
const AUTO_REGULARIZATION = { gradient: 1.1, sgd: 0.85 } as const;

type Method = keyof typeof AUTO_REGULARIZATION;

/** A bias is on the scale of the ratings, so its penalty is a plain number. */
const AUTO_BIAS_REGULARIZATION = 3;

/** Learning rates have no bound in principle; this one is beyond any that does not diverge. */
const MAX_LEARNING_RATE = 1e12;

export const MAX_PASSES = 10_000_000;

export const learningRateRange = {
  type: "number",
  min: 1e-12,
  max: MAX_LEARNING_RATE,
  about: "size of a step",
} as const;

export const rankRow = rankOption(32);

/** Penalties, biases, centre and unit. */
export const costOptions = (method: Method) =>
  ({
    regularization: {
      type: "number",
      default: "auto",
      auto: `${AUTO_REGULARIZATION[method]} × the standard deviation of the ratings × the mean root of a row's number of ratings`,
      min: 0,
      max: MAX_PENALTY,
      about: "L2 penalty of the factors",
    },
    biases: biasesOption("both"),
    biasRegularization: {
      type: "number",
      default: "auto",
      auto: String(AUTO_BIAS_REGULARIZATION),
      min: 0,
      max: MAX_PENALTY,
      about: "L2 penalty of the biases",
      when: withBiases,
    },
    center: centerOption("global"),
    unit: unitOption,
  }) as const satisfies OptionTable;

/** Options of the cost; every one may be left out. */
export interface CostOptions {
  /**
   * What ratings are divided by while they are fitted, 10⁻³⁰ to 10³⁰. Default `auto`: their standard deviation, with center `none` at
   * least a fifth of their root mean square; 1 where learningRate is given, except by sgd in blocks
   */
  readonly unit?: number | "auto";
  /** λ within the objective, 0 to 10³⁰. Default `auto`, see docs/gradient.md; of sgd docs/sgd.md, in blocks another penalty than in other orders */
  readonly regularization?: number | "auto";
  /** Which sides have a fitted bias. Default both */
  readonly biases?: "none" | "user" | "item" | "both";
  /** λ_b, 0 to 10³⁰. Default `auto`: 3 in the objective `half`; of sgd in blocks 0.01, see docs/sgd.md */
  readonly biasRegularization?: number | "auto";
  /** What is subtracted before fitting, and added to predictions. Default global */
  readonly center?: "none" | "global" | "user" | "item";
}

export const orderOption = (order: "rows" | "shuffled" | "shuffledOnce") =>
  ({
    type: "choice",
    default: order,
    choices: ["rows", "shuffled", "shuffledOnce"],
    about: "ratings user by user, or in an order drawn for each epoch, or drawn once",
  }) as const;

export type Order = "rows" | "shuffled" | "shuffledOnce";

/** How a gradient moves a parameter, and each optimizer's own numbers; kernels/descent.ts has the formulas. */
export const optimizerOptions = {
  optimizer: {
    type: "choice",
    default: "adam",
    choices: ["sgd", "adam", "adamw", "adagrad"],
    about: "how a gradient moves a parameter",
  },
  momentum: {
    type: "number",
    default: 0,
    min: 0,
    max: 0.9999,
    about: "share of the last step that is made again",
    when: { option: "optimizer", is: ["sgd"] },
  },
  beta1: {
    type: "number",
    default: 0.9,
    min: 0,
    max: 0.999999,
    about: "memory of the mean of the gradients",
    when: { option: "optimizer", is: ["adam", "adamw"] },
  },
  beta2: {
    type: "number",
    default: 0.999,
    min: 0,
    max: 0.999999,
    about: "memory of the mean of their squares",
    when: { option: "optimizer", is: ["adam", "adamw"] },
  },
  epsilon: {
    type: "number",
    default: 1e-8,
    min: 1e-30,
    max: 1,
    about: "keeps the quotient finite where gradients are 0",
    when: { option: "optimizer", is: ["adam", "adamw", "adagrad"] },
  },
  weightDecay: {
    type: "number",
    default: 0.01,
    min: 0,
    max: 1e3,
    about: "share of each parameter, times the learning rate, that a step takes off",
    when: { option: "optimizer", is: ["adamw"] },
  },
} as const satisfies OptionTable;

/** Options of an optimizer; every one may be left out. */
export interface OptimizerOptions {
  /** Default `adam` */
  readonly optimizer?: "sgd" | "adam" | "adamw" | "adagrad";
  /** Of sgd, 0 to 0.9999. Default 0 */
  readonly momentum?: number;
  /** Memory of the mean of the gradients; of adam and adamw, 0 to 0.999999. Default 0.9 */
  readonly beta1?: number;
  /** Memory of the mean of their squares; of adam and adamw, 0 to 0.999999. Default 0.999 */
  readonly beta2?: number;
  /** Of adam, adamw and adagrad, 10⁻³⁰ to 1. Default 10⁻⁸ */
  readonly epsilon?: number;
  /** Of adamw, 0 to 1000. Default 0.01 */
  readonly weightDecay?: number;
}

export function optimizerOf(options: Resolved<typeof optimizerOptions>): Optimizer {
  const { optimizer, momentum, beta1, beta2, epsilon, weightDecay } = options;
  switch (optimizer) {
    case "sgd":
      return { kind: "sgd", momentum };
    case "adam":
      return { kind: "adam", beta1, beta2, epsilon };
    case "adamw":
      return { kind: "adamw", beta1, beta2, epsilon, weightDecay };
    case "adagrad":
      return { kind: "adagrad", epsilon };
    default:
      return optimizer satisfies never;
  }
}

/**
 * How much a penalty weighs on a row beside the plain sum of its squared errors, so that the row a history folds in to
 * solves the same cost: a row is at rest where ∂/∂row Σ error² + weight · ∂/∂row |row|² = 0.
 *
 * @param entries ratings in the objective: all, or a batch
 * @param rmse root mean squared error where that is, for the norm, whose gradient is that of Σ error² over 2 √(Σ error²)
 */
export function rowWeight(objective: Objective, penalty: number, entries: number, all: number, rmse: number): number {
  switch (objective) {
    case "half":
    case "sum":
      return penalty;
    case "mean":
      return penalty * all;
    case "norm":
      return penalty * 2 * Math.sqrt(entries) * rmse;
    default:
      return objective satisfies never;
  }
}

export interface Penalties {
  readonly regularization: number;
  readonly biasRegularization: number;
}

/** Penalties as numbers. `auto` weighs alike under every objective; for the norm, as it does at the ratings' own spread. */
export function penaltiesFor(
  method: Method,
  given: { readonly regularization: number | "auto"; readonly biasRegularization: number | "auto" },
  objective: Objective,
  ratings: Ratings,
  unit: number,
  entries: number,
): Penalties {
  // Of equal ratings any penalty serves that is none in their unit, by which learning rates go.
  const spread = standardDeviation(ratings.byUser.value, ratings.mean) || unit;
  const weightOfOne = rowWeight(objective, 1, entries, ratings.size, spread);
  const { regularization, biasRegularization } = given;
  return {
    regularization:
      regularization === "auto"
        ? (AUTO_REGULARIZATION[method] * spread * meanRoot(ratings)) / weightOfOne
        : regularization,
    biasRegularization: biasRegularization === "auto" ? AUTO_BIAS_REGULARIZATION / weightOfOne : biasRegularization,
  };
}

/** √n of a row with n ratings, mean over the ratings and both sides. */
export function meanRoot({ byUser: { start, rows }, itemCounts, size }: Ratings): number {
  let sum = 0;
  for (let user = 0; user < rows; user++) sum += ownRoots(start[user + 1] - start[user]);
  for (let item = 0; item < itemCounts.length; item++) sum += ownRoots(itemCounts[item]);
  return sum / (2 * size);
}

function ownRoots(count: number): number {
  return count * Math.sqrt(count);
}

/** @throws DataError for records without ratings */
export function needRatings(who: string, ratings: Ratings): void {
  if (ratings.hasRatings) return;
  const message = `${who}: these records have no rating, and ${who} fits ratings; use ials() for clicks, plays or purchases`;
  throw new DataError(message, { method: who });
}
