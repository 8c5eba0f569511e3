/** Where the arithmetic of a call is done, as options that every long call takes: kernels already open, or which to open. */
import { OptionError } from "../support/index.ts";
import { type KernelOptions, openKernels } from "./choose.ts";
import type { Kernels } from "./kernels.ts";

export interface EngineOptions extends KernelOptions {
  /** Kernels already open, instead of backend, reproducible and threads, which they decide */
  readonly kernels?: Kernels | undefined;
}

export const engineOptionNames = [
  "backend",
  "reproducible",
  "threads",
  "kernels",
] as const satisfies readonly (keyof EngineOptions)[];

/**
 * The caller's kernels, or kernels opened by the caller's options.
 *
 * @param who the function whose options these are, for errors
 * @throws OptionError when kernels come together with options that would open others
 */
export async function kernelsFor(who: string, options: EngineOptions): Promise<Kernels> {
  const { backend, reproducible, threads, kernels } = options;
  if (kernels === undefined) return openKernels({ backend, reproducible, threads });
  const conflict = Object.entries({ backend, reproducible, threads }).find(([, value]) => value !== undefined);
  if (conflict === undefined) return kernels;
  throw new OptionError(who, conflict[0], conflict[1], "left out when kernels are given", "they decide it");
}
