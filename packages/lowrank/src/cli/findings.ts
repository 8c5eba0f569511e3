/** Findings of a training as warnings: a sentence, its remedy with options as flags. */
import type { Finding } from "@lowrank/core";
import { kebab } from "./exit.ts";
import type { Output } from "./output.ts";

/** What holding ratings out brings about: true, and no news to who asked for it. */
const ofSplits: readonly string[] = ["users-without-ratings", "items-without-ratings"];

/** @param isSplit the command itself held out ratings */
export function warnOf(output: Output, { code, message, remedy }: Finding, isSplit: boolean): void {
  if (isSplit && ofSplits.includes(code)) return;
  output.warn(`${message}; ${inFlags(remedy)}`);
}

/** `raise learningRate` is `raise --learning-rate` here. */
function inFlags(remedy: string): string {
  return remedy.replace(/\b[a-z]+[A-Z]\w*/g, (name) => `--${kebab(name)}`);
}
