/** Which backend, build and thread count this host gets, and why, as a sentence. */
import { knownOptions, LowrankError, oneOf, trueOrFalse, wholeNumber } from "../support/index.ts";
import type { Kernels } from "./kernels.ts";
import { openReference } from "./reference/index.ts";

export interface KernelOptions {
  readonly backend?: "auto" | "wasm" | "reference" | undefined;
  readonly reproducible?: boolean | undefined;
  readonly threads?: number | undefined;
}

const WHO = "openKernels";

export async function openKernels(options: KernelOptions = {}): Promise<Kernels> {
  knownOptions(WHO, options, ["backend", "reproducible", "threads"]);
  const backend = oneOf(WHO, "backend", options.backend ?? "auto", ["auto", "wasm", "reference"]);
  trueOrFalse(WHO, "reproducible", options.reproducible ?? false);
  wholeNumber(WHO, "threads", options.threads ?? 1, 1, 256);
  if (backend === "wasm") throw new LowrankError("backend", "openKernels: the wasm backend is not built yet");
  return openReference("plain TypeScript in double precision, as asked");
}

export async function releaseWorkers(): Promise<void> {}
