/**
 * crossValidate: splits and a method in; figures of every fold, their means and spreads, out.
 *
 * Every fold trains anew with a seed of its own, derived from the caller's, so that the spread holds both the luck of the
 * split and the luck of the start.
 */
import { type Factorizer, type FitReport, factorize, type Progress } from "../factorizers/index.ts";
import { type Kernels, kernelsFor } from "../kernels/index.ts";
import type { Model, Scale } from "../model/index.ts";
import type { Split } from "../ratings/index.ts";
import { knownOptions, OptionError, streamSeed, wholeNumber } from "../support/index.ts";
import { type EvaluateOptions, type Evaluation, evaluate, evaluateOptionNames, type Figures } from "./evaluate.ts";
import { type RankingMetric, rankingMetrics } from "./metrics/metrics.ts";

export interface CrossValidationProgress {
  /** From 1 */
  readonly fold: number;
  readonly folds: number;
  /** The training of this fold */
  readonly training: Progress;
}

export interface CrossValidateOptions extends Omit<EvaluateOptions, "train" | "onProgress"> {
  readonly onProgress?: ((progress: CrossValidationProgress) => void) | undefined;
}

/** One figure over the folds. */
export interface Spread {
  readonly mean: number;
  /** Sample standard deviation (n − 1); undefined for a single fold */
  readonly deviation: number | undefined;
  /** In the order of the folds */
  readonly values: readonly number[];
}

export type RankingSpread = Readonly<Record<RankingMetric | "coverage", Spread>> & { readonly n: number };

/** Figures of one scorer over all folds; a part is undefined when it is so in any fold. */
export interface FigureSpreads {
  readonly name: string;
  readonly scale: Scale;
  readonly errors: { readonly rmse: Spread; readonly mae: Spread } | undefined;
  readonly ranking: readonly RankingSpread[] | undefined;
}

export interface Fold {
  /** Of this fold's training */
  readonly seed: number;
  readonly evaluation: Evaluation;
  readonly report: FitReport;
}

export interface CrossValidation extends FigureSpreads {
  readonly options: Readonly<Record<string, unknown>>;
  readonly folds: readonly Fold[];
  readonly rulers: readonly FigureSpreads[];
}

/**
 * Trains and measures on every split. Folds are done one after another, each with all threads.
 *
 * @param splits such as `kFold(ratings, { folds: 5 })`
 * @throws what `factorize` and `evaluate` throw
 */
export async function crossValidate(
  splits: readonly Split[],
  method: Factorizer<Model>,
  options: CrossValidateOptions = {},
): Promise<CrossValidation> {
  const who = "crossValidate";
  knownOptions(
    who,
    options,
    evaluateOptionNames.filter((name) => name !== "train"),
  );
  if (!Array.isArray(splits) || splits.length === 0)
    throw new OptionError(who, "splits", splits, "at least one split, such as kFold gives");
  const seed = wholeNumber(who, "seed", options.seed ?? 0, 0, 2 ** 32 - 1);
  const kernels = await kernelsFor(who, options);
  const folds: Fold[] = [];
  for (const split of splits) {
    folds.push(await oneFold(split, method, { ...options, seed }, kernels, folds.length + 1, splits.length));
  }
  const own = folds.map(({ evaluation }) => evaluation);
  return {
    ...spreads(own),
    options: method.options,
    folds,
    rulers: own[0].rulers.map((_, r) => spreads(own.map(({ rulers }) => rulers[r]))),
  };
}

async function oneFold(
  split: Split,
  method: Factorizer<Model>,
  options: CrossValidateOptions & { readonly seed: number },
  kernels: Kernels,
  fold: number,
  folds: number,
): Promise<Fold> {
  const { threads, backend, reproducible, onProgress, ...rest } = options;
  const seed = streamSeed(options.seed, `fold ${fold}`);
  const { model, report } = await factorize(split.train, method, {
    seed,
    kernels,
    signal: options.signal,
    // Evaluation takes the history from the split
    keepHistory: false,
    // Figures of held-out ratings are what is wanted here
    certificate: false,
    onProgress: (training) => onProgress?.({ fold, folds, training }),
  });
  const evaluation = await evaluate(model, split.test, { ...rest, kernels, train: split.train });
  return { seed, evaluation, report };
}

function spreads(figures: readonly Figures[]): FigureSpreads {
  const errors = allOf(figures.map((each) => each.errors));
  const ranking = allOf(figures.map((each) => each.ranking));
  return {
    name: figures[0].name,
    scale: figures[0].scale,
    errors: errors && { rmse: spread(errors.map((e) => e.rmse)), mae: spread(errors.map((e) => e.mae)) },
    ranking: ranking?.[0].map(({ n }, row) => {
      const over = (metric: RankingMetric | "coverage") => spread(ranking.map((each) => each[row][metric]));
      const byMetric = Object.fromEntries([...rankingMetrics, "coverage" as const].map((m) => [m, over(m)]));
      return { n, ...(byMetric as Record<RankingMetric | "coverage", Spread>) };
    }),
  };
}

/** The list itself when nothing in it is undefined. */
function allOf<T>(values: readonly (T | undefined)[]): readonly T[] | undefined {
  return values.every((value) => value !== undefined) ? (values as readonly T[]) : undefined;
}

export function spread(values: readonly number[]): Spread {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  const deviation = values.length < 2 ? undefined : Math.sqrt(squares / (values.length - 1));
  return { mean, deviation, values };
}
