/**
 * Nets on every backend, and the world they are tried on. Scores and steps are compared with formulas written here from
 * net.ts, in f64, that share no code with any backend: the loss of a batch as a function of all numbers, whose gradient is
 * taken by central differences.
 */
import { describe, expect, it } from "vitest";
import { normal, unit } from "../support/index.ts";
import type { Optimizer } from "./descent.ts";
import { type Kernels, type Reals, rowStride, slot } from "./kernels.ts";
import {
  type MovedTable,
  type NetBatches,
  type NetProblem,
  type NetShape,
  type NetSide,
  netPlaces,
  netScoringSlots,
  netTrainingSlots,
} from "./net.ts";

const LEFT = 13;
const RIGHT = 9;

/** One, two and three hidden layers, each with and without a product branch, around the width of a row's padding. */
export const netShapes: readonly NetShape[] = [
  { rank: 3, hidden: [5], product: false },
  { rank: 3, hidden: [16, 7], product: true },
  { rank: 17, hidden: [33, 18, 4], product: true },
  { rank: 16, hidden: [16], product: false },
  { rank: 1, hidden: [1], product: true },
  { rank: 5, hidden: [17, 16], product: false },
  { rank: 4, hidden: [9, 6, 15], product: false },
];

/** Batch sizes and biases with which one step is followed. */
export const netSteps: readonly Required<Pick<NetWorldOptions, "batchSize" | "biases">>[] = [
  { batchSize: 50, biases: "both" },
  { batchSize: 1, biases: "both" },
  { batchSize: 50, biases: "left" },
  { batchSize: 50, biases: "right" },
  { batchSize: 50, biases: "none" },
];

export interface NetWorldOptions {
  readonly batchSize?: number;
  readonly entries?: number;
  readonly biases?: "none" | "left" | "right" | "both";
  readonly regularization?: number;
  readonly biasRegularization?: number;
  readonly layerRegularization?: number;
  readonly seed?: number;
}

