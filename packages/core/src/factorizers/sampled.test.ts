/** bpr, softmax, warp and logistic: known worlds, what a score means, what is refused, the same bytes for any threads. */
import { describe, expect, it } from "vitest";
import { decodeModel, encodeModel, type FactorModel, scorerOf } from "../model/index.ts";
import { checkerboard, plantedWorld, ratingsFrom } from "../ratings/index.ts";
import {
  type BprOptions,
  bpr,
  type Factorizer,
  factorize,
  type LogisticOptions,
  logistic,
  type SampledOptions,
  softmax,
  warp,
} from "./index.ts";

const make = { bpr, softmax, warp, logistic } as const;
type Name = keyof typeof make;
const names = Object.keys(make) as Name[];
const small: SampledOptions = { rank: 4, epochs: 12, batchSize: 8, negatives: 20, learningRate: 0.03 };

/** Clicks of people who choose what scores high in a planted world of rank 3. */
const world = plantedWorld({ users: 60, items: 50, rank: 3, density: 1, noise: 0, seed: 6 });
const clicks = ratingsFrom(
  Array.from({ length: world.ratings.users.size }, (_, user) => {
    const { start, index, value } = world.ratings.byUser;
    const cells = Array.from({ length: start[user + 1] - start[user] }, (_c, i) => start[user] + i);
    const best = cells.sort((a, b) => value.at(b) - value.at(a)).slice(0, 12);
    // Every third of a user's favourites is kept back.
    return best.filter((_c, i) => i % 3 !== 1).map((cell) => ({ user, item: index[cell] }));
  }).flat(),
);

function scoresOf(model: FactorModel, user: number): Float32Array {
  const { rank, userFactors, itemFactors } = model;
  return Float32Array.from({ length: model.items.size }, (_, item) => {
    let sum = model.itemBias?.[item] ?? 0;
    for (let k = 0; k < rank; k++) sum += userFactors[user * rank + k] * itemFactors[item * rank + k];
    return sum;
  });
}

/** Share of pairs (not chosen but among the user's 12 favourites, not among them) that are in the right order. */
function auc(model: FactorModel): number {
  const { start, index, value } = world.ratings.byUser;
  let [right, all] = [0, 0];
  for (let user = 0; user < model.users.size; user++) {
    const scores = scoresOf(model, user);
    const cells = Array.from({ length: start[user + 1] - start[user] }, (_c, i) => start[user] + i);
    const order = cells.sort((a, b) => value.at(b) - value.at(a)).map((cell) => model.items.index(index[cell]));
    const hidden = order.slice(0, 12).filter((_i, i) => i % 3 === 1);
    for (const above of hidden) {
      for (const below of order.slice(12)) {
        if (above === undefined || below === undefined) continue;
        all++;
        if (scores[above] > scores[below]) right++;
      }
    }
  }
  return right / all;
}

