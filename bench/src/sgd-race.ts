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
/** LIBMF has none by default that suits both; it is given the best of these for the data and rank. */
const PENALTIES = [0.03, 0.04, 0.05, 0.07];

/** What a table races on. */
export interface Course {
  /** Of the table's files */
  readonly table: string;
  /** In the title and each comparison */
  readonly data: string;
  /** Said of the data in the notes */
  readonly about: string;
  readonly rounds: number;
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
      for (const threads of [1, 2]) {
        const kernels = await openKernels({ threads });
        for (const rank of quick ? [32] : [32, 64, 128]) {
          races.push(await race(data, folder, rank, kernels, rivals, quick ? 1 : course.rounds));
        }
      }
    });
  } finally {
    for (const { rival } of rivals) rival.stop();
  }
  return table(course, races, rivals[0].rival);
}

async function race(
  { train, test }: World,
  folder: string,
  rank: number,
  kernels: Kernels,
  rivals: readonly { readonly name: string; readonly rival: Rival }[],
  rounds: number,
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
  return { rank, threads, regularization, standings, epochs, rmseAfterAll };
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
    let [low, high] = [1, EPOCHS];
    if ((await this.turn(high)).quality > target) throw new Error(`sgd did not reach ${target} in ${high} epochs`);
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((await this.turn(middle)).quality <= target) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function table({ table: name, data, about, withNpm }: Course, races: readonly Race[], { versions }: Rival): Table {
  const rivals = races.flatMap((race) =>
    race.standings.slice(1).map((theirs) => ({ ...race, ours: race.standings[0], theirs })),
  );
  return {
    name,
    title: `Stochastic gradient descent on ${data}: lowrank beside LIBMF`,
    notes: [
      `Time from loaded ratings to the held-out RMSE (90/10, predictions not cut) that LIBMF has after ${EPOCHS} epochs, preparation included on both sides. LIBMF: squared`,
      `loss, rate 0.1, and of the L2 penalties ${PENALTIES.join(", ")} the one that does best for it on these very held-out ratings. lowrank: sgd() with its defaults and as many epochs as`,
      "are needed, all of factorize timed.",
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
