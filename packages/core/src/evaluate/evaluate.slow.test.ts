import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { sharedData } from "../../test/shared-data.ts";
import { als, ials } from "../factorizers/index.ts";
import { kFold, type RatingRecord, type Ratings, ratingsFrom, type Split, subset } from "../ratings/index.ts";
import { crossValidate } from "./cross-validate.ts";
import { evaluate } from "./evaluate.ts";
import { biasRuler, popularityRuler, randomRuler } from "./rulers.ts";

function lines(...path: string[]): string[] {
  return readFileSync(sharedData(...path), "latin1")
    .split(/\r?\n/)
    .filter((line) => line !== "");
}

function movieLens(...path: string[]): Ratings {
  const columns = { user: [] as number[], item: [] as number[], rating: [] as number[] };
  for (const line of lines(...path)) {
    const [user, item, rating] = line.split(/\t|::/).map(Number);
    columns.user.push(user);
    columns.item.push(item);
    columns.rating.push(rating);
  }
  return ratingsFrom(columns);
}

/** One line per user: the user, then the items. */
function gowalla(file: string): Map<number, number[]> {
  return new Map(
    lines("gowalla", file).map((line) => {
      const [user, ...items] = line.trim().split(" ").map(Number);
      return [user, items];
    }),
  );
}

function clicks(rows: Map<number, number[]>): Ratings {
  const records = [...rows].flatMap(([user, items]) => items.map((item): RatingRecord => ({ user, item })));
  return ratingsFrom(records, { duplicates: "first" });
}

function published(fold: number): Split {
  return { train: movieLens("ml-100k", `u${fold}.base`), test: movieLens("ml-100k", `u${fold}.test`) };
}

async function meanErrors(splits: readonly Split[], scorer: (train: Ratings) => ReturnType<typeof biasRuler>) {
  const errors = [];
  for (const { train, test } of splits) {
    errors.push((await evaluate(scorer(train), test, { train, rulers: false })).errors!);
  }
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  return { rmse: mean(errors.map((e) => e.rmse)), mae: mean(errors.map((e) => e.mae)) };
}

describe("popularity on Gowalla", () => {
  const [train, test] = [gowalla("train.txt"), gowalla("test.txt")];

  it("has Recall@20 0.04163 and NDCG@20 0.03169, as a computation with plain maps finds, over all 29,858 users", async () => {
    const counts = new Map<number, number>();
    for (const items of train.values())
      for (const item of new Set(items)) counts.set(item, (counts.get(item) ?? 0) + 1);
    const byPopularity = [...counts].sort(([a, x], [b, y]) => y - x || a - b).map(([item]) => item);
    let recall = 0;
    let ndcg = 0;
    for (const [user, held] of test) {
      const seen = new Set(train.get(user));
      const relevant = new Set(held.filter((item) => !seen.has(item)));
      const list: number[] = [];
      for (let p = 0; list.length < 20; p++) if (!seen.has(byPopularity[p])) list.push(byPopularity[p]);
      const discount = (p: number) => 1 / Math.log2(p + 2);
      const best = Array.from({ length: Math.min(20, relevant.size) }, (_, p) => discount(p)).reduce(
        (a, b) => a + b,
        0,
      );
      recall += list.filter((item) => relevant.has(item)).length / relevant.size / test.size;
      ndcg += list.reduce((sum, item, p) => sum + (relevant.has(item) ? discount(p) : 0), 0) / best / test.size;
    }
    const ratings = clicks(train);
    const { ranking, counts: held } = await evaluate(popularityRuler(ratings), clicks(test), {
      train: ratings,
      n: [20],
      rulers: false,
    });
    expect(held).toMatchObject({ usersRanked: 29_858, relevant: 217_242, unknownRecords: 0, alreadyInTraining: 0 });
    expect(ranking?.[0].recall).toBeCloseTo(recall, 12);
    expect(ranking?.[0].ndcg).toBeCloseTo(ndcg, 12);
    expect([recall.toFixed(5), ndcg.toFixed(5)]).toEqual(["0.04163", "0.03169"]);
  });

  it("is far above random lists, whose Recall@20 is the 20 / 40,955 that chance gives, within a third", async () => {
    const ratings = clicks(train);
    const { ranking } = await evaluate(randomRuler(ratings, 1), clicks(test), {
      train: ratings,
      n: [20],
      rulers: false,
    });
    // Some 27 items of 40,981 are seen by a user on average and cannot be listed
    expect(ranking![0].recall / (20 / 40_955)).toBeGreaterThan(2 / 3);
    expect(ranking![0].recall / (20 / 40_955)).toBeLessThan(4 / 3);
  });
});

