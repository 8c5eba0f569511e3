/** The best of whole rows of scores, which kernels or sums have made: rows in, one batch of lists out. */
import { nextTurn, turnIsOver } from "../support/index.ts";
import type { RankBatch, RankRequest } from "./ranker.ts";
import { BestOf } from "./select.ts";

/** Scores held at a time: 8 MB. */
export const BLOCK_SCORES = 1 << 21;

const NOTHING = new Uint32Array(0);

/** @param scores the row of query `first + q`: f32[items], every score finite; looked at before the next is asked for */
export async function bestOfRows(
  { n, excluded, allowed }: Pick<RankRequest, "n" | "excluded" | "allowed">,
  first: number,
  count: number,
  scores: (q: number) => Float32Array,
): Promise<RankBatch> {
  const item = new Uint32Array(count * n);
  const score = new Float32Array(count * n);
  const listed = new Uint32Array(count);
  const best = new BestOf(n);
  for (let q = 0; q < count; q++) {
    const row = scores(q);
    const list = item.subarray(q * n, (q + 1) * n);
    listed[q] = best.select(row, excluded?.(first + q) ?? NOTHING, list, allowed);
    for (let place = 0; place < listed[q]; place++) score[q * n + place] = row[list[place]];
    if (turnIsOver()) await nextTurn();
  }
  return { first, count, n, item, score, listed };
}
