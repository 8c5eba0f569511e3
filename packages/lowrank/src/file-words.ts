/**
 * The words for formats and encodings of rating files, and for the arrays of a model. Apart from the rooms that read and write
 * them, so that commands can list the words in their flags without loading these.
 */

export const formats = ["csv", "tsv", "lists", "jsonl", "parquet"] as const;
/**
 * - `csv`: one rating per line, fields separated by anything (`,` `;` tab `::` `|` space)
 * - `tsv`: the same, separated by tabs
 * - `lists`: one user per line, then that user's items
 * - `jsonl`: one JSON object per line
 * - `parquet`
 */
export type Format = (typeof formats)[number];

export const encodings = ["utf-8", "latin-1", "utf-16"] as const;
export type Encoding = (typeof encodings)[number];

/**
 * - `user_factors` float32, users × rank, and `item_factors` float32, items × rank
 * - `user_bias` float32, users, and `item_bias` float32, items: where the model has them
 * - `mean` float64, one number
 * - `user_ids`, `item_ids`: int64 or text, in the order of the rows
 */
export const arrayNames = [
  "user_factors",
  "item_factors",
  "user_bias",
  "item_bias",
  "mean",
  "user_ids",
  "item_ids",
] as const;
export type ArrayName = (typeof arrayNames)[number];

const IN_FILE = "as a tensor, which docs/model-file.md reads with five lines of Python";

/** Why models of other kinds have no such arrays, and what they have instead. */
export const noArrays = {
  net: `a net is more than tables: its model file holds every layer ${IN_FILE}`,
  items: `a model of items has weights instead of tables: its model file holds each part of them ${IN_FILE}`,
} as const;
