/** lowrank: everything of @lowrank/core, and what needs Node: readers of files, model files, NumPy files, plots, public data sets. */
export * from "@lowrank/core";
export {
  type ArrayName,
  arrayNames,
  checkArraysWritable,
  type IdSource,
  type MatrixMeaning,
  type MatrixOptions,
  readMatrix,
  type SaveArraysOptions,
  saveArrays,
} from "./arrays/index.ts";
export * from "./checkpoint-files.ts";
export * from "./datasets/index.ts";
export * from "./model-files.ts";
export * from "./plots/index.ts";
export {
  type ColumnChoice,
  type Encoding,
  encodings,
  type Format,
  formats,
  type ReadOptions,
  type ReadResult,
  readRatings,
  readTitles,
  sourcePaths,
  type TitleOptions,
} from "./readers/index.ts";
