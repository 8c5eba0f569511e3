/**
 * Logarithm and power from additions, multiplications, divisions and square roots only.
 *
 * Engines may round Math.log and Math.pow differently in the last bit; the four operations and the square root are
 * fixed by IEEE 754. So penalties and confidences, and with them the trained bytes, are the same on every engine.
 * Relative error below 2⁻⁴⁹ for the arguments met here (counts, weights, ratings); the callers round to f32.
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

/** Natural logarithm of a positive finite number. */
function logarithm(x: number): number {
  if (x < 2 ** -1000) return logarithm(x * 2 ** 100) - 100 * (LN2_HIGH + LN2_LOW);
  bits.setFloat64(0, x);
  const high = bits.getInt32(0);
  let exponent = (high >>> 20) - 1023;
  bits.setInt32(0, (high & 0xfffff) | 0x3ff00000);
  let mantissa = bits.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  return exponent * LN2_HIGH + (exponent * LN2_LOW + logOfRatio((mantissa - 1) / (mantissa + 1)));
}

/** ln(1 + x) for x > −1, exact also where 1 + x would round. */
export function logOnePlus(x: number): number {
  return x > -0.25 && x < 0.4 ? logOfRatio(x / (2 + x)) : logarithm(1 + x);
}

/** e to the power x; 0 and Infinity beyond the range of normal f64 numbers. */
function exponential(x: number): number {
  const exponent = Math.round(x / Math.LN2);
  if (exponent > 1023) return Number.POSITIVE_INFINITY;
  if (exponent < -1022) return 0;
  const rest = x - exponent * LN2_HIGH - exponent * LN2_LOW;
  let sum = 1;
  for (let term = 15; term >= 1; term--) sum = 1 + (sum * rest) / term;
  bits.setInt32(0, (exponent + 1023) << 20);
  bits.setInt32(4, 0);
  return sum * bits.getFloat64(0);
}

/**
 * x to the power `exponent` for finite x ≥ 0 and exponent ≥ 0. Exponents 0, 0.5 and 1 are exact; 0 to the power 0 is 1.
 */
export function power(x: number, exponent: number): number {
  if (exponent === 0) return 1;
  if (exponent === 1) return x;
  if (exponent === 0.5) return Math.sqrt(x);
  return x === 0 ? 0 : exponential(exponent * logarithm(x));
}
