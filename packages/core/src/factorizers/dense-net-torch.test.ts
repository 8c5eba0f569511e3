/**
 * denseNet beside PyTorch: its optimizers on a small net with every part, from the same start. Recorded with PyTorch 2.15.0
 * (CPU, double precision, Python 3.11.7) by test/traces/net_optimizers.py, where the net stands in PyTorch's words.
 *
 * Batches that leave rows alone are SparseAdam's on the tables and Adam's on the layers, with an epsilon that does not
 * count: SparseAdam adds it before the root is corrected, Adam and denseNet after.
 */
import { describe, expect, it } from "vitest";
import { netPlaces, openKernels } from "../kernels/index.ts";
import { ratingsFromDense } from "../ratings/index.ts";
import { uniform } from "../support/index.ts";
import { type DenseNetOptions, denseNet } from "./dense-net.ts";

const [rank, hidden] = [2, 3];
const ratings = ratingsFromDense([
  [5, Number.NaN, 2],
  [Number.NaN, 3.5, 4],
  [1, 4.5, 3],
]);
const start = (seed: number, count: number) =>
  Float32Array.from({ length: count }, (_, i) => uniform(seed, i, -0.75, 0.75));
const initial = {
  userFactors: start(1, 3 * rank),
  itemFactors: start(2, 3 * rank),
  product: { userFactors: start(3, 3 * rank), itemFactors: start(4, 3 * rank) },
  layers: [
    { inputs: 2 * rank, outputs: hidden, weight: start(5, hidden * 2 * rank), bias: start(6, hidden) },
    { inputs: hidden + rank, outputs: 1, weight: start(7, hidden + rank), bias: start(8, 1) },
  ],
};
const every: DenseNetOptions = {
  rank,
  hidden: [hidden],
  initial,
  order: "rows",
  learningRate: 0.05,
  schedule: "constant",
  regularization: 0.03,
  biasRegularization: 0.02,
  layerRegularization: 0.01,
};
const betas = { beta1: 0.8, beta2: 0.95 };

interface Trace {
  /** Root mean squared error of each epoch, on the way */
  readonly losses: readonly number[];
  /** After the last epoch, matrices row by row, as PyTorch has them */
  readonly after: Readonly<Record<string, readonly number[]>>;
}

