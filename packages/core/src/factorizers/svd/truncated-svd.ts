/**
 * A decomposition on its own, in double precision: vectors and values as linear algebra has them. The method svd() makes a
 * model of the same.
 */
import { type EngineOptions, engineOptionNames, kernelsFor } from "../../kernels/index.ts";
import type { Center } from "../../model/index.ts";
import { asRatings, type Ratings } from "../../ratings/index.ts";
import { DataError, knownOptions, throwIfAborted, wholeNumber } from "../../support/index.ts";
import { resolveOptions } from "../options.ts";
import { decomposerOf } from "./decompose.ts";
import type { TruncatedSvd } from "./decomposer.ts";
import { type Missing, type SvdMatrix, svdMatrix } from "./matrix.ts";
import { svdOptions } from "./svd.ts";

export interface TruncatedSvdOptions extends EngineOptions {
  /** Singular values wanted, 1 to 1024. Default 32 */
  readonly rank?: number | undefined;
  /** Cells without a rating: `refuse` (default), or `zero`. Data without a rating column have none */
  readonly missing?: Missing | undefined;
  /** What is subtracted from each rating before. Default `none` */
  readonly center?: Center | undefined;
  /** Wanted bound of each singular value's relative error, 1e-6 to 0.1. Default 1e-4 */
  readonly accuracy?: number | undefined;
  /** Krylov steps at most, 1 to 10,000. Default 200 */
  readonly steps?: number | undefined;
  /** Default 0 */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export const decompositionOptions = [...engineOptionNames, ...Object.keys(svdOptions), "seed", "signal"];

/**
 * The leading singular values and vectors of ratings: exact up to 2²⁴ cells where the shorter side is at most 512
 * (and where more than a third of up to 2048 values are wanted), else by block Krylov steps until `accuracy` or `steps`; `stopped` says which.
 * For a dense matrix: `truncatedSvd(ratingsFromDense(matrix), …)`.
 *
 * @throws OptionError, DataError (ratings with holes, none at all), AbortedError
 */
export async function truncatedSvd(ratings: Ratings, options: TruncatedSvdOptions = {}): Promise<TruncatedSvd> {
  const who = "truncatedSvd";
  asRatings(who, "ratings", ratings);
  knownOptions(who, options, decompositionOptions);
  const { rank, missing, center, accuracy, steps } = resolveOptions(who, svdOptions, given(options));
  if (ratings.size === 0) throw new DataError(`${who}: there are no ratings to decompose`);
  return decompose(who, svdMatrix(who, ratings, missing, center), { ...options, rank, accuracy, steps });
}

/** The options of the table, those that are there. */
export function given(options: TruncatedSvdOptions): object {
  const { rank, missing, center, accuracy, steps } = options;
  return { rank, missing, center, accuracy, steps };
}

export type Wanted = Pick<TruncatedSvdOptions, "accuracy" | "steps" | "seed" | "signal"> &
  EngineOptions & { readonly rank: number };

/** All steps of a decomposition. */
export async function decompose(who: string, matrix: SvdMatrix, wanted: Wanted): Promise<TruncatedSvd> {
  const { rank, accuracy = svdOptions.accuracy.default, steps = svdOptions.steps.default, signal } = wanted;
  const seed = wholeNumber(who, "seed", wanted.seed ?? 0, 0, 2 ** 32 - 1);
  const kernels = await kernelsFor(who, wanted);
  const decomposer = decomposerOf(who, matrix, { rank, accuracy, seed }, kernels);
  const atTurn = () => throwIfAborted(who, signal);
  try {
    for (let step = 0; step < steps && !decomposer.finished; step++) {
      atTurn();
      await decomposer.step(atTurn);
    }
    return await decomposer.result(atTurn);
  } finally {
    decomposer.close();
  }
}
