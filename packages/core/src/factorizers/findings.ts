/**
 * Findings: things about data and settings that a user would want to be told, each with its remedy. Not errors: training
 * goes on.
 */
import type { Model } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import type { Factorizer } from "./factorizer.ts";

export interface Finding {
  /** Stable name, such as `rank-above-size` */
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** What can be said before the first pass; also the first findings of every FitReport. */
export function findingsBefore(ratings: Ratings, method: Factorizer<Model>): Finding[] {
  const findings: Finding[] = [];
  const smaller = Math.min(ratings.users.size, ratings.items.size);
  // Of a product of two tables; a net's factors go through layers.
  if (method.rank > smaller && method.name !== "net") {
    findings.push({
      code: "rank-above-size",
      message: `rank ${method.rank} is above ${smaller}, the smaller number of users and items, so it cannot add anything`,
      remedy: `use rank ${smaller} or less`,
    });
  }
  if (!method.ignores.includes("rating") && ratings.hasRatings && ratings.min === ratings.max) {
    findings.push({
      code: "constant-ratings",
      message: `every rating is ${ratings.min}, so there is nothing to predict but that`,
      remedy: "if these records are likes or clicks, use ials",
    });
  }
  if (method.ignores.includes("rating") && ratings.hasRatings && ratings.min <= 0) {
    findings.push({
      code: "dislikes-count",
      message: `the smallest rating is ${ratings.min}, and every rated item counts as chosen, whatever its rating`,
      remedy: "leave out the records that mean dislike, or use als",
    });
  }
  return findings;
}
