/**
 * Room `recommend`: a FactorModel comes in; predictions, lists, neighbours, folded-in rows and explanations go out, in
 * the caller's ids. `topNForIndexes` alone speaks of indexes; it is for evaluate/.
 */
export type { Filters } from "./filters.ts";
export type { HistoryItem, HistoryUser } from "./history.ts";
export type { RecommendOptions } from "./lists.ts";
export * from "./outcomes.ts";
export type { PredictOptions } from "./predict.ts";
export type { RankBatch } from "./ranker.ts";
export { openRecommender, Recommender, type RecommenderOptions } from "./recommender.ts";
export { type TopNRequest, topNForIndexes } from "./top-n.ts";
