/**
 * The ranking metrics as one table: name to formula. Each formula, with its tie rule, denominator and range, stands in
 * the file that bears its name; docs/metrics.md compares them with other libraries' choices.
 */
import { averagePrecision } from "./average-precision.ts";
import { hitRate } from "./hit-rate.ts";
import { discountTable, ndcg } from "./ndcg.ts";
import { precision } from "./precision.ts";
import type { RankedList } from "./ranked-list.ts";
import { type RecallDenominator, recall } from "./recall.ts";
import { reciprocalRank } from "./reciprocal-rank.ts";

export const rankingMetrics = ["precision", "recall", "hitRate", "ndcg", "map", "mrr"] as const;
export type RankingMetric = (typeof rankingMetrics)[number];

/** The formulas with their settings bound, for lists of up to `longest` places. */
export type Formulas = Readonly<Record<RankingMetric, (list: RankedList, n: number) => number>>;

export function formulas(longest: number, recallDenominator: RecallDenominator): Formulas {
  const discounts = discountTable(longest);
  return {
    precision,
    recall: (list, n) => recall(list, n, recallDenominator),
    hitRate,
    ndcg: (list, n) => ndcg(list, n, discounts),
    map: averagePrecision,
    mrr: reciprocalRank,
  };
}
