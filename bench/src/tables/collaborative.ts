/** The cost of seed notebook 002 by 15,000 steps of Adam and by alternating least squares: time to the same cost. */
import { als, factorize, gradient, type Model, openKernels, type Ratings, scorerOf } from "@lowrank/core";
import { readRatings } from "lowrank";
import { dataFile } from "../data.ts";
import { time, times } from "../page.ts";
import type { Context, Table } from "../results.ts";

const THREADS = 2;
const STEPS = 15_000;
const ROUNDS = 2;
const cost = { rank: 100, regularization: 1, biasRegularization: 0, biases: "user", center: "item" } as const;

export async function run({ quick }: Context): Promise<Table> {
  const { ratings } = await readRatings(dataFile("ml-latest-small", "ratings.csv"));
  const kernels = await openKernels({ threads: THREADS });
  const adam = gradient({ ...cost, steps: STEPS, objective: "half", learningRate: 1e-4, init: "kaiming" });
  const als80 = als({ ...cost, regularizationExponent: 0, sweeps: 80, solver: "cholesky", initScale: 1e-4 });
  const rounds: { adamSeconds: number; target: number; alsSeconds: number; sweeps: number; reached: number }[] = [];
  for (let seed = 0; seed < (quick ? 1 : ROUNDS); seed++) {
    const trained = await factorize(ratings, adam, { kernels, seed });
    const target = trained.report.loss[STEPS - 1];
    // Measured after each sweep, outside the time of the sweeps.
    const solved = await factorize(ratings, als80, {
      kernels,
      seed,
      validation: { name: "cost", better: "lower", measure: async (model) => costOf(model, ratings) },
    });
    const there = solved.report.validation?.values.find(({ value }) => value <= target);
    if (there === undefined) throw new Error(`als did not reach ${target} in 80 sweeps`);
    rounds.push({
      adamSeconds: total(trained.report.seconds.passes),
      target,
      alsSeconds: total(solved.report.seconds.passes.slice(0, there.pass)),
      sweeps: there.pass,
      reached: there.value,
    });
  }
  return {
    name: "collaborative",
    title: "The cost of seed notebook 002: Adam, and alternating least squares until it is as low",
    notes: [
      `MovieLens latest-small, rank ${cost.rank}, ${THREADS} threads, a round for each of ${ROUNDS} seeds. Time of the passes, the figure that each prints included.`,
    ],
    versions: {},
    columns: [
      { key: "adam", title: `${STEPS} steps of Adam` },
      { key: "target", title: "cost" },
      { key: "als", title: "als" },
      { key: "sweeps", title: "sweeps" },
      { key: "reached", title: "cost" },
      { key: "ratio", title: "als of Adam's time" },
    ],
    rows: rounds.map(({ adamSeconds, target, alsSeconds, sweeps, reached }) => ({
      adam: time(adamSeconds),
      target: target.toFixed(1),
      als: time(alsSeconds),
      sweeps,
      reached: reached.toFixed(1),
      ratio: times(alsSeconds / adamSeconds),
    })),
    comparisons: [],
    details: rounds,
  };
}

/** ½ (Σ error² + |W|² + |X|²), in double precision. */
function costOf(model: Model, { byUser }: Ratings): number {
  if (model.kind !== "factors") throw new Error("a factor model is measured here");
  const scorer = scorerOf(model);
  let sum = 0;
  for (const factors of [model.userFactors, model.itemFactors]) for (const value of factors) sum += value * value;
  for (let user = 0; user < byUser.rows; user++) {
    for (let at = byUser.start[user]; at < byUser.start[user + 1]; at++) {
      sum += (scorer.score(user, byUser.index[at]) - byUser.value.at(at)) ** 2;
    }
  }
  return sum / 2;
}

function total(seconds: readonly number[]): number {
  return seconds.reduce((sum, one) => sum + one, 0);
}
