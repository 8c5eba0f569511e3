/**
 * Items by their nearest neighbours: each item keeps the few items that the same users have, and a user's score for it is
 * how much of them is in the user's history.
 *
 *   score(u, i) = Σ_{j ∈ history(u) ∩ near(i)} x_uj · s(i, j)          near(i): the `neighbors` items with the largest s(i, ·)
 *
 * With w_ui what an entry weighs and n_u the length of a user's history:
 *
 *   cosine  w = x                 s(i, j) = w_i · w_j / (|w_i|^2a |w_j|^(2 − 2a) + shrinkage)     a: asymmetry, ½ the cosine itself
 *   tfidf   w = √x · idf_u / m    the same, m² the mean of idf² over all entries
 *   bm25    w = idf_u · x (saturation + 1) / (x + saturation (1 − lengthWeight + lengthWeight · L_i / mean L))     s(i, j) = w_i · w_j
 *
 *   idf_u = ln(1 + (items − n_u + ½) / (n_u + ½)),   L_i = Σ_u x_ui
 *
 * Users are the words of an item here: long histories say little; a common user of usual length adds about 1 to w_i · w_j, which is the unit
 * of the shrinkage. Source: Sarwar et al., WWW 2001; Deshpande & Karypis, TOIS
 * 2004; asymmetric cosine by Aiolli, RecSys 2013; BM25 by Robertson & Zaragoza, 2009, section 3, idf as in Lucene. Cost: Σ_u n_u² products; memory: items ·
 * neighbors.
 */
import { type Kernels, nearestScratch, slot, type Workspace } from "../kernels/index.ts";
import { exactUnit, type HistoryValues, type ItemModel, type SparseItemWeights } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { giveTurn, logOnePlus, power, throwIfAborted, turnIsOver } from "../support/index.ts";
import type { Factorizer, StartFrom } from "./factorizer.ts";
import { fillHistories, historyRows, historySlots, startItems, valuesOption, type WeighedItems } from "./items-run.ts";
import { type OptionTable, type Resolved, resolveOptions } from "./options.ts";

export const itemWeightings = ["cosine", "tfidf", "bm25"] as const;
export type ItemWeighting = (typeof itemWeightings)[number];

export const itemKnnOptions = {
  neighbors: { type: "whole", default: 200, min: 1, max: 10_000, about: "the most neighbours kept of each item" },
  weighting: {
    type: "choice",
    default: "tfidf",
    choices: itemWeightings,
    about: "how items are compared: by cosine of their users, weighted by how little each user has (tfidf), or by BM25",
  },
  shrinkage: {
    type: "number",
    default: 25,
    min: 0,
    max: 1e9,
    about: "added to what similarities are divided by, so that few common users count less: about so many of them",
    when: { option: "weighting", is: ["cosine", "tfidf"] },
  },
  asymmetry: {
    type: "number",
    default: 0.2,
    min: 0,
    max: 1,
    about:
      "how far an item's own length divides its similarities: 0.5 is the cosine, below it popular items come forward",
    when: { option: "weighting", is: ["cosine", "tfidf"] },
  },
  saturation: {
    type: "number",
    default: 1.2,
    min: 0,
    max: 1e6,
    about: "of BM25, k1: how far larger entries weigh more",
    when: { option: "weighting", is: ["bm25"] },
  },
  lengthWeight: {
    type: "number",
    default: 0.75,
    min: 0,
    max: 1,
    about: "of BM25, b: how far entries of items with many of them weigh less, 0 to 1",
    when: { option: "weighting", is: ["bm25"] },
  },
  values: valuesOption(""),
} as const satisfies OptionTable;

/** Options of `itemKnn`; every one may be left out. */
export interface ItemKnnOptions {
  /** The most neighbours kept of each item, 1 to 10,000. Default 200 */
  readonly neighbors?: number;
  /** Default `tfidf` */
  readonly weighting?: ItemWeighting;
  /** From 0; of `cosine` and `tfidf`. Default 25 */
  readonly shrinkage?: number;
  /** 0 to 1; of `cosine` and `tfidf`. Below ½, which is the cosine, popular items come forward. Default 0.2 */
  readonly asymmetry?: number;
  /** k1 of `bm25`, from 0. Default 1.2 */
  readonly saturation?: number;
  /** b of `bm25`, 0 to 1. Default 0.75 */
  readonly lengthWeight?: number;
  /** What an entry of a history counts: 1 (`ones`, default), or its rating or number of events (`given`) */
  readonly values?: HistoryValues;
}

type Options = Resolved<typeof itemKnnOptions>;

