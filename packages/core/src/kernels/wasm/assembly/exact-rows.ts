/**
 * Exact half-sweeps: the normal equations of one row at a time, built panel by panel and solved by Cholesky.
 *
 * Scratch of a thread, in rows of `pitch` bytes: the matrix (pitch / 4 rows), two panels, then single rows as named below,
 * then the totals of a long row (long-rows.ts): twice as many rows as the matrix, and four.
 * `solveExplicit` is longer than 60 lines, and its beginning stands in `solveImplicit` once more: asc makes a real call of
 * a helper with so many arguments and results in memory, and a kernel is easier to check against its formula in one piece.
 * Explicit rows with fewer entries than the rank go by the system of their entries where that is well conditioned
 * (short-rows.ts). In the others a bias is eliminated by its Schur complement instead of growing the matrix by one: with A z1 = t, A z2 = s,
 * s = Σ y_j and t = Σ t_j y_j follows b = (Σ t_j − s·z1) / (n + biasRegularization − s·z2) and x = z1 − b·z2.
 */
import { factor, solve } from "./cholesky";
import { BLOCK_ENTRIES, moveToTotal, takeTotal } from "./long-rows";
import { addProducts, PANEL_ROWS } from "./panel";
import { PIVOT_NOISE, reportUnstable } from "./report";
import { isShort, solveShort } from "./short-rows";
import { dotF64, madd } from "./simd";

/** Rows of `pitch` bytes that one thread needs: matrix, panels; inverse, t, s, a copy of s, z1, z2, targets (2); totals. */
export function exactRows(pitch: usize): usize {
  const matrix = pitch >> 2;
  return matrix + 2 * PANEL_ROWS + 8 + 2 * matrix + 4;
}

/** The identity's share: 0 everywhere, `regularization` on the diagonal, 1 on the diagonal of the padding. */
function setDiagonal(matrix: usize, regularization: f32, rank: usize, width: usize, pitch: usize): void {
  for (let i: usize = 0; i < width; i++) {
    const at = matrix + i * pitch + (i << 2);
    store<f32>(at, i < rank ? load<f32>(at) + regularization : 1);
  }
}

/**
 * One panel of an explicit row: copies `count` gathered rows to `panel`, and adds their sum weighted by `target` to t,
 * their plain sum to s. One chunk of 16 columns (a cache line) at a time, its sums in registers.
 */
function gatherExplicit(
  fixed: usize,
  index: usize,
  target: usize,
  count: usize,
  panel: usize,
  t: usize,
  s: usize,
  pitch: usize,
): void {
  const end = index + (count << 2);
  for (let chunk: usize = 0; chunk < pitch; chunk += 64) {
    let out = panel + chunk;
    let weight = target;
    let t0 = f32x4.splat(0);
    let t1 = t0;
    let t2 = t0;
    let t3 = t0;
    let s0 = t0;
    let s1 = t0;
    let s2 = t0;
    let s3 = t0;
    for (let at = index; at < end; at += 4) {
      const y = fixed + <usize>load<u32>(at) * pitch + chunk;
      const w = v128.load32_splat(weight);
      const y0 = v128.load(y);
      const y1 = v128.load(y, 16);
      const y2 = v128.load(y, 32);
      const y3 = v128.load(y, 48);
      v128.store(out, y0);
      v128.store(out, y1, 16);
      v128.store(out, y2, 32);
      v128.store(out, y3, 48);
      t0 = madd(w, y0, t0);
      t1 = madd(w, y1, t1);
      t2 = madd(w, y2, t2);
      t3 = madd(w, y3, t3);
      s0 = f32x4.add(s0, y0);
      s1 = f32x4.add(s1, y1);
      s2 = f32x4.add(s2, y2);
      s3 = f32x4.add(s3, y3);
      out += pitch;
      weight += 4;
    }
    addChunk(t + chunk, t0, t1, t2, t3);
    addChunk(s + chunk, s0, s1, s2, s3);
  }
}

