/**
 * A FactorModel as a Scorer: sums in double precision, in the order of the columns; and what it says of a pair of which it
 * knows one side or none.
 *
 * For single scores and for callers without kernels. Long lists come from recommend/, which scores in the kernels
 * (f32); the two differ by at most rank · 2⁻²⁴ of Σ|a·b|, plus one f32 rounding of the sum.
 */
import type { FactorModel } from "./factor-model.ts";
import type { Model } from "./model.ts";
import type { Scorer } from "./scorer.ts";

/**
 * What the mean and the biases of the sides that are known say about a pair. Undefined where nothing does: for scores that
 * are not ratings, and where nothing was subtracted before fitting and no known side has a bias.
 *
 * @param user its index, or undefined for one that the model does not know; `item` likewise
 */
export function baselineOf(model: Model, user: number | undefined, item: number | undefined): number | undefined {
  if (model.scale !== "rating") return undefined;
  const { mean } = model;
  const objective = model.kind === "factors" ? model.objective : undefined;
  const ofUser = user === undefined ? undefined : model.userBias?.[user];
  const ofItem = item === undefined ? undefined : model.itemBias?.[item];
  const centered = mean !== 0 || (objective?.kind === "explicit" && objective.center !== "none");
  if (!centered && ofUser === undefined && ofItem === undefined) return undefined;
  return mean + (ofUser ?? 0) + (ofItem ?? 0);
}

export function factorScorer(model: FactorModel): Scorer {
  const { rank, userFactors, itemFactors, userBias, itemBias, mean } = model;
  const itemCount = model.items.size;

  const score = (user: number, item: number): number => {
    let sum = 0;
    const u = user * rank;
    const i = item * rank;
    for (let k = 0; k < rank; k++) sum += userFactors[u + k] * itemFactors[i + k];
    return mean + (userBias === undefined ? 0 : userBias[user]) + (itemBias === undefined ? 0 : itemBias[item]) + sum;
  };

  return {
    name: model.provenance.method,
    users: model.users,
    items: model.items,
    scale: model.scale,
    score,
    scoreItems: (user, out) => {
      for (let item = 0; item < itemCount; item++) out[item] = score(user, item);
    },
  };
}
