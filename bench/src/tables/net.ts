/** The dense net with its defaults on MovieLens 1M, ours beside the same net in PyTorch. */
import { denseNet, factorize, heldOut, openKernels, type Ratings, randomSplit } from "@lowrank/core";
import { readRatings } from "lowrank";
import { dataFile } from "../data.ts";
import { pythonWith } from "../environments.ts";
import { interleave } from "../interleave.ts";
import { time, timeOf, times } from "../page.ts";
import type { Context, Table } from "../results.ts";
import { Rival } from "../rival.ts";
import { cells, withArrays } from "../scratch.ts";
import { world } from "../worlds.ts";

const ROUNDS = 3;
const THREADS = 2;
const SPLIT_SEED = 1;

/** How PyTorch can be used for it; the way that is fastest for a few batches trains the whole net. */
const ways = [
  { way: "fused", name: "PyTorch, fused Adam (moves every row)" },
  { way: "dense", name: "PyTorch, Adam (moves every row)" },
  { way: "sparse", name: "PyTorch, SparseAdam (moves the rows of the batch, as lowrank)" },
] as const;
const FEW_BATCHES = 300;

export async function run({ quick }: Context): Promise<Table> {
  const { train, test } = quick ? await world({ users: 3000, items: 2000, ratings: 100_000 }) : await movieLens();
  const kernels = await openKernels({ threads: THREADS });
  // Both sides train on the ratings as they are; with its default our net divides them by their standard deviation.
  const net = denseNet({ unit: 1, ...(quick && { epochs: 2 }) });
  const error = heldOut(test, train, "rmse");
  const program = await pythonWith("torch");
  const rival = await Rival.start({ program, script: "torch_net.py", args: [THREADS] });
  const arrays = { ...cells("train", train), ...cells("test", test) };
  const { standings, tried } = await withArrays(arrays, async (folder) => {
    const ask = async (more: object) =>
      (await rival.ask({ ...question(net.options, train), folder, seed: 0, ...more })) as {
        seconds: number;
        rmse: number;
      };
    const tried: { way: string; name: string; secondsEach: number }[] = [];
    for (const { way, name } of ways) {
      // The first batches of a way warm it up.
      await ask({ way, batches: 50 });
      tried.push({ way, name, secondsEach: (await ask({ way, batches: FEW_BATCHES })).seconds / FEW_BATCHES });
    }
    const { way, name } = tried.reduce((a, b) => (b.secondsEach < a.secondsEach ? b : a));
    let [seed, theirSeed] = [0, 0];
    const contestants = [
      {
        name: "lowrank denseNet()",
        turn: async () => {
          const { model, report } = await factorize(train, net, { kernels, seed: seed++ });
          const rmse = await error.measure(model, { kernels, signal: undefined });
          return { seconds: report.seconds.total, count: 1, quality: rmse };
        },
      },
      {
        name,
        turn: async () => {
          const { seconds, rmse } = await ask({ way, seed: theirSeed++ });
          return { seconds, count: 1, quality: rmse };
        },
      },
    ];
    return { standings: await interleave(contestants, { rounds: quick ? 1 : ROUNDS, warmUp: false }), tried };
  }).finally(() => rival.stop());
  const [ours, theirs] = standings;
  const what = "MovieLens 1M, 90/10";
  return {
    name: "net",
    title: "The dense net on MovieLens 1M: lowrank beside PyTorch",
    notes: [
      `${train.size} ratings to train on, ${test.size} held out (random 90/10), ${THREADS} threads. Both sides train the same net: product branch, biases,`,
      `penalties, batches of ${net.options.batchSize}, ${net.passes} epochs, falling learning rate, spread of the starting values; each draws its own start and order.`,
      `${ROUNDS} rounds, each of another seed. lowrank: the time of everything in factorize. PyTorch: the training loop alone,`,
      `used in the fastest of ${ways.length} ways: ${tried.map(({ name, secondsEach }) => `${name.replace(/^PyTorch, /, "")} ${time(secondsEach)}`).join("; ")} a batch.`,
      "The error is of predictions cut to the range of the ratings, the median over the rounds.",
    ],
    versions: rival.versions,
    columns: [
      { key: "name", title: "" },
      { key: "time", title: "training" },
      { key: "ratio", title: "of lowrank's" },
      { key: "rmse", title: "held-out RMSE" },
    ],
    rows: [
      { name: ours.name, time: timeOf(ours), ratio: times(1), rmse: ours.quality.toFixed(4) },
      {
        name: theirs.name,
        time: timeOf(theirs),
        ratio: times(theirs.secondsEach / ours.secondsEach),
        rmse: theirs.quality.toFixed(4),
      },
    ],
    comparisons: [
      {
        what,
        rival: theirs.name,
        measure: "seconds",
        ours: ours.secondsEach,
        theirs: theirs.secondsEach,
        better: "lower",
      },
      {
        what,
        rival: theirs.name,
        measure: "held-out RMSE",
        ours: ours.quality,
        theirs: theirs.quality,
        better: "lower",
      },
    ],
    details: { ours, theirs, tried, options: net.options },
  };
}

async function movieLens() {
  const { ratings } = await readRatings(dataFile("ml-1m", "ratings.no-timestamps.dat"));
  return randomSplit(ratings, { testFraction: 0.1, seed: SPLIT_SEED });
}

/** The settings of our net, for a rival. @throws Error when they are none that it knows to follow */
function question(options: Readonly<Record<string, unknown>>, train: Ratings) {
  const { rank, hidden, batchSize, epochs, learningRate, regularization, biasRegularization } = options;
  const { initScale, beta1, beta2, epsilon, finalRate } = options;
  const followed = { product: true, optimizer: "adam", biases: "both", center: "global", order: "shuffled", unit: 1 };
  for (const [name, value] of Object.entries({ ...followed, schedule: "linear", layerRegularization: 0 })) {
    if (options[name] !== value) throw new Error(`torch_net.py knows ${name} ${value} only, not ${options[name]}`);
  }
  const passes = epochs as number;
  const fall = (1 - (finalRate as number)) / (passes - 1);
  return {
    ...{ rank, hidden, batchSize, regularization, biasRegularization, initScale, beta1, beta2, epsilon },
    rates: Array.from({ length: passes }, (_, epoch) => (learningRate as number) * (1 - fall * epoch)),
    users: train.users.size,
    items: train.items.size,
    offset: train.mean,
    low: train.min,
    high: train.max,
  };
}
