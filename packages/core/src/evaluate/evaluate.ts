/**
 * evaluate: a model and held-out ratings in; error and ranking figures, beside the same figures of the rulers, out.
 *
 * Ranks the full catalogue for every user with a relevant held-out item. Memory is bounded by blocks of users.
 * Not here: the formulas (metrics/), the lists (lists.ts), training on folds (cross-validate.ts).
 */
import { type EngineOptions, engineOptionNames, type Kernels, kernelsFor } from "../kernels/index.ts";
import { checkModel, type Model, type Scale, type Scorer } from "../model/index.ts";
import { asRatings, type Ratings } from "../ratings/index.ts";
import { knownOptions, OptionError, oneOf, rounded, show, throwIfAborted, wholeNumber } from "../support/index.ts";
import { HeldOut, type RatingErrors } from "./held-out.ts";
import type { RankingFigures } from "./ranking.ts";
import type { HeldOutCounts } from "./relevance.ts";
import { biasRuler, popularityRuler, type RulerName, randomRuler, rulerNames } from "./rulers.ts";
import { listLengths, type MeasureOptions, type MeasureSettings, measureOptionNames } from "./settings.ts";
import { isModel, nameOf, type TrainingCells, withHistory } from "./training-cells.ts";

export interface EvaluationProgress {
  /** The model or ruler being measured */
  readonly name: string;
  /** Users ranked so far, and in all, for this one */
  readonly users: number;
  readonly usersTotal: number;
  /** Scorers finished, and in all: the model and its rulers */
  readonly scorers: number;
  readonly scorersTotal: number;
}

export interface EvaluateOptions extends MeasureOptions, EngineOptions {
  /** The ratings trained on: seen items are left out of the lists, rulers are made of them. Default: the model's history */
  readonly train?: Ratings | undefined;
  /** List lengths, each 1 or more. Default [10] */
  readonly n?: readonly number[] | undefined;
  /** Which rulers to measure beside the model. Default all that suit the data; false for none */
  readonly rulers?: boolean | readonly RulerName[] | undefined;
  /** Of the random ruler. Default 0 */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: EvaluationProgress) => void) | undefined;
}

export const evaluateOptionNames = [
  "train",
  "n",
  "rulers",
  "seed",
  "signal",
  "onProgress",
  ...measureOptionNames,
  ...engineOptionNames,
] as const satisfies readonly (keyof EvaluateOptions)[];

/** Figures of one scorer. */
export interface Figures {
  /** Method or ruler */
  readonly name: string;
  readonly scale: Scale;
  /** Undefined when scores or held-out data are not ratings */
  readonly errors: RatingErrors | undefined;
  /** One entry per list length, ascending; undefined when no known user has a relevant held-out item */
  readonly ranking: readonly RankingFigures[] | undefined;
}

/** Plain data: every figure, what it was measured on and how. */
export interface Evaluation extends Figures {
  readonly rulers: readonly Figures[];
  readonly counts: HeldOutCounts;
  /** Items in the catalogue that was ranked */
  readonly catalogue: number;
  readonly settings: MeasureSettings;
  /** What a reader should know before comparing figures, as sentences */
  readonly notes: readonly string[];
}

/**
 * Measures a model, or any scorer, on held-out ratings.
 *
 * @param given a model of items kept without its history scores by `options.train`
 * @param test ratings that the model was not trained on, with ids of the same kind; need not share id maps with the model
 * @throws OptionError for options that are unknown, out of range or in conflict, or when there is no training data
 * @throws DataError when nothing in the held-out data is known to the model, or the model's arrays do not fit together
 * @throws AbortedError when the signal fires; looked at between blocks of users
 */
export async function evaluate(
  given: Model | Scorer,
  test: Ratings,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  const who = "evaluate";
  knownOptions(who, options, evaluateOptionNames);
  const n = listLengths(who, options.n);
  const seed = wholeNumber(who, "seed", options.seed ?? 0, 0, 2 ** 32 - 1);
  throwIfAborted(who, options.signal);
  checkScorer(who, given);
  asRatings(who, "test", test);
  if (options.train !== undefined) asRatings(who, "train", options.train);
  const scorer = withHistory(who, given, test, options.train);
  const heldOut = new HeldOut(who, scorer, test, options.train, options);
  const rulers = rulersFor(who, options.rulers ?? true, heldOut.train, seed);
  const kernels = await kernelsFor(who, options);
  const measured: Figures[] = [];
  for (const each of [scorer, ...rulers]) {
    measured.push(await figures(each, heldOut, n, kernels, options, measured.length, 1 + rulers.length));
  }
  const [own, ...beside] = measured;
  return {
    ...own,
    rulers: beside,
    counts: heldOut.counts,
    catalogue: scorer.items.size,
    settings: heldOut.settings,
    notes: notes(scorer, test, heldOut, options),
  };
}

