/** Findings: each on data and figures that ask for it, and none on those that do not. */
import { describe, expect, it } from "vitest";
import type { FactorModel, Model } from "../model/index.ts";
import { plantedWorld, type Ratings, ratingsFrom, ratingsFromDense, subset } from "../ratings/index.ts";
import { unit } from "../support/index.ts";
import { findingsBefore } from "./findings-before.ts";
import { findingsInLosses, type LossCourse } from "./findings-in-losses.ts";
import { findingsInModel } from "./findings-in-model.ts";
import {
  als,
  bpr,
  type Factorizer,
  type Finding,
  factorize,
  gradient,
  ials,
  logistic,
  softmax,
  type Validation,
  warp,
} from "./index.ts";

const scale = { min: 1, max: 5, step: 1 };
const codes = (findings: readonly Finding[]) => findings.map(({ code }) => code);

/** Findings of als before training, on rows of ratings; null where there is none. */
function before(
  rows: readonly (readonly (number | null)[])[],
  method: Factorizer = als({ rank: 1 }),
): readonly Finding[] {
  return findingsBefore(ratingsFromDense(rows.map((row) => row.map((cell) => cell ?? Number.NaN))), method);
}

describe("before training", () => {
  it("methods that compare with what a user lacks find nothing to learn where everyone has everything, and say what to use", () => {
    const full = [
      [5, 3, 1],
      [4, 2, 1],
      [1, 1, 5],
      [1, 3, 4],
    ];
    for (const make of [bpr, softmax, warp, logistic]) {
      const [finding, ...others] = before(full, make({ rank: 2 }));
      expect(others).toEqual([]);
      expect(finding.code).toBe("nothing-unseen");
      expect(finding.remedy).toMatch(/^use als, which fits the ratings/);
      // A user without ratings has nothing to compare; one who lacks an item has.
      expect(codes(before([...full, [null, null, null]], make({ rank: 2 })))).toContain("nothing-unseen");
      expect(codes(before([...full, [2, null, 3]], make({ rank: 2 })))).toEqual([]);
    }
    expect(codes(before(full, als({ rank: 2 })))).toEqual([]);
    const clicks = ratingsFrom([0, 1, 2, 3, 4, 5].map((n) => ({ user: n % 2, item: Math.floor(n / 2) })));
    const [finding] = findingsBefore(clicks, bpr({ rank: 2 }));
    expect(finding.remedy).toMatch(/^leave out the records of what users did not choose/);
  });

  it("zeros among seed notebook 003's ratings look like missing ones", () => {
    const [finding, ...others] = before([
      [5, 3, 0, 1],
      [4, 0, 0, 1],
      [1, 1, 0, 5],
      [1, 0, 0, 4],
      [0, 1, 5, 4],
    ]);
    expect(others).toEqual([]);
    expect(finding.code).toBe("zeros-like-missing");
    expect(finding.message).toMatch("35 % of the ratings are 0, beside others up to 5");
    expect(finding.remedy).toMatch("zeroIsMissing");
  });

  it("zeros do so in a full matrix that is mostly 0, half stars or not; not on scales that begin at 0, nor below it, nor as 0 and 1", () => {
    const mostly = [
      [0, 0, 0.5],
      [0, 4.5, 0],
    ];
    expect(codes(before(mostly))).toEqual(["zeros-like-missing"]);
    expect(codes(before(mostly, ials({ rank: 1 })))).not.toContain("zeros-like-missing");
    const scales = [
      [0, 1, 2, 3, 2, 1, 2, 3, 4, 3, 2, 3], // 0 to 4, 0 the rarest
      [0, 0, 0.5, 1, 2, 3, 4, 1, 2, 3, 4, 0.5], // half stars from 0
      [0, 0, 0, -1, 1, 2, 0, 0, -2, 1, 0, 0], // signed
      [0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0], // yes and no
      [1, 2, 3, 1, 1, 1, 1, 1, 2, 2, 2, 1], // from 1
    ];
    for (const values of scales) {
      expect(codes(before([values.slice(0, 6), values.slice(6)]))).not.toContain("zeros-like-missing");
    }
  });

  it("users and items without ratings are counted and one is named; more than half with one rating too", () => {
    const findings = before([
      [1, null, 3],
      [null, null, null],
      [2, null, 5],
    ]);
    expect(codes(findings)).toEqual(["users-without-ratings", "items-without-ratings"]);
    expect(findings[0].message).toMatch("1 of 3 users has no rating, such as 1");
    expect(findings[1].message).toMatch("1 of 3 items has no rating, such as 1");
    const sessions = Array.from({ length: 12 }, (_, n) => ({ user: `s${n}`, item: n % 3, rating: 1 + (n % 5) }));
    expect(codes(findingsBefore(ratingsFrom(sessions), als({ rank: 1 })))).toEqual(["users-with-one-rating"]);
    const half = [...sessions, ...sessions.slice(0, 6).map((record) => ({ ...record, item: (record.item + 1) % 3 }))];
    expect(codes(findingsBefore(ratingsFrom(half), als({ rank: 1 })))).toEqual([]);
  });

  it("records that repeat a pair are told above a tenth, but not where they are counted", () => {
    const records = Array.from({ length: 12 }, (_, n) => ({ user: n % 4, item: n % 3, rating: 1 + (n % 5) }));
    const repeated = [...records, ...records.slice(0, 2)];
    const [finding] = findingsBefore(ratingsFrom(repeated), als({ rank: 1 }));
    expect(finding).toMatchObject({
      code: "many-duplicates",
      message: expect.stringMatching(/^2 records .* the last one counts$/),
    });
    expect(codes(findingsBefore(ratingsFrom([...records, records[0]]), als({ rank: 1 })))).toEqual([]);
    expect(codes(findingsBefore(ratingsFrom(repeated, { duplicates: "sum" }), als({ rank: 1 })))).toEqual([]);
  });
});

