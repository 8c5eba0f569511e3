/**
 * Truncated singular value decomposition: the best approximation of the whole matrix by one of this rank.
 *
 *   minimise  Σ_all cells (z_ui − x_u·y_i)²    with z the ratings less the centre, x_u = U√Σ, y_i = V√Σ of the best `rank` values
 *
 * sums, no means and no halves, no penalty. Every cell counts: ratings with holes are refused, or count as 0 (less the
 * centre: a hole then stands for the centre) with missing "zero"; of clicks, what was not chosen is 0.
 * Source: Eckart & Young, Psychometrika 1936. How it is computed: exact.ts, krylov.ts.
 */
import type { Kernels } from "../../kernels/index.ts";
import type { Center, FactorModel, RowObjective } from "../../model/index.ts";
import { type Ratings, standardDeviation, transposedBytes } from "../../ratings/index.ts";
import { throwIfAborted } from "../../support/index.ts";
import type { Slope } from "../certificate.ts";
import { centerOption, rankOption } from "../common-options.ts";
import type { Factorizer, Run, RunState, StartFrom } from "../factorizer.ts";
import { type OptionTable, resolveOptions } from "../options.ts";
import { provenanceOf } from "../provenance.ts";
import { aboveRounding } from "../rounding.ts";
import { decomposerBytes, decomposerOf } from "./decompose.ts";
import type { Decomposer, TruncatedSvd } from "./decomposer.ts";
import { type Missing, missingChoices, type SvdMatrix, svdMatrix } from "./matrix.ts";

const accuracyOption = {
  type: "number",
  default: 1e-4,
  min: 1e-6,
  max: 0.1,
  about: "wanted bound of each singular value's relative error; the error itself is near its square",
} as const;

const stepsOption = {
  type: "whole",
  default: 200,
  min: 1,
  max: 10_000,
  about: "Krylov steps at most; fewer when the accuracy is reached",
} as const;

export const svdOptions = {
  rank: rankOption(32),
  missing: {
    type: "choice",
    default: "refuse",
    choices: missingChoices,
    about: "cells without a rating: refuse them, or count them as 0 (less the centre); clicks have none",
  },
  center: centerOption("none"),
  accuracy: accuracyOption,
  steps: stepsOption,
} as const satisfies OptionTable;

/** Options of `svd`; every one may be left out. */
export interface SvdOptions {
  /** Latent dimension, 1 to 1024. Default 32 */
  readonly rank?: number;
  /** Cells without a rating: `refuse` (default), or `zero` */
  readonly missing?: Missing;
  /** What is subtracted from each rating before. Default `none` */
  readonly center?: Center;
  /** Wanted bound of each singular value's relative error, 1e-6 to 0.1. Default 1e-4 */
  readonly accuracy?: number;
  /** Krylov steps at most, 1 to 10,000. Default 200 */
  readonly steps?: number;
}

/**
 * Truncated singular value decomposition.
 *
 * @throws OptionError for an unknown option or a value out of range
 */
export function svd(given: SvdOptions = {}): Factorizer {
  const options = resolveOptions("svd", svdOptions, given);
  const { rank, missing, center, accuracy, steps } = options;
  return {
    name: "svd",
    options,
    rank,
    passName: "steps",
    passes: steps,
    mayEndEarly: true,
    ignores: ["time"],
    lowerRank: (model, { loss }) => firstColumns(model, options, loss[loss.length - 1]),
    bytesFor: (ratings: Ratings, kernels: Kernels) => decomposerBytes(ratings, rank, kernels),
    // The ratings by item, and the cells less the centre.
    hostBytes: ({ byUser, size }: Ratings) => transposedBytes(byUser) + 4 * size,
    start: async (ratings: Ratings, kernels: Kernels, seed: number, from?: StartFrom) => {
      const matrix = svdMatrix("svd", ratings, missing, center);
      const decomposer = decomposerOf("svd", matrix, { rank, accuracy, seed }, kernels, from?.state.arrays);
      return new SvdRun(matrix, decomposer, { options, center, seed, kernels });
    },
  };
}

interface SvdFacts {
  readonly options: Readonly<Record<string, unknown>>;
  readonly center: Center;
  readonly seed: number;
  readonly kernels: Kernels;
}

class SvdRun implements Run {
  readonly lossName: string;
  readonly #matrix: SvdMatrix;
  readonly #decomposer: Decomposer;
  readonly #facts: SvdFacts;
  readonly #cells: number;
  /** Root mean square of all cells, before a centre is taken */
  readonly #size: number;
  /** What the last step left of the sum of the squares; undefined before one was made here */
  #rest: number | undefined;

  constructor(matrix: SvdMatrix, decomposer: Decomposer, facts: SvdFacts) {
    const { users, items, byUser, size } = matrix.ratings;
    this.lossName = matrix.ratings.isComplete ? "training RMSE" : "RMSE over all cells";
    this.#matrix = matrix;
    this.#decomposer = decomposer;
    this.#facts = facts;
    this.#cells = users.size * items.size;
    this.#size = standardDeviation(byUser.value, 0) * Math.sqrt(size / this.#cells);
  }

  get finished(): boolean {
    return this.#decomposer.finished;
  }

  /** The error of the zero model, which is that of the centre alone. */
  get initialLoss(): number {
    return this.#rmse(this.#matrix.squared);
  }

