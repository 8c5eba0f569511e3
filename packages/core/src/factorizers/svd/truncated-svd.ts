/**
 * A decomposition on its own, in double precision: vectors and values as linear algebra has them, and the best error that
 * any model of a rank can have. The method svd() makes a model of the same.
 */
import { type EngineOptions, engineOptionNames, kernelsFor } from "../../kernels/index.ts";
import type { Center } from "../../model/index.ts";
import type { Ratings } from "../../ratings/index.ts";
import { DataError, knownOptions, OptionError, throwIfAborted, wholeNumber } from "../../support/index.ts";
import { resolveOptions } from "../options.ts";
import { decomposerOf } from "./decompose.ts";
import type { TruncatedSvd } from "./decomposer.ts";
import { suitsExact } from "./exact.ts";
import { type Missing, type SvdMatrix, svdMatrix } from "./matrix.ts";
import { svdOptions } from "./svd.ts";

export interface TruncatedSvdOptions extends EngineOptions {
  /** Singular values wanted, 1 to 1024 */
  readonly rank: number;
  /** Cells without a rating: `refuse` (default), or `zero`. Data without a rating column have none */
  readonly missing?: Missing | undefined;
  /** What is subtracted from each rating before. Default `none` */
  readonly center?: Center | undefined;
  /** Wanted bound of each singular value's relative error, 1e-6 to 0.1. Default 1e-4 */
  readonly accuracy?: number | undefined;
  /** Krylov steps at most. Default 200 */
  readonly steps?: number | undefined;
  /** Default 0 */
  readonly seed?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const optionNames = [...engineOptionNames, ...Object.keys(svdOptions), "seed", "signal"];

/**
 * The leading singular values and vectors of ratings: exact where the shorter side is at most 512 (and where more than a
 * third of up to 2048 values are wanted), else by block Krylov steps until `accuracy` or `steps`; `stopped` says which.
 * For a dense matrix: `truncatedSvd(ratingsFromDense(matrix), …)`.
 *
 * @throws OptionError, DataError (ratings with holes, none at all), AbortedError
 */
export async function truncatedSvd(ratings: Ratings, options: TruncatedSvdOptions): Promise<TruncatedSvd> {
  knownOptions("truncatedSvd", options, optionNames);
  const { missing = "refuse", center = "none" } = options;
  resolveOptions("truncatedSvd", svdOptions, given(options));
  if (ratings.size === 0) throw new DataError("truncatedSvd: there are no ratings to decompose");
  return decompose("truncatedSvd", svdMatrix("truncatedSvd", ratings, missing, center), options);
}

/** The options of the table, those that are there. */
function given(options: TruncatedSvdOptions): object {
  const { rank, missing, center, accuracy, steps } = options;
  return { rank, missing, center, accuracy, steps };
}

type Wanted = Pick<TruncatedSvdOptions, "rank" | "accuracy" | "steps" | "seed" | "signal"> & EngineOptions;

/** All steps of a decomposition. */
export async function decompose(who: string, matrix: SvdMatrix, wanted: Wanted): Promise<TruncatedSvd> {
  const { rank, accuracy = svdOptions.accuracy.default, steps = svdOptions.steps.default, signal } = wanted;
  const seed = wholeNumber(who, "seed", wanted.seed ?? 0, 0, 2 ** 32 - 1);
  const kernels = await kernelsFor(who, wanted);
  const decomposer = decomposerOf(who, matrix, { rank, accuracy, seed }, kernels);
  try {
    for (let step = 0; step < steps && !decomposer.finished; step++) {
      throwIfAborted(who, signal);
      await decomposer.step();
    }
    return await decomposer.result();
  } finally {
    decomposer.close();
  }
}

/** Options of `svdOptimum`: those of `truncatedSvd` without the rank. */
export type SvdOptimumOptions = Omit<TruncatedSvdOptions, "rank">;

/**
 * The smallest possible ‖A − B‖_F over all B of rank k, √(Σ_{j>k} σ_j²), for each k: what no model of rank k can beat over
 * the cells of a complete matrix (less its centre, if one is given).
 *
 * @param ranks whole numbers from 0; above the smaller side the optimum is 0
 * @returns one number per rank, in the order given
 * @throws OptionError, DataError, AbortedError as `truncatedSvd`
 */
export async function svdOptimum(
  ratings: Ratings,
  ranks: readonly number[],
  options: SvdOptimumOptions = {},
): Promise<number[]> {
  if (!Array.isArray(ranks) || ranks.length === 0) {
    throw new OptionError("svdOptimum", "ranks", ranks, "a list of at least one whole number");
  }
  for (const rank of ranks) wholeNumber("svdOptimum", "ranks", rank, 0, svdOptions.rank.max);
  knownOptions(
    "svdOptimum",
    options,
    optionNames.filter((name) => name !== "rank"),
  );
  const { missing = "refuse", center = "none" } = options;
  const rank = Math.max(1, ...ranks);
  resolveOptions("svdOptimum", svdOptions, given({ ...options, rank }));
  if (ratings.size === 0) throw new DataError("svdOptimum: there are no ratings to decompose");
  return optima("svdOptimum", svdMatrix("svdOptimum", ratings, missing, center), ranks, options);
}

/** As `svdOptimum`, of a matrix that is checked. */
export async function optima(
  who: string,
  matrix: SvdMatrix,
  ranks: readonly number[],
  options: SvdOptimumOptions,
): Promise<number[]> {
  const { users, items } = matrix.ratings;
  const all = Math.min(users.size, items.size);
  const most = Math.min(Math.max(1, ...ranks), all);
  // Where it is decomposed exactly all values come at the same cost, and the tail is summed instead of subtracted.
  const exact = suitsExact(users.size, items.size, most);
  const { values } = await decompose(who, matrix, { ...options, rank: exact ? all : most });
  return ranks.map((rank) => {
    if (rank >= all) return 0;
    const squares = exact ? values.subarray(rank) : values.subarray(0, rank);
    let sum = 0;
    for (let j = squares.length - 1; j >= 0; j--) sum += squares[j] ** 2;
    return Math.sqrt(exact ? sum : Math.max(0, matrix.squared - sum));
  });
}
