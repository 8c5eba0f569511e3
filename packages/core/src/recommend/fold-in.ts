/**
 * Fold-in: a history in, the row that training would have given to it out, the other side's table as it is.
 *
 * Of a model whose users are made of their items (`HistoryObjective`) the row is their sum. Else the same kernel routine, penalties and confidences as a half-sweep of training with the exact solver, so that a
 * training user folded in right after a user half-sweep comes out bit for bit. Kernel memory is small: only the other
 * side's rows in the history are copied there; implicit models also need the Gram matrix of the whole table, made once.
 * Cost: O(entries · rank² + rank³). Concurrent calls take turns.
 */
import { fillTable, type Kernels, type RowProblem, rowStride, slot, type Workspace } from "../kernels/index.ts";
import {
  biasRegularizations,
  confidences,
  exactUnit,
  type FactorModel,
  hasBias,
  inUnit,
  isCenter,
  type Model,
  overlapOf,
  type RowObjective,
  regularizations,
  rowCenters,
  rowOfHistory,
  type SolvedObjective,
  targetOf,
  withoutCenters,
} from "../model/index.ts";
import { DivergenceError, LowrankError, rounded } from "../support/index.ts";
import type { CleanHistory } from "./history.ts";
import { Lock } from "./lock.ts";
import { rowOf } from "./rows.ts";

/** Entries that a workspace has room for at first; it doubles when a longer history comes. */
const FIRST_CAPACITY = 256;

/** The side that stays fixed: items when a user is folded in. */
export interface FixedSide {
  readonly factors: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly rows: number;
}

export interface FoldedRow {
  readonly factors: Float32Array;
  /** As the model has it: what the history's mean differs from the model's, where that is the centre, and the fitted bias */
  readonly bias: number | undefined;
}

type FoldLayout = ReturnType<typeof foldLayout>;

function foldLayout(capacity: number, rank: number, objective: SolvedObjective) {
  return {
    fixed: slot.table(capacity, rank),
    fixedBias: slot.f32(capacity),
    out: slot.table(1, rank),
    outBias: slot.f32(1),
    start: slot.u32(2),
    index: slot.u32(capacity),
    term: slot.f32(capacity),
    penalty: slot.f32(1),
    biasPenalty: slot.f32(1),
    gram: slot.f32(objective.kind === "implicit" ? rowStride(rank) ** 2 : 0),
  };
}

/** @throws LowrankError `no-objective` for a model whose method does not say how rows follow from histories */
export function objectiveOf(who: string, model: FactorModel): RowObjective {
  if (model.objective !== undefined) return model.objective;
  const { method, options } = model.provenance;
  throw new LowrankError(
    "no-objective",
    `${who}: rows of this model of ${method} do not follow from histories alone${whyNotFoldable(options)}; ` +
      "use a model trained with als, ials or gradient, or with sgd, bpr, softmax, warp or logistic in their default settings",
    { method },
  );
}

/** The setting that keeps rows from following from histories, where one does. */
function whyNotFoldable(options: Readonly<Record<string, unknown>>): string {
  if (options.missing === "zero") return ' (with missing: "zero", cells without a rating count as 0)';
  if (options.loss !== undefined && options.loss !== "squared") return ` (loss ${options.loss} has no closed form)`;
  if (typeof options.regularizationL1 === "number" && options.regularizationL1 > 0)
    return " (regularizationL1 has no closed form)";
  if (options.historyWeight === 0 && options.biases !== "none")
    return " (with fitted biases, and historyWeight 0: users are not made of their histories)";
  return options.nonNegative === true ? " (nonNegative keeps factors from below 0)" : "";
}

/**
 * The model, if rows can follow from histories at all.
 *
 * @throws LowrankError `no-objective` for a net, `no-rows` for a model of items
 */
