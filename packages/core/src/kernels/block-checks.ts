/** Shapes of problems in blocks (blocks.ts), checked once at the door of every backend, as checks.ts does for the others. */
import { LowrankError } from "../support/index.ts";
import {
  BIASED_STATE_WIDTH,
  type BlockEpochs,
  type BlockGrid,
  type BlockProblem,
  type BlockSide,
  MOST_BLOCK_ROWS,
  STATE_WIDTH,
} from "./blocks.ts";
import { atLeast, exactly, whole } from "./checks.ts";

export function checkShuffle(
  problem: Pick<BlockProblem, "grid" | "blockStart" | "record">,
  group: number,
  seed: number,
): void {
  checkEntries("shuffleBlocks", problem);
  whole("shuffleBlocks", "group", group, 1);
  whole("shuffleBlocks", "seed", seed, 0);
}

export function checkBlockEpochs(problem: BlockProblem, epochs: BlockEpochs, sums: Float64Array): void {
  const who = "blockEpochs";
  const { grid, left, right, stateWidth, work } = problem;
  const { leftBlocks, rightBlocks } = grid;
  checkEntries(who, problem);
  checkSide(who, "left", left, leftBlocks * grid.leftRows, stateWidth);
  checkSide(who, "right", right, rightBlocks * grid.rightRows, stateWidth);
  exactly(who, "right rank", right.table.rank, left.table.rank);
  exactly(who, "stateWidth", stateWidth, left.biased || right.biased ? BIASED_STATE_WIDTH : STATE_WIDTH);
  exactly(who, "rates.length", epochs.rates.length, sums.length);
  exactly(who, "order.length", epochs.order.length, sums.length * leftBlocks);
  atLeast(who, "blockSums.length", work.blockSums.length, sums.length * leftBlocks * rightBlocks);
  atLeast(who, "blockTickets.length", work.blockTickets.length, 32 * (1 + leftBlocks + rightBlocks));
  for (const [place, diagonal] of epochs.order.entries()) {
    const strip = Math.floor(diagonal / rightBlocks);
    const first = place - (place % rightBlocks);
    if (diagonal < leftBlocks && strip === Math.floor(epochs.order[first] / rightBlocks)) continue;
    throw new LowrankError("shape", `${who}: order[${place}] is ${diagonal}, which is not a diagonal of its strip`);
  }
}

function checkEntries(
  who: string,
  { grid, blockStart, record }: Pick<BlockProblem, "grid" | "blockStart" | "record">,
): void {
  checkGrid(who, grid);
  exactly(who, "blockStart.length", blockStart.length, grid.leftBlocks * grid.rightBlocks + 1);
  exactly(who, "record.length", record.length, 2 * blockStart[blockStart.length - 1]);
}

function checkGrid(who: string, { leftBlocks, rightBlocks, leftRows, rightRows }: BlockGrid): void {
  const fits = leftRows <= MOST_BLOCK_ROWS && rightRows <= MOST_BLOCK_ROWS && leftBlocks % rightBlocks === 0;
  if (fits) return;
  throw new LowrankError(
    "shape",
    `${who}: a grid of ${leftBlocks} × ${rightBlocks} blocks of ${leftRows} × ${rightRows} rows cannot be; ` +
      `blocks have at most ${MOST_BLOCK_ROWS} rows, and left blocks are a multiple of right blocks`,
  );
}

function checkSide(who: string, word: string, { table, state }: BlockSide, room: number, stateWidth: number): void {
  exactly(who, `${word} table's length`, table.data.length, table.rows * table.stride);
  exactly(who, `${word} state's length`, state.length, table.rows * stateWidth);
  atLeast(who, `rows of all ${word} blocks`, room, table.rows);
}
