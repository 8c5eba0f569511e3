/** Any kind of model, and its scores. */
import type { FactorModel } from "./factor-model.ts";
import { factorScorer } from "./factor-scorer.ts";
import type { NetModel } from "./net-model.ts";
import { netScorer } from "./net-scorer.ts";
import type { Scorer } from "./scorer.ts";

export type Model = FactorModel | NetModel;

/** The scores of a model, in double precision. */
export function scorerOf(model: Model): Scorer {
  switch (model.kind) {
    case "factors":
      return factorScorer(model);
    case "net":
      return netScorer(model);
    default:
      return model satisfies never;
  }
}
