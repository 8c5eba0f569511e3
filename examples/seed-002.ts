/**
 * Seed notebook 002: collaborative filtering on MovieLens latest-small, 100 features, a bias for each user, L2, movie means
 * taken out, 15,000 steps of Adam with all ratings; the parameters saved for NumPy. Then the same cost by least squares.
 *
 *     npm run example -- seed-002 [STEPS] [ratings.csv]
 */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { als, evaluate, factorize, gradient, type Model, randomSplit, scorerOf } from "@lowrank/core";
import { readRatings, saveArrays } from "lowrank";
import { stepsAndFile } from "./lib/arguments.ts";
import { ratingsOf } from "./lib/data.ts";
import { plotLosses } from "./lib/plots.ts";
import { table } from "./lib/print.ts";

const [steps, ratingsFile] = await stepsAndFile(15_000, () => ratingsOf("latest-small"));
const { ratings } = await readRatings(ratingsFile);
const cost = { rank: 100, regularization: 1, biasRegularization: 0, biases: "user", center: "item" } as const;
const adam = gradient({ ...cost, steps, objective: "half", learningRate: 1e-4, init: "kaiming" });

console.log(
  `${ratings.items.size} movies, ${ratings.users.size} users, ${ratings.size} ratings; ${steps} steps of Adam`,
);
const trained = await factorize(ratings, adam);
const every = Math.max(1, Math.floor(steps / 15));
table(
  ["step", "cost J"],
  trained.report.loss.flatMap((loss, i) => ((i + 1) % every === 0 ? [[i + 1, loss]] : [])),
  2,
);
const file = join(await mkdtemp(join(tmpdir(), "lowrank-seed-002-")), "parameters.npz");
await saveArrays(file, trained.model);
console.log(`W, X and b, as user_factors, item_factors and user_bias: ${file}\n`);

console.log("Today: the same cost by alternating least squares, half the squared errors and the penalty");
const target = trained.report.loss.at(-1) ?? Number.NaN;
const seconds = (passes: readonly number[]) => passes.reduce((sum, pass) => sum + pass, 0);
const adamSeconds = seconds(trained.report.seconds.passes);
const solved = await factorize(ratings, als({ ...cost, regularizationExponent: 0, sweeps: 80, initScale: 1e-4 }), {
  validation: { name: "cost J", better: "lower", measure: async (model) => costOf(model) },
});
const reached = solved.report.validation?.values.find(({ value }) => value <= target)?.pass;
const upTo = solved.report.seconds.passes.slice(0, reached);
table(
  ["method", "passes", "cost J", "seconds", "of Adam's time"],
  [
    ["Adam", steps, target, adamSeconds, "1"],
    [
      "als",
      reached ?? 80,
      solved.report.validation?.values[(reached ?? 80) - 1].value ?? Number.NaN,
      seconds(upTo),
      (seconds(upTo) / adamSeconds).toFixed(3),
    ],
  ],
  2,
);

console.log("And the cost itself is not the aim: held-out RMSE on a tenth of the ratings");
const { train, test } = randomSplit(ratings, { testFraction: 0.1, seed: 0 });
const rmse: [string, number][] = [];
for (const [name, method] of [
  ["this cost, als", als({ ...cost, regularizationExponent: 0, sweeps: 80, initScale: 1e-4 })],
  ["als as it comes", als()],
] as const) {
  const { model } = await factorize(train, method);
  rmse.push([name, (await evaluate(model, test, { train })).errors?.rmse ?? Number.NaN]);
}
table(["method", "held-out RMSE"], rmse);
await plotLosses(
  "seed-002-cost",
  "The collaborative filtering cost by step of Adam",
  ["step", "cost"],
  [{ name: "J", values: trained.report.loss }],
);

/** ½ (Σ error² + |W|² + |X|²), in double precision. */
function costOf(model: Model): number {
  if (model.kind !== "factors") throw new Error("a factor model is measured here");
  const scorer = scorerOf(model);
  let sum = 0;
  for (const factors of [model.userFactors, model.itemFactors]) for (const value of factors) sum += value * value;
  const { start, index, value } = ratings.byUser;
  for (let user = 0; user < ratings.users.size; user++) {
    for (let at = start[user]; at < start[user + 1]; at++) sum += (scorer.score(user, index[at]) - value.at(at)) ** 2;
  }
  return sum / 2;
}
