/** Products of tall tables, in double precision: the definition of the routines of products.ts. */
import type { InnerProducts, SparseProduct, TallProduct } from "../products.ts";

export function sparseProduct({ entries, value, right, out }: SparseProduct): void {
  const sum = new Float64Array(right.rank);
  for (let row = 0; row < out.rows; row++) {
    sum.fill(0);
    for (let e = entries.start[row]; e < entries.start[row + 1]; e++) {
      const from = entries.index[e] * right.stride;
      for (let c = 0; c < right.rank; c++) sum[c] += value[e] * right.data[from + c];
    }
    out.data.set(sum, row * out.stride);
  }
}

export function innerProducts({ left, right, out }: InnerProducts): void {
  out.fill(0, 0, left.rank * right.rank);
  for (let row = 0; row < left.rows; row++) {
    for (let a = 0; a < left.rank; a++) {
      const x = left.data[row * left.stride + a];
      for (let b = 0; b < right.rank; b++) out[a * right.rank + b] += x * right.data[row * right.stride + b];
    }
  }
}

export function tallProduct({ left, matrix, out, add }: TallProduct): void {
  const sum = new Float64Array(out.rank);
  for (let row = 0; row < out.rows; row++) {
    for (let b = 0; b < out.rank; b++) sum[b] = add ? out.data[row * out.stride + b] : 0;
    for (let a = 0; a < left.rank; a++) {
      const x = left.data[row * left.stride + a];
      for (let b = 0; b < out.rank; b++) sum[b] += x * matrix.data[a * matrix.stride + b];
    }
    out.data.set(sum, row * out.stride);
  }
}
