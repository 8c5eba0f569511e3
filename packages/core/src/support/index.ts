/** Room `support`: checks, errors, random numbers, arithmetic alike on every engine, digests, turns. Knows no domain words; imports nothing. */
export * from "./check.ts";
export * from "./digest.ts";
export * from "./errors.ts";
export * from "./floats.ts";
export * from "./portable-math.ts";
export * from "./random.ts";
export * from "./turns.ts";
