/** However ratings stand in kernel memory, a training gives the same bytes: as codes or numbers, by 2 or 4 bytes of index, inside or outside. */
import { describe, expect, it } from "vitest";
import { openWasm } from "../kernels/wasm/index.ts";
import { type FactorModel, modelDigest } from "../model/index.ts";
import { CellValues, IdMap, plantedWorld, Ratings } from "../ratings/index.ts";
import { als, type Factorizer, factorize, ials, nmf, plan } from "./index.ts";

const scale = { min: 0.5, max: 5, step: 0.5 };
const stars = plantedWorld({ users: 70, items: 40, ratings: 1200, rank: 3, noise: 0.2, seed: 5, scale }).ratings;

/** The ratings with other arrays. */
function like({ users, items, byUser, hasRatings, report }: Ratings, change: Partial<Ratings["byUser"]>, ids = items) {
  const cells = { ...byUser, ...change, columns: ids.size };
  return new Ratings({ users, items: ids, byUser: cells, hasRatings, report });
}

/** The same numbers, one by one. */
const plain = like(stars, { value: new CellValues(stars.byUser.value.toFloats()) });

/** Codes of a table with values that no rating has, as a part of a split has it. */
const { code, table } = stars.byUser.value;
const more = like(stars, { value: new CellValues(Float32Array.of(...table, -1e30, Number.MAX_VALUE), code) });

const clicks = like(stars, { value: new CellValues(Float32Array.of(1), undefined, stars.size) });
const plainClicks = like(stars, { value: new CellValues(new Float32Array(stars.size).fill(1)) });

/** 30,000 items that nobody rated behind those that somebody did: more than 2 bytes tell apart. */
const ids = IdMap.of(
  Float64Array.from({ length: 70_000 }, (_, i) => i),
  "item",
);
const wide = (ratings: Ratings) => like(ratings, { index: new Uint32Array(ratings.byUser.index) }, ids);

async function digest(ratings: Ratings, method: Factorizer, threads = 1, mostBytes?: number): Promise<string> {
  const limit = mostBytes === undefined ? {} : { mostBytes };
  const kernels = await openWasm({ build: "strict", threads, reason: "a test", spread: threads > 1, ...limit });
  return modelDigest((await factorize(ratings, method, { kernels, certificate: false })).model);
}

const tried: readonly (readonly [string, Factorizer])[] = [
  ["als", als({ rank: 5, sweeps: 2 })],
  ["als by conjugate gradient, centred by users", als({ rank: 5, sweeps: 2, solver: "cg", center: "user" })],
  ["als by subspaces, centred by items", als({ rank: 20, sweeps: 2, solver: "subspace", center: "item" })],
  ["ials", ials({ rank: 5, sweeps: 2 })],
  ["ials with confidence log, by conjugate gradient", ials({ rank: 5, sweeps: 2, solver: "cg", confidence: "log" })],
  [
    "ials with confidence linear, by subspaces",
    ials({ rank: 20, sweeps: 2, solver: "subspace", confidence: "linear" }),
  ],
  ["nmf", nmf({ rank: 5, sweeps: 2 })],
  ["nmf over all cells", nmf({ rank: 5, sweeps: 2, missing: "zero", update: "multiplicative" })],
];

describe.each(tried)("%s gives the same bytes", (_, method) => {
  it("from codes, codes with values that no rating has, and numbers", async () => {
    const expected = await digest(plain, method);
    expect(await digest(stars, method)).toBe(expected);
    expect(await digest(more, method)).toBe(expected);
  });

  it("with all entries outside of kernel memory, on 1, 2 and 3 threads", async () => {
    const expected = await digest(stars, method);
    for (const threads of [1, 2, 3]) {
      expect(await digest(stars, method, threads, 1)).toBe(expected);
      expect(await digest(plain, method, threads, 1)).toBe(expected);
    }
  });
});

it("ials of clicks gives the same bytes whether each is kept or one for all", async () => {
  for (const method of [ials({ rank: 4, sweeps: 2, confidence: "linear" }), nmf({ rank: 4, sweeps: 2 })]) {
    expect(await digest(clicks, method)).toBe(await digest(plainClicks, method));
  }
});

it("als of items beyond 65,536 gives users the same rows, bit for bit, as of those that have ratings", async () => {
  const of = async (ratings: Ratings) => {
    const { model } = await factorize(ratings, als({ rank: 3, sweeps: 2 }), { threads: 1, certificate: false });
    return model as FactorModel;
  };
  const [narrow, broad] = [await of(stars), await of(wide(stars))];
  expect(broad.items.size).toBe(70_000);
  expect(broad.userFactors).toEqual(narrow.userFactors);
  expect(broad.itemFactors.subarray(0, narrow.itemFactors.length)).toEqual(narrow.itemFactors);
});

describe("the plan of a training counts", () => {
  const copies = async (ratings: Ratings, method: Factorizer) => {
    const { kernel } = (await plan(ratings, method, { trial: false, threads: 1 })).bytes;
    return Math.round(kernel.ratings / ratings.size);
  };

  it("6 bytes a rating for half stars, 4 for clicks, 12 for numbers, 9 with a centre of one side, 8 beyond 65,536 items", async () => {
    expect(await copies(stars, als())).toBe(6);
    expect(await copies(stars, nmf())).toBe(6);
    expect(await copies(stars, ials({ confidence: "log" }))).toBe(6);
    expect(await copies(stars, ials())).toBe(4);
    expect(await copies(clicks, ials({ confidence: "log" }))).toBe(4);
    expect(await copies(plain, als())).toBe(12);
    expect(await copies(stars, als({ center: "user" }))).toBe(9);
    expect(await copies(wide(stars), als())).toBe(8);
  });

  it("what lies outside of kernel memory, and finds no obstacle in it", async () => {
    const method = als({ rank: 3 });
    const whole = (await plan(stars, method, { trial: false, threads: 2 })).bytes.kernel;
    expect(whole.outside).toBe(0);
    const mostBytes = whole.total - 1000;
    const kernels = await openWasm({ build: "strict", threads: 2, reason: "a test", mostBytes });
    const { bytes, obstacles } = await plan(stars, method, { kernels, trial: false });
    expect(bytes.kernel).toEqual({ ...whole, outside: 2432 }); // indexes of one side
    expect(obstacles).toEqual([]);
  });
});
