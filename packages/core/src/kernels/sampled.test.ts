/** Runs the suite of sampled gradients on every backend, and what holds between them. */
import { describe, expect, it } from "vitest";
import { Digest } from "../support/index.ts";
import type { Optimizer } from "./descent.ts";
import type { Kernels } from "./kernels.ts";
import { openReference } from "./reference/index.ts";
import { sampledCases } from "./sampled.case.ts";
import { type SampledWorldOptions, sampledLosses, sampledWorld } from "./sampled-worlds.case.ts";
import { probeHost } from "./wasm/host.ts";
import { openWasm } from "./wasm/index.ts";
import type { Build } from "./wasm/module.ts";

const builds: Build[] = probeHost().relaxed ? ["strict", "relaxed"] : ["strict"];
const open = (build: Build, threads: number, spread = false) => openWasm({ build, threads, reason: "a test", spread });

const optimizers: readonly Optimizer[] = [
  { kind: "sgd", momentum: 0 },
  { kind: "sgd", momentum: 0.5 },
  { kind: "adam", beta1: 0.5, beta2: 0.99, epsilon: 1e-8 },
  { kind: "adamw", beta1: 0, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 },
  { kind: "adagrad", epsilon: 1e-8 },
];

const reference = openReference("the definition");
describe("reference", () => sampledCases(reference));

for (const build of builds) {
  const alone = await open(build, 1);
  const pooled = await open(build, 3, true);
  describe(`wasm ${build}, one thread`, () => sampledCases(alone));
  describe(`wasm ${build}, every job on 3 workers`, () => sampledCases(pooled));

  it.each(optimizers)(`${build}: two passes of %j follow the reference to 1e-3 with every loss`, async (optimizer) => {
    for (const loss of sampledLosses) {
      const options: SampledWorldOptions = {
        loss,
        optimizer,
        cosine: loss.kind === "softmax",
        history: loss.kind !== "warp",
      };
      const worlds = [reference, alone].map((kernels) => sampledWorld(kernels, options));
      const sums = await Promise.all(
        worlds.map(async ({ move, batches }) => [await move(0, batches), await move(0, batches, 0.05, batches)]),
      );
      for (const pass of [0, 1]) expect(Math.abs(sums[1][pass] / sums[0][pass] - 1)).toBeLessThan(1e-3);
      const [exact, got] = worlds.map((world) => world.numbers());
      for (const [a, [name, array]] of got.entries()) {
        for (let i = 0; i < array.length; i++) {
          const error = Math.abs(array[i] - exact[a][1][i]);
          if (!(error <= 1e-3 * (1 + Math.abs(exact[a][1][i])))) expect.fail(`${loss.kind} ${name}[${i}]: ${error}`);
        }
      }
      for (const world of worlds) world.close();
    }
  });

  it(`${build}: 1, 2 and 3 threads, on workers or not, give the same bytes`, async () => {
    const digests: string[] = [];
    for (const kernels of [alone, await open(build, 2), await open(build, 2, true), pooled]) {
      digests.push(await sampledDigest(kernels));
    }
    expect(new Set(digests).size).toBe(1);
  });
}

it("strict: sampled gradients give the recorded bytes, as on every engine and machine", async () => {
  expect(await sampledDigest(await open("strict", 2))).toBe("f274083c30297db1");
});

/** Batches large enough for many tiles and blocks, with every loss. */
async function sampledDigest(kernels: Kernels): Promise<string> {
  const digest = new Digest();
  for (const [i, loss] of sampledLosses.entries()) {
    const size = { leftRows: 300, rightRows: 500, rank: 20, batchSize: 64, candidates: 111, density: 0.03 };
    const optimizer = optimizers[i % optimizers.length];
    const world = sampledWorld(kernels, { loss, optimizer, history: i > 2, ...size });
    digest.add(Float64Array.of(await world.move(0, world.batches)));
    for (const [, array] of world.numbers()) digest.add(array);
    world.close();
  }
  return digest.hex();
}
