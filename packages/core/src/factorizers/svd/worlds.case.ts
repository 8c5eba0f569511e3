/** Matrices by formula for the tests of svd, of which SciPy computed the singular values. */
import { type Ratings, ratingsFrom, ratingsFromDense } from "../../ratings/index.ts";

/** 40 users × 30 items, every cell there: ((7 u + 3 i² + u i) mod 11) / 2. */
export function completeWorld(): Ratings {
  return ratingsFromDense(
    Array.from({ length: 40 }, (_, u) =>
      Float64Array.from({ length: 30 }, (_, i) => ((u * 7 + i * i * 3 + u * i) % 11) / 2),
    ),
  );
}

/** 25,787 clicks where (31 u² + 17 i + 7 u i) mod 97 < 4: a matrix of rank 93, of 700 users × 900 items with those without a click. */
export function clickWorld(): Ratings {
  const records: { user: number; item: number }[] = [];
  for (let user = 0; user < 700; user++) {
    for (let item = 0; item < 900; item++) {
      if ((user * user * 31 + item * 17 + user * item * 7) % 97 < 4) records.push({ user, item });
    }
  }
  return ratingsFrom(records);
}

/** 134,208 ratings of 700 users and 900 items 1 + ((u + 2 i) mod 9) / 2 where (5 u + 3 i + u i) mod 13 < 3. */
export function holedWorld(): Ratings {
  const records: { user: number; item: number; rating: number }[] = [];
  for (let user = 0; user < 700; user++) {
    for (let item = 0; item < 900; item++) {
      if ((user * 5 + item * 3 + user * item) % 13 < 3) {
        records.push({ user, item, rating: 1 + ((user + 2 * item) % 9) / 2 });
      }
    }
  }
  return ratingsFrom(records);
}

/** SciPy 1.10.1, scipy.linalg.svdvals in f64, the first values of each world. */
export const scipy = {
  complete: [
    85.69213623506394, 27.898037934081575, 26.041462731648537, 21.96919403009547, 18.06075810535459, 11.87338096725711,
  ],
  completeRest5: 18.434017902341267,
  global: [27.903479079241343, 26.979000472326167, 22.079393331446795],
  globalRest2: 35.91848429135847,
  user: [27.90075672272394, 26.12595528184906, 22.04870990779549],
  item: [27.899815882662224, 26.977021702368003, 22.024992169126424],
  clicks: [
    36.54509934279743, 30.50391925228703, 29.789117693607547, 29.038116025072675, 27.940799592831006,
    27.285315352232473, 26.97563595303136, 26.80642670381215, 26.18721508739962, 25.606518886606057, 25.16697711101183,
    24.79852103081475,
  ],
  holed: [
    549.5511993935452, 439.6029505015989, 437.5145570613798, 317.70075770402633, 316.9043522775581, 276.1634508493778,
    275.5871030838717, 183.945711653426,
  ],
} as const;
