/**
 * How near a trained model is to the best there can be: a finished run and its model in, two or three figures out.
 *
 * Over complete ratings the best is known: no matrix of rank k is nearer to another than its singular value decomposition
 * (Eckart & Young, 1936). Elsewhere no such bound is known, and the gradient of the method's own cost says whether the
 * parameters have come to rest. Not here: what the cost is (the methods), the decomposition (svd/).
 */
import type { Kernels } from "../kernels/index.ts";
import type { FactorModel, Model } from "../model/index.ts";
import { type Ratings, standardDeviation } from "../ratings/index.ts";
import { nextTurn, OptionError, throwIfAborted, turnIsOver } from "../support/index.ts";
import type { Finish } from "./course.ts";
import type { Factorizer, Run } from "./factorizer.ts";
import { aboveRounding } from "./rounding.ts";
import { modelOptima } from "./svd/model-optima.ts";

/** How near a model is to the best there can be. */
export type Certificate =
  | {
      /** Complete ratings: the model beside the best of all matrices of its rank */
      readonly kind: "optimum";
      /** ‖A − prediction‖_F over all cells. As `optimum`, 0 when it is below 2⁻²³ ‖A‖_F, which single precision cannot tell from 0 */
      readonly error: number;
      /** The smallest that any model of this rank, centre and fitted biases can have */
      readonly optimum: number;
      /** No such model is nearer than this: `optimum`, less what a decomposition by steps leaves open (docs/svd.md) */
      readonly optimumAtLeast: number;
      /** error − optimum, ≥ 0 up to rounding of f32 factors and up to optimum − optimumAtLeast */
      readonly gap: number;
      /**
       * gap / ‖A − centre‖_F: 0 is the best, 1 a model of zeros beside a perfect fit. Of a matrix that is its centre gap / ‖A‖_F;
       * undefined for one of zeros, beside which nothing is small
       */
      readonly relativeGap: number | undefined;
    }
  | {
      /** Otherwise: the slope of the method's own cost, penalties included, at the model's parameters */
      readonly kind: "gradient";
      /** Euclidean length of the gradient over all factors and biases */
      readonly norm: number;
      /** norm · ‖parameters‖ / cost: the share by which the cost changes when all parameters change by a share of 1. 0 at rest */
      readonly relative: number;
    };

/** A place on a cost, as `Run.slope` gives it. */
export interface Slope {
  /** Euclidean length of the gradient of the method's own cost over all parameters */
  readonly norm: number;
  /** The cost, penalties included */
  readonly cost: number;
  /** Euclidean length of all parameters */
  readonly size: number;
}

export type CertificateChoice = boolean | "auto";

/** @throws OptionError for anything else; left out, it is `auto` */
export function certificateChoice(who: string, option: string, given: unknown): CertificateChoice {
  const choice = given ?? "auto";
  if (choice === "auto" || typeof choice === "boolean") return choice;
  throw new OptionError(who, option, choice, 'true, false or "auto"');
}

/** "auto" looks for the optimum of matrices up to this size, which takes some hundredths of a second … */
const AUTO_SHORT_SIDE = 128;
const AUTO_CELLS = 2 ** 18;
/** … and at the gradient when it takes no longer than this share of the passes. */
const AUTO_SHARE = 0.04;
/** Passes that the gradient takes as long as, where a run does not say. */
const SLOPE_PASSES = 0.2;

/**
 * @returns undefined when none was wanted, or none is known for this method and these ratings
 * @throws AbortedError
 */
export async function certify<M extends Model>(
  choice: CertificateChoice,
  run: Run<M>,
  method: Factorizer<M>,
  ratings: Ratings,
  { model, loss }: Pick<Finish<M>, "model" | "loss">,
  kernels: Kernels,
  signal: AbortSignal | undefined,
): Promise<Certificate | undefined> {
  if (choice === false) return undefined;
  throwIfAborted(method.name, signal);
  if (isBounded(model) && ratings.isComplete && (choice === true || optimumCostsLittle(ratings))) {
    const optimum = await optimumOf(model, method, ratings, kernels, signal);
    if (optimum !== undefined) return optimum;
  }
  // The run stands after the last pass; validation may have kept the model of an earlier one.
  if (run.slope === undefined || model.provenance.passes !== loss.length) return undefined;
  const costs = run.slopePasses ?? SLOPE_PASSES;
  if (choice === "auto" && AUTO_SHARE * loss.length < costs && !run.finished) return undefined;
  const { norm, cost, size } = await run.slope(signal);
  return { kind: "gradient", norm, relative: norm === 0 || cost === 0 ? 0 : (norm * size) / cost };
}

/** Whether the optimum of complete ratings is found without being asked for. */
export function optimumCostsLittle({ users, items }: Ratings): boolean {
  return Math.min(users.size, items.size) <= AUTO_SHORT_SIDE && users.size * items.size <= AUTO_CELLS;
}

/** Whether a rank bounds how near the model can come to ratings: two tables of it, on the ratings' own scale. */
export function isBounded(model: Model): model is FactorModel {
  return model.kind === "factors" && model.scale === "rating";
}

/** @returns undefined when the steps of the decomposition were used up before it was known well enough */
async function optimumOf(
  model: FactorModel,
  method: Factorizer<Model>,
  ratings: Ratings,
  kernels: Kernels,
  signal: AbortSignal | undefined,
): Promise<Certificate | undefined> {
  const bounds = await modelOptima(method, [method.rank ?? model.rank], ratings, ratings, { kernels, signal });
  const { optimum, atLeast } = bounds?.optima[0] ?? {};
  if (bounds === undefined || optimum === undefined || atLeast === undefined) return undefined;
  const measured = await errorOf(model, ratings, () => throwIfAborted(method.name, signal));
  const size = standardDeviation(ratings.byUser.value, 0) * Math.sqrt(ratings.size);
  const error = aboveRounding(measured, size);
  const gap = error - optimum;
  const ruler = aboveRounding(bounds.whole, size) || size;
  const relativeGap = ruler === 0 ? undefined : gap / ruler;
  return {
    kind: "optimum",
    error,
    optimum,
    optimumAtLeast: atLeast,
    gap,
    relativeGap,
  };
}

/** ‖A − prediction‖_F over all cells, in f64. */
async function errorOf(model: FactorModel, ratings: Ratings, atTurn: () => void): Promise<number> {
  const { rank, mean, userBias, itemBias, userFactors, itemFactors } = model;
  const { rows, columns, value } = ratings.byUser;
  let sum = 0;
  for (let user = 0; user < rows; user++) {
    const level = mean + (userBias === undefined ? 0 : userBias[user]);
    for (let item = 0; item < columns; item++) {
      let score = level + (itemBias === undefined ? 0 : itemBias[item]);
      for (let k = 0; k < rank; k++) score += userFactors[user * rank + k] * itemFactors[item * rank + k];
      // Complete rows hold their cells in the order of the items.
      sum += (value.at(user * columns + item) - score) ** 2;
    }
    if (turnIsOver()) {
      await nextTurn();
      atTurn();
    }
  }
  return Math.sqrt(sum);
}
