/** nmf(): scikit-learn's factors from the same start, costs that never rise, worlds of parts, state, and what is refused. */
import { describe, expect, it } from "vitest";
import { openKernels } from "../kernels/index.ts";
import { encodeModel, type FactorModel, joined } from "../model/index.ts";
import { type Ratings, ratingsFrom, ratingsFromDense } from "../ratings/index.ts";
import { openRecommender } from "../recommend/index.ts";
import { unit } from "../support/index.ts";
import { decodeCheckpoint, factorize, type NmfOptions, nmf } from "./index.ts";

/** A complete 12 × 9 matrix and positive starting factors of rank 3, by formulas that Python has, too. */
const complete = ratingsFromDense({
  data: Array.from({ length: 108 }, (_, at) => {
    const [u, i] = [Math.floor(at / 9), at % 9];
    return ((u * 7 + i * 13 + u * i * 3) % 11) / 2 + 0.25;
  }),
  rows: 12,
  columns: 9,
});
const start = {
  userFactors: Float32Array.from({ length: 36 }, (_, at) => 0.1 + ((Math.floor(at / 3) * 5 + (at % 3) * 3) % 17) / 10),
  itemFactors: Float32Array.from({ length: 27 }, (_, at) => 0.1 + ((Math.floor(at / 3) * 7 + (at % 3) * 11) % 13) / 10),
};

/**
 * ‖A − X Yᵀ‖, the first item's and the last user's factors after n iterations of scikit-learn 1.9.1, NumPy 2.4.6:
 * NMF(3, init="custom", solver=…, max_iter=n, tol=0, shuffle=False).fit_transform(A.T, W=Y, H=X.T), which steps the items first.
 */
const SKLEARN = [
  {
    update: "coordinates",
    sweeps: 1,
    error: 13.64941295817194,
    item: [0.9673234811165843, 0.7542957960050158, 0.5334601480862746],
    user: [0.662819397753158, 0.7293713405910964, 1.1896592032834525],
  },
  {
    update: "coordinates",
    sweeps: 10,
    error: 8.573560191692813,
    item: [2.3097658829496397, 0, 0.5410801140169033],
    user: [0.2620634598914474, 2.062117759765293, 0.5386631890022524],
  },
  {
    update: "coordinates",
    sweeps: 200,
    error: 8.330088476624883,
    item: [2.2420062868316646, 0.24902906297939417, 0.6278347824728173],
    user: [0, 1.985823592458539, 0.7832241057235761],
  },
  {
    update: "multiplicative",
    sweeps: 1,
    error: 14.238068049760985,
    item: [0.14974571482388396, 1.3453663578897146, 0.8865747255840135],
    user: [0.569009868229661, 0.7979130535452804, 1.142535346320266],
  },
  {
    update: "multiplicative",
    sweeps: 10,
    error: 11.101696863115865,
    item: [0.8376301098297065, 1.7449782186618865, 0.29693515876917526],
    user: [0.48931520461154215, 0.4557596745915697, 1.5125796379589254],
  },
  {
    update: "multiplicative",
    sweeps: 200,
    error: 8.320935212819892,
    item: [1.5287786379839947, 1.1117240801965884, 0.00025205519162542733],
    user: [0.01340188032819828, 0.9487607919000698, 1.5432183742316326],
  },
] as const;

/** Some passes from the given factors. */
async function passesFrom(data: Ratings, options: NmfOptions, sweeps: number, backend: "wasm" | "reference" = "wasm") {
  const kernels = await openKernels({ backend, threads: 1 });
  const run = await nmf({ ...options, sweeps }).start(data, kernels, 0, { passes: 0, state: { arrays: start } });
  const losses: number[] = [];
  while (losses.length < sweeps) losses.push(...(await run.passes(sweeps - losses.length, undefined)));
  const model = (await run.model(sweeps)) as FactorModel;
  run.close();
  return { model, losses };
}

/** Σ (r − x·y)² over what counts, and the penalties. */
function costOf(data: Ratings, model: FactorModel, whole: boolean, penalty = 0, exponent = 0): number {
  const { byUser, byItem } = data;
  const { rank, userFactors, itemFactors } = model;
  const given = new Map<number, number>();
  for (let u = 0; u < byUser.rows; u++) {
    for (let e = byUser.start[u]; e < byUser.start[u + 1]; e++)
      given.set(u * byUser.columns + byUser.index[e], byUser.value.at(e));
  }
  let cost = 0;
  for (let u = 0; u < byUser.rows; u++) {
    for (let i = 0; i < byUser.columns; i++) {
      const value = given.get(u * byUser.columns + i);
      if (value === undefined && !whole) continue;
      let score = 0;
      for (let k = 0; k < rank; k++) score += userFactors[u * rank + k] * itemFactors[i * rank + k];
      cost += ((value ?? 0) - score) ** 2;
    }
  }
  const squares = (table: Float32Array, rows: typeof byUser) =>
    table.reduce((sum, x, at) => {
      const row = Math.floor(at / rank);
      return sum + penalty * (rows.start[row + 1] - rows.start[row]) ** exponent * x * x;
    }, 0);
  return cost + squares(userFactors, byUser) + squares(itemFactors, byItem);
}

