/** Room `arrays`: NumPy files (.npy, .npz) come in and Ratings go out; a model comes in and NumPy files go out. */

export { type ArrayName, arrayNames } from "../file-words.ts";
export { fileOf, holdsArrays, isMemberPath } from "./array-file.ts";
export type { IdSource } from "./ids.ts";
export { type MatrixMeaning, type MatrixOptions, matrixRatings, readMatrix } from "./read-matrix.ts";
export { checkArraysWritable, type SaveArraysOptions, saveArrays } from "./save-arrays.ts";
