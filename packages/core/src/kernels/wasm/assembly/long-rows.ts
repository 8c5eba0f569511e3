/**
 * Sums over long rows: f32 within a block of entries, f64 over the blocks, so that the rounding error of a row does not
 * grow with its length. (One f32 sum over 4 million equal entries is 1 % off.) Rows of one block never come here: their
 * bits and their speed are those of plain f32 sums.
 */

/** Entries that are summed in f32, a multiple of PANEL_ROWS. Moving a block costs nothing beside summing it. */
export const BLOCK_ENTRIES: u32 = 4096;

/** total += from, and from = 0: `bytes` of f32, a multiple of 16, onto twice as many of f64. */
export function moveToTotal(from: usize, total: usize, bytes: usize): void {
  for (let j: usize = 0; j < bytes; j += 16) {
    const v = v128.load(from + j);
    const at = total + 2 * j;
    v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(v)));
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
    v128.store(at, f64x2.add(v128.load(at, 16), high), 16);
    v128.store(from + j, f32x4.splat(0));
  }
}

/** to = total, rounded once: `bytes` of f32, a multiple of 16, from twice as many of f64. */
export function takeTotal(total: usize, to: usize, bytes: usize): void {
  for (let j: usize = 0; j < bytes; j += 16) {
    const low = f32x4.demote_f64x2_zero(v128.load(total + 2 * j));
    const high = f32x4.demote_f64x2_zero(v128.load(total + 2 * j, 16));
    v128.store(to + j, v128.shuffle<f32>(low, high, 0, 1, 4, 5));
  }
}

/** `moveToTotal` of a system of equations: its matrix and its right sides. */
export function moveSystem(
  matrix: usize,
  matrixBytes: usize,
  sides: usize,
  sideBytes: usize,
  total: usize,
  totalSides: usize,
): void {
  moveToTotal(matrix, total, matrixBytes);
  moveToTotal(sides, totalSides, sideBytes);
}

/** The last block moved, and the totals taken. */
export function takeSystem(
  matrix: usize,
  matrixBytes: usize,
  sides: usize,
  sideBytes: usize,
  total: usize,
  totalSides: usize,
): void {
  moveSystem(matrix, matrixBytes, sides, sideBytes, total, totalSides);
  takeTotal(total, matrix, matrixBytes);
  takeTotal(totalSides, sides, sideBytes);
}
