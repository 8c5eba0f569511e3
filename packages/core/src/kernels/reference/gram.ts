/** Gram matrix: a table in, tableᵀ · table out. Double precision inside, rounded once. */
import type { Table } from "../kernels.ts";

export function gram(table: Table, out: Float32Array): void {
  const { data, rows, rank, stride } = table;
  out.fill(0);
  for (let a = 0; a < rank; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = 0;
      for (let r = 0; r < rows; r++) sum += data[r * stride + a] * data[r * stride + b];
      out[a * stride + b] = sum;
      out[b * stride + a] = sum;
    }
  }
}
