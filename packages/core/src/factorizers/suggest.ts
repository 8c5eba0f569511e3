/**
 * Which method suits some ratings, from the data alone, and why, as a sentence.
 */
import { asRatings, type Ratings } from "../ratings/index.ts";
import { rounded } from "../support/index.ts";
import { als } from "./als.ts";
import type { Factorizer } from "./factorizer.ts";
import { ials } from "./ials.ts";

/** The largest value over the mean: at most 5 or so on a rating scale, far more for counts, which have a long tail. */
const COUNT_TAIL = 10;

export interface Suggestion {
  readonly name: "als" | "ials";
  readonly method: Factorizer;
  readonly reason: string;
}

/**
 * `ials` when the records carry no rating, one single value, or values that look like counts (whole, not negative, the
 * largest over 10 times the mean); `als` otherwise.
 */
export function suggestMethod(ratings: Ratings): Suggestion {
  asRatings("suggestMethod", "ratings", ratings);
  const reason = implicitReason(ratings);
  if (reason !== undefined) return { name: "ials", method: ials(), reason };
  const { min, max } = ratings;
  return {
    name: "als",
    method: als(),
    reason: `ratings from ${rounded(min)} to ${rounded(max)} say how much each item was liked`,
  };
}

function implicitReason(ratings: Ratings): string | undefined {
  if (!ratings.hasRatings) return "the records carry no rating: having chosen an item is the signal";
  const { value } = ratings.byUser;
  if (ratings.min === ratings.max)
    return `every rating is ${rounded(ratings.min)}: having chosen an item is the signal`;
  if (ratings.min < 0 || ratings.max <= COUNT_TAIL * ratings.mean || !value.every(Number.isInteger)) return undefined;
  return `whole numbers up to ${ratings.max} with mean ${ratings.mean.toPrecision(3)} look like counts, not ratings`;
}
