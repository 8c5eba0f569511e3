/**
 * Room `evaluate`: a model and held-out ratings come in; errors, ranking figures, rulers beside them, validations for early
 * stopping, cross-validated spreads and rank sweeps go out. docs/metrics.md states every formula.
 */
export {
  type CrossValidateOptions,
  type CrossValidation,
  type CrossValidationProgress,
  crossValidate,
  type FigureSpreads,
  type Fold,
  type RankingSpread,
  type Spread,
} from "./cross-validate.ts";
export {
  type EvaluateOptions,
  type Evaluation,
  type EvaluationProgress,
  evaluate,
  type Figures,
} from "./evaluate.ts";
export type { RatingErrors } from "./held-out.ts";
export type { HeldOutFigure } from "./held-out-figure.ts";
export { type RankingMetric, rankingMetrics } from "./metrics/metrics.ts";
export type { Gain } from "./metrics/ndcg.ts";
export type { RecallDenominator } from "./metrics/recall.ts";
export type { BaselineScorer } from "./predictions.ts";
export {
  type FailedRank,
  type RankOptimum,
  type RankSweep,
  type RankSweepOptions,
  type RankSweepProgress,
  type RankSweepRow,
  rankSweep,
  type TrainedRank,
} from "./rank-sweep.ts";
export type { RankingFigures } from "./ranking.ts";
export type { HeldOutCounts, RelevantFrom } from "./relevance.ts";
export { type BiasOptions, biasRuler, popularityRuler, type RulerName, randomRuler, rulerNames } from "./rulers.ts";
export type { MeasureOptions, MeasureSettings } from "./settings.ts";
export type { SuggestedRank } from "./suggest-rank.ts";
export type { TrainingCells } from "./training-cells.ts";
export { defaultMetric, type HeldOutOptions, heldOut, type ValidationMetric, validationMetrics } from "./validation.ts";
