/** Worlds that sampled gradients are tried on, what a batch draws from them, and the numbers that move. Not part of the build. */
import { hash32, normal, unit } from "../support/index.ts";
import type { Optimizer } from "./descent.ts";
import { type Kernels, type Reals, slot } from "./kernels.ts";
import type { Moved } from "./net.ts";
import { mostEntries, type SampledLoss, type SampledProblem, type SampledSide, sampledSlots } from "./sampled.ts";

export const sampledLosses: readonly SampledLoss[] = [
  { kind: "softmax", temperature: 0.5, positiveTemperature: undefined },
  { kind: "softmax", temperature: 0.4, positiveTemperature: 0.7 },
  { kind: "bpr", temperature: 0.6, hardestOf: undefined },
  { kind: "logistic", unobservedWeight: 0.3 },
  { kind: "warp", margin: 0.8 },
  { kind: "bpr", temperature: 0.6, hardestOf: 3 },
];

export const pairwise: SampledLoss = { kind: "bpr", temperature: 0.6, hardestOf: undefined };

export interface SampledWorldOptions {
  readonly loss: SampledLoss;
  readonly leftRows?: number;
  readonly rightRows?: number;
  readonly rank?: number;
  readonly batchSize?: number;
  readonly candidates?: number;
  readonly cosine?: boolean;
  readonly biases?: boolean;
  /** Left rows are made of their entries too, and right rows have offsets */
  readonly history?: boolean;
  readonly optimizer?: Optimizer;
  /** Share of the pairs that are entries; the first left row has none, the last every right row */
  readonly density?: number;
}

/** Random tables and entries in a workspace with both moments. */
export function sampledWorld(kernels: Kernels, options: SampledWorldOptions) {
  const { loss, leftRows = 17, rightRows = 40, rank = 5, batchSize = 7, candidates = 13, cosine = false } = options;
  const { biases = !cosine, density = 0.2, history = false } = options;
  const start = new Uint32Array(leftRows + 1);
  const index: number[] = [];
  for (let l = 0; l < leftRows; l++) {
    for (let r = 0; r < rightRows; r++) {
      if (l === leftRows - 1 || (l > 0 && unit(3, l * rightRows + r) < density)) index.push(r);
    }
    start[l + 1] = index.length;
  }
  const table = { left: slot.realTable(leftRows, rank), right: slot.realTable(rightRows, rank) };
  const w = kernels.open({
    ...table,
    leftFirst: table.left,
    leftSecond: table.left,
    rightFirst: table.right,
    rightSecond: table.right,
    bias: slot.real(3 * (leftRows + rightRows)),
    start: slot.u32(leftRows + 1),
    index: slot.u32(index.length),
    weight: slot.real(leftRows),
    historyWeight: slot.real(leftRows),
    offset: slot.real(rightRows),
    order: slot.u32(leftRows),
    ...sampledSlots({ rightRows, rank, batchSize, candidates, entries: mostEntries({ start }, batchSize) }),
  });
  const { at } = w;
  at.start.set(start);
  at.index.set(index);
  for (let l = 0; l < leftRows; l++) {
    at.order[l] = (l * 7) % leftRows;
    at.weight[l] = 0.5 + unit(4, l);
    at.historyWeight[l] = 0.2 + unit(8, l);
  }
  for (let r = 0; r < rightRows; r++) at.offset[r] = normal(9, r) / 3;
  const side = (which: "left" | "right", from: number): SampledSide => {
    const { rows, data, stride } = at[which];
    for (let i = 0; i < rows * rank; i++) data[Math.floor(i / rank) * stride + (i % rank)] = normal(5 + from, i) / 2;
    const part = (k: number) => at.bias.subarray(3 * from + k * rows, 3 * from + (k + 1) * rows);
    for (let i = 0; i < rows; i++) part(0)[i] = normal(6 + from, i) / 3;
    return {
      factors: { table: at[which], value: data, first: at[`${which}First`].data, second: at[`${which}Second`].data },
      bias: biases ? { value: part(0), first: part(1), second: part(2) } : undefined,
      regularization: cosine ? 0 : 0.03,
      biasRegularization: biases ? 0.02 : 0,
    };
  };
  const problem: SampledProblem = {
    left: side("left", 0),
    right: side("right", leftRows),
    cosine,
    loss,
    entries: { start: at.start, index: at.index },
    weight: at.weight,
    historyWeight: history ? at.historyWeight : undefined,
    offset: history ? at.offset : undefined,
    order: at.order,
    batchSize,
    candidates,
    seed: 77,
    work: at,
  };
  const optimizer = options.optimizer ?? { kind: "sgd", momentum: 0 };
  const move = (from: number, to: number, rate = 0.05, done = from): Promise<number> =>
    w.sampledBatches(problem, { optimizer, done, rates: Float64Array.of(rate), from, to });
  return { problem, move, batches: Math.ceil(leftRows / batchSize), numbers: () => numbersOf(problem), close: w.close };
}

export type World = ReturnType<typeof sampledWorld>;

/** Every number that moves, by name. */
function numbersOf({ left, right }: SampledProblem): [string, Reals][] {
  const of = (name: string, { factors, bias }: SampledSide): [string, Reals][] => {
    const named = (what: string, moved: Moved): [string, Reals][] => [
      [`${name} ${what}`, moved.value],
      [`${name} ${what} first`, moved.first],
      [`${name} ${what} second`, moved.second],
    ];
    return [...named("factors", factors), ...(bias === undefined ? [] : named("bias", bias))];
  };
  return [...of("left", left), ...of("right", right)];
}

export const draw = (hash: number, count: number) => Math.floor((hash / 2 ** 32) * count);

/** The batch's candidates, as sampled.ts says. */
export function candidatesOf({ seed, candidates, right }: SampledProblem, batch: number): number[] {
  const { rows } = right.factors.table;
  const drawn: number[] = [];
  for (let i = 0; drawn.length < candidates; i++) {
    const row = candidates === rows ? i : draw(hash32(hash32(seed, batch), i), rows);
    if (!drawn.includes(row)) drawn.push(row);
  }
  return drawn;
}

/** What a batch is a function of: copies of the four arrays. */
export interface Point {
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly leftBias: Float64Array | undefined;
  readonly rightBias: Float64Array | undefined;
}

export function pointOf({ left, right }: SampledProblem): Point {
  const copy = (moved: Moved | undefined) => (moved === undefined ? undefined : Float64Array.from(moved.value));
  return {
    left: Float64Array.from(left.factors.value),
    right: Float64Array.from(right.factors.value),
    leftBias: copy(left.bias),
    rightBias: copy(right.bias),
  };
}
