/** What 32-bit floats hold: a number in, whether it stays itself but for rounding, and if not, why. */

/** A finite number that is finite in 32 bits, and not 0 there unless it is 0. */
export function isFloat(value: unknown): value is number {
  if (!Number.isFinite(value)) return false;
  const held = Math.fround(value as number);
  return Number.isFinite(held) && (held !== 0 || value === 0);
}

/**
 * @param value finite, and no float
 * @returns such as `more than 32-bit numbers hold (3.4e38); scale the ratings down`
 */
export function beyondFloats(value: number, what: string): string {
  return Math.abs(value) > 1
    ? `more than 32-bit numbers hold (3.4e38); scale the ${what} down`
    : `which 32-bit numbers, from 1.4e-45 on, make 0; scale the ${what} up`;
}
