/** Ranking by sampled gradients in plain loops: the definition of the routine in ../sampled.ts. */
import { exponential, hash32, logarithm, logOnePlus } from "../../support/index.ts";
import type { Trained } from "../descent.ts";
import type { Moved } from "../net.ts";
import type { SampledBatches, SampledLoss, SampledProblem, SampledSide } from "../sampled.ts";
import { type Move, mover } from "./optimizer.ts";

/** Tells the draws of places from which negatives are looked at from those of candidates. */
const PLACES = 0x5bd1e995;

/** A side with the gradient of a batch. */
interface Moving {
  readonly side: SampledSide;
  readonly factors: Trained;
  readonly bias: Trained | undefined;
  /** Rows that the batch moves */
  readonly touched: Set<number>;
}

/** A left row as scores see it: z, and 1 / |z| with `cosine`, else 1. */
interface Direction {
  readonly z: Float64Array;
  readonly scale: number;
  /** By z */
  readonly gradient: Float64Array;
}

/** A left row in a batch: its entries and negatives, and how its loss changes with the score of each. */
interface Row {
  readonly entries: readonly number[];
  readonly negatives: readonly number[];
  readonly entryScore: Float64Array;
  readonly negativeScore: Float64Array;
  readonly entrySlope: Float64Array;
  readonly negativeSlope: Float64Array;
}

export function sampledBatches(problem: SampledProblem, batches: SampledBatches): number {
  const { order, batchSize, entries, weight, seed } = problem;
  const { optimizer, rates, done, from, to } = batches;
  const [left, right] = [moving(problem.left), moving(problem.right)];
  let sum = 0;
  for (let b = from; b < to && Number.isFinite(sum); b++) {
    const batch = done + b - from;
    const drawn = hash32(seed, batch);
    const candidates = drawCandidates(drawn, problem);
    const place = new Map(candidates.map((row, at) => [row, at]));
    const penalties = new Float64Array(problem.right.factors.table.rows);
    for (const row of order.subarray(b * batchSize, (b + 1) * batchSize)) {
      const own = [...entries.index.subarray(entries.start[row], entries.start[row + 1])];
      const has = new Set(own);
      const negatives = candidates.filter((candidate) => !has.has(candidate));
      if (own.length === 0 || negatives.length === 0) continue;
      const direction = directionOf(problem, row, own);
      const scored = scoredRow(problem, row, direction, own, negatives);
      const places = (k: number) => upTo(hash32(drawn ^ PLACES, entries.start[row] + k), candidates.length);
      const looks = negatives.map((negative) => place.get(negative) ?? 0);
      const rows = problem.right.factors.table.rows - own.length;
      sum += weight[row] * lossOf(problem.loss, scored, rows, (k) => firstFrom(places(k), looks));
      addGradients(problem, left, right, row, direction, scored);
      addPenalty(left, row, 2 * weight[row] * own.length);
      for (const entry of own) penalties[entry] += 2 * weight[row];
      for (const candidate of candidates) penalties[candidate] += (2 * weight[row] * own.length) / candidates.length;
    }
    for (const candidate of candidates) right.touched.add(candidate);
    for (const row of right.touched) addPenalty(right, row, penalties[row]);
    const move = mover(optimizer, rates.length === 1 ? rates[0] : rates[b - from], batch + 1);
    moveRows(left, move);
    moveRows(right, move);
  }
  return sum;
}

function moving(side: SampledSide): Moving {
  const trained = ({ value, first, second }: Moved): Trained => {
    return { value, gradient: new Float64Array(value.length), first, second };
  };
  return { side, factors: trained(side.factors), bias: side.bias && trained(side.bias), touched: new Set() };
}

/** ⌊hash · count / 2³²⌋: a whole number below `count`. */
function upTo(hash: number, count: number): number {
  return Number((BigInt(hash) * BigInt(count)) >> 32n);
}

function drawCandidates(seed: number, { candidates, right }: SampledProblem): number[] {
  const { rows } = right.factors.table;
  if (candidates === rows) return Array.from({ length: rows }, (_unused, row) => row);
  const drawn = new Set<number>();
  for (let i = 0; drawn.size < candidates; i++) drawn.add(upTo(hash32(seed, i), rows));
  return [...drawn];
}

/** The negatives in the order in which they are looked at for an entry: by their places among the candidates, from `from` on, round. */
function firstFrom(from: number, places: readonly number[]): number[] {
  const later = places.findIndex((place) => place >= from);
  const begin = Math.max(0, later);
  return places.map((_place, i) => (begin + i) % places.length);
}

function lengthOf(side: SampledSide, row: number): number {
  const { data, rank, stride } = side.factors.table;
  let squares = 0;
  for (let k = 0; k < rank; k++) squares += data[row * stride + k] ** 2;
  return Math.sqrt(squares);
}

/** What a right row's numbers are multiplied by where scores see them: 1 / its length with `cosine`. */
function scaleOf({ right, cosine }: SampledProblem, r: number): number {
  return cosine ? 1 / lengthOf(right, r) : 1;
}

