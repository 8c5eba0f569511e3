/** Ratings and method of a call by someone without types: the slips that would otherwise end in an error about `undefined`. */
import { asRatings } from "../ratings/index.ts";
import { OptionError } from "../support/index.ts";

/** @throws OptionError */
export function checkArguments(who: string, ratings: unknown, method: unknown): void {
  asRatings(who, "ratings", ratings);
  const start = (method as { readonly start?: unknown } | null | undefined)?.start;
  if (typeof start === "function") return;
  const remedy = `call the method, as in ${who}(ratings, als())`;
  throw new OptionError(who, "method", method, "a method such as als() or ials()", remedy);
}
