/**
 * Top-n on a WebAssembly memory: items into codes, questions into jobs of blocks of queries.
 *
 * The order of the items in the codes is made here, in two passes over buckets of falling reach, because it is the same for any
 * number of threads and short beside the encoding.
 */
import { nextTurn, turnIsOver } from "../../support/index.ts";
import { checkEncode, checkTopN } from "../checks.ts";
import { type CodesProblem, PANEL_ROWS, panelBytes } from "../codes.ts";
import type { TopNProblem } from "../kernels.ts";
import * as plan from "./plan.ts";
import { pitchOf } from "./rows.ts";
import type { Runner } from "./runner.ts";

/** Places in a panel's header (assembly/codes.ts), in 4-byte words. */
const SIZE = 8;
const MARGIN = 10;
const REACH = 11;
const REACH_BIAS = 12;
const BIAS = 16;
const ROW = 24;
const NO_ROW = 0xffffffff;

/** Buckets of the order: the leading 16 bits of a float, eight of them behind the point of two. */
const BUCKETS = 1 << 16;

/** A query meets an item's codes at this many times the speed of its floats. */
const CODES_SPEED = 4;

/** An item offered to a list takes about so many multiply-adds. */
const OFFER_COST = 64;

/** Items between looks at the clock. */
const SLICE = 1 << 16;

export async function encode(runner: Runner, problem: CodesProblem): Promise<void> {
  checkEncode(problem);
  const { items, itemBias, codes } = problem;
  if (items.rows === 0) return;
  const panels = Math.ceil(items.rows / PANEL_ROWS);
  const cost = 8 * items.rows * items.stride;
  const [table, out] = [runner.address(items.data), runner.address(codes)];
  const shape = [items.rank, pitchOf(items)];
  await runner.run("codeLengths", [table, out, items.rows, ...shape], panels, cost);
  const headers = new Headers(codes, panels, items.rank);
  await putInOrder(headers, items.rows, itemBias);
  await runner.run("codePanels", [table, runner.address(itemBias), out, ...shape], panels, 2 * cost);
  headers.setReaches();
}

export async function topN(runner: Runner, problem: TopNProblem): Promise<void> {
  checkTopN(problem);
  const { query, queries, items, itemBias, codes, excluded, allowed, n } = problem;
  if (query.length === 0) return;
  plan.checkScratch("topN", plan.topNScratchBytes(items.rank), runner.sizes.scratchBytes);
  const { threads, spread } = runner.settings;
  const { shared, sharedBytes } = runner.sizes;
  const cost = (query.length * items.rows * (items.stride + 16)) / CODES_SPEED;
  const size = { count: query.length, rows: items.rows, rank: items.rank, n };
  const room = plan.isShort(cost) && !spread ? 0 : sharedBytes;
  const { blockSize, ranges, rangeSize } = plan.topNShares(size, { threads, room, split: spread });
  const lists =
    ranges === 1
      ? {
          item: runner.address(problem.item),
          score: runner.address(problem.score),
          listed: runner.address(problem.listed),
          floor: 0,
        }
      : listsOfRanges(shared, query.length, n, ranges);
  if (ranges > 1) new Float32Array(runner.block.buffer, lists.floor, query.length).fill(Number.NEGATIVE_INFINITY);
  const args = [
    runner.address(query),
    runner.address(queries.data),
    runner.address(items.data),
    runner.address(codes),
    itemBias === undefined ? 0 : 1,
    runner.address(excluded?.start),
    runner.address(excluded?.index),
    runner.address(allowed),
    n,
    lists.item,
    lists.score,
    lists.listed,
    lists.floor,
    query.length,
    items.rows,
    rangeSize,
    blockSize,
    plan.topNChunk(items.rank),
    items.rank,
    pitchOf(items),
  ];
  await runner.run("topN", args, ranges * Math.ceil(query.length / blockSize), cost);
  if (ranges > 1) await mergeLists(runner, problem, lists, ranges);
}

/** Where ranges have their lists, in the room shared by the threads of a job, and the scores that they have reached. */
interface RangeLists {
  readonly floor: number;
  readonly listed: number;
  readonly score: number;
  readonly item: number;
}

