/**
 * Descent in blocks on every backend, and the world it is tried on. Moves are compared with gradients taken by differences of the losses
 * as blocks.ts states them, and with the rules written out here on plain arrays; neither shares code with a backend.
 */
import { describe, expect, it } from "vitest";
import { Digest, hash32, normal, shuffled, unit } from "../support/index.ts";
import {
  BLOCK_SLOW,
  type BlockGrid,
  type BlockLoss,
  type BlockProblem,
  type BlockSide,
  blockGrid,
  blockLosses,
  blockSlots,
} from "./blocks.ts";
import { type Kernels, slot } from "./kernels.ts";

export interface BlockWorldOptions {
  readonly left?: number;
  readonly right?: number;
  readonly rank?: number;
  /** Number of entries; each pair of rows at most once */
  readonly entries?: number;
  readonly biases?: "none" | "left" | "right" | "both";
  readonly loss?: BlockLoss;
  readonly regularization?: number;
  readonly regularizationL1?: number;
  readonly biasRegularization?: number;
  readonly nonNegative?: boolean;
  readonly slowStart?: boolean;
  readonly grid?: BlockGrid;
  /** Most epochs of a call */
  readonly calls?: number;
}

/** An entry as it was drawn: its rows counted through, and its value as f32. */
interface Entry {
  readonly l: number;
  readonly r: number;
  readonly value: number;
}

/** Two random tables with states, and entries in blocks, sorted by left row. */
export function blockWorld(kernels: Kernels, options: BlockWorldOptions = {}) {
  const { left = 19, right = 13, rank = 5, loss = "squared", biases = "none", calls = 3 } = options;
  const grid = options.grid ?? blockGrid(left, right, rank);
  const entries = drawEntries(left, right, options.entries ?? 90, loss, grid);
  const width = biases === "none" ? 4 : 8;
  const w = kernels.open({
    left: slot.realTable(left, rank),
    right: slot.realTable(right, rank),
    leftState: slot.real(left * width),
    rightState: slot.real(right * width),
    blockStart: slot.u32(grid.leftBlocks * grid.rightBlocks + 1),
    record: slot.inPieces(slot.u32(2 * entries.length)),
    rates: slot.f64(calls),
    order: slot.u32(calls * grid.leftBlocks),
    sums: slot.f64(calls),
    ...blockSlots(grid, calls),
  });
  const { at } = w;
  writeEntries(grid, entries, at);
  const side = (name: "left" | "right", seed: number): BlockSide => {
    const table = at[name];
    for (let i = 0; i < table.rows * rank; i++) {
      const x = Math.fround(0.3 + 0.4 * normal(seed, i));
      table.data[Math.floor(i / rank) * table.stride + (i % rank)] =
        options.nonNegative || loss === "kl" ? Math.abs(x) : x;
    }
    const state = at[`${name}State`];
    state.fill(1);
    for (let row = 0; width === 8 && row < table.rows; row++)
      state[8 * row + 4] = Math.fround(0.2 * normal(seed + 7, row));
    return {
      table,
      state,
      biased: biases === "both" || biases === name,
      regularization: options.regularization ?? 0.125,
      regularizationL1: options.regularizationL1 ?? 0,
      biasRegularization: options.biasRegularization ?? 0.25,
    };
  };
  const problem: BlockProblem = {
    left: side("left", 3),
    right: side("right", 4),
    grid,
    stateWidth: width,
    blockStart: at.blockStart,
    record: at.record,
    offset: loss === "kl" ? 0 : 0.5,
    loss,
    delta: 0.75,
    nonNegative: options.nonNegative ?? false,
    slowStart: options.slowStart ?? false,
    work: at,
  };
  const moved = () => [
    at.left.data,
    at.right.data,
    gradientSums(problem.left, width),
    gradientSums(problem.right, width),
  ];
  const epochs = async (count: number, done = 0, rate = 0.125): Promise<number[]> => {
    for (let epoch = 0; epoch < count; epoch++) {
      at.rates[epoch] = rate / (1 + done + epoch);
      orderOf(grid, done + epoch).forEach((diagonal, place) => {
        at.order[epoch * grid.leftBlocks + place] = diagonal;
      });
    }
    const [rates, order, sums] = [
      at.rates.subarray(0, count),
      at.order.subarray(0, count * grid.leftBlocks),
      at.sums.subarray(0, count),
    ];
    await w.blockEpochs(problem, { done, rates, order }, sums);
    return [...sums];
  };
  return { w, at, problem, entries, moved, epochs, rank, close: () => w.close() };
}

type World = ReturnType<typeof blockWorld>;

