/**
 * Seed notebook 000: what is a 20 × 10 matrix as a product of two thin ones, found by Adam on the norm of the error?
 * Which rank? And what happens when half of the entries are missing?
 */
import { als, evaluate, factorize, gradient, randomSplit, rankSweep, ratingsFromDense } from "@lowrank/core";
import { plotLosses, plotMatrices, plotRanks } from "./lib/plots.ts";
import { dense, matrix, predictions, table } from "./lib/print.ts";

// The notebook's matrix, a digit an entry.
const digits =
  "2132152131 2522124341 5351154131 4251324233 3132235343 4354351313 1453322225 5445352434 1515344425 4435542424 5343131211 4355523451 4455334323 1142521511 3132253133 5544433531 4424151233 5354144445 1341513424 4255431342";
const A = digits.split(" ").map((row) => Array.from(row, Number));
const ratings = ratingsFromDense(A);
/** Adam with rate 0.01 on the un-squared norm, from normal factors, without biases: what the notebook's code does. */
const notebook = (rank: number, steps = 1000) =>
  gradient({
    rank,
    steps,
    objective: "norm",
    learningRate: 0.01,
    biases: "none",
    center: "none",
    regularization: 0,
    init: "normal",
    initScale: 1,
  });

const { model, report } = await factorize(ratings, notebook(3, 600));
console.log("Loss ‖W·H − A‖ before the first step, then after every 100");
table(
  ["step", "loss"],
  [
    [0, report.initialLoss ?? Number.NaN],
    ...report.loss.flatMap((loss, i) => ((i + 1) % 100 === 0 ? [[i + 1, loss]] : [])),
  ],
);
matrix("A, first rows", dense(ratings, 2));
matrix("W·H, the same rows", predictions(model, 2));

const sweep = await rankSweep(ratings, { ranks: [1, 2, 3, 4, 5, 6, 7, 8, 9], method: (rank) => notebook(rank) });
console.log("Loss by rank, beside the least that any matrix of that rank can have (the singular values left out)");
table(
  ["rank", "loss", "SVD bound"],
  sweep.rows.map(({ rank, loss, svdOptimum }) => [rank, loss ?? Number.NaN, svdOptimum?.optimum ?? Number.NaN]),
);

const { train, test } = randomSplit(ratings, { testFraction: 0.5, seed: 1 });
const masked = await factorize(train, notebook(5));
matrix("Half of A hidden (·)", dense(train, 2));
matrix(
  "Its W·H at rank 5, 1,000 steps: the entries that were there come out right, the others at any height",
  predictions(masked.model, 2),
);
for (const { message, remedy } of masked.report.findings) console.log(`finding: ${message}; ${remedy}`);

console.log("\nToday: penalised least squares, judged on the entries that were hidden");
const rows: (string | number)[][] = [];
for (const [name, method] of [
  ["notebook, rank 5", notebook(5)],
  ["notebook, rank 2", notebook(2)],
  ["als, rank 2", als({ rank: 2 })],
] as const) {
  const fit = await factorize(train, method);
  const { errors } = await evaluate(fit.model, test, { train });
  rows.push([name, errors?.rmse ?? Number.NaN]);
}
table(["method", "RMSE of hidden entries"], rows, 3);
await plotLosses(
  "seed-000-loss",
  "Adam on the norm of the error, rank 3",
  ["step", "loss"],
  [{ name: "‖W·H − A‖", values: report.loss }],
);
await plotRanks("seed-000-ranks", "Loss by rank, and the SVD bound", sweep);
await plotMatrices("seed-000-masked", "Half of the entries hidden, and what is put in their place", [
  { title: "A", matrix: dense(train, 20) },
  { title: "W·H, rank 5", matrix: predictions(masked.model, 20) },
]);