export function foldableOf(who: string, model: Model): FactorModel {
  if (model.kind === "factors") return model;
  if (model.kind === "items") throw noRows(who, model);
  throw new LowrankError(
    "no-objective",
    `${who}: a net's rows do not follow from a history alone, because its layers were trained with every row there was; ` +
      "train again with these ratings among the others, or keep a model of als beside it for people who are new and for explanations",
    { method: model.provenance.method },
  );
}

/** For an item's row of a model whose users are made of their items. */
function itemsFollowNot(who: string, model: FactorModel): LowrankError {
  const { method } = model.provenance;
  return new LowrankError(
    "no-objective",
    `${who}: users of this model of ${method} are made of the items of their histories, and items' rows do not follow from users; ` +
      "train again with these ratings among the others, or with historyWeight 0",
    { method },
  );
}

/** For what is asked of the rows of a model that has none. */
export function noRows(who: string, model: Model): LowrankError {
  return new LowrankError(
    "no-rows",
    `${who}: a model of ${model.provenance.method} has weights between items and no rows of factors; recommendFor and explainFor ` +
      "answer from a history as it is",
    { method: model.provenance.method },
  );
}

export class FoldIn {
  readonly #kernels: Kernels;
  readonly #model: FactorModel;
  readonly #side: "user" | "item";
  readonly #fixed: FixedSide;
  /** Of the row in hand, where its side is the centre */
  readonly #center: Float32Array | undefined;
  /** As in training: kernel memory holds ratings and biases divided by this, factors by its root. Exact, so that any near their spread serves */
  readonly #unit: number;
  readonly #lock = new Lock();
  #space: Workspace<FoldLayout> | undefined;
  #gram: Promise<Float32Array> | undefined;

  constructor(kernels: Kernels, model: FactorModel, side: "user" | "item") {
    this.#kernels = kernels;
    this.#model = model;
    this.#side = side;
    const centered = model.objective !== undefined && isCenter(model.objective, side);
    this.#center = centered ? new Float32Array(1) : undefined;
    this.#unit = model.objective?.kind === "explicit" ? unitOf(model) : 1;
    this.#fixed =
      side === "user"
        ? { factors: model.itemFactors, bias: model.itemBias, rows: model.items.size }
        : { factors: model.userFactors, bias: model.userBias, rows: model.users.size };
  }

