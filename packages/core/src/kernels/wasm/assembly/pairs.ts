/** Dot products of pairs of rows. */
import { dot } from "./simd";

/** Pairs `from` to `to` - 1 of a PairProblem (kernels.ts). */
export function pairs(
  left: usize,
  right: usize,
  leftRow: usize,
  rightRow: usize,
  out: usize,
  pitch: usize,
  from: u32,
  to: u32,
): void {
  for (let p = <usize>from << 2; p < <usize>to << 2; p += 4) {
    const a = left + <usize>load<u32>(leftRow + p) * pitch;
    const b = right + <usize>load<u32>(rightRow + p) * pitch;
    store<f32>(out + p, dot(a, b, pitch));
  }
}
