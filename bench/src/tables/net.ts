/** The dense net with its defaults on MovieLens 1M, ours beside the same net in PyTorch. */
import { denseNet, factorize, heldOut, openKernels, type Ratings, randomSplit } from "@lowrank/core";
import { readRatings } from "lowrank";
import { dataFile } from "../data.ts";
import { pythonWith } from "../environments.ts";
import { interleave } from "../interleave.ts";
import { time, timeOf, times } from "../page.ts";
import type { Comparison, Context, Table } from "../results.ts";
import { Rival } from "../rival.ts";
import { cells, withArrays } from "../scratch.ts";

const OUR_ROUNDS = 3;
const THREADS = 2;
const SPLIT_SEED = 1;

/** How PyTorch can be used for it, the fastest way unknown beforehand. */
const ways = [
  { way: "fused", name: "PyTorch, fused Adam (moves every row)" },
  { way: "dense", name: "PyTorch, Adam (moves every row)" },
  { way: "sparse", name: "PyTorch, SparseAdam (moves the rows of the batch, as lowrank)" },
] as const;

export async function run({ quick }: Context): Promise<Table> {
  const { ratings } = await readRatings(dataFile("ml-1m", "ratings.no-timestamps.dat"));
  const { train, test } = randomSplit(ratings, { testFraction: 0.1, seed: SPLIT_SEED });
  const kernels = await openKernels({ threads: THREADS });
  const net = denseNet(quick ? { epochs: 2 } : {});
  const error = heldOut(test, train, "rmse");
  let seed = 0;
  const [ours] = await interleave(
    [
      {
        name: "lowrank denseNet()",
        turn: async () => {
          const { model, report } = await factorize(train, net, { kernels, seed: seed++ });
          const rmse = await error.measure(model, { kernels, signal: undefined });
          return { seconds: report.seconds.total, count: 1, quality: rmse };
        },
      },
    ],
    { rounds: quick ? 1 : OUR_ROUNDS, warmUp: false },
  );
  const program = await pythonWith("torch");
  const rival = await Rival.start({ program, script: "torch_net.py", args: [THREADS] });
  const theirs: { name: string; seconds: number; rmse: number }[] = [];
  try {
    await withArrays({ ...cells("train", train), ...cells("test", test) }, async (folder) => {
      for (const { way, name } of ways) {
        const { seconds, rmse } = (await rival.ask({ ...question(net.options, train), folder, way })) as Record<
          string,
          number
        >;
        theirs.push({ name, seconds, rmse });
      }
    });
  } finally {
    rival.stop();
  }
  const what = "MovieLens 1M, 90/10";
  return {
    name: "net",
    title: "The dense net on MovieLens 1M: lowrank beside PyTorch",
    notes: [
      `${train.size} ratings to train on, ${test.size} held out (random 90/10), ${THREADS} threads. Both sides train the same net: product branch, biases,`,
      `penalties, batches of ${net.options.batchSize}, ${net.passes} epochs, falling learning rate, spread of the starting values; each draws its own start and order.`,
      `lowrank: ${OUR_ROUNDS} rounds, each of another seed, the time of everything in factorize. PyTorch: the training loop alone, one round of`,
      "each way to use it, because each takes minutes. The error is of predictions cut to the range of the ratings.",
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
      ...theirs.map(({ name, seconds, rmse }) => ({
        name,
        time: time(seconds),
        ratio: times(seconds / ours.secondsEach),
        rmse: rmse.toFixed(4),
      })),
    ],
    comparisons: theirs.flatMap(({ name: rival, seconds, rmse }): Comparison[] => [
      { what, rival, measure: "seconds", ours: ours.secondsEach, theirs: seconds, better: "lower" },
      { what, rival, measure: "held-out RMSE", ours: ours.quality, theirs: rmse, better: "lower" },
    ]),
    details: { ours, theirs, options: net.options },
  };
}

/** The settings of our net, for a rival. @throws Error when they are none that it knows to follow */
function question(options: Readonly<Record<string, unknown>>, train: Ratings) {
  const { rank, hidden, batchSize, epochs, learningRate, regularization, biasRegularization } = options;
  const { initScale, beta1, beta2, epsilon, finalRate } = options;
  const followed = { product: true, optimizer: "adam", biases: "both", center: "global", order: "shuffled" };
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
    seed: 1,
  };
}
