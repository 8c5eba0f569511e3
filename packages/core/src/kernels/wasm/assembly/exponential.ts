/**
 * eˣ and log(1 + e) of four floats, from additions, multiplications and shifts: polynomials of the Cephes library (expf,
 * logf; S. Moshier). Relative errors below 2⁻²².
 */
import { madd } from "./simd";

/** eˣ, with x held between −87 and 88. */
@inline
export function exp4(x: v128): v128 {
  x = f32x4.min(f32x4.max(x, f32x4.splat(-87)), f32x4.splat(88));
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504088896341)));
  let r = madd(n, f32x4.splat(-0.693359375), x);
  r = madd(n, f32x4.splat(2.12194440e-4), r);
  let p = f32x4.splat(1.9875691500e-4);
  p = madd(p, r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  p = madd(p, f32x4.mul(r, r), f32x4.add(r, f32x4.splat(1)));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return f32x4.mul(p, power);
}

/** log(1 + e) for e from 0 to 1. */
@inline
export function logOnePlus4(e: v128): v128 {
  // Above √2 − 1, log(1 + e) = log 2 + log((1 + e) / 2).
  const large = f32x4.gt(e, f32x4.splat(0.41421356));
  const y = v128.bitselect(f32x4.mul(f32x4.sub(e, f32x4.splat(1)), f32x4.splat(0.5)), e, large);
  let p = f32x4.splat(7.0376836292e-2);
  p = madd(p, y, f32x4.splat(-1.1514610310e-1));
  p = madd(p, y, f32x4.splat(1.1676998740e-1));
  p = madd(p, y, f32x4.splat(-1.2420140846e-1));
  p = madd(p, y, f32x4.splat(1.4249322787e-1));
  p = madd(p, y, f32x4.splat(-1.6668057665e-1));
  p = madd(p, y, f32x4.splat(2.0000714765e-1));
  p = madd(p, y, f32x4.splat(-2.4999993993e-1));
  p = madd(p, y, f32x4.splat(3.3333331174e-1));
  const square = f32x4.mul(y, y);
  const tail = f32x4.mul(square, madd(p, y, f32x4.splat(-0.5)));
  return f32x4.add(f32x4.add(y, tail), v128.and(large, f32x4.splat(0.6931471805599453)));
}
