/** A signal that fires while a training starts, or while its model is made: how often it is looked at until the work ends. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openKernels } from "../kernels/index.ts";
import type { Model } from "../model/index.ts";
import { plantedWorld } from "../ratings/index.ts";
import { nextTurn } from "../support/index.ts";
import {
  als,
  bpr,
  denseNet,
  ease,
  type Factorizer,
  factorize,
  gradient,
  ials,
  itemKnn,
  logistic,
  nmf,
  sgd,
  softmax,
  svd,
  warp,
} from "./index.ts";
import { firesAt, turnAtEveryLook } from "./stopping.case.ts";
import { clickWorld } from "./svd/worlds.case.ts";

const { ratings } = plantedWorld({ users: 400, items: 150, rank: 2, density: 0.6, noise: 0.2, mean: 10, seed: 3 });
const kernels = await openKernels({ backend: "reference" });

beforeEach(turnAtEveryLook);
afterEach(async () => {
  vi.restoreAllMocks();
  // By the real clock again
  await nextTurn();
});

const looksOf: readonly (readonly [string, Factorizer<Model>, number])[] = [
  ["als", als({ rank: 2 }), 1],
  ["ials", ials({ rank: 2 }), 1],
  ["gradient over all ratings", gradient({ rank: 2 }), 1],
  ["gradient in batches", gradient({ rank: 2, batch: "mini" }), 5],
  ["sgd rating by rating", sgd({ rank: 2, order: "shuffled" }), 5],
  ["sgd in blocks", sgd({ rank: 2 }), 3],
  ["net", denseNet({ rank: 2, hidden: [4] }), 2],
  ["nmf, once the ratings are in", nmf({ rank: 2 }), 1],
  ["nmf, at the last factor", nmf({ rank: 2 }), 1 + 550],
  // 400 users' weights, 150 items' offsets, 550 rows of factors, the first loss
  ["softmax at the first weight", softmax({ rank: 2 }), 1],
  ["softmax at the last offset", softmax({ rank: 2 }), 400 + 150],
  ["softmax before the first loss", softmax({ rank: 2 }), 400 + 150 + 550 + 1],
  ["bpr before the first loss", bpr({ rank: 2 }), 400 + 150 + 550 + 1],
  ["warp before the first loss", warp({ rank: 2 }), 400 + 550 + 1],
  ["logistic before the first loss", logistic({ rank: 2 }), 400 + 550 + 1],
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

describe("a signal that fires during the only pass", () => {
  const looks: readonly (readonly [string, Factorizer<Model>, number])[] = [
    ["ease, once the ratings are in", ease(), 1],
    // The ratings twice, one range of the square, three blocks of the inverse, a row of weights for each item
    ["ease, at the last weights", ease(), 2 + 1 + 3 + 150],
    ["itemKnn, once the ratings are in", itemKnn(), 1],
    // The ratings twice, lengths of items, weights of users, one chunk of neighbours, which is then turned around
    ["itemKnn, at the last neighbours", itemKnn(), 2 + 150 + 400 + 1 + 2],
  ];
  it.each(looks)("of %s ends it at the first look after", async (_, method, at) => {
    const run = await method.start(ratings, kernels, 1);
    const { seen, signal } = firesAt(at);
    await expect(run.passes(1, signal)).rejects.toMatchObject({ code: "aborted" });
    expect(seen.looks).toBe(at);
    // Nothing is kept of it.
    expect(await run.passes(1, undefined)).toHaveLength(1);
    run.close();
  });
});

describe("a signal that fires while a model is made", () => {
  it("of warp at rank 40 is heard while rows of new people are put on the scale of the trained ones", async () => {
    const run = await warp({ rank: 40 }).start(ratings, kernels, 1);
    const { seen, signal } = firesAt(1);
    await expect(run.model(0, signal)).rejects.toMatchObject({ code: "aborted" });
    expect(seen.looks).toBe(1);
    expect((await run.model(0)).objective).toMatchObject({ kind: "implicit", target: expect.any(Number) });
    run.close();
  });

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