/**
 * Item neighbours.
 *
 * @throws OptionError for an unknown option, a value out of range, or one that does not act with this weighting
 */
export function itemKnn(given: ItemKnnOptions = {}): Factorizer<ItemModel> {
  const options = resolveOptions("itemKnn", itemKnnOptions, given);
  return {
    name: "itemKnn",
    options,
    rank: undefined,
    passName: "sweeps",
    passes: 1,
    ignores: options.values === "ones" ? ["rating", "time"] : ["time"],
    ranksOnly: true,
    bytesFor: (ratings: Ratings, kernels: Kernels) => kernels.bytesFor(knnLayout(ratings, options.neighbors)),
    // The neighbours as they are found, and turned around: a weight is an index and a number.
    modelBytes: ({ items }: Ratings) => 8 * items.size * Math.min(options.neighbors, items.size) + 4 * items.size,
    hostBytes: (ratings: Ratings) => 8 * ratings.items.size * Math.min(options.neighbors, ratings.items.size),
    start: async (ratings: Ratings, kernels: Kernels, seed: number, from?: StartFrom) =>
      startItems(
        {
          method: "itemKnn",
          options,
          values: options.values,
          lossName: "mean similarity of neighbours",
          ratings,
          kernels,
          seed,
          weigh: (signal) => neighbourWeights(ratings, kernels, options, signal),
        },
        from,
      ),
  };
}

/** Weights of entries up to this and down to its inverse are taken as they are: no square of theirs leaves 32 bits. */
const PLAIN_WEIGHT = 2 ** 20;
/** Beside products of numbers up to 2 it leaves nothing but is one of 32 bits. */
const MOST_SHRINKAGE = 1e37;

/** What weights are divided by, a power of 4, so that similarities stay what they are. Those of bm25 are about 1 whatever is counted. */
function unitOf(ratings: Ratings, { values, weighting }: Options): number {
  if (values === "ones" || weighting === "bm25") return 1;
  const largest = weighting === "cosine" ? ratings.max : Math.sqrt(ratings.max);
  return largest > PLAIN_WEIGHT || largest < 1 / PLAIN_WEIGHT ? exactUnit(largest) : 1;
}

/** Neighbours of a chunk of items: 2 MB. Between chunks others have their turn. */
const CHUNK_PLACES = 1 << 18;

type KnnLayout = ReturnType<typeof knnLayout>;

function chunkOf(items: number, neighbors: number): number {
  return Math.max(1, Math.min(items, 4096, Math.floor(CHUNK_PLACES / neighbors)));
}

function knnLayout(ratings: Ratings, neighbors: number) {
  const { items } = ratings;
  const chunk = chunkOf(items.size, neighbors);
  return {
    ...historySlots(ratings),
    norm: slot.f32(items.size),
    otherNorm: slot.f32(items.size),
    index: slot.u32(chunk * neighbors),
    similarity: slot.f32(chunk * neighbors),
    found: slot.u32(chunk),
    scratch: slot.perThread(nearestScratch(items.size)),
  };
}

/** Neighbours of some items, one after another: `count` of item `first + q`, the items and what they are worth. */
interface Chunk {
  readonly first: number;
  readonly found: Uint32Array;
  readonly index: Uint32Array;
  readonly similarity: Float32Array;
}

async function neighbourWeights(
  ratings: Ratings,
  kernels: Kernels,
  options: Options,
  signal: AbortSignal | undefined,
): Promise<WeighedItems> {
  const items = ratings.items.size;
  const space = kernels.open(knnLayout(ratings, options.neighbors));
  const unit = unitOf(ratings, options);
  const inUnit = { ...options, shrinkage: Math.min(options.shrinkage / unit ** 2, MOST_SHRINKAGE) };
  try {
    await load(ratings, space, options, unit, signal);
    const chunk = chunkOf(items, options.neighbors);
    const chunks: Chunk[] = [];
    for (let first = 0; first < items; first += chunk) {
      throwIfAborted("itemKnn", signal);
      chunks.push(await nearest(space, inUnit, first, Math.min(items, first + chunk)));
    }
    return await transposed(chunks, items, signal);
  } finally {
    space.close();
  }
}

async function nearest(
  { at, nearestRows }: Workspace<KnnLayout>,
  { neighbors, weighting, shrinkage }: Options,
  first: number,
  last: number,
): Promise<Chunk> {
  await nearestRows({
    ...historyRows(at),
    norm: weighting === "bm25" ? undefined : at.norm,
    otherNorm: weighting === "bm25" ? undefined : at.otherNorm,
    shrinkage,
    first,
    last,
    count: neighbors,
    index: at.index,
    similarity: at.similarity,
    found: at.found,
  });
  const found = at.found.slice(0, last - first);
  const total = found.reduce((sum, count) => sum + count, 0);
  const index = new Uint32Array(total);
  const similarity = new Float32Array(total);
  let end = 0;
  for (const [q, count] of found.entries()) {
    const from = q * neighbors;
    index.set(at.index.subarray(from, from + count), end);
    similarity.set(at.similarity.subarray(from, from + count), end);
    end += count;
  }
  return { first, found, index, similarity };
}

