/** Which backend, build and thread count this host gets, and why, as a sentence. */
import { knownOptions, LowrankError, OptionError, oneOf, trueOrFalse, wholeNumber } from "../support/index.ts";
import type { Kernels } from "./kernels.ts";
import { openReference } from "./reference/index.ts";
import { type Host, probeHost } from "./wasm/host.ts";
import { openWasm } from "./wasm/index.ts";
import type { Build } from "./wasm/module.ts";
import { endIdle, workersStart } from "./wasm/pool.ts";

export interface KernelOptions {
  /**
   * `auto` (default) takes wasm, or the reference where the host cannot run it; the other two are taken or refused. The
   * reference has one thread, so it is refused together with more
   */
  readonly backend?: "auto" | "wasm" | "reference" | undefined;
  /**
   * True asks for arithmetic with the same bits on every machine, at some cost in speed: the strict build of wasm. A host
   * that cannot run wasm refuses instead of falling back, because the reference gives other bits. Default false
   */
  readonly reproducible?: boolean | undefined;
  /** Threads, 1 to 256; results do not depend on it. Default: all cores */
  readonly threads?: number | undefined;
}

export type Choice =
  | { readonly backend: "reference"; readonly reason: string }
  | { readonly backend: "wasm"; readonly build: Build; readonly threads: number; readonly reason: string };

const WHO = "openKernels";
const MAX_THREADS = 256;

/** Opens the kernels that suit this host. `reason` of the result says why these. */
export async function openKernels(options: KernelOptions = {}): Promise<Kernels> {
  const host = probeHost();
  let choice = chooseKernels(options, host);
  if (choice.backend === "wasm" && choice.threads > 1 && !(await workersStart())) {
    choice = chooseKernels(options, { ...host, workers: false });
  }
  return choice.backend === "reference" ? openReference(choice.reason) : openWasm(choice);
}

/** Ends the pool's idle workers. They keep no Node process alive, but each holds a few megabytes. */
export function releaseWorkers(): Promise<void> {
  return endIdle();
}

/**
 * The decision alone, for any host.
 *
 * @throws LowrankError `backend` when wasm is asked for, or needed for `reproducible`, and cannot run; OptionError
 */
export function chooseKernels(options: KernelOptions, host: Host): Choice {
  knownOptions(WHO, options, ["backend", "reproducible", "threads"]);
  const backend = oneOf(WHO, "backend", options.backend ?? "auto", ["auto", "wasm", "reference"]);
  const reproducible = trueOrFalse(WHO, "reproducible", options.reproducible ?? false);
  const wanted = wholeNumber(WHO, "threads", options.threads ?? Math.min(host.cores, MAX_THREADS), 1, MAX_THREADS);
  if (backend === "reference") {
    if (options.threads !== undefined && wanted > 1) {
      throw new OptionError(WHO, "threads", wanted, '1 or left out with backend "reference"', "it has one thread");
    }
    return { backend, reason: "plain TypeScript in double precision on one thread, as asked" };
  }
  if (!host.simd || !host.compiles) {
    const why = host.simd
      ? "this page's content policy forbids WebAssembly (script-src must allow 'wasm-unsafe-eval')"
      : "this host has no WebAssembly with 128-bit vectors";
    if (backend === "auto" && !reproducible) {
      return { backend: "reference", reason: `plain TypeScript in double precision on one thread: ${why}` };
    }
    throw cannotRun(backend, reproducible, why);
  }
  const { build, why } = chooseBuild(reproducible, host);
  const threads = chooseThreads(wanted, options.threads !== undefined, host);
  return {
    backend: "wasm",
    build,
    threads: threads.count,
    reason: `WebAssembly, ${build} build (${why}), ${threads.why}`,
  };
}

function cannotRun(backend: "auto" | "wasm", reproducible: boolean, why: string): LowrankError {
  const what = backend === "wasm" ? 'backend "wasm" cannot run' : "reproducible needs the strict build of wasm";
  const remedy = reproducible
    ? "run it where WebAssembly runs, or leave reproducible out and take the reference, whose bits are others"
    : 'use backend "auto"';
  return new LowrankError("backend", `${WHO}: ${what}: ${why}; ${remedy}`, { backend, reproducible });
}

function chooseBuild(reproducible: boolean, host: Host): { build: Build; why: string } {
  if (reproducible) return { build: "strict", why: "the same bits on every machine, as asked" };
  if (host.relaxed) return { build: "relaxed", why: "fused multiply-add" };
  return { build: "strict", why: "this engine has no relaxed vectors" };
}

function chooseThreads(wanted: number, asked: boolean, host: Host): { count: number; why: string } {
  if (wanted === 1) return { count: 1, why: asked ? "one thread, as asked" : "one thread: this machine has one core" };
  if (!host.shared) {
    const why =
      host.isolated === false
        ? "this page is not cross-origin isolated (it needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)"
        : "this host has no shared memory";
    return { count: 1, why: `one thread: ${why}` };
  }
  if (!host.workers) {
    const cure = host.isolated === undefined ? "" : " (a page's content policy must allow worker-src blob:)";
    return { count: 1, why: `one thread: this host cannot start workers${cure}` };
  }
  return { count: wanted, why: `${wanted} threads${asked ? ", as asked" : ", one per core"}` };
}
