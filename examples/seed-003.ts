/**
 * Seed notebook 003: 14 ratings of 5 users and 4 items (0 = missing) by embeddings with sparse gradients, then by a small
 * dense net. Both fit; which of them predicts?
 */
import { als, denseNet, type Factorizer, factorize, gradient, type Model, ratingsFrom, scorerOf } from "@lowrank/core";
import { plotLosses } from "./lib/plots.ts";
import { dense, matrix, predictions, table } from "./lib/print.ts";

const A = [
  [5, 3, 0, 1],
  [4, 0, 0, 1],
  [1, 1, 0, 5],
  [1, 0, 0, 4],
  [0, 1, 5, 4],
];
const records = A.flatMap((row, user) => row.map((rating, item) => ({ user, item, rating }))).filter(
  ({ rating }) => rating > 0,
);
const ratings = ratingsFrom(records);
/** One rating at a time, row by row, rate 10⁻³, 500 passes: both of the notebook's loops. */
const loop = {
  epochs: 500,
  batchSize: 1,
  order: "rows",
  optimizer: "sgd",
  learningRate: 1e-3,
  schedule: "constant",
  biases: "none",
  center: "none",
  regularization: 0,
  initScale: 1,
} as const;
const embeddings = gradient({ ...loop, rank: 3, batch: "mini", objective: "mean" });
const net = denseNet({ ...loop, rank: 3, hidden: [16], product: false });

/** Best of 50 starts by training error, as one reruns a notebook. */
async function best<M extends Model>(method: Factorizer<M>) {
  const runs = [];
  for (let seed = 0; seed < 50; seed++) runs.push(await factorize(ratings, method, { seed }));
  return runs.reduce((least, run) => (squaredError(run.model) < squaredError(least.model) ? run : least));
}

/** Mean squared error over the ratings. */
function squaredError(model: Model, on = records): number {
  const scorer = scorerOf(model);
  return on.reduce((sum, { user, item, rating }) => sum + (scorer.score(user, item) - rating) ** 2, 0) / on.length;
}

matrix("Ratings (· = missing)", dense(ratings, 5));
for (const [name, method] of [
  ["Embeddings", embeddings],
  ["Dense net", net],
] as const) {
  const { model, report } = await best<Model>(method);
  matrix(
    `${name}, best of 50 starts: mean squared error ${squaredError(model).toExponential(2)}`,
    predictions(model, 5),
  );
  await plotLosses(
    `seed-003-${model.kind}`,
    `${name}: training RMSE by epoch`,
    ["epoch", "RMSE"],
    [{ name, values: report.loss }],
  );
}

console.log("Today: judged on ratings that were left out, each of the 14 once");
const methods: [string, Factorizer<Model>][] = [
  ["embeddings", embeddings],
  ["dense net", net],
  ["als, rank 1", als({ rank: 1 })],
];
const rows: [string, number][] = [];
for (const [name, method] of methods) {
  let sum = 0;
  for (const left of records) {
    // Its user and item stay known: the left-out cell alone is hidden.
    const { model } = await factorize(ratingsFrom(records.filter((record) => record !== left)), method);
    sum += squaredError(model, [left]);
  }
  rows.push([name, Math.sqrt(sum / records.length)]);
}
table(["method", "RMSE of the rating left out"], rows, 3);