  /** One step a call: each is long enough for the loop. */
  async passes(_most: number, signal: AbortSignal | undefined): Promise<readonly number[]> {
    const atTurn = () => throwIfAborted("svd", signal);
    atTurn();
    this.#rest = await this.#decomposer.step(atTurn);
    return [this.#rmse(this.#rest)];
  }

  #rmse(squared: number): number {
    return aboveRounding(Math.sqrt(squared / this.#cells), this.#size);
  }

  /** Of Σ_all cells (z − x·y)² at X = U√Σ, Y = V√Σ: 0 for X, 2 (Vσ − AᵀU) √σ for each column of Y. */
  async slope(signal?: AbortSignal): Promise<Slope> {
    const { values, residuals } = await this.#decomposer.result(() => throwIfAborted("svd", signal));
    let [norm, size, rest] = [0, 0, this.#matrix.squared];
    for (const [j, value] of values.entries()) {
      norm += 4 * value * residuals[j] ** 2;
      size += 2 * value;
      rest -= value * value;
    }
    const cost = this.#cells * this.#rmse(this.#rest ?? Math.max(0, rest)) ** 2;
    return { norm: Math.sqrt(norm), cost, size: Math.sqrt(size) };
  }

  state(): RunState {
    return { arrays: this.#decomposer.state() };
  }

  async model(passes: number, signal?: AbortSignal): Promise<FactorModel> {
    const { ratings, center } = this.#matrix;
    const { byUser, users, items, hasRatings, min, max } = ratings;
    const { options, seed, kernels } = this.#facts;
    const svd = await this.#decomposer.result(() => throwIfAborted("svd", signal));
    // A matrix of zeros has no singular value above 0: one column of zeros says so.
    const rank = Math.max(1, svd.rank);
    return {
      kind: "factors",
      rank,
      users,
      items,
      userFactors: scaledVectors(svd.userVectors, svd, users.size),
      itemFactors: scaledVectors(svd.itemVectors, svd, items.size),
      userBias: center.user && Float32Array.from(center.user),
      itemBias: center.item && Float32Array.from(center.item),
      mean: center.mean,
      scale: hasRatings ? "rating" : "preference",
      range: hasRatings ? { min, max } : undefined,
      objective: svd.rank === 0 ? undefined : this.#objective(),
      history: byUser,
      provenance: provenanceOf({ name: "svd", options }, ratings, kernels, seed, passes),
    };
  }

  close(): void {
    this.#decomposer.close();
  }

  /**
   * How a row follows from its history, where one of the two row problems says it: over the ratings there are for complete
   * data, over all cells with targets 1 and 0 for clicks that are all 1. Ratings with holes counted as 0, and numbers of
   * events, are neither.
   */
  #objective(): RowObjective | undefined {
    const { ratings } = this.#matrix;
    const penalty = { regularization: 0, regularizationExponent: 0 };
    if (ratings.hasRatings) {
      if (!ratings.isComplete) return undefined;
      return {
        kind: "explicit",
        ...penalty,
        center: this.#facts.center,
        biases: "none",
        biasRegularization: undefined,
        biasRegularizationExponent: 0,
      };
    }
    if (ratings.min !== 1 || ratings.max !== 1) return undefined;
    const confidence = { confidence: "constant", confidenceScale: 0 } as const;
    return { kind: "implicit", ...penalty, unobservedWeight: 1, observedInUnobserved: false, ...confidence };
  }
}

/** The model of the first columns: singular vectors do not depend on how many there are. @param lossOfAll of the model */
function firstColumns(
  model: FactorModel,
  options: Readonly<Record<string, unknown>> & { readonly rank: number },
  lossOfAll: number,
): { model: FactorModel; loss: number } {
  const rank = Math.min(options.rank, model.rank);
  const userFactors = cut(model.userFactors, model.rank, rank);
  const itemFactors = cut(model.itemFactors, model.rank, rank);
  // A column of U√Σ has the squared length σ.
  const values = new Float64Array(model.rank);
  for (let at = 0; at < model.userFactors.length; at++) values[at % model.rank] += model.userFactors[at] ** 2;
  const meanSquare = (of: Float64Array) =>
    of.reduceRight((sum, value) => sum + value * value, 0) / (model.users.size * model.items.size);
  const size = Math.sqrt(meanSquare(values) + lossOfAll ** 2 + squaredLevel(model));
  const loss = Math.sqrt(meanSquare(values.subarray(rank)) + lossOfAll ** 2);
  const provenance = { ...model.provenance, options };
  return { model: { ...model, rank, userFactors, itemFactors, provenance }, loss: aboveRounding(loss, size) };
}

/** Mean square of the centre that a model adds to its products. */
function squaredLevel({ mean, userBias, itemBias }: FactorModel): number {
  const side = userBias ?? itemBias ?? Float32Array.of(0);
  return side.reduce((sum, bias) => sum + (mean + bias) ** 2, 0) / side.length;
}

/** The first `rank` of `from` columns. */
function cut(table: Float32Array, from: number, rank: number): Float32Array {
  const rows = table.length / from;
  const out = new Float32Array(rows * rank);
  for (let r = 0; r < rows; r++) out.set(table.subarray(r * from, r * from + rank), r * rank);
  return out;
}

/** f32[rows × rank]: each column times the root of its singular value. */
function scaledVectors(vectors: Float64Array, { rank, values }: TruncatedSvd, rows: number): Float32Array {
  if (rank === 0) return new Float32Array(rows);
  const out = new Float32Array(rows * rank);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < rank; j++) out[r * rank + j] = vectors[r * rank + j] * Math.sqrt(values[j]);
  }
  return out;
}
