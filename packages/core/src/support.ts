/**
 * @lowrank/core/support: what core itself uses and packages that stand on it need too: option checks, so that their errors
 * speak alike, and the random numbers that every seed stands for. Errors are in @lowrank/core.
 */
export {
  knownOptions,
  nearest,
  normal,
  oneOf,
  show,
  shuffled,
  throwIfAborted,
  trueOrFalse,
  uniform,
  wholeNumber,
} from "./support/index.ts";
