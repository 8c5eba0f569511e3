/**
 * Runs the one behaviour suite on every backend. The strict build is required: a host without it fails here. Other numbers of
 * workers are in the slow lane (kernels.slow.test.ts): they give the same bytes, which is tested here.
 */
import { describe, expect, it } from "vitest";
import { digestOfDescent } from "./descent.case.ts";
import { digestOfEverything, kernelCases } from "./kernels.case.ts";
import type { Kernels } from "./kernels.ts";
import { nonNegativeDigest } from "./nonnegative.case.ts";
import { packedRowCases } from "./packed-rows.case.ts";
import { productDigest } from "./products.case.ts";
import { openReference } from "./reference/index.ts";
import { squareDigest } from "./squares.case.ts";
import { probeHost } from "./wasm/host.ts";
import { openWasm } from "./wasm/index.ts";
import type { Build } from "./wasm/module.ts";

/** Engines before relaxed vectors (Node 20) cannot compile the relaxed build; all others must pass with it. */
const builds: Build[] = probeHost().relaxed ? ["strict", "relaxed"] : ["strict"];

const open = (build: Build, threads: number, spread = false): Promise<Kernels> =>
  openWasm({ build, threads, reason: "a test", spread });

/** As if no byte more could be addressed than must be: arrays in pieces lie outside of the memory. */
const openOutside = (build: Build, threads: number, spread: boolean): Promise<Kernels> =>
  openWasm({ build, threads, reason: "a test", spread, mostBytes: 1 });

describe("reference", () => kernelCases(openReference("the definition")));

for (const build of builds) {
  const alone = await open(build, 1);
  describe(`wasm ${build}, one thread, memory not shared`, () => kernelCases(alone));
  const pooled = await open(build, 3, true);
  describe(`wasm ${build}, every job on 3 workers`, () => kernelCases(pooled));

  for (const [threads, spread] of [
    [1, false],
    [2, true],
    [3, false],
  ] as const) {
    const outside = await openOutside(build, threads, spread);
    const where = spread ? "on workers" : "where it is sooner";
    describe(`wasm ${build}, entries outside, ${threads} threads, ${where}`, () => packedRowCases(outside));
  }

  it(`${build}: 1, 2 and 3 threads, on workers or not, give the same bytes in every routine`, async () => {
    for (const digestOf of [digestOfEverything, digestOfDescent, productDigest, squareDigest, nonNegativeDigest]) {
      const digests = await Promise.all(
        [open(build, 1), open(build, 2), open(build, 2, true), open(build, 3, true)].map(async (kernels) =>
          digestOf(await kernels),
        ),
      );
      expect(new Set(digests).size).toBe(1);
    }
  });
}

it("strict: every routine gives the recorded bytes, as on every engine and machine", async () => {
  expect(await digestOfEverything(await open("strict", 2))).toBe("8c7fb509935352b7");
  expect(await productDigest(await open("strict", 2))).toBe("1eb19bb95a19ad13");
  expect(await nonNegativeDigest(await open("strict", 2))).toBe("09b567b2a08fa4a5");
  expect(await squareDigest(await open("strict", 2))).toBe("6e884087c319b972");
});

it("strict: every descent gives the recorded bytes, as on every engine and machine", async () => {
  expect(await digestOfDescent(await open("strict", 2))).toBe("6935bfa19935fc14");
});
