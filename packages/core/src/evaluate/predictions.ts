/**
 * Predicted beside held-out ratings: a scorer and held-out data in, sums of errors out.
 *
 * Models go through the kernels' `pairs` (all threads) in blocks; memory is two tables and one block. Pairs with a user or
 * item that the model does not know are predicted by what is known of the other (mean plus its bias), as a service would,
 * unless the caller leaves them out.
 */
import { fillTable, type Kernels, slot } from "../kernels/index.ts";
import {
  baselineOf,
  type FactorModel,
  type Model,
  type NetModel,
  netModelProblem,
  netModelSlots,
  type Scorer,
  scorerOf,
} from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { Turns } from "./host.ts";
import { notFinite } from "./lists.ts";
import { addError, type ErrorSums, noErrors } from "./metrics/rating-errors.ts";
import type { HeldOutMaps } from "./relevance.ts";
import { isModel } from "./training-cells.ts";

/** Pairs predicted per kernel call: 768 KB of rows and results. */
const BLOCK_PAIRS = 65_536;

/** A scorer that can say something about a pair of which it knows one side or none. */
export interface BaselineScorer extends Scorer {
  baseline(user: number | undefined, item: number | undefined): number;
}

export interface PredictionRequest {
  readonly who: string;
  readonly test: Ratings;
  readonly maps: HeldOutMaps;
  /** Predictions are cut to this range; undefined leaves them as they are */
  readonly clampTo: { readonly min: number; readonly max: number } | undefined;
  readonly unknownPairs: "baseline" | "leave-out";
  /** The prediction where nothing better is known: the mean of the training ratings */
  readonly mean: number;
  readonly kernels: Kernels;
  readonly signal: AbortSignal | undefined;
}

export interface PredictionErrors {
  readonly sums: ErrorSums;
  /** Pairs with an unknown side: in the sums as baselines, or left out */
  readonly unknownPairs: number;
}

/** Pairs waiting to be predicted together. */
interface PairBlock {
  readonly user: Uint32Array;
  readonly item: Uint32Array;
  readonly rating: Float32Array;
  readonly dot: Float32Array;
}

export async function predictionErrors(scorer: Model | Scorer, request: PredictionRequest): Promise<PredictionErrors> {
  if (!isModel(scorer)) return errorsOfScorer(scorer, request);
  switch (scorer.kind) {
    case "factors":
      return errorsOfFactors(scorer, request);
    case "net":
      return errorsOfNet(scorer, request);
    case "items":
      return errorsOfScorer(scorerOf(scorer), request);
    default:
      return scorer satisfies never;
  }
}

async function errorsOfFactors(model: FactorModel, request: PredictionRequest): Promise<PredictionErrors> {
  const size = Math.min(BLOCK_PAIRS, request.test.size);
  const work = request.kernels.open({
    left: slot.table(model.users.size, model.rank),
    right: slot.table(model.items.size, model.rank),
    user: slot.u32(size),
    item: slot.u32(size),
    rating: slot.f32(size),
    dot: slot.f32(size),
  });
  const { left, right, user, item, rating, dot } = work.at;
  const { mean, userBias, itemBias } = model;
  try {
    fillTable(left, model.userFactors);
    fillTable(right, model.itemFactors);
    return await walk(model, request, {
      block: { user, item, rating, dot },
      fill: (count) =>
        work.pairs({
          left,
          right,
          leftRow: user.subarray(0, count),
          rightRow: item.subarray(0, count),
          out: dot.subarray(0, count),
        }),
      finish: (u, i, product) => mean + (userBias?.[u] ?? 0) + (itemBias?.[i] ?? 0) + product,
      baseline: (u, i) => baselineOf(model, u, i) ?? request.mean,
    });
  } finally {
    work.close();
  }
}

async function errorsOfNet(model: NetModel, request: PredictionRequest): Promise<PredictionErrors> {
  const size = Math.min(BLOCK_PAIRS, request.test.size);
  const work = request.kernels.open({
    ...netModelSlots(model),
    user: slot.u32(size),
    item: slot.u32(size),
    rating: slot.f32(size),
    dot: slot.f32(size),
  });
  const { user, item, rating, dot } = work.at;
  try {
    const problem = netModelProblem(model, work.at);
    return await walk(model, request, {
      block: { user, item, rating, dot },
      fill: (count) =>
        work.netPairs({
          ...problem,
          leftRow: user.subarray(0, count),
          rightRow: item.subarray(0, count),
          out: dot.subarray(0, count),
        }),
      finish: (_user, _item, score) => score,
      baseline: (u, i) => baselineOf(model, u, i) ?? request.mean,
    });
  } finally {
    work.close();
  }
}

/** Pairs scored per turn by scorers without tables; each call may be slow. */
const BLOCK_SCORES = 1024;

async function errorsOfScorer(scorer: Scorer, request: PredictionRequest): Promise<PredictionErrors> {
  const size = Math.min(BLOCK_SCORES, request.test.size);
  const block = {
    user: new Uint32Array(size),
    item: new Uint32Array(size),
    rating: new Float32Array(size),
    dot: new Float32Array(size),
  };
  return walk(scorer, request, {
    block,
    fill: async () => {},
    finish: (u, i) => scorer.score(u, i),
    baseline: (u, i) => ("baseline" in scorer ? (scorer as BaselineScorer).baseline(u, i) : request.mean),
  });
}

interface Prediction {
  readonly block: PairBlock;
  /** Fills `dot` for the first `count` pairs of the block */
  fill(count: number): Promise<void>;
  finish(user: number, item: number, dot: number): number;
  baseline(user: number | undefined, item: number | undefined): number;
}

/** Goes through the held-out records in order, block by block. Sums do not depend on the threads. */
async function walk(
  scorer: Model | Scorer,
  request: PredictionRequest,
  prediction: Prediction,
): Promise<PredictionErrors> {
  const { users, items } = request.maps;
  const { start, index, value } = request.test.byUser;
  const { block } = prediction;
  const turns = new Turns(request.who, request.signal);
  const sums = noErrors();
  let unknownPairs = 0;
  let count = 0;
  const add = (predicted: number, rating: number) => addError(sums, clamped(predicted, request.clampTo), rating);
  const flush = async () => {
    if (count === 0) return;
    await prediction.fill(count);
    for (let p = 0; p < count; p++) {
      const predicted = prediction.finish(block.user[p], block.item[p], block.dot[p]);
      if (!Number.isFinite(predicted)) throw notFinite(request.who, scorer, block.user[p], block.item[p], predicted);
      add(predicted, block.rating[p]);
    }
    count = 0;
    if (turns.over) await turns.rest();
  };
  for (let u = 0; u < request.test.users.size; u++) {
    for (let p = start[u]; p < start[u + 1]; p++) {
      const i = index[p];
      if (users.known[u] === 1 && items.known[i] === 1) {
        block.user[count] = users.index[u];
        block.item[count] = items.index[i];
        block.rating[count++] = value.at(p);
        if (count === block.user.length) await flush();
        continue;
      }
      unknownPairs++;
      if (request.unknownPairs === "leave-out") continue;
      const user = users.known[u] === 1 ? users.index[u] : undefined;
      const item = items.known[i] === 1 ? items.index[i] : undefined;
      add(prediction.baseline(user, item), value.at(p));
    }
  }
  await flush();
  return { sums, unknownPairs };
}

function clamped(value: number, range: PredictionRequest["clampTo"]): number {
  return range === undefined ? value : Math.min(range.max, Math.max(range.min, value));
}
