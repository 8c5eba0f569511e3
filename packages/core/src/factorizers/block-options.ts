/**
 * Options of sgd() that act in blocks, and what they come to for some ratings: the penalty `auto`, what goes with which loss.
 */
import { type BlockLoss, blockLosses } from "../kernels/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { DataError, OptionError, rounded, show } from "../support/index.ts";
import { MAX_PENALTY } from "./common-options.ts";
import { meanRoot } from "./descent-options.ts";
import type { OptionTable } from "./options.ts";

/**
 * Every rating brings λ/2 |x|² for both of its rows, so a row with n of them pays n · λ/2 |x|². A row wants a penalty that grows with √n
 * (descent-options.ts), n · λ is that where λ is a multiple of 1/√n. Chosen on validation parts, see docs/sgd.md.
 */
const AUTO_REGULARIZATION = 0.9;
const AUTO_BIAS_REGULARIZATION = 0.01;

/** What `auto` comes to with the default loss, for a help text. */
export const autoInBlocks = {
  regularization: `${AUTO_REGULARIZATION} × the standard deviation of the ratings / the mean root of a row's number of ratings`,
  biasRegularization: String(AUTO_BIAS_REGULARIZATION),
} as const;

const inBlocks = { option: "order", is: ["blocks"] } as const;

export const blockOptions = {
  loss: {
    type: "choice",
    default: "squared",
    choices: blockLosses,
    about: "what an error costs; logistic and kl are for ratings above and not above 0, and for ratings from 0 up",
    when: inBlocks,
  },
  huberDelta: {
    type: "number",
    default: "auto",
    auto: "the standard deviation of the ratings",
    min: 1e-30,
    max: MAX_PENALTY,
    about: "error from which on huber grows in a straight line",
    when: { option: "loss", is: ["huber"] },
  },
  regularizationL1: {
    type: "number",
    default: 0,
    min: 0,
    max: MAX_PENALTY,
    about: "L1 penalty of the factors, for each rating",
    when: inBlocks,
  },
  nonNegative: {
    type: "flag",
    default: false,
    about: "factors of 0 and more",
    when: inBlocks,
  },
} as const satisfies OptionTable;

/** Options of `sgd` in blocks; every one may be left out. */
export interface BlockOptions {
  /** What an error costs. Default `squared`. `logistic`: ratings above 0 beside others; `kl`: ratings of 0 and more */
  readonly loss?: BlockLoss;
  /** Error from which on `huber` grows in a straight line, above 0. Default `auto`: the standard deviation of the ratings */
  readonly huberDelta?: number | "auto";
  /** λ₁ ≥ 0, for each rating. Default 0 */
  readonly regularizationL1?: number;
  /** Factors of 0 and more; always so with `kl`. Default false */
  readonly nonNegative?: boolean;
}

/** Options that were chosen or left at their defaults. */
interface Chosen {
  readonly order: string;
  readonly loss: BlockLoss;
  readonly nonNegative: boolean;
}

/** Values of other options that a loss or `nonNegative` needs: its defaults, and all that is allowed beside it. */
interface Needs {
  readonly option: "biases" | "center" | "nonNegative" | "unit" | "init";
  readonly is: string | number | boolean;
  readonly because: string;
}

function needsOf({ order, loss, nonNegative }: Chosen): Needs[] {
  if (order !== "blocks") return [];
  const needs: Needs[] = [];
  if (loss === "kl" || nonNegative) {
    const because =
      loss === "kl" ? "scores of kl are products above 0" : "non-negative factors make up the whole score";
    needs.push({ option: "biases", is: "none", because }, { option: "center", is: "none", because });
    needs.push({ option: "init", is: "positive", because: "factors are 0 and more" });
  }
  if (loss === "kl") needs.push({ option: "nonNegative", is: true, because: "kl needs scores above 0" });
  if (loss === "logistic") {
    const because = "scores of logistic are log-odds";
    needs.push({ option: "center", is: "none", because }, { option: "unit", is: 1, because });
  }
  return needs;
}

/**
 * The options with those set that a loss or `nonNegative` decides.
 *
 * @param given by the caller
 * @throws OptionError for one of them given otherwise
 */
export function withNeeds<T extends Chosen>(who: string, options: T, given: Readonly<Record<string, unknown>>): T {
  const set: Record<string, unknown> = {};
  for (const { option, is, because } of needsOf(options)) {
    if (given[option] !== undefined && given[option] !== is) {
      const beside = options.loss === "squared" ? "with nonNegative" : `with loss ${options.loss}`;
      throw new OptionError(who, option, given[option], `${show(is)} ${beside}`, because);
    }
    set[option] = is;
  }
  if (set.biases === "none" && given.biasRegularization !== undefined) {
    throw new OptionError(who, "biasRegularization", given.biasRegularization, "left out where biases is none");
  }
  return { ...options, ...set };
}

/** @throws DataError for ratings that the loss says nothing about */
export function checkRatings(who: string, loss: BlockLoss, { min, max }: Ratings): void {
  const range = `these are ${rounded(min)} to ${rounded(max)}`;
  if (loss === "kl" && min < 0) {
    throw new DataError(`${who}: loss kl is for ratings of 0 and more, ${range}; use loss squared`, {
      method: who,
      min,
    });
  }
  if (loss === "logistic" && (min > 0 || max <= 0)) {
    const message = `${who}: loss logistic tells ratings above 0 from the others, ${range}; use loss squared, or make dislikes 0`;
    throw new DataError(message, { method: who, min, max });
  }
}

/** What a number in kernel memory, where ratings are divided by `rating`, is multiplied by to be one of the ratings' own. */
export interface BlockUnit {
  readonly rating: number;
  readonly factor: number;
  /** A loss, and so the whole cost */
  readonly cost: number;
}

/** With every rating divided by s, a loss is what it was divided by s² or s, and a factor by √s. */
export function blockUnit(loss: BlockLoss, s: number): BlockUnit {
  const squares = loss === "squared" || loss === "huber";
  return { rating: s, factor: Math.sqrt(s), cost: squares ? s * s : s };
}

interface BlockPenalties {
  readonly regularization: number;
  readonly biasRegularization: number;
}

/** Penalties as numbers, in the unit of the ratings. */
export function blockPenalties(
  loss: BlockLoss,
  { regularization, biasRegularization }: Readonly<Record<keyof BlockPenalties, number | "auto">>,
  { rating, factor, cost }: BlockUnit,
  ratings: Ratings,
): BlockPenalties {
  // Near its minimum kl is ½ (v − s)² / s, so it takes a penalty as much smaller; of ratings that are all 0 it is s.
  const weight = loss === "kl" && ratings.mean > 0 ? rating / ratings.mean : 1;
  const autoFactors = ((weight * AUTO_REGULARIZATION) / meanRoot(ratings)) * (cost / factor ** 2);
  const autoBiases = AUTO_BIAS_REGULARIZATION * (cost / rating ** 2);
  return {
    regularization: regularization === "auto" ? autoFactors : regularization,
    biasRegularization: biasRegularization === "auto" ? autoBiases : biasRegularization,
  };
}
