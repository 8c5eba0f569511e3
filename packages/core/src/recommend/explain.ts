/**
 * Why this score? One contribution per history item; together with the baseline and a stated remainder they add up to
 * it.
 *
 * A folded-in row is linear in what its history says, so the score splits exactly. With A the matrix of the row's
 * normal equations (see ExplicitRows, ImplicitRows in kernels.ts), m the model's mean, or the history's own where users
 * are the centre, and t_j = value_j − m − itemBias_j:
 *
 *   explicit:  score(i) = m + itemBias_i + Σ_j t_j · [y_i; 1]ᵀ A⁻¹ [y_j; 1]     (A bordered by the user bias)
 *   implicit:  score(i) = mean + itemBias_i + Σ_j c_j · y_iᵀ A⁻¹ y_j
 *
 *   history:   score(i) = mean + itemBias_i + Σ_j scale · y_i · y_j               (scale as rowOfHistory says)
 *
 * For the first two one system is solved, z = A⁻¹ [y_i; 1], in double precision; each contribution is then a dot product.
 * Source: Hu, Koren & Volinsky, ICDM 2008, section 5, carried over to biases. Cost: O(history · rank² + rank³).
 */
import { choleskyF64, rowStride, solveCholeskyF64 } from "../kernels/index.ts";
import {
  biasRegularizations,
  confidences,
  type FactorModel,
  type HistoryObjective,
  hasBias,
  isCenter,
  overlapOf,
  type RowObjective,
  regularizations,
  rowCenters,
  rowOfHistory,
  type SolvedObjective,
  targetOf,
} from "../model/index.ts";
import { nextTurn } from "../support/index.ts";
import { notStable } from "./fold-in.ts";
import type { CleanHistory } from "./history.ts";
import type { Contribution } from "./outcomes.ts";

/** A remainder above this share of the score's parts is not rounding of f32 rows. */
const ROUNDING = 1e-4;
/** Multiplications after which the host gets its turn: some milliseconds. */
const PRODUCTS_PER_TURN = 1 << 23;

export interface ExplainProblem {
  readonly who: string;
  readonly model: FactorModel;
  readonly objective: RowObjective;
  /** At least one entry */
  readonly history: CleanHistory;
  /** Item index */
  readonly item: number;
  /** As FoldIn.gram makes it, for implicit models */
  readonly gram: Float32Array | undefined;
}

export interface Parts {
  readonly baseline: number;
  /** Largest first whatever the sign, ties in order of the ids */
  readonly contributions: readonly Contribution[];
  /** baseline + contributions: the score of the folded-in row */
  readonly folded: number;
}

/** A problem whose rows are solved for. */
interface SolvedProblem extends ExplainProblem {
  readonly objective: SolvedObjective;
}

/** @throws DivergenceError when the history has no stable row */
export async function explainParts(problem: ExplainProblem): Promise<Parts> {
  const { objective } = problem;
  const { influence, weight, mean } =
    objective.kind === "history" ? ofHistory(problem, objective) : await ofSolved({ ...problem, objective });
  return split(problem, influence, weight, mean);
}

/**
 * What the score for an item is made of: Σ_j weight_j · influence · [y_j; 1], beside mean and item bias.
 */
interface Influence {
  /** f64[rank], or one more for a user bias */
  readonly influence: Float64Array;
  /** Of each entry of the history */
  readonly weight: Float64Array;
  readonly mean: number;
}

function ofHistory({ model, history, item }: ExplainProblem, objective: HistoryObjective): Influence {
  const influence = new Float64Array(model.rank);
  const scale = rowOfHistory(objective, model, history.index, influence);
  loadRow(model, item, influence);
  return { influence, weight: new Float64Array(history.index.length).fill(scale), mean: model.mean };
}

async function ofSolved(problem: SolvedProblem): Promise<Influence> {
  const { model, item } = problem;
  const size = systemSize(problem);
  const mean = meanFor(problem);
  const cells = historyCells(problem, mean);
  const system = await normalMatrix(problem, cells.weight, size);
  const bad = choleskyF64(system, size);
  if (bad !== undefined) throw notStable(problem.who, model, bad.pivot, bad.value);
  const z = new Float64Array(size);
  loadRow(model, item, z);
  solveCholeskyF64(system, size, z);
  return { influence: z, weight: cells.target, mean };
}

