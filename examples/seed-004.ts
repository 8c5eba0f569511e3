/**
 * Seed notebook 004: 1,000 × 1,000 cells, one in a hundred rated 1 to 4 by chance, embeddings of 20 numbers, one pass of
 * stochastic gradient descent with rate 10⁻⁶. What does that learn, and what could be learned at all?
 */
import { als, evaluate, factorize, gradient, heldOut, plantedWorld, randomSplit, uniformSparse } from "@lowrank/core";
import { plotLosses } from "./lib/plots.ts";
import { table } from "./lib/print.ts";

const ratings = uniformSparse({ users: 1000, items: 1000, density: 0.01, seed: 4 });
/** One rating at a time, the gradient of its squared error, from normal factors: the notebook's loop. */
const notebook = (learningRate: number, epochs: number) =>
  gradient({
    rank: 20,
    objective: "mean",
    optimizer: "sgd",
    batch: "mini",
    batchSize: 1,
    order: "shuffledOnce",
    learningRate,
    schedule: "constant",
    epochs,
    biases: "none",
    center: "none",
    regularization: 0,
    init: "normal",
    initScale: 1,
  });
const variance = 1.25; // of a whole number drawn from 1 to 4: what the mean alone leaves

const asWritten = await factorize(ratings, notebook(1e-6, 1));
const { loss, initialLoss = Number.NaN, findings } = asWritten.report;
console.log(`${ratings.size} ratings, one pass, rate 10⁻⁶: mean squared error`);
table(["before", "seen on the way"], [[initialLoss ** 2, (loss.at(-1) ?? Number.NaN) ** 2]]);
for (const { message, remedy } of findings) console.log(`finding: ${message}; ${remedy}`);

console.log("\nA rate that moves something, and the ratings held out");
const rows: (string | number)[][] = [];
const curves: { name: string; values: number[] }[] = [];
const worlds = {
  "by chance": ratings,
  "with a pattern": plantedWorld({ users: 1000, items: 1000, rank: 3, density: 0.05, seed: 4 }).ratings,
};
for (const [world, all] of Object.entries(worlds)) {
  const { train, test } = randomSplit(all, { testFraction: 0.1, seed: 0 });
  for (const [name, method] of [
    ["notebook, rate 0.01, 50 passes", notebook(0.01, 50)],
    ["als, rank 3", als({ rank: 3 })],
  ] as const) {
    const { model, report } = await factorize(train, method, { validation: heldOut(test, train, "rmse") });
    const values = report.validation?.values.map(({ value }) => value) ?? [];
    curves.push({ name: `${world}: ${method.name === "als" ? "als" : "notebook"}`, values });
    const { errors, rulers } = await evaluate(model, test, { train, rulers: ["biasOnly"] });
    rows.push([
      world,
      name,
      report.loss.at(-1) ?? Number.NaN,
      errors?.rmse ?? Number.NaN,
      rulers[0].errors?.rmse ?? Number.NaN,
    ]);
  }
}
await plotLosses("seed-004-held-out", "Error on ratings held out", ["pass", "held-out RMSE"], curves);
table(["ratings", "method", "training RMSE", "held-out RMSE", "biases only"], rows, 3);
console.log(`Ratings drawn by chance have nothing to learn: the mean alone is ${Math.sqrt(variance).toFixed(3)} off.`);
