/** Questions to models of items: lists as plain sums over the history give them, for users and for anybody. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { itemsFixture, names } from "../../test/model-fixture.ts";
import type { ItemModel } from "../model/index.ts";
import { scorerOf } from "../model/index.ts";
import { openRecommender, type Recommender } from "./recommender.ts";

const ITEMS = 300;
const base = { users: names("u", 30), items: Array.from({ length: ITEMS }, (_, i) => i), density: 0.05 } as const;
const models: readonly (readonly [string, ItemModel])[] = [
  ["sparse weights, entries that count 1", itemsFixture({ ...base, weighed: 0.02 })],
  ["sparse weights, entries by their ratings", itemsFixture({ ...base, weighed: 0.02, counted: "given" })],
  ["dense weights, entries that count 1", itemsFixture({ ...base, weights: "dense" })],
  ["dense weights, entries by their ratings", itemsFixture({ ...base, weights: "dense", counted: "given" })],
];

/** weight(from → to) by looking through everything. */
function weight({ weights, items }: ItemModel, from: number, to: number): number {
  if (weights.kind === "dense") return weights.value[from * items.size + to];
  for (let w = weights.start[from]; w < weights.start[from + 1]; w++)
    if (weights.index[w] === to) return weights.value[w];
  return 0;
}

function historyOf({ history, users }: ItemModel, id: string) {
  const user = users.index(id) as number;
  const [begin, end] = [history!.start[user], history!.start[user + 1]];
  return Array.from(history!.index.subarray(begin, end), (item, e) => ({ item, rating: history!.value.at(begin + e) }));
}

/** The score by its formula; undefined where nothing speaks for the item. */
function scoreOf(model: ItemModel, user: string, to: number): number | undefined {
  const speaking = historyOf(model, user).filter(({ item }) => weight(model, item, to) !== 0);
  if (speaking.length === 0) return undefined;
  return speaking.reduce((sum, h) => sum + (model.values === "ones" ? 1 : h.rating) * weight(model, h.item, to), 0);
}

/** Items of a user that something speaks for, by falling score, seen ones left out. */
function sorted(model: ItemModel, user: string, allowed: (item: number) => boolean = () => true): number[] {
  const seen = new Set(historyOf(model, user).map(({ item }) => item));
  const scores = Array.from({ length: ITEMS }, (_, item) => scoreOf(model, user, item));
  return scores
    .map((_, item) => item)
    .filter((item) => scores[item] !== undefined && !seen.has(item) && allowed(item))
    .sort((a, b) => scores[b]! - scores[a]!);
}