/** Ratings of three kinds of taste: each user and item is of one or two, with some noise and many holes. */
const holed = ratingsFrom(
  Array.from({ length: 60 * 45 }, (_, at) => ({ user: Math.floor(at / 45), item: at % 45 }))
    .filter((_, at) => unit(1, at) < 0.4)
    .map(({ user, item }, at) => ({
      user,
      item,
      rating: Math.abs((user % 3 === item % 3 ? 4 : 0) + (user % 4 === item % 4 ? 1 : 0) + 0.2 * unit(2, at)),
    })),
);
const clicks = ratingsFrom(
  Array.from(holed.records())
    .filter(({ rating = 0 }) => rating > 3)
    .map(({ user, item }) => ({ user, item })),
);

describe("nmf beside scikit-learn 1.9.1, from the same start", () => {
  it.each(SKLEARN)(
    "$update, $sweeps sweeps: error to 1e-5, factors to 2e-3",
    async ({ update, sweeps, error, item, user }) => {
      const { model, losses } = await passesFrom(complete, { rank: 3, update, regularization: 0 }, sweeps);
      expect(Math.abs(losses[sweeps - 1] * Math.sqrt(108) - error)).toBeLessThan(1e-5 * error);
      for (let k = 0; k < 3; k++) {
        expect(Math.abs(model.itemFactors[k] - item[k])).toBeLessThan(2e-3);
        expect(Math.abs(model.userFactors[33 + k] - user[k])).toBeLessThan(2e-3);
      }
    },
  );

  it("the reference follows it over 10 sweeps to 1e-5", async () => {
    for (const { update, sweeps, error, item } of SKLEARN.filter(({ sweeps }) => sweeps === 10)) {
      const { model, losses } = await passesFrom(complete, { rank: 3, update, regularization: 0 }, sweeps, "reference");
      expect(Math.abs(losses[9] * Math.sqrt(108) - error)).toBeLessThan(1e-5 * error);
      for (let k = 0; k < 3; k++) expect(Math.abs(model.itemFactors[k] - item[k])).toBeLessThan(1e-5);
    }
  });
});

describe.each(["coordinates", "multiplicative"] as const)("nmf by %s", (update) => {
  it.each([
    { name: "ratings with holes", data: holed, missing: "ignore", whole: false },
    { name: "ratings whose holes are 0", data: holed, missing: "zero", whole: true },
    { name: "clicks, of which the others are 0", data: clicks, missing: "ignore", whole: true },
  ] as const)("on $name: no cost rises, no factor is below 0, and the figure is the dense one's", async (row) => {
    const { data, missing, whole } = row;
    for (const [regularization, regularizationExponent] of [
      [0, 0.5],
      [0.7, 0.5],
      [0.1, 1],
    ] as const) {
      const options = { rank: 4, update, missing, regularization, regularizationExponent };
      const kernels = await openKernels({ threads: 2 });
      const run = await nmf(options).start(data, kernels, 3);
      let before = costOf(data, (await run.model(0)) as FactorModel, whole, regularization, regularizationExponent);
      for (let pass = 1; pass <= 12; pass++) {
        const [loss] = await run.passes(1, undefined);
        const model = (await run.model(pass)) as FactorModel;
        const cost = costOf(data, model, whole, regularization, regularizationExponent);
        expect(cost).toBeLessThanOrEqual(before * (1 + 1e-6));
        before = cost;
        const cells = whole ? data.users.size * data.items.size : data.size;
        expect(loss).toBeCloseTo(Math.sqrt(costOf(data, model, whole) / cells), 4);
        for (const table of [model.userFactors, model.itemFactors]) expect(table.every((x) => x >= 0)).toBe(true);
      }
      run.close();
    }
  });

  it("gives the same bytes with 1, 2 and 3 threads, and resumed after 3 of 8 sweeps", async () => {
    const method = nmf({ rank: 4, update, sweeps: 8 });
    const fits = await Promise.all([1, 2, 3].map((threads) => factorize(holed, method, { threads, seed: 5 })));
    expect(new Set(fits.map(({ report }) => report.digest)).size).toBe(1);
    const kept: Uint8Array[] = [];
    const write = async (parts: readonly Uint8Array[]) => {
      kept.push(joined(parts));
    };
    await factorize(holed, method, { threads: 2, seed: 5, checkpoint: { every: 1, write } });
    const resume = kept.find((bytes) => decodeCheckpoint(bytes).passes === 3);
    const again = await factorize(holed, method, { threads: 2, seed: 5, resume });
    expect(encodeModel(again.model)).toEqual(encodeModel(fits[1].model));
  });

  it("finds the parts of a world made of them: held-out ratings predicted to a tenth of their spread", async () => {
    const parts = ratingsFrom(
      Array.from({ length: 50 * 40 }, (_, at) => ({ user: Math.floor(at / 40), item: at % 40 }))
        .filter((_, at) => unit(8, at) < 0.5)
        .map(({ user, item }) => ({ user, item, rating: truth(user, item) })),
    );
    const { model } = await factorize(parts, nmf({ rank: 3, update, regularization: 0, sweeps: 600 }), { seed: 1 });
    let [squares, spread, count] = [0, 0, 0];
    for (let user = 0; user < 50; user++) {
      for (let item = 0; item < 40; item++) {
        if (unit(8, 40 * user + item) < 0.5) continue;
        const [u, i] = [model.users.index(user) as number, model.items.index(item) as number];
        let score = 0;
        for (let k = 0; k < 3; k++) score += model.userFactors[3 * u + k] * model.itemFactors[3 * i + k];
        squares += (score - truth(user, item)) ** 2;
        spread += (parts.mean - truth(user, item)) ** 2;
        count++;
      }
    }
    expect(count).toBeGreaterThan(900);
    expect(Math.sqrt(squares / spread)).toBeLessThan(0.1);
  });
});

