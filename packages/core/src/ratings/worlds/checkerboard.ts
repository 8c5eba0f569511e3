/**
 * The checkerboard: user u likes item i where u + i is even. Each user's item on the diagonal is withheld, and any
 * method worth its name must put it first among the items that the user has not seen.
 */
import { knownOptions, wholeNumber } from "../../support/index.ts";
import { CellValues, indexArrayOf } from "../cell-values.ts";
import type { CompressedRows } from "../compressed-rows.ts";
import type { Ratings } from "../ratings.ts";
import { worldRatings } from "./world.ts";

export interface CheckerboardOptions {
  /** Users and items each; default 50, at least 4 */
  readonly size?: number | undefined;
}

export interface Checkerboard {
  /** Likes without the diagonal; no rating column */
  readonly train: Ratings;
  /** The diagonal: the one withheld like of each user, on the same id maps */
  readonly test: Ratings;
  /** Whether user and item are on squares of one colour, seen or withheld */
  likes(user: number, item: number): boolean;
  /** The item to come first for this user */
  withheld(user: number): number;
}

export function checkerboard(options: CheckerboardOptions = {}): Checkerboard {
  knownOptions("checkerboard", options, ["size"]);
  const size = wholeNumber("checkerboard", "size", options.size ?? 50, 4, 1 << 15);
  const likes = (user: number, item: number) => (user + item) % 2 === 0;
  return {
    train: worldRatings(
      ones(size, (user, item) => likes(user, item) && user !== item),
      false,
    ),
    test: worldRatings(
      ones(size, (user, item) => user === item),
      false,
    ),
    likes,
    withheld: (user) => user,
  };
}

function ones(size: number, present: (user: number, item: number) => boolean): CompressedRows {
  const start = new Uint32Array(size + 1);
  const index: number[] = [];
  for (let user = 0; user < size; user++) {
    for (let item = 0; item < size; item++) if (present(user, item)) index.push(item);
    start[user + 1] = index.length;
  }
  return {
    rows: size,
    columns: size,
    start,
    index: indexArrayOf(size).from(index),
    value: new CellValues(Float32Array.of(1), undefined, index.length),
    time: undefined,
  };
}
