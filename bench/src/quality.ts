/** What models reached, by formulas of this file, in double precision: the same for ours and for rivals. */
import type { CompressedRows } from "@lowrank/core";

/** Row-major [rows × rank]. */
export interface Factors {
  readonly rank: number;
  readonly rowFactors: Float32Array;
  readonly columnFactors: Float32Array;
}

/**
 * What implicit minimises (Hu, Koren & Volinsky 2008, every unseen cell weighs 1):
 * Σ_seen c (1 − x·y)² + Σ_unseen (x·y)² + λ (|X|² + |Y|²), c the matrix's values.
 */
export function implicitObjective(
  { start, index, value }: CompressedRows,
  { rank, rowFactors, columnFactors }: Factors,
  regularization: number,
): number {
  const [rowGram, columnGram] = [gram(rowFactors, rank), gram(columnFactors, rank)];
  // Σ over all cells of (x·y)² is the sum of the products of the two Gram matrices.
  let sum = 0;
  for (let i = 0; i < rank * rank; i++) sum += rowGram[i] * columnGram[i];
  for (let i = 0; i < rank; i++) sum += regularization * (rowGram[i * rank + i] + columnGram[i * rank + i]);
  for (let row = 0; row + 1 < start.length; row++) {
    for (let at = start[row]; at < start[row + 1]; at++) {
      const column = index[at];
      let score = 0;
      for (let k = 0; k < rank; k++) score += rowFactors[row * rank + k] * columnFactors[column * rank + k];
      sum += value.at(at) * (1 - score) ** 2 - score ** 2;
    }
  }
  return sum;
}

function gram(table: Float32Array, rank: number): Float64Array {
  const out = new Float64Array(rank * rank);
  for (let from = 0; from < table.length; from += rank) {
    for (let i = 0; i < rank; i++) {
      const a = table[from + i];
      for (let j = 0; j <= i; j++) out[i * rank + j] += a * table[from + j];
    }
  }
  for (let i = 0; i < rank; i++) for (let j = 0; j < i; j++) out[j * rank + i] = out[i * rank + j];
  return out;
}

/** The largest difference of two tables, as a share of the largest number in the second. */
export function apart(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return a.length === b.length ? difference / largest : Number.POSITIVE_INFINITY;
}
