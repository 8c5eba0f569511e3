/** Shapes of the problem of nonnegative.ts, checked once at the door of every backend. */
import { atLeast, checkEntries, checkNumbers, exactly } from "./checks.ts";
import type { NonNegativeRows } from "./nonnegative.ts";

export function checkNonNegativeRows({ out, fixed, entries, value, gram, regularization }: NonNegativeRows): void {
  const who = "nonNegativeRows";
  exactly(who, "fixed.rank", fixed.rank, out.rank);
  checkNumbers(who, "value", value, checkEntries(who, "entries", entries, out.rows));
  atLeast(who, "regularization.length", regularization.length, out.rows);
  if (gram !== undefined) exactly(who, "gram.length", gram.length, fixed.stride * fixed.stride);
}
