/**
 * What gradient descent keeps in kernel memory: the ratings without their centre, two tables, biases, what the optimizer
 * keeps beside them. Ratings and settings come in; problems for the kernels, states and models go out. Ratings and tables are
 * divided by a unit here (descent-unit.ts); models are not.
 *
 * Users are the left side, items the right. Not here: passes (descent-run.ts), options (gradient.ts, sgd.ts).
 */
import {
  type Arrays,
  arraysOf,
  type DescentProblem,
  type DescentSide,
  entryByEntry,
  type Kernels,
  type Objective,
  type Optimizer,
  type Reals,
  type RealTable,
  rowStride,
  slot,
  type Trained,
  unpadded,
  type Workspace,
} from "../kernels/index.ts";
import { type Biases, type Center, type FactorModel, isBiased } from "../model/index.ts";
import type { IdMap, Ratings } from "../ratings/index.ts";
import { biasWithCenter, type RowCenters, ratingsWithoutCenters, rowCentersOf } from "./centers.ts";
import type { Order, Penalties } from "./descent-options.ts";
import { multiply, type Unit, unitOf } from "./descent-unit.ts";
import type { RunState, StartFrom } from "./factorizer.ts";
import { provenanceOf } from "./provenance.ts";
import { copyState, restoreState, type Trained as StateParts } from "./run-state.ts";
import type { Rates } from "./schedules.ts";
import { fillStart, type Start } from "./starting-factors.ts";

/** A training by descent, every option resolved for its ratings. */
export interface DescentSettings extends Penalties {
  readonly name: string;
  /** For the provenance; `auto` resolved */
  readonly options: Readonly<Record<string, unknown>>;
  readonly rank: number;
  readonly passes: number;
  readonly objective: Objective;
  readonly optimizer: Optimizer;
  readonly clipNorm: number | undefined;
  readonly rates: Rates;
  readonly biases: Biases;
  readonly center: Center;
  /** What ratings are divided by in kernel memory; penalties here are those of the cost in the ratings' own */
  readonly unit: number;
  readonly start: Start;
  /** Undefined: all ratings at once */
  readonly batches: Batches | undefined;
}

export interface Batches {
  readonly size: number;
  readonly order: Order;
  readonly update: "together" | "alternately";
}

type DescentLayout = ReturnType<typeof descentLayout>;

/** @param calls passes that one kernel call may make */
export function descentLayout(ratings: Ratings, settings: DescentSettings, calls: number) {
  const { rank, optimizer, clipNorm, biases, batches } = settings;
  const [users, items, entries] = [ratings.users.size, ratings.items.size, ratings.size];
  const full = batches === undefined;
  const across = full && !ratings.isComplete ? 1 : 0;
  const direct = !full && entryByEntry(batches.size, { optimizer, clipNorm });
  const kept = arraysOf(optimizer);
  const [gradient, first, second] = [direct ? 0 : 1, kept.first ? 1 : 0, kept.second ? 1 : 0];
  const userBias = isBiased(biases, "user") ? users : 0;
  const itemBias = isBiased(biases, "item") ? items : 0;
  const batched = full ? 0 : 1;
  return {
    userFactors: slot.realTable(users, rank),
    itemFactors: slot.realTable(items, rank),
    userBias: slot.real(userBias),
    itemBias: slot.real(itemBias),
    userFactorsGradient: slot.realTable(gradient * users, rank),
    itemFactorsGradient: slot.realTable(gradient * items, rank),
    userBiasGradient: slot.real(gradient * userBias),
    itemBiasGradient: slot.real(gradient * itemBias),
    userFactorsFirst: slot.realTable(first * users, rank),
    itemFactorsFirst: slot.realTable(first * items, rank),
    userBiasFirst: slot.real(first * userBias),
    itemBiasFirst: slot.real(first * itemBias),
    userFactorsSecond: slot.realTable(second * users, rank),
    itemFactorsSecond: slot.realTable(second * items, rank),
    userBiasSecond: slot.real(second * userBias),
    itemBiasSecond: slot.real(second * itemBias),
    userStart: slot.u32(users + 1),
    userIndex: slot.u32(entries),
    value: slot.real(entries),
    itemStart: slot.u32(across * (items + 1)),
    itemIndex: slot.u32(across * entries),
    place: slot.u32(across * entries),
    error: slot.real(full ? entries : 0),
    rowSum: slot.f64(full ? 2 * (users + items) : 0),
    leftRow: slot.u32(batched * entries),
    rightCount: slot.u32(batched * items),
    order: slot.u32(full ? 0 : entries * (batches.order === "shuffled" ? calls : 1)),
    share: slot.real(full ? 0 : users + items + batches.size),
    touched: slot.u32(full || direct ? 0 : users + items + 2 * batches.size),
    rates: slot.f64(calls),
    figures: slot.f64(calls),
  };
}

/** The memory of one training, filled. Owned by a run, which closes it. */
export class DescentSpace {
  readonly space: Workspace<DescentLayout>;
  readonly at: Arrays<DescentLayout>;
  readonly problem: DescentProblem;
  readonly settings: DescentSettings;
  readonly unit: Unit;
  readonly ratings: Ratings;
  readonly seed: number;
  readonly #kernels: Kernels;
  readonly #centers: RowCenters;

