/** A signal that fires while a training starts, or while its model is made: how often it is looked at until the work ends. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openKernels } from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import { plantedWorld } from "../ratings/index.ts";
import { als, denseNet, type Factorizer, factorize, gradient, ials, sgd, svd } from "./index.ts";
import { firesAt, turnAtEveryLook } from "./stopping.case.ts";
import { clickWorld } from "./svd/worlds.case.ts";

const { ratings } = plantedWorld({ users: 400, items: 150, rank: 2, density: 0.6, noise: 0.2, seed: 3 });
const kernels = await openKernels({ backend: "reference" });

beforeEach(turnAtEveryLook);
afterEach(() => {
  vi.restoreAllMocks();
});

const looksOf: readonly (readonly [string, Factorizer<Model>, number])[] = [
  ["als", als({ rank: 2 }), 1],
  ["ials", ials({ rank: 2 }), 1],
  ["gradient over all ratings", gradient({ rank: 2 }), 1],
  ["gradient in batches", gradient({ rank: 2, batch: "mini" }), 5],
  ["sgd rating by rating", sgd({ rank: 2, order: "shuffled" }), 5],
  ["sgd in blocks", sgd({ rank: 2 }), 3],
  ["net", denseNet({ rank: 2, hidden: [4] }), 2],
];

describe("a signal that fires during the start", () => {
  it.each(looksOf)("of %s ends it at the first look after", async (_, method, at) => {
    const { seen, signal } = firesAt(at);
    await expect(method.start(ratings, kernels, 1, undefined, signal)).rejects.toMatchObject({ code: "aborted" });
    expect(seen.looks).toBe(at);
  });

  it("of svd, which has no turns, is heard of before the first step", async () => {
    // Once before anything is done, once after the start.
    const { seen, signal } = firesAt(2);
    const onProgress = vi.fn();
    const training = factorize(clickWorld(), svd({ rank: 2 }), { kernels, signal, onProgress });
    await expect(training).rejects.toMatchObject({ code: "aborted" });
    expect([seen.looks, onProgress.mock.calls.length]).toEqual([2, 0]);
  });
});

describe("a signal that fires while a model is made", () => {
  it("of svd by Krylov steps ends that, and the run stands as before", async () => {
    const method = svd({ rank: 2 });
    const [stopped, other] = [
      await method.start(clickWorld(), kernels, 1),
      await method.start(clickWorld(), kernels, 1),
    ];
    for (const run of [stopped, other]) await run.passes(1, undefined);
    const { seen, signal } = firesAt(1);
    await expect(stopped.model(1, signal)).rejects.toMatchObject({ code: "aborted" });
    expect(seen.looks).toBe(1);
    expect(stopped.state()).toEqual(other.state());
    expect(await stopped.passes(1, undefined)).toEqual(await other.passes(1, undefined));
    for (const run of [stopped, other]) run.close();
  });
});
