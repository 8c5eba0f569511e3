/** Ratings and settings that tests of denseNet begin with. Not part of the build. */
import { plantedWorld, ratingsFromDense } from "../ratings/index.ts";
import type { DenseNetOptions } from "./dense-net.ts";

/** Seed notebook 003: 0 is missing. */
export const table = [
  [5, 3, 0, 1],
  [4, 0, 0, 1],
  [1, 1, 0, 5],
  [1, 0, 0, 4],
  [0, 1, 5, 4],
];
export const notebook: DenseNetOptions = {
  rank: 3,
  hidden: [16],
  product: false,
  epochs: 500,
  batchSize: 1,
  order: "rows",
  optimizer: "sgd",
  learningRate: 1e-3,
  schedule: "constant",
  regularization: 0,
  biases: "none",
  center: "none",
  initScale: 1,
};
export const small = ratingsFromDense({
  data: Float64Array.from(table.flat(), (rating) => (rating === 0 ? Number.NaN : rating)),
  rows: 5,
  columns: 4,
});

export const world = plantedWorld({
  users: 200,
  items: 120,
  ratings: 9000,
  rank: 2,
  noise: 0.2,
  seed: 3,
  scale: { min: 1, max: 5, step: 0.5 },
}).ratings;
/** Of a tenth the size, where a model is made many times. */
export const tenth = plantedWorld({
  users: 60,
  items: 40,
  ratings: 900,
  rank: 2,
  noise: 0.2,
  seed: 3,
  scale: { min: 1, max: 5, step: 0.5 },
}).ratings;
export const quick: DenseNetOptions = { rank: 6, hidden: [12, 8], epochs: 4, batchSize: 100 };
