/** Shapes of the problems of products.ts, checked once at the door of every backend. */
import { atLeast, checkEntries, exactly } from "./checks.ts";
import type { Table } from "./kernels.ts";
import {
  type InnerProducts,
  innerProductScratch,
  paddedRank,
  type SparseProduct,
  type TallProduct,
} from "./products.ts";

export function checkSparseProduct({ entries, value, right, out }: SparseProduct): void {
  const count = checkEntries("sparseProduct", "entries", entries, out.rows);
  atLeast("sparseProduct", "value.length", value.length, count);
  exactly("sparseProduct", "out.rank", out.rank, right.rank);
  checkTable("sparseProduct", "right", right);
  checkTable("sparseProduct", "out", out);
}

export function checkInnerProducts({ left, right, out, scratch }: InnerProducts): void {
  exactly("innerProducts", "right.rows", right.rows, left.rows);
  atLeast("innerProducts", "out.length", out.length, left.rank * right.rank);
  atLeast("innerProducts", "scratch.length", scratch.length, innerProductScratch(left, right));
  checkTable("innerProducts", "left", left);
  checkTable("innerProducts", "right", right);
}

export function checkTallProduct({ left, matrix, out }: TallProduct): void {
  exactly("tallProduct", "matrix.rows", matrix.rows, left.rank);
  exactly("tallProduct", "out.rows", out.rows, left.rows);
  exactly("tallProduct", "out.rank", out.rank, matrix.rank);
  checkTable("tallProduct", "left", left);
  checkTable("tallProduct", "matrix", matrix);
  checkTable("tallProduct", "out", out);
}

/** A view may have fewer rows or columns than its array has room for, never more. */
function checkTable(who: string, name: string, { data, rows, rank, stride }: Table): void {
  atLeast(who, `${name}.stride`, stride, paddedRank(rank));
  if (rows > 0) atLeast(who, `${name}.data.length`, data.length, (rows - 1) * stride + paddedRank(rank));
}