  constructor(
    settings: DescentSettings,
    ratings: Ratings,
    kernels: Kernels,
    seed: number,
    calls: number,
    from: StartFrom | undefined,
  ) {
    this.settings = settings;
    this.unit = unitOf(settings.unit, settings.objective, settings);
    this.ratings = ratings;
    this.seed = seed;
    this.#kernels = kernels;
    this.#centers = rowCentersOf(settings.center, ratings);
    this.space = kernels.open(descentLayout(ratings, settings, calls));
    this.at = this.space.at;
    try {
      this.problem = problemOf(settings, this.at, this.#mean / settings.unit, this.unit);
      this.#fill();
      if (from === undefined) this.#start();
      else restoreState(settings.name, this.#stateParts(), from.state);
    } catch (error) {
      this.space.close();
      throw error;
    }
  }

  get #mean(): number {
    return this.settings.center === "none" ? 0 : this.ratings.mean;
  }

  state(): RunState {
    return copyState(this.#stateParts());
  }

  /** @param objective how rows follow from histories */
  model(passes: number, objective: FactorModel["objective"]): FactorModel {
    const { users, items, byUser, min, max } = this.ratings;
    const { rank } = this.settings;
    const { left, right } = this.problem;
    return {
      kind: "factors",
      rank,
      users,
      items,
      userFactors: multiply(unpadded(left.factors.table), this.unit.factor),
      itemFactors: multiply(unpadded(right.factors.table), this.unit.factor),
      userBias: biasWithCenter(left.bias?.value, this.unit.rating, this.#centers.user),
      itemBias: biasWithCenter(right.bias?.value, this.unit.rating, this.#centers.item),
      mean: this.#mean,
      scale: "rating",
      range: { min, max },
      objective,
      history: byUser,
      provenance: provenanceOf(this.settings, this.ratings, this.#kernels, this.seed, passes),
    };
  }

  /** Ids, factors and bias of the two sides, users first. */
  sides(): readonly { readonly word: "user" | "item"; readonly ids: IdMap; readonly side: DescentSide }[] {
    return [
      { word: "user", ids: this.ratings.users, side: this.problem.left },
      { word: "item", ids: this.ratings.items, side: this.problem.right },
    ];
  }

  /** What is drawn is in kernel memory's unit, what is given in the ratings' own. */
  #start(): void {
    const { name, start } = this.settings;
    const { left, right } = this.problem;
    const [userBias, itemBias] = [left.bias?.value, right.bias?.value];
    const tables = { users: left.factors.table, items: right.factors.table, userBias, itemBias };
    fillStart(name, start, tables, this.ratings, this.seed);
    if (start.kind === "drawn") return;
    for (const { data } of [tables.users, tables.items]) multiply(data, 1 / this.unit.factor);
    for (const bias of [userBias, itemBias]) if (bias !== undefined) multiply(bias, 1 / this.unit.rating);
  }

  /** Everything that moves, by the names of the layout; what has no room is not there. */
  #stateParts(): StateParts {
    const parts: Record<string, RealTable | Reals> = {};
    for (const value of ["userFactors", "itemFactors", "userBias", "itemBias"] as const) {
      for (const name of [value, `${value}First`, `${value}Second`] as const) {
        const part = this.at[name];
        if (("rows" in part ? part.rows : part.length) > 0) parts[name] = part;
      }
    }
    return parts;
  }

  /** Ratings without their centre's row part (the mean is the offset), and what the kind of batch needs beside them. */
  #fill(): void {
    const { at } = this;
    const { start, index } = this.ratings.byUser;
    ratingsWithoutCenters(this.ratings.byUser, this.#centers, at.value);
    multiply(at.value, 1 / this.unit.rating);
    at.userStart.set(start);
    at.userIndex.set(index);
    const sparse = at.place.length > 0;
    if (sparse)
      for (const [item, count] of this.ratings.itemCounts.entries())
        at.itemStart[item + 1] = at.itemStart[item] + count;
    const next = sparse ? at.itemStart.slice() : undefined;
    for (let user = 0; user < start.length - 1; user++) {
      for (let entry = start[user]; entry < start[user + 1]; entry++) {
        const item = index[entry];
        if (next !== undefined) {
          const to = next[item]++;
          at.itemIndex[to] = user;
          at.place[to] = entry;
        }
        if (at.leftRow.length > 0) {
          at.leftRow[entry] = user;
          at.rightCount[item]++;
        }
      }
    }
  }
}

function problemOf(
  { objective, biases }: DescentSettings,
  at: Arrays<DescentLayout>,
  offset: number,
  { regularization, biasRegularization }: Unit,
): DescentProblem {
  const side = (word: "user" | "item"): DescentSide => {
    const bias: Trained = {
      value: at[`${word}Bias`],
      gradient: at[`${word}BiasGradient`],
      first: at[`${word}BiasFirst`],
      second: at[`${word}BiasSecond`],
    };
    const table = at[`${word}Factors`];
    return {
      factors: {
        table,
        value: table.data,
        gradient: at[`${word}FactorsGradient`].data,
        first: at[`${word}FactorsFirst`].data,
        second: at[`${word}FactorsSecond`].data,
      },
      bias: isBiased(biases, word) ? bias : undefined,
      regularization,
      biasRegularization,
    };
  };
  return {
    left: side("user"),
    right: side("item"),
    offset,
    objective,
    entries: { start: at.userStart, index: at.userIndex },
    value: at.value,
  };
}

/** Multiply-adds of one pass, about. */
export function passProducts(ratings: Ratings, settings: DescentSettings): number {
  const rows = ratings.users.size + ratings.items.size;
  const stride = rowStride(settings.rank);
  // Errors, then the gradient of each side; an optimizer is several operations on each of its numbers.
  if (settings.batches === undefined) return 3 * ratings.size * stride + 6 * rows * stride;
  const direct = entryByEntry(settings.batches.size, settings);
  const shuffling = settings.batches.order === "shuffled" ? 16 : 0;
  return ratings.size * ((direct ? 4 : 16) * stride + shuffling);
}