/** Callers without types: what would otherwise end in an error about `undefined`. */
function checkScorer(who: string, scorer: Model | Scorer): void {
  if (typeof scorer !== "object" || scorer === null)
    throw new OptionError(who, "scorer", scorer, "a model or a scorer");
  if (isModel(scorer)) checkModel(scorer);
}

async function figures(
  scorer: Model | Scorer,
  heldOut: HeldOut,
  n: readonly number[],
  kernels: Kernels,
  options: EvaluateOptions,
  scorers: number,
  scorersTotal: number,
): Promise<Figures> {
  const { signal, onProgress } = options;
  const name = nameOf(scorer);
  throwIfAborted("evaluate", signal);
  const onUsers = (users: number, usersTotal: number) => {
    const finished = users === usersTotal ? scorers + 1 : scorers;
    onProgress?.({ name, users, usersTotal, scorers: finished, scorersTotal });
  };
  const errors = await heldOut.errors(scorer, { kernels, signal });
  const ranking = await heldOut.ranking(scorer, n, { kernels, signal, onUsers });
  return { name, scale: scorer.scale, errors, ranking };
}

/** The rulers asked for. `biasOnly` needs ratings: left out by default where there are none, refused when named. */
function rulersFor(who: string, wanted: boolean | readonly RulerName[], train: TrainingCells, seed: number): Scorer[] {
  if (typeof wanted !== "boolean" && !Array.isArray(wanted)) {
    throw new OptionError(who, "rulers", wanted, `true, false, or a list of ${rulerNames.map(show).join(", ")}`);
  }
  const usual = rulerNames.filter((name) => name !== "biasOnly" || train.hasRatings);
  const names: readonly RulerName[] = typeof wanted === "boolean" ? (wanted ? usual : []) : wanted;
  return names.map((name) => {
    oneOf(who, "rulers", name, rulerNames);
    switch (name) {
      case "popularity":
        return popularityRuler(train);
      case "biasOnly":
        return biasRuler(train);
      case "random":
        return randomRuler(train, seed);
      default:
        return name satisfies never;
    }
  });
}

function notes(scorer: Model | Scorer, test: Ratings, heldOut: HeldOut, options: EvaluateOptions): string[] {
  const { counts, settings } = heldOut;
  const found: string[] = [];
  if (settings.relevantFrom !== "all" && options.relevantFrom === undefined) {
    found.push(
      `a held-out item is relevant when rated ${rounded(settings.relevantFrom)} or more, the median of the training ratings`,
    );
  }
  if (options.train !== undefined && isModel(scorer) && scorer.provenance.dataHash !== options.train.hash) {
    found.push(
      "the training data given are not those that the model was trained on, so seen items and rulers may be wrong",
    );
  }
  if (counts.unknownUsers > 0) {
    found.push(
      `${counted(counts.unknownUsers, "user")} in the held-out data ${areOrIs(counts.unknownUsers)} unknown to the model and could not be ranked for`,
    );
  }
  if (counts.unknownItems > 0) {
    const missed = counts.relevantUnknown === 1 ? "counts as a miss" : "count as misses";
    const effect = settings.unknownItems === "miss" ? missed : `${areOrIs(counts.relevantUnknown)} left out`;
    found.push(
      `${counted(counts.unknownItems, "item")} in the held-out data ${areOrIs(counts.unknownItems)} unknown to the model; ${counted(counts.relevantUnknown, "relevant record")} of them ${effect}`,
    );
  }
  if (counts.alreadyInTraining > 0) {
    found.push(
      `${counted(counts.alreadyInTraining, "held-out record")} ${areOrIs(counts.alreadyInTraining)} also in the training data: such an item is never listed and does not count as relevant`,
    );
  }
  if (counts.usersRanked === 0)
    found.push("no known user has a relevant held-out item, so there are no ranking figures");
  if (scorer.scale === "rating" && !test.hasRatings) {
    found.push("the held-out data have no rating column, so there is no RMSE or MAE");
  }
  return found;
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function areOrIs(count: number): "are" | "is" {
  return count === 1 ? "is" : "are";
}
