/** itemKnn() and ease(): weights as dense formulas give them, on every backend and thread count; what is refused. */
import { describe, expect, it } from "vitest";
import { names } from "../../test/model-fixture.ts";
import { openKernels } from "../kernels/index.ts";
import { encodeModel, type ItemModel, itemWeight, joined } from "../model/index.ts";
import { plantedWorld, type Ratings, ratingsFrom, subset } from "../ratings/index.ts";
import { unit } from "../support/index.ts";
import {
  decodeCheckpoint,
  ease,
  type Factorizer,
  factorize,
  type ItemKnnOptions,
  itemKnn,
  methods,
  modelKindOf,
} from "./index.ts";
import { firesAt } from "./stopping.case.ts";

const planted = plantedWorld({ users: 50, items: 35, rank: 3, density: 0.3, noise: 0.4, seed: 4 });
/** On a scale of 0 to 5 by halves. */
const ratings = ratingsFrom(
  Array.from(planted.ratings.records(), ({ user, item, rating = 0 }) => ({
    user,
    item,
    rating: Math.max(0, Math.min(5, Math.round(2 * (2.5 + rating)) / 2)),
  })),
);
/** Users of all lengths, one item that nobody has. */
const everything = ratingsFrom(
  names("u", 60).flatMap((user, u) =>
    Array.from({ length: 40 }, (_, item) => item)
      .filter((item) => unit(9, 40 * u + item) < 0.02 + u / 90)
      .map((item) => ({ user, item })),
  ),
);
const clicks = subset(
  everything,
  Uint8Array.from(everything.records(), ({ item }) => Number(item !== 7)),
);
const engines = [{ backend: "reference" }, { threads: 1 }, { threads: 2 }, { threads: 3 }] as const;

/** X: what the cells count, users × items. */
function cells({ byUser }: Ratings, values: "ones" | "given"): number[][] {
  return Array.from({ length: byUser.rows }, (_, u) => {
    const row = new Array<number>(byUser.columns).fill(0);
    for (let e = byUser.start[u]; e < byUser.start[u + 1]; e++)
      row[byUser.index[e]] = values === "ones" ? 1 : byUser.value.at(e);
    return row;
  });
}

/** s(i, j) by the formulas of the page, from the whole matrix. */
function similarities(data: Ratings, options: ItemKnnOptions): number[][] {
  const {
    weighting = "tfidf",
    shrinkage = 25,
    asymmetry = 0.2,
    saturation = 1.2,
    lengthWeight = 0.75,
    values = "ones",
  } = options;
  const x = cells(data, values);
  const items = data.items.size;
  const has = x.map((_, u) => data.byUser.start[u + 1] - data.byUser.start[u]);
  const idf = has.map((n) => Math.log(1 + (items - n + 0.5) / (n + 0.5)));
  const m = Math.sqrt(has.reduce((sum, n, u) => sum + n * idf[u] ** 2, 0) / data.size);
  const length = Array.from({ length: items }, (_, i) => x.reduce((sum, row) => sum + row[i], 0));
  const mean = length.reduce((a, b) => a + b) / items;
  const w = x.map((row, u) =>
    row.map((value, i) => {
      if (weighting === "cosine") return value;
      if (weighting === "tfidf") return (Math.sqrt(value) * idf[u]) / m;
      const long = 1 - lengthWeight + (lengthWeight * length[i]) / mean;
      return value === 0 ? 0 : (idf[u] * value * (saturation + 1)) / (value + saturation * long);
    }),
  );
  const product = (i: number, j: number) => w.reduce((sum, row) => sum + row[i] * row[j], 0);
  const norm = length.map((_, i) => product(i, i));
  return length.map((_, i) =>
    length.map(
      (_, j) =>
        (weighting === "bm25"
          ? product(i, j)
          : product(i, j) / (norm[i] ** asymmetry * norm[j] ** (1 - asymmetry) + shrinkage)) || 0,
    ),
  );
}

const settings: readonly ItemKnnOptions[] = [
  { neighbors: 6 },
  { neighbors: 6, weighting: "cosine" },
  { neighbors: 6, weighting: "cosine", shrinkage: 0, asymmetry: 0.5, values: "given" },
  { neighbors: 6, weighting: "tfidf", shrinkage: 3, values: "given" },
  { neighbors: 6, weighting: "bm25" },
  { neighbors: 6, weighting: "bm25", saturation: 3, lengthWeight: 0.2, values: "given" },
  { neighbors: 1000, weighting: "cosine", asymmetry: 1 },
];