/** From the neighbours of each item to what each item says for others; the figure is the mean of all that were kept. */
async function transposed(
  chunks: readonly Chunk[],
  items: number,
  signal: AbortSignal | undefined,
): Promise<WeighedItems> {
  const start = new Uint32Array(items + 1);
  for (const { index } of chunks) for (let e = 0; e < index.length; e++) start[index[e] + 1]++;
  for (let i = 0; i < items; i++) start[i + 1] += start[i];
  const next = start.slice(0, items);
  const weights: SparseItemWeights = {
    kind: "sparse",
    start,
    index: new Uint32Array(start[items]),
    value: new Float32Array(start[items]),
  };
  let sum = 0;
  // Items come in ascending order, so rows of weights ascend.
  for (const { first, found, index, similarity } of chunks) {
    let e = 0;
    for (let q = 0; q < found.length; q++) {
      for (const end = e + found[q]; e < end; e++) {
        const place = next[index[e]]++;
        weights.index[place] = first + q;
        weights.value[place] = similarity[e];
        sum += similarity[e];
      }
    }
    throwIfAborted("itemKnn", signal);
    if (turnIsOver()) await giveTurn("itemKnn", signal);
  }
  return { weights, figure: sum / Math.max(1, start[items]) };
}

/** What every entry weighs in units, by items and by users, and the lengths of the items. */
async function load(
  ratings: Ratings,
  { at }: Workspace<KnnLayout>,
  options: Options,
  unit: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  await fillHistories("itemKnn", ratings, at, options.values, signal);
  const { rowStart, rowIndex, columnStart, columnIndex } = at;
  const weigh = weightOf(ratings, options, rowStart, at.rowValue);
  for (let i = 0; i < ratings.items.size; i++) {
    let squares = 0;
    for (let e = rowStart[i]; e < rowStart[i + 1]; e++) {
      at.rowValue[e] = weigh(rowIndex[e], i, at.rowValue[e]) / unit;
      squares += at.rowValue[e] ** 2;
    }
    at.norm[i] = power(squares, options.asymmetry);
    at.otherNorm[i] = power(squares, 1 - options.asymmetry);
    if (turnIsOver()) await giveTurn("itemKnn", signal);
  }
  for (let u = 0; u < ratings.users.size; u++) {
    for (let e = columnStart[u]; e < columnStart[u + 1]; e++) {
      at.columnValue[e] = weigh(u, columnIndex[e], at.columnValue[e]) / unit;
    }
    if (turnIsOver()) await giveTurn("itemKnn", signal);
  }
}

/**
 * @param itemStart u32[items + 1], where each item's entries begin
 * @param counted what the entries by item count
 */
function weightOf(
  { byUser, items, size }: Ratings,
  { weighting, saturation, lengthWeight }: Options,
  itemStart: Uint32Array,
  counted: Float32Array,
): (user: number, item: number, x: number) => number {
  if (weighting === "cosine") return (_user, _item, x) => x;
  const rarity = Float64Array.from({ length: byUser.rows }, (_, u) => {
    const has = byUser.start[u + 1] - byUser.start[u];
    return logOnePlus((items.size - has + 0.5) / (has + 0.5));
  });
  if (weighting === "tfidf") {
    let squares = 0;
    for (let u = 0; u < byUser.rows; u++) squares += (byUser.start[u + 1] - byUser.start[u]) * rarity[u] ** 2;
    const scale = Math.sqrt(size / squares);
    return (user, _item, x) => Math.sqrt(x) * rarity[user] * scale;
  }
  const lengths = Float64Array.from({ length: items.size }, (_, i) => {
    let sum = 0;
    for (let e = itemStart[i]; e < itemStart[i + 1]; e++) sum += counted[e];
    return sum;
  });
  const mean = lengths.reduce((sum, length) => sum + length, 0) / items.size;
  const scale = Float64Array.from(lengths, (one) =>
    mean === 0 ? saturation : saturation * (1 - lengthWeight + (lengthWeight * one) / mean),
  );
  return (user, item, x) => (x === 0 ? 0 : (rarity[user] * x * (saturation + 1)) / (x + scale[item]));
}
