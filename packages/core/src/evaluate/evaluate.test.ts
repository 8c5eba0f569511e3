import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type DenseWorld, denseRanking } from "../../test/dense-evaluation.ts";
import { modelFixture, names } from "../../test/model-fixture.ts";
import { type FactorModel, factorScorer, type Scorer } from "../model/index.ts";
import { CellValues, type Id, type RatingRecord, type Ratings, ratingsFrom } from "../ratings/index.ts";
import { hash32, unit } from "../support/index.ts";
import { type EvaluateOptions, evaluate } from "./evaluate.ts";
import { popularityRuler } from "./rulers.ts";

const RANK = 3;

interface World {
  readonly model: FactorModel;
  readonly train: Ratings;
  readonly test: Ratings;
  readonly dense: DenseWorld;
}

/**
 * A model with whole-number factors, hence exact scores and many ties, and random train and test records. The test data
 * know 3 users and 4 items more than the model; ratings are 1 to 5.
 */
function world(seed: number, size: { users?: number; items?: number; biases?: boolean } = {}): World {
  const users = names("u", size.users ?? 12);
  const items = Array.from({ length: size.items ?? 17 }, (_, i) => 10 * i);
  const whole = (stream: number, count: number) =>
    Float32Array.from({ length: count }, (_, i) => (hash32(seed + stream, i) % 5) - 2);
  const model: FactorModel = {
    ...modelFixture({ users, items, rank: RANK, biases: size.biases ?? true, density: undefined }),
    userFactors: whole(1, users.length * RANK),
    itemFactors: whole(2, items.length * RANK),
    ...(size.biases === false ? {} : { userBias: whole(3, users.length), itemBias: whole(4, items.length) }),
    mean: 3,
  };
  const drawn = (stream: number, someUsers: readonly Id[], someItems: readonly Id[], density: number) =>
    someUsers.flatMap((user, u) =>
      someItems.flatMap((item, i): RatingRecord[] => {
        const cell = u * someItems.length + i;
        if (unit(seed + stream, cell) >= density) return [];
        return [{ user, item, rating: 1 + (hash32(seed + stream + 1, cell) % 5) }];
      }),
    );
  const train = [...drawn(10, users, items, 0.3), { user: users[0], item: items[0], rating: 3 }];
  const test = [
    ...drawn(20, [...users, "x", "y", "z"], [...items, 5, 7, 15, 995], 0.3),
    { user: users[1], item: items[1], rating: 5 },
  ];
  const score = (user: Id, item: Id) => {
    const u = model.users.index(user)!;
    const i = model.items.index(item)!;
    let sum = (model.userBias?.[u] ?? 0) + (model.itemBias?.[i] ?? 0) + model.mean;
    for (let k = 0; k < RANK; k++) sum += model.userFactors[u * RANK + k] * model.itemFactors[i * RANK + k];
    return sum;
  };
  return {
    model,
    train: ratingsFrom(train, { duplicates: "last" }),
    test: ratingsFrom(test, { duplicates: "last" }),
    dense: {
      users: [...model.users.ids()],
      items: [...model.items.ids()],
      score,
      train: lastOfEach(train),
      test: lastOfEach(test),
    },
  };
}

function lastOfEach(records: readonly RatingRecord[]): RatingRecord[] {
  return [...new Map(records.map((record) => [`${record.user} ${record.item}`, record])).values()];
}

function closeTo(actual: object | undefined, expected: object): void {
  expect(actual).toBeDefined();
  for (const [name, value] of Object.entries(expected)) {
    expect((actual as Record<string, number>)[name], name).toBeCloseTo(value as number, 12);
  }
}

