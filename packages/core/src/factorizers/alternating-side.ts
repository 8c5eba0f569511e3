/**
 * One side of an alternating run: views into its kernel memory, and sums over its rows. Not here: what is filled in and
 * solved (alternating.ts).
 */
import type { Arrays, Table } from "../kernels/index.ts";
import { hasBias, isCenter, type SolvedObjective } from "../model/index.ts";
import type { IdMap, Ratings } from "../ratings/index.ts";
import type { AlternatingLayout } from "./alternating.ts";
import { formOfValues, type NumberForms, type SideEntries, sideEntries } from "./side-entries.ts";

/** One side of the matrix while it trains: its factors, its entries, its penalties. */
export interface Side {
  readonly word: "user" | "item";
  readonly ids: IdMap;
  readonly table: Table;
  /** Fitted, what is left when the centre is taken away */
  readonly bias: Float32Array | undefined;
  /** What each row's mean differs from the mean of all, where this side is the centre */
  readonly center: Float32Array | undefined;
  /** What the other side's rows must not explain again, and what the model keeps as this side's bias: centre + bias */
  readonly level: Float32Array | undefined;
  /** Their numbers are the terms of the rows' systems */
  readonly entries: SideEntries;
  readonly penalty: Float32Array;
  readonly biasPenalty: Float32Array | undefined;
}

/** Terms follow from the values alone, but for what a side's own centre takes away; constant confidences are all 1. */
export function termForms(ratings: Ratings, objective: SolvedObjective): NumberForms {
  if (objective.kind === "implicit" && objective.confidence === "constant") return { user: "equal", item: "equal" };
  const form = (side: "user" | "item") => (isCenter(objective, side) ? "plain" : formOfValues(ratings));
  return { user: form("user"), item: form("item") };
}

export function sideOf(
  word: "user" | "item",
  ratings: Ratings,
  at: Arrays<AlternatingLayout>,
  objective: SolvedObjective,
): Side {
  const biased = hasBias(objective, word);
  const bias = biased ? at[`${word}Bias`] : undefined;
  const centered = isCenter(objective, word);
  const ids = word === "user" ? ratings.users : ratings.items;
  return {
    word,
    ids,
    table: at[`${word}s`],
    bias,
    center: centered ? new Float32Array(ids.size) : undefined,
    level: centered ? at[`${word}Level`] : bias,
    entries: sideEntries(at, word, termForms(ratings, objective)),
    penalty: at[`${word}Penalty`],
    biasPenalty: biased ? at[`${word}BiasPenalty`] : undefined,
  };
}

/** After the centre or the bias has changed. */
export function setLevel({ center, bias, level }: Side): void {
  if (center === undefined || level === undefined) return;
  for (let r = 0; r < level.length; r++) level[r] = center[r] + (bias === undefined ? 0 : bias[r]);
}

/** Σ_r penalty_r |row_r|² + biasPenalty_r bias_r². */
export function penalty(side: Side): number {
  return squares(side, side.penalty, side.biasPenalty);
}

/** Σ_r |row_r|² + bias_r². */
export function squaredSize(side: Side): number {
  return squares(side, undefined, undefined);
}

/** Squared sizes of the rows and of their biases, each times its weight, 1 where there is none. */
function squares(
  { table, bias }: Side,
  weight: Float32Array | undefined,
  biasWeight: Float32Array | undefined,
): number {
  const { data, rows, rank, stride } = table;
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    let norm = 0;
    for (let j = r * stride; j < r * stride + rank; j++) norm += data[j] * data[j];
    sum += weight === undefined ? norm : weight[r] * norm;
    if (bias !== undefined) sum += (biasWeight === undefined ? 1 : biasWeight[r]) * bias[r] * bias[r];
  }
  return sum;
}