function directionOf(problem: SampledProblem, l: number, entries: readonly number[]): Direction {
  const { left, right, cosine, historyWeight } = problem;
  const [x, y] = [left.factors.table, right.factors.table];
  const z = Float64Array.from(x.data.subarray(l * x.stride, l * x.stride + x.rank));
  const weight = historyWeight?.[l] ?? 0;
  for (const r of historyWeight === undefined ? [] : entries) {
    const scaled = weight * scaleOf(problem, r);
    for (let k = 0; k < z.length; k++) z[k] += scaled * y.data[r * y.stride + k];
  }
  let squares = 0;
  for (const value of z) squares += value * value;
  return { z, scale: cosine ? 1 / Math.sqrt(squares) : 1, gradient: new Float64Array(z.length) };
}

/** What is in a score beside the product. */
function levelOf({ left, right, offset }: SampledProblem, l: number, r: number): number {
  return (left.bias?.value[l] ?? 0) + (right.bias?.value[r] ?? 0) + (offset?.[r] ?? 0);
}

function scoreOf(problem: SampledProblem, l: number, { z, scale }: Direction, r: number): number {
  const y = problem.right.factors.table;
  let product = 0;
  for (let k = 0; k < y.rank; k++) product += z[k] * y.data[r * y.stride + k];
  return product * scale * scaleOf(problem, r) + levelOf(problem, l, r);
}

function scoredRow(
  problem: SampledProblem,
  row: number,
  direction: Direction,
  entries: number[],
  negatives: number[],
): Row {
  return {
    entries,
    negatives,
    entryScore: Float64Array.from(entries, (r) => scoreOf(problem, row, direction, r)),
    negativeScore: Float64Array.from(negatives, (r) => scoreOf(problem, row, direction, r)),
    entrySlope: new Float64Array(entries.length),
    negativeSlope: new Float64Array(negatives.length),
  };
}

/**
 * The loss of a row; its slopes are written.
 *
 * @param unseen m̄ @param looks the order in which the negatives are looked at for the k-th entry
 */
function lossOf(loss: SampledLoss, row: Row, unseen: number, looks: (k: number) => readonly number[]): number {
  switch (loss.kind) {
    case "softmax":
      return softmax(row, loss.temperature, loss.positiveTemperature) + row.entries.length * logarithm(unseen);
    case "bpr":
      return loss.hardestOf === undefined
        ? bpr(row, loss.temperature)
        : hardest(row, loss.temperature, loss.hardestOf, looks);
    case "logistic":
      return logistic(row, (loss.unobservedWeight * unseen) / row.negatives.length);
    case "warp":
      return warp(row, loss.margin, unseen, looks);
    default:
      return loss satisfies never;
  }
}

function softmax(row: Row, tau: number, rho: number | undefined): number {
  const { entryScore, negativeScore, entrySlope, negativeSlope } = row;
  const n = entryScore.length;
  const ofNegatives = logMeanExp(negativeScore, tau, negativeSlope);
  for (let j = 0; j < negativeSlope.length; j++) negativeSlope[j] *= n / tau;
  if (rho === undefined) {
    let mean = 0;
    for (const score of entryScore) mean += score / (n * tau);
    entrySlope.fill(-1 / tau);
    return n * (ofNegatives - mean);
  }
  const ofEntries = logMeanExp(entryScore, rho, entrySlope);
  for (let p = 0; p < n; p++) entrySlope[p] *= -n / tau;
  return n * (ofNegatives - (rho / tau) * ofEntries);
}

/** log of the mean of e^(s/t); the share of each in the sum is written. */
function logMeanExp(scores: Float64Array, t: number, share: Float64Array): number {
  let top = Number.NEGATIVE_INFINITY;
  for (const score of scores) top = Math.max(top, score);
  let sum = 0;
  for (const [j, score] of scores.entries()) {
    share[j] = exponential((score - top) / t);
    sum += share[j];
  }
  for (let j = 0; j < share.length; j++) share[j] /= sum;
  return top / t + logarithm(sum / scores.length);
}

function bpr({ entryScore, negativeScore, entrySlope, negativeSlope }: Row, tau: number): number {
  const share = 1 / negativeScore.length;
  let sum = 0;
  for (const [p, above] of entryScore.entries()) {
    for (const [j, below] of negativeScore.entries()) {
      sum += share * softplus((below - above) / tau);
      const slope = (share / tau) * sigmoid((below - above) / tau);
      entrySlope[p] -= slope;
      negativeSlope[j] += slope;
    }
  }
  return sum;
}

function hardest(row: Row, tau: number, most: number, looks: (k: number) => readonly number[]): number {
  const { entryScore, negativeScore, entrySlope, negativeSlope } = row;
  let sum = 0;
  for (const [p, above] of entryScore.entries()) {
    const looked = looks(p).slice(0, most);
    // Here and in `warp` a score that is not a number is taken, so that the sum tells of it.
    const isHigher = (score: number, best: number) => score > best || Number.isNaN(score);
    const j = looked.reduce((best, other) => (isHigher(negativeScore[other], negativeScore[best]) ? other : best));
    const below = negativeScore[j];
    sum += softplus((below - above) / tau);
    const slope = sigmoid((below - above) / tau) / tau;
    entrySlope[p] = -slope;
    negativeSlope[j] += slope;
  }
  return sum;
}