describe.each([
  ["ratings", ratings],
  ["clicks", clicks],
] as const)("itemKnn on %s", (_, data) => {
  it.each(settings)("keeps the nearest of each item as the dense formulas say, %o", async (options) => {
    const { model } = await factorize(data, itemKnn(options), { threads: 2 });
    const exact = similarities(data, options);
    const items = data.items.size;
    for (let to = 0; to < items; to++) {
      const others = exact.map((_, from) => from).filter((from) => from !== to && exact[to][from] > 0);
      const best = others.map((from) => exact[to][from]).sort((a, b) => b - a);
      const wanted = best.slice(0, options.neighbors);
      const kept = others.map((from) => itemWeight(model, from, to)).filter((weight) => weight > 0);
      expect(kept.length).toBe(wanted.length);
      for (const [place, weight] of kept.sort((a, b) => b - a).entries()) {
        expect(Math.abs(weight - wanted[place])).toBeLessThan(2e-6 * wanted[place]);
      }
      for (const from of others) {
        const weight = itemWeight(model, from, to);
        if (weight > 0) expect(Math.abs(weight - exact[to][from])).toBeLessThan(2e-6 * weight);
      }
    }
    expect(model).toMatchObject({ kind: "items", scale: "preference", values: options.values ?? "ones" });
  });
});

/** Inverse by Gauss–Jordan with pivoting, as textbooks write it. */
function inverseOf(matrix: readonly (readonly number[])[]): number[][] {
  const size = matrix.length;
  const rows = matrix.map((row, r) => [...row, ...row.map((_, c) => (c === r ? 1 : 0))]);
  for (let p = 0; p < size; p++) {
    const best = rows.slice(p).reduce((b, row, k) => (Math.abs(row[p]) > Math.abs(rows[b][p]) ? p + k : b), p);
    [rows[p], rows[best]] = [rows[best], rows[p]];
    rows[p] = rows[p].map((value) => value / rows[p][p]);
    for (let r = 0; r < size; r++) if (r !== p) rows[r] = rows[r].map((value, c) => value - rows[r][p] * rows[p][c]);
  }
  return rows.map((row) => row.slice(size));
}

describe.each([
  { of: "ratings", data: ratings, values: "ones", regularization: 2 },
  { of: "ratings", data: ratings, values: "given", regularization: 40 },
  { of: "clicks", data: clicks, values: "ones", regularization: 0.5 },
] as const)("ease on $of, values $values, penalty $regularization", ({ data, values, regularization }) => {
  const items = data.items.size;
  const x = cells(data, values);
  const square = Array.from({ length: items }, (_, i) =>
    Array.from(
      { length: items },
      (_, j) => x.reduce((sum, row) => sum + row[i] * row[j], 0) + (i === j ? regularization : 0),
    ),
  );
  const p = inverseOf(square);

  it("is the closed form to 1e-6, and its figure the error of X B over all cells", async () => {
    const { model, report } = await factorize(data, ease({ regularization, values }), { threads: 2 });
    let squares = 0;
    for (let i = 0; i < items; i++) {
      for (let j = 0; j < items; j++) {
        const exact = i === j ? 0 : -p[i][j] / p[j][j];
        expect(Math.abs(itemWeight(model, i, j) - exact)).toBeLessThan(1e-6 * Math.abs(exact) + 1e-12);
      }
      for (const row of x) {
        const predicted = row.reduce((sum, one, j) => sum + (i === j ? 0 : (one * -p[j][i]) / p[i][i]), 0);
        squares += (row[i] - predicted) ** 2;
      }
    }
    expect(report.lossName).toBe("RMSE over all cells");
    expect(report.loss).toHaveLength(1);
    expect(report.loss[0]).toBeCloseTo(Math.sqrt(squares / (x.length * items)), 8);
    const all = x.flat().reduce((sum, one) => sum + one * one, 0);
    expect(report.initialLoss).toBeCloseTo(Math.sqrt(all / (x.length * items)), 10);
  });

  it("cannot be bettered: every weight moved a little either way makes the penalized error larger", async () => {
    const { model } = await factorize(data, ease({ regularization, values }), { threads: 2 });
    const columnCost = (to: number, b: readonly number[]) =>
      x.reduce((sum, row) => sum + (row[to] - row.reduce((s, one, j) => s + one * b[j], 0)) ** 2, 0) +
      regularization * b.reduce((sum, weight) => sum + weight * weight, 0);
    for (const to of [0, 7, items - 1]) {
      const b = Array.from({ length: items }, (_, from) => itemWeight(model, from, to));
      const least = columnCost(to, b);
      for (let from = 0; from < items; from++) {
        if (from === to) continue;
        for (const step of [-0.01, 0.01]) {
          const moved = b.map((weight, j) => (j === from ? weight + step : weight));
          expect(columnCost(to, moved)).toBeGreaterThan(least);
        }
      }
    }
  });
});