describe.each(names)("%s", (name) => {
  it("puts the withheld like first for at least 48 of 50 users of the checkerboard", async () => {
    const board = checkerboard();
    const { model } = await factorize(
      board.train,
      make[name]({ rank: 4, epochs: 60, batchSize: 10, learningRate: 0.03 }),
    );
    let first = 0;
    for (let user = 0; user < 50; user++) {
      const scores = scoresOf(model, user);
      const unseen = Array.from(scores.keys()).filter((item) => !board.likes(user, item) || item === user);
      const best = unseen.reduce((a, b) => (scores[b] > scores[a] ? b : a));
      if (best === board.withheld(user)) first++;
    }
    expect(first).toBeGreaterThanOrEqual(48);
  });

  it("orders what was kept back of a planted world of rank 3 before the rest in 17 of 20 pairs, where chance orders 10", async () => {
    // Of 50 items the highest of 16 is nearly always one of those kept back.
    const own = name === "bpr" ? { hardestOf: 2 } : {};
    const { model, report } = await factorize(clicks, make[name]({ ...small, ...own, rank: 3, epochs: 60 }));
    expect(auc(model)).toBeGreaterThan(0.85);
    expect(report.initialLoss).toBeGreaterThan(report.loss.at(-1) as number);
  });

  it("gives the same model with 1, 2 and 3 threads, and another one with another seed", async () => {
    const digests = new Set<string>();
    for (const threads of [1, 2, 3])
      digests.add((await factorize(clicks, make[name](small), { threads })).report.digest);
    expect(digests.size).toBe(1);
    const other = await factorize(clicks, make[name](small), { seed: 1 });
    expect(digests.has(other.report.digest)).toBe(false);
  });

  it("follows the reference: losses of 3 epochs to 0.1 %", async () => {
    const [wasm, reference] = await Promise.all(
      (["wasm", "reference"] as const).map((backend) =>
        factorize(clicks, make[name]({ ...small, epochs: 3 }), { backend }),
      ),
    );
    for (const [epoch, loss] of wasm.report.loss.entries()) {
      expect(Math.abs(loss / reference.report.loss[epoch] - 1)).toBeLessThan(1e-3);
    }
  });

  it("says in its model how many negatives and users of a batch were taken: 50 and 60 of a million asked for", async () => {
    const { model } = await factorize(clicks, make[name]({ rank: 2, epochs: 1, negatives: 1e6, batchSize: 1e6 }));
    expect(clicks.users.size).toBe(60);
    expect(model.provenance.options).toMatchObject({ negatives: clicks.items.size, batchSize: 60, rank: 2 });
    expect(clicks.items.size).toBeLessThan(51);
  });

  it("ignores ratings and times, and says so", () => {
    expect(make[name]().ignores).toEqual(["rating", "time"]);
  });

  it("zeros the row of a user who chose nothing, and a file keeps the objective that rows are folded in by", async () => {
    const { model } = await factorize(clicks, make[name](small));
    const read = decodeModel(encodeModel(model)) as FactorModel;
    expect(read.objective).toEqual(model.objective);
    const isHistory = name === "bpr" || name === "softmax";
    const solved = { kind: "implicit", target: expect.any(Number) };
    expect(read.objective).toMatchObject(isHistory ? { kind: "history", historyWeight: 1, normalized: true } : solved);
    expect(read.scale).toBe(name === "logistic" ? "logit" : "preference");
    expect(scorerOf(read).scale).toBe(read.scale);
  });
});

describe("scores", () => {
  it("softmax makes cosines: rows have length 1, scores lie from −1 to 1", async () => {
    const { model } = await factorize(clicks, softmax(small));
    for (const factors of [model.userFactors, model.itemFactors]) {
      for (let row = 0; row < factors.length; row += 4) {
        expect(Math.hypot(...factors.subarray(row, row + 4))).toBeCloseTo(1, 6);
      }
    }
  });

  it("σ of logistic's scores are probabilities: over all cells they add up to the number chosen, to 5 %", async () => {
    const method = logistic({
      ...small,
      epochs: 80,
      negatives: 50,
      biases: "both",
      regularization: 0,
      biasRegularization: 0,
    });
    const { model } = await factorize(clicks, method);
    let sum = 0;
    for (let user = 0; user < model.users.size; user++) {
      for (const score of scoresOf(model, user)) sum += 1 / (1 + Math.exp(-score - (model.userBias?.[user] ?? 0)));
    }
    expect(Math.abs(sum / clicks.size - 1)).toBeLessThan(0.05);
  });

  it("item biases alone order items by how often they were chosen, and such a model has no fold-in", async () => {
    const { model } = await factorize(
      clicks,
      bpr({
        ...small,
        scores: "dot",
        against: "all",
        temperature: 1,
        historyWeight: 0,
        popularityExponent: 0,
        rank: 1,
        initScale: 1e-6,
        regularization: 100,
        epochs: 60,
        biases: "item",
        biasRegularization: 0,
      }),
    );
    expect(model.objective).toBeUndefined();
    const { start } = clicks.byItem;
    const bias = model.itemBias as Float32Array;
    const items = Array.from(bias.keys());
    const count = (item: number) => start[item + 1] - start[item];
    const most = items.reduce((a, b) => (count(b) > count(a) ? b : a));
    const least = items.reduce((a, b) => (count(b) < count(a) ? b : a));
    expect(bias[most]).toBeGreaterThan(bias[least] + 1);
  });
});