function logistic({ entryScore, negativeScore, entrySlope, negativeSlope }: Row, weight: number): number {
  let sum = 0;
  for (const [p, score] of entryScore.entries()) {
    sum += softplus(-score);
    entrySlope[p] = -sigmoid(-score);
  }
  for (const [j, score] of negativeScore.entries()) {
    sum += weight * softplus(score);
    negativeSlope[j] = weight * sigmoid(score);
  }
  return sum;
}

function warp(row: Row, margin: number, unseen: number, looks: (k: number) => readonly number[]): number {
  const { entryScore, negativeScore, entrySlope, negativeSlope } = row;
  let sum = 0;
  for (const [p, score] of entryScore.entries()) {
    const order = looks(p);
    const looked = order.findIndex((j) => !(negativeScore[j] <= score - margin));
    if (looked < 0) continue;
    const j = order[looked];
    const weight = harmonic(Math.floor(unseen / (looked + 1))) / harmonic(unseen);
    sum += weight * (margin - score + negativeScore[j]);
    entrySlope[p] = -weight;
    negativeSlope[j] += weight;
  }
  return sum;
}

function harmonic(count: number): number {
  let sum = 0;
  for (let i = 1; i <= count; i++) sum += 1 / i;
  return sum;
}

/** log(1 + eˣ) = −log σ(−x). */
function softplus(x: number): number {
  return Math.max(x, 0) + logOnePlus(exponential(-Math.abs(x)));
}

function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + exponential(-x)) : 1 - 1 / (1 + exponential(x));
}

/** Adds what a row's slopes bring to its own gradient, to those of the right rows, and by its z to those of its entries. */
function addGradients(
  problem: SampledProblem,
  left: Moving,
  right: Moving,
  row: number,
  direction: Direction,
  scored: Row,
): void {
  const weight = problem.weight[row];
  left.touched.add(row);
  for (const [rights, slopes, scores] of [
    [scored.entries, scored.entrySlope, scored.entryScore],
    [scored.negatives, scored.negativeSlope, scored.negativeScore],
  ] as const) {
    for (const [k, r] of rights.entries()) {
      right.touched.add(r);
      const slope = weight * slopes[k];
      addPair(problem, direction, right, r, slope, scores[k] - levelOf(problem, row, r));
      if (left.bias !== undefined) left.bias.gradient[row] += slope;
      if (right.bias !== undefined) right.bias.gradient[r] += slope;
    }
  }
  const { table } = left.side.factors;
  for (const [k, slope] of direction.gradient.entries()) left.factors.gradient[row * table.stride + k] += slope;
  const share = problem.historyWeight?.[row] ?? 0;
  if (share !== 0) for (const r of scored.entries) addHistory(problem, direction, right, r, share);
}

/** @param product of the two directions, or of the two rows without `cosine` */
function addPair(
  problem: SampledProblem,
  { z, scale, gradient }: Direction,
  right: Moving,
  r: number,
  slope: number,
  product: number,
): void {
  const { data, rank, stride } = right.side.factors.table;
  const inverse = scaleOf(problem, r);
  // The derivative of a cosine is what the other's direction differs from the own one's share of it.
  const own = problem.cosine ? product : 0;
  for (let k = 0; k < rank; k++) {
    const at = r * stride + k;
    const [x, y] = [z[k] * scale, data[at] * inverse];
    gradient[k] += slope * scale * (y - own * x);
    right.factors.gradient[at] += slope * inverse * (x - own * y);
  }
}

/** What z's gradient brings to a right row that is part of z. */
function addHistory(problem: SampledProblem, { gradient }: Direction, right: Moving, r: number, share: number): void {
  const { data, rank, stride } = right.side.factors.table;
  const inverse = scaleOf(problem, r);
  const row = data.subarray(r * stride, r * stride + rank);
  let along = 0;
  if (problem.cosine) for (let k = 0; k < rank; k++) along += gradient[k] * row[k] * inverse;
  for (let k = 0; k < rank; k++) {
    right.factors.gradient[r * stride + k] += share * inverse * (gradient[k] - along * row[k] * inverse);
  }
}

/** @param weight what regularization · value is multiplied by in the gradient */
function addPenalty({ side, factors, bias }: Moving, row: number, weight: number): void {
  const { rank, stride } = side.factors.table;
  for (let i = row * stride; i < row * stride + rank; i++) {
    factors.gradient[i] += weight * side.regularization * factors.value[i];
  }
  if (bias !== undefined) bias.gradient[row] += weight * side.biasRegularization * bias.value[row];
}

/** Moves the rows touched and makes their gradients zero again. */
function moveRows({ side, factors, bias, touched }: Moving, move: Move): void {
  const { rank, stride } = side.factors.table;
  for (const row of touched) {
    for (let i = row * stride; i < row * stride + rank; i++) {
      move(factors, i);
      factors.gradient[i] = 0;
    }
    if (bias === undefined) continue;
    move(bias, row);
    bias.gradient[row] = 0;
  }
  touched.clear();
}