describe("in the losses", () => {
  const descent: Factorizer<Model> = { ...als({ rank: 1, sweeps: 40 }), passName: "steps" };
  const found = (
    course: Partial<LossCourse>,
    options: object = { learningRate: 0.1 },
    isOver = true,
    method: Factorizer<Model> = descent,
  ) =>
    findingsInLosses(
      method,
      options as Factorizer["options"],
      { lossName: "loss", initialLoss: undefined, loss: [], validation: undefined, ...course },
      isOver,
    );
  const falling = Array.from({ length: 40 }, (_, pass) => 1 + 9 * 0.8 ** pass);

  it("a loss from 28.1558 to 28.1492 is flat, one from 28.1558 to 28.1 is not; the remedy is the method's", () => {
    const [flat] = found({ initialLoss: 28.1558, loss: [28.1492] });
    expect(flat).toEqual({
      code: "loss-flat",
      message: "the loss went from 28.1558 to 28.1492 in 1 step: training has moved next to nothing",
      remedy: "raise learningRate (now 0.1) tenfold until the loss falls, then make more steps",
    });
    expect(found({ initialLoss: 28.1558, loss: [28.1] })).toEqual([]);
    expect(found({ initialLoss: 1, loss: [1] }, { regularization: 50 })[0].remedy).toMatch(
      "lower regularization (now 50)",
    );
  });

  it("a rate in another unit than 1 is told with the unit, which a rate that is given would not have", async () => {
    const options = { learningRate: 0.025, unit: 102.0871 };
    expect(found({ initialLoss: 1, loss: [1] }, options)[0].remedy).toMatch(
      "raise learningRate (now 0.025; give it with unit: 102.1) tenfold",
    );
    expect(found({ initialLoss: 10, loss: [12] }, options)[0].remedy).toBe(
      "lower learningRate (now 0.025; give it with unit: 102.1) by a factor of 3 to 10",
    );
    expect(found({ initialLoss: 10, loss: [12] }, { learningRate: 0.025, unit: 1 })[0].remedy).toMatch(
      "(now 0.025) by",
    );
    // On the way too, where rate and unit are `auto`: factors whose gradients are far below adam's epsilon do not move.
    const { ratings } = plantedWorld({ users: 12, items: 9, rank: 1, density: 0.8, noise: 0.1, mean: 300, seed: 2 });
    const initial = { userFactors: new Float64Array(12).fill(1e-30), itemFactors: new Float64Array(9).fill(1e-30) };
    const told: string[] = [];
    const onFinding = ({ remedy }: Finding) => told.push(remedy);
    const { report } = await factorize(ratings, gradient({ rank: 1, steps: 8, biases: "none", initial }), {
      onFinding,
    });
    const unit = Number((report.options.unit as number).toPrecision(4));
    expect(told).toEqual([
      `raise learningRate (now 0.05; give it with unit: ${unit}) tenfold until the loss falls, then make more steps`,
    ]);
  });

  it("a loss that fell from 10 to 5 and is back at 10.005 is no flat one, but of a rate too high", () => {
    expect(codes(found({ initialLoss: 10, loss: [7, 5, 10.005] }))).toEqual(["learning-rate-too-high"]);
  });

  it("a flat loss is told from half of the passes on, not before the third, and never where the start is unknown or already 0", () => {
    const still = (passes: number) => ({ initialLoss: 2, loss: new Array(passes).fill(2) });
    expect(codes(found(still(19), {}, false))).toEqual([]);
    expect(codes(found(still(20), {}, false))).toEqual(["loss-flat"]);
    expect(codes(found(still(19), {}, true))).toEqual(["loss-flat"]);
    expect(found({ loss: [2, 2, 2] })).toEqual([]);
    const short = (passes: number, isOver: boolean) =>
      codes(found(still(passes), {}, isOver, { ...als({ sweeps: 3 }), passes: 3 }));
    expect([short(2, false), short(2, true), short(3, false)]).toEqual([[], ["loss-flat"], ["loss-flat"]]);
    expect(found({ initialLoss: 0, loss: [0, 0] })).toEqual([]);
  });

  it("above the start, risen by a tenth from the best, or swinging: the learning rate is too high", () => {
    const messages = (course: Partial<LossCourse>, method?: Factorizer<Model>) =>
      found(course, undefined, true, method).map(({ code, message }) =>
        code === "learning-rate-too-high" ? message : code,
      );
    expect(messages({ initialLoss: 10, loss: [12, 15] })).toEqual([
      "the loss is 15 after 2 steps, above the 10 it started at",
    ]);
    expect(messages({ initialLoss: 10, loss: [5, 2, 3] })).toEqual([
      "the loss was 2 after step 2 and has risen to 3 since",
    ]);
    const swinging = falling.map((loss, pass) => loss * (pass % 2 === 0 ? 1 : 1.03));
    // Where every epoch draws what it measures, swinging is chance; rising from the best is not.
    expect(messages({ initialLoss: 10, loss: swinging }, softmax({ epochs: 40 }))).toEqual([]);
    expect(messages({ initialLoss: 10, loss: [...falling, 5, 5, 5] }, softmax({ epochs: 43 }))[0]).toContain(
      "has risen to 5",
    );
    expect(messages({ initialLoss: 10, loss: swinging })[0]).toMatch(
      /^the loss goes up and down by more than 1 % per step/,
    );
    // The second half of 20 passes is 10; that of 19 is too few to tell.
    const restless = (passes: number) => Array.from({ length: passes }, (_, pass) => (pass % 2 === 0 ? 5 : 5.2));
    expect(messages({ initialLoss: 10, loss: restless(20) })[0]).toMatch(/^the loss goes up and down by more than 1 %/);
    expect(messages({ initialLoss: 10, loss: restless(19) })).toEqual([]);
    const trembling = falling.map((loss, pass) => loss * (1 + 0.005 * (unit(3, pass) - 0.5)));
    for (const loss of [falling, trembling, [5, 2, 2.1], [9, 1, 1, 1]])
      expect(messages({ initialLoss: 10, loss })).toEqual([]);
    expect(found({ initialLoss: 10, loss: [12, 15] }, { regularization: 1 })).toEqual([]);
  });

  it("held-out figures that turned are told where the last model is kept, whichever way is better", () => {
    const validation = (values: number[], better: "lower" | "higher", bestPass: number, keepsBest = false) => ({
      ...{ name: "held-out figure", better, bestPass, keepsBest },
      values: values.map((value, at) => ({ pass: at + 1, value })),
    });
    const course = (watched: ReturnType<typeof validation>, loss = [3, 2, 1]) =>
      codes(found({ initialLoss: 5, loss, validation: watched }));
    expect(course(validation([0.9, 0.8, 0.83], "lower", 2))).toEqual(["held-out-worse"]);
    expect(course(validation([0.2, 0.4, 0.3], "higher", 2))).toEqual(["held-out-worse"]);
    expect(course(validation([0.9, 0.8, 0.81], "lower", 2))).toEqual([]);
    expect(course(validation([0.9, 0.8, 0.83], "lower", 2, true))).toEqual([]);
    expect(course(validation([0.9, 0.8, 0.83], "lower", 2), [3, 2, 2])).toEqual([]);
    expect(course(validation([0.9, 0.8, 0.7], "lower", 3))).toEqual([]);
  });
});

