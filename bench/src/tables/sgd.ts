/** Stochastic gradient descent on large data, ours beside LIBMF: time to the held-out RMSE that LIBMF ends with. */
import { join } from "node:path";
import { factorize, heldOut, type Kernels, openKernels, type Ratings, randomSplit, sgd } from "@lowrank/core";
import { readRatings } from "lowrank";
import { dataFile } from "../data.ts";
import { libraryOf, npmWith, pythonWith } from "../environments.ts";
import { interleave, type Standing } from "../interleave.ts";
import { timeOf, times } from "../page.ts";
import type { Comparison, Context, Table } from "../results.ts";
import { Rival } from "../rival.ts";
import { cells, withArrays } from "../scratch.ts";
import { fresh, type World, world, world20M } from "../worlds.ts";

/** LIBMF's passes; its held-out RMSE after them is the target. */
const EPOCHS = 20;
const SEED = 1;
/** LIBMF has none by default that suits both; it is given the best of these for the data and rank. */
const PENALTIES = [0.03, 0.04, 0.05, 0.07];

interface Data extends World {
  readonly name: string;
  readonly size: "small" | "large";
  readonly rounds: number;
}

/** One line of the table. */
interface Race {
  readonly data: string;
  readonly rank: number;
  readonly threads: number;
  /** LIBMF's */
  readonly regularization: number;
  /** Ours, then the rivals */
  readonly standings: readonly Standing[];
  /** Of ours: how many reach the target, and what as many as LIBMF's reach */
  readonly epochs: number;
  readonly rmseAfterAll: number;
}

export async function run({ quick }: Context): Promise<Table> {
  const program = await pythonWith("numpy");
  const compiled = await Rival.start({ program, script: "libmf_sgd.py", args: [await libraryOf("libmf")] });
  const prebuilt = join(await npmWith("libmf"), "node_modules", "libmf", "vendor", "libmf.so");
  const npm = await Rival.start({ program, script: "libmf_sgd.py", args: [prebuilt, "alpha", "c"] });
  const libmf = { name: "LIBMF", rival: compiled };
  const both = [libmf, { name: "libmf of npm", rival: npm }];
  const races: Race[] = [];
  try {
    for (const data of quick ? [await smallWorld()] : [await movieLens(), await largeWorld()]) {
      // The slower of the two takes too long on the large world.
      const rivals = data.size === "large" ? [libmf] : both;
      await withArrays({ ...cells("train", data.train), ...cells("test", data.test) }, async (folder) => {
        for (const threads of [1, 2]) {
          const kernels = await openKernels({ threads });
          for (const rank of quick ? [32] : [32, 64, 128]) races.push(await race(data, folder, rank, kernels, rivals));
        }
      });
    }
  } finally {
    for (const { rival } of both) rival.stop();
  }
  return table(races, compiled);
}

async function movieLens(): Promise<Data> {
  const { ratings } = await readRatings(dataFile("ml-1m", "ratings.no-timestamps.dat"));
  return {
    name: "MovieLens 1M",
    ...randomSplit(ratings, { testFraction: 0.1, seed: SEED }),
    size: "small",
    rounds: 5,
  };
}

async function largeWorld(): Promise<Data> {
  return { name: "world of 20M", ...(await world(world20M)), size: "large", rounds: 3 };
}

async function smallWorld(): Promise<Data> {
  const size = { users: 3000, items: 2000, ratings: 100_000 };
  return { name: "a small world", ...(await world(size)), size: "small", rounds: 1 };
}

async function race(
  { name, train, test, rounds }: Data,
  folder: string,
  rank: number,
  kernels: Kernels,
  rivals: readonly { readonly name: string; readonly rival: Rival }[],
): Promise<Race> {
  const { threads } = kernels;
  const settings = { rank, threads, epochs: EPOCHS, learningRate: 0.1 };
  const question = { folder, users: train.users.size, items: train.items.size, ...settings };
  const ask = async (rival: Rival, regularization: number) =>
    (await rival.ask({ ...question, regularization })) as { seconds: number; rmse: number };
  const { rmse: target, regularization } = await best(PENALTIES, (penalty) => ask(rivals[0].rival, penalty));
  const ours = new Ours(train, test, rank, kernels);
  const epochs = await ours.epochsTo(target);
  const standings = await interleave(
    [
      { name: "lowrank", turn: () => ours.turn(epochs) },
      ...rivals.map(({ name, rival }) => ({
        name,
        turn: async () => {
          const { seconds, rmse } = await ask(rival, regularization);
          return { seconds, count: 1, quality: rmse };
        },
      })),
    ],
    { rounds },
  );
  const rmseAfterAll = (await ours.turn(EPOCHS)).quality;
  return { data: name, rank, threads, regularization, standings, epochs, rmseAfterAll };
}

