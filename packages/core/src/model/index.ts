/**
 * Room `model`: what training yields, as plain data, and how it is kept. A FactorModel, NetModel or ItemModel comes in from factorizers/ or a
 * file; scores, a digest and file bytes go out; row terms are shared by training and fold-in.
 */
export { checkModel } from "./check-model.ts";
export * from "./factor-model.ts";
export { baselineOf, factorScorer } from "./factor-scorer.ts";
export * from "./item-model.ts";
export * from "./item-scorer.ts";
export { type Model, scorerOf } from "./model.ts";
export { modelDigest } from "./model-digest.ts";
export { decodeModel, encodeModel, encodeModelParts } from "./model-file.ts";
export { flatToLayers, layersToFlat, netShapeOf } from "./net-layers.ts";
export * from "./net-model.ts";
export { netModelProblem, netModelSlots } from "./net-scoring.ts";
export * from "./row-terms.ts";
export {
  checkVersion,
  contentChecksum,
  joined,
  MAX_HEADER_BYTES,
  type Refuse,
  readHeader,
  readTensors,
  type Tensor,
  writeSafetensors,
} from "./safetensors.ts";
export * from "./scorer.ts";
