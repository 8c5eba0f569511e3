/** Runs the suite of blocks on every backend, and what holds between them. */
import { describe, expect, it } from "vitest";
import { Digest } from "../support/index.ts";
import { blockCases, blockWorld, digestOfBlocks } from "./blocks.case.ts";
import { blockGrid } from "./blocks.ts";
import { openReference } from "./reference/index.ts";
import { probeHost } from "./wasm/host.ts";
import { openWasm } from "./wasm/index.ts";
import { type Build, moduleBytes } from "./wasm/module.ts";

const builds: Build[] = probeHost().relaxed ? ["strict", "relaxed"] : ["strict"];
const open = (build: Build, threads: number, spread = false) => openWasm({ build, threads, reason: "a test", spread });

const reference = openReference("the definition");
describe("reference", () => blockCases(reference));

for (const build of builds) {
  const alone = await open(build, 1);
  const pooled = await open(build, 3, true);
  describe(`wasm ${build}, one thread`, () => blockCases(alone));
  describe(`wasm ${build}, every job on 3 workers`, () => blockCases(pooled));

  it(`${build}: ten epochs of 6,000 entries, their squared lengths carried along, follow the reference to 1e-4`, async () => {
    const size = {
      left: 200,
      right: 150,
      entries: 6000,
      rank: 24,
      biases: "both",
      slowStart: true,
      calls: 10,
    } as const;
    const worlds = [blockWorld(reference, size), blockWorld(alone, size)];
    const [exact, sums] = [await worlds[0].epochs(10), await worlds[1].epochs(10)];
    for (const [i, sum] of sums.entries()) expect(sum / exact[i]).toBeCloseTo(1, 4);
    const [rows, got] = worlds.map((world) => world.moved());
    for (const [a, array] of got.entries()) {
      for (let i = 0; i < array.length; i++)
        expect(Math.abs(array[i] - rows[a][i])).toBeLessThan(1e-4 * (1 + Math.abs(rows[a][i])));
    }
    for (const world of worlds) world.close();
  });

  it(`${build}: 1, 2 and 3 threads, on workers or not, records inside or outside of the memory, give the same bytes`, async () => {
    const digests: string[] = [];
    // As if no byte more could be addressed than must be: records lie outside of the memory.
    const outside = (threads: number) => openWasm({ build, threads, reason: "a test", spread: true, mostBytes: 1 });
    const inside = [alone, await open(build, 2), await open(build, 2, true), pooled];
    for (const kernels of [...inside, await outside(1), await outside(2), await outside(3)]) {
      digests.push(await digestOfBlocks(kernels));
    }
    expect(new Set(digests).size).toBe(1);
  });

  it(`${build}: a block of 11,000 records outside of the memory, brought 2,048 at a time, gives the bytes of one inside`, async () => {
    const grid = { leftBlocks: 1, rightBlocks: 1, leftRows: 130, rightRows: 90 };
    const outside = await openWasm({ build, threads: 1, reason: "a test", mostBytes: 1 });
    const digests: string[] = [];
    for (const kernels of [alone, outside]) {
      const world = blockWorld(kernels, { left: 130, right: 90, entries: 11_000, rank: 20, biases: "both", grid });
      expect(world.problem.record.buffer === world.at.left.data.buffer).toBe(kernels === alone);
      await world.w.shuffleBlocks(world.problem, 8, 5);
      const digest = new Digest().add(Float64Array.from(await world.epochs(3))).add(world.problem.record);
      for (const array of world.moved()) digest.add(array);
      digests.push(digest.hex());
      world.close();
    }
    expect(digests[1]).toBe(digests[0]);
  });

  it(`${build}: the module has no data, which would be written into every workspace`, async () => {
    expect(sectionsOf(moduleBytes(build, true))).not.toContain(11);
  });
}

it("strict: blocks give the recorded bytes, as on every engine and machine", async () => {
  expect(await digestOfBlocks(await open("strict", 2))).toBe("239ead94e95cf301");
});

describe("the grid", () => {
  it("has at least 8 × 8 blocks, and right blocks of about 1 MB", () => {
    expect(blockGrid(30, 20, 4)).toEqual({ leftBlocks: 8, rightBlocks: 8, leftRows: 4, rightRows: 3 });
    for (const rank of [16, 64, 128]) {
      const { rightBlocks, rightRows } = blockGrid(138_000, 27_000, rank);
      expect(rightBlocks === 8 || Math.abs((rightRows * (4 * rank + 32)) / 2 ** 20 - 1) < 0.1).toBe(true);
    }
  });

  it("has blocks of at most 65,536 rows, and a whole number of strips", () => {
    for (const [left, right] of [
      [10_000_000, 100],
      [3, 9_000_000],
      [2_000_000, 1_000_000],
    ]) {
      const grid = blockGrid(left, right, 32);
      expect(Math.max(grid.leftRows, grid.rightRows)).toBeLessThanOrEqual(65_536);
      expect(grid.leftBlocks % grid.rightBlocks).toBe(0);
      expect(grid.leftBlocks * grid.leftRows).toBeGreaterThanOrEqual(left);
      expect(grid.rightBlocks * grid.rightRows).toBeGreaterThanOrEqual(right);
    }
  });
});

/** Ids of a module's sections. */
function sectionsOf(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < bytes.length; ) {
    ids.push(bytes[at++]);
    let [length, shift] = [0, 0];
    do {
      length |= (bytes[at] & 0x7f) << shift;
      shift += 7;
    } while (bytes[at++] & 0x80);
    at += length;
  }
  return ids;
}
