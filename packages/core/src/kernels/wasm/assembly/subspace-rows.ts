/**
 * Half-sweeps by subspaces: each row's columns in blocks, each block solved exactly while the others stand.
 *
 * With the block's columns π of the row x and of the gathered rows, its best change δ solves
 *
 *   implicit  (w·G_ππ + Σ_j (c_j − overlap) y_jπ y_jπᵀ + λI) δ = Σ_j (c_j − (c_j − overlap)·s_j) y_jπ − w (G x)_π − λ x_π
 *   explicit  (Σ_j y_jπ y_jπᵀ + λI) δ = Σ_j e_j y_jπ − λ x_π                          and the bias as one more unknown, by its
 *                                                                                     Schur complement as in exact-rows.ts
 *
 * The scores s_j = x·y_j (explicit: the errors e_j) are worked out once a row and then moved by δ·y_jπ: a block of d columns costs
 * n·d²/2 + 2·n·d + d³/6 + k·d (the last for G x) instead of the n·k²/2 + k³/6 of all columns at once. A block's columns are gathered
 * once, side by side, for its matrix and for moving the scores: rows of the table whose size is a power of two fall on the same few lines
 * of the cache. Implicit rows are gathered times r_j = √(c_j − overlap), and their scores kept so, too: `scaled`.
 * The two routines are longer than 60 lines, and their beginnings are alike, for the reasons given in exact-rows.ts, whose errors on long rows are
 * theirs: sums over more than BLOCK_ENTRIES entries are kept in f64.
 *
 * Source: Rendle, Krichene, Zhang & Koren, "iALS++: Speeding up Matrix Factorization with Subspace Optimization", 2021.
 */
import { factor, solve } from "./cholesky";
import { dots4, rowOf } from "./gather";
import { gatherExplicit, gatherImplicit, setDiagonal, takeRoots } from "./gather-panel";
import { BLOCK_ENTRIES, moveSystem, takeSystem } from "./long-rows";
import { addProducts, PANEL_ROWS } from "./panel";
import { PIVOT_NOISE, reportUnstable } from "./report";
import { SHORT_ROWS, solveShort } from "./short-rows";
import { addTimes, clear, dotF64, madd } from "./simd";

/** Single rows of a block: inverse, t, s, a copy of s, z1, z2, and targets of a panel (two: a row may be 16 floats). */
const BLOCK_ROWS: usize = 8;

/** Bytes that one thread needs for tables of this pitch, beside those for the entries of a row. */
function fixedScratch(pitch: usize, blockPitch: usize): usize {
  const matrix = blockPitch >> 2;
  return (2 + matrix + SHORT_ROWS) * pitch + (3 * matrix + BLOCK_ROWS + 4) * blockPitch;
}

/** Bytes that one thread needs when no row has more than `entries`, a multiple of 4: a row of the block and two numbers for each. */
export function subspaceScratch(pitch: usize, blockPitch: usize, entries: usize): usize {
  return fixedScratch(pitch, blockPitch) + entries * (blockPitch + 8);
}

/** out_j = r_j · (v · y_j) over a row's entries, with r_j = 1 where `root` is null; written up to a whole vector. */
function takeScores(
  v: usize, fixed: usize, index: usize, root: usize, count: u32, out: usize, zeros: usize, pitch: usize,
): void {
  for (let left: i32 = count; left > 0; left -= 4) {
    const y0 = rowOf(fixed, index, 0, left, zeros, pitch);
    const y1 = rowOf(fixed, index, 1, left, zeros, pitch);
    const y2 = rowOf(fixed, index, 2, left, zeros, pitch);
    const y3 = rowOf(fixed, index, 3, left, zeros, pitch);
    let scores = dots4(v, y0, y1, y2, y3, pitch);
    if (root) {
      scores = f32x4.mul(v128.load(root), scores);
      root += 16;
    }
    v128.store(out, scores);
    index += 16;
    out += 16;
  }
}