it("takes dense weights into kernel memory in turns: given up half-way, the next question is answered as ever", async () => {
  const [, model] = models[2];
  const recommender = await openRecommender(model);
  const controller = new AbortController();
  let clock = performance.now();
  const now = vi.spyOn(performance, "now").mockImplementation(() => {
    clock += 10; // a turn is over at every other look
    return clock;
  });
  let turns = 0;
  const count = () => {
    if (++turns === 20) controller.abort();
    else setImmediate(count);
  };
  setImmediate(count);
  await expect(recommender.recommend("u4", { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
  now.mockRestore();
  const list = await recommender.recommend("u4", { n: 9 });
  expect(list.status === "known" && list.items.map(({ item }) => item)).toEqual(sorted(model, "u4").slice(0, 9));
  recommender.close();
});

describe.each(models)("a recommender with %s", (_, model) => {
  let recommender: Recommender;
  beforeAll(async () => {
    recommender = await openRecommender(model, { threads: 2 });
  });
  afterAll(() => recommender.close());

  it("lists what a sort of the formula's scores lists, equal to 1e-5, for every user", async () => {
    let users = 0;
    for await (const list of recommender.recommendAll({ n: 12 })) {
      if (list.status !== "known") throw new Error(`user ${list.user} is ${list.status}`);
      const user = String(list.user);
      expect(list.items.map(({ item }) => item)).toEqual(sorted(model, user).slice(0, 12));
      for (const { item, score } of list.items) expect(score).toBeCloseTo(scoreOf(model, user, item as number)!, 4);
      users++;
    }
    expect(users).toBe(30);
  });

  it("answers a stranger with the history of user 4 as it answers user 4", async () => {
    const history = historyOf(model, "u4");
    const known = await recommender.recommend("u4", { n: 9 });
    const strange = await recommender.recommendFor([...history, { item: "elsewhere", rating: 3 }], { n: 9 });
    if (known.status !== "known" || strange.status !== "known") throw new Error(strange.status);
    expect(strange.items).toEqual(known.items);
    expect(strange).toMatchObject({ used: history.length, unknownHistory: ["elsewhere"] });
    expect(await recommender.recommendFor([{ item: "elsewhere", rating: 1 }])).toMatchObject({
      status: "empty-history",
    });
  });

  it("keeps to filters and to seen items, and knows unknown users", async () => {
    const only = Array.from({ length: 90 }, (_, i) => 3 * i);
    const list = await recommender.recommend("u7", { n: 200, only, except: [3], where: (item) => Number(item) < 200 });
    if (list.status !== "known") throw new Error(list.status);
    const wanted = sorted(model, "u7", (item) => item % 3 === 0 && item < 200 && item !== 3);
    expect(list.items.map(({ item }) => item)).toEqual(wanted);
    expect(await recommender.recommend("nobody")).toMatchObject({ status: "unknown-user" });
    const seen = await recommender.recommend("u7", { n: ITEMS, includeSeen: true });
    const speaking = Array.from({ length: ITEMS }, (_, i) => i).filter((i) => scoreOf(model, "u7", i) !== undefined);
    expect(seen.status === "known" && seen.items.length).toBe(speaking.length);
  });

  it("predicts the formula's score, without a baseline where an item is unknown", () => {
    const scorer = scorerOf(model);
    const out = new Float32Array(ITEMS);
    scorer.scoreItems(model.users.index("u3") as number, out);
    for (const item of [0, 17, 299]) {
      const score = scoreOf(model, "u3", item) ?? 0;
      const answer = recommender.predict("u3", item);
      expect(answer.status === "known" && answer.score).toBeCloseTo(score, 12);
      expect(out[item]).toBeCloseTo(score, 5);
    }
    expect(recommender.predict("u3", "none")).toEqual({ status: "unknown", missing: ["item"], baseline: undefined });
  });

  it("explains a score as what each item of the history brings: the sum, with nothing left over", async () => {
    const history = historyOf(model, "u5");
    const [item] = sorted(model, "u5");
    const why = await recommender.explain("u5", item);
    if (why.status !== "known") throw new Error(why.status);
    const sum = why.contributions.reduce((total, { contribution }) => total + contribution, 0);
    expect(why).toMatchObject({ baseline: 0, remainder: 0, remainderReason: undefined });
    expect(sum).toBeCloseTo(why.score, 12);
    expect(why.score).toBeCloseTo(scoreOf(model, "u5", item)!, 12);
    for (const { item: from, rating, contribution } of why.contributions) {
      const x = model.values === "ones" ? 1 : rating;
      expect(contribution).toBeCloseTo(x * weight(model, from as number, item), 12);
    }
    expect(await recommender.explainFor(history, item)).toEqual(why);
    expect(await recommender.explain("u5", "none")).toEqual({ status: "unknown", missing: ["item"] });
    expect(await recommender.explainFor([], item)).toMatchObject({ status: "empty-history" });
  });

  it("calls those items similar that say most for an item", async () => {
    const similar = await recommender.similarItems(20, { n: 4, except: [7] });
    if (similar.status !== "known") throw new Error(similar.status);
    const all = Array.from({ length: ITEMS }, (_, from) => from).filter(
      (i) => i !== 20 && i !== 7 && weight(model, i, 20),
    );
    all.sort((a, b) => weight(model, b, 20) - weight(model, a, 20));
    expect(similar.similar.map(({ id }) => id)).toEqual(all.slice(0, 4));
    expect(similar.similar[0].similarity).toBeCloseTo(weight(model, all[0], 20), 6);
    const often = await recommender.similarItems(20, { n: ITEMS, minRatings: 3 });
    if (often.status !== "known") throw new Error(often.status);
    expect(often.similar.every(({ ratings }) => ratings! >= 3)).toBe(true);
    expect(await recommender.similarItems("none")).toMatchObject({ status: "unknown" });
  });

  it("has no rows: fold-in and similar users are refused with the code no-rows", async () => {
    const refused = expect.objectContaining({ code: "no-rows" });
    await expect(recommender.foldInUser([{ item: 3, rating: 1 }])).rejects.toEqual(refused);
    await expect(recommender.foldInItem([{ user: "u1", rating: 1 }])).rejects.toEqual(refused);
    await expect(recommender.similarUsers("u1")).rejects.toEqual(refused);
  });
});

describe("a model of items", () => {
  it("tells in a short list that nothing speaks for the others", async () => {
    const model = models[0][1];
    const recommender = await openRecommender(model);
    const list = await recommender.recommend("u1", { n: ITEMS, except: [0, 1] });
    recommender.close();
    if (list.status !== "known") throw new Error(list.status);
    const { listed, filteredOut, seen, reason } = list.short!;
    expect(listed).toBe(list.items.length);
    const left = ITEMS - listed - filteredOut - seen;
    expect(left).toBeGreaterThan(0);
    expect(reason).toBe(
      `300 asked, ${listed} listed: of 300 in the catalogue 2 are kept out by filters, ${seen} are in the history already and nothing speaks for ${left}`,
    );
  });

  it("without its history answers histories, and refuses questions about its users with the code no-history", async () => {
    const whole = models[0][1];
    const recommender = await openRecommender({ ...whole, history: undefined });
    const full = await openRecommender(whole);
    const history = historyOf(whole, "u2");
    expect(await recommender.recommendFor(history)).toEqual(await full.recommendFor(history));
    expect(await recommender.similarItems(9)).toMatchObject({ status: "known" });
    const refused = expect.objectContaining({ code: "no-history" });
    await expect(recommender.recommend("u2", { includeSeen: true })).rejects.toEqual(refused);
    await expect(recommender.explain("u2", 9)).rejects.toEqual(refused);
    expect(() => recommender.predict("u2", 9)).toThrow(refused);
    expect(() => recommender.recommendAll({ includeSeen: true })).toThrow(refused);
    recommender.close();
    full.close();
  });

  it("adds up repeated events and takes the last of repeated ratings; ratings that count must be given", async () => {
    const counts = await openRecommender({ ...models[1][1], range: undefined });
    const ratings = await openRecommender(models[1][1]);
    const twice = [
      { item: 5, rating: 2 },
      { item: 5, rating: 3 },
    ];
    const scoreWith = async (recommender: Recommender, history: typeof twice) => {
      const list = await recommender.recommendFor(history, { n: 1 });
      return list.status === "known" ? list.items[0].score : undefined;
    };
    expect(await scoreWith(counts, twice)).toBe(await scoreWith(counts, [{ item: 5, rating: 5 }]));
    expect(await scoreWith(ratings, twice)).toBe(await scoreWith(ratings, [{ item: 5, rating: 3 }]));
    await expect(ratings.recommendFor([{ item: 5 }])).rejects.toThrow("entry 1 of the history (5) has no rating");
    expect(await counts.recommendFor([{ item: 5 }])).toMatchObject({ status: "known" });
    counts.close();
    ratings.close();
  });

  it("has no neighbours for an item that nothing speaks for", async () => {
    const { weights, ...model } = itemsFixture({ ...base, weighed: 0 });
    expect(weights.value.length).toBe(0);
    const recommender = await openRecommender({ ...model, weights });
    expect(await recommender.similarItems(4)).toEqual({ status: "zero-row", id: 4 });
    const list = await recommender.recommend("u1");
    expect(list).toMatchObject({ status: "known", items: [] });
    recommender.close();
  });
});
