/** Runs the suite of nets on every backend, and what holds between them. */
import { describe, expect, it } from "vitest";
import { Digest } from "../support/index.ts";
import type { Kernels } from "./kernels.ts";
import {
  closeNet,
  moveNet,
  type NetWorld,
  netCases,
  netOptimizers,
  netShapes,
  netSlopeCases,
  netSteps,
  netWorld,
} from "./net.case.ts";
import { openReference } from "./reference/index.ts";
import { probeHost } from "./wasm/host.ts";
import { openWasm } from "./wasm/index.ts";
import type { Build } from "./wasm/module.ts";

const builds: Build[] = probeHost().relaxed ? ["strict", "relaxed"] : ["strict"];
const open = (build: Build, threads: number, spread = false) => openWasm({ build, threads, reason: "a test", spread });

const reference = openReference("the definition");
describe("reference", () => {
  netCases(reference);
  netSlopeCases(reference);
});

/** Every number that moves, of one world beside another's. */
function expectNear(got: NetWorld, exact: NetWorld, share: number): void {
  const arrays = exact.movedArrays();
  for (const [a, [name, array]] of got.movedArrays().entries()) {
    for (let i = 0; i < array.length; i++) {
      const error = Math.abs(array[i] - arrays[a][1][i]);
      if (!(error <= share * (1 + Math.abs(arrays[a][1][i])))) expect.fail(`${name}[${i}] is off by ${error}`);
    }
  }
}

for (const build of builds) {
  const alone = await open(build, 1);
  const pooled = await open(build, 3, true);
  describe(`wasm ${build}, one thread`, () => netCases(alone));
  describe(`wasm ${build}, every job on 3 workers`, () => netCases(pooled));

  it.each(netOptimizers)(`${build}: four passes of %j follow the reference to 1e-4`, async (optimizer) => {
    for (const shape of netShapes) {
      const worlds = [reference, alone].map((kernels) => netWorld(kernels, shape));
      const sums: number[] = [];
      for (const world of worlds) {
        for (let pass = 0; pass < 4; pass++) sums.push(await moveNet(world, { optimizer, done: 7 * pass }));
      }
      for (let pass = 0; pass < 4; pass++) expect(sums[4 + pass] / sums[pass]).toBeCloseTo(1, 4);
      expectNear(worlds[1], worlds[0], 1e-4);
      worlds.forEach(closeNet);
    }
  });

  it.each(netShapes)(
    `${build}: one step of sgd moves every number as the reference does, to 2e-6: %j`,
    async (shape) => {
      for (const step of netSteps) {
        const worlds = [reference, alone].map((kernels) => netWorld(kernels, shape, step));
        const sums: number[] = [];
        for (const world of worlds) sums.push(await moveNet(world, { rates: Float64Array.of(0.25), to: 1 }));
        expect(sums[1] / sums[0]).toBeCloseTo(1, 5);
        expectNear(worlds[1], worlds[0], 2e-6);
        worlds.forEach(closeNet);
      }
    },
  );

  it(`${build}: 1, 2 and 3 threads, on workers or not, give the same bytes`, async () => {
    const digests: string[] = [];
    for (const kernels of [alone, await open(build, 2), await open(build, 2, true), pooled]) {
      digests.push(await digestOf(kernels));
    }
    expect(new Set(digests).size).toBe(1);
  });
}

it("strict: every optimizer gives the recorded bytes, as on every engine and machine", async () => {
  expect(await digestOf(await open("strict", 2))).toBe("eab9d24e97e0a155");
});

/** Batches large enough for many shards and tiles, with every optimizer. */
async function digestOf(kernels: Kernels): Promise<string> {
  const digest = new Digest();
  for (const optimizer of netOptimizers) {
    const world = netWorld(kernels, netShapes[2], { batchSize: 700, entries: 2000 });
    const sum = await moveNet(world, { optimizer });
    digest.add(Float64Array.of(sum));
    for (const [, array] of world.movedArrays()) digest.add(array);
    closeNet(world);
  }
  return digest.hex();
}