describe("in the model", () => {
  const { ratings } = plantedWorld({
    users: 60,
    items: 40,
    rank: 2,
    density: 0.3,
    noise: 0.3,
    mean: 3,
    seed: 8,
    scale,
  });

  it("rank 8 nearly without regularization learns 720 ratings by heart and predicts far off the scale; the defaults do neither", async () => {
    const loose = await factorize(ratings, als({ rank: 8, regularization: 1e-3, biases: "none", sweeps: 60 }));
    expect(codes(loose.report.findings)).toEqual(["rank-too-high", "predictions-off-scale"]);
    expect(loose.report.findings[0].message).toMatch(/with rank 8 it has 800 numbers for 720 ratings/);
    expect(codes((await factorize(ratings, als())).report.findings)).toEqual([]);
  });

  it("a complete matrix may be fitted to the last bit", async () => {
    const full = plantedWorld({ users: 12, items: 9, rank: 3, density: 1, mean: 3, seed: 2 }).ratings;
    const { report } = await factorize(full, als({ rank: 9, regularization: 1e-3, biases: "none", sweeps: 40 }));
    expect(report.loss[39]).toBeLessThan(0.01);
    expect(report.findings).toEqual([]);
  });

  it("one prediction of −26 among 24 unrated cells of ratings from 1 to 5 is told, with its user, item and value", () => {
    const few = ratingsFrom(
      Array.from({ length: 36 }, (_, n) => ({ user: `u${n % 10}`, item: Math.floor(n / 6), rating: 1 + (n % 5) })),
    );
    const empty = unratedCell(few);
    const constant = flatModel(few, 3);
    expect(findingsInModel(few, als({ rank: 1 }), constant)).toEqual([]);
    const userFactors = constant.userFactors.slice();
    const itemFactors = constant.itemFactors.slice();
    userFactors[empty.user] = 1;
    itemFactors[empty.item] = -29;
    const [finding] = findingsInModel(few, als({ rank: 1 }), { ...constant, userFactors, itemFactors });
    expect(finding.code).toBe("predictions-off-scale");
    const whose = `up to -26 for user "${few.users.id(empty.user)}" and item ${few.items.id(empty.item)}`;
    expect(finding.message).toMatch(whose);
  });

  /** Predicts `mean` everywhere. */
  function flatModel(data: Ratings, mean: number): FactorModel {
    return {
      kind: "factors",
      rank: 1,
      users: data.users,
      items: data.items,
      userFactors: new Float32Array(data.users.size),
      itemFactors: new Float32Array(data.items.size),
      userBias: undefined,
      itemBias: undefined,
      mean,
      scale: "rating",
      range: { min: 1, max: 5 },
      objective: undefined,
      history: data.byUser,
      provenance: { method: "als", options: {}, seed: 1, dataHash: "", backend: "", version: "", passes: 1 },
    };
  }

  function unratedCell({ byUser }: Ratings): { user: number; item: number } {
    for (let user = 0; user < byUser.rows; user++) {
      const rated = new Set(byUser.index.subarray(byUser.start[user], byUser.start[user + 1]));
      for (let item = 0; item < byUser.columns; item++) if (!rated.has(item)) return { user, item };
    }
    throw new Error("every cell is rated");
  }
});

