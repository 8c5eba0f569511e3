/**
 * Sizes: how much memory a layout takes with its scratch, how a block is divided, and how large a job is.
 *
 * A block holds, one after another: the claim counter, a place per thread to report unstable rows, the record of a descent
 * (descent-record.ts) and its tickets, the caller's arrays,
 * scratch shared by the threads of a job, scratch of each thread, an area of each thread for unpacked entries. Sizes follow from the
 * largest table of the layout. Arrays in pieces lie outside, the largest first, as far as the block would be too large with them.
 */
import { LowrankError } from "../../support/index.ts";
import { codeColumns, PANEL_ROWS, panelBytes } from "../codes.ts";
import { type Layout, rowStride } from "../kernels.ts";
import { alignUp, bytesInPieces, layoutBytes } from "../layout.ts";

/** The kernels compute in f32. */
export const REAL_BYTES = 4;

/** Bytes of a thread's report (u32 row, u32 pivot, f32 value), on a cache line of its own. */
export const REPORT_BYTES = 64;

/**
 * Rows of a table's stride in a thread's scratch beside the matrices: a panel of 32, 8 rows, 2 rows of f64 sums. The
 * definition is assembly/scratch.ts.
 */
const EXACT_ROWS = 32 + 8 + 4;

/** A chunk of item codes is at most this large, to stay in a core's second-level cache with room to spare. */
const CHUNK_BYTES = 128 * 1024;

/** Queries of a tile of top-n, and tiles of a block: reading a chunk of codes from a further cache is paid once per block. */
export const TOP_N_TILE = 6;
export const TOP_N_TILES = 32;

/** Ranges of panels, where few queries are answered: bytes of codes in each, some hundred microseconds' work, and how many at most. */
const RANGE_BYTES = 2 ** 20;
const MOST_RANGES = 16;

/** Multiply-adds per millisecond of one thread, as measured at rank 32 to 64 on a machine of 2020. Only guides sizes. */
const SPEED = 8e6;

/** A claim should take about this long: short enough to share evenly, long enough to make the claiming free. */
const CLAIM_MS = 0.25;

/** A job estimated to be shorter than this many milliseconds is done here before a worker would have answered. */
const HERE_BELOW_MS = 2;

/** The record of a descent (descent-record.ts). */
export const DESCENT_RECORD_BYTES = 328;

/** Tickets of a job of phases (assembly/tickets.ts): two counters, on cache lines of their own. */
export const TICKET_BYTES = 128;

/** A thread's scratch for descent, as assembly/descent.ts has it: rows of a table's stride, and bytes beside them. */
const DESCENT_ROWS = 14;
const DESCENT_BYTES = 4096 + 64;

export interface Plan {
  readonly record: number;
  readonly tickets: number;
  readonly arrays: number;
  readonly shared: number;
  readonly sharedBytes: number;
  readonly scratch: number;
  readonly scratchBytes: number;
  readonly pieces: number;
  /** Entries that fit in a thread's area, and the bytes of it */
  readonly pieceEntries: number;
  readonly pieceBytes: number;
  /** Of the block */
  readonly bytes: number;
  /** Bytes of the arrays outside of the block, by name */
  readonly outside: ReadonlyMap<string, number>;
}

/** Bytes of the block and of what lies outside. */
export function allPlanned({ bytes, outside }: Plan): number {
  let sum = bytes;
  for (const each of outside.values()) sum += each;
  return sum;
}

/** @param mostBytes of a block */
export function planLayout(layout: Layout, threads: number, mostBytes: number): Plan {
  const record = (1 + threads) * REPORT_BYTES;
  const tickets = record + alignUp(DESCENT_RECORD_BYTES);
  const arrays = tickets + TICKET_BYTES;
  let arrayBytes = layoutBytes(layout, REAL_BYTES);
  let pieceEntries = 0;
  let sharedBytes = 0;
  let scratchBytes = 0;
  for (const slot of Object.values(layout)) {
    if (slot.kind === "perThread") scratchBytes = Math.max(scratchBytes, REAL_BYTES * slot.length);
    if (slot.kind === "pieces") pieceEntries = Math.max(pieceEntries, slot.length);
    if (slot.kind === "realTable") scratchBytes = Math.max(scratchBytes, descentScratchBytes(slot.rank));
    if (slot.kind !== "table") continue;
    sharedBytes = Math.max(sharedBytes, gramBytes(slot.rows, slot.rank), whitenBytes(slot.rank));
    scratchBytes = Math.max(scratchBytes, rowScratchBytes(slot.rank), topNScratchBytes(slot.rank));
  }
  scratchBytes = alignUp(scratchBytes);
  const pieceBytes = pieceEntries === 0 ? 0 : pieceArea(pieceEntries);
  const own = threads * (scratchBytes + pieceBytes);
  const outside = new Map<string, number>();
  for (const [name, bytes] of bytesInPieces(layout, REAL_BYTES)) {
    if (arrays + arrayBytes + alignUp(sharedBytes) + own <= mostBytes) break;
    outside.set(name, bytes);
    arrayBytes -= bytes;
  }
  const shared = arrays + arrayBytes;
  const scratch = shared + alignUp(sharedBytes);
  const pieces = scratch + threads * scratchBytes;
  return {
    record,
    tickets,
    arrays,
    shared,
    sharedBytes,
    scratch,
    scratchBytes,
    pieces,
    pieceEntries,
    pieceBytes,
    bytes: pieces + threads * pieceBytes,
    outside,
  };
}

