/** Findings of trainings as warnings: a sentence, its remedy with options as flags. */
import type { Finding } from "@lowrank/core";
import { counted, listed } from "./format.ts";
import type { Job } from "./shell.ts";
import { inFlags } from "./words.ts";

/** What holding ratings out brings about: true, and no news to who asked for it. */
const ofSplits: readonly string[] = ["users-without-ratings", "items-without-ratings"];

/** More trainings than this are counted. */
const MOST_NAMED = 4;

/** Where warnings go, and the flags that they may name. */
type Told = Pick<Job, "output" | "has">;

/** @param isSplit the command itself held out ratings */
export function warnOf({ output, has }: Told, { code, message, remedy }: Finding, isSplit: boolean): void {
  if (isSplit && ofSplits.includes(code)) return;
  output.warn(`${message}; ${inFlags(remedy, has)}`);
}

/** From so many seconds on a training is worth being told of what is found on the way; a shorter one is told at its end. */
const LONG_SECONDS = 10;

/**
 * The findings of one training as they come: those before the first pass at once; those on the way at once in a training that takes
 * long, else at the end, where their figures are the last ones.
 */
export class FindingWarnings {
  readonly #warn: (finding: Finding) => void;
  readonly #held = new Map<string, Finding>();
  readonly #began = performance.now();
  #isTraining = false;

  /** @param warn tells one; `warnOf` behind whatever has to be cleared first */
  constructor(warn: (finding: Finding) => void) {
    this.#warn = warn;
  }

  found(finding: Finding): void {
    if (this.#isTraining) this.#held.set(finding.code, finding);
    else this.#warn(finding);
  }

  /** After some passes. */
  passed(): void {
    this.#isTraining = true;
    if (performance.now() - this.#began > 1000 * LONG_SECONDS) this.tell();
  }

  /** Tells what is held: in the words of the end where there is one, and not what is no finding any more. */
  tell(atEnd?: readonly Finding[]): void {
    for (const [code, finding] of this.#held) {
      const last = atEnd === undefined ? finding : atEnd.find((each) => each.code === code);
      if (last !== undefined) this.#warn(last);
    }
    this.#held.clear();
  }
}

/** One of several trainings of a method on much the same ratings. */
interface Training {
  /** In a sentence: `rank 8` */
  readonly name: string;
  readonly findings: readonly Finding[];
}

/**
 * The findings of several trainings: each kind once, in the words of the first training that has it, with those that have
 * it named unless all do.
 */
export function warnOfAll(job: Told, trainings: readonly Training[], isSplit: boolean): void {
  const first = new Map<string, Finding>();
  const where = new Map<string, string[]>();
  for (const { name, findings } of trainings) {
    for (const finding of findings) {
      if (!first.has(finding.code)) first.set(finding.code, finding);
      where.set(finding.code, [...(where.get(finding.code) ?? []), name]);
    }
  }
  for (const [code, finding] of first) {
    const names = where.get(code) ?? [];
    const which = names.length === trainings.length ? [] : names;
    warnOf(job, { ...finding, message: ofThese(which, finding.message) }, isSplit);
  }
}

/** A message with those that it is true of, the first one's being its own. It may begin with that name itself. */
function ofThese(names: readonly string[], message: string): string {
  if (names.length === 0) return message;
  const [first, ...others] = names;
  const rest = names.length > MOST_NAMED ? [counted(others.length, "other")] : others;
  if (!message.startsWith(`${first} `)) return `${listed([first, ...rest])}: ${message}`;
  return others.length === 0 ? message : `${message}; so it is with ${listed(rest)}`;
}

/** What a method left out of the ratings, as a line; none where it looks at all of them. */
export function ignoredLines(method: string, ignored: readonly string[]): string[] {
  return ignored.length === 0 ? [] : [`  ${method} does not look at: ${ignored.join(", ")}`];
}
