/**
 * Checks at the edge: what people write comes in, clean values or an OptionError go out.
 *
 * Code behind these checks works on clean values and does not check again.
 */
import { AbortedError, OptionError, show } from "./errors.ts";

/** A whole number from `min` to `max`, both included. */
export function wholeNumber(who: string, option: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  const allowed = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw new OptionError(who, option, value, `a whole number ${allowed}`);
}

/** A finite number from `min` to `max`, both included. @param besides what else the caller takes, as the error ends: `, or "auto"` */
export function finiteNumber(
  who: string,
  option: string,
  value: unknown,
  min = Number.NEGATIVE_INFINITY,
  max = Number.POSITIVE_INFINITY,
  besides = "",
): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= min && value <= max) return value;
  const range =
    min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY
      ? ""
      : max === Number.POSITIVE_INFINITY
        ? ` of at least ${bound(min)}`
        : ` from ${bound(min)} to ${bound(max)}`;
  throw new OptionError(who, option, value, `a finite number${range}${besides}`);
}

/** The end of a range: very large ones by their power of ten, as very small ones print already. */
function bound(value: number): string {
  return Math.abs(value) >= 1e7 ? value.toExponential().replace("e+", "e") : String(value);
}

/** One of a fixed list of words. */
export function oneOf<const T extends string>(who: string, option: string, value: unknown, words: readonly T[]): T {
  if (words.includes(value as T)) return value as T;
  throw new OptionError(who, option, value, `one of ${words.map((word) => show(word)).join(", ")}`);
}

export function trueOrFalse(who: string, option: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw new OptionError(who, option, value, "true or false");
}

/** What a caller passes as options, before anything is taken out of it. @throws OptionError for null, a list or no object at all */
export function asOptions<T extends object>(who: string, given: T): T {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) return given;
  throw new OptionError(who, "options", given, "an object, such as { name: value }");
}

/**
 * Refuses an option by name when the receiver does not know it: nothing is silently ignored.
 *
 * @throws OptionError for such an option, and where there is no object with options
 */
export function knownOptions(who: string, given: object, known: readonly string[]): void {
  asOptions(who, given);
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) {
      const near = nearest(key, known);
      const hint = near === undefined ? "" : `did you mean ${show(near)}?`;
      throw new OptionError(
        who,
        key,
        (given as Record<string, unknown>)[key],
        `left out: ${who} has no such option`,
        hint,
      );
    }
  }
}

/** Throws AbortedError when the signal has fired. Call between units of work. */
export function throwIfAborted(who: string, signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortedError(who, {}, signal.reason);
}

/** The closest known word by edit distance, if close enough to be a typing slip. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = 1 + Math.floor(word.length / 3);
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(swap, previous[j] + 1, current[j - 1] + 1));
    }
    previous = current;
  }
  return previous[b.length];
}