describe("historyExponent", () => {
  it("0 weighs every user alike: a user with 30 items counts as one with 1", async () => {
    const records = [...Array.from({ length: 30 }, (_, item) => ({ user: "a", item })), { user: "b", item: 40 }];
    const options: BprOptions = {
      scores: "dot",
      temperature: 1,
      historyWeight: 0,
      popularityExponent: 0,
      rank: 1,
      epochs: 1,
      batchSize: 1,
      learningRate: 1e-9,
      initScale: 1e-6,
      negatives: 40,
    };
    // With scores near 0 every pair costs ln 2, so the mean over what was chosen is ln 2 however users are weighed.
    for (const historyExponent of [0, 1]) {
      const { report } = await factorize(ratingsFrom(records), bpr({ ...options, historyExponent }));
      expect(report.loss[0]).toBeCloseTo(Math.LN2, 6);
    }
  });
});

describe("historyWeight", () => {
  it("makes a user's row of what was chosen: with own parts next to 0 it is the direction of their sum", async () => {
    // Steps of almost no length: users' own parts stay at 1e-6, items' rows as well, and only directions matter for them.
    const method = softmax({ ...small, epochs: 1, learningRate: 1e-12, initScale: 1e-6, historyWeight: 1e6 });
    const { model } = await factorize(clicks, method);
    const { start, index } = clicks.byUser;
    for (let user = 0; user < clicks.users.size; user++) {
      const sum = [0, 0, 0, 0];
      for (const item of index.subarray(start[user], start[user + 1])) {
        for (let k = 0; k < 4; k++) sum[k] += model.itemFactors[4 * item + k];
      }
      for (let k = 0; k < 4; k++) expect(model.userFactors[4 * user + k]).toBeCloseTo(sum[k] / Math.hypot(...sum), 5);
    }
  });

  it("adds the n items' rows, each by historyWeight / √n, to a user's own with products as scores", async () => {
    const still = { ...small, scores: "dot", epochs: 1, learningRate: 1e-12 } as const;
    const [without, made] = await Promise.all(
      [0, 0.7].map(async (historyWeight) => (await factorize(clicks, softmax({ ...still, historyWeight }))).model),
    );
    const { start, index } = clicks.byUser;
    for (let user = 0; user < clicks.users.size; user++) {
      const chosen = index.subarray(start[user], start[user + 1]);
      for (let k = 0; k < 4; k++) {
        let expected = without.userFactors[4 * user + k];
        for (const item of chosen) expected += (0.7 / Math.sqrt(chosen.length)) * without.itemFactors[4 * item + k];
        expect(made.userFactors[4 * user + k]).toBeCloseTo(expected, 5);
      }
    }
    expect(made.objective).toEqual({ kind: "history", historyWeight: 0.7, normalized: false });
  });

  it("leaves models with fitted user biases without a way to fold people in", async () => {
    const { model } = await factorize(clicks, logistic({ ...small, historyWeight: 1, biases: "both" }));
    expect(model.objective).toBeUndefined();
  });
});

