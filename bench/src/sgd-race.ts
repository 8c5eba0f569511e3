/** Stochastic gradient descent, ours beside LIBMF: time to the held-out RMSE that LIBMF ends with; for the tables sgd and sgd-20m. */
import { join } from "node:path";
import { factorize, heldOut, type Kernels, openKernels, type Ratings, sgd } from "@lowrank/core";
import { libraryOf, npmWith, pythonWith } from "./environments.ts";
import { interleave, type Standing } from "./interleave.ts";
import { timeOf, times } from "./page.ts";
import type { Comparison, Context, Table } from "./results.ts";
import { Rival } from "./rival.ts";
import { cells, withArrays } from "./scratch.ts";
import { fresh, type World, world } from "./worlds.ts";

/** LIBMF's passes; its held-out RMSE after them is the target. */
const EPOCHS = 20;
const SEED = 1;
const THREADS = [1, 2];

/** What a table races on. */
export interface Course {
  /** Of the table's files */
  readonly table: string;
  /** In the title and each comparison */
  readonly data: string;
  /** Said of the data in the notes */
  readonly about: string;
  readonly rounds: number;
  /** Of LIBMF, which has none by default that suits all data: it is given the best of these for each rank, with two threads */
  readonly penalties: readonly number[];
  /** Said of how these were chosen, where it is not here */
  readonly penaltiesNote?: string;
  readonly load: () => Promise<World>;
  /** Whether the library that npm's libmf brings takes part: it takes twice as long */
  readonly withNpm: boolean;
}

/** One line of the table. */
interface Race {
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

export async function raceBesideLibmf(course: Course, { quick }: Context): Promise<Table> {
  const program = await pythonWith("numpy");
  const args = [await libraryOf("libmf")];
  const rivals = [{ name: "LIBMF", rival: await Rival.start({ program, script: "libmf_sgd.py", args }) }];
  if (course.withNpm) {
    const library = join(await npmWith("libmf"), "node_modules", "libmf", "vendor", "libmf.so");
    const rival = await Rival.start({ program, script: "libmf_sgd.py", args: [library, "alpha", "c"] });
    rivals.push({ name: "libmf of npm", rival });
  }
  const races: Race[] = [];
  try {
    const data = quick ? await world({ users: 3000, items: 2000, ratings: 100_000 }) : await course.load();
    await withArrays({ ...cells("train", data.train), ...cells("test", data.test) }, async (folder) => {
      for (const rank of quick ? [32] : [32, 64, 128]) {
        const ours = new Ours(data.train, data.test, rank);
        const regularization = await bestPenalty(course.penalties, data, folder, rank, rivals[0].rival);
        for (const threads of THREADS) {
          const kernels = await openKernels({ threads });
          const settings = { rank, regularization, kernels, rounds: quick ? 1 : course.rounds };
          races.push(await race(data, folder, settings, ours, rivals));
        }
      }
    });
  } finally {
    for (const { rival } of rivals) rival.stop();
  }
  return table(course, races, rivals[0].rival);
}

/** Answers to one question about a training of LIBMF. */
async function train(
  rival: Rival,
  { train }: World,
  folder: string,
  settings: { readonly rank: number; readonly threads: number; readonly regularization: number },
) {
  const size = { users: train.users.size, items: train.items.size };
  const question = { folder, ...size, ...settings, epochs: EPOCHS, learningRate: 0.1 };
  return (await rival.ask(question)) as { seconds: number; rmse: number };
}

/** The penalty with which LIBMF's held-out RMSE is lowest: our own is chosen by our defaults, which have not seen these ratings. */
async function bestPenalty(
  penalties: readonly number[],
  data: World,
  folder: string,
  rank: number,
  rival: Rival,
): Promise<number> {
  if (penalties.length === 1) return penalties[0];
  const tried: { regularization: number; rmse: number }[] = [];
  for (const regularization of penalties) {
    const { rmse } = await train(rival, data, folder, { rank, threads: Math.max(...THREADS), regularization });
    tried.push({ regularization, rmse });
  }
  return tried.reduce((a, b) => (b.rmse < a.rmse ? b : a)).regularization;
}

async function race(
  data: World,
  folder: string,
  {
    rank,
    regularization,
    kernels,
    rounds,
  }: {
    readonly rank: number;
    readonly regularization: number;
    readonly kernels: Kernels;
    readonly rounds: number;
  },
  ours: Ours,
  rivals: readonly { readonly name: string; readonly rival: Rival }[],
): Promise<Race> {
  const { threads } = kernels;
  const ask = (rival: Rival) => train(rival, data, folder, { rank, threads, regularization });
  const { rmse: target } = await ask(rivals[0].rival);
  const epochs = await ours.epochsTo(target, kernels);
  // Warm, as the rival is now
  await ours.turn(epochs, kernels);
  const standings = await interleave(
    [
      { name: "lowrank", turn: () => ours.turn(epochs, kernels) },
      ...rivals.map(({ name, rival }) => ({
        name,
        turn: async () => {
          const { seconds, rmse } = await ask(rival);
          return { seconds, count: 1, quality: rmse };
        },
      })),
    ],
    { rounds, warmUp: false },
  );
  const rmseAfterAll = await ours.qualityAfter(EPOCHS, kernels);
  return { rank, threads, regularization, standings, epochs, rmseAfterAll };
}

/** sgd() with its defaults. */
class Ours {
  readonly #train: Ratings;
  readonly #rank: number;
  readonly #error: ReturnType<typeof heldOut>;
  /** By epochs: the same for any number of threads */
  readonly #quality = new Map<number, number>();

