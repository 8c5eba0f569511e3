/**
 * Half-sweeps by a few conjugate gradient steps per row, from where the row stands.
 *
 * Nothing of size rank² is built per row: a product with the row's matrix is one pass over its entries (`pass` below).
 * Implicit rows run on whitened tables, see `whiten.ts`: there the part common to all rows is the identity, and what
 * remains of a row's own penalty above the smallest one, `extra`, is a product with one shared matrix.
 * Source of conjugate gradient in ALS: Takács, Pilászy & Tikk, RecSys 2011; the whitening is ours.
 *
 * The two step routines are longer than 60 lines, and their beginnings and loops are alike, on purpose: a bias runs through
 * every line of one and a penalty matrix through the other, and a shared helper would be a real call with a dozen
 * arguments and several results in memory.
 */
import { addWeighted4, dots4, gatherUpTo4, laneMask, loadUpTo4, rowOf } from "./gather";
import { BLOCK_ENTRIES } from "./long-rows";
import { reportUnstable } from "./report";
import { addTimes, dot, laneSum, multiplyByLower, multiplyByUpper, multiplySymmetric, scaleAndAdd } from "./simd";

/** Rows of `pitch` bytes that one thread needs: zeros, x, residual, direction, product, one more, a block's sum. */
export const CG_ROWS: usize = 7;
const BLOCK_SUM: usize = 6;

/** Steps end early when the squared residual fell by this factor, 2⁻⁴⁴: f32 tables can hold no more. */
const ENOUGH: f32 = 5.684341886080802e-14;

/** What `pass` adds up: Σ_j weight_j · y_j, with this weight for s_j = v · y_j. */
const IMPLICIT_RESIDUAL = 0; // c_j − (c_j − overlap)·s_j
const IMPLICIT_PRODUCT = 1; // (c_j − overlap)·s_j
const EXPLICIT_RESIDUAL = 2; // value_j − fixedBias_j − shift − s_j
const EXPLICIT_PRODUCT = 3; // shift + s_j

/**
 * out += Σ_j weight_j · y_j over the `count` entries of one block; returns Σ_j weight_j (explicit kinds only).
 *
 * @param given confidences or values, f32 per entry
 * @param shift overlap (implicit), offset + bias (explicit residual), the direction's bias (explicit product)
 */
@inline
function pass(
  kind: i32,
  v: usize,
  out: usize,
  fixed: usize,
  index: usize,
  given: usize,
  fixedBias: usize,
  shift: f32,
  count: u32,
  zeros: usize,
  pitch: usize,
): f32 {
  const shifts = f32x4.splat(shift);
  let sums = f32x4.splat(0);
  for (let left: i32 = count; left > 0; left -= 4) {
    const y0 = rowOf(fixed, index, 0, left, zeros, pitch);
    const y1 = rowOf(fixed, index, 1, left, zeros, pitch);
    const y2 = rowOf(fixed, index, 2, left, zeros, pitch);
    const y3 = rowOf(fixed, index, 3, left, zeros, pitch);
    let weights = dots4(v, y0, y1, y2, y3, pitch);
    if (kind == IMPLICIT_RESIDUAL || kind == IMPLICIT_PRODUCT) {
      const c = loadUpTo4(given, left);
      weights = f32x4.mul(f32x4.sub(c, shifts), weights);
      if (kind == IMPLICIT_RESIDUAL) weights = f32x4.sub(c, weights);
    } else {
      if (kind == EXPLICIT_RESIDUAL) {
        let target = f32x4.sub(loadUpTo4(given, left), shifts);
        if (fixedBias) target = f32x4.sub(target, gatherUpTo4(fixedBias, index, left));
        weights = f32x4.sub(target, weights);
      } else weights = f32x4.add(shifts, weights);
      if (left < 4) weights = v128.and(weights, laneMask(left));
      sums = f32x4.add(sums, weights);
    }
    addWeighted4(weights, y0, y1, y2, y3, out, pitch);
    index += 16;
    given += 16;
  }
  return laneSum(sums);
}

