/**
 * The behaviour of `loss`, `gradients`, `descend` and `epochs` on every backend: dense formulas and central differences in
 * f64 from descent-worlds.case.ts, held to rounding error of the backend's numbers. Part of kernels.case.ts.
 */
import { describe, expect, it } from "vitest";
import { Digest } from "../support/index.ts";
import { type Objective, type Optimizer, objectives } from "./descent.ts";
import {
  DenseOptimizer,
  type DescentWorld,
  denseBatchLoss,
  denseError,
  denseLoss,
  descentWorld,
  numbers,
  OPTIMIZERS,
  slope,
  touchedBy,
  type WorldShape,
} from "./descent-worlds.case.ts";
import type { Kernels } from "./kernels.ts";
import { RANKS } from "./worlds.case.ts";

const ADAM: Optimizer = { kind: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const PLAIN: Optimizer = { kind: "sgd", momentum: 0 };
const BIASES = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const;
const NO_PENALTIES = [0, 0, 0, 0] as const;

export function descentCases(kernels: Kernels): void {
  describe("loss", () => lossCases(kernels));
  describe("gradients", () => gradientCases(kernels));
  describe("descend", () => descendCases(kernels));
  describe("epochs", () => epochCases(kernels));
  describe("descent problems that do not fit", () => shapeCases(kernels));
}

/** Rounding of the backend's numbers, beside figures of about the given size. */
const roundingOf = ({ build }: Kernels) => (build === "f64" ? 1e-11 : 4e-6);

function expectClose(kernels: Kernels, got: readonly number[], expected: readonly number[], times = 1): void {
  expect(got.length).toBe(expected.length);
  const size = Math.max(1, ...expected.map(Math.abs));
  const bound = times * roundingOf(kernels) * size;
  for (const [i, value] of expected.entries()) {
    if (!(Math.abs(got[i] - value) <= bound)) expect.fail(`number ${i}: got ${got[i]}, expected ${value} ± ${bound}`);
  }
}

function expectPaddingZero({ full }: DescentWorld): void {
  for (const { factors } of [full.left, full.right]) {
    const { rank, stride } = factors.table;
    for (const data of [factors.value, factors.gradient, factors.first, factors.second]) {
      const stray = data.findIndex((value, i) => i % stride >= rank && value !== 0);
      if (stray >= 0) expect.fail(`padding at ${stray} holds ${data[stray]}`);
    }
  }
}

function lossCases(kernels: Kernels): void {
  it.each(RANKS)("and errors agree with the formulas to rounding, complete or not, at rank %i", async (rank) => {
    for (const complete of [false, true]) {
      const world = descentWorld(kernels, { rank, complete, leftRows: 11, rightRows: 37 });
      const { workspace, full, dense, at } = world;
      const x = numbers(world);
      const expected = denseLoss(dense, x);
      expect(Math.abs((await workspace.loss(full)) - expected)).toBeLessThan(roundingOf(kernels) * expected);
      expectClose(
        kernels,
        Array.from(at.error),
        dense.cells.map((cell) => denseError(dense, x, cell)),
      );
      workspace.close();
    }
  });

  it.each(objectives)(
    "%s is as its formula says for every choice of biases, with penalties and without",
    async (objective) => {
      for (const biases of BIASES) {
        for (const penalties of [NO_PENALTIES, undefined]) {
          const shape = { rank: 5, objective, biases };
          const world = descentWorld(kernels, penalties === undefined ? shape : { ...shape, penalties });
          const expected = denseLoss(world.dense, numbers(world));
          expect(Math.abs((await world.workspace.loss(world.full)) / expected - 1)).toBeLessThan(roundingOf(kernels));
          world.workspace.close();
        }
      }
    },
  );
}

function gradientCases(kernels: Kernels): void {
  it.each(objectives)(
    "of %s are the slopes of the loss for every choice of biases, penalties, complete or not",
    async (objective) => {
      for (const biases of BIASES) {
        for (const penalties of [NO_PENALTIES, undefined]) {
          for (const complete of [false, true]) {
            const shape = { rank: 3, objective, biases, complete };
            await expectSlopes(penalties === undefined ? shape : { ...shape, penalties });
          }
        }
      }
    },
  );

  it.each([16, 17, 33, 65])("are the slopes of the loss at rank %i", async (rank) => {
    for (const complete of [false, true]) {
      await expectSlopes({ rank, complete, leftRows: 4, rightRows: 7 });
      await expectSlopes({ rank, complete, leftRows: 7, rightRows: 4 });
    }
  });

  it("of rows with 4,800 to 12,000 entries, more than are summed in one go, are the slopes of the loss", async () => {
    await expectSlopes({ rank: 1, leftRows: 3, rightRows: 9000, biases: [true, false] }, true);
    await expectSlopes({ rank: 1, leftRows: 12_000, rightRows: 3, biases: [true, true] }, true);
    await expectSlopes({ rank: 1, leftRows: 9000, rightRows: 3, complete: true, biases: [false, true] }, true);
  });

  it("of the norm are the penalties' alone where every error is zero", async () => {
    const world = descentWorld(kernels, { rank: 2, objective: "norm", biases: [false, false] });
    const { workspace, at, full } = world;
    at.leftValue.data.fill(0);
    at.rightValue.data.fill(0);
    at.value.fill(full.offset);
    expect(await workspace.loss(full)).toBe(0);
    await workspace.gradients(full);
    expect(numbers(world, "gradient").every((g) => g === 0)).toBe(true);
    workspace.close();
  });

  /** @param few whether only some numbers are looked at: those of long rows, and the first and last */
  async function expectSlopes(shape: WorldShape, few = false): Promise<void> {
    const world = descentWorld(kernels, shape);
    const { workspace, full, dense } = world;
    for (const { factors, bias } of [full.left, full.right]) {
      for (let r = 0; r < factors.table.rows; r++) {
        const from = r * factors.table.stride;
        factors.gradient.fill(7, from, from + factors.table.rank); // what stood there before does not matter
      }
      bias?.gradient.fill(7);
    }
    await workspace.loss(full);
    await workspace.gradients(full);
    const got = numbers(world, "gradient");
    const x = numbers(world);
    const { leftRows } = dense.shape;
    const places = few ? [0, 2, leftRows, leftRows + 1, x.length - 1] : x.map((_, i) => i);
    const slopes = places.map((i) => slope((y) => denseLoss(dense, x.with(i, y[0])), [x[i]])[0]);
    const at = places.map((i) => got[i]);
    expectClose(kernels, at, slopes, 20);
    expectPaddingZero(world);
    workspace.close();
  }
}

/** Steps of a descent with slopes of the dense loss. */
function denseDescent(world: DescentWorld, optimizer: DenseOptimizer, rates: readonly number[]) {
  const x = numbers(world);
  const losses = rates.map((rate) => {
    optimizer.move(
      x,
      slope((y) => denseLoss(world.dense, y), x),
      rate,
    );
    return denseLoss(world.dense, x);
  });
  return { x, losses };
}

function descendCases(kernels: Kernels): void {
  const RATES = [0.01, 0.008, 0.012, 0.01];
  const cases = OPTIMIZERS.flatMap((optimizer) =>
    [undefined, 0.5].flatMap((clipNorm) => [0, 3].map((done) => [optimizer, clipNorm, done] as const)),
  );

  it.each(cases)(
    "4 steps by %j, clipping at %s, after %i steps, are the formulas'",
    async (optimizer, clipNorm, done) => {
      for (const objective of objectives) {
        for (const complete of [false, true]) {
          const rows = objective === "norm" || objective === "half" ? [5, 6] : [6, 5]; // the side with more rows moves first
          const world = descentWorld(kernels, { rank: 3, objective, complete, leftRows: rows[0], rightRows: rows[1] });
          const expected = denseDescent(world, new DenseOptimizer(optimizer, clipNorm, done), RATES);
          const { losses, made } = await descend(world, optimizer, { clipNorm, done, rates: RATES });
          expect(made).toBe(4);
          expectClose(kernels, losses, expected.losses, 20);
          expectClose(kernels, numbers(world), expected.x, 100);
          expectPaddingZero(world);
          world.workspace.close();
        }
      }
    },
  );

  it.each([false, true])(
    "3 steps and then 4 give the bytes of 7, at ranks 2 and 40, complete: %s",
    async (complete) => {
      for (const optimizer of OPTIMIZERS) {
        for (const clipNorm of [undefined, 0.5]) {
          for (const rank of [2, 40]) {
            const rates = [0.01, 0.02, 0.01, 0.005, 0.01, 0.01, 0.03];
            const one = descentWorld(kernels, { rank, complete, objective: "norm" });
            const two = descentWorld(kernels, { rank, complete, objective: "norm" });
            await descend(one, optimizer, { rates, clipNorm });
            const first = await descend(two, optimizer, { rates: rates.slice(0, 3), clipNorm });
            expect(first.made).toBe(3);
            await descend(two, optimizer, { rates: rates.slice(3), clipNorm, done: 3 }, false);
            expect(numbers(two)).toEqual(numbers(one));
            expect(Array.from(two.at.error)).toEqual(Array.from(one.at.error));
            for (const { workspace } of [one, two]) workspace.close();
          }
        }
      }
    },
  );

  it("ends at the step whose loss is not finite, and says which", async () => {
    for (const complete of [false, true]) {
      const world = descentWorld(kernels, { rank: 4, complete });
      const { made, losses } = await descend(world, PLAIN, { rates: [0.001, 1e30, 1e300, 0.001, 0.001, 0.001, 0.001] });
      expect(made).toBeLessThan(6);
      expect(made).toBeGreaterThan(1);
      expect(losses.map(Number.isFinite)).toEqual(losses.map((_, i) => i < made - 1));
      world.workspace.close();
    }
  });

  it("a value that is not a number makes the first loss one, and no row without it", async () => {
    const world = descentWorld(kernels, { rank: 2, complete: true, objective: "norm" });
    world.at.value[3] = Number.NaN;
    const { made, losses } = await descend(world, ADAM, { rates: [0.01, 0.01] });
    expect(made).toBe(1);
    expect(losses).toEqual([Number.NaN]);
    world.workspace.close();
  });

  it("leaves what has no entry and no penalty where it was", async () => {
    const world = descentWorld(kernels, { rank: 3, penalties: NO_PENALTIES });
    const before = world.at.leftValue.data.slice();
    await descend(world, ADAM, { rates: [0.01, 0.01, 0.01] });
    const { stride } = world.at.leftValue;
    expect(world.at.leftValue.data.subarray(stride, 2 * stride)).toEqual(before.subarray(stride, 2 * stride));
    expect(world.at.leftValue.data[0]).not.toBe(before[0]);
    world.workspace.close();
  });
}

interface Course {
  readonly rates: readonly number[];
  readonly clipNorm?: number | undefined;
  readonly done?: number;
}

async function descend(world: DescentWorld, optimizer: Optimizer, course: Course, fresh = true) {
  const { workspace, full, at } = world;
  const { rates: given, clipNorm, done = 0 } = course;
  if (fresh) await workspace.loss(full);
  const rates = at.rates.subarray(0, given.length);
  rates.set(given);
  const losses = at.losses.subarray(0, given.length);
  const made = await workspace.descend(full, { optimizer, done, rates, clipNorm }, losses);
  return { made, losses: Array.from(losses.subarray(0, made)) };
}

/** Epochs with slopes of the dense batch loss. */
function denseEpochs(
  world: DescentWorld,
  optimizer: DenseOptimizer,
  orders: readonly number[][],
  rate: (batch: number) => number,
) {
  const { dense } = world;
  const { batchSize } = dense.shape;
  const x = numbers(world);
  let batches = 0;
  const sums = orders.map((order) => {
    let sum = 0;
    for (let from = 0; from < order.length; from += batchSize) {
      const cells = order.slice(from, from + batchSize).map((e) => dense.cells[e]);
      for (const cell of cells) sum += denseError(dense, x, cell) ** 2;
      const gradient = slope((y) => denseBatchLoss(dense, y, cells), x);
      optimizer.move(x, gradient, rate(batches++), touchedBy(dense, cells));
    }
    return sum;
  });
  return { x, sums };
}

function epochCases(kernels: Kernels): void {
  const small = { leftRows: 4, rightRows: 5, rank: 2 };
  const cases = OPTIMIZERS.flatMap((optimizer) =>
    [undefined, 0.5].flatMap((clipNorm) => [1, 3, 100].map((batchSize) => [optimizer, clipNorm, batchSize] as const)),
  );

  it.each(cases)(
    "2 by %j, clipping at %s, in batches of %i, are the formulas'",
    async (optimizer, clipNorm, batchSize) => {
      for (const objective of objectives) {
        const world = descentWorld(kernels, { ...small, batchSize, objective }, 2);
        const { at, dense } = world;
        const count = dense.cells.length;
        const orders = [0, 1].map((epoch) => Array.from(at.order.subarray(epoch * count, (epoch + 1) * count)));
        const rates = [0.003, 0.002];
        const batches = Math.ceil(count / batchSize);
        const dense2 = new DenseOptimizer(optimizer, clipNorm, 2);
        const expected = denseEpochs(world, dense2, orders, (batch) => rates[Math.floor(batch / batches)]);
        const { made, sums } = await epochs(world, optimizer, { rates, clipNorm, done: 2 }, 2);
        expect(made).toBe(2);
        expectClose(kernels, sums, expected.sums, 20);
        expectClose(kernels, numbers(world), expected.x, 200);
        expectPaddingZero(world);
        world.workspace.close();
      }
    },
  );

  it.each(BIASES)(
    "with biases on the left %s, on the right %s, at ranks around the vectors' width",
    async (...biases) => {
      for (const rank of [1, 4, 16, 17, 40]) {
        for (const batchSize of [1, 4]) {
          const world = descentWorld(kernels, { leftRows: 4, rightRows: 5, rank, batchSize, biases });
          const orders = [Array.from(world.at.order)];
          const expected = denseEpochs(world, new DenseOptimizer(PLAIN, undefined, 0), orders, () => 0.01);
          const { sums } = await epochs(world, PLAIN, { rates: [0.01] }, 1);
          expectClose(kernels, sums, expected.sums, 20);
          expectClose(kernels, numbers(world), expected.x, 100);
          expectPaddingZero(world);
          world.workspace.close();
        }
      }
    },
  );

  it("a rate of its own for each batch, and one order for every epoch", async () => {
    const world = descentWorld(kernels, { ...small, batchSize: 3 });
    const { at, dense } = world;
    const order = Array.from(at.order);
    const rates = Array.from({ length: 2 * Math.ceil(dense.cells.length / 3) }, (_, i) => 0.01 / (i + 1));
    const expected = denseEpochs(
      world,
      new DenseOptimizer(ADAM, undefined, 0),
      [order, order],
      (batch) => rates[batch],
    );
    const { sums } = await epochs(world, ADAM, { rates }, 2);
    expectClose(kernels, sums, expected.sums, 20);
    expectClose(kernels, numbers(world), expected.x, 100);
    world.workspace.close();
  });

  it.each([2, 16, 33])(
    "alternately is the rule of seed notebook 001: V moves by the new U, at rank %i",
    async (rank) => {
      const biases = [false, false] as const;
      const shape = { rank, biases, penalties: NO_PENALTIES, update: "alternately", complete: true } as const;
      const world = descentWorld(kernels, { ...shape, leftRows: 3, rightRows: 3 });
      const { dense, offset, rate } = { dense: world.dense, offset: world.full.offset, rate: 0.01 };
      const x = numbers(world);
      const u = (r: number) => x.slice(r * rank, (r + 1) * rank);
      const v = (c: number) => x.slice((3 + c) * rank, (4 + c) * rank);
      const sums: number[] = [];
      for (let epoch = 0; epoch < 5; epoch++) {
        let sum = 0;
        for (const e of world.at.order) {
          const { l, r, value } = dense.cells[e];
          const error = value - offset - u(l).reduce((dot, ui, i) => dot + ui * v(r)[i], 0);
          sum += error * error;
          const old = v(r);
          for (let i = 0; i < rank; i++) x[l * rank + i] += rate * 2 * error * old[i];
          const moved = u(l);
          for (let i = 0; i < rank; i++) x[(3 + r) * rank + i] += rate * 2 * error * moved[i];
        }
        sums.push(sum);
      }
      const got = await epochs(world, PLAIN, { rates: Array(5).fill(rate) }, 5);
      expectClose(kernels, got.sums, sums, 20);
      expectClose(kernels, numbers(world), x, 100);
      world.workspace.close();
    },
  );

  it("alternately with biases and penalties differs from together only in what the right row sees", async () => {
    const shape = { ...small, biases: [true, true], objective: "half" } as const;
    const world = descentWorld(kernels, { ...shape, update: "alternately" });
    const { dense, at } = world;
    const x = numbers(world);
    const [e] = at.order;
    const cells = [dense.cells[e]];
    const { l } = cells[0];
    const together = slope((y) => denseBatchLoss(dense, y, cells), x);
    const error = denseError(dense, x, cells[0]);
    const expected = x.map((value, i) => value - 0.01 * together[i]);
    const { r } = cells[0];
    for (let i = 0; i < 2; i++) {
      const moved = expected[l * 2 + i] - x[l * 2 + i];
      expected[(4 + r) * 2 + i] -= 0.01 * error * moved;
    }
    at.order.fill(e);
    const one = { ...world.batch, entries: { start: at.start, index: at.index } };
    // One entry only: a pass in which all others come later is cut off by a rate of zero.
    const rates = at.rates.subarray(0, dense.cells.length);
    rates.fill(0);
    rates[0] = 0.01;
    const settings = { optimizer: PLAIN, done: 0, rates, clipNorm: undefined };
    await world.workspace.epochs(one, settings, at.losses.subarray(0, 1));
    expectClose(kernels, numbers(world), expected, 20);
    world.workspace.close();
  });

  it.each(OPTIMIZERS)("one batch of everything is one step of descend, by %j", async (optimizer) => {
    for (const objective of objectives) {
      const shape = { rank: 3, objective, batchSize: 1000, leftRows: 7, rightRows: 8 };
      const penalties = objective === "norm" ? NO_PENALTIES : undefined;
      const given = penalties === undefined ? shape : { ...shape, penalties };
      const [a, b] = [descentWorld(kernels, given), descentWorld(kernels, given)];
      await epochs(a, optimizer, { rates: [0.001, 0.001] }, 2);
      await descend(b, optimizer, { rates: [0.001, 0.001] });
      const dense = a.dense;
      const touched = touchedBy(dense, dense.cells);
      const kept = (x: number[]) => x.filter((_, i) => touched[i]);
      expectClose(kernels, kept(numbers(a)), kept(numbers(b)), 20);
      for (const { workspace } of [a, b]) workspace.close();
    }
  });

  it("2 and then 3 give the bytes of 5", async () => {
    for (const optimizer of OPTIMIZERS) {
      for (const batchSize of [1, 4]) {
        const one = descentWorld(kernels, { rank: 5, batchSize });
        const two = descentWorld(kernels, { rank: 5, batchSize });
        const rates = [0.01, 0.02, 0.01, 0.005, 0.01];
        const all = await epochs(one, optimizer, { rates }, 5);
        await epochs(two, optimizer, { rates: rates.slice(0, 2) }, 2);
        const done = 2 * Math.ceil(one.dense.cells.length / batchSize);
        const rest = await epochs(two, optimizer, { rates: rates.slice(2), done }, 3);
        expect(rest.sums).toEqual(all.sums.slice(2));
        expect(numbers(two)).toEqual(numbers(one));
        for (const { workspace } of [one, two]) workspace.close();
      }
    }
  });

  it("end at the epoch whose sum is not finite, and say which", async () => {
    for (const batchSize of [1, 4]) {
      const world = descentWorld(kernels, { rank: 4, batchSize });
      const { made, sums } = await epochs(world, PLAIN, { rates: [0.001, 1e30, 1e300, 1, 1, 1, 1] }, 7);
      expect(made).toBeLessThan(6);
      expect(made).toBeGreaterThan(1);
      expect(sums.map(Number.isFinite)).toEqual(sums.map((_, i) => i < made - 1));
      world.workspace.close();
    }
  });

  it("without gradient and touched where an entry moves its rows at once, and refused where it does not", async () => {
    const world = descentWorld(kernels, { rank: 3 });
    const none = world.at.error.subarray(0, 0);
    const bare = (side: typeof world.full.left) => ({
      ...side,
      factors: { ...side.factors, gradient: none, first: none, second: none },
      bias: side.bias && { ...side.bias, gradient: none, first: none, second: none },
    });
    const touched = world.at.touched.subarray(0, 0);
    const problem = { ...world.batch, left: bare(world.batch.left), right: bare(world.batch.right), touched };
    const rates = world.at.rates.subarray(0, 1).fill(0.01);
    const sums = world.at.losses.subarray(0, 1);
    const before = numbers(world);
    expect(await world.workspace.epochs(problem, { optimizer: PLAIN, done: 0, rates, clipNorm: undefined }, sums)).toBe(
      1,
    );
    expect(numbers(world)).not.toEqual(before);
    const clipped = world.workspace.epochs(problem, { optimizer: PLAIN, done: 0, rates, clipNorm: 1 }, sums);
    await expect(clipped).rejects.toMatchObject({ code: "shape", message: expect.stringContaining("gradient.length") });
    world.workspace.close();
  });
}

async function epochs(
  world: DescentWorld,
  optimizer: Optimizer,
  { rates: given, clipNorm, done = 0 }: Course,
  count: number,
) {
  const { workspace, batch, at } = world;
  const rates = at.rates.subarray(0, given.length);
  rates.set(given);
  const sums = at.losses.subarray(0, count);
  const made = await workspace.epochs(batch, { optimizer, done, rates, clipNorm }, sums);
  return { made, sums: Array.from(sums.subarray(0, made)) };
}

function shapeCases(kernels: Kernels): void {
  it("are refused with the code shape, naming what is wrong", async () => {
    const { workspace, full, batch, at } = descentWorld(kernels, { rank: 2 });
    const rates = at.rates.subarray(0, 2);
    const losses = at.losses.subarray(0, 2);
    const steps = { optimizer: ADAM, done: 0, rates, clipNorm: undefined };
    const short = at.error.subarray(1);
    const calls: [() => Promise<unknown>, string][] = [
      [() => workspace.loss({ ...full, error: short }), "error.length"],
      [() => workspace.loss({ ...full, across: undefined }), "across and place"],
      [() => workspace.loss({ ...full, complete: true }), "complete"],
      [() => workspace.gradients({ ...full, rowSum: at.rowSum.subarray(1) }), "rowSum"],
      [() => workspace.descend(full, { ...steps, rates: at.rates.subarray(0, 1) }, losses), "rates.length"],
      [() => workspace.descend(full, { ...steps, done: -1 }, losses), "done"],
      [() => workspace.descend(full, { ...steps, clipNorm: 0 }, losses), "clipNorm"],
      [() => workspace.descend({ ...full, left: withoutMoments(full.left) }, steps, losses), "left factors.first"],
      [() => workspace.epochs({ ...batch, batchSize: 0 }, steps, losses), "batchSize"],
      [() => workspace.epochs({ ...batch, order: at.order.subarray(1) }, steps, losses), "order.length"],
      [() => workspace.epochs({ ...batch, update: "alternately" }, steps, losses), "alternately"],
      [() => workspace.epochs({ ...batch, rightCount: at.rightCount.subarray(1) }, steps, losses), "rightCount"],
      [() => workspace.epochs({ ...batch, share: at.share.subarray(1) }, steps, losses), "share.length"],
    ];
    for (const [call, what] of calls) {
      await expect(call(), what).rejects.toMatchObject({ code: "shape", message: expect.stringContaining(what) });
    }
    workspace.close();
  });

  function withoutMoments(side: DescentWorld["full"]["left"]): typeof side {
    const none = side.factors.first.subarray(0, 0);
    return { ...side, factors: { ...side.factors, first: none, second: none } };
  }
}

/** A digest of every descent on fixed problems: equal for any thread count of one build. */
export async function digestOfDescent(kernels: Kernels): Promise<string> {
  const digest = new Digest();
  for (const rank of [3, 16, 33]) await addDescents(kernels, rank, digest);
  return digest.hex();
}

async function addDescents(kernels: Kernels, rank: number, digest: Digest): Promise<void> {
  const add = (world: DescentWorld) => {
    for (const name of ["leftValue", "rightValue", "leftGradient", "rightGradient"] as const)
      digest.add(world.at[name].data);
    digest.add(world.at.leftBias).add(world.at.rightBias).add(world.at.losses).add(world.at.error);
  };
  const rates = [0.01, 0.02, 0.01];
  for (const [i, optimizer] of OPTIMIZERS.entries()) {
    for (const complete of [false, true]) {
      const objective: Objective = objectives[i % objectives.length];
      const shape = { rank, complete, objective, leftRows: 40 + rank, rightRows: 50 };
      const world = descentWorld(kernels, shape);
      await descend(world, optimizer, { rates, clipNorm: i === 2 ? 0.5 : undefined });
      add(world);
      await world.workspace.gradients(world.full);
      add(world);
      const batches = descentWorld(kernels, { ...shape, batchSize: 1 + 4 * (i % 2) });
      await epochs(batches, optimizer, { rates }, 3);
      add(batches);
      for (const { workspace } of [world, batches]) workspace.close();
    }
  }
}