describe("evaluate against a dense computation", () => {
  const choices: (EvaluateOptions & { relevantFrom: number })[] = [
    { relevantFrom: 1 },
    { relevantFrom: 4 },
    { relevantFrom: 3, recallDenominator: "reachable", gain: "linear" },
    { relevantFrom: 2, unknownItems: "leave-out", gain: "exponential" },
  ];
  for (const choice of choices) {
    it(`gives the same ranking figures at n = 1, 3 and 40 with ${JSON.stringify(choice)}, for models and scorers`, async () => {
      for (let seed = 1; seed <= 5; seed++) {
        const { model, train, test, dense } = world(seed);
        for (const scorer of [model, factorScorer(model)]) {
          const result = await evaluate(scorer, test, { train, n: [40, 1, 3], rulers: false, ...choice });
          expect(result.ranking?.map(({ n }) => n)).toEqual([1, 3, 40]);
          for (const figures of result.ranking ?? []) {
            const slow = denseRanking(dense, { ...choice, n: figures.n } as Parameters<typeof denseRanking>[1]);
            closeTo(figures, slow.figures);
            expect(result.counts.usersRanked).toBe(slow.users);
          }
        }
      }
    });
  }

  it("gives the RMSE and MAE of mean + biases + dot product, clamped to 1..5, with mean + known bias for unknown ids", async () => {
    const { model, train, test, dense } = world(3);
    const errors = dense.test.map(({ user, item, rating }) => {
      const [u, i] = [model.users.index(user), model.items.index(item)];
      const baseline = 3 + (u === undefined ? 0 : model.userBias![u]) + (i === undefined ? 0 : model.itemBias![i]);
      const score = u === undefined || i === undefined ? baseline : dense.score(user, item);
      return {
        known: u !== undefined && i !== undefined,
        raw: score - rating!,
        cut: Math.min(5, Math.max(1, score)) - rating!,
      };
    });
    const rms = (values: number[]) => Math.sqrt(values.reduce((sum, e) => sum + e * e, 0) / values.length);
    const plain = await evaluate(model, test, { train, rulers: false });
    expect(plain.errors?.rmse).toBeCloseTo(rms(errors.map((e) => e.cut)), 12);
    expect(plain.errors?.mae).toBeCloseTo(errors.reduce((sum, e) => sum + Math.abs(e.cut), 0) / errors.length, 12);
    expect(plain.errors?.clampedTo).toEqual({ min: 1, max: 5 });
    expect(plain.errors?.pairs).toBe(errors.length);
    const unknown = errors.filter((e) => !e.known).length;
    expect(plain.errors?.unknownPairs).toBe(unknown);
    const bare = await evaluate(model, test, { train, rulers: false, clamp: false, unknownPairs: "leave-out" });
    expect(bare.errors?.rmse).toBeCloseTo(rms(errors.filter((e) => e.known).map((e) => e.raw)), 12);
    expect(bare.errors).toMatchObject({ pairs: errors.length - unknown, unknownPairs: unknown, clampedTo: undefined });
  });

  it("counts what it could not use: unknown users, items and records, users without relevant items, repeats of training", async () => {
    const { model, train, test, dense } = world(4);
    const { counts, catalogue, notes } = await evaluate(model, test, { train, rulers: false, relevantFrom: 4 });
    const isKnown = ({ user, item }: RatingRecord) => model.users.has(user) && model.items.has(item);
    expect(counts.records).toBe(dense.test.length);
    expect(counts.unknownUsers).toBe(new Set(dense.test.map((r) => r.user).filter((id) => !model.users.has(id))).size);
    expect(counts.unknownItems).toBe(new Set(dense.test.map((r) => r.item).filter((id) => !model.items.has(id))).size);
    expect(counts.unknownRecords).toBe(dense.test.filter((r) => !isKnown(r)).length);
    const trained = new Set(dense.train.map((r) => `${r.user} ${r.item}`));
    expect(counts.alreadyInTraining).toBe(dense.test.filter((r) => trained.has(`${r.user} ${r.item}`)).length);
    const candidates = dense.test.filter((r) => model.users.has(r.user) && !trained.has(`${r.user} ${r.item}`));
    const relevant = candidates.filter((r) => r.rating! >= 4);
    expect(counts.relevant).toBe(relevant.length);
    expect(counts.relevantUnknown).toBe(relevant.filter((r) => !model.items.has(r.item)).length);
    expect(counts.usersRanked).toBe(new Set(relevant.map((r) => r.user)).size);
    const knownUsers = new Set(dense.test.map((r) => r.user).filter((id) => model.users.has(id))).size;
    expect(counts.usersWithoutRelevant).toBe(knownUsers - counts.usersRanked);
    expect(catalogue).toBe(17);
    expect(notes.some((note) => note.startsWith(`${counts.unknownUsers} users in the held-out data are unknown`))).toBe(
      true,
    );
  });
});

