/**
 * How far predicted ratings are from held-out ones.
 *
 *   RMSE = √( Σ (prediction − rating)² / pairs )        MAE = Σ |prediction − rating| / pairs
 *
 * Denominator: all held-out pairs, each counting once (so active users count more; there is no mean per user).
 * Both in units of the rating. Sums in double precision, in the order in which pairs are added.
 */
export interface ErrorSums {
  pairs: number;
  squared: number;
  absolute: number;
}

export function noErrors(): ErrorSums {
  return { pairs: 0, squared: 0, absolute: 0 };
}

export function addError(sums: ErrorSums, prediction: number, rating: number): void {
  const error = prediction - rating;
  sums.pairs++;
  sums.squared += error * error;
  sums.absolute += Math.abs(error);
}

/** Root mean squared error; undefined without pairs. */
export function rmse(sums: ErrorSums): number | undefined {
  return sums.pairs === 0 ? undefined : Math.sqrt(sums.squared / sums.pairs);
}

/** Mean absolute error; undefined without pairs. */
export function mae(sums: ErrorSums): number | undefined {
  return sums.pairs === 0 ? undefined : sums.absolute / sums.pairs;
}