/**
 * One panel of an implicit row: gathered rows to `panel`, the same times `excess` (c − overlap) to `weighted`, and their
 * sum weighted by `confidence` added to t.
 */
function gatherImplicit(
  fixed: usize,
  index: usize,
  confidence: usize,
  overlap: f32,
  count: usize,
  panel: usize,
  weighted: usize,
  t: usize,
  pitch: usize,
): void {
  const end = index + (count << 2);
  const o = f32x4.splat(overlap);
  for (let chunk: usize = 0; chunk < pitch; chunk += 64) {
    let out = panel + chunk;
    let outWeighted = weighted + chunk;
    let weight = confidence;
    let t0 = f32x4.splat(0);
    let t1 = t0;
    let t2 = t0;
    let t3 = t0;
    for (let at = index; at < end; at += 4) {
      const y = fixed + <usize>load<u32>(at) * pitch + chunk;
      const c = v128.load32_splat(weight);
      const excess = f32x4.sub(c, o);
      const y0 = v128.load(y);
      const y1 = v128.load(y, 16);
      const y2 = v128.load(y, 32);
      const y3 = v128.load(y, 48);
      v128.store(out, y0);
      v128.store(out, y1, 16);
      v128.store(out, y2, 32);
      v128.store(out, y3, 48);
      v128.store(outWeighted, f32x4.mul(excess, y0));
      v128.store(outWeighted, f32x4.mul(excess, y1), 16);
      v128.store(outWeighted, f32x4.mul(excess, y2), 32);
      v128.store(outWeighted, f32x4.mul(excess, y3), 48);
      t0 = madd(c, y0, t0);
      t1 = madd(c, y1, t1);
      t2 = madd(c, y2, t2);
      t3 = madd(c, y3, t3);
      out += pitch;
      outWeighted += pitch;
      weight += 4;
    }
    addChunk(t + chunk, t0, t1, t2, t3);
  }
}

@inline
function addChunk(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(out, f32x4.add(v128.load(out), a));
  v128.store(out, f32x4.add(v128.load(out, 16), b), 16);
  v128.store(out, f32x4.add(v128.load(out, 32), c), 32);
  v128.store(out, f32x4.add(v128.load(out, 48), d), 48);
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
  const inverse = panel + 2 * <usize>PANEL_ROWS * pitch;
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
      gatherExplicit(fixed, index + at, target, count, panel, t, s, pitch);
      addProducts(matrix, panel, panel, count, tiles, pitch);
      if (isLong && (e + count - first) % BLOCK_ENTRIES == 0) {
        moveToTotal(matrix, total, tiles * pitch);
        moveToTotal(t, totalSums, 2 * pitch);
      }
    }
    if (isLong) {
      moveToTotal(matrix, total, tiles * pitch);
      moveToTotal(t, totalSums, 2 * pitch);
      takeTotal(total, matrix, tiles * pitch);
      takeTotal(totalSums, t, 2 * pitch);
    }
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
  const weighted = panel + <usize>PANEL_ROWS * pitch;
  const inverse = weighted + <usize>PANEL_ROWS * pitch;
  const t = inverse + pitch;
  const z = t + pitch;
  const total = z + pitch;
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
      gatherImplicit(fixed, index + at, confidence + at, overlap, count, panel, weighted, t, pitch);
      addProducts(matrix, weighted, panel, count, tiles, pitch);
      if (isLong && (e + count - first) % BLOCK_ENTRIES == 0) {
        moveToTotal(matrix, total, tiles * pitch);
        moveToTotal(t, totalSums, pitch);
      }
    }
    if (isLong) {
      moveToTotal(matrix, total, tiles * pitch);
      moveToTotal(t, totalSums, pitch);
      takeTotal(total, matrix, tiles * pitch);
      takeTotal(totalSums, t, pitch);
    }
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
