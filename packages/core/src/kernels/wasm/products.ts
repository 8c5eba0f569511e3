/** The routines of products.ts on a WebAssembly memory: problems in, jobs out. */
import { checkInnerProducts, checkSparseProduct, checkTallProduct } from "../product-checks.ts";
import {
  type InnerProducts,
  innerProductParts,
  type ProductRoutines,
  paddedRank,
  type SparseProduct,
  type TallProduct,
} from "../products.ts";
import type { Runner } from "./runner.ts";

/** @param next runs a call after those before it on the same workspace */
export function productRoutines(runner: Runner, next: <T>(call: () => Promise<T>) => Promise<T>): ProductRoutines {
  return {
    sparseProduct: (problem) => next(() => sparseProduct(runner, problem)),
    innerProducts: (problem) => next(() => innerProducts(runner, problem)),
    tallProduct: (problem) => next(() => tallProduct(runner, problem)),
  };
}

async function sparseProduct(runner: Runner, problem: SparseProduct): Promise<void> {
  checkSparseProduct(problem);
  const { entries, value, right, out } = problem;
  const width = paddedRank(right.rank);
  const args = [
    runner.address(entries.start),
    runner.address(entries.index),
    runner.address(value),
    runner.address(right.data),
    4 * right.stride,
    runner.address(out.data),
    4 * out.stride,
    4 * width,
  ];
  // A gathered row is rarely in the first cache, which costs about as much as its arithmetic.
  await runner.run("sparseProduct", args, out.rows, 2 * width * (entries.start[out.rows] + out.rows));
}

async function innerProducts(runner: Runner, problem: InnerProducts): Promise<void> {
  checkInnerProducts(problem);
  const { left, right, out, scratch } = problem;
  const parts = innerProductParts(left.rows);
  const widths = [paddedRank(left.rank), paddedRank(right.rank)];
  const parted = runner.address(scratch);
  const args = [
    runner.address(left.data),
    4 * left.stride,
    runner.address(right.data),
    4 * right.stride,
    left.rows,
    ...widths,
    parted,
    parts,
  ];
  await runner.run("innerProductParts", args, parts, left.rows * widths[0] * widths[1]);
  runner.call("innerProductSum", [parted, parts, ...widths, left.rank, right.rank, runner.address(out)]);
}

async function tallProduct(runner: Runner, problem: TallProduct): Promise<void> {
  checkTallProduct(problem);
  const { left, matrix, out, add } = problem;
  const width = paddedRank(out.rank);
  const args = [
    runner.address(left.data),
    4 * left.stride,
    left.rank,
    runner.address(matrix.data),
    4 * matrix.stride,
    runner.address(out.data),
    4 * out.stride,
    width,
    add ? 1 : 0,
  ];
  await runner.run("tallProduct", args, out.rows, left.rows * left.rank * width);
}
