/**
 * Seed notebook 002: collaborative filtering on MovieLens latest-small, 100 features, a bias for each user, L2, movie means
 * taken out, 15,000 steps of Adam with all ratings; the parameters saved for NumPy. Then the same cost by least squares.
 *
 *     npm run example -- seed-002 [STEPS] [ratings.csv]
 */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { als, evaluate, factorize, gradient, randomSplit } from "@lowrank/core";
import { readRatings, saveArrays } from "lowrank";
import { dataFile } from "./lib/data.ts";
import { plotLosses } from "./lib/plots.ts";
import { table } from "./lib/print.ts";

const steps = Number(process.argv[3] ?? 15_000);
const { ratings } = await readRatings(process.argv[4] ?? dataFile("ml-latest-small", "ratings.csv"));
const cost = { rank: 100, regularization: 1, biasRegularization: 0, biases: "user", center: "item" } as const;
const adam = gradient({ ...cost, steps, objective: "half", learningRate: 1e-4, init: "kaiming" });

console.log(`${ratings.items.size} movies, ${ratings.users.size} users, ${ratings.size} ratings; ${steps} steps of Adam`);
const trained = await factorize(ratings, adam);
const every = Math.max(1, Math.floor(steps / 15));
table(["step", "cost J"], trained.report.loss.flatMap((loss, i) => ((i + 1) % every === 0 ? [[i + 1, loss]] : [])), 2);
const file = join(await mkdtemp(join(tmpdir(), "lowrank-seed-002-")), "parameters.npz");
await saveArrays(file, trained.model);
console.log(`W, X and b, as user_factors, item_factors and user_bias: ${file}\n`);

console.log("Today: the same cost by alternating least squares, half the squared errors and the penalty");
const target = trained.report.loss.at(-1) ?? Number.NaN;
const seconds = (passes: readonly number[]) => passes.reduce((sum, pass) => sum + pass, 0);