/** Sums of squared gradients, and biases with theirs: what of a state is no scratch. */
function gradientSums({ state, table }: BlockSide, width: number): Float64Array {
  const kept = width === 8 ? [0, 1, 4, 5] : [0, 1];
  return Float64Array.from({ length: table.rows * kept.length }, (_, i) => {
    return state[Math.floor(i / kept.length) * width + kept[i % kept.length]];
  });
}

function drawEntries(left: number, right: number, count: number, loss: BlockLoss, grid: BlockGrid): Entry[] {
  const cells = shuffled(9, left * right);
  const entries = Array.from(cells.subarray(0, count), (cell) => {
    const x = loss === "logistic" ? (unit(6, cell) > 0.5 ? 1 : 0) : 1 + 0.8 * normal(5, cell);
    return { l: Math.floor(cell / right), r: cell % right, value: Math.fround(loss === "kl" ? Math.abs(x) : x) };
  });
  const block = ({ l, r }: Entry) => Math.floor(l / grid.leftRows) * grid.rightBlocks + Math.floor(r / grid.rightRows);
  return entries.sort((a, b) => block(a) - block(b) || a.l - b.l || a.r - b.r);
}

function writeEntries(
  grid: BlockGrid,
  entries: readonly Entry[],
  { blockStart, record }: { readonly blockStart: Uint32Array; readonly record: Uint32Array },
): void {
  const values = new Float32Array(record.buffer, record.byteOffset, record.length);
  for (const [i, { l, r, value }] of entries.entries()) {
    record[2 * i] = (l % grid.leftRows) + 65536 * (r % grid.rightRows);
    values[2 * i + 1] = value;
    const block = Math.floor(l / grid.leftRows) * grid.rightBlocks + Math.floor(r / grid.rightRows);
    blockStart.fill(i + 1, block + 1);
  }
}

/** Strips last to first, the diagonals of each in an order that depends on the epoch. */
function orderOf({ leftBlocks, rightBlocks }: BlockGrid, epoch: number): number[] {
  const strips = leftBlocks / rightBlocks;
  const order: number[] = [];
  for (let strip = strips - 1; strip >= 0; strip--) {
    for (let i = 0; i < rightBlocks; i++) order.push(strip * rightBlocks + ((5 * i + epoch) % rightBlocks));
  }
  return order;
}

/** The losses of blocks.ts, in the engine's own mathematics. */
const losses: Record<BlockLoss, (value: number, score: number) => number> = {
  squared: (v, s) => (v - s) ** 2 / 2,
  absolute: (v, s) => Math.abs(v - s),
  huber: (v, s) => (Math.abs(v - s) <= 0.75 ? (v - s) ** 2 / 2 : 0.75 * (Math.abs(v - s) - 0.375)),
  logistic: (v, s) => Math.log1p(Math.exp(v > 0 ? -s : s)),
  kl: (v, s) => (s < v / 16 ? v * Math.log(16) - 15 * s : v * Math.log(v / s) - v + s),
};

/** The entries in the order of an epoch. */
function inOrder({ problem, entries }: World, epoch: number): Entry[] {
  const { grid, blockStart } = problem;
  return orderOf(grid, epoch).flatMap((diagonal) =>
    Array.from({ length: grid.rightBlocks }, (_, i) => {
      const row = Math.floor(diagonal / grid.rightBlocks) * grid.rightBlocks + i;
      const block = row * grid.rightBlocks + ((i + diagonal) % grid.rightBlocks);
      return entries.slice(blockStart[block], blockStart[block + 1]);
    }).flat(),
  );
}

/** A row on plain arrays, with the numbers its learners keep. */
interface PlainRow {
  readonly x: number[];
  readonly sums: [number, number];
  readonly bias: [number, number];
}

function plainRows(side: BlockSide, width: number, rank: number): PlainRow[] {
  return Array.from({ length: side.table.rows }, (_, row) => ({
    x: Array.from(side.table.data.subarray(row * side.table.stride, row * side.table.stride + rank)),
    sums: [side.state[row * width], side.state[row * width + 1]],
    bias: width === 8 ? [side.state[row * width + 4], side.state[row * width + 5]] : [0, 1],
  }));
}

