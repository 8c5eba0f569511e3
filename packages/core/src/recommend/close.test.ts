import { describe, expect, it } from "vitest";
import { modelFixture, names } from "../../test/model-fixture.ts";
import { type Kernels, openKernels } from "../kernels/index.ts";
import { openWasm } from "../kernels/wasm/index.ts";
import type { Id } from "../ratings/index.ts";
import type { Recommendations } from "./outcomes.ts";
import { openRecommender, type Recommender } from "./recommender.ts";

const kernels = await openKernels({ backend: "reference" });

async function gathered(outcomes: AsyncIterable<Recommendations>): Promise<Recommendations[]> {
  const list = [];
  for await (const outcome of outcomes) list.push(outcome);
  return list;
}

describe("close", () => {
  const model = modelFixture({ users: names("u", 30), items: names("i", 40), rank: 5, density: 0.3 });
  const calls = (recommender: Recommender): (() => Promise<unknown>)[] => [
    () => recommender.recommend("u0", { n: 40 }),
    () => recommender.recommendFor([{ item: "i3", rating: 4 }]),
    () => recommender.similarItems("i1"),
    () => recommender.similarUsers("u1"),
    () => recommender.foldInUser([{ item: "i3", rating: 4 }]),
    () => recommender.foldInItem([{ user: "u3", rating: 4 }]),
    () => recommender.explain("u0", "i1"),
    () => recommender.explainFor([{ item: "i3", rating: 4 }], "i1"),
    () => gathered(recommender.recommendMany(["u0", "u1", "nobody"])),
    () => gathered(recommender.recommendAll()),
  ];

  it("answers every kind of call begun before it whole, gives all memory back after them, and refuses later ones", async () => {
    const open = await openRecommender(model, { kernels });
    const expected = await Promise.all(calls(open).map((call) => call()));
    open.close();
    const { watched, spaces } = watch(kernels);
    const recommender = await openRecommender(model, { kernels: watched });
    const begun = calls(recommender).map((call) => call());
    recommender.close();
    recommender.close();
    for (const call of calls(recommender))
      await expect((async () => call())()).rejects.toMatchObject({ code: "closed" });
    expect(await Promise.all(begun)).toEqual(expected);
    expect(spaces.length).toBeGreaterThan(3);
    expect(spaces.map(({ closed }) => closed)).toEqual(spaces.map(() => 1));
    const now = [
      () => recommender.predict("u0", "i0"),
      () => recommender.predictMany([]),
      () => recommender.popular(),
      () => recommender.recommendMany(["u0"]),
      () => recommender.recommendAll(),
    ];
    for (const call of now) expect(call).toThrow("the recommender is closed; open a new one");
  });

  it("lets a batch that workers have in hand end before its memory goes, and the list is whole", async () => {
    const pooled = await openWasm({ build: "strict", threads: 2, reason: "for this test", spread: true });
    const alone = await openRecommender(model, { kernels: pooled });
    const expected = await alone.recommend("u7", { n: 40 });
    alone.close();
    const { watched, spaces, topNBegins } = watch(pooled);
    const recommender = await openRecommender(model, { kernels: watched });
    const begun = recommender.recommend("u7", { n: 40 });
    await topNBegins;
    recommender.close();
    expect(spaces).toMatchObject([{ begun: 1, ended: 0, closed: 0 }]);
    expect(await begun).toEqual(expected);
    expect(spaces).toMatchObject([{ begun: 1, ended: 1, closed: 1 }]);
  });

  it("lets a stream of 5,000 users that has begun be read to its end, and one that is left half-way end", async () => {
    const many = modelFixture({ users: Array.from({ length: 5000 }, (_, u) => u), rank: 2, density: 0.5 });
    const { watched, spaces } = watch(kernels);
    const recommender = await openRecommender(many, { kernels: watched });
    const [whole, left, notBegun] = [0, 1, 2].map(() => recommender.recommendAll());
    const outcomes = [(await whole.next()).value];
    await left.next();
    recommender.close();
    await expect(notBegun.next()).rejects.toMatchObject({ code: "closed" });
    await left.return(undefined);
    for await (const outcome of whole) outcomes.push(outcome);
    expect(outcomes.map((outcome) => (outcome as Recommendations & { user: Id }).user)).toEqual([...many.users.ids()]);
    expect(spaces).toMatchObject([{ closed: 1, ended: 3 + 1 }]);
  });
});

/** Kernels whose workspaces count what happens to them. */
function watch(kernels: Kernels) {
  const spaces: { begun: number; ended: number; closed: number }[] = [];
  let begins = () => {};
  const topNBegins = new Promise<void>((resolve) => {
    begins = resolve;
  });
  const watched: Kernels = {
    ...kernels,
    open: (layout) => {
      const space = kernels.open(layout);
      const seen = { begun: 0, ended: 0, closed: 0 };
      spaces.push(seen);
      return {
        ...space,
        topN: async (problem) => {
          seen.begun++;
          const running = space.topN(problem);
          begins();
          await running;
          seen.ended++;
        },
        close: () => {
          seen.closed++;
          space.close();
        },
      };
    },
  };
  return { watched, spaces, topNBegins };
}
