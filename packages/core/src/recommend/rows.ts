/** Rows of tables and of compressed rows. */
import type { CompressedRows, Indexes } from "../ratings/index.ts";

/** Row `index` of a tight table: a view. */
export function rowOf(factors: Float32Array, rank: number, index: number): Float32Array {
  return factors.subarray(index * rank, (index + 1) * rank);
}

/** Indexes of row `row`: a view. */
export function indexesOf({ start, index }: Pick<CompressedRows, "start" | "index">, row: number): Indexes {
  return index.subarray(start[row], start[row + 1]);
}