describe("itemKnn of counts far from 1", () => {
  const times = (factor: number) =>
    ratingsFrom(
      Array.from(ratings.records(), ({ user, item, rating = 0 }) => ({ user, item, rating: rating * factor })),
    );

  it.each([
    ["cosine", 1e25],
    ["cosine", 1e-25],
    ["tfidf", 1e35],
    ["tfidf", 1e-35],
  ] as const)("%s without shrinkage finds the same neighbours of counts × %d", async (weighting, factor) => {
    const method = itemKnn({ neighbors: 6, weighting, shrinkage: 0, values: "given" });
    const [plain, scaled] = [await factorize(ratings, method), await factorize(times(factor), method)];
    expect(scaled.report.loss[0]).toBeCloseTo(plain.report.loss[0], 6);
    const items = ratings.items.size;
    for (let from = 0; from < items; from++) {
      for (let to = 0; to < items; to++) {
        expect(itemWeight(scaled.model, from, to)).toBeCloseTo(itemWeight(plain.model, from, to), 5);
      }
    }
  });

  it("takes shrinkage beside what the counts are: of counts × 1e25 it is nothing, of × 1e-25 all, of × 1e7 the 1e14th part of itself", async () => {
    const method = (shrinkage: number) => itemKnn({ neighbors: 6, weighting: "cosine", shrinkage, values: "given" });
    const large = await factorize(times(1e25), method(1e9));
    expect(large.report.loss[0]).toBeCloseTo((await factorize(ratings, method(0))).report.loss[0], 6);
    const small = await factorize(times(1e-25), method(1));
    expect(small.report.loss[0]).toBeLessThan(1e-30);
    expect((await factorize(times(1e7), method(1e9))).report.loss[0]).toBeCloseTo(
      (await factorize(ratings, method(1e9 / 1e14))).report.loss[0],
      6,
    );
  });
});

const both: readonly (readonly [string, Factorizer<ItemModel>])[] = [
  ["itemKnn", itemKnn({ neighbors: 5 })],
  ["ease", ease({ regularization: 3 })],
];

describe.each(both)("%s", (name, method) => {
  it("gives the same bytes with 1, 2 and 3 threads, and the reference the same figure to 1e-6", async () => {
    const fits = await Promise.all(engines.map((engine) => factorize(ratings, method, engine)));
    const [reference, ...others] = fits.map(({ report }) => report);
    expect(new Set(others.map(({ digest }) => digest)).size).toBe(1);
    expect(others[0].loss[0]).toBeCloseTo(reference.loss[0], 6);
    expect(others[0]).toMatchObject({ passes: 1, stopped: "converged", ignored: ["rating"] });
  });

  it("resumed from its checkpoints before and after the pass ends in the bytes of an undisturbed training", async () => {
    const kept: Uint8Array[] = [];
    const write = async (parts: readonly Uint8Array[]) => {
      kept.push(joined(parts));
    };
    const { model } = await factorize(ratings, method, { threads: 2, checkpoint: { every: 1, write } });
    expect(new Set(kept.map((bytes) => decodeCheckpoint(bytes).passes))).toEqual(new Set([0, 1]));
    for (const resume of kept) {
      const again = await factorize(ratings, method, { threads: 2, resume });
      expect(encodeModel(again.model)).toEqual(encodeModel(model));
    }
    const run = method.start(ratings, await openKernels({ threads: 1 }), 0, {
      passes: 1,
      state: { arrays: { userFactors: new Float32Array(3) } },
    });
    await expect(run).rejects.toThrow('"userFactors" has no place here');
  });

  it("stops when it is told to, and refuses ratings below 0 where they are to count", async () => {
    const stopped = factorize(ratings, method, { signal: AbortSignal.abort() });
    await expect(stopped).rejects.toMatchObject({ code: "aborted" });
    const below = ratingsFrom([
      { user: 1, item: 1, rating: -1 },
      { user: 1, item: 2, rating: 2 },
    ]);
    const given = methods[name as "ease" | "itemKnn"].make({ values: "given" });
    await expect(factorize(below, given)).rejects.toThrow("the smallest rating is -1");
    const { report } = await factorize(below, method);
    expect(report.findings.map(({ code }) => code)).toContain("dislikes-count");
  });

  it("trains on one user with one item, and on zeros that count as nothing", async () => {
    const one = await factorize(ratingsFrom([{ user: 1, item: 1 }]), method);
    expect(Number.isFinite(one.report.loss[0])).toBe(true);
    const zeros = ratingsFrom([
      { user: 1, item: 1, rating: 0 },
      { user: 1, item: 2, rating: 0 },
    ]);
    const { model } = await factorize(zeros, methods[name as "ease" | "itemKnn"].make({ values: "given" }));
    expect(model.kind === "items" && model.weights.value.every((weight) => Math.abs(weight) === 0)).toBe(true);
  });

  it("leaves its history out when asked, and its model is of the kind items", async () => {
    const { model } = await factorize(ratings, method, { keepHistory: false });
    expect(model.history).toBeUndefined();
    expect(modelKindOf(name as "ease" | "itemKnn")).toBe("items");
  });
});

