/** Kernels with and without workers, and a call that takes its time, for tests of what only the wasm backend has. */
import type { Kernels } from "../kernels.ts";
import { explicitWorld } from "../worlds.case.ts";
import { openWasm } from "./index.ts";

export const pooled = () => openWasm({ build: "strict", threads: 2, reason: "a test", spread: true });
export const alone = () => openWasm({ build: "strict", threads: 1, reason: "a test" });

/** 2,000 rows of rank 64 over 300 columns: some tenths of a second for one thread. */
export function longCall(kernels: Kernels) {
  const world = explicitWorld(kernels, { rank: 64, rows: 2000, columns: 300 });
  return { ...world, solve: () => world.workspace.solveRows(world.problem, { kind: "cholesky" }) };
}