const traces: readonly [string, DenseNetOptions, Trace][] = [
  [
    "adam by rows, two ratings at a time",
    { optimizer: "adam", ...betas, epsilon: 1e-12, batchSize: 2, epochs: 3 },
    {
      losses: [1.3367042148, 1.2667329754, 1.2337360901],
      after: {
        userFactors: [-0.0657355178, -0.4920936262, 0.5359455883, 0.3738218473, -0.6872288116, -0.1241930274],
        itemFactors: [-0.4990837958, 0.0817398318, 0.6318851325, 0.0437318282, -0.2578533085, 0.0527279765],
        userProduct: [-0.0307995426, 0.5781195748, -0.1247107242, -0.3824402282, -0.3604321837, 0.0923465121],
        itemProduct: [-0.2599575589, 0.0990818862, 0.272841616, 0.1733137867, -0.2158074422, 0.0871090194],
        userBias: [0.0063210923, 0.0771245674, -0.2235525671],
        itemBias: [0.0083790409, 0.1023842349, -0.2615852465],
        hiddenWeight: [
          0.625516622, 0.377378582, -0.2598725584, 0.1086611163, 0.5112788842, 0.3392570909, -0.0942740163, -0.10416459,
          0.1588533296, 0.1754055032, 0.2893080289, -0.03759816,
        ],
        hiddenBias: [-0.2049012243, 0.0341804646, -0.1585078084],
        topWeight: [0.5783833633, 0.5547690216, -0.1726111966, -0.2108643151, 0.0989667963],
        topBias: [0.0048402406],
      },
    },
  ],
  [
    "adamw",
    { optimizer: "adamw", ...betas, epsilon: 0.05, weightDecay: 0.3, batchSize: 7, epochs: 5 },
    {
      losses: [1.3326037413, 1.2893894956, 1.2565723039, 1.2294439899, 1.2072094527],
      after: {
        userFactors: [-0.1688615845, -0.5402035379, 0.5002589556, 0.3391708605, -0.5682806722, -0.0565869719],
        itemFactors: [-0.541585044, 0.1443751744, 0.6351385232, 0.0476768902, -0.1929773097, 0.1967726464],
        userProduct: [-0.0320280194, 0.5622746535, -0.1812963803, -0.4259774645, -0.2279240985, 0.304622175],
        itemProduct: [-0.0938870502, 0.1523749621, 0.3287596379, 0.2806586485, -0.5110039429, 0.0104973087],
        userBias: [0.0561706621, 0.0738965927, -0.2116889758],
        itemBias: [-0.1865963235, 0.2035636373, -0.2088301553],
        hiddenWeight: [
          0.5597884876, 0.4880569199, -0.3422027017, 0.1956774532, 0.4138034279, 0.4154313026, -0.1768251644,
          -0.1192513522, 0.2155286904, 0.3846397991, 0.3184061019, 0.2264069694,
        ],
        hiddenBias: [-0.2340863214, 0.0589963907, -0.1854546207],
        topWeight: [0.5623628572, 0.6625815041, -0.4096195215, -0.1801741186, -0.0172714887],
        topBias: [0.061028272],
      },
    },
  ],
  [
    "adagrad",
    { optimizer: "adagrad", epsilon: 0.05, batchSize: 7, epochs: 5 },
    {
      losses: [1.3326037413, 1.2898767924, 1.265177327, 1.2466688393, 1.2315804403],
      after: {
        userFactors: [-0.1833625724, -0.5887045753, 0.5192746893, 0.3481933887, -0.553237135, 0.0058520855],
        itemFactors: [-0.6518463631, 0.2105028855, 0.6943494226, 0.0505227934, -0.1863699095, 0.2247469554],
        userProduct: [-0.0059417186, 0.6321405069, -0.2033594147, -0.466159348, -0.2281386412, 0.3282007867],
        itemProduct: [-0.0878907405, 0.1698327368, 0.3579735477, 0.3207370499, -0.5666805164, -0.0313563707],
        userBias: [0.0629727101, 0.0384119734, -0.1368137063],
        itemBias: [-0.1231824555, 0.1433567412, -0.137486533],
        hiddenWeight: [
          0.5303836259, 0.5372483753, -0.4396790544, 0.2557781748, 0.4264512559, 0.4358786124, -0.1815978098,
          -0.1419660814, 0.2479936766, 0.4283477771, 0.3431679643, 0.2550945583,
        ],
        hiddenBias: [-0.1929838722, 0.0305099726, -0.1743898705],
        topWeight: [0.6094817406, 0.6998861966, -0.4575501421, -0.2128415497, -0.071329476],
        topBias: [0.1471986399],
      },
    },
  ],
  [
    "sgd with momentum",
    { optimizer: "sgd", momentum: 0.7, batchSize: 7, epochs: 5 },
    {
      losses: [1.3326037413, 1.3067518987, 1.2757730158, 1.2477253375, 1.2260487459],
      after: {
        userFactors: [-0.1964581881, -0.6221067978, 0.4909972557, 0.3130038099, -0.5470308528, 0.013910162],
        itemFactors: [-0.6659472461, 0.2313486815, 0.7007683796, 0.0191490413, -0.1336226219, 0.2592211378],
        userProduct: [0.0576529071, 0.6820034679, -0.2410613645, -0.4991984948, -0.1666054712, 0.3500257248],
        itemProduct: [-0.0310000804, 0.2036945645, 0.3484241293, 0.3673512669, -0.6107962151, -0.0810924272],
        userBias: [0.0167764824, 0.0206306585, -0.2440937101],
        itemBias: [-0.1188951926, 0.1387743433, -0.2265782296],
        hiddenWeight: [
          0.5205202225, 0.5495816139, -0.4404982097, 0.2730106938, 0.4420619883, 0.4575734306, -0.1251005449,
          -0.17679536, 0.2740300235, 0.4617577492, 0.3085514081, 0.2890048005,
        ],
        hiddenBias: [-0.2025885239, 0.0136685655, -0.1688743411],
        topWeight: [0.5950276527, 0.7206065429, -0.4647702443, -0.1709244053, -0.1274514315],
        topBias: [0.0634158156],
      },
    },
  ],
];

/** The state in PyTorch's words. */
function wordsOf(arrays: Readonly<Record<string, ArrayLike<number>>>): Record<string, number[]> {
  const places = netPlaces({ rank, hidden: [hidden], product: true });
  const [{ inputs, outputs, stride, weight, bias }] = places.layers;
  const { layers } = arrays;
  const take = (from: number | undefined, count: number) =>
    Array.from({ length: count }, (_, i) => layers[(from as number) + i]);
  const tables = ["userFactors", "itemFactors", "userProduct", "itemProduct", "userBias", "itemBias"];
  return {
    ...Object.fromEntries(tables.map((name) => [name, Array.from(arrays[name])])),
    hiddenWeight: Array.from(
      { length: inputs * outputs },
      (_, i) => layers[weight + (i % inputs) * stride + Math.floor(i / inputs)],
    ),
    hiddenBias: take(bias, outputs),
    topWeight: [...take(places.top, outputs), ...take(places.product, rank)],
    topBias: take(places.bias, 1),
  };
}

describe.each(traces)("a net trained by %s", (_name, options, { losses, after }) => {
  it.each([
    ["reference", 1e-9],
    ["wasm", 2e-6],
  ] as const)("on %s ends at PyTorch's losses and parameters to %d", async (backend, allowed) => {
    const method = denseNet({ ...every, ...options });
    const run = await method.start(ratings, await openKernels({ backend }), 0);
    const got: number[] = [];
    while (got.length < losses.length) got.push(...(await run.passes(1, undefined)));
    const words = wordsOf(run.state().arrays);
    run.close();
    const apart = (some: readonly number[], recorded: readonly number[]) =>
      Math.max(...recorded.map((one, i) => Math.abs(some[i] - one)));
    expect(apart(got, losses)).toBeLessThan(allowed);
    expect(Object.keys(words)).toEqual(Object.keys(after));
    for (const [name, recorded] of Object.entries(after)) {
      expect(words[name]).toHaveLength(recorded.length);
      expect(apart(words[name], recorded), name).toBeLessThan(allowed);
    }
  });
});
