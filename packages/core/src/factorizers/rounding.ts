/** What single precision cannot tell from nothing: the share of a number that is lost when ratings and factors are kept in it. */

/** Errors up to this share of what is fitted are rounding: a unit in the last of the 24 bits of an f32. */
const ROUNDING = 2 ** -23;

/**
 * 0 where a distance from ratings is one that single precision, in which ratings and factors are kept, cannot tell from it.
 *
 * @param size ‖A‖_F of the ratings
 */
export function aboveRounding(distance: number, size: number): number {
  return distance <= ROUNDING * size ? 0 : distance;
}
