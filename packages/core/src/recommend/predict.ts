/** One score, or why there is none. In double precision, on the caller's thread. */
import { baselineOf, type Model, type Scorer } from "../model/index.ts";
import type { Id } from "../ratings/index.ts";
import { knownOptions, OptionError, trueOrFalse } from "../support/index.ts";
import type { Prediction } from "./outcomes.ts";

export interface PredictOptions {
  /** Cut scores to the smallest and largest training rating (default false) */
  readonly clamp?: boolean | undefined;
}

/** @returns undefined for no clamping */
export function clampRange(who: string, model: Model, options: PredictOptions): Model["range"] {
  knownOptions(who, options, ["clamp"]);
  if (!trueOrFalse(who, "clamp", options.clamp ?? false)) return undefined;
  if (model.range !== undefined) return model.range;
  throw new OptionError(who, "clamp", true, "false for a model without a range of ratings");
}

export function predictOne(model: Model, scorer: Scorer, user: Id, item: Id, range: Model["range"]): Prediction {
  const u = model.users.index(user);
  const i = model.items.index(item);
  const cut = (score: number) => (range === undefined ? score : Math.max(range.min, Math.min(range.max, score)));
  if (u !== undefined && i !== undefined) return { status: "known", score: cut(scorer.score(u, i)) };
  const missing = [...(u === undefined ? (["user"] as const) : []), ...(i === undefined ? (["item"] as const) : [])];
  const baseline = baselineOf(model, u, i);
  return { status: "unknown", missing, baseline: baseline === undefined ? undefined : cut(baseline) };
}
