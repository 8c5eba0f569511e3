/**
 * Backend `reference`: the definition of every routine, in plain TypeScript and double precision. One thread, any host.
 *
 * Reads and writes the same f32 arrays as the others, so that results differ only by the arithmetic inside. Never tuned.
 * Blocks the host's thread for the length of one routine.
 */
import { LowrankError } from "../../support/index.ts";
import { checkBlockEpochs, checkShuffle } from "../block-checks.ts";
import { checkFigures, checkGram, checkPairs, checkRows, checkSolver, checkTopN } from "../checks.ts";
import { checkEpochs, checkFull, checkSteps } from "../descent-checks.ts";
import type { Kernels, Layout, Workspace } from "../kernels.ts";
import { layoutBytes, placeArrays } from "../layout.ts";
import { checkNetBatches, checkNetPairs, checkNetScores } from "../net-checks.ts";
import { checkInnerProducts, checkSparseProduct, checkTallProduct } from "../product-checks.ts";
import { blockEpochs, shuffleBlocks } from "./blocks.ts";
import { descend, gradients, loss } from "./descent.ts";
import { epochs } from "./descent-epochs.ts";
import { gram } from "./gram.ts";
import { netBatches, netPairs, netScores } from "./net.ts";
import { pairs } from "./pairs.ts";
import { innerProducts, sparseProduct, tallProduct } from "./products.ts";
import { rowGradients } from "./row-gradient.ts";
import { rowLoss } from "./row-loss.ts";
import { solveRows } from "./solve-rows.ts";
import { topN } from "./top-n.ts";

/** `Reals` are f64 here: what descends is followed in double precision from step to step. */
const REAL_BYTES = 8;

export function openReference(reason: string): Kernels {
  return {
    backend: "reference",
    build: "f64",
    threads: 1,
    reason,
    bytesFor: (layout) => layoutBytes(layout, REAL_BYTES),
    open: (layout) => openWorkspace(layout),
  };
}

function openWorkspace<L extends Layout>(layout: L): Workspace<L> {
  const at = placeArrays(layout, allocate(layoutBytes(layout, REAL_BYTES)), 0, REAL_BYTES);
  let closed = false;
  const unlessClosed = () => {
    if (closed) throw new LowrankError("closed", "reference: this workspace is closed; open another");
  };
  return {
    at,
    async gram(table, out) {
      unlessClosed();
      checkGram(table, out);
      gram(table, out);
    },
    async solveRows(problem, solver) {
      unlessClosed();
      checkRows("solveRows", problem);
      checkSolver(problem, solver);
      return solveRows(problem, solver);
    },
    async rowLoss(problem, out) {
      unlessClosed();
      checkFigures("rowLoss", problem, out);
      rowLoss(problem, out);
    },
    async rowGradients(problem, out) {
      unlessClosed();
      checkFigures("rowGradients", problem, out);
      rowGradients(problem, out);
    },
    async topN(problem) {
      unlessClosed();
      checkTopN(problem);
      topN(problem);
    },
    async pairs(problem) {
      unlessClosed();
      checkPairs(problem);
      pairs(problem);
    },
    async netBatches(problem, batches) {
      unlessClosed();
      checkNetBatches(problem, batches);
      return netBatches(problem, batches);
    },
    async netScores(problem) {
      unlessClosed();
      checkNetScores(problem);
      netScores(problem);
    },
    async netPairs(problem) {
      unlessClosed();
      checkNetPairs(problem);
      netPairs(problem);
    },
    async sparseProduct(problem) {
      unlessClosed();
      checkSparseProduct(problem);
      sparseProduct(problem);
    },
    async innerProducts(problem) {
      unlessClosed();
      checkInnerProducts(problem);
      innerProducts(problem);
    },
    async tallProduct(problem) {
      unlessClosed();
      checkTallProduct(problem);
      tallProduct(problem);
    },
    async loss(problem) {
      unlessClosed();
      checkFull("loss", problem);
      return loss(problem);
    },
    async gradients(problem) {
      unlessClosed();
      checkFull("gradients", problem);
      gradients(problem);
    },
    async descend(problem, steps, losses) {
      unlessClosed();
      checkSteps(problem, steps, losses);
      return descend(problem, steps, losses);
    },
    async epochs(problem, settings, sums) {
      unlessClosed();
      checkEpochs(problem, settings, sums);
      return epochs(problem, settings, sums);
    },
    async shuffleBlocks(problem, group, seed) {
      unlessClosed();
      checkShuffle(problem, group);
      shuffleBlocks(problem, group, seed);
    },
    async blockEpochs(problem, settings, sums) {
      unlessClosed();
      checkBlockEpochs(problem, settings, sums);
      blockEpochs(problem, settings, sums);
    },
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
