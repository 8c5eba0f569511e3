/** What the distance from the best there can be says about a training: certificate in, findings out. */
import type { Model } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { rounded } from "../support/index.ts";
import type { Certificate } from "./certificate.ts";
import type { Factorizer } from "./factorizer.ts";
import type { Finding } from "./findings.ts";

/** A shorter side up to this is small: on more ratings in each row the penalties that follow from the data weigh little. */
const SMALL_SIDE = 16;
/** Of what was there to be explained, this share and more is left … */
const MOST_LEFT = 0.5;
/** … of which the best model of the rank would leave so much at most. */
const BEST_LEAVES = 0.5;

/**
 * Of a small matrix without a hole: the penalty that was chosen as if there were ratings to predict keeps the model from these. Only where it
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
  if (Math.min(ratings.users.size, ratings.items.size) > SMALL_SIDE || ratings.min === ratings.max) return [];
  if (others.some(({ code }) => unsettled.includes(code))) return [];
  const { error, optimum, gap, relativeGap = 0 } = certificate;
  const whole = gap / relativeGap;
  if (!(error >= MOST_LEFT * whole) || optimum > BEST_LEAVES * error) return [];
  const { regularization } = options;
  const now = typeof regularization === "number" ? ` (now ${rounded(regularization)}, chosen from the data)` : "";
  return [
    {
      code: "penalty-dominates",
      message: `none of the ${ratings.size} ratings is missing, and the model is ${rounded(error)} away from them (root of the summed squares) where rank ${method.rank} can come within ${rounded(optimum)}: the penalty, which serves the prediction of missing ratings, outweighs so few`,
      remedy: `to come near these ratings lower regularization${now} to a hundredth, or use svd`,
    },
  ];
}

/** Findings that say that the training itself did not come to its end. */
const unsettled = ["loss-flat", "learning-rate-too-high", "too-few-passes", "starts-at-zero"];
