/** Room `readers`: paths of files, globs or standard input come in; Ratings and titles go out. DuckDB reads, we explain. */

export { type Encoding, encodings, type Format, formats } from "../file-words.ts";
export { duckdbVersion } from "./duck.ts";
export type { ColumnChoice, ReadOptions } from "./options.ts";
export { type ReadResult, readRatings } from "./read-ratings.ts";
export { readTitles, type TitleOptions } from "./read-titles.ts";
export { sourcePaths } from "./source.ts";
