/** Findings of trainings on data that are small, exact or at rest: what is said of them, and what is not. */
import { describe, expect, it } from "vitest";
import type { Model, NetModel } from "../model/index.ts";
import { plantedWorld, type Ratings, ratingsFromDense, standardDeviation } from "../ratings/index.ts";
import {
  als,
  denseNet,
  type Factorizer,
  factorize,
  type GradientOptions,
  gradient,
  type InitialFactors,
  nmf,
  sgd,
  svd,
} from "./index.ts";

const reportOf = async <M extends Model>(ratings: Ratings, method: Factorizer<M>) =>
  (await factorize(ratings, method, { threads: 1 })).report;
const codes = async <M extends Model>(ratings: Ratings, method: Factorizer<M>) =>
  (await reportOf(ratings, method)).findings.map(({ code }) => code);

/** Seed notebook 000's kind of matrix: symmetric, none missing. */
const three = ratingsFromDense([
  [5, 1, 4],
  [1, 5, 2],
  [4, 2, 4],
]);

describe("where nothing is left to learn", () => {
  it.each([3, 0, 1e4])(
    "equal ratings of %f, whose loss goes up and down far below them, are only called equal",
    async (rating) => {
      const same = ratingsFromDense(Array.from({ length: 4 }, () => new Array(5).fill(rating)));
      for (const method of [
        gradient({ rank: 2 }),
        gradient({ rank: 2, batch: "mini", batchSize: 4 }),
        sgd({ rank: 2, order: "rows" }),
        sgd({ rank: 2, order: "shuffled" }),
        als({ rank: 2 }),
        nmf({ rank: 2 }),
        svd({ rank: 2 }),
      ]) {
        expect(await codes(same, method), method.name).toEqual(["constant-ratings"]);
      }
    },
  );

  it("a complete matrix of rank 2, fitted to 10⁻⁴ of its spread by adam, has no finding; nor has a training that begins there", async () => {
    const { ratings } = plantedWorld({ users: 12, items: 9, rank: 2, density: 1, mean: 3, seed: 2 });
    const exact: GradientOptions = { rank: 3, regularization: 0, biasRegularization: 0, steps: 3000 };
    const { model, report } = await factorize(ratings, gradient(exact), { threads: 1 });
    expect(Math.sqrt((2 * report.loss[2999]) / 108)).toBeLessThan(1e-4);
    expect(report.findings).toEqual([]);
    const initial: InitialFactors = model as InitialFactors;
    const { userFactors, itemFactors, userBias, itemBias } = initial;
    const again = gradient({
      ...exact,
      steps: 40,
      learningRate: 1e-4,
      initial: { userFactors, itemFactors, userBias, itemBias },
    });
    expect(await codes(ratings, again)).toEqual([]);
  });
});

describe("starting factors of 0", () => {
  const initial = { userFactors: new Float64Array(6), itemFactors: new Float64Array(6) };
  const found = ["starts-at-zero"];

  it.each([
    ["gradient", (own: InitialFactors) => gradient({ rank: 2, initial: own, biases: "none" })],
    ["gradient with biases", (own: InitialFactors) => gradient({ rank: 2, initial: own })],
    ["sgd", (own: InitialFactors) => sgd({ rank: 2, initial: own, biases: "none" })],
    ["sgd by rows", (own: InitialFactors) => sgd({ rank: 2, initial: own, biases: "none", order: "rows" })],
  ] as const)("of %s stay 0: a finding before the first pass, and no advice to raise the rate", async (_, method) => {
    const told: string[] = [];
    const { model, report } = await factorize(three, method(initial), {
      threads: 1,
      onFinding: ({ code }) => told.push(code),
      onProgress: () => told.push("pass"),
    });
    expect(model.userFactors).toEqual(new Float32Array(6));
    expect(told[0]).toBe("starts-at-zero");
    expect(report.findings.map(({ code }) => code)).toEqual(found);
    expect(report.findings[0].message).toMatch(/so is every gradient of them/);
    const oneSide = { ...initial, itemFactors: initial.itemFactors.map(() => 0.5) };
    expect((await reportOf(three, method(oneSide))).findings.map(({ code }) => code)).not.toContain(found[0]);
  });

  it("and weights of 0 keep a net where it is; weights that are not 0 let it move", async () => {
    const shape = { rank: 2, hidden: [3], product: false, biases: "none" } as const;
    const { model } = await factorize(three, denseNet({ ...shape, epochs: 1 }));
    const flat = (table: Float32Array) => new Float32Array(table.length);
    const layers = (of: (weight: Float32Array) => Float32Array): NetModel["layers"] =>
      model.layers.map((layer) => ({ ...layer, weight: of(layer.weight) }));
    const tables = { userFactors: flat(model.userFactors), itemFactors: flat(model.itemFactors) };
    const net = (of: (weight: Float32Array) => Float32Array) =>
      denseNet({ ...shape, epochs: 30, learningRate: 0.01, initial: { ...tables, layers: layers(of) } });
    const still = await factorize(three, net(flat));
    expect(still.model.userFactors).toEqual(tables.userFactors);
    expect(still.report.findings.map(({ code }) => code)).toEqual(found);
    expect(
      await codes(
        three,
        net((weight) => weight),
      ),
    ).not.toContain(found[0]);
  });
});