describe("ease", () => {
  it("looks at the signal between ranges of the square: one that fires after the first leaves nothing inverted", async () => {
    // 400 users of 450 items: 405,000 pairs for every row, 180 million in all.
    const length = 400 * 450;
    const user = Array.from({ length }, (_, n) => Math.floor(n / 450));
    const dense = ratingsFrom({ user, item: Array.from({ length }, (_, n) => n % 450) });
    const kernels = await openKernels({ threads: 1 });
    const ranges: number[][] = [];
    let inverted = 0;
    const open: typeof kernels.open = (layout) => {
      const space = kernels.open(layout);
      return {
        ...space,
        squareOfRows: async (problem) => {
          ranges.push([problem.first, problem.last]);
        },
        invert: async () => {
          inverted++;
          return undefined;
        },
      };
    };
    const run = await ease().start(dense, { ...kernels, open }, 0);
    const { signal } = firesAt(1, () => ranges.length > 0);
    await expect(run.passes(1, signal)).rejects.toMatchObject({ code: "aborted" });
    expect([ranges.length, ranges[0][0], inverted]).toEqual([1, 0, 0]);
    expect(ranges[0][1] * 450 * 400).toBeGreaterThan(2 ** 25);
    await run.passes(1, undefined).catch(() => undefined);
    expect(ranges.slice(1).map(([first]) => first)).toEqual([0, ...ranges.slice(1, -1).map(([, last]) => last)]);
    expect(ranges.at(-1)?.[1]).toBe(450);
    run.close();
  });

  it("refuses 40,000 items with bytes and time before anything is taken, and names itemKnn", async () => {
    const many = ratingsFrom(Array.from({ length: 40_000 }, (_, item) => ({ user: item % 100, item })));
    const error = await factorize(many, ease(), { threads: 2 }).catch((cause) => cause);
    expect(error).toMatchObject({ code: "memory", facts: { items: 40_000, modelBytes: 6.4e9 } });
    expect(error.message).toMatch(
      /^ease: the weights between 40000 items take 13 GB while training, 6\.4 GB in the model and about \d+ minutes; a workspace holds at most 4\.3 GB, some 23,000 items: .*itemKnn/,
    );
  });

  it("with a penalty that is nothing beside two equal items names the item at which the square breaks", async () => {
    const twins = ratingsFrom(
      Array.from({ length: 30 }, (_, user) => [
        { user, item: "a", rating: 1e6 },
        { user, item: "b", rating: 1e6 },
      ]).flat(),
    );
    const run = factorize(twins, ease({ regularization: 1e-6, values: "given" }));
    await expect(run).rejects.toMatchObject({ code: "divergence", facts: { item: "b", pivot: 1 } });
  });
});

describe("methods of items", () => {
  it("refuse options that do not act with the weighting, by name", () => {
    expect(() => itemKnn({ weighting: "bm25", shrinkage: 3 })).toThrow("shrinkage");
    expect(() => itemKnn({ saturation: 3 })).toThrow("saturation");
    expect(() => itemKnn({ neighbors: 0 })).toThrow("neighbors");
    expect(() => ease({ regularization: 0 })).toThrow("regularization");
    expect(() => ease({ rank: 3 } as object)).toThrow("rank");
  });

  it("recommend the withheld diagonal of a block world above everything of the other kind", async () => {
    // Two kinds of people, two kinds of items; each person lacks one item of the own kind.
    const records = Array.from({ length: 20 }, (_, user) =>
      Array.from({ length: 10 }, (_, i) => ({ user, item: (user % 2) * 10 + i })).filter(
        ({ item }) => item % 10 !== user >> 1,
      ),
    ).flat();
    const world = ratingsFrom(records);
    for (const [, method] of both) {
      const { model } = await factorize(world, method);
      for (let user = 0; user < 20; user++) {
        const missing = (user % 2) * 10 + (user >> 1);
        const score = (item: number) => {
          const { start, index } = world.byUser;
          const u = world.users.index(user) as number;
          let sum = 0;
          for (let e = start[u]; e < start[u + 1]; e++) sum += itemWeight(model, index[e], item);
          return sum;
        };
        const own = score(world.items.index(missing) as number);
        const others = Array.from({ length: 10 }, (_, i) =>
          score(world.items.index(((user + 1) % 2) * 10 + i) as number),
        );
        expect(own).toBeGreaterThan(Math.max(...others));
      }
    }
    expect(both.map(([, { rank }]) => rank)).toEqual([undefined, undefined]);
  });
});