describe("evaluate", () => {
  it("gives 1 for every metric to a scorer that puts exactly the held-out items first (2 per user, n = 2)", async () => {
    const test = ratingsFrom(names("u", 6).flatMap((user, u) => [2 * u, 2 * u + 1].map((item) => ({ user, item }))));
    const train = ratingsFrom([
      ...names("u", 6).map((user) => ({ user, item: 100 })),
      ...Array.from({ length: 12 }, (_, item) => ({ user: "someone", item })),
    ]);
    const knowing: Scorer = {
      name: "knowing",
      users: train.users,
      items: train.items,
      scale: "preference",
      score: (user, item) => (Math.floor((train.items.id(item) as number) / 2) === user - 1 ? 1 : 0),
      scoreItems: (user, out) => out.set(out.map((_, item) => knowing.score(user, item))),
    };
    expect(train.users.id(1)).toBe("u0");
    const { ranking, errors } = await evaluate(knowing, test, { train, n: [2], rulers: false });
    expect(errors).toBeUndefined();
    expect(ranking).toEqual([
      { n: 2, precision: 1, recall: 1, hitRate: 1, ndcg: 1, map: 1, mrr: 1, coverage: 12 / 13 },
    ]);
  });

  it("is unchanged, to 1e-12, by other names for the users, and exactly by the order of the records", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), async (seed) => {
        const { model, train, test } = world(seed, { users: 7, items: 9 });
        const before = await evaluate(model, test, { train, n: [3], rulers: false });
        const backwards = ratingsFrom([...test.records()].reverse());
        expect(await evaluate(model, backwards, { train, n: [3], rulers: false })).toEqual(before);
        const renamed = (id: Id) => (String(id).startsWith("u") ? `${99 - Number(String(id).slice(1))}` : id);
        const rename = (ratings: Ratings) =>
          ratingsFrom([...ratings.records()].map((record) => ({ ...record, user: renamed(record.user) })));
        const other = modelFixture({
          users: [...model.users.ids()].map(renamed),
          items: [...model.items.ids()],
          rank: RANK,
        });
        const place = [...model.users.ids()].map((id) => other.users.index(renamed(id))!);
        const userFactors = new Float32Array(model.userFactors.length);
        const userBias = new Float32Array(place.length);
        place.forEach((to, from) => {
          userFactors.set(model.userFactors.subarray(from * RANK, (from + 1) * RANK), to * RANK);
          userBias[to] = model.userBias![from];
        });
        const after = await evaluate({ ...model, users: other.users, userFactors, userBias }, rename(test), {
          train: rename(train),
          n: [3],
          rulers: false,
        });
        expect(after.counts).toEqual(before.counts);
        closeTo(after.ranking?.[0], before.ranking![0]);
        closeTo(after.errors, { rmse: before.errors!.rmse, mae: before.errors!.mae });
      }),
      { numRuns: 15 },
    );
  });

  it("gives the same bits with 1, 2 and 3 threads", async () => {
    const { model, train, test } = world(7, { users: 300, items: 90 });
    const one = await evaluate(model, test, { train, n: [5, 20], threads: 1 });
    expect(await evaluate(model, test, { train, n: [5, 20], threads: 2 })).toEqual(one);
    expect(await evaluate(model, test, { train, n: [5, 20], threads: 3 })).toEqual(one);
  });

  it("takes seen items from the model's own history when no training data are given", async () => {
    const { model: made, train, test } = world(8);
    const model: FactorModel = { ...made, provenance: { ...made.provenance, dataHash: train.hash } };
    const whole = await evaluate(model, test, { train, n: [4] });
    expect(whole.notes.join()).not.toContain("not those that the model was trained on");
    const other = await evaluate(made, test, { train, n: [4], rulers: false });
    expect(other.notes.join()).toContain("not those that the model was trained on");
    const moved = await evaluate(factorScorer(model), test, { train, n: [4], rulers: false });
    expect(moved.ranking).toEqual(whole.ranking);
    const kept: FactorModel = { ...model, history: alignedHistory(model, train) };
    expect(await evaluate(kept, test, { n: [4] })).toEqual(whole);
  });

  it("lists training items too when includeSeen is true, and then counts them as relevant", async () => {
    const train = ratingsFrom([
      { user: "a", item: "p" },
      { user: "a", item: "q" },
      { user: "b", item: "p" },
    ]);
    const scorer = popularityRuler(train);
    const without = await evaluate(scorer, train, { train, n: [1], rulers: false });
    expect(without.ranking).toBeUndefined();
    expect(without.counts).toMatchObject({ alreadyInTraining: 3, usersRanked: 0 });
    expect(without.notes).toContain("no known user has a relevant held-out item, so there are no ranking figures");
    const within = await evaluate(scorer, train, { train, n: [1], rulers: false, includeSeen: true });
    expect(within.ranking?.[0]).toMatchObject({ precision: 1, recall: 3 / 4, hitRate: 1, coverage: 1 / 2 });
  });

  it("counts held-out ratings from the training median on as relevant by default, and says so: 4 and 5 of a median of 4", async () => {
    const train = ratingsFrom([3, 4, 4].map((rating, item) => ({ user: "a", item, rating })));
    const test = ratingsFrom(
      [3, 4].map((rating) => ({ user: "b", item: rating, rating })).concat({ user: "a", item: 9, rating: 5 }),
    );
    const all = ratingsFrom([...train.records(), ...test.records()]);
    const { settings, counts, notes } = await evaluate(popularityRuler(all), test, { train, rulers: false });
    expect(settings.relevantFrom).toBe(4);
    expect(counts.relevant).toBe(2);
    expect(notes[0]).toBe("a held-out item is relevant when rated 4 or more, the median of the training ratings");
    const clicks = ratingsFrom([{ user: "a", item: 9 }]);
    expect((await evaluate(popularityRuler(all), clicks, { train, rulers: false })).settings.relevantFrom).toBe("all");
  });

  it("measures popularity, biasOnly and random beside a model of ratings, and no biasOnly beside clicks", async () => {
    const { model, train, test } = world(9);
    const rated = await evaluate(model, test, { train });
    expect(rated.rulers.map(({ name }) => name)).toEqual(["popularity", "biasOnly", "random"]);
    expect(rated.rulers.map(({ errors }) => errors !== undefined)).toEqual([false, true, true]);
    const bare = (ratings: Ratings) => ratingsFrom([...ratings.records()].map(({ user, item }) => ({ user, item })));
    const clicked = await evaluate(model, bare(test), { train: bare(train) });
    expect(clicked.rulers.map(({ name }) => name)).toEqual(["popularity", "random"]);
    expect(clicked.errors).toBeUndefined();
    expect(clicked.notes).toContain("the held-out data have no rating column, so there is no RMSE or MAE");
  });

  it("reports progress up to all users of all scorers", async () => {
    const { model, train, test } = world(10);
    const seen: string[] = [];
    const { counts } = await evaluate(model, test, {
      train,
      rulers: ["popularity"],
      onProgress: ({ name, users, usersTotal, scorers, scorersTotal }) =>
        seen.push(`${name} ${users}/${usersTotal} ${scorers}/${scorersTotal}`),
    });
    const all = `${counts.usersRanked}/${counts.usersRanked}`;
    expect(seen).toEqual([`als ${all} 1/2`, `popularity ${all} 2/2`]);
  });
});

