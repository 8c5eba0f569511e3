/**
 * What a trained model says about its training: predictions of cells that were rated and of cells that were not, some thousand
 * of each, drawn from the seed of the model.
 *
 * Only for models that predict ratings. Cost: a few milliseconds.
 */
import { type Model, type Scorer, scorerOf } from "../model/index.ts";
import { type Ratings, standardDeviation } from "../ratings/index.ts";
import { rounded, show, streamSeed, unit48 } from "../support/index.ts";
import { withUnit } from "./descent-unit.ts";
import type { Factorizer } from "./factorizer.ts";
import type { Finding } from "./findings.ts";
import { FEW_PASSES, isUnsettled, now } from "./findings-in-losses.ts";

/** Cells of each kind that are looked at. */
const SAMPLE = 4096;
/** Of the cells without a rating, so many may be predicted far off the scale. */
const OFF_SHARE = 1e-3;
/** An error that is smaller than that of the mean by less than this share is no better. */
const NO_BETTER = 1e-3;
/** Training errors below this share of the ratings' spread are no errors. */
const BY_HEART = 0.05;

/** @param others findings of the data and of the losses */
export function findingsInModel(
  ratings: Ratings,
  method: Factorizer<Model>,
  model: Model,
  others: readonly Finding[] = [],
): Finding[] {
  if (model.scale !== "rating" || !ratings.hasRatings || ratings.min === ratings.max) return [];
  const scorer = scorerOf(model);
  const seed = streamSeed(model.provenance.seed, "findings");
  const nothing = others.some(isUnsettled) ? [] : learnedNothing(ratings, method, model, scorer, seed);
  if (ratings.isComplete) return nothing;
  return [...nothing, ...learnedByHeart(ratings, method, scorer, seed), ...offTheScale(ratings, scorer, seed)];
}

/**
 * As far from the ratings as their mean is, or farther. Of methods that take steps or have a penalty, either of which may be to blame: the
 * best model of a rank that has no centre is what it is.
 */
function learnedNothing(
  ratings: Ratings,
  method: Factorizer<Model>,
  { provenance: { options, passes } }: Model,
  scorer: Scorer,
  seed: number,
): Finding[] {
  const { learningRate, regularization } = options;
  // Losses that bear outliers may leave more squared errors than the mean does.
  if (passes < FEW_PASSES || (options.loss !== undefined && options.loss !== "squared")) return [];
  const steps = typeof learningRate === "number";
  if (!steps && (typeof regularization !== "number" || regularization === 0)) return [];
  // With the optimum beside it, the certificate knows more.
  if (!steps && ratings.isComplete && method.options.regularization === "auto") return [];
  const rmse = errorOfSome(ratings, scorer, seed);
  const alone = errorOfSome(ratings, { score: () => ratings.mean }, seed);
  if (rmse < (1 - NO_BETTER) * alone) return [];
  return [
    {
      code: "learned-nothing",
      message: `the model is off by ${rounded(rmse)} on its training ratings (RMSE), and their mean alone is by ${rounded(alone)}: ${steps ? `the steps of these ${passes} ${method.passName} were too small or too few` : "the penalty leaves nothing"}, or these ratings hold no pattern`,
      remedy: steps
        ? `raise learningRate${now(learningRate, withUnit(options))} tenfold, or leave it to the method, and make more ${method.passName} (now ${method.passes})`
        : `lower regularization${now(regularization)}, or leave it to the method`,
    },
  ];
}

/** With more numbers to choose than ratings to fit, and no error left, the ratings are stored rather than explained. */
function learnedByHeart(ratings: Ratings, method: Factorizer<Model>, scorer: Scorer, seed: number): Finding[] {
  const { byUser, users, items, size } = ratings;
  if (method.rank === undefined) return [];
  const numbers = method.rank * (users.size + items.size);
  if (numbers <= size) return [];
  const spread = standardDeviation(byUser.value, ratings.mean);
  const rmse = errorOfSome(ratings, scorer, seed);
  if (rmse >= BY_HEART * spread) return [];
  return [
    {
      code: "rank-too-high",
      message: `the model is off by ${rounded(rmse)} on its training ratings, whose spread is ${rounded(spread)}: with rank ${method.rank} it has ${numbers} numbers for ${size} ratings and has learned them by heart`,
      remedy: "lower the rank or raise regularization, and judge by held-out ratings",
    },
  ];
}

function errorOfSome({ byUser, size }: Ratings, scorer: Pick<Scorer, "score">, seed: number): number {
  const { start, index, value, rows } = byUser;
  const every = Math.max(1, Math.floor(size / SAMPLE));
  let sum = 0;
  let count = 0;
  let user = 0;
  for (let entry = Math.floor(every * unit48(seed, 0)); entry < size; entry += every) {
    while (user < rows - 1 && start[user + 1] <= entry) user++;
    sum += (scorer.score(user, index[entry]) - value.at(entry)) ** 2;
    count++;
  }
  return Math.sqrt(sum / count);
}

/** Farther from the ratings' range than half its width: nobody meant −26 stars of 5. */
function offTheScale(ratings: Ratings, scorer: Scorer, seed: number): Finding[] {
  const { users, items, min, max } = ratings;
  const slack = (max - min) / 2;
  let drawn = 0;
  let off = 0;
  let worst = { user: 0, item: 0, score: 0, distance: 0 };
  // Tables that are nearly full have few cells without a rating: they are looked for, not forever.
  for (let draw = 1; draw <= 4 * SAMPLE && drawn < SAMPLE; draw++) {
    const user = Math.floor(users.size * unit48(seed, 2 * draw));
    const item = Math.floor(items.size * unit48(seed, 2 * draw + 1));
    if (isRated(ratings, user, item)) continue;
    drawn++;
    const score = scorer.score(user, item);
    const distance = Math.max(score - max, min - score);
    if (distance > slack) off++;
    if (distance > worst.distance) worst = { user, item, score, distance };
  }
  if (drawn === 0 || off === 0 || off < OFF_SHARE * drawn) return [];
  const share = Number(((100 * off) / drawn).toPrecision(2));
  const whose = `user ${show(users.id(worst.user))} and item ${show(items.id(worst.item))}`;
  return [
    {
      code: "predictions-off-scale",
      message: `${share} % of the cells without a rating are predicted far from the ratings' ${rounded(min)} to ${rounded(max)}, up to ${rounded(worst.score)} for ${whose}`,
      remedy: "raise regularization, lower the rank, fit biases; clamping would hide it",
    },
  ];
}

function isRated({ byUser }: Ratings, user: number, item: number): boolean {
  const { start, index } = byUser;
  let low = start[user];
  let high = start[user + 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (index[middle] < item) low = middle + 1;
    else high = middle;
  }
  return low < start[user + 1] && index[low] === item;
}
