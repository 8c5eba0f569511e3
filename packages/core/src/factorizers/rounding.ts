/** What single precision cannot tell from nothing: the share of a number that is lost when ratings and factors are kept in it. */

/** Errors up to this share of what is fitted are rounding: a unit in the last of the 24 bits of an f32. */
export const ROUNDING = 2 ** -23;
