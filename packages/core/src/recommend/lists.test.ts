import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { modelFixture, names } from "../../test/model-fixture.ts";
import { openKernels } from "../kernels/index.ts";
import type { FactorModel } from "../model/index.ts";
import { CellValues, type Id, IdMap } from "../ratings/index.ts";
import { unit } from "../support/index.ts";
import type { Recommendations } from "./outcomes.ts";
import { openRecommender } from "./recommender.ts";
import { topNForIndexes } from "./top-n.ts";

const kernels = await openKernels({ backend: "reference" });

/** Factors and biases that are small whole numbers: every sum is exact, and ties are many. */
function wholeNumbers(model: FactorModel, seed: number): FactorModel {
  const draw = (stream: number, count: number) =>
    Float32Array.from({ length: count }, (_, i) => Math.floor(5 * unit(seed + stream, i)) - 2);
  return {
    ...model,
    mean: 3.5,
    userFactors: draw(1, model.userFactors.length),
    itemFactors: draw(2, model.itemFactors.length),
    userBias: model.userBias && draw(3, model.userBias.length),
    itemBias: model.itemBias && draw(4, model.itemBias.length),
  };
}

/** Scores every item by the formula and sorts: the definition of a list. */
function denseList(model: FactorModel, user: number, n: number, isOut: (item: number) => boolean) {
  const { rank } = model;
  const all = Array.from(model.items.ids(), (item, i) => {
    let score = model.mean + (model.userBias?.[user] ?? 0) + (model.itemBias?.[i] ?? 0);
    for (let k = 0; k < rank; k++) score += model.userFactors[user * rank + k] * model.itemFactors[i * rank + k];
    return { item, score, i };
  });
  const left = all.filter(({ i }) => !isOut(i)).sort((a, b) => b.score - a.score || a.i - b.i);
  return left.slice(0, n).map(({ item, score }) => ({ item, score }));
}

function seenOf(model: FactorModel, user: number): Set<number> {
  const { start, index } = model.history as NonNullable<FactorModel["history"]>;
  return new Set(index.subarray(start[user], start[user + 1]));
}

async function gathered(outcomes: AsyncIterable<Recommendations>): Promise<Recommendations[]> {
  const list = [];
  for await (const outcome of outcomes) list.push(outcome);
  return list;
}

const worlds = fc
  .record({
    users: fc.integer({ min: 1, max: 8 }).map((count) => names("u", count)),
    items: fc.integer({ min: 1, max: 30 }).map((count) => Array.from({ length: count }, (_, i) => 7 * i)),
    rank: fc.integer({ min: 1, max: 18 }),
    seed: fc.nat(1e6),
    biases: fc.boolean(),
    density: fc.constantFrom(0, 0.3, 1),
  })
  .map((options) => wholeNumbers(modelFixture(options), options.seed));