  constructor(train: Ratings, test: Ratings, rank: number) {
    this.#train = train;
    this.#rank = rank;
    // Not cut to the range of the ratings, as LIBMF's own figure
    this.#error = heldOut(test, train, "rmse", { clamp: false });
  }

  /** Everything that a caller waits for, from loaded ratings on. */
  async turn(epochs: number, kernels: Kernels) {
    const method = sgd({ rank: this.#rank, epochs });
    const { model, report } = await factorize(fresh(this.#train), method, { kernels, seed: SEED, certificate: false });
    const quality = await this.#error.measure(model, { kernels, signal: undefined });
    this.#quality.set(epochs, quality);
    return { seconds: report.seconds.total, count: 1, quality };
  }

  async qualityAfter(epochs: number, kernels: Kernels): Promise<number> {
    return this.#quality.get(epochs) ?? (await this.turn(epochs, kernels)).quality;
  }

  /** The fewest epochs that end at or below an error: its learning rate falls over the epochs there are, so each number is a training of its own. */
  async epochsTo(target: number, kernels: Kernels): Promise<number> {
    let [low, high] = [1, EPOCHS];
    if ((await this.qualityAfter(high, kernels)) > target)
      throw new Error(`sgd did not reach ${target} in ${high} epochs`);
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((await this.qualityAfter(middle, kernels)) <= target) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function table(
  { table: name, data, about, penalties, penaltiesNote, withNpm }: Course,
  races: readonly Race[],
  { versions }: Rival,
): Table {
  const rivals = races.flatMap((race) =>
    race.standings.slice(1).map((theirs) => ({ ...race, ours: race.standings[0], theirs })),
  );
  return {
    name,
    title: `Stochastic gradient descent on ${data}: lowrank beside LIBMF`,
    notes: [
      `Time from loaded ratings to the held-out RMSE (90/10, predictions not cut) that LIBMF has after ${EPOCHS} epochs, preparation included on both sides. LIBMF: squared`,
      `loss, rate 0.1, ${penaltiesNote ?? `and of the L2 penalties ${penalties.join(", ")} the one that does best for it on these very held-out ratings with two threads`}.`,
      "lowrank: sgd() with its defaults and as many epochs as are needed, all of factorize timed.",
      `The last column has the RMSE of both after ${EPOCHS} epochs. LIBMF is compiled with AVX for this processor${withNpm ? "; libmf of npm is the library which that package brings" : ""}.`,
      about,
    ],
    versions,
    columns: [
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
    rows: rivals.map(({ rank, threads, ours, theirs, regularization, epochs, rmseAfterAll }) => ({
      penalty: regularization,
      rank,
      threads,
      rival: theirs.name,
      ours: timeOf(ours),
      theirs: timeOf(theirs),
      ratio: times(ours.secondsEach / theirs.secondsEach),
      epochs: `${epochs} / ${EPOCHS}`,
      rmse: `${rmseAfterAll.toFixed(4)} / ${theirs.quality.toFixed(4)}`,
    })),
    comparisons: rivals.flatMap(({ rank, threads, ours, theirs, rmseAfterAll }): Comparison[] => {
      const what = `sgd() on ${data}, rank ${rank}, threads ${threads}`;
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
