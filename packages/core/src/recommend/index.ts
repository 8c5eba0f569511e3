/**
 * Room `recommend`: a model comes in; predictions, lists, neighbours, folded-in rows and explanations go out, in
 * the caller's ids. What speaks of indexes (`topNForIndexes` and what stands beside it) is for evaluate/.
 */
export type { Filters } from "./filters.ts";
export type { HistoryItem, HistoryUser } from "./history.ts";
export type { RecommendOptions } from "./lists.ts";
export * from "./outcomes.ts";
export type { PopularOptions } from "./popular.ts";
export type { PredictOptions } from "./predict.ts";
export { BATCH_QUERIES, type RankBatch } from "./ranker.ts";
export { openRecommender, type Recommender, type RecommenderOptions } from "./recommender.ts";
export { indexesOf } from "./rows.ts";
export { BestOf } from "./select.ts";
export type { SimilarOptions } from "./similar.ts";
export { fallingOrder, type TopNRequest, topNForIndexes } from "./top-n.ts";
