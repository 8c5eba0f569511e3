/**
 * Problems for `descent.case.ts`, and what they should give: losses, gradients, optimizers and batches in f64, written from
 * the formulas in `descent.ts` over plain arrays of numbers, with no code of any backend. Not part of the build.
 */
import { hash32, uniform, unit } from "../support/index.ts";
import type { BatchProblem, DescentSide, FullProblem, Objective, Optimizer, Trained } from "./descent.ts";
import { type Kernels, type Reals, type RealTable, slot } from "./kernels.ts";

export interface WorldShape {
  readonly rank: number;
  readonly leftRows?: number;
  readonly rightRows?: number;
  readonly complete?: boolean;
  readonly objective?: Objective;
  /** Left, right */
  readonly biases?: readonly [boolean, boolean];
  /** Left, left bias, right, right bias */
  readonly penalties?: readonly [number, number, number, number];
  readonly batchSize?: number;
  readonly update?: "together" | "alternately";
  readonly seed?: number;
}

export const PENALTIES = [0.3, 0.2, 0.15, 0.4] as const;

interface Cell {
  readonly l: number;
  readonly r: number;
  readonly value: number;
}

/** All parameters one after the other: left rows, right rows, left biases, right biases. */
export interface Dense {
  readonly shape: Required<WorldShape>;
  readonly offset: number;
  readonly cells: readonly Cell[];
  /** What each number's square is multiplied by in P */
  readonly weights: readonly number[];
}

/** Row 1 and the last column have no entry, row 2 all others; the rest is mixed. */
function cellsOf({ leftRows, rightRows, complete, seed }: Required<WorldShape>): Cell[] {
  const cells: Cell[] = [];
  for (let l = 0; l < leftRows; l++) {
    for (let r = 0; r < rightRows; r++) {
      const i = l * rightRows + r;
      const present = l !== 1 && r !== rightRows - 1 && (l === 2 || unit(seed + 5, i) < 0.4);
      if (complete || present) cells.push({ l, r, value: 1 + Math.floor(5 * unit(seed + 6, i)) });
    }
  }
  return cells;
}

/**
 * @param epochs orders of the entries, one after the other
 * @param passes places for rates and losses
 */
export function descentWorld(kernels: Kernels, given: WorldShape, epochs = 1, passes = 64) {
  const shape: Required<WorldShape> = {
    leftRows: 9,
    rightRows: 13,
    complete: false,
    objective: "sum",
    biases: [true, true],
    penalties: PENALTIES,
    batchSize: 1,
    update: "together",
    seed: 1,
    ...given,
  };
  const { rank, leftRows, rightRows, complete, seed, batchSize, objective, update } = shape;
  const cells = cellsOf(shape);
  const count = cells.length;
  const table = slot.realTable;
  const workspace = kernels.open({
    leftValue: table(leftRows, rank),
    leftGradient: table(leftRows, rank),
    leftFirst: table(leftRows, rank),
    leftSecond: table(leftRows, rank),
    rightValue: table(rightRows, rank),
    rightGradient: table(rightRows, rank),
    rightFirst: table(rightRows, rank),
    rightSecond: table(rightRows, rank),
    leftBias: slot.real(4 * leftRows),
    rightBias: slot.real(4 * rightRows),
    start: slot.u32(leftRows + 1),
    index: slot.u32(count),
    value: slot.real(count),
    error: slot.real(count),
    acrossStart: slot.u32(rightRows + 1),
    acrossIndex: slot.u32(count),
    place: slot.u32(count),
    rowSum: slot.f64(2 * (leftRows + rightRows)),
    leftRow: slot.u32(count),
    rightCount: slot.u32(rightRows),
    order: slot.u32(epochs * count),
    share: slot.real(leftRows + rightRows + batchSize),
    touched: slot.u32(leftRows + rightRows + 2 * batchSize),
    rates: slot.f64(passes),
    losses: slot.f64(passes),
  });
  const { at } = workspace;
  fill(at.leftValue, seed + 1);
  fill(at.rightValue, seed + 2);
  for (let i = 0; i < leftRows; i++) at.leftBias[i] = uniform(seed + 3, i, -0.5, 0.5);
  for (let i = 0; i < rightRows; i++) at.rightBias[i] = uniform(seed + 4, i, -0.5, 0.5);
  for (const [e, { l, r, value }] of cells.entries()) {
    at.start[l + 1] = e + 1;
    at.index[e] = r;
    at.value[e] = value;
    at.leftRow[e] = l;
    at.rightCount[r]++;
  }
  for (let l = 0; l < leftRows; l++) at.start[l + 1] = Math.max(at.start[l + 1], at.start[l]);
  const across = cells.map((_, e) => e).sort((a, b) => cells[a].r - cells[b].r || a - b);
  for (const [i, e] of across.entries()) {
    at.acrossStart[cells[e].r + 1] = i + 1;
    at.acrossIndex[i] = cells[e].l;
    at.place[i] = e;
  }
  for (let r = 0; r < rightRows; r++) at.acrossStart[r + 1] = Math.max(at.acrossStart[r + 1], at.acrossStart[r]);
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = cells.map((_, e) => e);
    order.sort((a, b) => hash32(seed + 20 + epoch, a) - hash32(seed + 20 + epoch, b));
    at.order.set(order, epoch * count);
  }
  const left = side("left");
  const right = side("right");
  const offset = 3.25;
  const common = { left, right, offset, objective, entries: { start: at.start, index: at.index }, value: at.value };
  const full: FullProblem = {
    ...common,
    across: complete ? undefined : { start: at.acrossStart, index: at.acrossIndex },
    place: complete ? undefined : at.place,
    complete,
    error: at.error,
    rowSum: at.rowSum,
  };
  const { leftRow, rightCount, order, share, touched } = at;
  const batch: BatchProblem = { ...common, leftRow, rightCount, order, batchSize, update, share, touched };
  const dense: Dense = { shape, offset, cells, weights: denseWeights(shape) };
  return { workspace, at, full, batch, dense };

  function side(which: "left" | "right"): DescentSide {
    const i = which === "left" ? 0 : 1;
    const table = at[`${which}Value`];
    const arrays = [`${which}Value`, `${which}Gradient`, `${which}First`, `${which}Second`] as const;
    const [value, gradient, first, second] = arrays.map((name) => at[name].data);
    const bias = at[`${which}Bias`];
    const part = (p: number) => bias.subarray(p * table.rows, (p + 1) * table.rows);
    return {
      factors: { table, value, gradient, first, second },
      bias: shape.biases[i] ? { value: part(0), gradient: part(1), first: part(2), second: part(3) } : undefined,
      regularization: shape.penalties[2 * i],
      biasRegularization: shape.penalties[2 * i + 1],
    };
  }
}

