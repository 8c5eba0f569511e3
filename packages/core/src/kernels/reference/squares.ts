/** Pairs of sparse rows, and the inverse of a square matrix, in double precision: the definition of squares.ts. */
import type { UnstableRow } from "../kernels.ts";
import {
  type InverseProblem,
  inverseBlocks,
  type NearestRows,
  type RowPairs,
  type SquareOfRows,
  squareStride,
} from "../squares.ts";
import { choleskyF64, solveCholeskyF64 } from "./dense.ts";

/** a_row · a_s for every row s. */
function productsOf({ rows, rowValue, columns, columnValue }: RowPairs, row: number, out: Float64Array): void {
  out.fill(0);
  for (let e = rows.start[row]; e < rows.start[row + 1]; e++) {
    const column = rows.index[e];
    for (let c = columns.start[column]; c < columns.start[column + 1]; c++) {
      out[columns.index[c]] += rowValue[e] * columnValue[c];
    }
  }
}

export function nearestRows(problem: NearestRows): void {
  const { rows, norm, otherNorm, shrinkage, first, last, count } = problem;
  const size = rows.start.length - 1;
  const products = new Float64Array(size);
  const similarity = new Float32Array(size);
  for (let row = first; row < last; row++) {
    productsOf(problem, row, products);
    const near: number[] = [];
    for (let s = 0; s < size; s++) {
      if (s === row || products[s] === 0) continue;
      const divisor = norm === undefined || otherNorm === undefined ? 1 : norm[row] * otherNorm[s] + shrinkage;
      similarity[s] = products[s] / divisor;
      near.push(s);
    }
    near.sort((a, b) => similarity[b] - similarity[a] || a - b);
    const kept = near.slice(0, count);
    problem.found[row - first] = kept.length;
    for (const [place, s] of kept.entries()) {
      problem.index[(row - first) * count + place] = s;
      problem.similarity[(row - first) * count + place] = similarity[s];
    }
  }
}

export function squareOfRows(problem: SquareOfRows): void {
  const { rows, diagonal, first, last, out } = problem;
  const size = rows.start.length - 1;
  const stride = squareStride(size);
  const products = new Float64Array(size);
  const end = last === size ? stride : last;
  out.fill(0, first * stride, end * stride);
  for (let row = first; row < last; row++) {
    productsOf(problem, row, products);
    out.set(products, row * stride);
    out[row * stride + row] += diagonal;
  }
  for (let row = size; row < end; row++) out[row * stride + row] = 1;
}

/** Everything with the last block; before that there is nothing to see. */
export function invert({ matrix, size, last }: InverseProblem): UnstableRow | undefined {
  if (last < inverseBlocks(size)) return undefined;
  const stride = squareStride(size);
  const factor = new Float64Array(size * size);
  for (let r = 0; r < size; r++) factor.set(matrix.subarray(r * stride, r * stride + size), r * size);
  const bad = choleskyF64(factor, size);
  if (bad !== undefined) return { row: bad.pivot, ...bad };
  const column = new Float64Array(size);
  for (let c = 0; c < size; c++) {
    column.fill(0);
    column[c] = 1;
    solveCholeskyF64(factor, size, column);
    for (let r = 0; r < size; r++) matrix[r * stride + c] = column[r];
  }
  return undefined;
}
