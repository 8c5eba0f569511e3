/**
 * Where a thread writes down the first row without a stable solution: u32 row, u32 pivot, f32 value.
 *
 * The caller fills `row` with 0xffffffff before a job and takes the smallest of all threads after it, so the answer is
 * the same however the rows were shared out.
 */

/** A pivot this small beside its diagonal entry is rounding noise: the matrix is not positive definite in f32. */
export const PIVOT_NOISE: f32 = 4.76837158203125e-7; // 2⁻²¹

export function reportUnstable(report: usize, row: u32, pivot: u32, value: f32): void {
  if (row >= load<u32>(report)) return;
  store<u32>(report, row);
  store<u32>(report, pivot, 4);
  store<f32>(report, value, 8);
}
