/**
 * The best that any matrix of a rank can do: singular values in; for each rank a distance, and what it is worth, out.
 *
 * No matrix of rank k is nearer to another than its singular value decomposition (Eckart & Young, Psychometrika 1936).
 * Not here: what bounds the models of a method (model-optima.ts), how values are computed (exact.ts, krylov.ts).
 */
import { asRatings, type Ratings } from "../../ratings/index.ts";
import { DataError, knownOptions, OptionError, wholeNumber } from "../../support/index.ts";
import { resolveOptions } from "../options.ts";
import type { TruncatedSvd } from "./decomposer.ts";
import { suitsExact } from "./exact.ts";
import { LEAST_SHARE } from "./krylov.ts";
import { type SvdMatrix, svdMatrix } from "./matrix.ts";
import { svdOptions } from "./svd.ts";
import { decompose, decompositionOptions, given, type TruncatedSvdOptions, type Wanted } from "./truncated-svd.ts";

/** The smallest ‖A − B‖_F of any B of a rank, and what that figure is worth. */
export interface SvdOptimum {
  readonly rank: number;
  /** ‖A − B‖_F of the nearest B that was found. Computed exactly, it is the smallest there is */
  readonly optimum: number;
  /**
   * No B is nearer than this: `optimum` itself where it was computed exactly; by Krylov steps what the residuals and single
   * precision leave open is taken off (provided that no value was missed, see docs/svd.md); undefined when the steps were
   * used up before the wanted accuracy
   */
  readonly atLeast: number | undefined;
  /** Why the decomposition ended, as in `TruncatedSvd` */
  readonly stopped: TruncatedSvd["stopped"];
}

/** Options of `svdOptimum`: those of `truncatedSvd` without the rank. */
export type SvdOptimumOptions = Omit<TruncatedSvdOptions, "rank">;

/**
 * The smallest possible ‖A − B‖_F over all B of rank k, √(Σ_{j>k} σ_j²), for each k: what no model of rank k can beat over
 * the cells of a complete matrix (less its centre, if one is given). A large matrix is decomposed by steps, and each figure
 * says what it is worth.
 *
 * @param ranks whole numbers from 0; above the smaller side the optimum is 0
 * @returns one optimum per rank, in the order given
 * @throws OptionError, DataError, AbortedError as `truncatedSvd`
 */
export async function svdOptimum(
  ratings: Ratings,
  ranks: readonly number[],
  options: SvdOptimumOptions = {},
): Promise<SvdOptimum[]> {
  asRatings("svdOptimum", "ratings", ratings);
  if (!Array.isArray(ranks) || ranks.length === 0) {
    throw new OptionError("svdOptimum", "ranks", ranks, "a list of at least one whole number");
  }
  for (const rank of ranks) wholeNumber("svdOptimum", "ranks", rank, 0, svdOptions.rank.max);
  knownOptions(
    "svdOptimum",
    options,
    decompositionOptions.filter((name) => name !== "rank"),
  );
  const { missing = "refuse", center = "none" } = options;
  const rank = Math.max(1, ...ranks);
  resolveOptions("svdOptimum", svdOptions, given({ ...options, rank }));
  if (ratings.size === 0) throw new DataError("svdOptimum: there are no ratings to decompose");
  const { optima } = await optimaOf("svdOptimum", svdMatrix("svdOptimum", ratings, missing, center), ranks, options);
  return optima;
}

/** All singular values of a matrix and its sides, as far as rank and noise see them. */
export interface Spectrum {
  readonly values: ArrayLike<number>;
  readonly short: number;
  readonly long: number;
}

/** Up to this short side all values are computed when the spectrum is wanted. */
const WHOLE_SPECTRUM = 512;
/** What single precision may take from ‖A_k‖_F, as a share of ‖A‖_F. */
const NORM_ROUNDING = 2 ** -20;

/** Whether all values come of an exact decomposition: its time is bounded, that of Krylov steps is not. */
export function hasWholeSpectrum({ users, items }: Ratings): boolean {
  return Math.min(users.size, items.size) <= WHOLE_SPECTRUM && suitsExact(users.size, items.size, 1);
}

/** The optimum at each rank; the spectrum where all values came of the same decomposition. */
export async function optimaOf(
  who: string,
  matrix: SvdMatrix,
  ranks: readonly number[],
  wanted: Omit<Wanted, "rank">,
  isWhole = false,
): Promise<{ readonly optima: SvdOptimum[]; readonly spectrum: Spectrum | undefined }> {
  const { users, items } = matrix.ratings;
  const [short, long] = [Math.min(users.size, items.size), Math.max(users.size, items.size)];
  const most = Math.min(Math.max(1, ...ranks), short);
  // Where it is decomposed exactly all values come at the same cost.
  const all = suitsExact(users.size, items.size, most) || (isWhole && short <= WHOLE_SPECTRUM);
  const svd = await decompose(who, matrix, { ...wanted, rank: all ? short : most });
  const optima = ranks.map((rank) => optimumAt(rank, short, matrix.squared, svd));
  return { optima, spectrum: all && svd.stopped !== "steps" ? { values: svd.values, short, long } : undefined };
}

function optimumAt(rank: number, short: number, squared: number, svd: TruncatedSvd): SvdOptimum {
  const { values, residuals, exact, stopped } = svd;
  if (rank >= short) return { rank, optimum: 0, atLeast: 0, stopped };
  if (exact) {
    // The tail is summed instead of subtracted: it may be far smaller than the whole.
    const optimum = Math.sqrt(sumOfSquares(values.subarray(rank)));
    return { rank, optimum, atLeast: optimum, stopped };
  }
  const found = values.subarray(0, rank);
  const optimum = Math.sqrt(Math.max(0, squared - sumOfSquares(found)));
  if (stopped === "steps") return { rank, optimum, atLeast: undefined, stopped };
  const largest = found.map((value, j) => value + residuals[j]);
  // Values that were not found are rounding beside the largest.
  const missed = Math.max(0, rank - found.length) * (LEAST_SHARE * (values[0] ?? 0)) ** 2;
  const reached = Math.sqrt(sumOfSquares(largest) + missed) + NORM_ROUNDING * Math.sqrt(squared);
  return { rank, optimum, atLeast: Math.sqrt(Math.max(0, squared - reached ** 2)), stopped };
}

/** From the smallest on. */
function sumOfSquares(values: Float64Array): number {
  let sum = 0;
  for (let j = values.length - 1; j >= 0; j--) sum += values[j] ** 2;
  return sum;
}
