/**
 * Problems for `kernels.case.ts`: random tables and sparse rows in a workspace, and the dense f64 formulas to hold them to.
 *
 * The formulas are written from the objectives in `kernels.ts`, with loops over everything, and share no code with any
 * backend. Not part of the build.
 */
import { expect } from "vitest";
import { hash32, uniform, unit } from "../support/index.ts";
import { numberAt } from "./entries.ts";
import {
  type ExplicitRows,
  type ImplicitRows,
  type Kernels,
  type RowProblem,
  type RowSolver,
  rowStride,
  type SparseRows,
  slot,
  type Table,
} from "./kernels.ts";
import { subspaceScratch } from "./subspace.ts";

/** 2⁻²⁴: half a unit in the last place of f32, relative. */
export const EPSILON = 2 ** -24;

/** Around the SIMD width (4), the padded row (16) and its multiples. */
export const RANKS = [1, 3, 4, 5, 15, 16, 17, 31, 32, 33, 64, 65];

const known = new Map<string, unknown>();

/**
 * What a formula gives, found once for all backends that are asked the same: a dense formula takes longer than the routine it
 * is compared with.
 *
 * @param question everything that the answer follows from, as JSON
 */
export function once<T>(question: unknown, answer: () => T): T {
  const key = JSON.stringify(question);
  if (!known.has(key)) known.set(key, answer());
  return known.get(key) as T;
}

export function fillRandom(table: Table, seed: number, low = -1, high = 1): void {
  for (let r = 0; r < table.rows; r++) {
    for (let i = 0; i < table.rank; i++) {
      table.data[r * table.stride + i] = uniform(seed, r * table.rank + i, low, high);
    }
  }
}

/** Row lengths from 0 to `columns`: two empty rows, one full row, one of a single entry, the rest mixed. */
export function rowLengths(rows: number, columns: number, seed: number): number[] {
  return Array.from({ length: rows }, (_, r) => {
    if (r === 1 || r === rows - 1) return 0;
    if (r === 2) return columns;
    if (r === 3) return Math.min(1, columns);
    return Math.floor(unit(seed, r) ** 2 * (columns + 1));
  });
}

/** Writes entries of the given row lengths: distinct random columns, ascending. */
export function fillEntries(entries: SparseRows, lengths: number[], columns: number, seed: number): void {
  let at = 0;
  for (const [r, length] of lengths.entries()) {
    entries.start[r] = at;
    const order = Array.from({ length: columns }, (_, c) => c);
    const place = order.map((c) => hash32(seed + r, c));
    order.sort((a, b) => place[a] - place[b] || a - b);
    for (const c of order.slice(0, length).sort((a, b) => a - b)) entries.index[at++] = c;
  }
  entries.start[lengths.length] = at;
}

export interface RowWorld<P extends RowProblem> {
  readonly problem: P;
  readonly loss: Float64Array;
  gram(): Promise<void>;
  readonly workspace: ReturnType<typeof openRows>;
}

/** Different values of entries: 1 to 5 */
const VALUES = 5;

/** Of the blocks that tests solve together */
const MOST_COLUMNS = 96;

function openRows(kernels: Kernels, rank: number, rows: number, columns: number, count: number) {
  return kernels.open({
    out: slot.table(rows, rank),
    fixed: slot.table(columns, rank),
    scratch: slot.table(columns, rank),
    outBias: slot.f32(rows),
    fixedBias: slot.f32(columns),
    start: slot.u32(rows + 1),
    index: slot.u32(count),
    value: slot.f32(count),
    // The same entries packed, and plain where they may lie outside
    shortIndex: slot.inPieces(slot.u16(count)),
    code: slot.inPieces(slot.u8(count)),
    codeTable: slot.f32(VALUES),
    farIndex: slot.inPieces(slot.u32(count)),
    farValue: slot.inPieces(slot.f32(count)),
    pieces: slot.pieces(columns),
    regularization: slot.f32(rows),
    biasRegularization: slot.f32(rows),
    gram: slot.f32(rowStride(rank) ** 2),
    loss: slot.f64(rows),
    forRows: slot.perThread(subspaceScratch(rank, MOST_COLUMNS, columns)),
  });
}

export interface RowShape {
  readonly rank: number;
  readonly rows?: number;
  readonly columns?: number;
  readonly seed?: number;
}