describe("evaluate refuses", () => {
  const { model, train, test } = world(11);
  const refused = (options: object, scorer: FactorModel | Scorer = model, held: Ratings = test) =>
    evaluate(scorer, held, { train, ...options } as EvaluateOptions);

  it("options it does not know or that are out of range, by name", async () => {
    await expect(refused({ topN: 10 })).rejects.toThrow("evaluate: topN must be left out: evaluate has no such option");
    await expect(refused({ n: [0] })).rejects.toThrow("n must be a whole number from 1 to 1000000, got 0");
    await expect(refused({ n: [] })).rejects.toThrow("n must be a list of list lengths");
    await expect(refused({ relevantFrom: Number.NaN })).rejects.toThrow("relevantFrom must be a finite number");
    await expect(refused({ rulers: ["best"] })).rejects.toThrow('one of "popularity", "biasOnly", "random"');
    await expect(refused({ gain: "cubic" })).rejects.toThrow('one of "binary", "linear", "exponential"');
    await expect(refused({ threads: 0 })).rejects.toThrow("threads");
  });

  it("a threshold for data without ratings, and graded gain for a relevant rating of 0", async () => {
    const clicks = ratingsFrom([{ user: "u1", item: 10 }]);
    await expect(refused({ relevantFrom: 4 }, model, clicks)).rejects.toThrow("no rating column");
    const zero = ratingsFrom([
      { user: "u1", item: train.items.size > 0 ? 995 : 0, rating: 0 },
      { user: "u2", item: 30, rating: 0 },
    ]);
    await expect(refused({ relevantFrom: "all", gain: "linear" }, model, zero)).rejects.toThrow(
      "not above 0 (one is 0)",
    );
  });

  it("a scorer without training data, naming the option", async () => {
    await expect(refused({ train: undefined })).rejects.toThrow("train must be the ratings the model was trained on");
  });

  it("held-out data of which it knows nothing, naming the kinds of ids", async () => {
    const strangers = ratingsFrom([{ user: 1, item: 10, rating: 3 }]);
    await expect(refused({}, model, strangers)).rejects.toThrow(
      "the only user in the held-out data is unknown to the model (held-out user ids are numbers, the model's are strings)",
    );
  });

  it("a scorer whose score is NaN, naming user and item", async () => {
    const broken: Scorer = {
      ...factorScorer(model),
      scale: "preference",
      scoreItems: (_user, out) => out.fill(0).fill(Number.NaN, 3, 4),
    };
    await expect(refused({ rulers: false }, broken)).rejects.toThrow(/scores user "u\d+" and item 30 as NaN/);
  });

  it("to go on when the signal has fired", async () => {
    const signal = AbortSignal.abort();
    await expect(refused({ signal })).rejects.toMatchObject({ code: "aborted" });
  });
});

/** Training data as a model would keep them. */
function alignedHistory(model: FactorModel, train: Ratings): NonNullable<FactorModel["history"]> {
  const rows = [...model.users.ids()].map((user) =>
    [...train.records()]
      .filter((record) => record.user === user)
      .map((record) => ({ item: model.items.index(record.item)!, value: record.rating! }))
      .sort((a, b) => a.item - b.item),
  );
  const start = Uint32Array.from([0, ...rows.map((_, u) => rows.slice(0, u + 1).flat().length)]);
  const cells = rows.flat();
  return {
    rows: model.users.size,
    columns: model.items.size,
    start,
    index: Uint32Array.from(cells, ({ item }) => item),
    value: CellValues.of(cells.map(({ value }) => value)),
    time: undefined,
  };
}
