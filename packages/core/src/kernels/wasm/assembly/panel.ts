/**
 * Sums of outer products: a panel of up to some dozens of rows in, added to a symmetric matrix.
 *
 * The heart of the exact solvers and of the Gram matrix. A 4 × 8 tile of the matrix lives in eight registers while the
 * panel's rows pass by. Sums start at zero for each panel and are then added to the matrix, which keeps the rounding
 * error near (panel rows + number of panels) instead of the number of all rows.
 */
import { madd } from "./simd";

/** Rows gathered before their products are added. 32 rows of rank 128 are 16 KB, a third of a small L1 cache. */
export const PANEL_ROWS: i32 = 32;

/**
 * matrix += Σ_t left_tᵀ · right_t, upper triangle in tiles of 4 × 8 (so parts of the lower triangle are written, too).
 *
 * @param count rows of `left` and `right`, both of the same pitch as `matrix`
 * @param width columns that matter, rounded up to 8
 */
export function addProducts(
  matrix: usize,
  left: usize,
  right: usize,
  count: usize,
  width: usize,
  pitch: usize,
): void {
  const size = count * pitch;
  for (let column: usize = 0; column < width; column += 8) {
    for (let row: usize = 0; row < column + 8; row += 4) {
      let r = right + (column << 2);
      let l = left + (row << 2);
      const end = r + size;
      let a0 = f32x4.splat(0);
      let a1 = a0;
      let b0 = a0;
      let b1 = a0;
      let c0 = a0;
      let c1 = a0;
      let d0 = a0;
      let d1 = a0;
      while (r < end) {
        const r0 = v128.load(r);
        const r1 = v128.load(r, 16);
        let x = v128.load32_splat(l);
        a0 = madd(x, r0, a0);
        a1 = madd(x, r1, a1);
        x = v128.load32_splat(l, 4);
        b0 = madd(x, r0, b0);
        b1 = madd(x, r1, b1);
        x = v128.load32_splat(l, 8);
        c0 = madd(x, r0, c0);
        c1 = madd(x, r1, c1);
        x = v128.load32_splat(l, 12);
        d0 = madd(x, r0, d0);
        d1 = madd(x, r1, d1);
        r += pitch;
        l += pitch;
      }
      let out = matrix + row * pitch + (column << 2);
      addTo(out, a0, a1);
      out += pitch;
      addTo(out, b0, b1);
      out += pitch;
      addTo(out, c0, c1);
      out += pitch;
      addTo(out, d0, d1);
    }
  }
}

@inline
function addTo(out: usize, a: v128, b: v128): void {
  v128.store(out, f32x4.add(v128.load(out), a));
  v128.store(out, f32x4.add(v128.load(out, 16), b), 16);
}
