/**
 * A NetModel as a Scorer: double precision, layer by layer.
 *
 * For single scores and for callers without kernels. Long lists come from recommend/, which scores in the kernels (f32).
 */
import type { NetModel } from "./net-model.ts";
import type { Scorer } from "./scorer.ts";

export function netScorer(model: NetModel): Scorer {
  const { rank, userFactors, itemFactors, userBias, itemBias, mean, layers, product } = model;
  const itemCount = model.items.size;
  const widths = [2 * rank, ...layers.map(({ outputs }) => outputs)];
  const values = widths.map((width) => new Float64Array(width));
  const last = layers[layers.length - 1];
  const hidden = layers.slice(0, -1);

  const score = (user: number, item: number): number => {
    for (let k = 0; k < rank; k++) {
      values[0][k] = userFactors[user * rank + k];
      values[0][rank + k] = itemFactors[item * rank + k];
    }
    for (let l = 0; l < hidden.length; l++) {
      const { inputs, outputs, weight, bias } = hidden[l];
      for (let o = 0; o < outputs; o++) {
        let sum = bias[o];
        for (let i = 0; i < inputs; i++) sum += weight[o * inputs + i] * values[l][i];
        values[l + 1][o] = Math.max(0, sum);
      }
    }
    const top = values[hidden.length];
    let sum = last.bias[0];
    for (let i = 0; i < top.length; i++) sum += last.weight[i] * top[i];
    if (product !== undefined) {
      for (let k = 0; k < rank; k++) {
        const factor = product.userFactors[user * rank + k] * product.itemFactors[item * rank + k];
        sum += last.weight[top.length + k] * factor;
      }
    }
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