/** `pass` over a whole row. A long row goes block by block, each summed on its own: see long-rows.ts. */
@inline
function passes(
  kind: i32,
  v: usize,
  out: usize,
  fixed: usize,
  index: usize,
  given: usize,
  fixedBias: usize,
  shift: f32,
  count: u32,
  zeros: usize,
  pitch: usize,
): f32 {
  const isLong = count > BLOCK_ENTRIES;
  const to = isLong ? zeros + BLOCK_SUM * pitch : out;
  let sum: f64 = 0;
  for (let left = count; left > 0; ) {
    const entries = min<u32>(left, BLOCK_ENTRIES);
    if (isLong) memory.fill(to, 0, pitch);
    sum += <f64>pass(kind, v, to, fixed, index, given, fixedBias, shift, entries, zeros, pitch);
    if (isLong) addTimes(1, to, out, pitch);
    index += <usize>entries << 2;
    given += <usize>entries << 2;
    left -= entries;
  }
  return <f32>sum;
}

function implicitResidual(
  v: usize, out: usize, fixed: usize, index: usize, c: usize, overlap: f32, count: u32, zeros: usize, pitch: usize,
): void {
  passes(IMPLICIT_RESIDUAL, v, out, fixed, index, c, 0, overlap, count, zeros, pitch);
}

function implicitProduct(
  v: usize, out: usize, fixed: usize, index: usize, c: usize, overlap: f32, count: u32, zeros: usize, pitch: usize,
): void {
  passes(IMPLICIT_PRODUCT, v, out, fixed, index, c, 0, overlap, count, zeros, pitch);
}

function explicitResidual(
  v: usize, out: usize, fixed: usize, index: usize, value: usize, fixedBias: usize, shift: f32, count: u32,
  zeros: usize, pitch: usize,
): f32 {
  return passes(EXPLICIT_RESIDUAL, v, out, fixed, index, value, fixedBias, shift, count, zeros, pitch);
}

function explicitProduct(
  v: usize, out: usize, fixed: usize, index: usize, shift: f32, count: u32, zeros: usize, pitch: usize,
): f32 {
  return passes(EXPLICIT_PRODUCT, v, out, fixed, index, 0, 0, shift, count, zeros, pitch);
}

/**
 * Rows `from` to `to` - 1 of an ImplicitRows problem (kernels.ts), `steps` steps each.
 *
 * @param white the fixed table, whitened; the four matrices as `whiten` writes them
 * @param common the penalty that `whiten` was given
 */
export function stepImplicit(
  out: usize,
  white: usize,
  start: usize,
  index: usize,
  confidence: usize,
  overlap: f32,
  regularization: usize,
  common: f32,
  matrices: usize,
  steps: u32,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
  report: usize,
): void {
  const size = (pitch >> 2) * pitch;
  const toWhite = matrices;
  const fromWhite = matrices + 2 * size;
  const penalty = matrices + 3 * size;
  const zeros = scratch;
  const x = zeros + pitch;
  const residual = x + pitch;
  const direction = residual + pitch;
  const product = direction + pitch;
  const temporary = product + pitch;
  memory.fill(zeros, 0, pitch);
  for (let row = from; row < to; row++) {
    const target = out + <usize>row * pitch;
    const first = load<u32>(start + (<usize>row << 2));
    const count = load<u32>(start + (<usize>row << 2), 4) - first;
    if (count == 0) {
      memory.fill(target, 0, pitch);
      continue;
    }
    const entries = index + (<usize>first << 2);
    const c = confidence + (<usize>first << 2);
    const extra = load<f32>(regularization + (<usize>row << 2)) - common;
    multiplyByLower(toWhite, target, x, rank, pitch);
    memory.fill(residual, 0, pitch);
    addTimes(-1, x, residual, pitch);
    if (extra > 0) {
      multiplySymmetric(penalty, x, temporary, rank, pitch);
      addTimes(-extra, temporary, residual, pitch);
    }
    implicitResidual(x, residual, white, entries, c, overlap, count, zeros, pitch);
    memory.copy(direction, residual, pitch);
    let sizeNow = dot(residual, residual, pitch);
    const enough = sizeNow * ENOUGH;
    let stable = true;
    for (let step: u32 = 0; step < steps && sizeNow > enough; step++) {
      memory.copy(product, direction, pitch);
      if (extra > 0) {
        multiplySymmetric(penalty, direction, temporary, rank, pitch);
        addTimes(extra, temporary, product, pitch);
      }
      implicitProduct(direction, product, white, entries, c, overlap, count, zeros, pitch);
      const curvature = dot(direction, product, pitch);
      if (!(curvature > 0 && curvature < Infinity)) {
        reportUnstable(report, row, step, curvature);
        stable = false;
        break;
      }
      const length = sizeNow / curvature;
      addTimes(length, direction, x, pitch);
      if (step + 1 == steps) break;
      addTimes(-length, product, residual, pitch);
      const next = dot(residual, residual, pitch);
      scaleAndAdd(residual, next / sizeNow, direction, pitch);
      sizeNow = next;
    }
    if (stable) multiplyByLower(fromWhite, x, target, rank, pitch);
  }
}

