/**
 * The one product that sampled gradients are made of, in register tiles of 6 × 8, and the panels it reads.
 *
 * Scores are left rows × candidates over the rank, gradients of left rows are coefficients × candidates over the candidates,
 * those of candidates coefficients × left rows over the left rows: the same loop with other strides. Its right-hand side is
 * always a panel: eight columns beside each other, one inner step after another, so that it streams.
 */
import { madd } from "./simd";

/** Rows of a tile; columns of a panel. */
export const TILE: u32 = 6;
export const PANEL: u32 = 8;
export const PANEL_BYTES: usize = 32;

/**
 * out[i][0..7] = Σ_t a[i][t] · panel[t][0..7] for six rows i.
 *
 * @param a a[i][t] lies at a + i · rowStep + t · innerStep
 * @param outStep bytes from row to row of `out`
 */
export function product(
  a: usize,
  rowStep: usize,
  innerStep: usize,
  inner: u32,
  panel: usize,
  out: usize,
  outStep: usize,
): void {
  const end = panel + <usize>inner * PANEL_BYTES;
  let x0 = a;
  let x1 = x0 + rowStep;
  let x2 = x1 + rowStep;
  let x3 = x2 + rowStep;
  let x4 = x3 + rowStep;
  let x5 = x4 + rowStep;
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  let e0 = a0;
  let e1 = a0;
  let f0 = a0;
  let f1 = a0;
  for (let y = panel; y < end; y += PANEL_BYTES) {
    const y0 = v128.load(y);
    const y1 = v128.load(y, 16);
    let v = v128.load32_splat(x0);
    a0 = madd(v, y0, a0);
    a1 = madd(v, y1, a1);
    v = v128.load32_splat(x1);
    b0 = madd(v, y0, b0);
    b1 = madd(v, y1, b1);
    v = v128.load32_splat(x2);
    c0 = madd(v, y0, c0);
    c1 = madd(v, y1, c1);
    v = v128.load32_splat(x3);
    d0 = madd(v, y0, d0);
    d1 = madd(v, y1, d1);
    v = v128.load32_splat(x4);
    e0 = madd(v, y0, e0);
    e1 = madd(v, y1, e1);
    v = v128.load32_splat(x5);
    f0 = madd(v, y0, f0);
    f1 = madd(v, y1, f1);
    x0 += innerStep;
    x1 += innerStep;
    x2 += innerStep;
    x3 += innerStep;
    x4 += innerStep;
    x5 += innerStep;
  }
  v128.store(out, a0);
  v128.store(out, a1, 16);
  v128.store(out + outStep, b0);
  v128.store(out + outStep, b1, 16);
  v128.store(out + 2 * outStep, c0);
  v128.store(out + 2 * outStep, c1, 16);
  v128.store(out + 3 * outStep, d0);
  v128.store(out + 3 * outStep, d1, 16);
  v128.store(out + 4 * outStep, e0);
  v128.store(out + 4 * outStep, e1, 16);
  v128.store(out + 5 * outStep, f0);
  v128.store(out + 5 * outStep, f1, 16);
}

/** out = factor · row over one row. */
@inline
export function scaled(row: usize, factor: f32, out: usize, pitch: usize): void {
  const f = f32x4.splat(factor);
  for (let j: usize = 0; j < pitch; j += 16) v128.store(out + j, f32x4.mul(f, v128.load(row + j)));
}

/** Copies a row into its place in panels of columns: panel k of `rows` rows holds columns 8k to 8k + 7. */
@inline
export function packColumns(row: usize, panels: usize, rows: u32, at: u32, pitch: usize): void {
  let out = panels + <usize>at * PANEL_BYTES;
  for (let j: usize = 0; j < pitch; j += PANEL_BYTES) {
    v128.store(out, v128.load(row + j));
    v128.store(out, v128.load(row + j, 16), 16);
    out += <usize>rows * PANEL_BYTES;
  }
}

/** Copies a row into lane `at` of a panel of rows: float k of the row to float 8k + at. */
@inline
export function packRow(row: usize, panel: usize, at: u32, pitch: usize): void {
  let out = panel + (<usize>at << 2);
  for (let j: usize = 0; j < pitch; j += 16) {
    const v = v128.load(row + j);
    store<f32>(out, f32x4.extract_lane(v, 0));
    store<f32>(out, f32x4.extract_lane(v, 1), 32);
    store<f32>(out, f32x4.extract_lane(v, 2), 64);
    store<f32>(out, f32x4.extract_lane(v, 3), 96);
    out += 4 * PANEL_BYTES;
  }
}
