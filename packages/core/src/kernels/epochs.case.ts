/** The behaviour of `epochs` on every backend: batches in an order beside the formulas. Part of kernels.case.ts. */
import { expect, it } from "vitest";
import { objectives } from "./descent.ts";
import {
  ADAM,
  BIASES,
  descend,
  epochs,
  expectClose,
  expectPaddingZero,
  NO_PENALTIES,
  PLAIN,
} from "./descent-runs.case.ts";
import {
  DenseOptimizer,
  type DescentWorld,
  denseBatchLoss,
  denseError,
  descentWorld,
  numbers,
  OPTIMIZERS,
  slope,
  touchedBy,
} from "./descent-worlds.case.ts";
import type { Kernels } from "./kernels.ts";
import { once } from "./worlds.case.ts";

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

export function epochCases(kernels: Kernels): void {
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
          const expected = once(["epochs", world.dense.shape, numbers(world), orders], () =>
            denseEpochs(world, new DenseOptimizer(PLAIN, undefined, 0), orders, () => 0.01),
          );
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
