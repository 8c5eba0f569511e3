/**
 * Centres of rows around a training by descent: ratings go in without them, biases come out with them.
 *
 * In double precision, rounded once. The mean of all is not here: it is the offset of every score.
 */
import type { Reals } from "../kernels/index.ts";
import { type Center, rowCenters, withoutCenters } from "../model/index.ts";
import type { CompressedRows, Ratings } from "../ratings/index.ts";

/** What the mean of each row of the centre's side differs from the mean of all; undefined for a side that is no centre. */
export interface RowCenters {
  readonly user: Float64Array | undefined;
  readonly item: Float64Array | undefined;
}

export function rowCentersOf(center: Center, ratings: Ratings): RowCenters {
  if (center === "item") return { user: undefined, item: itemCenters(ratings) };
  if (center !== "user") return { user: undefined, item: undefined };
  const { rows, start, value } = ratings.byUser;
  const user = new Float64Array(rows);
  rowCenters(start, value, ratings.mean, user);
  return { user, item: undefined };
}

/** As `rowCenters` of the ratings by item, bit for bit, without making these: an item's ratings come in the same order. */
function itemCenters({ byUser, itemCounts, mean }: Ratings): Float64Array {
  const { index, value } = byUser;
  const out = new Float64Array(itemCounts.length);
  let cell = 0;
  for (const block of value.blocks()) for (let i = 0; i < block.length; i++) out[index[cell++]] += block[i];
  for (let item = 0; item < out.length; item++) {
    const count = itemCounts[item];
    out[item] = count === 0 ? 0 : out[item] / count - mean;
  }
  return out;
}

/** @param out [ratings], user by user */
export function ratingsWithoutCenters({ start, index, value }: CompressedRows, { user, item }: RowCenters, out: Reals) {
  withoutCenters(start, value, user, out);
  if (item === undefined) return;
  for (let entry = 0; entry < index.length; entry++) out[entry] -= item[index[entry]];
}

/** A fitted bias times its unit, and a centre; undefined where there is neither. */
export function biasWithCenter(
  bias: Reals | undefined,
  unit: number,
  center: Float64Array | undefined,
): Float32Array | undefined {
  if (bias === undefined) return center === undefined ? undefined : Float32Array.from(center);
  return Float32Array.from(bias, (fitted, row) => unit * fitted + (center === undefined ? 0 : center[row]));
}
