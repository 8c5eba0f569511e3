/**
 * Inverse of a symmetric positive definite matrix in place, in double precision, by block Gauss–Jordan steps ("sweeps"):
 *
 *   with K the columns of the block, D = inverse of A_KK, P = A_K*, Q = D · P:
 *   A_ij ← A_ij − P_iᵀ Q_j outside the block,  A_iK ← Q_iᵀ,  A_KK ← −D;    after the last block A holds −A⁻¹
 *
 * Only the lower triangle is kept up: n³/2 multiply-adds, all of them in one kernel of regular work (`inverseUpdate`). P and Q
 * stand packed in tiles of four columns, [tile][64][4], so that a tile's inner loop reads on.
 * Source: the sweep operator, Beaton 1964; Goodnight, American Statistician 1979, taken in blocks.
 * Every number is made by one thread in one order, so the bytes do not depend on the number of threads.
 */
import { reportUnstable } from "./report";

/** INVERSE_BLOCK of squares.ts. */
const BLOCK: usize = 64;
const TILE_BYTES: usize = BLOCK << 5;

/** A pivot this small beside its diagonal entry is rounding noise. */
const PIVOT_NOISE: f64 = 8.881784197001252e-16; // 2⁻⁵⁰

@inline
function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c);
  return f64x2.add(f64x2.mul(a, b), c);
}

/** Byte address of entry (row, column) of the symmetric matrix, of which the lower triangle is there. */
@inline
function at(matrix: usize, pitch: usize, row: usize, column: usize): usize {
  return row >= column ? matrix + row * pitch + (column << 3) : matrix + column * pitch + (row << 3);
}

/** block (f64[64 × 64], only height × height of it) = the inverse of the diagonal block at `start`. One unit. */
export function inverseOfBlock(
  matrix: usize,
  pitch: usize,
  start: usize,
  height: usize,
  block: usize,
  from: u32,
  to: u32,
  scratch: usize,
  report: usize,
): void {
  for (let i: usize = 0; i < height; i++) {
    for (let j: usize = 0; j < height; j++) {
      store<f64>(block + ((i * BLOCK + j) << 3), load<f64>(at(matrix, pitch, start + i, start + j)));
    }
  }
  for (let p: usize = 0; p < height; p++) {
    const row = block + ((p * BLOCK) << 3);
    const pivot = load<f64>(row + (p << 3));
    const diagonal = abs(load<f64>(matrix + (start + p) * pitch + ((start + p) << 3)));
    if (!(pivot > diagonal * PIVOT_NOISE && pivot < Infinity)) {
      reportUnstable(report, <u32>(start + p), <u32>(start + p), <f32>pivot);
      return;
    }
    const inverse = 1 / pivot;
    for (let j: usize = 0; j < height; j++) store<f64>(row + (j << 3), load<f64>(row + (j << 3)) * inverse);
    store<f64>(row + (p << 3), inverse);
    for (let i: usize = 0; i < height; i++) {
      if (i == p) continue;
      const other = block + ((i * BLOCK) << 3);
      const factor = load<f64>(other + (p << 3));
      for (let j: usize = 0; j < height; j++) {
        store<f64>(other + (j << 3), load<f64>(other + (j << 3)) - factor * load<f64>(row + (j << 3)));
      }
      store<f64>(other + (p << 3), -factor * inverse);
    }
  }
}

/** Tiles `from` to `to` - 1 of P and Q: four columns each. Columns of the block itself get zeros. */
export function inversePanels(
  matrix: usize,
  pitch: usize,
  start: usize,
  height: usize,
  block: usize,
  left: usize,
  right: usize,
  from: u32,
  to: u32,
): void {
  for (let tile = <usize>from; tile < <usize>to; tile++) {
    const p = left + tile * TILE_BYTES;
    const q = right + tile * TILE_BYTES;
    const first = tile << 2;
    if (first >= start && first < start + height) {
      memory.fill(p, 0, TILE_BYTES);
      memory.fill(q, 0, TILE_BYTES);
      continue;
    }
    for (let k: usize = 0; k < height; k++) {
      for (let j: usize = 0; j < 4; j++) {
        store<f64>(p + ((k * 4 + j) << 3), load<f64>(at(matrix, pitch, start + k, first + j)));
      }
    }
    for (let k: usize = 0; k < height; k++) {
      const d = block + ((k * BLOCK) << 3);
      let a = f64x2.splat(0);
      let b = a;
      for (let m: usize = 0; m < height; m++) {
        const x = v128.load64_splat(d + (m << 3));
        a = madd(x, v128.load(p + (m << 5)), a);
        b = madd(x, v128.load(p + (m << 5), 16), b);
      }
      v128.store(q + (k << 5), a);
      v128.store(q + (k << 5), b, 16);
    }
  }
}

