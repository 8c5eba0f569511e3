import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  explicitObjective,
  explicitObjectives,
  implicitObjective,
  modelFixture,
  names,
} from "../../test/model-fixture.ts";
import { fillTable, type Kernels, openKernels, rowStride, slot, unpadded } from "../kernels/index.ts";
import {
  biasRegularizations,
  confidences,
  type FactorModel,
  hasBias,
  isCenter,
  overlapOf,
  regularizations,
  rowCenters,
  type SolvedObjective,
  withoutCenters,
} from "../model/index.ts";
import { openRecommender } from "./recommender.ts";

const reference = await openKernels({ backend: "reference" });
const best = await openKernels();

/** Gaussian elimination with pivoting, in f64: independent of everything under test. */
function solveDense(a: number[][], rhs: number[]): number[] {
  const n = rhs.length;
  const rows = a.map((row, i) => [...row, rhs[i]]);
  for (let c = 0; c < n; c++) {
    let pivot = c;
    for (let r = c; r < n; r++) if (Math.abs(rows[r][c]) > Math.abs(rows[pivot][c])) pivot = r;
    [rows[c], rows[pivot]] = [rows[pivot], rows[c]];
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const factor = rows[r][c] / rows[c][c];
      for (let k = c; k <= n; k++) rows[r][k] -= factor * rows[c][k];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}

/** The minimiser of the row's objective as kernels.ts states it, for a user: factors, then the bias if there is one. */
function denseFoldIn(model: FactorModel, history: readonly { item: number; rating: number }[]): number[] {
  const { rank, objective, itemFactors, itemBias } = model;
  if (objective === undefined || objective.kind === "history") throw new Error("objective");
  const ownMean = history.reduce((sum, { rating }) => sum + rating, 0) / history.length;
  const mean = isCenter(objective, "user") ? ownMean : model.mean;
  const items = model.items.size;
  const y = (i: number) => Array.from(itemFactors.subarray(i * rank, (i + 1) * rank));
  const biased = hasBias(objective, "user");
  const size = rank + (biased ? 1 : 0);
  const a = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  const rhs = new Array<number>(size).fill(0);
  const add = (row: number[], weight: number, target: number) => {
    for (let r = 0; r < size; r++) {
      rhs[r] += target * row[r];
      for (let c = 0; c < size; c++) a[r][c] += weight * row[r] * row[c];
    }
  };
  const n = history.length;
  if (objective.kind === "explicit") {
    for (const { item, rating } of history)
      add([...y(item), ...(biased ? [1] : [])], 1, rating - mean - (itemBias?.[item] ?? 0));
    for (let k = 0; k < rank; k++) a[k][k] += objective.regularization * n ** objective.regularizationExponent;
    if (biased) a[rank][rank] += (objective.biasRegularization ?? 0) * n ** objective.biasRegularizationExponent;
    const solved = solveDense(a, rhs);
    if (!isCenter(objective, "user")) return solved;
    return [...solved.slice(0, rank), (solved[rank] ?? 0) + mean - model.mean];
  }
  const rated = new Map(history.map(({ item, rating }) => [item, rating]));
  const w = objective.unobservedWeight;
  for (let i = 0; i < items; i++) {
    const rating = rated.get(i);
    if (rating === undefined) add(y(i), w, 0);
    else {
      const c = 1 + objective.confidenceScale * rating; // linear
      add(y(i), c + (objective.observedInUnobserved ? w : 0), c * (objective.target ?? 1));
    }
  }
  const penalty = objective.regularization * (n + w * items) ** objective.regularizationExponent;
  for (let k = 0; k < rank; k++) a[k][k] += penalty;
  return solveDense(a, rhs);
}

const objectives: SolvedObjective[] = [
  ...explicitObjectives,
  implicitObjective,
  { ...implicitObjective, observedInUnobserved: false, regularizationExponent: 0.5 } as SolvedObjective,
];

const worlds = fc.record({
  objective: fc.constantFrom(...objectives, { ...implicitObjective, target: 3.5 } as SolvedObjective),
  rank: fc.integer({ min: 1, max: 18 }),
  seed: fc.nat(1e6),
  history: fc.uniqueArray(
    fc.record({ item: fc.integer({ min: 0, max: 24 }), rating: fc.integer({ min: 1, max: 5 }) }),
    {
      selector: ({ item }) => item,
      minLength: 1,
      maxLength: 20,
    },
  ),
});

function worldModel(objective: SolvedObjective, rank: number, seed: number): FactorModel {
  const model = modelFixture({ objective, rank, seed, items: Array.from({ length: 25 }, (_, i) => i) });
  return fitting(model, objective);
}

/** The model with the biases and the mean that the objective says it has. */
function fitting(model: FactorModel, objective: SolvedObjective): FactorModel {
  if (objective.kind === "implicit") {
    return { ...model, userBias: undefined, itemBias: undefined, mean: 0, scale: "preference", range: undefined };
  }
  const has = (side: "user" | "item") => hasBias(objective, side) || isCenter(objective, side);
  return {
    ...model,
    userBias: has("user") ? model.userBias : undefined,
    itemBias: has("item") ? model.itemBias : undefined,
    mean: objective.center === "none" ? 0 : model.mean,
  };
}

describe("fold-in", () => {
  for (const [name, kernels] of [["reference", reference] as const, [`default (${best.backend})`, best] as const]) {
    it(`agrees with a dense f64 solve to 1e-4 of the row, explicit and implicit, biased or not: ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(worlds, async ({ objective, rank, seed, history }) => {
          const model = worldModel(objective, rank, seed);
          const recommender = await openRecommender(model, { kernels });
          const outcome = await recommender.foldInUser(history);
          if (outcome.status !== "known") throw new Error(outcome.status);
          const expected = denseFoldIn(model, history);
          const got = [...outcome.factors, ...(outcome.bias === undefined ? [] : [outcome.bias])];
          expect(got.length).toBe(expected.length);
          const size = Math.max(...expected.map(Math.abs), 1e-3);
          for (let k = 0; k < got.length; k++) expect(Math.abs(got[k] - expected[k])).toBeLessThanOrEqual(1e-4 * size);
          recommender.close();
        }),
        { numRuns: 60 },
      );
    });

    it(`of a training user right after a user half-sweep gives the trained row bit for bit: ${name}`, async () => {
      for (const [at, objective] of objectives.entries()) {
        const users = names("u", 30);
        const items = names("i", 50);
        const start = modelFixture({ users, items, rank: 13, seed: at, objective, density: 0.4 });
        const model = await afterUserHalfSweep(fitting(start, objective), kernels);
        const recommender = await openRecommender(model, { kernels });
        const { start: rows, index, value } = model.history as NonNullable<FactorModel["history"]>;
        for (let u = 0; u < 30; u++) {
          const history = [];
          for (let e = rows[u]; e < rows[u + 1]; e++)
            history.push({ item: model.items.id(index[e]), rating: value.at(e) });
          const folded = await recommender.foldInUser(history.reverse());
          if (folded.status !== "known") throw new Error(folded.status);
          expect(folded.factors).toEqual(model.userFactors.slice(u * 13, (u + 1) * 13));
          expect(folded.bias).toBe(model.userBias?.[u]);
          expect(folded.used).toBe(history.length);
        }
        recommender.close();
      }
    });
  }

  it("of an item follows from the users, as a user follows from the items of the transposed model", async () => {
    const model = modelFixture({ users: names("u", 9), items: names("i", 7), rank: 4 });
    const { userFactors, itemFactors, userBias, itemBias, users, items } = model;
    const mirrored = {
      ...model,
      users: items,
      items: users,
      userFactors: itemFactors,
      itemFactors: userFactors,
      userBias: itemBias,
      itemBias: userBias,
      history: undefined,
    };
    const recommender = await openRecommender(model, { kernels: reference });
    const mirror = await openRecommender(mirrored, { kernels: reference });
    const ratings = [3, 5, 1].map((rating, i) => ({ id: `u${2 * i}`, rating }));
    const item = await recommender.foldInItem(ratings.map(({ id, rating }) => ({ user: id, rating })));
    expect(item).toEqual(await mirror.foldInUser(ratings.map(({ id, rating }) => ({ item: id, rating }))));
    expect(item.status).toBe("known");
  });

  it("repeated items: the last rating counts, clicks add up; unknown items are named", async () => {
    const recommender = await openRecommender(worldModel(explicitObjective, 3, 1), { kernels: reference });
    const twice = await recommender.foldInUser([
      { item: 3, rating: 1 },
      { item: 99, rating: 2 },
      { item: 3, rating: 5 },
    ]);
    const once = await recommender.foldInUser([{ item: 3, rating: 5 }]);
    expect(twice).toEqual({ ...once, merged: 1, unknownHistory: [99] });
    const clicks = await openRecommender(worldModel(implicitObjective, 3, 1), { kernels: reference });
    const added = await clicks.foldInUser([{ item: 3 }, { item: 4 }, { item: 3, rating: 2 }]);
    const whole = await clicks.foldInUser([
      { item: 4, rating: 1 },
      { item: 3, rating: 3 },
    ]);
    expect(added).toEqual({ ...whole, merged: 1 });
  });

  it("a history longer than all before it is given room", async () => {
    const items = Array.from({ length: 1500 }, (_, i) => i);
    const model = modelFixture({ items, rank: 2 });
    const recommender = await openRecommender(model, { kernels: best });
    for (const count of [1, 256, 257, 1500, 3]) {
      const history = items.slice(0, count).map((item) => ({ item, rating: 1 + (item % 5) }));
      const outcome = await recommender.foldInUser(history);
      if (outcome.status !== "known") throw new Error(outcome.status);
      const [x] = denseFoldIn(model, history);
      expect(Math.abs(outcome.factors[0] - x)).toBeLessThanOrEqual(1e-4);
      expect(outcome.used).toBe(count);
    }
    recommender.close();
  });

  it("an empty or unknown history, a missing rating, a rating of NaN and a model without objective are told apart", async () => {
    const recommender = await openRecommender(worldModel(explicitObjective, 3, 1), { kernels: reference });
    expect(await recommender.foldInUser([])).toEqual({ status: "empty-history", unknownHistory: [] });
    const stranger = [{ item: "x", rating: 3 }];
    expect(await recommender.foldInUser(stranger)).toEqual({ status: "empty-history", unknownHistory: ["x"] });
    const popular = await recommender.recommendFor(stranger, { fallback: "popular", n: 2 });
    expect(popular).toMatchObject({ status: "empty-history", unknownHistory: ["x"], popular: { asked: 2 } });
    await expect(recommender.foldInUser([{ item: 1, rating: 2 }, { item: 2 }])).rejects.toThrow(
      "foldInUser: entry 2 of the history (2) has no rating; this model needs a finite rating with every entry",
    );
    await expect(recommender.foldInUser([{ item: 1, rating: Number.NaN }])).rejects.toThrow("has the rating NaN");
    await expect(recommender.foldInUser([7 as never])).rejects.toThrow("history must be a list of { item, rating? }");
    const other = await openRecommender(modelFixture({ objective: undefined }), { kernels: reference });
    await expect(other.foldInUser([{ item: 10, rating: 2 }])).rejects.toMatchObject({ code: "no-objective" });
    await expect(other.foldInUser([{ item: 10, rating: 2 }])).rejects.toThrow(
      "use a model trained with als, ials or gradient, or with sgd, bpr, softmax, warp or logistic in their default settings",
    );
  });

  it("a rating that is no number, or none in 32 bits, is refused in every kind of history, never turned into one", async () => {
    const explicit = await openRecommender(worldModel(explicitObjective, 3, 1), { kernels: reference });
    const implicit = await openRecommender(worldModel(implicitObjective, 3, 1), { kernels: reference });
    const kinds = [
      ...["5", "", true, null, new Date(5), [4], {}, 5n, () => 5],
      ...[Number.NaN, Number.POSITIVE_INFINITY, -Number.MAX_VALUE, 3.5e38],
    ];
    for (const recommender of [explicit, implicit]) {
      for (const kind of kinds) {
        const rating = kind as number;
        const history = [
          { item: 1, rating: 3 },
          { item: 2, rating },
        ];
        const refused = { code: "data", facts: { position: 2, id: 2, rating } };
        await expect(recommender.foldInUser(history)).rejects.toMatchObject(refused);
        await expect(recommender.recommendFor(history)).rejects.toMatchObject(refused);
        await expect(recommender.explainFor(history, 3)).rejects.toMatchObject(refused);
        await expect(recommender.foldInItem([{ user: "u1", rating }])).rejects.toMatchObject({ code: "data" });
      }
    }
    const huge = Array.from({ length: 2 }, () => ({ item: 1, rating: 3e38 }));
    await expect(implicit.foldInUser(huge)).rejects.toThrow("entry 2 of the history (1) has the rating 6e+38");
  });

  it("whether a rating is needed hangs on the objective and the scale, not on whether a range is known", async () => {
    const open = (model: FactorModel) => openRecommender(model, { kernels: reference });
    const explicit = await open({ ...worldModel(explicitObjective, 3, 1), range: undefined });
    await expect(explicit.foldInUser([{ item: 2 }])).rejects.toThrow("has no rating");
    const implicit = await open({ ...worldModel(implicitObjective, 3, 1), range: { min: 1, max: 5 } });
    expect((await implicit.foldInUser([{ item: 2 }])).status).toBe("known");
  });

  it("a history without a stable row names the pivot and the remedy", async () => {
    const objective = {
      ...explicitObjective,
      regularization: 0,
      biases: "none",
      biasRegularization: undefined,
    } as const;
    const model = modelFixture({ rank: 3, objective, biases: false });
    const recommender = await openRecommender(model, { kernels: reference });
    await expect(recommender.foldInUser([{ item: 10, rating: 2 }])).rejects.toMatchObject({
      code: "divergence",
      message: expect.stringMatching(
        /^foldInUser: the history has no stable solution \(pivot \d is -?[\d.e-]{1,10}\).*, or train with als and regularization above 0$/,
      ),
    });
    // Of a method that has such a penalty, that is the remedy.
    const provenance = { ...model.provenance, options: { regularization: 0 } };
    const other = await openRecommender({ ...model, provenance }, { kernels: reference });
    await expect(other.foldInUser([{ item: 10, rating: 2 }])).rejects.toThrow(
      /, or train with regularization above 0$/,
    );
    // and the next question is answered
    const enough = [10, 20, 30, 40].map((item) => ({ item, rating: 3 }));
    expect((await recommender.foldInUser(enough)).status).toBe("known");
  });

  it("recommendFor a training user's own history gives the list of that user, score by score", async () => {
    const start = modelFixture({ users: names("u", 8), items: names("i", 30), rank: 4, density: 0.3 });
    const model = await afterUserHalfSweep(start, reference);
    const recommender = await openRecommender(model, { kernels: reference });
    const { start: rows, index, value } = model.history as NonNullable<FactorModel["history"]>;
    const history = [...index.subarray(rows[2], rows[3])].map((i, e) => ({
      item: model.items.id(i),
      rating: value.at(rows[2] + e),
    }));
    const own = await recommender.recommend("u2", { n: 7 });
    const folded = await recommender.recommendFor(history, { n: 7 });
    if (own.status !== "known" || folded.status !== "known") throw new Error("status");
    expect(folded.items).toEqual(own.items);
    expect(folded.used).toBe(history.length);
    const seen = await recommender.recommendFor(history, { n: 30, includeSeen: true });
    expect(seen).toMatchObject({ short: undefined, asked: 30 });
    recommender.close();
  });
});

/** The model with its user side solved once by the kernels, as training does it. */
async function afterUserHalfSweep(model: FactorModel, kernels: Kernels): Promise<FactorModel> {
  const { rank, users, items, history, objective } = model;
  if (history === undefined || objective === undefined || objective.kind === "history")
    throw new Error("needs a history and an objective that is solved");
  const biased = hasBias(objective, "user");
  const center = isCenter(objective, "user") ? new Float32Array(users.size) : undefined;
  const space = kernels.open({
    out: slot.table(users.size, rank),
    fixed: slot.table(items.size, rank),
    outBias: slot.f32(users.size),
    fixedBias: slot.f32(items.size),
    start: slot.u32(users.size + 1),
    index: slot.u32(history.index.length),
    term: slot.f32(history.index.length),
    penalty: slot.f32(users.size),
    biasPenalty: slot.f32(users.size),
    gram: slot.f32(rowStride(rank) ** 2),
  });
  const { at } = space;
  fillTable(at.fixed, model.itemFactors);
  if (model.itemBias !== undefined) at.fixedBias.set(model.itemBias);
  at.start.set(history.start);
  at.index.set(history.index);
  regularizations(objective, at.start, items.size, at.penalty);
  const common = {
    out: at.out,
    fixed: at.fixed,
    entries: { start: at.start, index: at.index },
    regularization: at.penalty,
  };
  if (objective.kind === "explicit") {
    if (center !== undefined) rowCenters(at.start, history.value, model.mean, center);
    withoutCenters(at.start, history.value, center, at.term);
    biasRegularizations(objective, at.start, at.biasPenalty);
    const outBias = biased ? at.outBias : undefined;
    const fixedBias = model.itemBias === undefined ? undefined : at.fixedBias;
    const biasRegularization = biased ? at.biasPenalty : undefined;
    const terms = { value: at.term, offset: model.mean, outBias, fixedBias, biasRegularization };
    await space.solveRows({ kind: "explicit", ...common, ...terms }, { kind: "cholesky" });
  } else {
    confidences(objective, history.value, at.term);
    await space.gram(at.fixed, at.gram);
    const weights = { unobservedWeight: objective.unobservedWeight, overlap: overlapOf(objective), scratch: undefined };
    const problem = { kind: "implicit", ...common, ...weights, confidence: at.term, gram: at.gram } as const;
    await space.solveRows(problem, { kind: "cholesky" });
  }
  const userFactors = unpadded(at.out);
  const fitted = biased ? at.outBias.slice() : undefined;
  const userBias = center?.map((own, u) => own + (fitted?.[u] ?? 0)) ?? fitted;
  space.close();
  return { ...model, userFactors, userBias };
}
