/**
 * What evaluation needs of the training data, on the id maps of the scorer: which items a user has seen, and the values
 * that the rulers average. Comes from the caller's training ratings, or from the history inside a model.
 */
import type { Model, Scorer } from "../model/index.ts";
import {
  align,
  type CellValues,
  type CompressedRows,
  type IdMap,
  type Ratings,
  standardDeviation,
} from "../ratings/index.ts";
import { OptionError } from "../support/index.ts";

/** Training data by user. `Ratings` is one; so is a model's history with the model's id maps. */
export interface TrainingCells {
  readonly users: IdMap;
  readonly items: IdMap;
  readonly byUser: CompressedRows;
  /** False for clicks and counts: then no value is a rating */
  readonly hasRatings: boolean;
}

/** Models say their kind; scorers are functions with a name. */
export function isModel(scorer: Model | Scorer): scorer is Model {
  return "kind" in scorer;
}

/** The method of a model, or the name that a scorer has. */
export function nameOf(scorer: Model | Scorer): string {
  return isModel(scorer) ? scorer.provenance.method : scorer.name;
}

/** Mean, standard deviation and extremes of the training values. */
export interface ValueFacts {
  readonly mean: number;
  readonly deviation: number;
  readonly min: number;
  readonly max: number;
}

export function valueFacts(value: CellValues): ValueFacts {
  return { ...value.facts, deviation: standardDeviation(value, value.facts.mean) };
}

/**
 * The training data of a scorer, re-indexed onto the scorer's id maps.
 *
 * @param test the held-out data that are to be compared with
 * @param train the caller's; undefined to use the history inside a model
 * @throws OptionError when there is neither
 */
export function trainingCells(
  who: string,
  scorer: Model | Scorer,
  test: Ratings,
  train: Ratings | undefined,
): TrainingCells {
  if (train !== undefined) {
    const same = train.users === scorer.users && train.items === scorer.items;
    return same ? train : align(train, { users: scorer.users, items: scorer.items }).ratings;
  }
  if (!isModel(scorer) || scorer.history === undefined) {
    throw new OptionError(
      who,
      "train",
      undefined,
      "the ratings the model was trained on",
      "without them seen items cannot be left out of the lists; a model that keeps its history needs no `train`",
    );
  }
  return {
    users: scorer.users,
    items: scorer.items,
    byUser: scorer.history,
    // A history does not say whether its values are ratings or numbers of events; the held-out data do
    hasRatings: test.hasRatings && (scorer.scale === "rating" || !scorer.history.value.every((value) => value === 1)),
  };
}

/** A model whose scores follow from histories, kept without them, scores by the training ratings that are given; every other scorer is as it was. */
export function withHistory(
  who: string,
  scorer: Model | Scorer,
  test: Ratings,
  train: Ratings | undefined,
): Model | Scorer {
  if (!isModel(scorer) || scorer.kind !== "items" || scorer.history !== undefined || train === undefined) return scorer;
  return { ...scorer, history: trainingCells(who, scorer, test, train).byUser };
}
