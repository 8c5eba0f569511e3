/** Any kind of model, and its scores. */
import type { FactorModel } from "./factor-model.ts";
import { factorScorer } from "./factor-scorer.ts";
import type { ItemModel } from "./item-model.ts";
import { itemScorer } from "./item-scorer.ts";
import type { NetModel } from "./net-model.ts";
import { netScorer } from "./net-scorer.ts";
import type { Scorer } from "./scorer.ts";

export type Model = FactorModel | NetModel | ItemModel;

/** The scores of a model, in double precision. */
export function scorerOf(model: Model): Scorer {
  switch (model.kind) {
    case "factors":
      return factorScorer(model);
    case "net":
      return netScorer(model);
    case "items":
      return itemScorer(model);
    default:
      return model satisfies never;
  }
}
