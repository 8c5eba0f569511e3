/** sgd against its update rule, written out here entry by entry. */
import { describe, expect, it } from "vitest";
import { type Kernels, openKernels } from "../kernels/index.ts";
import { encodeModel } from "../model/index.ts";
import { plantedWorld } from "../ratings/index.ts";
import { shuffled, streamSeed } from "../support/index.ts";
import { factorize, type SgdOptions, sgd } from "./index.ts";

const { ratings } = plantedWorld({ users: 30, items: 20, rank: 2, density: 0.4, noise: 0.3, mean: 3, seed: 7 });
const rank = 2;

/** Three epochs of the rule of the header of sgd.ts, on plain arrays. */
function byHand(
  start: Readonly<Record<string, ArrayLike<number>>>,
  order: (epoch: number) => ArrayLike<number>,
  update: string,
  [lambda, lambdaBias]: readonly [number, number],
): Record<string, number[]> {
  const [x, y] = [Array.from(start.userFactors), Array.from(start.itemFactors)];
  const [bu, bi] = [Array.from(start.userBias), Array.from(start.itemBias)];
  const cells = [...ratings.records()];
  const count = (side: "user" | "item", id: unknown) => cells.filter((cell) => cell[side] === id).length;
  for (let epoch = 1; epoch <= 3; epoch++) {
    for (const cell of Array.from(order(epoch), (place) => cells[place])) {
      const [u, i] = [ratings.users.index(cell.user) as number, ratings.items.index(cell.item) as number];
      const [nu, ni] = [count("user", cell.user), count("item", cell.item)];
      let e = (cell.rating as number) - ratings.mean - bu[u] - bi[i];
      for (let k = 0; k < rank; k++) e -= x[u * rank + k] * y[i * rank + k];
      for (let k = 0; k < rank; k++) {
        const [old, other] = [x[u * rank + k], y[i * rank + k]];
        x[u * rank + k] += 0.05 * (e * other - (lambda / nu) * old);
        const seen = update === "alternately" ? x[u * rank + k] : old;
        y[i * rank + k] += 0.05 * (e * seen - (lambda / ni) * other);
      }
      bu[u] += 0.05 * (e - (lambdaBias / nu) * bu[u]);
      bi[i] += 0.05 * (e - (lambdaBias / ni) * bi[i]);
    }
  }
  return { userFactors: x, itemFactors: y, userBias: bu, itemBias: bi };
}

describe("sgd", () => {
  const orders = {
    rows: () => Uint32Array.from({ length: ratings.size }, (_, i) => i),
    shuffledOnce: () => shuffled(streamSeed(9, "order"), ratings.size),
    shuffled: (epoch: number) => shuffled(streamSeed(9, `order ${epoch}`), ratings.size),
  };
  for (const order of ["rows", "shuffledOnce", "shuffled"] as const) {
    it.each(["together", "alternately"] as const)(
      `moves rows %s, order ${order}, as the rule says (reference to 1e-12, wasm to 1e-5)`,
      async (update) => {
        const options: SgdOptions = { rank, epochs: 3, learningRate: 0.05, schedule: "constant", order, update };
        const method = sgd({ ...options, regularization: 0.7, biasRegularization: 0.2, init: "kaiming" });
        for (const [backend, tolerance] of [
          ["reference", 1e-12],
          ["wasm", 1e-5],
        ] as const) {
          const run = await method.start(ratings, await openKernels({ backend }), 9);
          const expected = byHand(run.state().arrays, orders[order], update, [0.7, 0.2]);
          for (let made = 0; made < 3; ) made += (await run.passes(3 - made, undefined)).length;
          const { arrays } = run.state();
          run.close();
          for (const [name, values] of Object.entries(expected)) {
            expect(arrays[name]).toHaveLength(values.length);
            for (const [i, value] of values.entries())
              expect(Math.abs(arrays[name][i] - value)).toBeLessThan(tolerance);
          }
        }
      },
    );
  }

  it("finds a planted world of rank 2: training RMSE from above 0.9 to below 0.4, the noise being 0.3", async () => {
    const { report } = await factorize(
      ratings,
      sgd({ rank, epochs: 200, order: "shuffled", learningRate: 0.03, regularization: 0.3 }),
    );
    expect(report.initialLoss).toBeGreaterThan(0.9);
    expect(report.loss.at(-1)).toBeLessThan(0.4);
    expect([report.passName, report.lossName]).toEqual(["epochs", "RMSE on the way"]);
  });

  it("writes the same bytes with 1, 2 and 3 threads", async () => {
    const files = await Promise.all(
      [1, 2, 3].map(async (threads) =>
        encodeModel(
          (await factorize(ratings, sgd({ rank: 5, epochs: 3, order: "shuffled" }), { threads, seed: 4 })).model,
        ),
      ),
    );
    expect(files[1]).toEqual(files[0]);
    expect(files[2]).toEqual(files[0]);
  });

  it("refuses options of gradient", () => {
    expect(() => sgd({ objective: "norm" } as never)).toThrow(/sgd has no such option/);
  });

  it("has kernel memory of the size it says, whatever the order", async () => {
    const kernels = await openKernels({ threads: 1 });
    for (const order of ["blocks", "rows", "shuffled"] as const) {
      const method = sgd({ rank, order });
      const opened: number[] = [];
      const open: Kernels["open"] = (layout) => {
        opened.push(kernels.bytesFor(layout));
        return kernels.open(layout);
      };
      (await method.start(ratings, { ...kernels, open }, 0)).close();
      expect(opened).toEqual([method.bytesFor(ratings, kernels)]);
    }
  });
});
