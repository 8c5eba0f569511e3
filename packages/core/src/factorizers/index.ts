/**
 * Room `factorizers`: ratings in, a Model out. A method (als, ials, gradient, sgd, svd, denseNet, ease, itemKnn) knows how to do one pass;
 * factorize is the loop around it, with checkpoints, findings and the certificate.
 */

export { type AlsOptions, als, alsOptions } from "./als.ts";
export type { RowSolverOptions } from "./alternating-solver.ts";
export type { BlockOptions } from "./block-options.ts";
export {
  type Certificate,
  type CertificateChoice,
  certificateChoice,
  isBounded,
  optimumCostsLittle,
  type Slope,
} from "./certificate.ts";
export {
  type Checkpoint,
  type CheckpointValidation,
  decodeCheckpoint,
  encodeCheckpoint,
  encodeCheckpointParts,
} from "./checkpoint.ts";
export type { CheckpointInfo, CheckpointOptions } from "./checkpointing.ts";
export type { Progress } from "./course.ts";
export { type DenseNetOptions, denseNet, denseNetOptions } from "./dense-net.ts";
export type { CostOptions, OptimizerOptions, Order } from "./descent-options.ts";
export type { Blame } from "./divergence.ts";
export { type EaseOptions, ease, easeOptions } from "./ease.ts";
export type { Factorizer, PassName, Run, RunState, StartFrom, StateArrays } from "./factorizer.ts";
export type { Finding } from "./findings.ts";
export { type GradientOptions, gradient, gradientOptions } from "./gradient.ts";
export { type IalsOptions, ials, ialsOptions } from "./ials.ts";
export { type ItemKnnOptions, type ItemWeighting, itemKnn, itemKnnOptions, itemWeightings } from "./item-knn.ts";
export { type MethodName, methods, modelKindOf } from "./methods.ts";
export type { InitialNet } from "./net-start.ts";
export { type NmfMissing, type NmfOptions, type NmfUpdate, nmf, nmfMissing, nmfOptions, nmfUpdates } from "./nmf.ts";
export type { OptionRow, OptionSpec, OptionTable, Resolved } from "./options.ts";
export {
  type PlannedBytes,
  type PlannedSeconds,
  type PlanObstacle,
  type PlanOptions,
  plan,
  type TrainingPlan,
} from "./plan.ts";
export type { ScheduleOptions } from "./schedules.ts";
export { type SgdOptions, sgd, sgdOptions } from "./sgd.ts";
export type { Init, InitialFactors } from "./starting-factors.ts";
export { type Suggestion, suggestMethod } from "./suggest.ts";
export type { TruncatedSvd } from "./svd/decomposer.ts";
export type { Missing } from "./svd/matrix.ts";
export { type ModelOptima, modelOptima } from "./svd/model-optima.ts";
export { hasWholeSpectrum, type Spectrum, type SvdOptimum, type SvdOptimumOptions, svdOptimum } from "./svd/optimum.ts";
export { type SvdOptions, svd, svdOptions } from "./svd/svd.ts";
export { type TruncatedSvdOptions, truncatedSvd } from "./svd/truncated-svd.ts";
export {
  type FactorizeOptions,
  type FitReport,
  factorize,
} from "./train.ts";
export type { TrainingEngine, Validation } from "./validation-watch.ts";
export { version } from "./version.ts";
export type { WorstRow } from "./worst-row.ts";
