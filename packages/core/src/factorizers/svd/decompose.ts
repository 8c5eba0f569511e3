/** Which way a matrix is decomposed, and how much memory that takes. */
import type { Kernels } from "../../kernels/index.ts";
import type { Ratings } from "../../ratings/index.ts";
import { DataError } from "../../support/index.ts";
import type { StateArrays } from "../factorizer.ts";
import type { Decomposer } from "./decomposer.ts";
import { ExactSvd, suitsExact } from "./exact.ts";
import { type KrylovSettings, KrylovSvd } from "./krylov.ts";
import { krylovLayout, sizesOf } from "./krylov-layout.ts";
import type { SvdMatrix } from "./matrix.ts";

/** @throws DataError when `from` is not a state of this matrix and these settings */
export function decomposerOf(
  who: string,
  matrix: SvdMatrix,
  settings: KrylovSettings,
  kernels: Kernels,
  from?: StateArrays,
): Decomposer {
  const { users, items } = matrix.ratings;
  if (!suitsExact(users.size, items.size, settings.rank)) return new KrylovSvd(matrix, settings, kernels, from);
  if (from !== undefined && Object.keys(from).length > 0) {
    throw new DataError(`${who}: the state to resume from is of other ratings or settings`, { method: who });
  }
  return new ExactSvd(matrix, settings.rank, from !== undefined);
}

/** Bytes of kernel memory; none where the matrix is decomposed exactly, outside the kernels. */
export function decomposerBytes({ users, items, size }: Ratings, rank: number, kernels: Kernels): number {
  if (suitsExact(users.size, items.size, rank)) return 0;
  return kernels.bytesFor(krylovLayout(sizesOf(users.size, items.size, rank), size));
}
