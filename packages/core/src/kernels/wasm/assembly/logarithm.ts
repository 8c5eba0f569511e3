/**
 * The natural logarithm without a table: Math.log of AssemblyScript puts one into the module, and with it into every workspace,
 * because a module's data are written to its memory wherever it is instantiated.
 */

const LN2: f64 = 0.6931471805599453;
const SQRT2: f64 = 1.4142135623730951;

/** ln x of a positive normal number: of its mantissa m from √½ to √2 by ln m = 2 artanh((m − 1) / (m + 1)), to 2⁻⁴⁵ · max(1, |ln x|). */
export function logarithm(x: f64): f64 {
  const bits = reinterpret<u64>(x);
  let exponent = <f64>(<i32>(bits >>> 52) - 1023);
  let m = reinterpret<f64>((bits & 0xfffffffffffff) | 0x3ff0000000000000);
  if (m > SQRT2) {
    m /= 2;
    exponent += 1;
  }
  const s = (m - 1) / (m + 1);
  const z = s * s;
  let sum: f64 = 1.0 / 17;
  sum = sum * z + 1.0 / 15;
  sum = sum * z + 1.0 / 13;
  sum = sum * z + 1.0 / 11;
  sum = sum * z + 1.0 / 9;
  sum = sum * z + 1.0 / 7;
  sum = sum * z + 1.0 / 5;
  sum = sum * z + 1.0 / 3;
  sum = sum * z + 1;
  return exponent * LN2 + 2 * s * sum;
}
