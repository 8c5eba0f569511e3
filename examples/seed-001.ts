/**
 * Seed notebook 001: stochastic gradient descent entry by entry, held against the truncated SVD, which no factorization of
 * the same rank can beat; then the same with two entries missing.
 */
import { als, factorize, ratingsFromDense, scorerOf, sgd, svd, truncatedSvd } from "@lowrank/core";
import { plotLosses } from "./lib/plots.ts";
import { matrix, predictions, table } from "./lib/print.ts";

const A = [
  [0.3374, 0.6005, 0.1735],
  [3.3359, 0.0492, 1.8374],
  [2.9407, 0.5301, 2.262],
];
const ratings = ratingsFromDense(A);
/** Rate 0.01, row by row, the item's row moved by the user's new row, from factors uniform in [0, 1): the notebook's loop. */
const notebook = sgd({
  rank: 2,
  epochs: 1000,
  learningRate: 0.01,
  schedule: "constant",
  order: "rows",
  update: "alternately",
  biases: "none",
  center: "none",
  regularization: 0,
  init: "positive",
  initScale: 1,
});
/** Σ over every entry of A, those hidden in training too. */
const squaredError = (rows: readonly ArrayLike<number>[]) =>
  A.flat().reduce((sum, a, i) => sum + (a - rows[Math.floor(i / 3)][i % 3]) ** 2, 0);

const { model, report } = await factorize(ratings, notebook, { seed: 1 });
matrix("A", A, 4);
matrix("U·Vᵀ after 1,000 epochs", predictions(model, 3), 4);
const { values } = await truncatedSvd(ratings, { rank: 3 });
console.log(`Singular values of A: ${Array.from(values, (value) => value.toFixed(4)).join(", ")}`);
const bound = values[2] ** 2;
const losses = [];
for (let seed = 0; seed < 200; seed++) {
  const run = await factorize(ratings, notebook, { seed });
  losses.push(squaredError(predictions(run.model, 3)));
}
losses.sort((a, b) => a - b);
const exact = await factorize(ratings, svd({ rank: 2 }));
console.log("Sum of squared errors at rank 2: 200 starts; the least there is, σ₃²; and what svd() reaches at once");
table(
  ["best start", "median", "worst", "σ₃²", "svd()"],
  [[losses[0], losses[100], losses[199], bound, squaredError(predictions(exact.model, 3))]],
  6,
);

const hidden = [
  [1, 0],
  [2, 1],
] as const;
const train = ratingsFromDense(
  A.map((row, r) => row.map((a, c) => (hidden.some(([hr, hc]) => hr === r && hc === c) ? Number.NaN : a))),
);
const filledIn = { notebook: hidden.map((): number[] => []), als: hidden.map((): number[] => []) };
for (let seed = 0; seed < 200; seed++) {
  for (const [name, method] of [
    ["notebook", notebook],
    ["als", als({ rank: 1, sweeps: 200, regularization: 0.01, biases: "none", center: "none" })],
  ] as const) {
    const scorer = scorerOf((await factorize(train, method, { seed })).model);
    for (const [i, [r, c]] of hidden.entries()) filledIn[name][i].push(scorer.score(r, c));
  }
}
console.log(
  "Two entries hidden; of 200 starts the tenth part, the middle, nine tenths. 7 entries cannot settle rank 2; rank 1 they can",
);
const middle = (values: readonly number[]) => {
  const sorted = [...values].sort((a, b) => a - b);
  return [20, 100, 179].map((place) => sorted[place].toFixed(2)).join(" · ");
};
table(
  ["hidden entry", "A", "notebook, rank 2", "als, rank 1"],
  hidden.map(([r, c], i) => [`row ${r}, column ${c}`, A[r][c], middle(filledIn.notebook[i]), middle(filledIn.als[i])]),
);
await plotLosses(
  "seed-001-loss",
  "SGD entry by entry: the error seen in each epoch",
  ["epoch", "RMSE"],
  [{ name: "rank 2", values: report.loss }],
);