export type DescentWorld = ReturnType<typeof descentWorld>;

function fill(table: RealTable, seed: number): void {
  for (let r = 0; r < table.rows; r++) {
    for (let i = 0; i < table.rank; i++) {
      table.data[r * table.stride + i] = uniform(seed, r * table.rank + i, -1, 1) / Math.sqrt(table.rank);
    }
  }
}

/** One of the four arrays of everything that moves, in the order of `Dense`, without padding. */
export function numbers({ full }: DescentWorld, which: keyof Trained = "value"): number[] {
  const rows = ({ factors }: DescentSide) => {
    const { rows, rank, stride } = factors.table;
    const data: Reals = factors[which];
    return Array.from({ length: rows }, (_, r) => Array.from(data.subarray(r * stride, r * stride + rank))).flat();
  };
  const bias = (side: DescentSide) => (side.bias === undefined ? [] : Array.from(side.bias[which]));
  return [...rows(full.left), ...rows(full.right), ...bias(full.left), ...bias(full.right)];
}

/** Where a row's factors and its bias lie among the numbers; the bias undefined for a side without. */
function placesOf(
  shape: Required<WorldShape>,
  which: 0 | 1,
  row: number,
): { factors: number; bias: number | undefined } {
  const { rank, leftRows, rightRows, biases } = shape;
  const tables = (leftRows + rightRows) * rank;
  if (which === 0) return { factors: row * rank, bias: biases[0] ? tables + row : undefined };
  return {
    factors: (leftRows + row) * rank,
    bias: biases[1] ? tables + (biases[0] ? leftRows : 0) + row : undefined,
  };
}

export function denseError(dense: Dense, x: readonly number[], { l, r, value }: Cell): number {
  const a = placesOf(dense.shape, 0, l);
  const b = placesOf(dense.shape, 1, r);
  let score = dense.offset;
  if (a.bias !== undefined) score += x[a.bias];
  if (b.bias !== undefined) score += x[b.bias];
  for (let i = 0; i < dense.shape.rank; i++) score += x[a.factors + i] * x[b.factors + i];
  return score - value;
}

function denseWeights(shape: Required<WorldShape>): number[] {
  const { rank, leftRows, rightRows, penalties } = shape;
  const weights: number[] = [];
  for (const which of [0, 1] as const) {
    for (let row = 0; row < [leftRows, rightRows][which]; row++) {
      const { factors, bias } = placesOf(shape, which, row);
      for (let i = 0; i < rank; i++) weights[factors + i] = penalties[2 * which];
      if (bias !== undefined) weights[bias] = penalties[2 * which + 1];
    }
  }
  return weights;
}

