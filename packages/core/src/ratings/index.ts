/**
 * Room `ratings`: records come in, clean Ratings go out: sorted ids, cells both ways round, a report of what was merged
 * or dropped. Also splits into train and test, and made-up worlds with a known answer.
 */
export * from "./align.ts";
export * from "./builder.ts";
export {
  CellValues,
  type Indexes,
  indexArray,
  indexArrayOf,
  narrowIndexes,
  wideBlocks,
  wideIndexes,
} from "./cell-values.ts";
export { type CompressedRows, type TransposedArrays, transposedBytes } from "./compressed-rows.ts";
export * from "./dense.ts";
export * from "./describe.ts";
export { IdMap, type Side } from "./id-map.ts";
export { asRatings, Ratings, type RatingsParts, subset } from "./ratings.ts";
export * from "./records.ts";
export { someHistories } from "./sample.ts";
export * from "./sources.ts";
export * from "./splits.ts";
export * from "./worlds/checkerboard.ts";
export * from "./worlds/planted.ts";
export * from "./worlds/uniform-sparse.ts";