  /**
   * @param history at least one entry
   * @throws DivergenceError when the row has no stable solution
   */
  async solve(who: string, history: CleanHistory): Promise<FoldedRow> {
    const objective = objectiveOf(who, this.#model);
    if (objective.kind === "history") {
      if (this.#side === "item") throw itemsFollowNot(who, this.#model);
      const row = new Float64Array(this.#model.rank);
      rowOfHistory(objective, this.#model, history.index, row);
      return { factors: Float32Array.from(row), bias: undefined };
    }
    return this.#lock.run(async () => {
      const gram = objective.kind === "implicit" ? await this.gram() : undefined;
      const space = this.#room(history.index.length, objective, gram);
      const problem = this.#load(space, history, objective);
      const unstable = await space.solveRows(problem, { kind: "cholesky" });
      if (unstable !== undefined) throw notStable(who, this.#model, unstable.pivot, unstable.value);
      const times = Math.sqrt(this.#unit) * targetOf(objective);
      const factors = space.at.out.data.slice(0, this.#model.rank).map((one) => times * one);
      return { factors, bias: this.#bias(objective, space.at.outBias[0]) };
    });
  }

  /** Gram matrix of the whole fixed table: f32[stride × stride]. Made on first need and kept. */
  gram(): Promise<Float32Array> {
    this.#gram ??= this.#makeGram().catch((cause) => {
      this.#gram = undefined; // the next call may find more memory
      throw cause;
    });
    return this.#gram;
  }

  /** Gives the memory back. Only when no row is in hand or to come. */
  close(): void {
    this.#space?.close();
  }

  /** Rounded as training rounds it. */
  #bias(objective: RowObjective, fitted: number): number | undefined {
    const biased = hasBias(objective, this.#side);
    if (this.#center === undefined) return biased ? this.#unit * fitted : undefined;
    return this.#unit * Math.fround(this.#center[0] + (biased ? fitted : 0));
  }

  async #makeGram(): Promise<Float32Array> {
    const { rank } = this.#model;
    const space = this.#kernels.open({
      table: slot.table(this.#fixed.rows, rank),
      gram: slot.f32(rowStride(rank) ** 2),
    });
    try {
      fillTable(space.at.table, this.#fixed.factors);
      await space.gram(space.at.table, space.at.gram);
      return space.at.gram.slice();
    } finally {
      space.close();
    }
  }

  #room(entries: number, objective: SolvedObjective, gram: Float32Array | undefined): Workspace<FoldLayout> {
    const present = this.#space;
    if (present !== undefined && present.at.index.length >= entries) return present;
    present?.close();
    this.#space = undefined;
    let capacity = FIRST_CAPACITY;
    while (capacity < entries) capacity *= 2;
    const space = this.#kernels.open(foldLayout(capacity, this.#model.rank, objective));
    if (gram !== undefined) space.at.gram.set(gram);
    this.#space = space;
    return space;
  }

  /** Gathers the rows of the history to the front of the fixed table: entry j then points to row j. */
  #load({ at }: Workspace<FoldLayout>, history: CleanHistory, objective: SolvedObjective): RowProblem {
    const { rank } = this.#model;
    const { factors, bias, rows } = this.#fixed;
    const root = Math.sqrt(this.#unit);
    const count = history.index.length;
    for (let j = 0; j < count; j++) {
      const row = rowOf(factors, rank, history.index[j]);
      for (let k = 0; k < rank; k++) at.fixed.data[j * at.fixed.stride + k] = row[k] / root;
      at.fixedBias[j] = bias === undefined ? 0 : bias[history.index[j]] / this.#unit;
      at.index[j] = j;
    }
    at.start[1] = count;
    const entries = { start: at.start, index: at.index.subarray(0, count) };
    const term = at.term.subarray(0, count);
    regularizations(inUnit(objective, this.#unit), at.start, rows, at.penalty);
    const common = { out: at.out, fixed: at.fixed, entries, regularization: at.penalty };
    switch (objective.kind) {
      case "explicit": {
        if (this.#center !== undefined) rowCenters(at.start, history.value, this.#model.mean, this.#center);
        withoutCenters(at.start, history.value, this.#center, term);
        for (let j = 0; j < count; j++) term[j] /= this.#unit;
        if (this.#center !== undefined) this.#center[0] /= this.#unit;
        biasRegularizations(objective, at.start, at.biasPenalty);
        const biased = hasBias(objective, this.#side);
        return {
          kind: "explicit",
          ...common,
          outBias: biased ? at.outBias : undefined,
          fixedBias: bias === undefined ? undefined : at.fixedBias,
          value: term,
          offset: this.#model.mean / this.#unit,
          biasRegularization: biased ? at.biasPenalty : undefined,
        };
      }
      case "implicit":
        confidences(objective, history.value, term);
        return {
          kind: "implicit",
          ...common,
          confidence: term,
          gram: at.gram,
          unobservedWeight: objective.unobservedWeight,
          overlap: overlapOf(objective),
          scratch: undefined,
        };
      default:
        return objective satisfies never;
    }
  }
}

/** By the range of the ratings, which is some times their spread. */
function unitOf({ range }: FactorModel): number {
  if (range === undefined) return 1;
  return exactUnit((range.max - range.min || Math.max(Math.abs(range.min), Math.abs(range.max))) / 4);
}

export function notStable(who: string, model: FactorModel, pivot: number, value: number): DivergenceError {
  const { rank, provenance } = model;
  const method = "regularization" in provenance.options ? "" : "als and ";
  return new DivergenceError(
    `${who}: the history has no stable solution (pivot ${pivot} is ${rounded(value)}); without a penalty a row of rank ${rank} ` +
      `needs at least as many ratings: give more, or train with ${method}regularization above 0`,
    { who, rank, pivot, value },
  );
}
