/**
 * Logarithm, exponential, powers and a cosine from additions, multiplications, divisions and square roots only.
 *
 * Engines may round Math.log, Math.exp, Math.pow and ** differently in the last bit; the four operations and the square
 * root are fixed by IEEE 754. So penalties and confidences, and with them the trained bytes, made-up data and figures
 * that early stopping compares are the same on every engine. The relative errors stated are measured by the tests.
 */

const bits = new DataView(new ArrayBuffer(8));

/** ln 2 in two parts: the first has 32 bits, so that a whole number below 2²¹ times it is exact. */
const LN2_HIGH = 2977044471 / 2 ** 32;
const LN2_LOW = 1.9082149292705877e-10;

/** ln((1 + s) / (1 − s)) for |s| ≤ 0.172, by the odd power series; the next term is below 2⁻⁵⁶. */
function logOfRatio(s: number): number {
  const z = s * s;
  let sum = 0;
  for (let power = 23; power >= 1; power -= 2) sum = sum * z + 1 / power;
  return 2 * s * sum;
}

/** Left by `exponentOf`, so that no pair is allocated per rating. */
let mantissa = 1;

/** The exponent e of x = m · 2ᵉ with m from √½ to √2, which it leaves in `mantissa`. x positive and normal. */
function exponentOf(x: number): number {
  bits.setFloat64(0, x);
  const high = bits.getInt32(0);
  bits.setInt32(0, (high & 0xfffff) | 0x3ff00000);
  mantissa = bits.getFloat64(0);
  const exponent = (high >>> 20) - 1023;
  if (mantissa <= Math.SQRT2) return exponent;
  mantissa /= 2;
  return exponent + 1;
}

/** Natural logarithm of a positive finite number; error below 2⁻⁵¹ · max(1, |ln x|). */
export function logarithm(x: number): number {
  if (x < 2 ** -1000) return logarithm(x * 2 ** 100) - 100 * (LN2_HIGH + LN2_LOW);
  const exponent = exponentOf(x);
  return exponent * LN2_HIGH + (exponent * LN2_LOW + logOfRatio((mantissa - 1) / (mantissa + 1)));
}

/** Logarithm of a positive finite number to base 2; exact for whole powers of two. */
export function logarithm2(x: number): number {
  if (x < 2 ** -1000) return logarithm2(x * 2 ** 100) - 100;
  return exponentOf(x) + logOfRatio((mantissa - 1) / (mantissa + 1)) / Math.LN2;
}

/** ln(1 + x) for x > −1, exact also where 1 + x would round. */
export function logOnePlus(x: number): number {
  return x > -0.25 && x < 0.4 ? logOfRatio(x / (2 + x)) : logarithm(1 + x);
}

/** e to the power x, to (2 + |x|) · 2⁻⁵² relative; 0 and Infinity beyond the range of normal f64 numbers. */
export function exponential(x: number): number {
  const exponent = Math.round(x / Math.LN2);
  if (exponent > 1023) return Number.POSITIVE_INFINITY;
  if (exponent < -1022) return 0;
  return scaledSeries(x - exponent * LN2_HIGH - exponent * LN2_LOW, exponent);
}

/** 2 to the power x; exact for whole x. 0 and Infinity beyond the range of normal f64 numbers. */
export function powerOfTwo(x: number): number {
  const exponent = Math.round(x);
  if (exponent > 1023) return Number.POSITIVE_INFINITY;
  if (exponent < -1022) return 0;
  return scaledSeries((x - exponent) * Math.LN2, exponent);
}

/** e to the power `rest`, |rest| ≤ 0.35, times 2 to the whole power `exponent`, from -1022 to 1023. */
function scaledSeries(rest: number, exponent: number): number {
  let sum = 1;
  for (let term = 15; term >= 1; term--) sum = 1 + (sum * rest) / term;
  bits.setInt32(0, (exponent + 1023) << 20);
  bits.setInt32(4, 0);
  return sum * bits.getFloat64(0);
}

/**
 * x to the power `exponent` for finite x ≥ 0 and exponent ≥ 0. Exponents 0, 0.5 and 1 are exact; 0 to the power 0 is 1.
 * Relative error below 2⁻⁴⁵ for bases up to 10⁹ and exponents up to 3 (counts, weights, ratings).
 */
export function power(x: number, exponent: number): number {
  if (exponent === 0) return 1;
  if (exponent === 1) return x;
  if (exponent === 0.5) return Math.sqrt(x);
  return x === 0 ? 0 : exponential(exponent * logarithm(x));
}

/** Cosine of s half turns, cos(π s), for s from 0 to 1; error below 2⁻⁵⁰. Exact at 0, ½ and 1. */
export function cosineOfHalfTurns(s: number): number {
  if (s > 0.5) return -cosineOfHalfTurns(1 - s);
  if (s === 0.5) return 0;
  // cos x = 1 − 2 sin²(x/2), with the sine by its series: x/2 ≤ π/4, the next term is below 2⁻⁵⁶.
  const x = (Math.PI * s) / 2;
  const square = x * x;
  let sum = 0;
  for (let power = 16; power >= 2; power -= 2) sum = ((1 - sum) * square) / (power * (power + 1));
  const sine = x * (1 - sum);
  return 1 - 2 * sine * sine;
}