/** Random tables, layers and entries (repeated rows, some rows without any) in a workspace with both moments. */
export function netWorld(kernels: Kernels, shape: NetShape, options: NetWorldOptions = {}) {
  const { batchSize = 8, entries = 50, biases = "both", seed = 1 } = options;
  const { length } = netPlaces(shape);
  const rank = shape.product ? shape.rank : 1;
  const w = kernels.open({
    left: slot.realTable(LEFT, shape.rank),
    right: slot.realTable(RIGHT, shape.rank),
    leftProduct: slot.realTable(shape.product ? LEFT : 0, rank),
    rightProduct: slot.realTable(shape.product ? RIGHT : 0, rank),
    leftBias: slot.real(LEFT),
    rightBias: slot.real(RIGHT),
    layers: slot.real(length),
    first: slot.real(8 * (LEFT + RIGHT) * rowStride(shape.rank) + length),
    second: slot.real(8 * (LEFT + RIGHT) * rowStride(shape.rank) + length),
    leftRow: slot.u32(entries),
    rightRow: slot.u32(entries),
    value: slot.real(entries),
    order: slot.u32(entries),
    out: slot.f32(Math.max(entries, LEFT * RIGHT)),
    query: slot.u32(LEFT),
    ...netTrainingSlots(shape, LEFT, RIGHT, batchSize),
  });
  const scoring = kernels.open({
    left: slot.realTable(LEFT, shape.rank),
    right: slot.realTable(RIGHT, shape.rank),
    leftProduct: slot.realTable(shape.product ? LEFT : 0, rank),
    rightProduct: slot.realTable(shape.product ? RIGHT : 0, rank),
    leftBias: slot.real(LEFT),
    rightBias: slot.real(RIGHT),
    layers: slot.real(length),
    leftRow: slot.u32(entries),
    rightRow: slot.u32(entries),
    out: slot.f32(Math.max(entries, LEFT * RIGHT)),
    query: slot.u32(LEFT),
    ...netScoringSlots(shape, RIGHT),
  });
  const { at } = w;
  let used = 0;
  const moved = (value: Reals) => {
    const from = used;
    used += value.length;
    return { value, first: at.first.subarray(from, used), second: at.second.subarray(from, used) };
  };
  const table = (which: "left" | "right" | "leftProduct" | "rightProduct", stream: number): MovedTable => {
    const { data, rows, rank: width, stride } = at[which];
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < width; c++) data[r * stride + c] = normal(seed + stream, r * width + c) / 2;
    }
    return { ...moved(data), table: at[which] };
  };
  const places = netPlaces(shape);
  for (const { inputs, outputs, stride, weight, bias } of places.layers) {
    for (let i = 0; i < inputs; i++) {
      for (let o = 0; o < outputs; o++)
        at.layers[weight + i * stride + o] = normal(seed + 5, weight + i * stride + o) / 3;
    }
    for (let o = 0; o < outputs; o++) at.layers[bias + o] = normal(seed + 6, bias + o) / 4;
  }
  const last = shape.hidden[shape.hidden.length - 1];
  for (let i = 0; i < last; i++) at.layers[places.top + i] = normal(seed + 7, i);
  for (let k = 0; k < shape.rank && places.product !== undefined; k++) {
    at.layers[places.product + k] = normal(seed + 8, k);
  }
  at.layers[places.bias] = 0.25;
  for (const bias of [at.leftBias, at.rightBias]) {
    for (let r = 0; r < bias.length; r++) bias[r] = Math.fround(normal(seed + 9, r + bias.length) / 5);
  }
  for (let e = 0; e < entries; e++) {
    // Two thirds of the rows only, so that some have no entry; the same pair may come twice.
    at.leftRow[e] = Math.floor(unit(seed + 10, e) * LEFT * 0.67);
    at.rightRow[e] = Math.floor(unit(seed + 11, e) ** 2 * RIGHT);
    at.value[e] = 1 + Math.floor(5 * unit(seed + 12, e));
    at.order[e] = (e * 7) % entries;
  }
  const side = (which: "left" | "right", stream: number): NetSide => ({
    factors: table(which, stream),
    product: shape.product ? table(`${which}Product`, stream + 1) : undefined,
    bias: biases === which || biases === "both" ? moved(at[`${which}Bias`]) : undefined,
    row: at[`${which}Row`],
    regularization: options.regularization ?? 0.02,
    biasRegularization: options.biasRegularization ?? 0.03,
  });
  const problem: NetProblem = {
    shape,
    left: side("left", 1),
    right: side("right", 3),
    layers: moved(at.layers),
    layerRegularization: options.layerRegularization ?? 0.01,
    offset: 3.5,
    value: at.value,
    order: at.order,
    batchSize,
    work: at,
  };
  /** What moves, by name. */
  const movedArrays = (): readonly (readonly [string, Reals])[] => [
    ["layers", at.layers],
    ["left", at.left.data],
    ["right", at.right.data],
    ...(shape.product
      ? ([
          ["left product", at.leftProduct.data],
          ["right product", at.rightProduct.data],
        ] as const)
      : []),
    ...(problem.left.bias ? ([["left bias", at.leftBias]] as const) : []),
    ...(problem.right.bias ? ([["right bias", at.rightBias]] as const) : []),
  ];
  return { problem, workspace: w, scoring, movedArrays };
}

export type NetWorld = ReturnType<typeof netWorld>;

/** The score of a pair, from the formula in net.ts. */
export function denseScore({ shape, left, right, layers, offset }: NetProblem, l: number, r: number): number {
  const { rank } = shape;
  const places = netPlaces(shape);
  const row = ({ table }: MovedTable, index: number) =>
    Array.from(table.data.subarray(index * table.stride, index * table.stride + rank));
  const w = layers.value;
  let a = [...row(left.factors, l), ...row(right.factors, r)];
  for (const { outputs, stride, weight, bias } of places.layers) {
    const inputs = a;
    a = Array.from({ length: outputs }, (_, o) =>
      Math.max(
        0,
        inputs.reduce((sum, x, i) => sum + x * w[weight + i * stride + o], w[bias + o]),
      ),
    );
  }
  let score = offset + w[places.bias] + (left.bias?.value[l] ?? 0) + (right.bias?.value[r] ?? 0);
  for (const [i, x] of a.entries()) score += x * w[places.top + i];
  if (places.product !== undefined && left.product !== undefined && right.product !== undefined) {
    const p = row(left.product, l);
    const q = row(right.product, r);
    for (let k = 0; k < rank; k++) score += w[places.product + k] * p[k] * q[k];
  }
  return score;
}

