/** How much scratch the row kernels need, for wasm/plan.ts: its formula is compared with this one by a test. */
import { CG_ROWS } from "./cg-rows";
import { exactRows } from "./exact-rows";
import { GRADIENT_ROWS } from "./row-gradient";
import { LOSS_ROWS } from "./row-loss";

/** Bytes that one thread needs for any row kernel on tables of this pitch. */
export function rowScratch(pitch: usize): usize {
  return max(exactRows(pitch), max(CG_ROWS, max(GRADIENT_ROWS, LOSS_ROWS))) * pitch;
}
