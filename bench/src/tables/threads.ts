/** Our own methods with one thread and with two, by turns, on MovieLens 1M. */
import {
  als,
  type Factorizer,
  factorize,
  ials,
  type Kernels,
  openKernels,
  type Ratings,
  randomSplit,
  sgd,
} from "@lowrank/core";
import { readRatings } from "lowrank";
import { dataFile } from "../data.ts";
import { interleave, type Standing } from "../interleave.ts";
import { timeOf, times } from "../page.ts";
import type { Context, Table } from "../results.ts";
import { fresh, world } from "../worlds.ts";

const RANK = 64;
const ROUNDS = 7;

const methods: Readonly<Record<string, () => Factorizer>> = {
  "als(), exact": () => als({ rank: RANK, sweeps: 4, solver: "cholesky" }),
  "als(), conjugate gradient": () => als({ rank: RANK, sweeps: 4, solver: "cg" }),
  "ials(), exact": () => ials({ rank: RANK, sweeps: 4, solver: "cholesky" }),
  "ials(), conjugate gradient": () => ials({ rank: RANK, sweeps: 4, solver: "cg" }),
  "sgd()": () => sgd({ rank: RANK, epochs: 20 }),
};

export async function run({ quick }: Context): Promise<Table> {
  const { train } = quick ? await world({ users: 3000, items: 2000, ratings: 100_000 }) : await movieLens();
  const kernels = await Promise.all([1, 2].map((threads) => openKernels({ threads })));
  const rows: { readonly what: string; readonly one: Standing; readonly two: Standing }[] = [];
  for (const [what, method] of Object.entries(methods)) {
    const contestants = kernels.map((each) => ({
      name: `${each.threads} threads`,
      turn: () => passes(train, method(), each),
    }));
    const [one, two] = await interleave(contestants, { rounds: quick ? 1 : ROUNDS });
    rows.push({ what, one, two });
  }
  return {
    name: "threads",
    title: "One thread and two",
    notes: [
      `MovieLens 1M (${train.size} ratings to train on), rank ${RANK}: a pass, its training figure with it, preparation left out. The same bytes come out for any number of threads.`,
      "The gain by the medians, and by the quickest rounds: where others use a core for a while, two threads lose more than one.",
    ],
    versions: {},
    columns: [
      { key: "what", title: "method" },
      { key: "one", title: "one thread" },
      { key: "two", title: "two threads" },
      { key: "gain", title: "gain" },
      { key: "best", title: "by the quickest" },
    ],
    rows: rows.map(({ what, one, two }) => ({
      what,
      one: timeOf(one),
      two: timeOf(two),
      gain: times(one.secondsEach / two.secondsEach),
      best: times(one.least / two.least),
    })),
    comparisons: [],
    details: rows,
  };
}

async function movieLens() {
  const { ratings } = await readRatings(dataFile("ml-1m", "ratings.no-timestamps.dat"));
  return randomSplit(ratings, { testFraction: 0.1, seed: 1 });
}

async function passes(train: Ratings, method: Factorizer, kernels: Kernels) {
  const { report } = await factorize(fresh(train), method, { kernels, seed: 1, certificate: false });
  const { passes } = report.seconds;
  return { seconds: passes.reduce((sum, each) => sum + each, 0), count: passes.length, quality: 0 };
}
