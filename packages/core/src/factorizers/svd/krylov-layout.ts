/** What a Krylov decomposition keeps in kernel memory, by name, and how large it may grow. */
import { innerProductScratch, paddedRank, slot } from "../../kernels/index.ts";

/** Columns of a block: one row is one 64-byte chunk of the kernels. */
export const BLOCK = 16;

export interface KrylovSizes {
  /** The shorter side is that of the users */
  readonly byUser: boolean;
  readonly short: number;
  readonly long: number;
  /** Values wanted, at most the shorter side */
  readonly wanted: number;
  /** Columns that a restart keeps */
  readonly kept: number;
  /** Columns of the basis at most */
  readonly capacity: number;
}

export function sizesOf(users: number, items: number, rank: number): KrylovSizes {
  const byUser = users <= items;
  const short = Math.min(users, items);
  const wanted = Math.min(rank, short);
  const kept = paddedRank(wanted) + 3 * BLOCK;
  const capacity = Math.min(paddedRank(short), 2 * paddedRank(wanted) + 8 * BLOCK);
  return { byUser, short, long: Math.max(users, items), wanted, kept: Math.min(kept, capacity), capacity };
}

export type KrylovLayout = ReturnType<typeof krylovLayout>;

export function krylovLayout({ short, long, wanted, kept, capacity }: KrylovSizes, cells: number) {
  const block = { rank: BLOCK };
  const scratch = Math.max(
    innerProductScratch({ rows: short, rank: capacity }, block),
    innerProductScratch({ rows: long, rank: wanted }, block),
  );
  return {
    basis: slot.table(short, capacity),
    block: slot.table(short, BLOCK),
    work: slot.table(short, BLOCK),
    spare: slot.table(short, BLOCK),
    image: slot.table(long, BLOCK),
    vectors: slot.table(short, kept),
    images: slot.table(long, wanted),
    coefficient: slot.table(capacity, BLOCK),
    ritz: slot.table(capacity, kept),
    inner: slot.f64(Math.max(capacity, wanted) * BLOCK),
    scratch: slot.f64(scratch),
    shortStart: slot.u32(short + 1),
    shortIndex: slot.u32(cells),
    shortValue: slot.f32(cells),
    longStart: slot.u32(long + 1),
    longIndex: slot.u32(cells),
    longValue: slot.f32(cells),
  };
}
