/**
 * @lowrank/core/support: the option checks that core itself uses, for packages that stand on it and want their errors to
 * speak alike. Errors are in @lowrank/core.
 */
export { knownOptions, nearest, oneOf, show, throwIfAborted, trueOrFalse, wholeNumber } from "./support/index.ts";
