/**
 * heldOut: held-out ratings and one metric in; a Validation that training follows and stops early by, out.
 */
import type { Factorizer, TrainingEngine, Validation } from "../factorizers/index.ts";
import { type EngineOptions, engineOptionNames, type Kernels, kernelsFor } from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import { asRatings, type Ratings } from "../ratings/index.ts";
import { DataError, knownOptions, OptionError, oneOf, throwIfAborted, wholeNumber } from "../support/index.ts";
import { HeldOut } from "./held-out.ts";
import { type RankingMetric, rankingMetrics } from "./metrics/metrics.ts";
import { type MeasureOptions, measureOptionNames } from "./settings.ts";

export const validationMetrics = ["rmse", "mae", ...rankingMetrics] as const;
export type ValidationMetric = (typeof validationMetrics)[number];

/** Measures with the kernels of the training, unless engine options are given here; its signal ends a measurement too. */
export interface HeldOutOptions extends MeasureOptions, EngineOptions {
  /** List length of a ranking metric. Default 10 */
  readonly n?: number | undefined;
  /** Stop after this many measurements without improvement and keep the best model. Left out: measure only */
  readonly patience?: number | undefined;
  /** Measure after every so many passes. Default 1 */
  readonly every?: number | undefined;
}

const optionNames = [
  "n",
  "patience",
  "every",
  ...measureOptionNames,
  ...engineOptionNames,
] as const satisfies readonly (keyof HeldOutOptions)[];

/** What a method is judged by when nobody says: its predictions where it fits ratings, else its lists. */
export function defaultMetric(
  ratings: Ratings,
  method: Pick<Factorizer<Model>, "ignores" | "ranksOnly">,
): ValidationMetric {
  asRatings("defaultMetric", "ratings", ratings);
  return ratings.hasRatings && method.ranksOnly !== true && !method.ignores.includes("rating") ? "rmse" : "ndcg";
}

const titles: Readonly<Record<ValidationMetric, string>> = {
  rmse: "RMSE",
  mae: "MAE",
  precision: "precision",
  recall: "recall",
  hitRate: "hit rate",
  ndcg: "NDCG",
  map: "MAP",
  mrr: "MRR",
};

/**
 * A figure on `valid` for `factorize(train, method, { validation: heldOut(valid, train, "rmse", { patience: 2 }) })`.
 *
 * @param valid ratings kept out of training; choose settings on these, and report figures on a test set that is neither
 * @param train the ratings trained on
 * @throws OptionError for options that are unknown or out of range, or a metric that does not suit the data; while training,
 * DataError when `valid` is what is trained on
 */
export function heldOut(
  valid: Ratings,
  train: Ratings,
  metric: ValidationMetric,
  options: HeldOutOptions = {},
): Validation {
  const who = "heldOut";
  knownOptions(who, options, optionNames);
  oneOf(who, "metric", metric, validationMetrics);
  asRatings(who, "valid", valid);
  asRatings(who, "train", train);
  const isError = metric === "rmse" || metric === "mae";
  if (isError && options.n !== undefined) {
    throw new OptionError(who, "n", options.n, `left out with ${metric}`, "it is the list length of ranking metrics");
  }
  if (isError && !valid.hasRatings) {
    throw new OptionError(who, "metric", metric, 'a ranking metric such as "ndcg"', "these data have no rating column");
  }
  const n = wholeNumber(who, "n", options.n ?? 10, 1, 1_000_000);
  const ownEngine = engineOptionNames.some((name) => options[name] !== undefined);
  let ownKernels: Promise<Kernels> | undefined;
  const kernelsOf = (training: TrainingEngine): Kernels | Promise<Kernels> => {
    if (!ownEngine) return training.kernels;
    ownKernels ??= kernelsFor(who, options).catch((cause) => {
      ownKernels = undefined; // the next pass may find more memory
      throw cause;
    });
    return ownKernels;
  };
  let bound: HeldOut | undefined;
  return {
    name: isError ? `held-out ${titles[metric]}` : `held-out ${titles[metric]}@${n}`,
    better: isError ? "lower" : "higher",
    patience: options.patience,
    every: options.every,
    dataHash: valid.hash,
    measure: async (model, training) => {
      throwIfAborted(who, training.signal);
      if (model.provenance.dataHash === valid.hash) {
        const message =
          "heldOut: these held-out ratings are the very ones that the model is trained on; call heldOut(valid, train)";
        throw new DataError(message, { dataHash: valid.hash });
      }
      if (bound === undefined || !bound.fits(model)) bound = new HeldOut(who, model, valid, train, options);
      return measured(who, bound, model, metric, n, await kernelsOf(training), training.signal);
    },
  };
}

async function measured(
  who: string,
  bound: HeldOut,
  model: Model,
  metric: ValidationMetric,
  n: number,
  kernels: Kernels,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (metric === "rmse" || metric === "mae") {
    const errors = await bound.errors(model, { kernels, signal });
    if (errors !== undefined) return errors[metric];
    const remedy = `${model.provenance.method} scores are of scale "${model.scale}", not ratings`;
    throw new OptionError(who, "metric", metric, 'a ranking metric such as "ndcg"', remedy);
  }
  const ranking = await bound.ranking(model, [n], { kernels, signal });
  if (ranking !== undefined) return figure(ranking[0], metric);
  throw new DataError(
    `${who}: no known user has a relevant item among what is held out, so there is no ${titles[metric]} to judge lists by; ` +
      "hold out more, or let lower ratings count as relevant",
    { metric },
  );
}

function figure(figures: Readonly<Record<RankingMetric, number>>, metric: RankingMetric): number {
  return figures[metric];
}