/** Bytes of an area for so many unpacked entries, as assembly/pieces.ts has it: a header, and twice the entries with their margins. */
export function pieceArea(entries: number): number {
  return 64 + 2 * (alignUp(4 * entries) + 128);
}

/** Tables and nets that are not the layout's own could need more scratch than there is. */
export function checkScratch(who: string, needed: number, present: number): void {
  if (needed <= present) return;
  throw new LowrankError("shape", `${who}: a table or net is larger than those of the workspace's layout`, { who });
}

/** Packed entries are unpacked by whole rows. */
export function checkPieces(who: string, longest: number, present: number): void {
  if (longest <= present && present > 0) return;
  const what = `a row has ${longest} packed entries, and the layout's \`pieces\` have room for ${present}`;
  throw new LowrankError("shape", `${who}: ${what}`, { who, longest, present });
}

/** Parts of a Gram matrix: from the number of rows alone, so that the sums do not depend on the number of threads. */
export function gramPartCount(rows: number): number {
  return Math.max(1, Math.min(16, Math.ceil(rows / 256)));
}

export function gramBytes(rows: number, rank: number): number {
  return gramPartCount(rows) * 4 * rowStride(rank) ** 2;
}

/** Four f32 matrices, then two f64 ones (assembly/whiten.ts). */
export function whitenBytes(rank: number): number {
  return 16 * rowStride(rank) ** 2 + 16 * rank ** 2;
}

/** A panel and rows, a matrix in f32, and one in f64 for the totals of long rows. */
export function rowScratchBytes(rank: number): number {
  const stride = rowStride(rank);
  return 4 * stride * (3 * stride + EXACT_ROWS);
}

/** Panels of codes in a chunk of top-n. */
export function topNChunk(rank: number): number {
  return Math.max(1, Math.floor(CHUNK_BYTES / panelBytes(rank)));
}

/** How so many queries are shared among threads: by blocks of them, each against all panels, or by ranges of panels. */
export interface TopNShares {
  readonly blockSize: number;
  readonly ranges: number;
  /** Panels per range */
  readonly rangeSize: number;
}

/**
 * Ranges where they are more than the tiles of the queries, the room shared by threads holds their lists, and the job is not short: of the
 * problem and the layout alone. Lists are the same in any case.
 *
 * @param split as many ranges as can be, however short the job
 */
export function topNShares(
  {
    count,
    rows,
    rank,
    n,
  }: { readonly count: number; readonly rows: number; readonly rank: number; readonly n: number },
  { threads, room, split }: { readonly threads: number; readonly room: number; readonly split: boolean },
): TopNShares {
  const panels = Math.ceil(rows / PANEL_ROWS);
  const chunk = split ? 1 : topNChunk(rank);
  const least = split ? 1 : chunk * Math.max(1, Math.round(RANGE_BYTES / CHUNK_BYTES));
  const tiles = Math.ceil(count / TOP_N_TILE);
  const held = Math.floor((room - 4 * count) / (4 * count * (2 * n + 1)));
  const most = Math.min(MOST_RANGES, held);
  if (tiles <= TOP_N_TILES && most >= 1) {
    const rangeSize = Math.max(least, Math.ceil(panels / most));
    const ranges = Math.ceil(panels / rangeSize);
    if (ranges > 1 && ranges > tiles) return { blockSize: count, ranges, rangeSize };
  }
  const share = Math.ceil(count / (threads === 1 ? 1 : 4 * threads));
  const blockSize = TOP_N_TILE * Math.min(TOP_N_TILES, Math.ceil(share / TOP_N_TILE));
  return { blockSize, ranges: 1, rangeSize: panels };
}

/** Records of a block's tiles (assembly/top-n.ts). */
export function topNScratchBytes(rank: number): number {
  return TOP_N_TILES * alignUp(256 + TOP_N_TILE * codeColumns(rank));
}

export function descentScratchBytes(rank: number): number {
  return DESCENT_ROWS * 4 * rowStride(rank) + DESCENT_BYTES;
}

export function isShort(multiplyAdds: number): boolean {
  return milliseconds(multiplyAdds) < HERE_BELOW_MS;
}

export function milliseconds(multiplyAdds: number): number {
  return multiplyAdds / SPEED;
}

/** Units to claim at a time, for a job of so many units that takes about so long. */
export function grainFor(units: number, ms: number): number {
  return Math.max(1, Math.min(4096, Math.floor((units * CLAIM_MS) / Math.max(ms, CLAIM_MS))));
}
