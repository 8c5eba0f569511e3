/**
 * The training loops of the five seed notebooks, ours beside PyTorch as the notebooks write it: the same ratings, the same
 * starting values, the same number of updates, in turns.
 */
import {
  type FactorizeOptions,
  type FactorModel,
  factorize,
  type GradientOptions,
  gradient,
  type InitialFactors,
  openKernels,
  type Ratings,
  ratingsFrom,
  ratingsFromDense,
  sgd,
  uniformSparse,
} from "@lowrank/core";
import { uniform } from "@lowrank/core/support";
import { readRatings } from "lowrank";
import { dataFile } from "../data.ts";
import { pythonWith } from "../environments.ts";
import { interleave, type Standing, type Turn } from "../interleave.ts";
import { timeOf, times } from "../page.ts";
import type { Comparison, Context, Table } from "../results.ts";
import { Rival } from "../rival.ts";

const ROUNDS = 5;
const THREADS = 2;

/** One notebook's loop on both sides. */
interface Loop {
  readonly notebook: string;
  readonly what: string;
  readonly unit: "step" | "update";
  /** Questions to the rival: its name in the table, what it is asked */
  readonly rivals: readonly { readonly name: string; readonly question: object }[];
  readonly ours: (options: FactorizeOptions) => Promise<Turn>;
}

export async function run({ quick }: Context): Promise<Table> {
  const rival = await Rival.start({ program: await pythonWith("torch"), script: "torch_seeds.py", args: [THREADS] });
  const kernels = await openKernels({ threads: THREADS });
  const rows: Table["rows"][number][] = [];
  const comparisons: Comparison[] = [];
  const details: { loop: string; standings: readonly Standing[] }[] = [];
  try {
    for (const loop of await loops()) {
      const contestants = [
        { name: "lowrank", turn: () => loop.ours({ kernels }) },
        ...loop.rivals.map(({ name, question }) => ({
          name,
          turn: async () => {
            const { seconds, updates, loss } = (await rival.ask(question)) as Record<string, number>;
            return { seconds, count: updates, quality: loss };
          },
        })),
      ];
      const [ours, ...theirs] = await interleave(
        contestants,
        quick ? { rounds: 1, warmUp: false } : { rounds: ROUNDS },
      );
      details.push({ loop: `${loop.notebook} ${loop.what}`, standings: [ours, ...theirs] });
      for (const standing of theirs) {
        rows.push({
          notebook: loop.notebook,
          what: loop.what,
          rival: standing.name,
          unit: loop.unit,
          ours: timeOf(ours),
          theirs: timeOf(standing),
          ratio: times(standing.secondsEach / ours.secondsEach),
          quality: `${ours.quality.toPrecision(6)} / ${standing.quality.toPrecision(6)}`,
        });
        comparisons.push({
          what: `notebook ${loop.notebook}: ${loop.what}`,
          rival: standing.name,
          measure: `seconds per ${loop.unit}`,
          ours: ours.secondsEach,
          theirs: standing.secondsEach,
          better: "lower",
        });
      }
    }
  } finally {
    rival.stop();
  }
  return {
    name: "seeds",
    title: "The seed notebooks' training loops: lowrank beside PyTorch",
    notes: [
      `Both sides start from the same values and make the same updates, ${THREADS} threads each, in turns; ${ROUNDS} rounds after a warm-up.`,
      "Only the training loop is timed. The last column is the loss that each side ends with (its own formula): equal figures say",
      "that both did the same work.",
    ],
    versions: rival.versions,
    columns: [
      { key: "notebook", title: "notebook" },
      { key: "what", title: "loop" },
      { key: "rival", title: "rival" },
      { key: "unit", title: "time of one" },
      { key: "ours", title: "lowrank" },
      { key: "theirs", title: "rival's" },
      { key: "ratio", title: "faster" },
      { key: "quality", title: "loss at the end, ours / theirs" },
    ],
    rows,
    comparisons,
    details,
  };
}

async function loops(): Promise<Loop[]> {
  return [dense(), masked(), entries(), await collaborative(), embeddings(), passOverSparse()];
}

/** Whole numbers from 1 to 5, as the notebook draws them. */
function stars(seed: number, users: number, items: number): number[] {
  return Array.from({ length: users * items }, (_, i) => 1 + Math.floor(uniform(seed, i, 0, 5)));
}

