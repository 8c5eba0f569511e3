/**
 * Rows of non-negative factors (nonnegative.ts in kernels/): one step of each row, by coordinates or multiplied.
 *
 * Scratch of a thread: a matrix A (coordinates over entries alone), then A x less b, or A x, then b.
 */
import { addTimes, clear, dot, multiplySymmetric } from "./simd";

/** Rows `from` to `to` - 1. `gram` 0: only the entries count. */
export function nonNegativeRows(
  multiplicative: u32,
  out: usize,
  fixed: usize,
  start: usize,
  index: usize,
  value: usize,
  gram: usize,
  regularization: usize,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
): void {
  const product = scratch + (pitch >> 2) * pitch;
  const target = product + pitch;
  for (let row = <usize>from; row < <usize>to; row++) {
    const x = out + row * pitch;
    const first = load<u32>(start + (row << 2));
    const last = load<u32>(start + (row << 2), 4);
    if (first == last) {
      clear(x, pitch);
      continue;
    }
    const matrix: usize = gram != 0 ? gram : multiplicative ? 0 : scratch;
    clear(target, pitch);
    clear(product, pitch);
    if (matrix == scratch) memory.fill(scratch, 0, rank * pitch);
    for (let e = <usize>first; e < <usize>last; e++) {
      const y = fixed + <usize>load<u32>(index + (e << 2)) * pitch;
      addTimes(load<f32>(value + (e << 2)), y, target, pitch);
      if (gram != 0) continue;
      if (multiplicative) addTimes(dot(x, y, pitch), y, product, pitch);
      else addOuter(y, scratch, rank, pitch);
    }
    if (matrix != 0) multiplySymmetric(matrix, x, product, rank, pitch);
    const penalty = load<f32>(regularization + (row << 2));
    if (multiplicative) scale(x, target, product, penalty, rank);
    else descend(x, target, product, matrix, penalty, rank, pitch);
  }
}

/** matrix += y yᵀ, all of it. */
@inline
function addOuter(y: usize, matrix: usize, rank: usize, pitch: usize): void {
  let row = matrix;
  for (let k: usize = 0; k < rank << 2; k += 4) {
    addTimes(load<f32>(y + k), y, row, pitch);
    row += pitch;
  }
}

/** x_k ← x_k · b_k / ((A x)_k + λ x_k). */
function scale(x: usize, target: usize, product: usize, penalty: f32, rank: usize): void {
  for (let k: usize = 0; k < rank << 2; k += 4) {
    const old = load<f32>(x + k);
    const divisor = load<f32>(product + k) + penalty * old;
    if (divisor > 0) store<f32>(x + k, (old * load<f32>(target + k)) / divisor);
  }
}

/** Each coordinate in turn to its best; `product` follows as A x. */
function descend(
  x: usize,
  target: usize,
  product: usize,
  matrix: usize,
  penalty: f32,
  rank: usize,
  pitch: usize,
): void {
  let row = matrix;
  for (let k: usize = 0; k < rank << 2; k += 4) {
    const old = load<f32>(x + k);
    const divisor = load<f32>(row + k) + penalty;
    if (divisor > 0) {
      const slope = load<f32>(product + k) - load<f32>(target + k) + penalty * old;
      const moved = max<f32>(0, old - slope / divisor);
      if (moved != old) {
        store<f32>(x + k, moved);
        addTimes(moved - old, row, product, pitch);
      }
    }
    row += pitch;
  }
}