describe("too few passes", () => {
  it.each([
    ["sgd", (epochs?: number) => sgd({ rank: 1, order: "rows", ...(epochs === undefined ? {} : { epochs }) })],
    [
      "gradient in batches",
      (epochs?: number) => gradient({ rank: 1, batch: "mini", ...(epochs === undefined ? {} : { epochs }) }),
    ],
    ["net", (epochs?: number) => denseNet({ rank: 1, ...(epochs === undefined ? {} : { epochs }) })],
  ] as const)(
    "%s tells of them where 3 × 3 ratings hardly moved in the default ones, and no more after 1,500",
    async (_, method) => {
      const report = await reportOf(three, method() as Factorizer<Model>);
      expect(report.findings.map(({ code }) => code)).toEqual(["too-few-passes"]);
      expect(report.findings[0].remedy).toBe(`make more epochs (now ${report.passes}): small data take many`);
      expect(report.loss[report.passes - 1]).toBeGreaterThan(0.9 * (report.initialLoss as number));
      expect(await codes(three, method(1500) as Factorizer<Model>)).not.toContain("too-few-passes");
    },
  );

  it("are not told of ratings that have been learned from, by the defaults, nor to who asks for 3", async () => {
    const { ratings } = plantedWorld({ users: 60, items: 40, rank: 2, density: 0.3, noise: 0.3, mean: 3, seed: 8 });
    for (const method of [gradient(), gradient({ batch: "mini" }), sgd(), sgd({ order: "shuffled" })])
      expect(await codes(ratings, method)).toEqual([]);
    expect(await codes(three, sgd({ rank: 1, order: "rows", epochs: 3 }))).toEqual([]);
  });
});

