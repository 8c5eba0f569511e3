/** What every model keeps about the training that it came from. */
import type { Kernels } from "../kernels/index.ts";
import type { Provenance } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { version } from "./version.ts";

/** @param method with its options, the numbers that came of `auto` among them */
export function provenanceOf(
  { name, options }: { readonly name: string; readonly options: Provenance["options"] },
  { hash }: Pick<Ratings, "hash">,
  { backend, build }: Pick<Kernels, "backend" | "build">,
  seed: number,
  passes: number,
): Provenance {
  return { method: name, options, seed, dataHash: hash, backend: `${backend} ${build}`, version, passes };
}