describe("recommend", () => {
  it("a checkerboard of likes with the diagonal withheld: the withheld item comes first for each of 20 users", async () => {
    const count = 20;
    const parity = Float32Array.from({ length: 2 * count }, (_, at) => (Math.floor(at / 2) % 2 === at % 2 ? 1 : 0));
    const index: number[] = [];
    const start = [0];
    for (let u = 0; u < count; u++) {
      for (let i = u % 2; i < count; i += 2) if (i !== u) index.push(i);
      start.push(index.length);
    }
    const model: FactorModel = {
      ...modelFixture(),
      rank: 2,
      users: IdMap.of(Array(count).keys(), "user"),
      items: IdMap.of(Array(count).keys(), "item"),
      userFactors: parity,
      itemFactors: parity.slice(),
      userBias: undefined,
      itemBias: undefined,
      mean: 0,
      history: {
        rows: count,
        columns: count,
        start: Uint32Array.from(start),
        index: Uint32Array.from(index),
        value: CellValues.of(new Float32Array(index.length).fill(1)),
        time: undefined,
      },
    };
    const recommender = await openRecommender(model, { kernels });
    for (let u = 0; u < count; u++) {
      const outcome = await recommender.recommend(u, { n: 1 });
      expect(outcome).toMatchObject({ status: "known", user: u, items: [{ item: u, score: 1 }], short: undefined });
    }
    recommender.close();
  });

  it("equals dense scoring and sorting, ties in order of the ids, seen items out or in, for any n", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, fc.integer({ min: 1, max: 40 }), fc.boolean(), async (model, n, includeSeen) => {
        const recommender = await openRecommender(model, { kernels });
        for (const [u, user] of [...model.users.ids()].entries()) {
          const outcome = await recommender.recommend(user, { n, includeSeen });
          const seen = seenOf(model, u);
          if (seen.size === 0) {
            expect(outcome).toEqual({ status: "empty-history", user, popular: undefined });
            continue;
          }
          if (outcome.status !== "known") throw new Error(outcome.status);
          const expected = denseList(model, u, n, (item) => !includeSeen && seen.has(item));
          expect(outcome.items).toEqual(expected);
          expect(outcome.asked).toBe(n);
          expect(outcome.short?.listed).toBe(expected.length < n ? expected.length : undefined);
        }
        recommender.close();
      }),
    );
  });

  it("many at once, all at once and one by one give the same lists, unknown ids in their places", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 12 }), async (model, picks) => {
        const recommender = await openRecommender(model, { kernels });
        const users: Id[] = picks.map((pick) => `u${pick}`);
        const oneByOne = [];
        for (const user of users) oneByOne.push(await recommender.recommend(user, { n: 3 }));
        expect(await gathered(recommender.recommendMany(users, { n: 3 }))).toEqual(oneByOne);
        const all = await gathered(recommender.recommendAll({ n: 3 }));
        expect(all).toEqual(await gathered(recommender.recommendMany(model.users.ids(), { n: 3 })));
        expect(all.length).toBe(model.users.size);
        recommender.close();
      }),
    );
  });

  it("5,000 users in more than one batch, lists of a whole catalogue of 90 included, equal dense scoring", async () => {
    const users = Array.from({ length: 5000 }, (_, i) => i);
    const items = Array.from({ length: 90 }, (_, i) => i);
    const model = wholeNumbers(modelFixture({ users, items, rank: 2, density: 0.1 }), 3);
    const recommender = await openRecommender(model, { kernels });
    const lists = await gathered(recommender.recommendAll({ n: 90, fallback: "none" }));
    expect(lists.length).toBe(5000);
    for (const user of [0, 1, 2047, 2048, 2049, 4095, 4096, 4999]) {
      const outcome = lists[user];
      if (outcome.status !== "known") throw new Error(outcome.status);
      expect(outcome.user).toBe(user);
      expect(outcome.items).toEqual(denseList(model, user, 90, (item) => seenOf(model, user).has(item)));
    }
    recommender.close();
  });

  it("40 concurrent calls on one recommender, lists, streams and fold-ins mixed, answer as they do alone", async () => {
    const model = wholeNumbers(modelFixture({ users: names("u", 12), items: names("i", 25), rank: 4 }), 9);
    const recommender = await openRecommender(model, { kernels });
    const ask = [
      (k: number) => recommender.recommend(`u${k % 12}`, { n: 1 + (k % 7) }),
      (k: number) => gathered(recommender.recommendMany([`u${k % 12}`, "nobody", "u0"], { n: 2 })),
      (k: number) => recommender.recommendFor([{ item: `i${k % 25}`, rating: 5 }], { n: 4 }),
      (k: number) => recommender.similarItems(`i${k % 25}`, { n: 3 }),
      (k: number) => recommender.foldInItem([{ user: `u${k % 12}`, rating: 4 }]),
    ];
    const together = await Promise.all(Array.from({ length: 40 }, (_, k) => ask[k % 5](k)));
    for (let k = 0; k < 40; k++) expect(together[k]).toEqual(await ask[k % 5](k));
    recommender.close();
  });

  it("an unknown user is told apart, with popular items when asked: most rated first, ties by id", async () => {
    const model = modelFixture({ density: 0.5, seed: 4 });
    const recommender = await openRecommender(model, { kernels });
    expect(await recommender.recommend("stranger")).toEqual({
      status: "unknown-user",
      user: "stranger",
      popular: undefined,
    });
    // u0 as a number is not the id "u0", nor is an index an id
    expect((await recommender.recommend(0)).status).toBe("unknown-user");
    const outcome = await recommender.recommend("stranger", { fallback: "popular", n: 3, except: [20] });
    const counts = new Map<Id, number>();
    for (const item of model.history?.index ?? []) {
      counts.set(model.items.id(item), (counts.get(model.items.id(item)) ?? 0) + 1);
    }
    const expected = [10, 30, 40]
      .map((item) => ({ item, count: counts.get(item) ?? 0 }))
      .sort((a, b) => b.count - a.count);
    expect(outcome).toMatchObject({ status: "unknown-user", popular: { items: expected, asked: 3, short: undefined } });
    expect(recommender.popular({ n: 3, except: [20] }).items).toEqual(expected);
    recommender.close();
  });

  it("a list of 10 from 4 items says how many are seen and how many are filtered out", async () => {
    const base = modelFixture();
    const history = { rows: 5, columns: 4, start: Uint32Array.of(0, 2, 2, 2, 2, 2), index: Uint32Array.of(0, 1) };
    const model = { ...base, history: { ...history, value: CellValues.of([4, 5]), time: undefined } };
    const recommender = await openRecommender(model, { kernels });
    const outcome = await recommender.recommend("u0", { except: [20, 30] });
    if (outcome.status !== "known") throw new Error(outcome.status);
    expect(outcome.items.map(({ item }) => item)).toEqual([40]);
    expect(outcome.short).toEqual({
      asked: 10,
      listed: 1,
      catalogue: 4,
      filteredOut: 2,
      seen: 1,
      reason: "10 asked, 1 listed: of 4 in the catalogue 2 are kept out by filters and 1 is in the history already",
    });
    const all = await recommender.recommend("u0", { includeSeen: true });
    expect(all).toMatchObject({ short: { reason: "10 asked, 4 listed: of 4 in the catalogue there are no more" } });
    const none = await recommender.recommend("u0", { only: [] });
    expect(none).toMatchObject({ status: "known", items: [], short: { listed: 0, filteredOut: 4, seen: 0 } });
    recommender.close();
  });

  it("a model without history lists with includeSeen only, and offers no popularity", async () => {
    const model = modelFixture({ density: undefined });
    const recommender = await openRecommender(model, { kernels });
    await expect(recommender.recommend("u1")).rejects.toMatchObject({ code: "no-history" });
    expect(() => recommender.recommendAll()).toThrow("pass includeSeen: true");
    expect(() => recommender.popular()).toThrow("nothing is known about popularity");
    expect(await recommender.recommend("u1", { includeSeen: true })).toMatchObject({ status: "known" });
    recommender.close();
  });

  it("options that do not exist, an n of 0 and text where a list of ids belongs are refused", async () => {
    const recommender = await openRecommender(modelFixture(), { kernels });
    const refused = (options: object) => expect(recommender.recommend("u0", options)).rejects;
    await refused({ count: 3 }).toThrow("recommend: count must be left out");
    await refused({ n: 0 }).toThrow("n must be a whole number of at least 1, got 0");
    await refused({ only: "10" }).toThrow("only must be a list of ids");
    await refused({ fallback: "best" }).toThrow('fallback must be one of "none", "popular"');
    await refused({ where: async () => true }).toThrow("where must be a function that returns true or false");
    expect(() => recommender.recommendMany("u0")).toThrow("users must be a list of ids");
    await expect(openRecommender(modelFixture(), { kernels, threads: 2 })).rejects.toThrow(
      "threads must be left out when kernels are given, got 2",
    );
    const broken = { ...modelFixture(), userFactors: new Float32Array(15).fill(Number.NaN) };
    await expect(openRecommender(broken, { kernels })).rejects.toThrow("userFactors row 0 holds NaN");
    const whole = modelFixture();
    const history = whole.history as NonNullable<FactorModel["history"]>;
    const outside = { ...history, index: history.index.map(() => 4e9) };
    await expect(openRecommender({ ...whole, history: outside }, { kernels })).rejects.toThrow("must ascend below 4");
    expect(() => recommender.popular({ includeSeen: true } as object)).toThrow("includeSeen must be left out");
    expect(() => recommender.popular({ n: 0 })).toThrow("popular: n must be a whole number of at least 1, got 0");
    recommender.close();
  });

  it("an aborted stream ends with AbortedError, and so do aborted neighbours", async () => {
    const recommender = await openRecommender(modelFixture(), { kernels });
    const signal = AbortSignal.abort();
    await expect(gathered(recommender.recommendAll({ signal }))).rejects.toMatchObject({ code: "aborted" });
    await expect(recommender.similarItems(10, { signal })).rejects.toMatchObject({ code: "aborted" });
    recommender.close();
  });
});