function numbers(seed: number, count: number, low: number, high: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => uniform(seed, i, low, high));
}

function array(shape: readonly number[], data: ArrayLike<number>) {
  return { shape, data: Array.from(data, (value) => (Number.isNaN(value) ? null : value)) };
}

/** H of the notebook is [rank × items], ours [items × rank]. */
function transposed(rows: number, columns: number, data: Float32Array): Float32Array {
  return data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
}

const STEPS = 1000;
const USERS = 20;
const ITEMS = 10;
const RANK = 3;

function fullBatch(what: string, name: string, A: number[]): Loop {
  const W = numbers(1, USERS * RANK, -1, 1);
  const H = numbers(2, RANK * ITEMS, -1, 1);
  const ratings = ratingsFromDense({ data: A, rows: USERS, columns: ITEMS });
  const initial = { userFactors: W, itemFactors: transposed(RANK, ITEMS, H) };
  const method = { rank: RANK, objective: "norm", learningRate: 0.01, steps: STEPS } as const;
  return {
    notebook: "000",
    what,
    unit: "step",
    rivals: [
      {
        name: "PyTorch",
        question: {
          case: name,
          updates: STEPS,
          A: array([USERS, ITEMS], A),
          W: array([USERS, RANK], W),
          H: array([RANK, ITEMS], H),
        },
      },
    ],
    ours: (options) => descend(ratings, { ...method, ...plain, initial }, STEPS, options),
  };
}

const plain = { schedule: "constant", biases: "none", center: "none", regularization: 0 } as const;

const dense = () => fullBatch("Adam on the norm, 20 × 10, rank 3", "dense-adam", stars(0, USERS, ITEMS));

const masked = () => {
  const hidden = stars(0, USERS, ITEMS).map((star, i) => (uniform(3, i, 0, 1) < 0.5 ? Number.NaN : star));
  return fullBatch("the same, half missing", "masked-adam", hidden);
};

function entries(): Loop {
  const A = [0.3374, 0.6005, 0.1735, 3.3359, 0.0492, 1.8374, 2.9407, 0.5301, 2.262];
  const [rank, side, epochs] = [2, 3, 1000];
  const U = numbers(4, side * rank, 0, 1);
  const V = numbers(5, side * rank, 0, 1);
  const ratings = ratingsFromDense({ data: A, rows: side, columns: side });
  const initial = { userFactors: U, itemFactors: V };
  const method = (passes: number) =>
    sgd({ rank, epochs: passes, learningRate: 0.01, order: "rows", update: "alternately", ...plain, initial });
  const theirEpochs = 100;
  const shapes = { A: array([side, side], A), U: array([side, rank], U), V: array([side, rank], V) };
  return {
    notebook: "001",
    what: "SGD entry by entry, 3 × 3, rank 2",
    unit: "update",
    rivals: [{ name: "PyTorch", question: { case: "entry-sgd", updates: theirEpochs * 9, ...shapes } }],
    ours: async (options) => {
      const { report } = await factorize(ratings, method(epochs), options);
      // The loss after as many passes as the rival made, for the last column.
      const { model } = await factorize(ratings, method(theirEpochs), options);
      const quality = squaredError(ratings, model);
      return { seconds: sum(report.seconds.passes), count: epochs * ratings.size, quality };
    },
  };
}

/** Each turn of notebook 002 takes about a second. */
const THEIR_COST_STEPS = 10;
const OUR_COST_STEPS = 200;

/** Notebook 002 at real size, both ways PyTorch can run it. */
async function collaborative(): Promise<Loop> {
  const file = dataFile("ml-latest-small", "ratings.csv");
  const { ratings } = await readRatings(file);
  const [rank, seed] = [100, 1];
  const movies = ratings.items.size * rank;
  const users = ratings.users.size * rank;
  const start = numbers(seed, movies + users + ratings.users.size, -0.1, 0.1);
  const initial = {
    itemFactors: start.subarray(0, movies),
    userFactors: start.subarray(movies, movies + users),
    userBias: start.subarray(movies + users),
  };
  const cost = {
    rank,
    objective: "half",
    regularization: 1,
    biasRegularization: 0,
    biases: "user",
    center: "item",
  } as const;
  const ask = (name: string) => ({ case: name, updates: THEIR_COST_STEPS, ratings: file, rank, seed });
  return {
    notebook: "002",
    what: `Adam on the collaborative filtering cost, MovieLens latest-small, rank ${rank}`,
    unit: "step",
    rivals: [
      { name: "PyTorch as written (float64 Y)", question: ask("collaborative-as-written") },
      { name: "PyTorch, all float32", question: ask("collaborative-float32") },
    ],
    ours: async (options) => {
      const steps = OUR_COST_STEPS;
      const timed = await descend(ratings, { ...cost, learningRate: 1e-4, steps, initial }, steps, options);
      // The loss after as many steps as the rivals made, for the last column.
      const few = { ...cost, learningRate: 1e-4, steps: THEIR_COST_STEPS, initial };
      const short = await descend(ratings, few, THEIR_COST_STEPS, options);
      return { ...timed, quality: short.quality };
    },
  };
}

