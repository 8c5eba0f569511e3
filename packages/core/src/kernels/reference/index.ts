/**
 * Backend `reference`: the definition of every routine, in plain TypeScript and double precision. One thread, any host.
 *
 * Reads and writes the same f32 arrays as the others, so that results differ only by the arithmetic inside. Never tuned.
 * Blocks the host's thread for the length of one routine.
 */
import { LowrankError } from "../../support/index.ts";
import { checkGram, checkLoss, checkPairs, checkRows, checkSolver, checkTopN } from "../checks.ts";
import type { Kernels, Layout, Workspace } from "../kernels.ts";
import { layoutBytes, placeArrays } from "../layout.ts";
import { gram } from "./gram.ts";
import { pairs } from "./pairs.ts";
import { rowLoss } from "./row-loss.ts";
import { solveRows } from "./solve-rows.ts";
import { topN } from "./top-n.ts";

export function openReference(reason: string): Kernels {
  return {
    backend: "reference",
    build: "f64",
    threads: 1,
    reason,
    bytesFor: layoutBytes,
    open: (layout) => openWorkspace(layout),
  };
}

function openWorkspace<L extends Layout>(layout: L): Workspace<L> {
  const at = placeArrays(layout, allocate(layoutBytes(layout)), 0);
  return {
    at,
    async gram(table, out) {
      checkGram(table, out);
      gram(table, out);
    },
    async solveRows(problem, solver) {
      checkRows("solveRows", problem);
      checkSolver(problem, solver);
      return solveRows(problem, solver);
    },
    async rowLoss(problem, out) {
      checkLoss(problem, out);
      rowLoss(problem, out);
    },
    async topN(problem) {
      checkTopN(problem);
      topN(problem);
    },
    async pairs(problem) {
      checkPairs(problem);
      pairs(problem);
    },
    close() {},
  };
}

function allocate(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (cause) {
    throw new LowrankError("memory", `reference: this host cannot give ${bytes} bytes`, { bytes }, cause);
  }
}