function split({ model, history, item }: ExplainProblem, z: Float64Array, weight: Float64Array, mean: number): Parts {
  const row = new Float64Array(z.length);
  const baseline = mean + (model.itemBias === undefined ? 0 : model.itemBias[item]);
  let folded = baseline;
  const contributions: Contribution[] = [];
  for (let j = 0; j < history.index.length; j++) {
    loadRow(model, history.index[j], row);
    let influence = 0;
    for (let k = 0; k < z.length; k++) influence += z[k] * row[k];
    const contribution = weight[j] * influence;
    folded += contribution;
    contributions.push({ item: model.items.id(history.index[j]), rating: history.value.at(j), contribution });
  }
  contributions.sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  return { baseline, contributions, folded };
}

/** What the stored row says beyond its history, and a sentence about it when it is more than rounding. */
export function remainderOf(score: number, parts: Parts): { remainder: number; remainderReason: string | undefined } {
  const remainder = score - parts.folded;
  let size = Math.abs(parts.baseline);
  for (const { contribution } of parts.contributions) size += Math.abs(contribution);
  if (Math.abs(remainder) <= ROUNDING * size) return { remainder, remainderReason: undefined };
  return {
    remainder,
    remainderReason:
      "the stored row is not the one that this history folds in to: training stopped before its rows settled, " +
      "solved them by conjugate gradient, followed another cost than the least squares of a fold-in or gave users a part of their own " +
      "(bpr, softmax, warp, logistic), " +
      "or saw other ratings",
  };
}

/** Rank, and one more for the user bias where the model has one. */
function systemSize({ model, objective }: SolvedProblem): number {
  return model.rank + (hasBias(objective, "user") ? 1 : 0);
}

/** What this user's ratings are compared with before items come in. */
function meanFor({ model, objective, history }: SolvedProblem): number {
  if (!isCenter(objective, "user")) return model.mean;
  const center = new Float64Array(1);
  rowCenters(Uint32Array.of(0, history.index.length), history.value, model.mean, center);
  return model.mean + center[0];
}

/** A: f64[size × size], lower triangle. */
async function normalMatrix(problem: SolvedProblem, weight: Float64Array, size: number): Promise<Float64Array> {
  const { model, objective, history, gram } = problem;
  const { rank } = model;
  const start = Uint32Array.of(0, history.index.length);
  const penalty = new Float32Array(1);
  regularizations(objective, start, model.items.size, penalty);
  const a = new Float64Array(size * size);
  if (objective.kind === "implicit" && gram !== undefined) addGram(a, rank, objective.unobservedWeight, gram);
  const row = new Float64Array(size);
  const entriesPerTurn = Math.ceil(PRODUCTS_PER_TURN / (size * size));
  for (let j = 0; j < history.index.length; j++) {
    loadRow(model, history.index[j], row);
    for (let r = 0; r < size; r++) {
      const scaled = weight[j] * row[r];
      for (let c = 0; c <= r; c++) a[r * size + c] += scaled * row[c];
    }
    if ((j + 1) % entriesPerTurn === 0) await nextTurn();
  }
  for (let k = 0; k < rank; k++) a[k * size + k] += penalty[0];
  if (size > rank) {
    biasRegularizations(objective, start, penalty);
    a[rank * size + rank] += penalty[0];
  }
  return a;
}

function addGram(a: Float64Array, rank: number, weight: number, gram: Float32Array): void {
  const stride = rowStride(rank);
  for (let r = 0; r < rank; r++) {
    for (let c = 0; c <= r; c++) a[r * rank + c] = weight * gram[r * stride + c];
  }
}

/**
 * Per history cell, the weight of its y yᵀ in A (1, or the confidence less what the unobserved term counts already) and
 * what it pulls towards (t_j, or c_j).
 */
function historyCells(
  { model, objective, history }: SolvedProblem,
  mean: number,
): { weight: Float64Array; target: Float64Array } {
  const { itemBias } = model;
  const { index, value } = history;
  switch (objective.kind) {
    case "explicit":
      return {
        weight: new Float64Array(index.length).fill(1),
        target: Float64Array.from(value, (one, j) => one - mean - (itemBias === undefined ? 0 : itemBias[index[j]])),
      };
    case "implicit": {
      const confidence = new Float32Array(index.length);
      confidences(objective, value, confidence);
      const overlap = overlapOf(objective);
      return {
        weight: Float64Array.from(confidence, (one) => one - overlap),
        target: Float64Array.from(confidence, (one) => targetOf(objective) * one),
      };
    }
    default:
      return objective satisfies never;
  }
}

/** [y_item; 1] into `out`; the 1 only where `out` has room for it. */
function loadRow(model: FactorModel, item: number, out: Float64Array): void {
  const { rank, itemFactors } = model;
  for (let k = 0; k < rank; k++) out[k] = itemFactors[item * rank + k];
  if (out.length > rank) out[rank] = 1;
}