/** Rows `from` to `to` - 1 of an ExplicitRows problem (kernels.ts), `steps` steps each; a bias is one more unknown. */
export function stepExplicit(
  out: usize,
  outBias: usize,
  fixed: usize,
  fixedBias: usize,
  start: usize,
  index: usize,
  value: usize,
  offset: f32,
  regularization: usize,
  biasRegularization: usize,
  steps: u32,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
  report: usize,
): void {
  const zeros = scratch;
  const x = zeros + pitch;
  const residual = x + pitch;
  const direction = residual + pitch;
  const product = direction + pitch;
  memory.fill(zeros, 0, pitch);
  for (let row = from; row < to; row++) {
    const at = <usize>row << 2;
    const target = out + <usize>row * pitch;
    const first = load<u32>(start + at);
    const count = load<u32>(start + at, 4) - first;
    if (count == 0) {
      memory.fill(target, 0, pitch);
      if (outBias) store<f32>(outBias + at, 0);
      continue;
    }
    const entries = index + (<usize>first << 2);
    const values = value + (<usize>first << 2);
    const penalty = load<f32>(regularization + at);
    const biasPenalty: f32 = outBias ? load<f32>(biasRegularization + at) : 0;
    let bias: f32 = outBias ? load<f32>(outBias + at) : 0;
    memory.copy(x, target, pitch);
    memory.fill(residual, 0, pitch);
    addTimes(-penalty, x, residual, pitch);
    const sum = explicitResidual(x, residual, fixed, entries, values, fixedBias, offset + bias, count, zeros, pitch);
    let biasResidual: f32 = outBias ? sum - biasPenalty * bias : 0;
    memory.copy(direction, residual, pitch);
    let biasDirection = biasResidual;
    let sizeNow = dot(residual, residual, pitch) + biasResidual * biasResidual;
    const enough = sizeNow * ENOUGH;
    let stable = true;
    for (let step: u32 = 0; step < steps && sizeNow > enough; step++) {
      memory.fill(product, 0, pitch);
      addTimes(penalty, direction, product, pitch);
      const total = explicitProduct(direction, product, fixed, entries, biasDirection, count, zeros, pitch);
      const biasProduct: f32 = outBias ? total + biasPenalty * biasDirection : 0;
      const curvature = dot(direction, product, pitch) + biasDirection * biasProduct;
      if (!(curvature > 0 && curvature < Infinity)) {
        reportUnstable(report, row, step, curvature);
        stable = false;
        break;
      }
      const length = sizeNow / curvature;
      addTimes(length, direction, x, pitch);
      bias += length * biasDirection;
      if (step + 1 == steps) break;
      addTimes(-length, product, residual, pitch);
      biasResidual -= length * biasProduct;
      const next = dot(residual, residual, pitch) + biasResidual * biasResidual;
      const keep = next / sizeNow;
      scaleAndAdd(residual, keep, direction, pitch);
      biasDirection = biasResidual + keep * biasDirection;
      sizeNow = next;
    }
    if (!stable) continue;
    memory.copy(target, x, pitch);
    if (outBias) store<f32>(outBias + at, bias);
  }
}

/** white = the rows of `fixed` in whitened coordinates, rows `from` to `to` - 1. */
export function whitenRows(
  fixed: usize,
  white: usize,
  matrices: usize,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
): void {
  const matrix = matrices + (pitch >> 2) * pitch;
  for (let row = <usize>from; row < <usize>to; row++) {
    multiplyByUpper(matrix, fixed + row * pitch, white + row * pitch, rank, pitch);
  }
}
