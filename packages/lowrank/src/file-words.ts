/**
 * The words for formats and encodings of rating files. Apart from the readers, so that commands which read no ratings can list
 * them in their flags without loading these.
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
