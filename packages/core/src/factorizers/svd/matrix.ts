/**
 * The matrix that svd() decomposes: ratings in, numbers without holes out.
 *
 * Missing is missing, so ratings with holes are refused unless the caller says that a hole stands for zero. Data without a
 * rating column have no holes: what was not chosen is 0. A centre is taken from the cells that are there; with
 * `missing: "zero"` it is the centre's place that a missing cell then takes, not the number 0.
 */
import { type Center, rowCenters } from "../../model/index.ts";
import type { CompressedRows, Ratings } from "../../ratings/index.ts";
import { DataError } from "../../support/index.ts";

export const missingChoices = ["refuse", "zero"] as const;
export type Missing = (typeof missingChoices)[number];

/** What is subtracted from the cell of a user and an item: mean + user + item. */
export interface CenterLevels {
  readonly mean: number;
  /** [users] */
  readonly user: Float32Array | Float64Array | undefined;
  /** [items] */
  readonly item: Float32Array | Float64Array | undefined;
}

export interface SvdMatrix {
  readonly ratings: Ratings;
  readonly center: CenterLevels;
  /** Σ (cell − center)², over the cells that are there: the others are 0 */
  readonly squared: number;
}

/**
 * @param who for errors, such as `svd`
 * @throws DataError for ratings with holes that were not said to be zero, and for a centre of data without ratings
 */
export function svdMatrix(who: string, ratings: Ratings, missing: Missing, center: Center): SvdMatrix {
  if (ratings.hasRatings && !ratings.isComplete && missing === "refuse") {
    const cells = ratings.users.size * ratings.items.size;
    throw new DataError(
      `${who}: ${cells - ratings.size} of ${cells} cells have no rating, and a singular value decomposition is of a ` +
        'whole matrix; use als() to fit the ratings that are there, or missing: "zero" to count the others as 0. ' +
        "Ratings held out are missing as well; how near svd comes to complete ratings is in its certificate, without a split",
      { method: who, missing: cells - ratings.size, cells },
    );
  }
  if (!ratings.hasRatings && center !== "none") {
    throw new DataError(`${who}: these records have no rating, so there is no centre to take; leave center out`, {
      method: who,
      center,
    });
  }
  return matrixLess(ratings, centerLevels(ratings, center));
}

export function matrixLess(ratings: Ratings, center: CenterLevels): SvdMatrix {
  return { ratings, center, squared: sumOfSquares(ratings.byUser, center) };
}

/** As FactorModel keeps it: the mean of all for every center but none, and what rows of its side differ from it, in f32. */
export function centerLevels({ byUser, byItem, mean }: Ratings, center: Center): CenterLevels {
  const levels = (side: CompressedRows) => {
    const out = new Float32Array(side.rows);
    rowCenters(side.start, side.value, mean, out);
    return out;
  };
  return {
    mean: center === "none" ? 0 : mean,
    user: center === "user" ? levels(byUser) : undefined,
    item: center === "item" ? levels(byItem) : undefined,
  };
}

/** What is subtracted from the cell of a user and an item. */
export function centerAt({ mean, user, item }: CenterLevels, u: number, i: number): number {
  return mean + (user === undefined ? 0 : user[u]) + (item === undefined ? 0 : item[i]);
}

function sumOfSquares({ rows, start, index, value }: CompressedRows, center: CenterLevels): number {
  let sum = 0;
  for (let user = 0; user < rows; user++) {
    for (let cell = start[user]; cell < start[user + 1]; cell++) {
      sum += (value.at(cell) - centerAt(center, user, index[cell])) ** 2;
    }
  }
  return sum;
}

/**
 * The cells less the center, f32[cells], in the order of `ratings.byUser` or, by item, of `ratings.byItem`.
 *
 * @param scale what each is multiplied by, a power of two
 */
export function centeredCells(
  { ratings, center }: SvdMatrix,
  side: "user" | "item",
  scale: number,
  out: Float32Array,
): void {
  const { rows, start, index, value } = side === "user" ? ratings.byUser : ratings.byItem;
  for (let row = 0; row < rows; row++) {
    for (let cell = start[row]; cell < start[row + 1]; cell++) {
      const other = index[cell];
      const level = side === "user" ? centerAt(center, row, other) : centerAt(center, other, row);
      out[cell] = scale * (value.at(cell) - level);
    }
  }
}

/** The largest |cell − center|. */
export function largestCell({ ratings, center }: SvdMatrix): number {
  const { rows, start, index, value } = ratings.byUser;
  let largest = 0;
  for (let user = 0; user < rows; user++) {
    for (let cell = start[user]; cell < start[user + 1]; cell++) {
      largest = Math.max(largest, Math.abs(value.at(cell) - centerAt(center, user, index[cell])));
    }
  }
  return largest;
}
