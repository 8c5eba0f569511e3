/** Questions to a net: lists as a full sort of its f64 scores gives them, and what cannot be asked. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { names, netFixture } from "../../test/model-fixture.ts";
import { scorerOf } from "../model/index.ts";
import { openRecommender, type Recommender } from "./recommender.ts";

const model = netFixture({
  users: names("u", 30),
  items: Array.from({ length: 500 }, (_, i) => i),
  rank: 6,
  hidden: [20, 9],
  density: 0.05,
});
const scorer = scorerOf(model);
const indexOf = (user: string) => model.users.index(user) as number;
let recommender: Recommender;

beforeAll(async () => {
  recommender = await openRecommender(model, { threads: 2 });
});
afterAll(() => recommender.close());

/** Items of a user by falling f64 score, seen ones left out. */
function sorted(user: number, allowed: (item: number) => boolean = () => true): number[] {
  const scores = Array.from({ length: 500 }, (_, item) => scorer.score(user, item));
  const seen = new Set(model.history!.index.subarray(model.history!.start[user], model.history!.start[user + 1]));
  return Array.from({ length: 500 }, (_, item) => item)
    .filter((item) => !seen.has(item) && allowed(item))
    .sort((a, b) => scores[b] - scores[a]);
}

describe("a recommender of a net", () => {
  it("lists what a full sort of the f64 scores lists, with scores equal to 1e-5, for every user", async () => {
    let user = 0;
    for await (const list of recommender.recommendAll({ n: 12 })) {
      if (list.status !== "known") throw new Error(`user ${user} is ${list.status}`);
      expect(list.items.map(({ item }) => item)).toEqual(sorted(user).slice(0, 12));
      for (const { item, score } of list.items) expect(score).toBeCloseTo(scorer.score(user, item as number), 4);
      user++;
    }
    expect(user).toBe(30);
  });

  it("keeps to filters, tells why a list is short, and knows unknown users", async () => {
    const only = Array.from({ length: 40 }, (_, i) => 3 * i);
    const list = await recommender.recommend("u4", { n: 50, only, except: [3], where: (item) => Number(item) < 100 });
    if (list.status !== "known") throw new Error(list.status);
    const wanted = sorted(indexOf("u4"), (item) => item % 3 === 0 && item < 100 && item !== 3);
    expect(list.items.map(({ item }) => item)).toEqual(wanted);
    expect(list.short).toBeDefined();
    expect(await recommender.recommend("nobody", { fallback: "popular" })).toMatchObject({ status: "unknown-user" });
    const seen = await recommender.recommend("u4", { n: 500, includeSeen: true });
    expect(seen.status === "known" && seen.items.length).toBe(500);
  });

  it("predicts the f64 score, and for an unknown item the mean and the user's bias", () => {
    expect(recommender.predict("u2", 7)).toEqual({ status: "known", score: scorer.score(indexOf("u2"), 7) });
    const { mean, userBias } = model;
    expect(recommender.predict("u2", -1)).toEqual({
      status: "unknown",
      missing: ["item"],
      baseline: mean + userBias![indexOf("u2")],
    });
  });

  it("finds similar items by the cosine of their factors", async () => {
    const similar = await recommender.similarItems(5, { n: 3 });
    if (similar.status !== "known") throw new Error(similar.status);
    const row = (i: number) => model.itemFactors.subarray(6 * i, 6 * i + 6);
    const cosine = (i: number) => {
      const [a, b] = [row(5), row(i)];
      const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, k) => sum + value * y[k], 0);
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    };
    const order = Array.from({ length: 500 }, (_, i) => i).filter((i) => i !== 5);
    order.sort((a, b) => cosine(b) - cosine(a));
    expect(similar.similar.map(({ id }) => id)).toEqual(order.slice(0, 3));
  });

  it("refuses fold-in and explanations with code no-objective, saying why and what to do", async () => {
    const history = [{ item: 1, rating: 5 }];
    for (const ask of [
      () => recommender.recommendFor(history),
      () => recommender.foldInUser(history),
      () => recommender.foldInItem([{ user: "u1", rating: 5 }]),
      () => recommender.explain("u1", 2),
      () => recommender.explainFor(history, 2),
    ]) {
      await expect(ask()).rejects.toMatchObject({
        code: "no-objective",
        message: expect.stringMatching(/do not follow from a history alone, because .*; train again .* als /),
        facts: { method: "net" },
      });
    }
  });
});
