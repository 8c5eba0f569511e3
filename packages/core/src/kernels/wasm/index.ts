/**
 * Backend `wasm`: AssemblyScript kernels with 128-bit vectors, on all threads where memory can be shared.
 *
 * Comes in: a build and a thread count that the host can give (see choose.ts). Goes out: Kernels.
 */
import type { Kernels, Layout } from "../kernels.ts";
import { MOST_BYTES } from "./memory.ts";
import { type Build, compile } from "./module.ts";
import { allPlanned, planLayout } from "./plan.ts";
import type { Settings } from "./runner.ts";
import { openWorkspace } from "./workspace.ts";

export interface WasmOptions {
  readonly build: Build;
  readonly threads: number;
  readonly reason: string;
  /** True sends every job to the workers, one unit at a time, however small: for tests. Default false */
  readonly spread?: boolean;
  /** Bytes of the largest block, for tests. Default: all that can be addressed, 4 GiB */
  readonly mostBytes?: number;
}

export async function openWasm(options: WasmOptions): Promise<Kernels> {
  const { build, threads, reason, spread = false, mostBytes = MOST_BYTES } = options;
  const settings: Settings = { module: await compile(build, threads > 1), threads, spread, mostBytes };
  return {
    backend: "wasm",
    build,
    threads,
    reason,
    mostBytes,
    bytesFor: (layout) => allPlanned(planLayout(layout, threads, mostBytes)),
    addressedBytes: (layout) => planLayout(layout, threads, mostBytes).bytes,
    open: <L extends Layout>(layout: L) => openWorkspace(layout, settings),
  };
}