/** A sum of three parts that users have and items show, each 0 for some. */
function truth(user: number, item: number): number {
  const part = (seed: number, at: number) => Math.max(0, unit(seed, at) * 1.5 - 0.5);
  let sum = 0;
  for (let k = 0; k < 3; k++) sum += part(10 + k, user) * part(20 + k, item);
  return 5 * sum;
}

describe("nmf", () => {
  it("takes a penalty from the spread of ratings, none for clicks, and says what it came to", async () => {
    const rated = await factorize(holed, nmf({ rank: 2, sweeps: 2 }));
    const clicked = await factorize(clicks, nmf({ rank: 2, sweeps: 2 }));
    let squares = 0;
    for (const { rating = 0 } of holed.records()) squares += (rating - holed.mean) ** 2;
    expect(rated.report.options.regularization).toBeCloseTo(1.2 * Math.sqrt(squares / holed.size), 6);
    expect(clicked.report.options.regularization).toBe(0);
    expect(rated.report.lossName).toBe("training RMSE");
    expect(clicked.report.lossName).toBe("RMSE over all cells");
    expect([rated.model.scale, clicked.model.scale]).toEqual(["rating", "preference"]);
    expect(rated.report.loss[0]).toBeLessThan(rated.report.initialLoss as number);
  });

  it("lists and predicts as other factors do, and refuses fold-in and explanations with the code no-objective", async () => {
    const { model } = await factorize(holed, nmf({ rank: 3, sweeps: 20 }));
    const recommender = await openRecommender(model);
    const list = await recommender.recommend(4, { n: 5 });
    expect(list.status === "known" && list.items.length).toBe(5);
    const refused = expect.objectContaining({ code: "no-objective" });
    await expect(recommender.recommendFor([{ item: 1, rating: 4 }])).rejects.toEqual(refused);
    await expect(recommender.explain(4, 1)).rejects.toEqual(refused);
    recommender.close();
  });

  it("refuses ratings below 0 and options that are not its own, and takes ratings that are all 0", async () => {
    const below = ratingsFrom([{ user: 1, item: 1, rating: -2 }]);
    await expect(factorize(below, nmf())).rejects.toThrow("nmf: the smallest rating is -2");
    expect(() => nmf({ update: "gradient" } as object)).toThrow("update");
    expect(() => nmf({ biases: "both" } as object)).toThrow("biases");
    const zeros = ratingsFrom([
      { user: 1, item: 1, rating: 0 },
      { user: 2, item: 1, rating: 0 },
    ]);
    const { report } = await factorize(zeros, nmf({ rank: 1, sweeps: 3 }));
    expect(report.loss).toEqual([0, 0, 0]);
  });

  it("stops when it is told to", async () => {
    await expect(factorize(holed, nmf(), { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "aborted" });
  });
});
