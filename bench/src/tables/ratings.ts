/** Explicit ratings on MovieLens 1M: training time and held-out error of our methods and of other libraries, each as it comes. */
import {
  als,
  denseNet,
  type Factorizer,
  factorize,
  heldOut,
  type Kernels,
  type Model,
  openKernels,
  type Ratings,
  randomSplit,
  sgd,
} from "@lowrank/core";
import { readRatings } from "lowrank";
import { dataFile } from "../data.ts";
import { pythonWith, RivalMissing } from "../environments.ts";
import { type Contestant, interleave, type Standing } from "../interleave.ts";
import { timeOf } from "../page.ts";
import type { Comparison, Context, Table } from "../results.ts";
import { Rival } from "../rival.ts";
import { cells, withArrays } from "../scratch.ts";
import { fresh, world } from "../worlds.ts";

const THREADS = 2;
const ROUNDS = 3;
const SPLIT_SEED = 1;

const ours: Readonly<Record<string, () => Factorizer<Model>>> = {
  "als()": als,
  "sgd()": sgd,
  "denseNet()": denseNet,
};

/** Keyword arguments are the libraries' own. */
const theirs = [
  { library: "cmfrec", name: "cmfrec CMF()", settings: {} },
  { library: "cmfrec", name: "cmfrec CMF, penalty by history", settings: { scale_lam: true, lambda_: 0.05 } },
  { library: "surprise", name: "Surprise SVD()", settings: {} },
] as const;

export async function run({ quick }: Context): Promise<Table> {
  const { train, test } = quick ? await world({ users: 3000, items: 2000, ratings: 100_000 }) : await movieLens();
  const kernels = await openKernels({ threads: THREADS });
  const rivals = new Map<string, Rival>();
  const missing: { rival: string; why: string }[] = [];
  for (const library of ["cmfrec", "surprise"] as const) {
    try {
      const program = await pythonWith(library);
      rivals.set(library, await Rival.start({ program, script: "ratings_rivals.py", args: [THREADS, library] }));
    } catch (error) {
      if (!(error instanceof RivalMissing)) throw error;
      missing.push({ rival: library, why: error.message });
    }
  }
  try {
    const standings = await withArrays({ ...cells("train", train), ...cells("test", test) }, (folder) => {
      const common = { folder, users: train.users.size, items: train.items.size, low: train.min, high: train.max };
      const contestants = theirs.flatMap(({ library, name, settings }): Contestant[] => {
        const rival = rivals.get(library);
        if (rival === undefined) return [];
        const turn = async () => {
          const { seconds, rmse } = (await rival.ask({ ...common, settings, seed: 1 })) as Record<string, number>;
          return { seconds, count: 1, quality: rmse };
        };
        return [{ name, turn }];
      });
      return interleave([...ourContestants(train, test, kernels), ...contestants], {
        rounds: quick ? 1 : ROUNDS,
        warmUp: false,
      });
    });
    return table(standings, train, Object.assign({}, ...[...rivals.values()].map(({ versions }) => versions)), missing);
  } finally {
    for (const rival of rivals.values()) rival.stop();
  }
}

async function movieLens() {
  const { ratings } = await readRatings(dataFile("ml-1m", "ratings.no-timestamps.dat"));
  return randomSplit(ratings, { testFraction: 0.1, seed: SPLIT_SEED });
}

function ourContestants(train: Ratings, test: Ratings, kernels: Kernels): Contestant[] {
  const error = heldOut(test, train, "rmse");
  return Object.entries(ours).map(([name, method]) => ({
    name: `lowrank ${name}`,
    turn: async () => {
      const { model, report } = await factorize(fresh(train), method(), { kernels, seed: 1 });
      const rmse = await error.measure(model, { kernels, signal: undefined });
      return { seconds: report.seconds.total, count: 1, quality: rmse };
    },
  }));
}

function table(
  standings: readonly Standing[],
  train: Ratings,
  versions: Readonly<Record<string, string>>,
  missing: Table["missing"] = [],
): Table {
  const best = standings.filter(({ name }) => name.startsWith("lowrank als"))[0];
  return {
    name: "ratings",
    title: "Explicit ratings on MovieLens 1M: lowrank beside other libraries",
    notes: [
      `${train.size} ratings to train on, random 90/10, ${THREADS} threads; every method as it comes, but for what its name says, so that ranks differ. ${ROUNDS} rounds in turns.`,
      "lowrank: all of factorize; the others: fitting alone. Predictions are cut to the range of the ratings.",
    ],
    versions,
    columns: [
      { key: "name", title: "" },
      { key: "time", title: "training" },
      { key: "rmse", title: "held-out RMSE" },
    ],
    rows: standings.map((standing) => ({
      name: standing.name,
      time: timeOf(standing),
      rmse: standing.quality.toFixed(4),
    })),
    comparisons: standings
      .filter(({ name }) => !name.startsWith("lowrank"))
      .flatMap(({ name: rival, secondsEach, quality }): Comparison[] => {
        const what = "MovieLens 1M 90/10, als()";
        return [
          { what, rival, measure: "seconds", ours: best.secondsEach, theirs: secondsEach, better: "lower" },
          { what, rival, measure: "held-out RMSE", ours: best.quality, theirs: quality, better: "lower" },
        ];
      }),
    missing,
    details: { standings },
  };
}