/** Sixteen rows each, `from` to `to` - 1: the lower triangle less Pᵀ · Q, then the rows and columns of the block. */
export function inverseUpdate(
  matrix: usize,
  pitch: usize,
  start: usize,
  height: usize,
  block: usize,
  left: usize,
  right: usize,
  from: u32,
  to: u32,
): void {
  for (let unit = <usize>from; unit < <usize>to; unit++) {
    const first = unit << 4;
    if (first >= start && first < start + height) {
      // Blocks and units are multiples of 16 rows: these rows are of the block.
      for (let i = first; i < first + 16; i++) blockRow(matrix, start, i, pitch, block, right);
      continue;
    }
    for (let tile: usize = 0; tile << 2 < first + 16; tile++) {
      const column = tile << 2;
      if (column >= start && column < start + height) continue;
      for (let row = first; row < first + 16; row += 4) {
        if (column >= row + 4) continue;
        const p = left + (row >> 2) * TILE_BYTES;
        updateTile(matrix + row * pitch + (column << 3), pitch, p, right + tile * TILE_BYTES, height);
      }
    }
    if (first < start) continue;
    for (let i = first; i < first + 16; i++) {
      const q = right + (i >> 2) * TILE_BYTES + ((i & 3) << 3);
      const target = matrix + i * pitch + (start << 3);
      for (let k: usize = 0; k < height; k++) store<f64>(target + (k << 3), load<f64>(q + (k << 5)));
    }
  }
}

/** 4 × 4: out −= Σ_k p_kᵀ q_k. */
@inline
function updateTile(out: usize, pitch: usize, p: usize, q: usize, height: usize): void {
  let a0 = f64x2.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = p + (height << 5);
  while (p < end) {
    const q0 = v128.load(q);
    const q1 = v128.load(q, 16);
    let x = v128.load64_splat(p);
    a0 = madd(x, q0, a0);
    a1 = madd(x, q1, a1);
    x = v128.load64_splat(p, 8);
    b0 = madd(x, q0, b0);
    b1 = madd(x, q1, b1);
    x = v128.load64_splat(p, 16);
    c0 = madd(x, q0, c0);
    c1 = madd(x, q1, c1);
    x = v128.load64_splat(p, 24);
    d0 = madd(x, q0, d0);
    d1 = madd(x, q1, d1);
    p += 32;
    q += 32;
  }
  subtract(out, a0, a1);
  subtract(out + pitch, b0, b1);
  subtract(out + 2 * pitch, c0, c1);
  subtract(out + 3 * pitch, d0, d1);
}

@inline
function subtract(out: usize, a: v128, b: v128): void {
  v128.store(out, f64x2.sub(v128.load(out), a));
  v128.store(out, f64x2.sub(v128.load(out, 16), b), 16);
}

/** Row `i` of the block: Q to the left of it, −D within. */
@inline
function blockRow(matrix: usize, start: usize, i: usize, pitch: usize, block: usize, right: usize): void {
  const row = matrix + i * pitch;
  const k = i - start;
  for (let j: usize = 0; j < start; j++) {
    store<f64>(row + (j << 3), load<f64>(right + (j >> 2) * TILE_BYTES + (k << 5) + ((j & 3) << 3)));
  }
  for (let m: usize = 0; m <= k; m++) {
    store<f64>(row + ((start + m) << 3), -load<f64>(block + ((k * BLOCK + m) << 3)));
  }
}

/** Rows `from` to `to` - 1: the lower triangle turned from −A⁻¹ to A⁻¹ and mirrored above. */
export function inverseFinish(matrix: usize, pitch: usize, from: u32, to: u32): void {
  for (let i = <usize>from; i < <usize>to; i++) {
    const row = matrix + i * pitch;
    for (let j: usize = 0; j <= i; j++) {
      const value = -load<f64>(row + (j << 3));
      store<f64>(row + (j << 3), value);
      store<f64>(matrix + j * pitch + (i << 3), value);
    }
  }
}
