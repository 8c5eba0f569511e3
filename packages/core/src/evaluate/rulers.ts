/**
 * Rulers: training data in, a scorer without any learning out. A model that does not beat them has learned nothing, so
 * every Evaluation shows them beside it.
 */
import type { Scorer } from "../model/index.ts";
import { DataError, finiteNumber, hash32, knownOptions, wholeNumber } from "../support/index.ts";
import { type FixedOrderScorer, itemOrder } from "./lists.ts";
import type { BaselineScorer } from "./predictions.ts";
import { type TrainingCells, valueFacts } from "./training-cells.ts";

export const rulerNames = ["popularity", "biasOnly", "random"] as const;
export type RulerName = (typeof rulerNames)[number];

/**
 * Everyone's list is the most popular items: score = number of users who have the item in training, whatever they
 * thought of it. Ties in the order of item ids. Deterministic: two tools that agree on it agree on the protocol.
 */
export function popularity(train: TrainingCells): Scorer {
  const counts = new Float64Array(train.items.size);
  const { index } = train.byUser;
  for (let p = 0; p < index.length; p++) counts[index[p]]++;
  const scorer: FixedOrderScorer = {
    name: "popularity",
    users: train.users,
    items: train.items,
    scale: "preference",
    [itemOrder]: fallingOrder(counts),
    score: (_user, item) => counts[item],
    scoreItems: (_user, out) => out.set(counts),
  };
  return scorer;
}

/** Damping of `biasOnly`: how many ratings of the mean every item and user is given beforehand. */
export interface BiasOptions {
  /** ≥ 0. Default 25 */
  readonly itemDamping?: number | undefined;
  /** ≥ 0. Default 10 */
  readonly userDamping?: number | undefined;
}

/**
 * Damped means, without any interaction of user and item:
 *
 *   score(u, i) = μ + b_u + b_i,   b_i = Σ_u (r_ui − μ) / (n_i + itemDamping),   b_u = Σ_i (r_ui − μ − b_i) / (n_u + userDamping)
 *
 * μ is the mean of the training ratings, n counts ratings. Items first, then users, one pass; nothing is iterated.
 * Ranks items by b_i, ties in the order of item ids. Source: Koren, TKDD 2010, section 2.1, with its dampings.
 *
 * @throws DataError for data without ratings: every score would be the same
 */
export function biasOnly(train: TrainingCells, options: BiasOptions = {}): Scorer {
  knownOptions("biasOnly", options, ["itemDamping", "userDamping"]);
  const itemDamping = finiteNumber("biasOnly", "itemDamping", options.itemDamping ?? 25, 0);
  const userDamping = finiteNumber("biasOnly", "userDamping", options.userDamping ?? 10, 0);
  if (!train.hasRatings) {
    throw new DataError("biasOnly: these data have no rating column, so there are no biases; use popularity instead");
  }
  const { mean } = valueFacts(train.byUser.value);
  const itemBias = itemBiases(train, mean, itemDamping);
  const userBias = userBiases(train, mean, itemBias, userDamping);
  const scorer: FixedOrderScorer & BaselineScorer = {
    name: "biasOnly",
    users: train.users,
    items: train.items,
    scale: "rating",
    [itemOrder]: fallingOrder(itemBias),
    score: (user, item) => mean + userBias[user] + itemBias[item],
    scoreItems: (user, out) => {
      const base = mean + userBias[user];
      for (let i = 0; i < out.length; i++) out[i] = base + itemBias[i];
    },
    baseline: (user, item) =>
      mean + (user === undefined ? 0 : userBias[user]) + (item === undefined ? 0 : itemBias[item]),
  };
  return scorer;
}

function itemBiases(train: TrainingCells, mean: number, damping: number): Float64Array {
  const { index, value } = train.byUser;
  const sums = new Float64Array(train.items.size);
  const counts = new Float64Array(train.items.size);
  for (let p = 0; p < index.length; p++) {
    sums[index[p]] += value[p] - mean;
    counts[index[p]]++;
  }
  for (let i = 0; i < sums.length; i++) if (counts[i] > 0) sums[i] /= counts[i] + damping;
  return sums;
}

function userBiases(train: TrainingCells, mean: number, itemBias: Float64Array, damping: number): Float64Array {
  const { start, index, value } = train.byUser;
  const biases = new Float64Array(train.users.size);
  for (let u = 0; u < biases.length; u++) {
    let sum = 0;
    for (let p = start[u]; p < start[u + 1]; p++) sum += value[p] - mean - itemBias[index[p]];
    const count = start[u + 1] - start[u];
    if (count > 0) biases[u] = sum / (count + damping);
  }
  return biases;
}

/**
 * Scores drawn by a hash of (seed, user, item): the same every time, unrelated to the data. On ratings they are uniform
 * with the mean and standard deviation of the training ratings (mean ± √3 deviations), otherwise uniform in [0, 1).
 *
 * @param seed a whole number from 0 to 2³² − 1
 */
export function random(train: TrainingCells, seed = 0): Scorer {
  wholeNumber("random", "seed", seed, 0, 2 ** 32 - 1);
  const { mean, deviation } = valueFacts(train.byUser.value);
  const low = train.hasRatings ? mean - Math.sqrt(3) * deviation : 0;
  const width = train.hasRatings ? 2 * Math.sqrt(3) * deviation : 1;
  // A constant rating would make every score the same and the lists anything but random
  const span = width > 0 ? width : 2 ** -10;
  const step = span / 2 ** 32;
  return {
    name: "random",
    users: train.users,
    items: train.items,
    scale: train.hasRatings ? "rating" : "preference",
    score: (user, item) => Math.fround(low + step * hash32(hash32(seed, user), item)),
    scoreItems: (user, out) => {
      const stream = hash32(seed, user);
      for (let i = 0; i < out.length; i++) out[i] = low + step * hash32(stream, i);
    },
  };
}

/** Item indexes by falling score, ties to the smaller index. */
function fallingOrder(scores: Float64Array): Uint32Array {
  const order = Uint32Array.from(scores, (_, item) => item);
  return order.sort((a, b) => scores[b] - scores[a] || a - b);
}
