/**
 * Backend `reference`: the definition of every routine, in plain TypeScript and double precision. One thread, any host.
 *
 * Reads and writes the same f32 arrays as the others, so that results differ only by the arithmetic inside. Never tuned.
 * Blocks the host's thread for the length of one routine.
 */
import { LowrankError } from "../../support/index.ts";
import { checkBlockEpochs, checkShuffle } from "../block-checks.ts";
import { checkEncode, checkFigures, checkGram, checkPairs, checkRows, checkSolver, checkTopN } from "../checks.ts";
import { checkEpochs, checkFull, checkSteps } from "../descent-checks.ts";
import type { Kernels, Layout, Workspace } from "../kernels.ts";
import { layoutBytes, placeArrays } from "../layout.ts";
import { checkNetBatches, checkNetPairs, checkNetScores } from "../net-checks.ts";
import { checkNonNegativeRows } from "../nonnegative-checks.ts";
import { checkInnerProducts, checkSparseProduct, checkTallProduct } from "../product-checks.ts";
import { checkSampled } from "../sampled-checks.ts";
import { checkInverse, checkNearestRows, checkSquareOfRows } from "../square-checks.ts";
import { blockEpochs, shuffleBlocks } from "./blocks.ts";
import { descend, gradients, loss } from "./descent.ts";
import { epochs } from "./descent-epochs.ts";
import { gram } from "./gram.ts";
import { netBatches, netPairs, netScores } from "./net.ts";
import { nonNegativeRows } from "./nonnegative.ts";
import { pairs } from "./pairs.ts";
import { innerProducts, sparseProduct, tallProduct } from "./products.ts";
import { rowGradients } from "./row-gradient.ts";
import { rowLoss } from "./row-loss.ts";
import { sampledBatches } from "./sampled.ts";
import { solveRows } from "./solve-rows.ts";
import { invert, nearestRows, squareOfRows } from "./squares.ts";
import { topN } from "./top-n.ts";

/** `Reals` are f64 here: what descends is followed in double precision from step to step. */
const REAL_BYTES = 8;

export function openReference(reason: string): Kernels {
  return {
    backend: "reference",
    build: "f64",
    threads: 1,
    reason,
    mostBytes: Number.MAX_SAFE_INTEGER,
    bytesFor: (layout) => layoutBytes(layout, REAL_BYTES),
    addressedBytes: (layout) => layoutBytes(layout, REAL_BYTES),
    open: (layout) => openWorkspace(layout),
  };
}

function openWorkspace<L extends Layout>(layout: L): Workspace<L> {
  const at = placeArrays(layout, allocate(layoutBytes(layout, REAL_BYTES)), 0, REAL_BYTES);
  let closed = false;
  const checked =
    <A extends unknown[], R>(check: (...given: A) => void, run: (...given: A) => R) =>
    async (...given: A): Promise<R> => {
      if (closed) throw new LowrankError("closed", "reference: this workspace is closed; open another");
      check(...given);
      return run(...given);
    };
  return {
    at,
    gram: checked(checkGram, gram),
    solveRows: checked((problem, solver) => {
      checkRows("solveRows", problem);
      checkSolver(problem, solver);
    }, solveRows),
    rowLoss: checked((problem, out) => checkFigures("rowLoss", problem, out), rowLoss),
    rowGradients: checked((problem, out) => checkFigures("rowGradients", problem, out), rowGradients),
    encode: checked(checkEncode, () => {}), // scores every item exactly: needs no codes
    topN: checked(checkTopN, topN),
    pairs: checked(checkPairs, pairs),
    netBatches: checked(checkNetBatches, netBatches),
    netScores: checked(checkNetScores, netScores),
    netPairs: checked(checkNetPairs, netPairs),
    sampledBatches: checked(checkSampled, sampledBatches),
    sparseProduct: checked(checkSparseProduct, sparseProduct),
    innerProducts: checked(checkInnerProducts, innerProducts),
    tallProduct: checked(checkTallProduct, tallProduct),
    nonNegativeRows: checked(checkNonNegativeRows, nonNegativeRows),
    nearestRows: checked(checkNearestRows, nearestRows),
    squareOfRows: checked(checkSquareOfRows, squareOfRows),
    invert: checked(checkInverse, invert),
    loss: checked((problem) => checkFull("loss", problem), loss),
    gradients: checked((problem) => checkFull("gradients", problem), gradients),
    descend: checked(checkSteps, descend),
    epochs: checked(checkEpochs, epochs),
    shuffleBlocks: checked(checkShuffle, shuffleBlocks),
    blockEpochs: checked(checkBlockEpochs, blockEpochs),
    close() {
      closed = true;
    },
  };
}

function allocate(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (cause) {
    throw new LowrankError("memory", `reference: this host cannot give ${bytes} bytes`, { bytes }, cause);
  }
}