/** The loss of batch `batch`, from the formula in net.ts. */
export function denseLoss(problem: NetProblem, batch: number): number {
  const { left, right, layers, order, batchSize, value, layerRegularization } = problem;
  const entries = [...order.subarray(batch * batchSize, (batch + 1) * batchSize)];
  const squares = (table: MovedTable | undefined, row: number) => {
    let sum = 0;
    if (table === undefined) return sum;
    const { data, stride, rank } = table.table;
    for (let k = row * stride; k < row * stride + rank; k++) sum += data[k] ** 2;
    return sum;
  };
  let sum = 0;
  for (const e of entries) {
    sum += (denseScore(problem, left.row[e], right.row[e]) - value[e]) ** 2;
    for (const side of [left, right]) {
      const row = side.row[e];
      sum += side.regularization * (squares(side.factors, row) + squares(side.product, row));
      sum += side.biasRegularization * (side.bias?.value[row] ?? 0) ** 2;
    }
  }
  let penalty = 0;
  for (const x of layers.value) penalty += x * x;
  return sum / entries.length + layerRegularization * penalty;
}

export const netOptimizers: readonly Optimizer[] = [
  { kind: "sgd", momentum: 0 },
  { kind: "sgd", momentum: 0.9 },
  { kind: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  { kind: "adamw", beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01 },
  { kind: "adagrad", epsilon: 1e-8 },
];

const plain = { optimizer: netOptimizers[0], done: 0 } as const;

export async function moveNet({ workspace, problem }: NetWorld, batches: Partial<NetBatches> = {}): Promise<number> {
  const all = Math.ceil(problem.order.length / problem.batchSize);
  return workspace.netBatches(problem, { ...plain, rates: Float64Array.of(0.01), from: 0, to: all, ...batches });
}

export function closeNet({ workspace, scoring }: NetWorld): void {
  workspace.close();
  scoring.close();
}

export function netCases(kernels: Kernels): void {
  it.each(netShapes)("scores of pairs and of all right rows agree with the formula to 1e-5: %j", async (shape) => {
    for (const biases of ["none", "left", "right", "both"] as const) {
      const world = netWorld(kernels, shape, { biases, entries: 150 });
      const { problem, scoring } = world;
      const { at } = scoring;
      for (const name of ["left", "right", "leftProduct", "rightProduct"] as const)
        at[name].data.set(workOf(world)[name].data);
      for (const name of ["leftBias", "rightBias", "layers", "leftRow", "rightRow"] as const)
        at[name].set(workOf(world)[name]);
      const side = (which: "left" | "right") => ({
        table: at[which],
        product: shape.product ? at[`${which}Product`] : undefined,
        bias: problem[which].bias === undefined ? undefined : at[`${which}Bias`],
      });
      const net = { shape, left: side("left"), right: side("right"), layers: at.layers, offset: 3.5, work: at };
      const { leftRow, rightRow } = at;
      await scoring.netPairs({ ...net, leftRow, rightRow, out: at.out });
      for (let p = 0; p < leftRow.length; p++) near(at.out[p], denseScore(problem, leftRow[p], rightRow[p]), 1e-5);
      const query = at.query.subarray(0, 3);
      query.set([4, 0, LEFT - 1]);
      await scoring.netScores({ ...net, query, out: at.out });
      for (const [q, l] of query.entries()) {
        for (let r = 0; r < RIGHT; r++) near(at.out[q * RIGHT + r], denseScore(problem, l, r), 1e-5);
      }
      closeNet(world);
    }
  });

  it("rows that no entry of the batch is on keep every bit, value and moments", async () => {
    const world = netWorld(kernels, netShapes[1], { batchSize: 4 });
    const { problem } = world;
    const before = world.movedArrays().map(([, array]) => array.slice());
    await moveNet(world, { optimizer: netOptimizers[2], to: 1 });
    const touched = new Set([...problem.order.subarray(0, 4)].map((e) => problem.left.row[e]));
    const { stride } = problem.left.factors.table;
    for (let row = 0; row < LEFT; row++) {
      const same = problem.left.factors.value
        .subarray(row * stride, (row + 1) * stride)
        .every((x, k) => x === before[1][row * stride + k]);
      expect(same).toBe(!touched.has(row));
      const still = problem.left.factors.first.subarray(row * stride, (row + 1) * stride).every((x) => x === 0);
      expect(still).toBe(!touched.has(row));
    }
    closeNet(world);
  });

  it("batches in several calls give the same bytes as in one", async () => {
    const [once, parts] = [1, 2].map(() => netWorld(kernels, netShapes[2], { batchSize: 6 }));
    const optimizer = netOptimizers[2];
    await moveNet(once, { optimizer });
    for (const [from, to] of [
      [0, 1],
      [1, 5],
      [5, 9],
    ])
      await moveNet(parts, { optimizer, from, to, done: from });
    expect(parts.movedArrays()).toEqual(once.movedArrays());
    closeNet(once);
    closeNet(parts);
  });

  it("a rate that lets numbers overflow gives a sum that is not finite", async () => {
    const world = netWorld(kernels, netShapes[1]);
    expect(await moveNet(world, { rates: Float64Array.of(1e30) })).not.toSatisfy(Number.isFinite);
    closeNet(world);
  });

  describe("refuses", () => {
    it("arrays that do not fit the shape, with the code shape", async () => {
      const world = netWorld(kernels, netShapes[1]);
      const { problem, workspace } = world;
      const batches = { ...plain, rates: Float64Array.of(0.1), from: 0, to: 1 };
      const adam = { ...batches, optimizer: netOptimizers[2] };
      const none = new Float32Array(0);
      const copy = problem.left.factors.value.slice();
      for (const [change, way] of [
        [{ shape: { ...problem.shape, rank: 4 } }, batches],
        [{ shape: { ...problem.shape, hidden: [16, 8] } }, batches],
        [{ left: { ...problem.left, product: undefined } }, batches],
        [{ layers: { ...problem.layers, first: none } }, adam],
        [{}, { ...batches, to: 99 }],
        [{}, { ...batches, from: 0.5 }],
        [{}, { ...batches, from: -1 }],
        [{}, { ...batches, rates: new Float64Array(3) }],
        [{}, { ...adam, done: -1 }],
        [{}, { ...adam, done: 0.5 }],
        [{}, { ...adam, optimizer: { kind: "adam", beta1: 0.9, beta2: 0.999, epsilon: 0 } }],
        [{}, { ...batches, optimizer: { kind: "adagrad", epsilon: Number.NaN } }],
        [{ batchSize: 64 }, batches],
        [{ batchSize: 0 }, batches],
        [{ batchSize: 2.5 }, batches],
        [{ shape: { ...problem.shape, hidden: [] } }, batches],
        [{ shape: { ...problem.shape, hidden: [16, 7.5] } }, batches],
        [{ left: { ...problem.left, factors: { ...problem.left.factors, value: copy } } }, batches],
      ] as const) {
        await expect(workspace.netBatches({ ...problem, ...change }, way)).rejects.toMatchObject({ code: "shape" });
      }
      closeNet(world);
    });
  });
}

/** For the reference alone, whose numbers are of double precision; the other backends are held to its steps. */
export function netSlopeCases(reference: Kernels): void {
  it.each(netShapes)(
    "one step of sgd moves numbers everywhere by −α times the central difference: %j",
    async (shape) => {
      for (const step of netSteps) {
        const places = step === netSteps[0] ? 15 : 4;
        const world = netWorld(reference, shape, step);
        const arrays = world.movedArrays();
        const before = arrays.map(([, array]) => array.slice());
        const rate = 0.25;
        await moveNet(world, { rates: Float64Array.of(rate), to: 1 });
        const after = arrays.map(([, array]) => array.slice());
        for (const [a, [, array]] of arrays.entries()) array.set(before[a]);
        for (const [a, [name, array]] of arrays.entries()) {
          // Some places of each array: every layer, row and branch, and padding.
          for (let i = a; i < array.length; i += Math.ceil(array.length / places)) {
            const slope = difference(array, i, () => denseLoss(world.problem, 0));
            const moved = (before[a][i] - after[a][i]) / rate;
            const isNear = Math.abs(moved - slope) <= 1e-8 * (1 + Math.abs(slope));
            if (!isNear) expect.fail(`${name}[${i}] moved by ${moved}, not ${slope}`);
          }
        }
        closeNet(world);
      }
    },
  );
}

const workOf = ({ workspace }: NetWorld) => workspace.at;

function near(got: number, exact: number, share: number): void {
  if (!(Math.abs(got - exact) <= share * (1 + Math.abs(exact)))) expect.fail(`${got} is not ${exact}`);
}

/** The derivative by central differences: at a half and a whole step, extrapolated, so that the cubic term is gone. */
function difference(array: Reals, i: number, loss: () => number): number {
  const at = array[i];
  const slope = (h: number) => {
    array[i] = at + h;
    const up = loss();
    array[i] = at - h;
    const down = loss();
    array[i] = at;
    return (up - down) / (2 * h);
  };
  return (4 * slope(5e-5) - slope(1e-4)) / 3;
}
