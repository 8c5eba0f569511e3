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

/** What was subtracted from the cell of a user and an item: mean + user + item. */
export interface Centre {
  readonly mean: number;
  /** f32[users] */
  readonly user: Float32Array | undefined;
  /** f32[items] */
  readonly item: Float32Array | undefined;
}

export interface SvdMatrix {
  readonly ratings: Ratings;
  readonly centre: Centre;
  /** Every cell is there */
  readonly complete: boolean;
  /** Σ (cell − centre)², over the cells that are there: the others are 0 */
  readonly squared: number;
}

/**
 * @param who for errors, such as `svd`
 * @throws DataError for ratings with holes that were not said to be zero, and for a centre of data without ratings
 */
export function svdMatrix(who: string, ratings: Ratings, missing: Missing, center: Center): SvdMatrix {
  const cells = ratings.users.size * ratings.items.size;
  const complete = ratings.size === cells;
  if (ratings.hasRatings && !complete && missing === "refuse") {
    throw new DataError(
      `${who}: ${cells - ratings.size} of ${cells} cells have no rating, and a singular value decomposition is of a ` +
        'whole matrix; use als() to fit the ratings that are there, or missing: "zero" to count the others as 0',
      { method: who, missing: cells - ratings.size, cells },
    );
  }
  if (!ratings.hasRatings && center !== "none") {
    throw new DataError(`${who}: these records have no rating, so there is no centre to take; leave center out`, {
      method: who,
      center,
    });
  }
  const centre = centreOf(ratings, center);
  return { ratings, centre, complete, squared: sumOfSquares(ratings.byUser, centre) };
}

/** As FactorModel keeps it: the mean of all for every centre but none, and what rows of the centre's side differ from it. */
function centreOf({ byUser, byItem, mean }: Ratings, center: Center): Centre {
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
export function centreAt({ mean, user, item }: Centre, u: number, i: number): number {
  return mean + (user === undefined ? 0 : user[u]) + (item === undefined ? 0 : item[i]);
}

function sumOfSquares({ rows, start, index, value }: CompressedRows, centre: Centre): number {
  let sum = 0;
  for (let user = 0; user < rows; user++) {
    for (let cell = start[user]; cell < start[user + 1]; cell++) {
      sum += (value[cell] - centreAt(centre, user, index[cell])) ** 2;
    }
  }
  return sum;
}

/** The cells less the centre, f32[cells], in the order of `ratings.byUser` or, by item, of `ratings.byItem`. */
export function centred({ ratings, centre }: SvdMatrix, side: "user" | "item", out: Float32Array): void {
  const { rows, start, index, value } = side === "user" ? ratings.byUser : ratings.byItem;
  for (let row = 0; row < rows; row++) {
    for (let cell = start[row]; cell < start[row + 1]; cell++) {
      const other = index[cell];
      out[cell] = value[cell] - (side === "user" ? centreAt(centre, row, other) : centreAt(centre, other, row));
    }
  }
}
