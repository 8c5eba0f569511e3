/**
 * The errors of the whole system: one base class, facts as fields, the sentence last.
 *
 * Every message says who, what came, what is allowed and what to do. A class of its own exists only where a caller
 * would act differently; the HTTP and command line layers read `code` and `facts` and never parse a message.
 */

export type Facts = Readonly<Record<string, unknown>>;

/** Base of every error that lowrank throws on purpose. `code` is stable across versions, `message` is not. */
export class LowrankError extends Error {
  readonly code: string;
  readonly facts: Facts;

  constructor(code: string, message: string, facts: Facts = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.facts = facts;
  }
}

/** An option with a value that is not allowed, or an option that does not exist for this method. */
export class OptionError extends LowrankError {
  readonly option: string;
  readonly got: unknown;
  readonly allowed: string;

  /** @param who the method or function that refuses, such as `als` */
  constructor(who: string, option: string, got: unknown, allowed: string, remedy = "") {
    const tail = remedy === "" ? "" : `; ${remedy}`;
    super("option", `${who}: ${option} must be ${allowed}, got ${show(got)}${tail}`, { who, option, got, allowed });
    this.option = option;
    this.got = got;
    this.allowed = allowed;
  }
}

/** Ratings, matrices or files whose content cannot be used. `facts` tells where: `row`, `line`, `column`, `file`. */
export class DataError extends LowrankError {
  constructor(message: string, facts: Facts = {}, cause?: unknown) {
    super("data", message, facts, cause);
  }
}

/** A model file that is cut short, hostile, or of a version that this build does not read. */
export class ModelFileError extends LowrankError {
  constructor(message: string, facts: Facts = {}, cause?: unknown) {
    super("model-file", message, facts, cause);
  }
}

/**
 * A checkpoint that is cut short, damaged, of an unknown version, or of another training than the one to be resumed:
 * `facts.differs` then names in what.
 */
export class CheckpointError extends LowrankError {
  constructor(message: string, facts: Facts = {}, cause?: unknown) {
    super("checkpoint", message, facts, cause);
  }
}

/**
 * The training figure is no finite number any more, or more than a million times what it began at (or what predicting 0 for
 * everything costs, if that is more); or a row has no stable solution. The message says where and what to try; `facts`, where
 * they apply: method, pass, loss, initialLoss, learningRate, and `user` or `item`, the id of the row with the largest numbers.
 */
export class DivergenceError extends LowrankError {
  constructor(message: string, facts: Facts = {}) {
    super("divergence", message, facts);
  }
}

/** The caller's AbortSignal fired. Nothing was written. */
export class AbortedError extends LowrankError {
  /** @param reason the signal's reason, kept as `cause` */
  constructor(who: string, facts: Facts = {}, reason?: unknown) {
    super("aborted", `${who}: stopped because the caller's signal was aborted`, facts, reason);
  }
}

/** From here on whole numbers are told by their power of ten: doubles hold no more digits than that. */
const LARGE = 1e15;

/** A number in a sentence: 4 significant digits, whole numbers whole but for very large ones. */
export function rounded(value: number): string {
  if (Math.abs(value) >= LARGE) return value.toExponential(3);
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** A value as it should appear in a message: strings quoted, long ones cut, numbers as they print, lists by their length. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
