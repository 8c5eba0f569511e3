/**
 * The kernels as one WebAssembly module: every routine works on plain addresses in one imported memory, on a range of
 * units `from` to `to` - 1, so that threads can share a job by claiming ranges. Nothing is kept from one call to the next.
 *
 * Built twice by tools/build-kernels.mjs: strict (same bits on every machine) and relaxed (fused multiply-add).
 */
export { shuffleBlocks } from "./block-shuffle";
export { blocksInOrder, blocksTogether } from "./blocks";
export { codeLengths, codePanels } from "./codes";
export { stepExplicit, stepImplicit, whitenRows } from "./cg-rows";
export {
  descentScratch,
  finishGradients,
  lossOf,
  makeErrors,
  makePenalties,
  startGradients,
  startScale,
} from "./descent";
export { beginStep, descend } from "./descent-steps";
export { epochs } from "./descent-epochs";
export { descentGiven, descentRecord } from "./descent-record";
export { solveExplicit, solveImplicit } from "./exact-rows";
export { gramParts, gramSum } from "./gram";
export { inverseFinish, inverseOfBlock, inversePanels, inverseUpdate } from "./inverse";
export { zero } from "./memory";
export { nonNegativeRows } from "./nonnegative";
export { nearestRows, squareOfRows } from "./nearest";
export { netFirst, netPairs, netScores } from "./net-score";
export { netTrain, netTranspose } from "./net-train";
export { optimizerRecord } from "./optimizer";
export { pairs } from "./pairs";
export { pieceArea, takePiece } from "./pieces";
export { explicitGradients, implicitGradients } from "./row-gradient";
export { explicitLoss, implicitLoss } from "./row-loss";
export { innerProductParts, innerProductSum, sparseProduct, tallProduct } from "./products";
export { sampledBegin, sampledTrain } from "./sampled-train";
export { rowScratch } from "./scratch";
export { subspaceExplicit, subspaceImplicit, subspaceScratch } from "./subspace-rows";
export { mergeLists, topN } from "./top-n";
export { whiten } from "./whiten";