/** out_j += sign · (v · p_j + shift) for the gathered rows p_j, `width` bytes each; up to three rows behind the last are read, too. */
function moveScores(v: usize, shift: f32, sign: f32, panel: usize, count: u32, out: usize, width: usize): void {
  const shifts = f32x4.splat(shift);
  const signs = f32x4.splat(sign);
  for (let left: i32 = count; left > 0; left -= 4) {
    const scores = dots4(v, panel, panel + width, panel + 2 * width, panel + 3 * width, width);
    v128.store(out, madd(signs, f32x4.add(scores, shifts), v128.load(out)));
    panel += 4 * width;
    out += 16;
  }
}

/** t = −w·(G x)_π − λ·x_π for the `width` bytes of columns at `block`; G's padding and x's are zero. */
function startImplicit(
  gram: usize, weight: f32, regularization: f32, x: usize, block: usize, t: usize, pitch: usize, width: usize,
): void {
  const w = f32x4.splat(-weight);
  const r = f32x4.splat(-regularization);
  let row = gram + (block >> 2) * pitch;
  for (let j: usize = 0; j < width; j += 16) {
    const own = f32x4.mul(r, v128.load(x + block + j));
    v128.store(t + j, madd(w, dots4(x, row, row + pitch, row + 2 * pitch, row + 3 * pitch, pitch), own));
    row += 4 * pitch;
  }
}

/** target_j = c_j − r_j · scaled_j for the entries of a panel, up to a whole vector. */
@inline
function takeTargets(confidence: usize, root: usize, scaled: usize, count: u32, target: usize): void {
  for (let j: usize = 0; j < <usize>count << 2; j += 16) {
    const known = f32x4.mul(v128.load(root + j), v128.load(scaled + j));
    v128.store(target + j, f32x4.sub(v128.load(confidence + j), known));
  }
}

/** target_j = value_j − offset − fixedBias_j over `count` entries. */
function startErrors(value: usize, offset: f32, fixedBias: usize, index: usize, count: u32, target: usize): void {
  for (let at: usize = 0; at < <usize>count << 2; at += 4) {
    let own = load<f32>(value + at) - offset;
    if (fixedBias) own -= load<f32>(fixedBias + (<usize>load<u32>(index + at) << 2));
    store<f32>(target + at, own);
  }
}

/** error_j = target_j − shift − score_j over `count` entries, up to a whole vector. */
function takeErrors(target: usize, shift: f32, score: usize, count: u32, error: usize): void {
  const shifts = f32x4.splat(shift);
  for (let j: usize = 0; j < <usize>count << 2; j += 16) {
    v128.store(error + j, f32x4.sub(f32x4.sub(v128.load(target + j), shifts), v128.load(score + j)));
  }
}

