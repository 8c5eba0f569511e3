/** Room `support`: checks, errors, random numbers, digests. Knows no domain words; imports nothing. */
export * from "./check.ts";
export * from "./digest.ts";
export * from "./errors.ts";
export * from "./random.ts";
