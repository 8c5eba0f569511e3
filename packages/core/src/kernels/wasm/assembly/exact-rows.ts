/**
 * Exact half-sweeps: the normal equations of one row at a time, built panel by panel and solved by Cholesky.
 *
 * Scratch of a thread, in rows of `pitch` bytes: the matrix (pitch / 4 rows), a panel, then single rows as named below,
 * then the totals of a long row (long-rows.ts): twice as many rows as the matrix, and four.
 * `solveExplicit` is longer than 60 lines, and its beginning stands in `solveImplicit` once more: asc makes a real call of
 * a helper with so many arguments and results in memory, and a kernel is easier to check against its formula in one piece.
 * Explicit rows with fewer entries than the rank go by the system of their entries where that is well conditioned
 * (short-rows.ts). In the others a bias is eliminated by its Schur complement instead of growing the matrix by one: with A z1 = t, A z2 = s,
 * s = Σ y_j and t = Σ t_j y_j follows b = (Σ t_j − s·z1) / (n + biasRegularization − s·z2) and x = z1 − b·z2.
 */
import { factor, solve } from "./cholesky";
import { gatherExplicit, gatherImplicit, setDiagonal, takeRoots } from "./gather-panel";
import { BLOCK_ENTRIES, moveSystem, takeSystem } from "./long-rows";
import { addProducts, PANEL_ROWS } from "./panel";
import { PIVOT_NOISE, reportUnstable } from "./report";
import { isShort, solveShort } from "./short-rows";
import { dotF64, madd } from "./simd";

/** Rows of `pitch` bytes that one thread needs: matrix, panel; inverse, t, s, a copy of s, z1, z2, targets (2); totals. */
export function exactRows(pitch: usize): usize {
  const matrix = pitch >> 2;
  return matrix + PANEL_ROWS + 8 + 2 * matrix + 4;
}

/** Writes value − offset − fixedBias of `count` entries to `target`, and gives their sum. A null `fixedBias` is none. */
function takeTargets(value: usize, offset: f32, fixedBias: usize, index: usize, count: u32, target: usize): f64 {
  let sum: f64 = 0;
  for (let at: usize = 0; at < <usize>count << 2; at += 4) {
    let own = load<f32>(value + at) - offset;
    if (fixedBias) own -= load<f32>(fixedBias + (<usize>load<u32>(index + at) << 2));
    store<f32>(target + at, own);
    sum += <f64>own;
  }
  return sum;
}

/** Rows `from` to `to` - 1 of an ExplicitRows problem (kernels.ts). A null `outBias` or `fixedBias` is none. */
export function solveExplicit(
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
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
  report: usize,
): void {
  const width = (rank + 3) & ~3;
  const tiles = (rank + 7) & ~7;
  const matrix = scratch;
  const panel = matrix + (pitch >> 2) * pitch;
  const inverse = panel + <usize>PANEL_ROWS * pitch;
  const t = inverse + pitch;
  const s = t + pitch;
  const sCopy = s + pitch;
  const z1 = sCopy + pitch;
  const z2 = z1 + pitch;
  const target = z2 + pitch; // f32[PANEL_ROWS]: two rows where a row is 16 floats
  const total = target + 2 * pitch;
  const totalSums = total + 2 * (pitch >> 2) * pitch;
  for (let row = from; row < to; row++) {
    const x = out + <usize>row * pitch;
    const bias = outBias ? outBias + (<usize>row << 2) : 0;
    const first = load<u32>(start + (<usize>row << 2));
    const last = load<u32>(start + (<usize>row << 2), 4);
    if (first == last) {
      memory.fill(x, 0, pitch);
      if (bias) store<f32>(bias, 0);
      continue;
    }
    const penalty = load<f32>(regularization + (<usize>row << 2));
    const biasPenalty: f32 = outBias ? load<f32>(biasRegularization + (<usize>row << 2)) : 0;
    if (penalty > 0 && isShort(last - first, rank)) {
      const at = <usize>first << 2;
      takeTargets(value + at, offset, fixedBias, index + at, last - first, t);
      if (solveShort(x, bias, fixed, index + at, t, last - first, penalty, biasPenalty, matrix, panel, rank, pitch)) {
        continue;
      }
    }
    memory.fill(matrix, 0, tiles * pitch);
    memory.fill(t, 0, 2 * pitch);
    const isLong = last - first > BLOCK_ENTRIES;
    if (isLong) memory.fill(total, 0, totalSums + 4 * pitch - total);
    let targetSum: f64 = 0;
    for (let e = first; e < last; e += PANEL_ROWS) {
      const count = min<u32>(PANEL_ROWS, last - e);
      const at = <usize>e << 2;
      targetSum += takeTargets(value + at, offset, fixedBias, index + at, count, target);
      gatherExplicit(fixed, index + at, target, count, panel, t, s, pitch, pitch);
      addProducts(matrix, panel, panel, count, tiles, pitch);
      if (isLong && (e + count - first) % BLOCK_ENTRIES == 0) {
        moveSystem(matrix, tiles * pitch, t, 2 * pitch, total, totalSums);
      }
    }
    if (isLong) takeSystem(matrix, tiles * pitch, t, 2 * pitch, total, totalSums);
    setDiagonal(matrix, penalty, rank, width, pitch);
    const done = factor(matrix, inverse, width, pitch, PIVOT_NOISE);
    if (done < width) {
      reportUnstable(report, row, <u32>done, load<f32>(matrix + done * pitch + (done << 2)));
      continue;
    }
    solve(matrix, inverse, t, z1, width, pitch);
    if (!bias) {
      memory.copy(x, z1, rank << 2);
      continue;
    }
    memory.copy(sCopy, s, pitch);
    solve(matrix, inverse, sCopy, z2, width, pitch);
    const diagonal = <f64>(last - first) + <f64>biasPenalty;
    const pivot = diagonal - dotF64(s, z2, rank);
    if (!(pivot > <f64>PIVOT_NOISE * diagonal && pivot < Infinity)) {
      reportUnstable(report, row, <u32>rank, <f32>pivot);
      continue;
    }
    const shift = <f32>((targetSum - dotF64(s, z1, rank)) / pivot);
    const b = f32x4.splat(-shift);
    for (let j: usize = 0; j < width << 2; j += 16) {
      v128.store(x + j, madd(b, v128.load(z2 + j), v128.load(z1 + j)));
    }
    store<f32>(bias, shift);
  }
}

