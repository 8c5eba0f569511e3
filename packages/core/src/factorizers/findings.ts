/**
 * Findings: things about data, settings and training that a user would want to be told, each with its remedy. Not errors:
 * training goes on. docs/findings.md lists them all with what each is judged by.
 */
import type { Model } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import type { Factorizer } from "./factorizer.ts";
import { findingsBefore } from "./findings-before.ts";
import { findingsInLosses, type LossCourse } from "./findings-in-losses.ts";
import { findingsInModel } from "./findings-in-model.ts";

export interface Finding {
  /** Stable name, such as `rank-above-size` */
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** All findings of a training that is done. They follow from its data, figures and model alone: resumed or not, the same. */
export function allFindings(ratings: Ratings, method: Factorizer<Model>, course: LossCourse, model: Model): Finding[] {
  const before = [
    ...findingsBefore(ratings, method),
    ...findingsInLosses(method, model.provenance.options, course, true),
  ];
  return [...before, ...findingsInModel(ratings, method, model, before)];
}

/** Tells each finding once, as soon as it is one. */
export class FindingsTeller {
  readonly #tell: ((finding: Finding) => void) | undefined;
  readonly #told = new Set<string>();

  constructor(tell: ((finding: Finding) => void) | undefined) {
    this.#tell = tell;
  }

  tell(findings: readonly Finding[]): void {
    if (this.#tell === undefined) return;
    for (const finding of findings) {
      if (this.#told.has(finding.code)) continue;
      this.#told.add(finding.code);
      this.#tell(finding);
    }
  }
}
