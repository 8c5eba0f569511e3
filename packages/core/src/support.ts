/**
 * @lowrank/core/support: the option checks that core itself uses, arithmetic that every engine does alike, random numbers
 * and digests, for packages that stand on it and want their errors and results to agree with it. Errors are in @lowrank/core.
 */
export {
  beyondFloats,
  Digest,
  exponential,
  finiteNumber,
  isFloat,
  knownOptions,
  logarithm,
  nearest,
  oneOf,
  rounded,
  show,
  throwIfAborted,
  trueOrFalse,
  uniform,
  wholeNumber,
} from "./support/index.ts";
