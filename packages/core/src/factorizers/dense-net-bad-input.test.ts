/** What denseNet refuses, by name. */
import { describe, expect, it } from "vitest";
import { ratingsFrom, subset } from "../ratings/index.ts";
import { notebook, quick, small, world } from "./dense-net.case.ts";
import { type DenseNetOptions, denseNet } from "./dense-net.ts";
import { factorize } from "./train.ts";

describe("denseNet refuses", () => {
  it.each([
    [{ hidden: [] }, "denseNet: hidden must be a list of 1 to 16 whole numbers, got an empty list"],
    [{ hidden: [8, 0] }, "denseNet: hidden must be whole numbers from 1 to 4096, got 0"],
    [{ hidden: [-8] }, "denseNet: hidden must be whole numbers from 1 to 4096, got -8"],
    [{ hidden: [8, 2.5] }, "denseNet: hidden must be whole numbers from 1 to 4096, got 2.5"],
    [{ hidden: [Number.NaN] }, "denseNet: hidden must be whole numbers from 1 to 4096, got NaN"],
    [{ hidden: 8 as unknown as number[] }, "denseNet: hidden must be a list of 1 to 16 whole numbers, got 8"],
    [{ hidden: Array(17).fill(8) }, "denseNet: hidden must be a list of 1 to 16 whole numbers, got a list of 17"],
    [{ rank: 0 }, "denseNet: rank must be a whole number from 1 to 1024, got 0"],
    [{ epochs: 0 }, "denseNet: epochs must be a whole number from 1"],
    [{ learningRate: 0 }, "denseNet: learningRate must be a finite number from 1e-12"],
    [{ learningRate: -0.1 }, "denseNet: learningRate must be a finite number from 1e-12"],
    [{ learningRate: Number.NaN }, "denseNet: learningRate must be a finite number from 1e-12"],
    [{ momentum: 0.9 }, "denseNet: momentum must be left out when optimizer is"],
    [{ batchSize: 0 }, "denseNet: batchSize must be a whole number from 1"],
    [{ width: 8 } as DenseNetOptions, "denseNet: width must be left out: denseNet has no such option"],
  ])("%j", (options, message) => {
    expect(() => denseNet(options)).toThrow(message);
  });

  it("starting layers and product that are null, or hold no arrays", () => {
    const array = Float32Array.of(1);
    const start = { userFactors: array, itemFactors: array, layers: [{ weight: array, bias: array }] };
    for (const wrong of [{ layers: [null] }, { layers: [{ weight: array }] }, { product: null }, { product: {} }]) {
      const options = { rank: 1, initial: { ...start, ...wrong } } as unknown as DenseNetOptions;
      expect(() => denseNet(options)).toThrow(
        "denseNet: initial must be { userFactors, itemFactors, layers, product? }",
      );
    }
  });

  it("no ratings at all, and clicks without ratings, naming what to use instead", async () => {
    const none = subset(small, new Uint8Array(small.size));
    await expect(factorize(none, denseNet())).rejects.toThrow("net: there are no ratings to train on");
    const clicks = ratingsFrom([
      { user: "u", item: "i" },
      { user: "v", item: "i" },
    ]);
    await expect(factorize(clicks, denseNet())).rejects.toThrow(
      "net: these records have no rating, and net fits ratings; use ials() for clicks",
    );
  });

  it.each(["sgd", "adam", "adamw", "adagrad"] as const)(
    "a learning rate of 1e9 by %s, as a divergence",
    async (optimizer) => {
      const training = factorize(world, denseNet({ ...quick, optimizer, learningRate: 1e9 }));
      await expect(training).rejects.toMatchObject({
        code: "divergence",
        message: expect.stringMatching(/^net: the RMSE on the way became .*; lower learningRate/),
        facts: { method: "net", pass: 1, learningRate: 1e9 },
      });
    },
  );

  it("given arrays that do not fit, by name, and drawn ones beside them", async () => {
    const { model } = await factorize(small, denseNet({ ...notebook, epochs: 1 }));
    const { userFactors, itemFactors, layers } = model;
    const { initScale: _, ...plain } = notebook;
    const start = (initial: DenseNetOptions["initial"]) => factorize(small, denseNet({ ...plain, initial: initial! }));
    await expect(start({ userFactors, itemFactors, layers })).resolves.toBeDefined();
    await expect(start({ userFactors: itemFactors, itemFactors, layers })).rejects.toThrow(
      "denseNet: initial userFactors has 12 numbers, 15 are needed",
    );
    await expect(start({ userFactors, itemFactors, layers: layers.slice(1) })).rejects.toThrow(
      "denseNet: initial layers are 1, 2 are needed",
    );
    const bad = userFactors.map((value, i) => (i === 4 ? Number.NaN : value));
    await expect(start({ userFactors: bad, itemFactors, layers })).rejects.toThrow("holds NaN at place 4");
    const product = { userFactors, itemFactors };
    await expect(start({ userFactors, itemFactors, layers, product })).rejects.toThrow("given with product false");
    expect(() => denseNet({ ...notebook, initial: { userFactors, itemFactors, layers } })).toThrow(
      "denseNet: initScale must be left out when initial is given",
    );
  });
});
