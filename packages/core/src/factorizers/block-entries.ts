/**
 * Ratings in blocks: rows of both sides in a drawn order, the ratings as records of 8 bytes block by block, as kernels/blocks.ts wants them.
 *
 * A counting sort, straight from the ratings into kernel memory: two passes, no second copy. Within a block the ratings come by user.
 */
import { type BlockGrid, longestRow, MOST_BLOCK_ROWS } from "../kernels/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { nextTurn, shuffled, streamSeed, turnIsOver } from "../support/index.ts";

/** Which row stands where: `rowAt[place]`, and the other way round. */
export interface Places {
  readonly rowAt: Uint32Array;
  readonly placeOf: Uint32Array;
}

/** Rows in an order drawn by the seed, so that blocks are about alike, whatever the order of the ids means. */
export function drawPlaces(seed: number, side: "user" | "item", rows: number): Places {
  const rowAt = shuffled(streamSeed(seed, `${side} places`), rows);
  const placeOf = new Uint32Array(rows);
  for (let place = 0; place < rows; place++) placeOf[rowAt[place]] = place;
  return { rowAt, placeOf };
}

/** What is taken from a rating before it is divided by `unit`: what its row's centre differs from the mean. */
export interface Levels {
  readonly user: Float64Array | undefined;
  readonly item: Float64Array | undefined;
  readonly unit: number;
}

/** Users between looks at the clock. */
const TURN_USERS = 256;

/**
 * Fills the records of every block, and where blocks begin.
 *
 * @param blockStart u32[blocks + 1], written
 * @param record u32[2 · ratings], written
 * @param atTurn called whenever others had their turn; what it throws ends the work
 */
export async function fillBlocks(
  ratings: Ratings,
  grid: BlockGrid,
  places: { readonly user: Places; readonly item: Places },
  { user: userLevel, item: itemLevel, unit }: Levels,
  { blockStart, record }: { readonly blockStart: Uint32Array; readonly record: Uint32Array },
  atTurn: () => void,
): Promise<void> {
  const { start, index, value } = ratings.byUser;
  const { rightBlocks, leftRows, rightRows } = grid;
  const { rowAt } = places.user;
  const { placeOf } = places.item;
  const blockOf = new Uint16Array(placeOf.length);
  const high = new Uint32Array(placeOf.length);
  for (let item = 0; item < placeOf.length; item++) {
    blockOf[item] = Math.floor(placeOf[item] / rightRows);
    high[item] = (placeOf[item] % rightRows) * MOST_BLOCK_ROWS;
  }
  blockStart.fill(0);
  for (let place = 0; place < rowAt.length; place++) {
    const first = Math.floor(place / leftRows) * rightBlocks + 1;
    const end = start[rowAt[place] + 1];
    for (let cell = start[rowAt[place]]; cell < end; cell++) blockStart[first + blockOf[index[cell]]]++;
    if (place % TURN_USERS === 0) await turn();
  }
  for (let block = 1; block < blockStart.length; block++) blockStart[block] += blockStart[block - 1];
  const next = blockStart.slice(0, -1);
  const values = new Float32Array(record.buffer, record.byteOffset, record.length);
  const own = new Float32Array(longestRow(ratings.byUser, rowAt.length));
  for (let place = 0; place < rowAt.length; place++) {
    const user = rowAt[place];
    const first = Math.floor(place / leftRows) * rightBlocks;
    const low = place % leftRows;
    const level = userLevel === undefined ? 0 : userLevel[user];
    const from = start[user];
    const end = start[user + 1];
    value.writeTo(own, from, end);
    for (let cell = from; cell < end; cell++) {
      const item = index[cell];
      const to = 2 * next[first + blockOf[item]]++;
      record[to] = high[item] + low;
      values[to + 1] = (own[cell - from] - level - (itemLevel === undefined ? 0 : itemLevel[item])) / unit;
    }
    if (place % TURN_USERS === 0) await turn();
  }

  async function turn(): Promise<void> {
    if (!turnIsOver()) return;
    await nextTurn();
    atTurn();
  }
}