describe("a model that is no nearer to its ratings than their mean", () => {
  const world = plantedWorld({ users: 40, items: 25, rank: 3, density: 0.7, noise: 0.1, seed: 3 }).ratings;

  it.each([
    ["with holes", world],
    ["without", plantedWorld({ users: 40, items: 25, rank: 3, density: 1, noise: 0.1, seed: 3 }).ratings],
  ] as const)(
    "is told of sgd in blocks at a rate of 0.001, ratings %s, with the unit to raise it in",
    async (_, ratings) => {
      const { findings, loss } = await reportOf(ratings, sgd({ rank: 2, learningRate: 0.001 }));
      const spread = standardDeviation(ratings.byUser.value, ratings.mean);
      expect(loss[loss.length - 1]).toBeGreaterThan(spread);
      expect(findings.map(({ code }) => code)).toEqual(["learned-nothing"]);
      expect(findings[0].message).toMatch(
        `their mean alone is by ${Number(spread.toPrecision(4))}: the steps of these 20 epochs`,
      );
      expect(findings[0].remedy).toMatch(/^raise learningRate \(now 0\.001; give it with unit: .* \(now 20\)$/);
    },
  );

  it("is told of a penalty that leaves nothing, where the loss did not say so already", async () => {
    // Factors so large that all of the loss goes in their first sweep, and nothing is left of them.
    const { findings } = await reportOf(
      world,
      als({ rank: 2, initScale: 10, regularization: 1e9, biasRegularization: 1e9 }),
    );
    expect(findings.map(({ code }) => code)).toEqual(["learned-nothing"]);
    expect(findings[0].remedy).toBe("lower regularization (now 1000000000), or leave it to the method");
  });

  it("is not told of defaults, of fewer than 8 passes, nor beside a finding of the loss that says why", async () => {
    for (const method of [
      als(),
      gradient(),
      gradient({ batch: "mini" }),
      sgd(),
      sgd({ order: "rows" }),
      nmf(),
      denseNet(),
    ])
      if (method.name !== "nmf" || world.min >= 0)
        expect(await codes(world, method as Factorizer<Model>)).not.toContain("learned-nothing");
    expect(await codes(world, sgd({ rank: 2, learningRate: 0.001, epochs: 7 }))).toEqual([]);
    expect(await codes(world, sgd({ rank: 2, learningRate: 1e-7, order: "rows" }))).toEqual(["loss-flat"]);
  });
});

describe("a penalty that outweighs the ratings", () => {
  it.each([
    ["als", (regularization: number | "auto") => als({ rank: 1, regularization })],
    ["gradient", (regularization: number | "auto") => gradient({ rank: 1, regularization })],
  ] as const)(
    "is told of %s on 3 × 3 ratings by default, with both distances, and no more when it is set",
    async (_, method) => {
      const { findings, certificate } = await reportOf(three, method("auto"));
      expect(findings.map(({ code }) => code)).toEqual(["penalty-dominates"]);
      if (certificate?.kind !== "optimum") throw new Error("complete ratings have an optimum");
      expect(certificate.error).toBeGreaterThan(9 * certificate.optimum);
      expect(findings[0].message).toMatch(`the model is ${Number(certificate.error.toPrecision(4))} away`);
      expect(findings[0].message).toMatch(`rank 1 can come within ${Number(certificate.optimum.toPrecision(4))}:`);
      expect(await codes(three, method(0.02))).toEqual([]);
    },
  );

  it.each([3, 32])(
    "is told of 40 × 25 ratings of rank 3 with noise of 0.1, at rank %i, and no more when it is a hundredth",
    async (rank) => {
      const { ratings } = plantedWorld({ users: 40, items: 25, rank: 3, density: 1, noise: 0.1, seed: 3 });
      for (const method of [als, gradient]) {
        const { findings, certificate, options } = await reportOf(ratings, method({ rank }));
        expect(findings.map(({ code }) => code)).toContain("penalty-dominates");
        if (certificate?.kind !== "optimum") throw new Error("complete ratings have an optimum");
        expect(certificate.relativeGap).toBeGreaterThan(0.2);
        const lower = { rank, regularization: (options.regularization as number) / 100 };
        const after = await reportOf(ratings, method(lower));
        expect(after.findings.map(({ code }) => code)).not.toContain("penalty-dominates");
        if (after.certificate?.kind !== "optimum") throw new Error("complete ratings have an optimum");
        expect(after.certificate.error).toBeLessThan(certificate.error / 2);
      }
    },
  );

  it("is not told of svd, of ratings with a hole, nor of 60 × 40 ratings with noise at their rank", async () => {
    expect(await codes(three, svd({ rank: 1 }))).toEqual([]);
    const holed = ratingsFromDense([
      [5, 1, 4],
      [1, 5, 2],
      [4, 2, Number.NaN],
    ]);
    expect(await codes(holed, als({ rank: 1 }))).toEqual([]);
    for (const noise of [0.3, 3]) {
      const { ratings } = plantedWorld({ users: 60, items: 40, rank: 2, density: 1, noise, mean: 3, seed: 8 });
      for (const method of [als({ rank: 2 }), gradient({ rank: 2 }), nmf({ rank: 2 })])
        if (method.name !== "nmf" || ratings.min >= 0) expect(await codes(ratings, method)).toEqual([]);
    }
  });
});