describe("recommendMany and recommendAll of whole catalogues", () => {
  /** How many lists came before the signal was looked at that is aborted with the first. */
  const listsOfBlock = async (users: number, n: number) => {
    const items = Array.from({ length: 2048 }, (_, i) => i);
    const model = modelFixture({ users: names("u", users), items, rank: 1, density: 0.02 });
    const recommender = await openRecommender(model, { kernels });
    const controller = new AbortController();
    let count = 0;
    const stream = async () => {
      for await (const list of recommender.recommendAll({ n, signal: controller.signal, includeSeen: true })) {
        expect(list.status === "known" && list.items.length).toBe(Math.min(n, 2048));
        count++;
        controller.abort();
      }
    };
    await expect(stream()).rejects.toMatchObject({ code: "aborted" });
    recommender.close();
    return count;
  };

  it("hold at most 262,144 records of lists at a time: 128 lists of 2,048 items, whatever n was asked", async () => {
    expect(await listsOfBlock(130, 2048)).toBe(128);
    expect(await listsOfBlock(130, 1e9)).toBe(128);
  });
});

describe("filters", () => {
  it("only, except and where are never broken, together or alone, and unknown ids are reported", async () => {
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 35 }).map((i) => 7 * i));
    await fc.assert(
      fc.asyncProperty(
        worlds,
        fc.option(ids, { nil: undefined }),
        fc.option(ids, { nil: undefined }),
        fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
        async (model, only, except, divisor) => {
          const where = divisor === undefined ? undefined : (item: Id) => (item as number) % divisor === 0;
          const recommender = await openRecommender(model, { kernels });
          const isOut = (i: number) => {
            const item = model.items.id(i) as number;
            return only?.includes(item) === false || except?.includes(item) === true || where?.(item) === false;
          };
          for (const [u, user] of [...model.users.ids()].entries()) {
            const outcome = await recommender.recommend(user, { n: 5, only, except, where });
            if (outcome.status !== "known") continue;
            expect(outcome.items).toEqual(denseList(model, u, 5, (i) => isOut(i) || seenOf(model, u).has(i)));
            const isUnknown = (id: number) => !model.items.has(id);
            expect(outcome.unknownIds).toEqual({
              only: (only ?? []).filter(isUnknown),
              except: (except ?? []).filter(isUnknown),
            });
            if (outcome.short !== undefined) {
              const { listed, catalogue, filteredOut, seen } = outcome.short;
              expect(listed).toBe(catalogue - filteredOut - seen);
            }
          }
          recommender.close();
        },
      ),
    );
  });
});

