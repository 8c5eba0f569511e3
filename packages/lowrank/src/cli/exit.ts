/**
 * Errors in, exit codes and one sentence out. Shells and scripts rely on these numbers; they do not change.
 */
import * as core from "@lowrank/core";
import { AbortedError, LowrankError, OptionError, type Recommender } from "@lowrank/core";
import { nearest, show } from "@lowrank/core/support";
import { CommanderError } from "commander";
import { messageInFlags } from "../remedy.ts";
import { flagOf, inFlags } from "./words.ts";

/** 0 done · 1 data, file or training failed · 2 the command was written wrongly · 130 stopped by Ctrl-C, 143 by SIGTERM, 129 by a closed terminal. */
export const exitCodes = { ok: 0, failure: 1, usage: 2, interrupted: 130, terminated: 143, hungUp: 129 } as const;

/** The command line itself is wrong: an unknown flag, a value out of range, flags that cannot go together. */
export class UsageError extends LowrankError {
  constructor(message: string, facts: Readonly<Record<string, unknown>> = {}) {
    super("usage", message, facts);
  }
}

/** What a failed command says and returns. */
export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  /** One sentence, without the name of the program */
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/**
 * @param flags long flags of the command that ran (`--rank`): an option refused by the engine is named by its flag
 * @param command its name: a message that begins with it would say it twice
 */
export function failureOf(error: unknown, flags: readonly string[], command = ""): Failure {
  const failure = sentenceOf(error, flags);
  const prefix = `${command}: `;
  return failure.message.startsWith(prefix) ? { ...failure, message: failure.message.slice(prefix.length) } : failure;
}

function sentenceOf(error: unknown, flags: readonly string[]): Failure {
  const has = (flag: string) => flags.includes(flag);
  if (error instanceof CommanderError) {
    return { exitCode: exitCodes.usage, code: "usage", message: plainCommanderMessage(error.message), facts: {} };
  }
  if (error instanceof AbortedError) {
    return { exitCode: exitCodes.interrupted, code: error.code, message: "stopped", facts: {} };
  }
  if (error instanceof OptionError) {
    return { exitCode: exitCodes.usage, code: error.code, message: optionInFlags(error, has), facts: error.facts };
  }
  if (error instanceof LowrankError) {
    const exitCode = error.code === "usage" ? exitCodes.usage : exitCodes.failure;
    const message = inFlags(withoutApiName(messageInFlags(error)), has);
    return { exitCode, code: error.code, message, facts: error.facts };
  }
  const message = error instanceof Error ? error.message : String(error);
  const isFileError = error instanceof Error && "syscall" in error;
  return {
    exitCode: exitCodes.failure,
    code: isFileError ? "file" : "unexpected",
    message: isFileError
      ? message
      : `unexpected error: ${message}; run again with --debug to see where, and please report it`,
    facts: {},
  };
}

/** `als: biasRegularization must be …` becomes `--bias-regularization must be …` where the command has that flag. */
function optionInFlags(error: OptionError, has: (flag: string) => boolean): string {
  const flag = flagOf(error.option, has);
  return flag === undefined ? error.message : error.message.replace(/^[^:]+: \S+ must be/, `${flag} must be`);
}

/** Questions to a recommender that errors begin with. */
const questions: readonly string[] = [
  "predictMany",
  "recommendMany",
  "recommendAll",
  "recommendFor",
  "explainFor",
  "similarItems",
  "similarUsers",
  "foldInUser",
  "foldInItem",
] satisfies (keyof Recommender)[];

/** Functions of this package, apart from the engine's, that errors begin with. */
const readersAndWriters: readonly string[] = [
  "saveArrays",
  "checkArraysWritable",
  "readMatrix",
  "readRatings",
  "readTitles",
];

/** `leaveLastOut: these ratings have no times` without the function's name. */
function withoutApiName(message: string): string {
  const [, name] = message.match(/^([a-z]+[A-Z]\w*): /) ?? [];
  if (name === undefined) return message;
  const isOurs = name in core || questions.includes(name) || readersAndWriters.includes(name);
  return isOurs ? message.slice(name.length + 2) : message;
}

/** Commander writes `error: unknown option '--rnak'` and a second line `(Did you mean --rank?)`: one sentence of it. */
function plainCommanderMessage(message: string): string {
  const [first, hint] = message.replace(/^error: /, "").split("\n");
  const suggestion = hint?.match(/^\(Did you mean (.*)\?\)$/)?.[1];
  const sentence = first.replace(/\.$/, "");
  return suggestion === undefined ? sentence : `${sentence}; did you mean ${suggestion}?`;
}

/** `; did you mean "als"?` when a word is close to a known one, else nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined ? "" : `; did you mean ${show(near)}?`;
}