function listsOfRanges(room: number, count: number, n: number, ranges: number): RangeLists {
  const listed = room + 4 * count;
  const score = listed + 4 * count * ranges;
  return { floor: room, listed, score, item: score + 4 * count * ranges * n };
}

async function mergeLists(runner: Runner, problem: TopNProblem, of: RangeLists, ranges: number): Promise<void> {
  const { query, n } = problem;
  const args = [
    runner.address(problem.item),
    runner.address(problem.score),
    runner.address(problem.listed),
    of.item,
    of.score,
    of.listed,
    ranges,
    query.length,
    n,
  ];
  await runner.run("mergeLists", args, query.length, query.length * ranges * n * OFFER_COST);
}

/** The headers of panels: their words as floats and as whole numbers. */
class Headers {
  readonly panels: number;
  readonly words: number;
  readonly real: Float32Array;
  readonly whole: Uint32Array;

  constructor(codes: Uint8Array, panels: number, rank: number) {
    this.panels = panels;
    this.words = panelBytes(rank) / 4;
    this.real = new Float32Array(codes.buffer, codes.byteOffset, panels * this.words);
    this.whole = new Uint32Array(codes.buffer, codes.byteOffset, panels * this.words);
  }

  /** The word of place i: panel i / 8, its lane i % 8 of a header's field */
  at(i: number, field: number): number {
    return (i >>> 3) * this.words + field + (i & 7);
  }

  /** For each panel, the most that it or a later one has: of `size`, and of bias and margin together. */
  setReaches(): void {
    const { real } = this;
    let reach = 0;
    let reachBias = Number.NEGATIVE_INFINITY;
    for (let panel = this.panels - 1; panel >= 0; panel--) {
      const at = panel * this.words;
      reach = Math.max(reach, real[at + SIZE]);
      for (let lane = 0; lane < PANEL_ROWS; lane++) {
        // A margin is a few roundings of the largest bias of its panel, so this sum's own rounding is within it.
        const most = real[at + BIAS + lane] + 2 * real[at + MARGIN];
        if (most > reachBias) reachBias = most;
      }
      real[at + REACH] = reach;
      real[at + REACH_BIAS] = reachBias;
    }
  }
}

/** Writes the numbers of the rows into the panels, by falling length, or by what a query of the items' usual length may score. */
async function putInOrder(headers: Headers, rows: number, itemBias: Float32Array | undefined): Promise<void> {
  const { real, whole } = headers;
  const keys = new Float32Array(rows);
  const bits = new Int32Array(keys.buffer);
  let squares = 0;
  for (let i = 0; i < rows; i++) {
    keys[i] = real[headers.at(i, 0)];
    if (Number.isFinite(keys[i])) squares += keys[i] * keys[i];
  }
  const usual = Math.sqrt(squares / rows);
  const start = new Uint32Array(BUCKETS + 1);
  for (let i = 0; i < rows; i++) {
    if (itemBias !== undefined) keys[i] = keys[i] * usual + itemBias[i];
    if (Number.isNaN(keys[i])) keys[i] = Number.POSITIVE_INFINITY;
    start[bucketOf(bits[i]) + 1]++;
    if (i % SLICE === 0 && turnIsOver()) await nextTurn();
  }
  for (let bucket = 0; bucket < BUCKETS; bucket++) start[bucket + 1] += start[bucket];
  for (let i = 0; i < rows; i++) {
    whole[headers.at(start[bucketOf(bits[i])]++, ROW)] = i;
    if (i % SLICE === 0 && turnIsOver()) await nextTurn();
  }
  for (let i = rows; i < headers.panels * PANEL_ROWS; i++) whole[headers.at(i, ROW)] = NO_ROW;
}

/** Larger floats in earlier buckets: the bits of a float rise with it when it is positive and fall when it is negative. */
function bucketOf(bits: number): number {
  const rising = bits < 0 ? ~bits >>> 16 : (bits >>> 16) | 0x8000;
  return BUCKETS - 1 - rising;
}