describe("biasRuler", () => {
  it("on 100K, 5 random folds, has RMSE 0.944 ± 0.002 and MAE 0.748 ± 0.002 (Surprise's baseline: 0.944, 0.748)", async () => {
    const { rmse, mae } = await meanErrors(kFold(movieLens("ml-100k", "u.data"), { seed: 1 }), biasRuler);
    expect(Math.abs(rmse - 0.944)).toBeLessThan(0.002);
    expect(Math.abs(mae - 0.748)).toBeLessThan(0.002);
  });

  it("on 1M, 5 random folds, has RMSE 0.909 ± 0.002 and MAE 0.719 ± 0.002 (Surprise's baseline: 0.909, 0.719)", async () => {
    const splits = kFold(movieLens("ml-1m", "ratings.no-timestamps.dat"), { seed: 1 });
    const { rmse, mae } = await meanErrors(splits, biasRuler);
    expect(Math.abs(rmse - 0.909)).toBeLessThan(0.002);
    expect(Math.abs(mae - 0.719)).toBeLessThan(0.002);
  });

  it("on the published folds u1 to u5 of 100K has RMSE 0.946 ± 0.001", async () => {
    const { rmse } = await meanErrors([1, 2, 3, 4, 5].map(published), biasRuler);
    expect(Math.abs(rmse - 0.946)).toBeLessThan(0.001);
  });
});

describe("held-out data with ids of their own", () => {
  it("give the same errors as a split that shares the ids of the whole: u1 of 100K, 32 pairs with unknown items", async () => {
    const { train, test } = published(1);
    const apart = await evaluate(biasRuler(train), test, { train, rulers: false });
    const inTest = new Set([...test.records()].map(({ user, item }) => `${user} ${item}`));
    const whole = ratingsFrom([...train.records(), ...test.records()]);
    const cells = [...whole.records()];
    const part = (test: boolean) =>
      subset(
        whole,
        Uint8Array.from(cells, ({ user, item }) => Number(inTest.has(`${user} ${item}`) === test)),
      );
    const together = await evaluate(biasRuler(part(false)), part(true), { train: part(false), rulers: false });
    expect(apart.errors?.unknownPairs).toBe(32);
    expect(together.errors?.unknownPairs).toBe(0);
    expect(apart.errors?.rmse).toBeCloseTo(together.errors!.rmse, 12);
    expect(apart.ranking?.[0].recall).toBeCloseTo(together.ranking![0].recall, 12);
  });
});

describe("models beside the rulers, published folds of 100K", () => {
  const folds = [1, 2, 3, 4, 5].map(published);

  it("als beats biasOnly by RMSE on every fold", async () => {
    const result = await crossValidate(folds, als(), { rulers: ["biasOnly"] });
    const [own, ruler] = [result, result.rulers[0]].map(({ errors }) => errors!.rmse.values);
    expect(own.map((value, fold) => value < ruler[fold])).toEqual([true, true, true, true, true]);
  });

  it("ials beats popularity by NDCG@10 on every fold", async () => {
    const result = await crossValidate(folds, ials(), { rulers: ["popularity"] });
    const [own, ruler] = [result, result.rulers[0]].map(({ ranking }) => ranking![0].ndcg.values);
    expect(own.map((value, fold) => value > ruler[fold])).toEqual([true, true, true, true, true]);
  });
});