function rowWorld(kernels: Kernels, { rank, rows = 12, columns = 90, seed = 1 }: RowShape) {
  const lengths = rowLengths(rows, columns, seed);
  const count = lengths.reduce((sum, n) => sum + n, 0);
  const workspace = openRows(kernels, rank, rows, columns, count);
  const at = workspace.at;
  const entries = { start: at.start, index: at.index };
  fillRandom(at.fixed, seed + 10);
  fillRandom(at.out, seed + 11, -0.3, 0.3);
  fillEntries(entries, lengths, columns, seed + 12);
  for (let c = 0; c < columns; c++) at.fixedBias[c] = uniform(seed + 13, c, -0.5, 0.5);
  for (let r = 0; r < rows; r++) {
    at.outBias[r] = uniform(seed + 14, r, -0.5, 0.5);
    at.regularization[r] = uniform(seed + 15, r, 0.5, 3);
    at.biasRegularization[r] = uniform(seed + 16, r, 0.5, 3);
  }
  for (let e = 0; e < count; e++) {
    at.code[e] = Math.floor(VALUES * unit(seed + 17, e));
    at.value[e] = 1 + at.code[e];
  }
  for (let code = 0; code < VALUES; code++) at.codeTable[code] = 1 + code;
  at.shortIndex.set(at.index);
  at.farIndex.set(at.index);
  at.farValue.set(at.value);
  return { workspace, at, entries };
}

export function explicitWorld(kernels: Kernels, shape: RowShape, biased = true): RowWorld<ExplicitRows> {
  const { workspace, at, entries } = rowWorld(kernels, shape);
  const problem: ExplicitRows = {
    kind: "explicit",
    out: at.out,
    outBias: biased ? at.outBias : undefined,
    fixed: at.fixed,
    fixedBias: biased ? at.fixedBias : undefined,
    entries,
    value: at.value,
    offset: 3.25,
    regularization: at.regularization,
    biasRegularization: biased ? at.biasRegularization : undefined,
  };
  return { problem, loss: at.loss, workspace, gram: async () => {} };
}

export interface Weights {
  readonly unobservedWeight: number;
  readonly overlap: number;
  /** One penalty for all rows, as with regularizationExponent 0; else one per row */
  readonly regularization?: number;
}

export async function implicitWorld(
  kernels: Kernels,
  shape: RowShape,
  weights: Weights = { unobservedWeight: 0.3, overlap: 0 },
): Promise<RowWorld<ImplicitRows>> {
  const { workspace, at, entries } = rowWorld(kernels, shape);
  if (weights.regularization !== undefined) at.regularization.fill(weights.regularization);
  const gram = () => workspace.gram(at.fixed, at.gram);
  await gram();
  const problem: ImplicitRows = {
    kind: "implicit",
    out: at.out,
    fixed: at.fixed,
    entries,
    confidence: at.value,
    gram: at.gram,
    unobservedWeight: weights.unobservedWeight,
    overlap: weights.overlap,
    regularization: at.regularization,
    scratch: at.scratch,
  };
  return { problem, loss: at.loss, workspace, gram };
}

/** The unknowns of a row: its factors, and its bias last when the problem has one. */
export function unknowns(problem: RowProblem, row: number): number[] {
  const { data, stride, rank } = problem.out;
  const x = Array.from(data.subarray(row * stride, row * stride + rank));
  if (problem.kind === "explicit" && problem.outBias !== undefined) x.push(problem.outBias[row]);
  return x;
}

/** A column's feature as the row's unknowns meet it: its factors, and 1 for the bias. */
function feature(problem: RowProblem, column: number, size: number): number[] {
  const { data, stride, rank } = problem.fixed;
  const y = Array.from(data.subarray(column * stride, column * stride + rank));
  while (y.length < size) y.push(1);
  return y;
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);

/** The full objective of one row at `x`, penalty included or not, straight from its definition: every cell visited. */
export function objective(problem: RowProblem, row: number, x: readonly number[], penalty: boolean): number {
  const { entries, fixed } = problem;
  const k = fixed.rank;
  const present = new Map<number, number>();
  for (let e = entries.start[row]; e < entries.start[row + 1]; e++) present.set(entries.index[e], e);
  let sum = 0;
  for (let c = 0; c < fixed.rows; c++) {
    const e = present.get(c);
    const score = dot(x, feature(problem, c, x.length));
    if (problem.kind === "explicit") {
      if (e === undefined) continue;
      sum += (numberAt(problem.value, e) - problem.offset - (problem.fixedBias?.[c] ?? 0) - score) ** 2;
    } else {
      sum += problem.unobservedWeight * score ** 2;
      if (e !== undefined) sum += numberAt(problem.confidence, e) * (1 - score) ** 2 - problem.overlap * score ** 2;
    }
  }
  if (!penalty) return sum;
  sum += problem.regularization[row] * dot(x.slice(0, k), x.slice(0, k));
  if (problem.kind === "explicit" && problem.biasRegularization !== undefined) {
    sum += problem.biasRegularization[row] * x[k] ** 2;
  }
  return sum;
}

