/**
 * The best that any model of a method can do over complete ratings: ratings, method and ranks in, distances out.
 *
 * Fitted biases are part of a model: with a bias b for each user, the least ‖Z − b·1ᵀ − X·Yᵀ‖_F over all b, X and Y is what
 * the singular values leave of Z·P, Z less the mean of each row (P = I − 11ᵀ/n). It cannot be less: P takes b·1ᵀ to 0 and a
 * matrix of rank k to one of rank k at most, and no distance grows under it. And it is reached, since Z − Z·P is itself of
 * the form b·1ᵀ. Items, and both sides at once, alike. So the optimum is that of the model's own rank, biases included.
 */
import type { Kernels } from "../../kernels/index.ts";
import { type Biases, biasSides, type Center, centers, isBiased, type Model, rowCenters } from "../../model/index.ts";
import { type CompressedRows, type Ratings, standardDeviation } from "../../ratings/index.ts";
import type { Factorizer } from "../factorizer.ts";
import { aboveRounding } from "../rounding.ts";
import { type CenterLevels, centerLevels, matrixLess } from "./matrix.ts";
import { optimaOf, type Spectrum, type SvdOptimum } from "./optimum.ts";

/** What bounds the models of a method. */
export interface ModelOptima {
  /** One for each rank asked for; distances below 2⁻²³ ‖A‖_F are 0, since the models that they bound are kept in single precision */
  readonly optima: readonly SvdOptimum[];
  /** Of the matrix that the factors stand against */
  readonly spectrum: Spectrum | undefined;
  /** ‖A − center‖_F */
  readonly whole: number;
  /** The method fits biases, so that rows or columns were taken less their means */
  readonly hasBiases: boolean;
}

/**
 * What no model of this method can beat over complete ratings, at each rank. It holds for models on the scale of the
 * ratings (`scale: "rating"`) that are two tables of that rank beside biases and centre, whatever else they are trained to.
 *
 * @param ratings complete
 * @param train what the method takes its centre from; of the same users and items
 * @param options `isWhole`: all singular values where the shorter side is at most 512
 */
export async function modelOptima(
  method: Factorizer<Model>,
  ranks: readonly number[],
  ratings: Ratings,
  train: Ratings,
  options: { readonly kernels: Kernels; readonly signal: AbortSignal | undefined; readonly isWhole?: boolean },
): Promise<ModelOptima | undefined> {
  if (!ratings.hasRatings || !ratings.isComplete) return undefined;
  const { center, biases: fitted } = method.options;
  const own: Center = centers.find((one) => one === center) ?? "none";
  const level = centerLevels(train, own);
  const biases: Biases = biasSides.find((one) => one === fitted) ?? "none";
  const sides = { user: isBiased(biases, "user"), item: isBiased(biases, "item") };
  const matrix = matrixLess(ratings, withMeans(ratings, level, sides));
  const { optima: found, spectrum } = await optimaOf(method.name, matrix, ranks, options, options.isWhole);
  const size = standardDeviation(ratings.byUser.value, 0) * Math.sqrt(ratings.size);
  const optima = found.map(({ optimum, atLeast, ...rest }) => ({
    ...rest,
    optimum: aboveRounding(optimum, size),
    atLeast: atLeast && aboveRounding(atLeast, size),
  }));
  const hasBiases = sides.user || sides.item;
  const whole = Math.sqrt(hasBiases ? matrixLess(ratings, level).squared : matrix.squared);
  return { optima, spectrum: spectrum && withoutMeans(spectrum, ratings, sides), whole, hasBiases };
}

interface Sides {
  readonly user: boolean;
  readonly item: boolean;
}

/** Levels that take from each row and column of the sides with fitted biases what its mean differs from the center. */
function withMeans({ byUser, byItem, mean }: Ratings, level: CenterLevels, sides: Sides): CenterLevels {
  if (!sides.user && !sides.item) return level;
  const differences = (side: CompressedRows) => {
    const out = new Float64Array(side.rows);
    rowCenters(side.start, side.value, mean, out);
    return out;
  };
  // A mean taken away on one side leaves the other side's differences as they are: every cell is there.
  const user = sides.user ? differences(byUser) : level.user;
  const item = sides.item ? differences(byItem) : level.item;
  const rest = sides.user ? (sides.item ? 0 : meanOf(level.item)) : meanOf(level.user);
  return { mean: mean - rest, user, item };
}

function meanOf(values: Float32Array | Float64Array | undefined): number {
  if (values === undefined) return 0;
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Rows without their means are orthogonal to a row of ones: one value is 0 and one column is none. */
function withoutMeans({ values }: Spectrum, { users, items }: Ratings, sides: Sides): Spectrum | undefined {
  const rows = users.size - (sides.item ? 1 : 0);
  const columns = items.size - (sides.user ? 1 : 0);
  const [short, long] = [Math.min(rows, columns), Math.max(rows, columns)];
  if (short === 0) return undefined;
  return { values: Array.from(values).slice(0, short), short, long };
}
