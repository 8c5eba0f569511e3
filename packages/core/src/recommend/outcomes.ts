/**
 * What a question to a recommender can come to. Always told apart by `status`; never a 0, a NaN or padding instead of
 * an answer. Lists say how many were asked for, and when they are shorter, why.
 */
import type { Id } from "../ratings/index.ts";

export type Prediction =
  | { readonly status: "known"; readonly score: number }
  | {
      readonly status: "unknown";
      readonly missing: readonly ("user" | "item")[];
      /**
       * For ratings: the mean and what biases are known. Undefined where the model has no such thing as a neutral
       * score.
       */
      readonly baseline: number | undefined;
    };

export interface RecommendedItem {
  readonly item: Id;
  /** On the model's scale, not clamped: mean + user bias + item bias + dot product, or what the kind of model has instead */
  readonly score: number;
}

export interface PopularItem {
  readonly item: Id;
  /** Ratings of the item in the model's history */
  readonly count: number;
}

/** Why a list is shorter than was asked. */
export interface ShortList {
  readonly asked: number;
  readonly listed: number;
  /** Items of the model */
  readonly catalogue: number;
  /** Of these, kept out by `only`, `except`, `where` and `minRatings` */
  readonly filteredOut: number;
  /** Of the others, left out because they are in the history */
  readonly seen: number;
  /** The same as a sentence */
  readonly reason: string;
}

/** Ids in the caller's lists that the model does not know. They had no effect. */
export interface UnknownIds {
  readonly only: readonly Id[];
  readonly except: readonly Id[];
}

/** What every list tells beside its items. */
export interface ListFacts {
  readonly asked: number;
  /** Undefined when the list is as long as asked */
  readonly short: ShortList | undefined;
  readonly unknownIds: UnknownIds;
}

export interface PopularList extends ListFacts {
  /** Most rated first, ties in order of the ids */
  readonly items: readonly PopularItem[];
}

export interface ListForUser extends ListFacts {
  readonly status: "known";
  readonly user: Id;
  /** Best first, ties in order of the ids */
  readonly items: readonly RecommendedItem[];
}

export interface UnknownUser {
  readonly status: "unknown-user";
  readonly user: Id;
  /** With `fallback: "popular"` */
  readonly popular: PopularList | undefined;
}

/**
 * A user of the model without one training rating (all of them were held out, say): there is nothing personal to tell.
 */
export interface UserWithoutHistory {
  readonly status: "empty-history";
  readonly user: Id;
  /** With `fallback: "popular"` */
  readonly popular: PopularList | undefined;
}

export type Recommendations = ListForUser | UnknownUser | UserWithoutHistory;

export interface ListForHistory extends ListFacts {
  readonly status: "known";
  readonly items: readonly RecommendedItem[];
  /** Ratings of the history that the list follows from */
  readonly used: number;
  /** Items of the history that the model does not know; they had no effect */
  readonly unknownHistory: readonly Id[];
}

/** Nothing in the given history is known to the model. */
export interface EmptyHistory {
  readonly status: "empty-history";
  readonly unknownHistory: readonly Id[];
  /** With `fallback: "popular"` */
  readonly popular: PopularList | undefined;
}

export type RecommendationsForHistory = ListForHistory | EmptyHistory;

export interface SimilarId {
  readonly id: Id;
  /** Cosine of the two factor rows, from -1 to 1; of a model of items, the weight of `id` for the item asked about */
  readonly similarity: number;
  /** Training ratings it follows from; undefined for a model without its history */
  readonly ratings: number | undefined;
}

export type Similar =
  | (ListFacts & { readonly status: "known"; readonly id: Id; readonly similar: readonly SimilarId[] })
  | { readonly status: "unknown"; readonly id: Id }
  /** The row is all zeros (no training ratings), so it points nowhere and has no cosine; no other item speaks for the item */
  | { readonly status: "zero-row"; readonly id: Id };

export type FoldedIn =
  | {
      readonly status: "known";
      /** f32[rank], the caller's */
      readonly factors: Float32Array;
      /** As the model has it, what the history's mean differs from the model's included; undefined where this side has none */
      readonly bias: number | undefined;
      /** Ratings that the row follows from */
      readonly used: number;
      /** Entries that fell together with another of the same id: the last counts (ratings), or their sum (clicks) */
      readonly merged: number;
      readonly unknownHistory: readonly Id[];
    }
  | { readonly status: "empty-history"; readonly unknownHistory: readonly Id[] };

export interface Contribution {
  readonly item: Id;
  /** What the history holds for the item: a rating, or a count */
  readonly rating: number;
  readonly contribution: number;
}

export type Explanation =
  | {
      readonly status: "known";
      readonly item: Id;
      /** The predicted score: baseline + all contributions + remainder */
      readonly score: number;
      /** What every user starts from: mean + item bias; for a model centred by user, the mean of the user's own ratings */
      readonly baseline: number;
      /** One per history item, largest first whatever the sign */
      readonly contributions: readonly Contribution[];
      /** What the history does not account for: 0 but for rounding when the stored row is the fold-in of the history */
      readonly remainder: number;
      /** Said when the remainder is more than rounding */
      readonly remainderReason: string | undefined;
    }
  | { readonly status: "unknown"; readonly missing: readonly ("user" | "item")[] }
  | { readonly status: "empty-history"; readonly unknownHistory: readonly Id[] };

/**
 * @param counts how many items the catalogue has, filters keep out, and the history takes from the rest
 * @param of what there is so much of
 */
export function shortList(
  asked: number,
  listed: number,
  counts: { readonly catalogue: number; readonly filteredOut: number; readonly seen: number },
  of = "in the catalogue",
): ShortList | undefined {
  if (listed >= asked) return undefined;
  const { catalogue, filteredOut, seen } = counts;
  const left = catalogue - filteredOut - seen - listed;
  const causes = [
    ...(filteredOut > 0 ? [`${filteredOut} ${areOrIs(filteredOut)} kept out by filters`] : []),
    ...(seen > 0 ? [`${seen} ${areOrIs(seen)} in the history already`] : []),
    ...(left > 0 ? [`nothing speaks for ${left}`] : []),
  ];
  const why = causes.length === 0 ? "there are no more" : sentenceOf(causes);
  return {
    asked,
    listed,
    ...counts,
    reason: `${asked} asked, ${listed} listed: of ${catalogue} ${of} ${why}`,
  };
}

function sentenceOf(causes: readonly string[]): string {
  const last = causes[causes.length - 1];
  return causes.length === 1 ? last : `${causes.slice(0, -1).join(", ")} and ${last}`;
}

function areOrIs(count: number): "are" | "is" {
  return count === 1 ? "is" : "are";
}