/** Notebook 003's ratings, 0 = missing. */
const SMALL = [
  [5, 3, 0, 1],
  [4, 0, 0, 1],
  [1, 1, 0, 5],
  [1, 0, 0, 4],
  [0, 1, 5, 4],
];

function embeddings(): Loop {
  const rank = 3;
  const ratings = ratingsFrom(
    SMALL.flatMap((row, user) => row.map((rating, item) => ({ user, item, rating }))).filter(
      ({ rating }) => rating > 0,
    ),
  );
  return oneByOne("003", "embeddings, one rating at a time, 5 × 4, rank 3", ratings, rank, 1e-3, 50, 500);
}

function passOverSparse(): Loop {
  const ratings = uniformSparse({ users: 1000, items: 1000, density: 0.01, seed: 4 });
  return oneByOne(
    "004",
    "embeddings, one rating at a time, 1,000 × 1,000, 1 % rated, rank 20",
    ratings,
    20,
    1e-6,
    1,
    20,
  );
}

/** SGD with sparse gradients on the mean squared error of single ratings. */
function oneByOne(
  notebook: string,
  what: string,
  ratings: Ratings,
  rank: number,
  learningRate: number,
  theirPasses: number,
  ourPasses: number,
): Loop {
  const { start, index, value } = ratings.byUser;
  const rows = Array.from(index, (_, entry) => start.findLastIndex((first) => first <= entry));
  const initial: InitialFactors = {
    userFactors: numbers(6, ratings.users.size * rank, -1, 1),
    itemFactors: numbers(7, ratings.items.size * rank, -1, 1),
  };
  const method = (epochs: number): GradientOptions => ({
    ...plain,
    rank,
    objective: "mean",
    optimizer: "sgd",
    batch: "mini",
    batchSize: 1,
    order: "rows",
    learningRate,
    epochs,
    initial,
  });
  const question = {
    case: "embeddings",
    updates: theirPasses * ratings.size,
    users: array([ratings.users.size, rank], initial.userFactors),
    items: array([ratings.items.size, rank], initial.itemFactors),
    rows,
    cols: Array.from(index),
    values: Array.from(value),
    lr: learningRate,
  };
  return {
    notebook,
    what,
    unit: "update",
    rivals: [{ name: "PyTorch", question }],
    ours: async (options) => {
      const { report } = await factorize(ratings, gradient(method(ourPasses)), options);
      // The loss after as many passes as the rival made, for the last column.
      const { model } = await factorize(ratings, gradient(method(theirPasses)), options);
      return {
        seconds: sum(report.seconds.passes),
        count: ourPasses * ratings.size,
        quality: squaredError(ratings, model) / ratings.size,
      };
    },
  };
}

async function descend(
  ratings: Ratings,
  method: GradientOptions,
  count: number,
  options: FactorizeOptions,
): Promise<Turn> {
  const { report } = await factorize(ratings, gradient(method), options);
  return { seconds: sum(report.seconds.passes), count, quality: report.loss[count - 1] };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Σ (rating − user · item)², for models without biases. */
function squaredError(ratings: Ratings, { userFactors, itemFactors, rank }: FactorModel): number {
  let total = 0;
  for (const { user, item, rating } of ratings.records()) {
    const u = (ratings.users.index(user) ?? 0) * rank;
    const i = (ratings.items.index(item) ?? 0) * rank;
    let score = 0;
    for (let k = 0; k < rank; k++) score += userFactors[u + k] * itemFactors[i + k];
    total += ((rating ?? 0) - score) ** 2;
  }
  return total;
}
