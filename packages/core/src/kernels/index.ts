/**
 * Room `kernels`: the arithmetic. Typed arrays in, typed arrays out; knows no users and no items.
 *
 * Comes in: a layout of named arrays, then problems over them. Goes out: the same arrays, solved, scored or listed.
 */
export * from "./blocks.ts";
export { type KernelOptions, openKernels, releaseWorkers } from "./choose.ts";
export { type CodesProblem, codesLength } from "./codes.ts";
export * from "./descent.ts";
export { type EngineOptions, engineOptionNames, kernelsFor } from "./engine.ts";
export {
  type CodedNumbers,
  type EntryNumbers,
  indexSlot,
  isCoded,
  MOST_CODES,
  type PackedRows,
  piecesFor,
} from "./entries.ts";
export * from "./kernels.ts";
export { arrayBytes } from "./layout.ts";
export {
  type Moved,
  type MovedTable,
  type NetBatches,
  type NetPairsProblem,
  type NetPlaces,
  type NetProblem,
  type NetScorerProblem,
  type NetScoresProblem,
  type NetScoringWork,
  type NetShape,
  type NetSide,
  type NetTrainingWork,
  netPlaces,
  netScoringSlots,
  netTrainingSlots,
  type ScoringSide,
} from "./net.ts";
export { type NonNegativeRows, nonNegativeScratch } from "./nonnegative.ts";
export * from "./products.ts";
export { lossAt, lossSlope, scoreOf } from "./reference/blocks.ts";
export { type BadPivot, choleskyF64, solveCholeskyF64 } from "./reference/dense.ts";
export { eigenF64, identityF64, type SmallSvd, svdF64 } from "./reference/eigen.ts";
export {
  mostEntries,
  type SampledBatches,
  type SampledLoss,
  type SampledProblem,
  type SampledSide,
  type SampledSizes,
  type SampledWork,
  sampledSlots,
} from "./sampled.ts";
export * from "./squares.ts";
export { BLOCK_SIZE_STEP, longestRow, subspaceScratch } from "./subspace.ts";