/** The objective of some cells, where `weights` says what each number's square is multiplied by in the penalty. */
function denseObjective(
  dense: Dense,
  x: readonly number[],
  cells: readonly Cell[],
  weights: readonly number[],
): number {
  let squares = 0;
  for (const cell of cells) squares += denseError(dense, x, cell) ** 2;
  let penalty = 0;
  for (let i = 0; i < x.length; i++) penalty += weights[i] * x[i] ** 2;
  switch (dense.shape.objective) {
    case "norm":
      return Math.sqrt(squares) + penalty;
    case "sum":
      return squares + penalty;
    case "half":
      return (squares + penalty) / 2;
    case "mean":
      return squares / cells.length + penalty;
    default:
      return dense.shape.objective satisfies never;
  }
}

export function denseLoss(dense: Dense, x: readonly number[]): number {
  return denseObjective(dense, x, dense.cells, dense.weights);
}

/** A batch's loss, as `descent.ts` defines it: each cell brings 1/n of the penalties of its two rows. */
export function denseBatchLoss(dense: Dense, x: readonly number[], cells: readonly Cell[]): number {
  const whole = dense.weights;
  const weights = whole.map(() => 0);
  const times = dense.shape.objective === "mean" ? dense.cells.length / cells.length : 1;
  for (const { l, r } of cells) {
    for (const [which, row] of [l, r].entries()) {
      const n = dense.cells.filter((cell) => (which === 0 ? cell.l : cell.r) === row).length;
      const { factors, bias } = placesOf(dense.shape, which as 0 | 1, row);
      for (let i = factors; i < factors + dense.shape.rank; i++) weights[i] += (times * whole[i]) / n;
      if (bias !== undefined) weights[bias] += (times * whole[bias]) / n;
    }
  }
  return denseObjective(dense, x, cells, weights);
}

/** Numbers of the rows that a batch touches. */
export function touchedBy(dense: Dense, cells: readonly Cell[]): boolean[] {
  const touched: boolean[] = dense.weights.map(() => false);
  for (const { l, r } of cells) {
    for (const [which, row] of [l, r].entries()) {
      const { factors, bias } = placesOf(dense.shape, which as 0 | 1, row);
      touched.fill(true, factors, factors + dense.shape.rank);
      if (bias !== undefined) touched[bias] = true;
    }
  }
  return touched;
}

/** Central differences, fourth order. */
export function slope(f: (x: readonly number[]) => number, x: readonly number[]): number[] {
  const h = 2 ** -10;
  const moved = [...x];
  return x.map((value, i) => {
    const at = (step: number) => {
      moved[i] = value + step * h;
      return f(moved);
    };
    const result = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
    moved[i] = value;
    return result;
  });
}

/** An optimizer with its memory, moving the numbers that `touched` says. */
export class DenseOptimizer {
  readonly #optimizer: Optimizer;
  readonly #clipNorm: number | undefined;
  readonly #m: number[] = [];
  readonly #v: number[] = [];
  #t: number;

  constructor(optimizer: Optimizer, clipNorm: number | undefined, done: number) {
    this.#optimizer = optimizer;
    this.#clipNorm = clipNorm;
    this.#t = done;
  }

  move(x: number[], gradient: readonly number[], rate: number, touched?: readonly boolean[]): void {
    const length = Math.hypot(...gradient);
    const shrink = this.#clipNorm !== undefined && length > this.#clipNorm ? this.#clipNorm / length : 1;
    this.#t++;
    for (let i = 0; i < x.length; i++) {
      if (touched?.[i] === false) continue;
      x[i] = this.#moved(x[i], i, shrink * gradient[i], rate);
    }
  }

  /** Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2; Duchi et al. 2011; Polyak's momentum. */
  #moved(x: number, i: number, g: number, rate: number): number {
    const o = this.#optimizer;
    const m = this.#m[i] ?? 0;
    const v = this.#v[i] ?? 0;
    if (o.kind === "sgd") {
      this.#m[i] = o.momentum * m + g;
      return x - rate * this.#m[i];
    }
    if (o.kind === "adagrad") {
      this.#v[i] = v + g * g;
      return x - (rate * g) / (Math.sqrt(this.#v[i]) + o.epsilon);
    }
    this.#m[i] = o.beta1 * m + (1 - o.beta1) * g;
    this.#v[i] = o.beta2 * v + (1 - o.beta2) * g * g;
    const mHat = this.#m[i] / (1 - o.beta1 ** this.#t);
    const vHat = this.#v[i] / (1 - o.beta2 ** this.#t);
    const decayed = o.kind === "adamw" ? x * (1 - rate * o.weightDecay) : x;
    return decayed - (rate * mHat) / (Math.sqrt(vHat) + o.epsilon);
  }
}

export const OPTIMIZERS: readonly Optimizer[] = [
  { kind: "sgd", momentum: 0 },
  { kind: "sgd", momentum: 0.9 },
  { kind: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  { kind: "adamw", beta1: 0.8, beta2: 0.99, epsilon: 1e-6, weightDecay: 0.1 },
  { kind: "adagrad", epsilon: 1e-10 },
];