/** Rows `from` to `to` - 1 of an ImplicitRows problem (kernels.ts). */
export function solveImplicit(
  out: usize,
  fixed: usize,
  start: usize,
  index: usize,
  confidence: usize,
  gram: usize,
  unobservedWeight: f32,
  overlap: f32,
  regularization: usize,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
  report: usize,
): void {
  const width = (rank + 3) & ~3;
  const tiles = (rank + 7) & ~7;
  const matrix = scratch;
  const panel = matrix + (pitch >> 2) * pitch;
  const inverse = panel + <usize>PANEL_ROWS * pitch;
  const t = inverse + pitch;
  const z = t + pitch;
  const root = z + pitch; // f32[PANEL_ROWS]: two rows where a row is 16 floats
  const total = root + 2 * pitch;
  const totalSums = total + 2 * (pitch >> 2) * pitch;
  const weight = f32x4.splat(unobservedWeight);
  for (let row = from; row < to; row++) {
    const x = out + <usize>row * pitch;
    const first = load<u32>(start + (<usize>row << 2));
    const last = load<u32>(start + (<usize>row << 2), 4);
    if (first == last) {
      memory.fill(x, 0, pitch);
      continue;
    }
    for (let j: usize = 0; j < tiles * pitch; j += 16) {
      v128.store(matrix + j, f32x4.mul(weight, v128.load(gram + j)));
    }
    memory.fill(t, 0, pitch);
    const isLong = last - first > BLOCK_ENTRIES;
    if (isLong) memory.fill(total, 0, totalSums + 2 * pitch - total);
    for (let e = first; e < last; e += PANEL_ROWS) {
      const count = min<u32>(PANEL_ROWS, last - e);
      const at = <usize>e << 2;
      takeRoots(confidence + at, overlap, count, root);
      gatherImplicit(fixed, index + at, confidence + at, root, count, panel, t, pitch, pitch);
      addProducts(matrix, panel, panel, count, tiles, pitch);
      if (isLong && (e + count - first) % BLOCK_ENTRIES == 0) {
        moveSystem(matrix, tiles * pitch, t, pitch, total, totalSums);
      }
    }
    if (isLong) takeSystem(matrix, tiles * pitch, t, pitch, total, totalSums);
    setDiagonal(matrix, load<f32>(regularization + (<usize>row << 2)), rank, width, pitch);
    const done = factor(matrix, inverse, width, pitch, PIVOT_NOISE);
    if (done < width) {
      reportUnstable(report, row, <u32>done, load<f32>(matrix + done * pitch + (done << 2)));
      continue;
    }
    solve(matrix, inverse, t, z, width, pitch);
    memory.copy(x, z, rank << 2);
  }
}