/** Rows `from` to `to` - 1 of an ImplicitRows problem (kernels.ts), in blocks of `blockPitch` bytes. */
export function subspaceImplicit(
  out: usize,
  fixed: usize,
  start: usize,
  index: usize,
  confidence: usize,
  gram: usize,
  unobservedWeight: f32,
  overlap: f32,
  regularization: usize,
  blockPitch: usize,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
  report: usize,
): void {
  const zeros = scratch;
  const x = zeros + pitch;
  const matrix = x + pitch;
  const inverse = matrix + (blockPitch >> 2) * blockPitch;
  const t = inverse + blockPitch;
  const z = t + blockPitch;
  const target = z + blockPitch; // f32[PANEL_ROWS]
  const total = inverse + BLOCK_ROWS * blockPitch;
  const forEntries = scratch + fixedScratch(pitch, blockPitch);
  const weight = f32x4.splat(unobservedWeight);
  const end = rank << 2;
  memory.fill(zeros, 0, pitch);
  for (let row = from; row < to; row++) {
    const own = out + <usize>row * pitch;
    const first = load<u32>(start + (<usize>row << 2));
    const count = load<u32>(start + (<usize>row << 2), 4) - first;
    if (count == 0) {
      memory.fill(own, 0, pitch);
      continue;
    }
    const penalty = load<f32>(regularization + (<usize>row << 2));
    const entries = index + (<usize>first << 2);
    const c = confidence + (<usize>first << 2);
    const isLong = count > BLOCK_ENTRIES;
    const bytes = (<usize>(count + 3) & ~3) << 2;
    const root = forEntries;
    const scaled = root + bytes;
    const panel = scaled + bytes;
    memory.copy(x, own, pitch);
    takeRoots(c, overlap, count, root);
    takeScores(x, fixed, entries, root, count, scaled, zeros, pitch);
    let stable = true;
    for (let block: usize = 0; block < end; block += blockPitch) {
      const columns = min(blockPitch, end - block) >> 2;
      const wide = min(blockPitch, pitch - block);
      const width = (columns + 3) & ~3;
      const tiles = (columns + 7) & ~7;
      const common = gram + (block >> 2) * pitch + block;
      const totalSums = total + 2 * (wide >> 2) * wide;
      for (let i: usize = 0; i < tiles; i++) {
        for (let j = (i << 2) & ~63; j < wide; j += 16) {
          v128.store(matrix + i * wide + j, f32x4.mul(weight, v128.load(common + i * pitch + j)));
        }
      }
      startImplicit(gram, unobservedWeight, penalty, x, block, t, pitch, wide);
      if (isLong) memory.fill(total, 0, totalSums + 2 * wide - total);
      for (let e: u32 = 0; e < count; e += PANEL_ROWS) {
        const some = min<u32>(PANEL_ROWS, count - e);
        const at = <usize>e << 2;
        const part = panel + <usize>e * wide;
        takeTargets(c + at, root + at, scaled + at, some, target);
        gatherImplicit(fixed + block, entries + at, target, root + at, some, part, t, pitch, wide);
        addProducts(matrix, part, part, some, tiles, wide);
        if (isLong && (e + some) % BLOCK_ENTRIES == 0) {
          moveSystem(matrix, tiles * wide, t, wide, total, totalSums);
        }
      }
      if (isLong) takeSystem(matrix, tiles * wide, t, wide, total, totalSums);
      setDiagonal(matrix, penalty, columns, width, wide);
      const done = factor(matrix, inverse, width, wide, PIVOT_NOISE);
      if (done < width) {
        reportUnstable(report, row, <u32>((block >> 2) + done), load<f32>(matrix + done * wide + (done << 2)));
        stable = false;
        break;
      }
      clear(z, wide);
      solve(matrix, inverse, t, z, width, wide);
      addTimes(1, z, x + block, wide);
      if (block + blockPitch < end) moveScores(z, 0, 1, panel, count, scaled, wide);
    }
    if (stable) memory.copy(own, x, end);
  }
}

