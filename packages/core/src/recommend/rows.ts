/** Rows of tables and of compressed rows. */
import { type CompressedRows, wideIndexes } from "../ratings/index.ts";

/** Row `index` of a tight table: a view. */
export function rowOf(factors: Float32Array, rank: number, index: number): Float32Array {
  return factors.subarray(index * rank, (index + 1) * rank);
}

/** Indexes of row `row`: a view, or a copy of those that take two bytes. */
export function indexesOf({ start, index }: Pick<CompressedRows, "start" | "index">, row: number): Uint32Array {
  return wideIndexes(index.subarray(start[row], start[row + 1]));
}