describe("popularityExponent", () => {
  it.each([
    ["softmax", softmax({ ...small, temperature: 0.2, popularityExponent: 0.5 }), 0.1],
    ["bpr", bpr({ ...small, temperature: 0.3, popularityExponent: -1 }), -0.3],
    ["warp", warp({ ...small, margin: 2, popularityExponent: 0.5 }), 1],
    ["logistic", logistic({ ...small, popularityExponent: 0.25 }), 0.25],
  ])(
    "adds exponent × temperature, margin or 1 × ln(1 + times chosen) to an item's scores: %s",
    async (_, method, times) => {
      const { model } = await factorize(clicks, method);
      const { start } = clicks.byItem;
      for (const [item, bias] of (model.itemBias as Float32Array).entries()) {
        expect(bias).toBeCloseTo(times * Math.log(1 + start[item + 1] - start[item]), 5);
      }
    },
  );

  it("is taken into account in training: with it the factors say less of how often items are chosen", async () => {
    const skewed = ratingsFrom(
      Array.from({ length: 200 }, (_, i) => ({ user: i % 40, item: Math.floor(30 * ((i * 0.618034) % 1) ** 3) })),
    );
    const gap = async (popularityExponent: number) => {
      const options = { ...small, rank: 2, epochs: 40, negatives: 30, scores: "dot", temperature: 1 } as const;
      const { model } = await factorize(skewed, softmax({ ...options, popularityExponent, historyWeight: 0 }));
      const { start } = skewed.byItem;
      const mean = (isOften: boolean) => {
        const items = Array.from({ length: model.items.size }, (_, i) => i).filter(
          (i) => start[i + 1] - start[i] > 10 === isOften,
        );
        let sum = 0;
        for (const item of items) {
          for (let user = 0; user < model.users.size; user++) {
            for (let k = 0; k < 2; k++) sum += model.userFactors[2 * user + k] * model.itemFactors[2 * item + k];
          }
        }
        return sum / items.length / model.users.size;
      };
      return mean(true) - mean(false);
    };
    expect(await gap(1)).toBeLessThan((await gap(0)) - 0.5);
  });
});

describe("options", () => {
  const refusals: readonly (readonly [string, () => Factorizer, string])[] = [
    ["bpr", () => bpr({ temperature: 0 }), "temperature"],
    ["bpr", () => bpr({ scores: "cosine", regularization: 0.1 }), "it acts only with scores dot"],
    ["bpr", () => bpr({ against: "all", hardestOf: 4 }), "it acts only with against hardest"],
    ["bpr", () => bpr({ hardestOf: 0 }), "hardestOf"],
    ["softmax", () => softmax({ historyWeight: -1 }), "historyWeight"],
    ["softmax", () => softmax({ biases: "item" }), "it acts only with scores dot"],
    ["softmax", () => softmax({ positiveTemperature: 1 }), "it acts only with bilateral true"],
    ["warp", () => warp({ margin: 0 }), "margin"],
    ["warp", () => warp({ scores: "dot", biases: "none", biasRegularization: 1 }), "it acts only with biases item"],
    ["logistic", () => logistic({ unobservedWeight: -1 }), "unobservedWeight"],
    ["logistic", () => logistic({ scores: "dot" } as LogisticOptions), "scores"],
    ["softmax", () => softmax({ epochs: 2, warmup: 2 }), "warmup"],
  ];
  it.each(refusals)("%s refuses what cannot be: %s", (_, given, words) => {
    expect(given).toThrow(words);
  });

  it("takes bilateral softmax, which pulls less at what scores low among what was chosen", async () => {
    const [plain, bilateral] = await Promise.all(
      [softmax(small), softmax({ ...small, bilateral: true, positiveTemperature: 0.1 })].map((method) =>
        factorize(clicks, method),
      ),
    );
    const spread = (model: FactorModel) => {
      const { start, index } = clicks.byUser;
      let sum = 0;
      for (let user = 0; user < clicks.users.size; user++) {
        const scores = scoresOf(model, user);
        const own = Array.from(index.subarray(start[user], start[user + 1]), (item) => scores[item]);
        sum += Math.max(...own) - Math.min(...own);
      }
      return sum;
    };
    expect(spread(bilateral.model)).toBeGreaterThan(spread(plain.model));
  });
});