/** Rows `from` to `to` - 1 of an ExplicitRows problem (kernels.ts), in blocks of `blockPitch` bytes. A null `outBias` or `fixedBias` is none. */
export function subspaceExplicit(
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
  blockPitch: usize,
  rank: usize,
  pitch: usize,
  from: u32,
  to: u32,
  scratch: usize,
  report: usize,
): void {
  const zeros = scratch;
  const x = zeros + pitch;
  const matrix = x + pitch;
  const inverse = matrix + (blockPitch >> 2) * blockPitch;
  const t = inverse + blockPitch;
  const sCopy = t + 2 * blockPitch; // s stands right behind t, both as wide as the block in hand
  const z1 = sCopy + blockPitch;
  const z2 = z1 + blockPitch;
  const total = inverse + BLOCK_ROWS * blockPitch;
  const small = total + 2 * (blockPitch >> 2) * blockPitch + 4 * blockPitch;
  const forEntries = scratch + fixedScratch(pitch, blockPitch);
  const end = rank << 2;
  const mostShort = min(blockPitch, end) >> 2;
  memory.fill(zeros, 0, pitch);
  for (let row = from; row < to; row++) {
    const own = out + <usize>row * pitch;
    const ownBias = outBias ? outBias + (<usize>row << 2) : 0;
    const first = load<u32>(start + (<usize>row << 2));
    const count = load<u32>(start + (<usize>row << 2), 4) - first;
    if (count == 0) {
      memory.fill(own, 0, pitch);
      if (ownBias) store<f32>(ownBias, 0);
      continue;
    }
    const penalty = load<f32>(regularization + (<usize>row << 2));
    const biasPenalty: f32 = ownBias ? load<f32>(biasRegularization + (<usize>row << 2)) : 0;
    const entries = index + (<usize>first << 2);
    const isLong = count > BLOCK_ENTRIES;
    const bytes = (<usize>(count + 3) & ~3) << 2;
    const error = forEntries;
    const score = error + bytes;
    const panel = score + bytes;
    startErrors(value + (<usize>first << 2), offset, fixedBias, entries, count, error);
    if (penalty > 0 && <usize>count + 4 <= mostShort) {
      const rows = small + (blockPitch >> 2) * pitch;
      if (solveShort(own, ownBias, fixed, entries, error, count, penalty, biasPenalty, small, rows, rank, pitch)) continue;
    }
    let bias: f32 = ownBias ? load<f32>(ownBias) : 0;
    memory.copy(x, own, pitch);
    takeScores(x, fixed, entries, 0, count, score, zeros, pitch);
    takeErrors(error, bias, score, count, error);
    let stable = true;
    for (let block: usize = 0; block < end; block += blockPitch) {
      const columns = min(blockPitch, end - block) >> 2;
      const wide = min(blockPitch, pitch - block);
      const width = (columns + 3) & ~3;
      const tiles = (columns + 7) & ~7;
      const totalSums = total + 2 * (wide >> 2) * wide;
      const sums = t + wide;
      memory.fill(matrix, 0, tiles * wide);
      clear(t, 2 * wide);
      addTimes(-penalty, x + block, t, wide);
      if (isLong) memory.fill(total, 0, totalSums + 4 * wide - total);
      let errorSum: f64 = 0;
      for (let e: u32 = 0; e < count; e += PANEL_ROWS) {
        const some = min<u32>(PANEL_ROWS, count - e);
        const at = <usize>e << 2;
        const part = panel + <usize>e * wide;
        gatherExplicit(fixed + block, entries + at, error + at, some, part, t, sums, pitch, wide);
        addProducts(matrix, part, part, some, tiles, wide);
        for (let j: usize = 0; j < <usize>some << 2; j += 4) errorSum += <f64>load<f32>(error + at + j);
        if (isLong && (e + some) % BLOCK_ENTRIES == 0) {
          moveSystem(matrix, tiles * wide, t, 2 * wide, total, totalSums);
        }
      }
      if (isLong) takeSystem(matrix, tiles * wide, t, 2 * wide, total, totalSums);
      setDiagonal(matrix, penalty, columns, width, wide);
      const done = factor(matrix, inverse, width, wide, PIVOT_NOISE);
      if (done < width) {
        reportUnstable(report, row, <u32>((block >> 2) + done), load<f32>(matrix + done * wide + (done << 2)));
        stable = false;
        break;
      }
      clear(z1, wide);
      let shift: f32 = 0;
      solve(matrix, inverse, t, z1, width, wide);
      if (ownBias) {
        clear(z2, wide);
        memory.copy(sCopy, sums, wide);
        solve(matrix, inverse, sCopy, z2, width, wide);
        const diagonal = <f64>count + <f64>biasPenalty;
        const pivot = diagonal - dotF64(sums, z2, columns);
        if (!(pivot > <f64>PIVOT_NOISE * diagonal && pivot < Infinity)) {
          reportUnstable(report, row, <u32>rank, <f32>pivot);
          stable = false;
          break;
        }
        const target = errorSum - <f64>biasPenalty * <f64>bias;
        shift = <f32>((target - dotF64(sums, z1, columns)) / pivot);
        addTimes(-shift, z2, z1, wide);
        bias += shift;
      }
      addTimes(1, z1, x + block, wide);
      if (block + blockPitch < end) moveScores(z1, shift, -1, panel, count, error, wide);
    }
    if (!stable) continue;
    memory.copy(own, x, end);
    if (ownBias) store<f32>(ownBias, bias);
  }
}
