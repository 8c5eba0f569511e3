/**
 * The choices that make a figure what it is, as options with their defaults. All of them, resolved, are part of every
 * Evaluation: a figure without them cannot be compared with anything.
 */
import { median, type Ratings } from "../ratings/index.ts";
import { finiteNumber, OptionError, oneOf, trueOrFalse, wholeNumber } from "../support/index.ts";
import { type Gain, gains } from "./metrics/ndcg.ts";
import { type RecallDenominator, recallDenominators } from "./metrics/recall.ts";
import type { RelevantFrom } from "./relevance.ts";
import type { TrainingCells } from "./training-cells.ts";

/** How figures are computed. */
export interface MeasureOptions {
  /**
   * Held-out ratings from this value on are relevant; `"all"`: every held-out item is. Default: the median of the training
   * ratings (4 stars on MovieLens 100K and 1M), and `"all"` for data without a rating column
   */
  readonly relevantFrom?: RelevantFrom | undefined;
  /** Gain of a hit in NDCG. Default `"binary"` */
  readonly gain?: Gain | undefined;
  /** What recall divides by. Default `"relevant"` */
  readonly recallDenominator?: RecallDenominator | undefined;
  /** Relevant items that the model does not know count as misses, or are left out. Default `"miss"` */
  readonly unknownItems?: "miss" | "leave-out" | undefined;
  /** Pairs with an unknown side enter RMSE and MAE as baselines (mean + known bias), or are left out. Default `"baseline"` */
  readonly unknownPairs?: "baseline" | "leave-out" | undefined;
  /** Cut predictions to the range of the training ratings before errors are taken. Default true */
  readonly clamp?: boolean | undefined;
  /** List a user's training items too. Default false */
  readonly includeSeen?: boolean | undefined;
}

export const measureOptionNames = [
  "relevantFrom",
  "gain",
  "recallDenominator",
  "unknownItems",
  "unknownPairs",
  "clamp",
  "includeSeen",
] as const satisfies readonly (keyof MeasureOptions)[];

/** `MeasureOptions` with every default filled in. */
export interface MeasureSettings {
  readonly relevantFrom: RelevantFrom;
  readonly gain: Gain;
  readonly recallDenominator: RecallDenominator;
  readonly unknownItems: "miss" | "leave-out";
  readonly unknownPairs: "baseline" | "leave-out";
  readonly clamp: boolean;
  readonly includeSeen: boolean;
}

/** Fills in defaults, which depend on the data: clicks have no rating to be relevant from. */
export function measureSettings(
  who: string,
  options: MeasureOptions,
  test: Ratings,
  train: TrainingCells,
): MeasureSettings {
  const words = <const T extends string>(name: keyof MeasureOptions, allowed: readonly T[]) =>
    oneOf(who, name, options[name] ?? allowed[0], allowed);
  return {
    relevantFrom: relevantFrom(who, options, test, train),
    gain: words("gain", gains),
    recallDenominator: words("recallDenominator", recallDenominators),
    unknownItems: words("unknownItems", ["miss", "leave-out"]),
    unknownPairs: words("unknownPairs", ["baseline", "leave-out"]),
    clamp: trueOrFalse(who, "clamp", options.clamp ?? true),
    includeSeen: trueOrFalse(who, "includeSeen", options.includeSeen ?? false),
  };
}

function relevantFrom(who: string, options: MeasureOptions, test: Ratings, train: TrainingCells): RelevantFrom {
  const given = options.relevantFrom;
  if (given === "all") return "all";
  if (given === undefined) {
    // Always one of the values: a mean would fall on either side of a step of the scale from one split to the next.
    return test.hasRatings && train.hasRatings ? median(train.byUser.value) : "all";
  }
  if (typeof given !== "number") throw new OptionError(who, "relevantFrom", given, 'a rating, or "all"');
  finiteNumber(who, "relevantFrom", given);
  if (test.hasRatings) return Math.fround(given);
  throw new OptionError(who, "relevantFrom", given, '"all": the held-out data have no rating column');
}

/** List lengths, ascending and without repeats. */
export function listLengths(who: string, n: readonly number[] | number | undefined): number[] {
  const given = n === undefined ? [10] : typeof n === "number" ? [n] : n;
  if (!Array.isArray(given) || given.length === 0) {
    throw new OptionError(who, "n", given, "a list of list lengths such as [10, 20]");
  }
  for (const length of given) wholeNumber(who, "n", length, 1, 1_000_000);
  return [...new Set(given)].sort((a, b) => a - b);
}