describe("onFinding", () => {
  const { ratings } = plantedWorld({
    users: 60,
    items: 40,
    rank: 2,
    density: 0.3,
    noise: 0.3,
    mean: 3,
    seed: 8,
    scale,
  });

  it("is called once for each finding of the report, before the first pass where it is known then", async () => {
    const log: string[] = [];
    const sparse = subset(
      ratings,
      Uint8Array.from(ratings.byUser.index, (item) => (item === 0 ? 0 : 1)),
    );
    const { report } = await factorize(sparse, als({ rank: 50, regularization: 1e-3, biases: "none", sweeps: 12 }), {
      onFinding: ({ code }) => log.push(code),
      onProgress: ({ pass }) => log.push(`pass ${pass}`),
    });
    expect(log.slice(0, 3)).toEqual(["rank-above-size", "items-without-ratings", "pass 1"]);
    const told = log.filter((line) => !line.startsWith("pass"));
    expect(told).toEqual(codes(report.findings));
    expect(told).toContain("rank-too-high");
  });

  it("tells on the way that the loss has not moved, and the report says it again", async () => {
    const log: string[] = [];
    const method = als({ rank: 2, regularization: 1e9, biases: "none", sweeps: 8 });
    const { report } = await factorize(ratings, method, {
      onFinding: ({ code }) => log.push(code),
      onProgress: ({ pass }) => log.push(`pass ${pass}`),
    });
    expect(log).toEqual(["pass 1", "pass 2", "pass 3", "loss-flat", ...[4, 5, 6, 7, 8].map((pass) => `pass ${pass}`)]);
    expect(codes(report.findings)).toEqual(["loss-flat"]);
    expect(report.initialLoss).toBeCloseTo(report.loss[7], 2);
  });

  it("tells of held-out figures that turned, on the way and at the end", async () => {
    const log: string[] = [];
    const measure: Validation["measure"] = async ({ provenance }) => 1 + Math.abs(provenance.passes - 2) / 10;
    const { report } = await factorize(ratings, als({ sweeps: 8 }), {
      validation: { name: "figure", better: "lower", measure },
      onFinding: ({ code }) => log.push(code),
    });
    expect(log).toEqual(["held-out-worse"]);
    expect(codes(report.findings)).toEqual(["held-out-worse"]);
    const kept = await factorize(ratings, als({ sweeps: 8 }), {
      validation: { name: "figure", better: "lower", patience: 2, measure },
    });
    expect(kept.report.findings).toEqual([]);
  });
});