describe("topNForIndexes", () => {
  it("lists any user indexes, repeated or out of order, with given exclusions and mask, as dense scoring does", async () => {
    const users = names("u", 40);
    const model = wholeNumbers(modelFixture({ users, items: names("i", 33), rank: 5, density: 0.5 }), 8);
    const history = model.history as NonNullable<FactorModel["history"]>;
    const allowed = Uint8Array.from({ length: 33 }, (_, i) => (i % 5 === 0 ? 0 : 1));
    const asked = Uint32Array.of(3, 39, 0, 3, 17);
    let at = 0;
    for await (const batch of topNForIndexes({ model, kernels, users: asked, n: 50, excluded: history, allowed })) {
      expect([batch.first, batch.n]).toEqual([at, 33]);
      for (let q = 0; q < batch.count; q++) {
        const user = asked[at++];
        const base = model.mean + (model.userBias?.[user] ?? 0);
        const list = Array.from({ length: batch.listed[q] }, (_, place) => ({
          item: model.items.id(batch.item[q * 33 + place]),
          score: base + batch.score[q * 33 + place],
        }));
        const seen = seenOf(model, user);
        expect(list).toEqual(denseList(model, user, 33, (item) => seen.has(item) || allowed[item] === 0));
      }
    }
    expect(at).toBe(5);
  });

  it("stops between batches when aborted", async () => {
    const model = modelFixture();
    const lists = topNForIndexes({ model, kernels, users: Uint32Array.of(0), n: 2, signal: AbortSignal.abort() });
    await expect(lists.next()).rejects.toMatchObject({ code: "aborted" });
  });
});