/** The rules of blocks.ts, for one row of an entry. @param slope ∂loss/∂score */
function movePlain(
  row: PlainRow,
  other: readonly number[],
  slope: number,
  side: BlockSide,
  rate: number,
  slow: boolean,
  least: number,
): void {
  const { regularization, regularizationL1, biasRegularization, biased } = side;
  const old = [...row.x];
  for (const learner of slow ? [0] : [0, 1]) {
    const columns = old.map((_, k) => k).filter((k) => k >= BLOCK_SLOW === (learner === 1));
    if (columns.length === 0) continue;
    const own = rate / Math.sqrt(row.sums[learner]);
    const gradient = columns.map((k) => slope * other[k] + regularization * old[k]);
    columns.forEach((k, i) => {
      const stepped = old[k] - own * gradient[i];
      row.x[k] = Math.max(least, Math.sign(stepped) * Math.max(0, Math.abs(stepped) - own * regularizationL1));
    });
    row.sums[learner] += gradient.reduce((sum, g) => sum + g * g, 0) / columns.length;
  }
  if (!biased) return;
  const g = slope + biasRegularization * row.bias[0];
  row.bias[0] -= (rate / Math.sqrt(row.bias[1])) * g;
  row.bias[1] += g * g;
}

/** Epochs by the rules, on copies of the world's rows; returns what `moved` gives, and the sums of the losses. */
function epochsByHand(world: World, count: number, rate: number) {
  const { problem, rank } = world;
  const { loss, stateWidth: width, offset, nonNegative, slowStart } = problem;
  const lefts = plainRows(problem.left, width, rank);
  const rights = plainRows(problem.right, width, rank);
  const sums: number[] = [];
  for (let epoch = 0; epoch < count; epoch++) {
    let sum = 0;
    for (const { l, r, value } of inOrder(world, epoch)) {
      const [p, q] = [lefts[l], rights[r]];
      const biases = (problem.left.biased ? p.bias[0] : 0) + (problem.right.biased ? q.bias[0] : 0);
      const score = offset + biases + p.x.reduce((dot, x, k) => dot + x * q.x[k], 0);
      sum += (loss === "squared" ? 2 : 1) * losses[loss](value, score);
      const slope = (losses[loss](value, score + 1e-5) - losses[loss](value, score - 1e-5)) / 2e-5;
      const oldLeft = [...p.x];
      const least = nonNegative ? 0 : Number.NEGATIVE_INFINITY;
      const slow = slowStart && epoch === 0;
      movePlain(p, q.x, slope, problem.left, rate / (1 + epoch), slow, least);
      movePlain(q, oldLeft, slope, problem.right, rate / (1 + epoch), slow, least);
    }
    sums.push(sum);
  }
  const state = (row: PlainRow) => (width === 8 ? [...row.sums, ...row.bias] : [...row.sums]);
  return {
    rows: [lefts.flatMap(({ x }) => x), rights.flatMap(({ x }) => x)],
    states: [lefts.flatMap(state), rights.flatMap(state)],
    sums,
  };
}

function expectNear(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(got).toHaveLength(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(got[i] - expected[i]);
    if (!(error <= tolerance * (1 + Math.abs(expected[i])))) expect.fail(`number ${i} is off by ${error}`);
  }
}

function tight({ at, rank }: World): number[][] {
  return [at.left, at.right].map(({ data, stride, rows }) =>
    Array.from({ length: rows * rank }, (_, i) => data[Math.floor(i / rank) * stride + (i % rank)]),
  );
}

/** Epochs of a world beside the same by hand. */
async function compare(kernels: Kernels, options: BlockWorldOptions, tolerance: number): Promise<void> {
  const world = blockWorld(kernels, options);
  const expected = epochsByHand(world, 3, 0.125);
  const sums = [...(await world.epochs(2)), ...(await world.epochs(1, 2))];
  expectNear(sums, expected.sums, tolerance);
  for (const [side, rows] of tight(world).entries()) expectNear(rows, expected.rows[side], tolerance);
  const states = world.moved().slice(2);
  for (const [side, state] of states.entries()) expectNear(state, expected.states[side], tolerance);
  for (const { data, rank, stride } of [world.at.left, world.at.right]) {
    expect(data.every((x, i) => i % stride < rank || x === 0)).toBe(true);
  }
  world.close();
}

