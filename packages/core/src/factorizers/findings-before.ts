/**
 * What can be said before the first pass: ratings and a method in, findings out.
 *
 * Cost: one pass over the ratings and the rows.
 */
import type { Model } from "../model/index.ts";
import type { IdMap, Ratings } from "../ratings/index.ts";
import { rounded, show } from "../support/index.ts";
import type { Factorizer } from "./factorizer.ts";
import type { Finding } from "./findings.ts";

/** What can be said before the first pass; also the first findings of every FitReport. */
export function findingsBefore(ratings: Ratings, method: Factorizer<Model>): Finding[] {
  const findings: Finding[] = [];
  const smaller = Math.min(ratings.users.size, ratings.items.size);
  if (method.rank !== undefined && method.rank > smaller && method.rankMayExceedSize !== true) {
    findings.push({
      code: "rank-above-size",
      message: `rank ${method.rank} is above ${smaller}, the smaller number of users and items, so it cannot add anything`,
      remedy: `use rank ${smaller} or less`,
    });
  }
  if (method.startsAtZero === true) {
    findings.push({
      code: "starts-at-zero",
      message:
        "all starting factors are 0, and so is every gradient of them: they stay 0, however many passes are made",
      remedy: "leave out initial, so that they are drawn, or give numbers other than 0",
    });
  }
  if (!method.ignores.includes("rating") && ratings.hasRatings && ratings.min === ratings.max) {
    findings.push({
      code: "constant-ratings",
      message: `every rating is ${rounded(ratings.min)}, so there is nothing to predict but that`,
      remedy: "if these records are likes or clicks, use ials",
    });
  }
  if (method.ignores.includes("rating") && ratings.hasRatings && ratings.min <= 0) {
    findings.push({
      code: "dislikes-count",
      message: `the smallest rating is ${rounded(ratings.min)}, and every rated item counts as chosen, whatever its rating`,
      remedy: "leave out the records that mean dislike, or use als",
    });
  }
  if (method.comparesWithUnseen === true && nobodyLacksAnything(ratings)) {
    findings.push({
      code: "nothing-unseen",
      message:
        "every user has every item, and the method compares what a user has with what the user lacks: the factors stay as they are drawn",
      remedy: ratings.hasRatings
        ? "use als, which fits the ratings, or ials where these are counts; or leave out the records of what was not liked"
        : "leave out the records of what users did not choose, or give counts or ratings and use ials or als",
    });
  }
  if (!method.ignores.includes("rating")) findings.push(...zerosLikeMissing(ratings));
  const { start, rows } = ratings.byUser;
  const userCounts = Uint32Array.from({ length: rows }, (_, user) => start[user + 1] - start[user]);
  findings.push(
    ...emptyRows("user", ratings.users, userCounts),
    ...emptyRows("item", ratings.items, ratings.itemCounts),
  );
  findings.push(...singleRatings("user", userCounts), ...singleRatings("item", ratings.itemCounts));
  findings.push(...mergedRecords(ratings));
  return findings;
}

/** Of users with any rating at all. */
function nobodyLacksAnything({ byUser: { rows, columns, start } }: Ratings): boolean {
  for (let user = 0; user < rows; user++) {
    const count = start[user + 1] - start[user];
    if (count !== 0 && count !== columns) return false;
  }
  return true;
}

/**
 * Zeros that stand for "no rating": nothing is below 0, something above 1, and either 0 is the most frequent value and
 * nothing lies between 0 and 1 (no rating scale has its lowest step as its mode and then a gap as wide as that), or every
 * cell is there and most of them are 0 (seed notebook 003).
 */
function zerosLikeMissing(ratings: Ratings): Finding[] {
  if (!ratings.hasRatings || ratings.min !== 0 || ratings.max <= 1) return [];
  const counts = ratings.byUser.value.counts(Number.POSITIVE_INFINITY) ?? [];
  const zeros = counts.find(({ value }) => value === 0)?.count ?? 0;
  let isMode = true;
  for (const { value, count } of counts) if (value !== 0 && (value < 1 || count >= zeros)) isMode = false;
  if (!isMode && !(ratings.isComplete && zeros > ratings.size / 2)) return [];
  return [
    {
      code: "zeros-like-missing",
      message: `${percent(zeros / ratings.size)} of the ratings are 0, beside others up to ${rounded(ratings.max)}: they look like cells without a rating, and are fitted as the worst of ratings`,
      remedy:
        "if 0 means that there is no rating, leave those records out: zeroIsMissing when reading, NaN in a matrix",
    },
  ];
}

/** @param counts ratings of each row */
function emptyRows(word: "user" | "item", ids: IdMap, counts: Uint32Array): Finding[] {
  const rows = counts.length;
  let empty = 0;
  let first = 0;
  for (let row = rows - 1; row >= 0; row--) {
    if (counts[row] !== 0) continue;
    empty++;
    first = row;
  }
  if (empty === 0) return [];
  const other = word === "user" ? "item" : "user";
  return [
    {
      code: `${word}s-without-ratings`,
      message: `${empty} of ${rows} ${word}s ${empty === 1 ? "has" : "have"} no rating, such as ${show(ids.id(first))}: nothing of their own can be learned`,
      remedy: `leave them out, or take their predictions as what they are: means and what is known of the ${other}s`,
    },
  ];
}

/** More than half of a side with one rating each: most often an id that is new with every record. Not of toy data. */
function singleRatings(word: "user" | "item", counts: Uint32Array): Finding[] {
  const rows = counts.length;
  let single = 0;
  for (let row = 0; row < rows; row++) if (counts[row] === 1) single++;
  if (single * 2 <= rows || rows < 10) return [];
  return [
    {
      code: `${word}s-with-one-rating`,
      message: `${single} of ${rows} ${word}s ${single === 1 ? "has" : "have"} a single rating, which says next to nothing about what they have in common`,
      remedy: `check that the ${word} column holds ${word}s, not sessions or records; else leave out ${word}s with fewer than 2 ratings`,
    },
  ];
}

/** Repeated records of which only one counted: clicks that were meant to be counted look like this. */
function mergedRecords({ report }: Ratings): Finding[] {
  const { merged, duplicates, ratings } = report;
  if (duplicates === "sum" || merged * 10 <= ratings) return [];
  const kept = duplicates === "mean" ? "their mean counts" : `the ${duplicates} one counts`;
  return [
    {
      code: "many-duplicates",
      message: `${merged} records repeat the user and item of another one, and ${kept}`,
      remedy: 'if each record is an event, count them (duplicates "sum") and use ials',
    },
  ];
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
