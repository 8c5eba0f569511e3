/** Runs the behaviour suite on a pool of two workers and on more workers than there is work for; kernels.test.ts runs the others. */
import { describe } from "vitest";
import { blockCases } from "./blocks.case.ts";
import { kernelCases } from "./kernels.case.ts";
import { netCases } from "./net.case.ts";
import { probeHost } from "./wasm/host.ts";
import { openWasm } from "./wasm/index.ts";

for (const build of probeHost().relaxed ? (["strict", "relaxed"] as const) : (["strict"] as const)) {
  for (const threads of [2, 13]) {
    const kernels = await openWasm({ build, threads, reason: "a test", spread: true });
    describe(`wasm ${build}, every job on ${threads} workers`, () => {
      kernelCases(kernels);
      netCases(kernels);
      blockCases(kernels);
    });
  }
}
