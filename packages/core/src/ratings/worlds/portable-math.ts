/**
 * exp and ln from additions, multiplications and divisions only, hence the same bits on every engine and machine.
 *
 * Math.exp and Math.log may differ in the last bit from engine to engine; made-up data must not. Relative error of exp
 * below (2 + |x|) · 2^-52; error of ln below 2^-51 · max(1, |ln x|). Plenty for the shapes of distributions.
 */

const LN2 = Math.LN2;

/** eˣ for |x| ≤ 700. */
export function portableExp(x: number): number {
  const halvings = Math.round(x / LN2);
  const rest = x - halvings * LN2;
  // |rest| ≤ 0.35: 16 terms of the series leave less than 2^-53
  let sum = 1;
  for (let n = 16; n >= 1; n--) sum = 1 + (rest / n) * sum;
  return sum * powerOfTwo(halvings);
}

/** ln x for finite x > 0 (not subnormal). */
export function portableLn(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa >= 1.5) {
    mantissa /= 2;
    exponent++;
  }
  while (mantissa < 0.75) {
    mantissa *= 2;
    exponent--;
  }
  // ln m = 2 artanh((m − 1) / (m + 1)), the argument within ±0.2
  const t = (mantissa - 1) / (mantissa + 1);
  const square = t * t;
  let sum = 0;
  for (let n = 25; n >= 1; n -= 2) sum = 1 / n + square * sum;
  return exponent * LN2 + 2 * t * sum;
}

/** Exact: products of powers of two within the normal range. */
function powerOfTwo(exponent: number): number {
  let result = 1;
  const factor = exponent < 0 ? 0.5 : 2;
  for (let i = Math.abs(exponent); i > 0; i--) result *= factor;
  return result;
}