export function blockCases(kernels: Kernels): void {
  const tolerance = kernels.backend === "reference" ? 1e-8 : 2e-4;

  describe("blocks", () => {
    it.each(blockLosses)("%s: three epochs are those of the rules, gradients taken by differences", async (loss) => {
      // Differences are no gradient where a value is met within their width: absolute is tried at a rate that meets none.
      await compare(
        kernels,
        { loss, rank: 11, biases: loss === "kl" ? "none" : "both", nonNegative: loss === "kl" },
        tolerance,
      );
    });

    it.each([1, 7, 8, 9, 16, 17, 33, 64])(
      "rank %i: learners of the first 8 columns and of the others",
      async (rank) => {
        await compare(kernels, { rank, slowStart: true }, tolerance);
      },
    );

    it.each(["left", "right", "both"] as const)("biases of %s", async (side) => {
      await compare(kernels, { rank: 12, biases: side, slowStart: true }, tolerance);
    });

    it("L1 brings factors to 0 and keeps them; without negative ones", async () => {
      await compare(kernels, { rank: 20, regularizationL1: 0.25 }, tolerance);
      await compare(kernels, { rank: 20, regularizationL1: 0.05, nonNegative: true }, tolerance);
      await compare(kernels, { rank: 6, nonNegative: true, slowStart: true, biases: "both" }, tolerance);
    });

    it("a grid of several strips, with blocks that are empty", async () => {
      const grid = { leftBlocks: 12, rightBlocks: 4, leftRows: 2, rightRows: 5 };
      await compare(kernels, { grid, rank: 3 }, tolerance);
      await compare(kernels, { left: 1, right: 3, entries: 2, rank: 3 }, tolerance);
    });

    it("shuffles the entries of every 4 left rows of a block among themselves, as the numbers of the seed say", async () => {
      const world = blockWorld(kernels, { left: 60, right: 40, entries: 900 });
      const { problem, at, entries } = world;
      await world.w.shuffleBlocks(problem, 4, 77);
      const { blockStart, grid } = problem;
      const groupOf = (entry: Entry) => Math.floor((entry.l % grid.leftRows) / 4);
      const values = new Float32Array(at.record.buffer, at.record.byteOffset, at.record.length);
      for (let block = 0; block + 1 < blockStart.length; block++) {
        const expected = entries.slice(blockStart[block], blockStart[block + 1]);
        for (let from = 0, to = 0; from < expected.length; from = to) {
          while (to < expected.length && groupOf(expected[to]) === groupOf(expected[from])) to++;
          for (let last = to - 1; last > from; last--) {
            const other =
              from + Math.floor(((hash32(77, blockStart[block] + last) >>> 8) * (last - from + 1)) / 2 ** 24);
            [expected[last], expected[other]] = [expected[other], expected[last]];
          }
        }
        for (const [i, { l, r, value }] of expected.entries()) {
          const place = 2 * (blockStart[block] + i);
          const words = [at.record[place] & 0xffff, at.record[place] >>> 16, values[place + 1]];
          expect(words).toEqual([l % grid.leftRows, r % grid.rightRows, value]);
        }
      }
      world.close();
    });

    it("a sum is not finite when a row no longer is", async () => {
      const world = blockWorld(kernels);
      const [sum] = await world.epochs(1, 0, 1e30);
      expect(Number.isFinite(sum)).toBe(false);
      world.close();
    });

    it("refuses orders that are none, states of the wrong width, and grids that cannot be", async () => {
      const world = blockWorld(kernels, { rank: 2 });
      const { problem, at, w } = world;
      const epochs = { done: 0, rates: at.rates.subarray(0, 1), order: at.order.subarray(0, problem.grid.leftBlocks) };
      const sums = at.sums.subarray(0, 1);
      epochs.order.fill(problem.grid.leftBlocks);
      await expect(w.blockEpochs(problem, epochs, sums)).rejects.toThrow(/order\[0\] is 8, which is not a diagonal/);
      epochs.order.fill(0);
      await expect(w.blockEpochs({ ...problem, stateWidth: 8 }, epochs, sums)).rejects.toThrow(
        /state's length must be/,
      );
      const grid = { ...problem.grid, leftRows: 65537 };
      await expect(w.blockEpochs({ ...problem, grid }, epochs, sums)).rejects.toThrow(/blocks have at most 65536 rows/);
      await expect(w.shuffleBlocks(problem, 0, 1)).rejects.toThrow(/group must be a whole number of at least 1, got 0/);
      world.close();
    });
  });
}

/** Everything that blocks move, of worlds that need many units. */
export async function digestOfBlocks(kernels: Kernels): Promise<string> {
  const digest = new Digest();
  for (const [loss, rank] of [
    ...blockLosses.map((loss) => [loss, 32] as const),
    ["squared", 6],
    ["squared", 40],
  ] as const) {
    const nonNegative = loss === "kl";
    const biases = nonNegative ? "none" : "both";
    const size = { left: 130, right: 90, entries: 3000 };
    const world = blockWorld(kernels, { ...size, rank, loss, biases, nonNegative, slowStart: true });
    await world.w.shuffleBlocks(world.problem, 8, 5);
    digest.add(Float64Array.from(await world.epochs(3)));
    for (const array of world.moved()) digest.add(array);
    world.close();
  }
  return digest.hex();
}
