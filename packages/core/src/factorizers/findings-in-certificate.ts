/** What the distance from the best there can be says about a training: certificate in, findings out. */
import type { Model } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { rounded } from "../support/index.ts";
import type { Certificate } from "./certificate.ts";
import type { Factorizer } from "./factorizer.ts";
import type { Finding } from "./findings.ts";
import { isUnsettled } from "./findings-in-losses.ts";

/** The best model of the rank is nearer by this share and more of what was there to be explained … */
const LARGE_GAP = 0.2;
/** … and leaves so much at most of what the model leaves. */
const BEST_LEAVES = 0.5;

/**
 * Of a matrix without a hole: the penalty that was chosen as if there were ratings to predict keeps the model from these. Only where it
 * was chosen by `auto`, and passes were not what was too few.
 *
 * @param options with the numbers that came of `auto`
 * @param others findings of the losses
 */
export function findingsInCertificate(
  ratings: Ratings,
  method: Factorizer<Model>,
  options: Factorizer<Model>["options"],
  certificate: Certificate | undefined,
  others: readonly Finding[],
): Finding[] {
  if (certificate?.kind !== "optimum" || method.options.regularization !== "auto" || method.passName === "epochs")
    return [];
  if (ratings.min === ratings.max) return [];
  if (others.some(isUnsettled)) return [];
  const { error, optimum, relativeGap = 0 } = certificate;
  if (!(relativeGap >= LARGE_GAP) || optimum > BEST_LEAVES * error) return [];
  const { regularization } = options;
  const now = typeof regularization === "number" ? ` (now ${rounded(regularization)}, chosen from the data)` : "";
  return [
    {
      code: "penalty-dominates",
      message: `none of the ${ratings.size} ratings is missing, and the model is ${rounded(error)} away from them (root of the summed squares) where rank ${method.rank} can come within ${rounded(optimum)}: the penalty, which serves the prediction of missing ratings, keeps it away`,
      remedy: `to come near these ratings lower regularization${now} to a hundredth, or use svd; leave it to part a pattern from noise`,
    },
  ];
}
