/** Findings of a training as warnings: a sentence, its remedy with options as flags. */
import type { Finding } from "@lowrank/core";
import type { Output } from "./output.ts";
import { inFlags } from "./words.ts";

/** What holding ratings out brings about: true, and no news to who asked for it. */
const ofSplits: readonly string[] = ["users-without-ratings", "items-without-ratings"];

/** @param isSplit the command itself held out ratings */
export function warnOf(output: Output, { code, message, remedy }: Finding, isSplit: boolean): void {
  if (isSplit && ofSplits.includes(code)) return;
  output.warn(`${message}; ${inFlags(remedy)}`);
}