/** Half the gradient of the objective at `x` (= A·x − rhs), and the size |A|·|x| + |rhs| that its error is measured by. */
export function gradient(problem: RowProblem, row: number, x: readonly number[]): { value: number[]; size: number } {
  const { entries, fixed } = problem;
  const value = x.map(() => 0);
  const size = x.map(() => 0);
  const add = (y: readonly number[], weight: number, target: number) => {
    const score = dot(x, y);
    const scoreSize = x.reduce((sum, xi, i) => sum + Math.abs(xi * y[i]), 0);
    for (const [i, yi] of y.entries()) {
      value[i] += (weight * score - target) * yi;
      size[i] += (weight * scoreSize + Math.abs(target)) * Math.abs(yi);
    }
  };
  if (problem.kind === "implicit") {
    for (let c = 0; c < fixed.rows; c++) add(feature(problem, c, x.length), problem.unobservedWeight, 0);
  }
  for (let e = entries.start[row]; e < entries.start[row + 1]; e++) {
    const c = entries.index[e];
    const y = feature(problem, c, x.length);
    if (problem.kind === "explicit")
      add(y, 1, numberAt(problem.value, e) - problem.offset - (problem.fixedBias?.[c] ?? 0));
    else {
      const confidence = numberAt(problem.confidence, e);
      add(y, confidence - problem.overlap, confidence);
    }
  }
  for (const [i, xi] of x.entries()) {
    const isBias = i === fixed.rank;
    const lambda =
      isBias && problem.kind === "explicit" ? (problem.biasRegularization?.[row] ?? 0) : problem.regularization[row];
    value[i] += lambda * xi;
    size[i] += lambda * Math.abs(xi);
  }
  return { value, size: Math.max(...size) };
}

/** The largest |normal-equation residual| of a row, in units of |A|·|x| + |rhs| (max norm). */
export function relativeResidual(problem: RowProblem, row: number): number {
  const { value, size } = gradient(problem, row, unknowns(problem, row));
  return Math.max(...value.map(Math.abs)) / size;
}

/** Explicit rows with and without biases, implicit ones with weights of three kinds. @param last the third kind */
export const rowWorlds = (kernels: Kernels, rank: number, last: Weights): Promise<RowWorld<RowProblem>[]> =>
  Promise.all([
    explicitWorld(kernels, { rank, seed: 5 }),
    explicitWorld(kernels, { rank, seed: 6 }, false),
    implicitWorld(kernels, { rank, seed: 7 }),
    implicitWorld(kernels, { rank, seed: 8 }, { unobservedWeight: 0.1, overlap: 0.1, regularization: 0.7 }),
    implicitWorld(kernels, { rank, seed: 9 }, last),
  ]);

export const allUnknowns = (problem: RowProblem): number[][] =>
  Array.from({ length: problem.out.rows }, (_, row) => unknowns(problem, row));

/** The unknowns of each row of each world after one call. */
export async function solvedWorlds(worlds: Promise<RowWorld<RowProblem>[]>, solver: RowSolver): Promise<number[][][]> {
  const found: number[][][] = [];
  for (const { problem, workspace } of await worlds) {
    expect(await workspace.solveRows(problem, solver)).toBeUndefined();
    found.push(allUnknowns(problem));
    workspace.close();
  }
  return found;
}

/** Unknowns of rows of worlds, to 2⁻¹⁴ of the row's largest. */
export function expectClose(found: number[][][], defined: number[][][]): void {
  for (const [i, rows] of found.entries()) {
    for (const [row, x] of rows.entries()) {
      const size = Math.max(...defined[i][row].map(Math.abs));
      const error = Math.max(...x.map((value, j) => Math.abs(value - defined[i][row][j])));
      expect(error, `world ${i}, row ${row}`).toBeLessThanOrEqual(size * 2 ** -14);
    }
  }
}

/** The whole objective of all rows where they stand. */
export const totalObjective = (problem: RowProblem): number =>
  allUnknowns(problem).reduce((sum, x, row) => sum + objective(problem, row, x, true), 0);

/** Rows without entries are zero, and so is all padding. */
export function expectEmptyRowsZero(problem: RowProblem): void {
  const { data, rows, rank, stride } = problem.out;
  expect(unknowns(problem, 1).every((value) => value === 0)).toBe(true);
  for (let row = 0; row < rows; row++) {
    expect(data.subarray(row * stride + rank, (row + 1) * stride).every((value) => value === 0)).toBe(true);
  }
}
