/**
 * Rulers: training data in, a scorer without any learning out. A model that does not beat them has learned nothing, so
 * every Evaluation shows them beside it.
 */
import type { Scorer } from "../model/index.ts";
import { fallingOrder } from "../recommend/index.ts";
import { DataError, finiteNumber, knownOptions, shuffled, streamSeed, unit, wholeNumber } from "../support/index.ts";
import { itemOrder, type OrderedScorer } from "./lists.ts";
import type { BaselineScorer } from "./predictions.ts";
import { type TrainingCells, valueFacts } from "./training-cells.ts";

export const rulerNames = ["popularity", "biasOnly", "random"] as const;
export type RulerName = (typeof rulerNames)[number];

/**
 * Everyone's list is the most popular items: score = number of users who have the item in training, whatever they
 * thought of it. Ties in the order of item ids. Deterministic: two tools that agree on it agree on the protocol.
 */
export function popularityRuler(train: TrainingCells): Scorer {
  const counts = new Float64Array(train.items.size);
  const { index } = train.byUser;
  for (let p = 0; p < index.length; p++) counts[index[p]]++;
  const scorer: OrderedScorer = {
    name: "popularity",
    users: train.users,
    items: train.items,
    scale: "preference",
    [itemOrder]: { order: fallingOrder(counts), first: () => 0 },
    score: (_user, item) => counts[item],
    scoreItems: (_user, out) => out.set(counts),
  };
  return scorer;
}

export interface BiasOptions {
  /** How many ratings at the mean each item is given beforehand, ≥ 0. Default 10 */
  readonly itemDamping?: number | undefined;
  /** The same for users, ≥ 0. Default 15 */
  readonly userDamping?: number | undefined;
  /** How often items and users are averaged in turn, at least 1. Default 10; 1 gives plain damped means */
  readonly sweeps?: number | undefined;
}

/**
 * Biases without any interaction of user and item:
 *
 *   score(u, i) = μ + b_u + b_i,   b_i = Σ_u (r_ui − μ − b_u) / (n_i + itemDamping),   b_u = Σ_i (r_ui − μ − b_i) / (n_u + userDamping)
 *
 * μ is the mean of the training ratings, n counts ratings; b_u starts at 0, items first, then users, `sweeps` times. That
 * minimises Σ (r_ui − score)² + itemDamping Σ b_i² + userDamping Σ b_u². Defaults are those of Surprise's baseline, so that
 * its published figures are the ones to expect. Ranks items by b_i, ties in the order of item ids.
 * Source: Koren, TKDD 2010, section 2.1.
 *
 * @throws DataError for data without ratings: every score would be the same
 */
export function biasRuler(train: TrainingCells, options: BiasOptions = {}): Scorer {
  knownOptions("biasRuler", options, ["itemDamping", "userDamping", "sweeps"]);
  const itemDamping = finiteNumber("biasRuler", "itemDamping", options.itemDamping ?? 10, 0);
  const userDamping = finiteNumber("biasRuler", "userDamping", options.userDamping ?? 15, 0);
  const sweeps = wholeNumber("biasRuler", "sweeps", options.sweeps ?? 10, 1, 10_000);
  if (!train.hasRatings) {
    throw new DataError("biasRuler: these data have no rating column, so there are no biases; use popularity instead");
  }
  const { mean } = valueFacts(train.byUser.value);
  const itemBias = new Float64Array(train.items.size);
  const userBias = new Float64Array(train.users.size);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    averageItems(train, mean, userBias, itemDamping, itemBias);
    averageUsers(train, mean, itemBias, userDamping, userBias);
  }
  const scorer: OrderedScorer & BaselineScorer = {
    name: "biasOnly",
    users: train.users,
    items: train.items,
    scale: "rating",
    [itemOrder]: { order: fallingOrder(itemBias), first: () => 0 },
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

/** What users' biases leave of the ratings, averaged by item into `out`. Items without ratings get 0. */
function averageItems(
  train: TrainingCells,
  mean: number,
  userBias: Float64Array,
  damping: number,
  out: Float64Array,
): void {
  const { start, index, value } = train.byUser;
  const counts = new Float64Array(out.length);
  out.fill(0);
  for (let u = 0; u < userBias.length; u++) {
    for (let p = start[u]; p < start[u + 1]; p++) {
      out[index[p]] += value.at(p) - mean - userBias[u];
      counts[index[p]]++;
    }
  }
  for (let i = 0; i < out.length; i++) if (counts[i] > 0) out[i] /= counts[i] + damping;
}

/** What items' biases leave of the ratings, averaged by user into `out`. Users without ratings get 0. */
function averageUsers(
  train: TrainingCells,
  mean: number,
  itemBias: Float64Array,
  damping: number,
  out: Float64Array,
): void {
  const { start, index, value } = train.byUser;
  for (let u = 0; u < out.length; u++) {
    let sum = 0;
    for (let p = start[u]; p < start[u + 1]; p++) sum += value.at(p) - mean - itemBias[index[p]];
    const count = start[u + 1] - start[u];
    out[u] = count === 0 ? 0 : sum / (count + damping);
  }
}

/**
 * Scores that know nothing of the data: the items are shuffled once, each user begins at a place of their own, drawn by a
 * hash of (seed, user), and goes round. So every list is a uniformly random one, any top N is found without scoring the
 * catalogue, and no two items tie. Scores fall evenly along the way: on ratings between mean ± √3 standard deviations of
 * the training ratings (hence with their mean and deviation), otherwise between 0 and 1.
 *
 * @param seed a whole number from 0 to 2³² − 1
 */
export function randomRuler(train: TrainingCells, seed = 0): Scorer {
  wholeNumber("randomRuler", "seed", seed, 0, 2 ** 32 - 1);
  const count = train.items.size;
  const order = shuffled(streamSeed(seed, "random items"), count);
  const placeOf = new Uint32Array(count);
  for (let place = 0; place < count; place++) placeOf[order[place]] = place;
  const userSeed = streamSeed(seed, "random users");
  const first = (user: number) => Math.floor(unit(userSeed, user) * count);
  const { mean, deviation } = valueFacts(train.byUser.value);
  // Constant ratings have no deviation; scores must still differ for lists to be random
  const reach = deviation > 0 ? Math.sqrt(3) * deviation : 0.001;
  const [low, high] = train.hasRatings ? [mean - reach, mean + reach] : [0, 1];
  const scoreAt = (steps: number) => high - ((steps + 0.5) / count) * (high - low);
  const stepsTo = (item: number, begin: number) => (placeOf[item] - begin + count) % count;
  const scorer: OrderedScorer = {
    name: "random",
    users: train.users,
    items: train.items,
    scale: train.hasRatings ? "rating" : "preference",
    [itemOrder]: { order, first },
    score: (user, item) => scoreAt(stepsTo(item, first(user))),
    scoreItems: (user, out) => {
      const begin = first(user);
      for (let i = 0; i < out.length; i++) out[i] = scoreAt(stepsTo(i, begin));
    },
  };
  return scorer;
}
