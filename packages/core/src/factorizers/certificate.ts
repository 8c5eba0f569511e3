/**
 * How near a trained model is to the best there can be: a finished run and its model in, two or three figures out.
 *
 * Over complete ratings the best is known: no matrix of rank k is nearer to another than its singular value decomposition
 * (Eckart & Young, 1936). Elsewhere no such bound is known, and the gradient of the method's own cost says whether the
 * parameters have come to rest. Not here: what the cost is (the methods), the decomposition (svd/).
 */
import type { Kernels } from "../kernels/index.ts";
import type { Center, FactorModel, Model } from "../model/index.ts";
import { centers } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { nextTurn, turnIsOver } from "../support/index.ts";
import type { Finish } from "./course.ts";
import type { Factorizer, Run } from "./factorizer.ts";
import { type SvdMatrix, svdMatrix } from "./svd/matrix.ts";
import { optima } from "./svd/truncated-svd.ts";

/** How near a model is to the best there can be. */
export type Certificate =
  | {
      /** Complete ratings: the model beside the best of all matrices of its rank */
      readonly kind: "optimum";
      /** ‖A − prediction‖_F over all cells */
      readonly error: number;
      /** The smallest that any model of this rank and centre can have; with fitted biases a bound below it */
      readonly optimum: number;
      /** The model's rank, and one more for each side with a fitted bias, which is as much as a column can do */
      readonly optimumRank: number;
      /** error − optimum, ≥ 0 up to rounding of f32 factors */
      readonly gap: number;
      /** gap / ‖A − centre‖_F: 0 is the best, 1 a model of zeros beside a perfect fit */
      readonly relativeGap: number;
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

/** "auto" looks for the optimum of matrices up to this size, which takes some hundredths of a second … */
const AUTO_SHORT_SIDE = 128;
const AUTO_CELLS = 2 ** 18;
/** … and at the gradient when it takes no longer than this share of the passes. */
const AUTO_SHARE = 0.04;
/** Passes that the gradient takes as long as, where a run does not say. */
const SLOPE_PASSES = 0.2;

/** @returns undefined when none was wanted, or none is known for this method and these ratings */
export async function certify<M extends Model>(
  choice: CertificateChoice,
  run: Run<M>,
  method: Factorizer<M>,
  ratings: Ratings,
  { model, loss }: Pick<Finish<M>, "model" | "loss">,
  kernels: Kernels,
): Promise<Certificate | undefined> {
  if (choice === false) return undefined;
  const { size: users } = ratings.users;
  const { size: items } = ratings.items;
  const complete = ratings.size === users * items;
  const small = Math.min(users, items) <= AUTO_SHORT_SIDE && users * items <= AUTO_CELLS;
  if (model.kind === "factors" && model.scale === "rating" && complete && (choice === true || small)) {
    return optimumOf(model, method, ratings, kernels);
  }
  // The run stands after the last pass; validation may have kept the model of an earlier one.
  if (run.slope === undefined || model.provenance.passes !== loss.length) return undefined;
  const costs = run.slopePasses ?? SLOPE_PASSES;
  if (choice === "auto" && AUTO_SHARE * loss.length < costs && !run.finished) return undefined;
  const { norm, cost, size } = await run.slope();
  return { kind: "gradient", norm, relative: norm === 0 || cost === 0 ? 0 : (norm * size) / cost };
}

async function optimumOf(
  model: FactorModel,
  method: Factorizer<Model>,
  ratings: Ratings,
  kernels: Kernels,
): Promise<Certificate> {
  const { center, biases } = method.options;
  const own: Center = centers.find((one) => one === center) ?? "none";
  const matrix = svdMatrix(method.name, ratings, "refuse", own);
  const sides = biases === "both" ? 2 : biases === "user" || biases === "item" ? 1 : 0;
  const optimumRank = (method.rank ?? model.rank) + sides;
  const [optimum] = await optima(method.name, matrix, [optimumRank], { kernels });
  const error = await errorOf(model, matrix);
  const gap = error - optimum;
  const whole = Math.sqrt(matrix.squared);
  return { kind: "optimum", error, optimum, optimumRank, gap, relativeGap: whole === 0 ? 0 : gap / whole };
}

/** ‖A − prediction‖_F over all cells, in f64. */
async function errorOf(model: FactorModel, { ratings }: SvdMatrix): Promise<number> {
  const { rank, mean, userBias, itemBias, userFactors, itemFactors } = model;
  const { rows, columns, value } = ratings.byUser;
  let sum = 0;
  for (let user = 0; user < rows; user++) {
    const level = mean + (userBias === undefined ? 0 : userBias[user]);
    for (let item = 0; item < columns; item++) {
      let score = level + (itemBias === undefined ? 0 : itemBias[item]);
      for (let k = 0; k < rank; k++) score += userFactors[user * rank + k] * itemFactors[item * rank + k];
      // Complete rows hold their cells in the order of the items.
      sum += (value[user * columns + item] - score) ** 2;
    }
    if (turnIsOver()) await nextTurn();
  }
  return Math.sqrt(sum);
}
