/**
 * Rows of models trained by sampled gradients: tables in kernel memory in, what scores are products of out. Users are made of
 * their items too (`historyWeight`), cosines become products of rows of length 1.
 */
import { type RealTable, unpadded } from "../kernels/index.ts";
import { historyShare, toLength1 } from "../model/index.ts";
import type { CompressedRows } from "../ratings/index.ts";
import { nextTurn, throwIfAborted } from "../support/index.ts";
import type { SampledSettings } from "./sampled-run.ts";

type RowSettings = Pick<SampledSettings, "name" | "cosine" | "historyWeight">;

/** Multiply-adds after which others have their turn: some milliseconds. */
const PRODUCTS_PER_TURN = 2 ** 23;

/** Without padding; with `cosine` of length 1. */
export function itemRows(table: RealTable, { cosine }: Pick<RowSettings, "cosine">): Float32Array {
  const rows = unpadded(table);
  const row = new Float64Array(table.rank);
  for (let from = 0; cosine && from < rows.length; from += row.length) {
    row.set(rows.subarray(from, from + row.length));
    toLength1(row);
    rows.set(row, from);
  }
  return rows;
}

/** @param itemFactors as `itemRows` gives them */
export async function userRows(
  table: RealTable,
  itemFactors: Float32Array,
  { start, index }: CompressedRows,
  settings: RowSettings,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { rank } = table;
  const rows = unpadded(table);
  const row = new Float64Array(rank);
  let products = 0;
  for (let user = 0; user < table.rows; user++) {
    const [begin, end] = [start[user], start[user + 1]];
    const own = rows.subarray(user * rank, (user + 1) * rank);
    row.set(own);
    // A user who chose nothing was never moved.
    if (begin === end) row.fill(0);
    const share = historyShare(settings.historyWeight, end - begin);
    for (let e = begin; share !== 0 && e < end; e++) {
      const from = index[e] * rank;
      for (let k = 0; k < rank; k++) row[k] += share * itemFactors[from + k];
    }
    if (settings.cosine) toLength1(row);
    own.set(row);
    products += rank * (share === 0 ? 1 : end - begin);
    if (products < PRODUCTS_PER_TURN) continue;
    products = 0;
    throwIfAborted(settings.name, signal);
    await nextTurn();
  }
  return rows;
}
