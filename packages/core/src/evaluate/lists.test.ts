import { describe, expect, it } from "vitest";
import { modelFixture, names } from "../../test/model-fixture.ts";
import { type Kernels, openKernels } from "../kernels/index.ts";
import { type FactorModel, factorScorer, type Scorer } from "../model/index.ts";
import { hash32 } from "../support/index.ts";
import { itemOrder, listBlocks } from "./lists.ts";
import { biasRuler, popularityRuler, randomRuler } from "./rulers.ts";

const USERS = 5000;

/** Whole-number factors make scores exact in f32, so all ways must agree on every tie. */
function exactModel(items: number): FactorModel {
  const rank = 2;
  const whole = (seed: number, count: number) =>
    Float32Array.from({ length: count }, (_, i) => (hash32(seed, i) % 7) - 3);
  return {
    ...modelFixture({ users: names("u", USERS), items: names("i", items), rank, biases: false, density: 0.2 }),
    mean: 0,
    userFactors: whole(1, USERS * rank),
    itemFactors: whole(2, items * rank),
  };
}

async function listsOf(scorer: FactorModel | Scorer, model: FactorModel, places: number, kernels: Kernels) {
  // Every second user, so that positions and user indexes differ
  const users = Uint32Array.from({ length: USERS / 2 }, (_, u) => 2 * u);
  const request = { who: "test", users, places, seen: model.history, kernels, signal: undefined };
  const lists: number[][] = [];
  let blocks = 0;
  for await (const block of listBlocks(scorer, request)) {
    blocks++;
    if (block.first !== lists.length) expect.fail(`a block begins at ${block.first}, not ${lists.length}`);
    for (let q = 0; q < block.count; q++) {
      lists.push([...block.item.subarray(q * places, q * places + block.listed[q])]);
    }
  }
  expect(lists.length).toBe(users.length);
  return { lists, blocks };
}

describe("lists of 2,500 users", () => {
  it("are the same from the kernels as from scoring every item, over more than one block, ties included", async () => {
    const kernels = await openKernels({ threads: 2 });
    for (const [items, places] of [
      [23, 5],
      [23, 23],
      [1, 1],
    ]) {
      const model = exactModel(items);
      const fast = await listsOf(model, model, places, kernels);
      const slow = await listsOf(factorScorer(model), model, places, kernels);
      expect(fast.blocks).toBeGreaterThan(1);
      expect(JSON.stringify(fast.lists)).toBe(JSON.stringify(slow.lists));
      const seen = model.history!;
      for (const [q, list] of fast.lists.entries()) {
        const row = seen.index.subarray(seen.start[2 * q], seen.start[2 * q + 1]);
        const isWhole = list.length === Math.min(places, items - row.length);
        if (!isWhole || list.some((item) => row.includes(item))) expect.fail(`position ${q}: ${list} beside ${row}`);
      }
    }
  });

  it("of popularity, biasOnly and random are the same by walking the one order as by scoring every item", async () => {
    const kernels = await openKernels({ threads: 1 });
    const model = exactModel(23);
    const train = { users: model.users, items: model.items, byUser: model.history!, hasRatings: true };
    for (const ruler of [popularityRuler(train), biasRuler(train), randomRuler(train, 5)]) {
      expect(itemOrder in ruler).toBe(true);
      const { [itemOrder]: _, ...plain } = ruler as Scorer & { [itemOrder]?: unknown };
      const walked = await listsOf(ruler, model, 6, kernels);
      expect(JSON.stringify(walked.lists)).toBe(JSON.stringify((await listsOf(plain, model, 6, kernels)).lists));
    }
  });
});