/** The penalty with which a rival's held-out RMSE is lowest: our own is chosen by our defaults, which have not seen these ratings. */
async function best(penalties: readonly number[], ask: (penalty: number) => Promise<{ readonly rmse: number }>) {
  const tried: { regularization: number; rmse: number }[] = [];
  for (const regularization of penalties) tried.push({ regularization, rmse: (await ask(regularization)).rmse });
  return tried.reduce((a, b) => (b.rmse < a.rmse ? b : a));
}

/** sgd() with its defaults. */
class Ours {
  readonly #train: Ratings;
  readonly #rank: number;
  readonly #kernels: Kernels;
  readonly #error: ReturnType<typeof heldOut>;

  constructor(train: Ratings, test: Ratings, rank: number, kernels: Kernels) {
    this.#train = train;
    this.#rank = rank;
    this.#kernels = kernels;
    // Not cut to the range of the ratings, as LIBMF's own figure
    this.#error = heldOut(test, train, "rmse", { clamp: false });
  }

  /** Everything that a caller waits for, from loaded ratings on. */
  async turn(epochs: number) {
    const kernels = this.#kernels;
    const method = sgd({ rank: this.#rank, epochs });
    const { model, report } = await factorize(fresh(this.#train), method, { kernels, seed: SEED, certificate: false });
    const rmse = await this.#error.measure(model, { kernels, signal: undefined });
    return { seconds: report.seconds.total, count: 1, quality: rmse };
  }

  /** The fewest epochs that end at or below an error: its learning rate falls over the epochs there are, so each number is a training of its own. */
  async epochsTo(target: number): Promise<number> {
    let [low, high] = [1, 2 * EPOCHS];
    if ((await this.turn(high)).quality > target) throw new Error(`sgd did not reach ${target} in ${high} epochs`);
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((await this.turn(middle)).quality <= target) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function table(races: readonly Race[], { versions }: Rival): Table {
  const rivals = races.flatMap((race) =>
    race.standings.slice(1).map((theirs) => ({ ...race, ours: race.standings[0], theirs })),
  );
  return {
    name: "sgd",
    title: "Stochastic gradient descent: lowrank beside LIBMF",
    notes: [
      `Time from loaded ratings to the held-out RMSE (90/10, predictions not cut) that LIBMF has after ${EPOCHS} epochs, preparation included on both sides. LIBMF: squared`,
      `loss, rate 0.1, and of the L2 penalties ${PENALTIES.join(", ")} the one that does best for it on these very held-out ratings. lowrank: sgd() with its defaults and as many epochs as`,
      "are needed, all of factorize timed.",
      `The last column has the RMSE of both after ${EPOCHS} epochs. World of 20M: 138,000 users, 27,000 items, half stars, made from a seed. LIBMF is compiled with AVX for`,
      "this processor; libmf of npm is the library that package brings.",
    ],
    versions,
    columns: [
      { key: "data", title: "data" },
      { key: "rank", title: "rank" },
      { key: "threads", title: "threads" },
      { key: "rival", title: "rival" },
      { key: "ours", title: "lowrank" },
      { key: "theirs", title: "rival's" },
      { key: "ratio", title: "of the rival's" },
      { key: "penalty", title: "rival's penalty" },
      { key: "epochs", title: "epochs, ours / theirs" },
      { key: "rmse", title: `RMSE after ${EPOCHS} epochs, ours / theirs` },
    ],
    rows: rivals.map(({ data, rank, threads, ours, theirs, regularization, epochs, rmseAfterAll }) => ({
      penalty: regularization,
      data,
      rank,
      threads,
      rival: theirs.name,
      ours: timeOf(ours),
      theirs: timeOf(theirs),
      ratio: times(ours.secondsEach / theirs.secondsEach),
      epochs: `${epochs} / ${EPOCHS}`,
      rmse: `${rmseAfterAll.toFixed(4)} / ${theirs.quality.toFixed(4)}`,
    })),
    comparisons: rivals.flatMap(({ data, rank, threads, ours, theirs, rmseAfterAll }): Comparison[] => {
      const what = `${data}, rank ${rank}, threads ${threads}`;
      const rival = theirs.name;
      return [
        {
          what,
          rival,
          measure: "seconds to the same RMSE",
          ours: ours.secondsEach,
          theirs: theirs.secondsEach,
          better: "lower",
        },
        {
          what,
          rival,
          measure: `RMSE after ${EPOCHS} epochs`,
          ours: rmseAfterAll,
          theirs: theirs.quality,
          better: "lower",
        },
      ];
    }),
    details: races,
  };
}
