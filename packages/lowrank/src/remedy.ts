/**
 * What to do about a refused file, in two tongues: options for callers of the API, flags for people at a command line.
 */
import { DataError, type Facts } from "@lowrank/core";

/** Puts in the words that fit: `say('encoding: "latin-1"', "--encoding latin-1")`. */
export type Say = (option: string, flag: string) => string;

/** The remedy of an error, in `facts.remedy`; its message ends with the one for the API. */
export interface Remedy {
  readonly options: string;
  readonly flags: string;
}

/**
 * A DataError that ends in what to do.
 *
 * @param what which file, where, what is wrong
 * @param remedy said twice, once in each tongue
 */
export function refusal(what: string, remedy: (say: Say) => string, facts: Facts = {}, cause?: unknown): DataError {
  const both: Remedy = { options: remedy((option) => option), flags: remedy((_, flag) => flag) };
  return new DataError(`${what}; ${both.options}`, { ...facts, remedy: both }, cause);
}

/** The message of an error for the command line: its remedy in flags, where it has one. */
export function messageInFlags({ message, facts }: { readonly message: string; readonly facts: Facts }): string {
  const { options, flags } = (facts.remedy ?? {}) as Partial<Remedy>;
  if (typeof options !== "string" || typeof flags !== "string" || !message.endsWith(options)) return message;
  return message.slice(0, message.length - options.length) + flags;
}
