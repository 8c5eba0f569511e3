/**
 * Held-out data bound to the id maps of a scorer: maps, relevant items and training facts, worked out once and used for
 * every scorer on the same maps (a model, its rulers, the same model pass after pass).
 */
import type { Kernels } from "../kernels/index.ts";
import type { Model, Scorer } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { DataError } from "../support/index.ts";
import { mae, rmse } from "./metrics/rating-errors.ts";
import { predictionErrors } from "./predictions.ts";
import { type RankingFigures, rankingFigures } from "./ranking.ts";
import { type HeldOutCounts, type HeldOutMaps, heldOutMaps, type RelevantRows, relevantRows } from "./relevance.ts";
import { type MeasureOptions, type MeasureSettings, measureSettings } from "./settings.ts";
import { isModel, type TrainingCells, trainingCells, type ValueFacts, valueFacts } from "./training-cells.ts";

/** How far predictions are from held-out ratings, in units of the rating. */
export interface RatingErrors {
  readonly rmse: number;
  readonly mae: number;
  /** Pairs in both figures */
  readonly pairs: number;
  /** Pairs with a user or item that the model does not know: among `pairs` as baselines, or left out, as the settings say */
  readonly unknownPairs: number;
  /** Range that predictions were cut to; undefined when they were not */
  readonly clampedTo: { readonly min: number; readonly max: number } | undefined;
}

/** One running measurement. */
export interface MeasureRun {
  readonly kernels: Kernels;
  readonly signal: AbortSignal | undefined;
  readonly onUsers?: ((done: number, total: number) => void) | undefined;
}

export class HeldOut {
  readonly train: TrainingCells;
  readonly facts: ValueFacts;
  readonly settings: MeasureSettings;
  readonly #who: string;
  readonly #test: Ratings;
  readonly #maps: HeldOutMaps;
  #relevant: RelevantRows | undefined;

  constructor(who: string, scorer: Model | Scorer, test: Ratings, train: Ratings | undefined, options: MeasureOptions) {
    if (test.size === 0)
      throw new DataError(`${who}: the held-out data hold no ratings, so there is nothing to measure`);
    this.#who = who;
    this.#test = test;
    this.train = trainingCells(who, scorer, test, train);
    if (this.train.byUser.index.length === 0) {
      throw new DataError(
        `${who}: the model knows no user and item of the training data; give the data it was trained on`,
      );
    }
    this.facts = valueFacts(this.train.byUser.value);
    this.settings = measureSettings(who, options, test, this.train);
    this.#maps = heldOutMaps(who, test, scorer.users, scorer.items);
  }

  /** Whether this is bound to the maps of `scorer`. */
  fits(scorer: Model | Scorer): boolean {
    return scorer.users === this.train.users && scorer.items === this.train.items;
  }

  get counts(): HeldOutCounts {
    return this.#rows().counts;
  }

  /** Undefined for scorers whose scores are not ratings, for data without ratings, and when every pair is left out. */
  async errors(scorer: Model | Scorer, run: MeasureRun): Promise<RatingErrors | undefined> {
    if (scorer.scale !== "rating" || !this.#test.hasRatings) return undefined;
    const clampTo = this.settings.clamp ? this.#range(scorer) : undefined;
    const { sums, unknownPairs } = await predictionErrors(scorer, {
      who: this.#who,
      test: this.#test,
      maps: this.#maps,
      clampTo,
      unknownPairs: this.settings.unknownPairs,
      mean: this.facts.mean,
      kernels: run.kernels,
      signal: run.signal,
    });
    const root = rmse(sums);
    const absolute = mae(sums);
    if (root === undefined || absolute === undefined) return undefined;
    return { rmse: root, mae: absolute, pairs: sums.pairs, unknownPairs, clampedTo: clampTo };
  }

  /** Undefined when no known user has a relevant item. */
  async ranking(scorer: Model | Scorer, n: readonly number[], run: MeasureRun): Promise<RankingFigures[] | undefined> {
    return rankingFigures(scorer, {
      who: this.#who,
      relevant: this.#rows(),
      n,
      recallDenominator: this.settings.recallDenominator,
      seen: this.settings.includeSeen ? undefined : this.train.byUser,
      kernels: run.kernels,
      signal: run.signal,
      onUsers: run.onUsers,
    });
  }

  #rows(): RelevantRows {
    this.#relevant ??= relevantRows(this.#who, this.#test, this.#maps, this.train, this.settings);
    return this.#relevant;
  }

  #range(scorer: Model | Scorer): { min: number; max: number } {
    const range = isModel(scorer) ? scorer.range : undefined;
    const { min, max } = range ?? this.facts;
    return { min, max };
  }
}
