/**
 * Alternating least squares, the part that `als` and `ials` share: kernel memory for two tables and both orientations of
 * the ratings, starting factors, the sweep, the training figure, and the model at the end.
 *
 * A sweep solves the items first and then the users, so a user's row is always the answer to the final item table:
 * folding in a training user gives the trained row, and explain() accounts for the whole score.
 * Cost of a sweep: O(ratings · rank² + (users + items) · rank³) exact, O(steps · ratings · rank + (users + items) · rank²) by conjugate
 * gradient, O(ratings · rank · blockSize + (users + items) · (rank² + rank · blockSize²)) by subspaces.
 * Not here: option tables (als.ts, ials.ts), the arithmetic (kernels/), the loop over sweeps (course.ts).
 */
import {
  type Kernels,
  type RowProblem,
  type RowSolver,
  rowStride,
  slot,
  subspaceScratch,
  unpadded,
  type Workspace,
} from "../kernels/index.ts";
import {
  biasRegularizations,
  confidences,
  exactUnit,
  type FactorModel,
  hasBias,
  inUnit,
  isCenter,
  overlapOf,
  regularizations,
  rowCenters,
  type SolvedObjective,
  withoutCenters,
} from "../model/index.ts";
import { CellValues, type Ratings, standardDeviation } from "../ratings/index.ts";
import { DivergenceError, nextTurn, normal, show, streamSeed, throwIfAborted, turnIsOver } from "../support/index.ts";
import { penalty, type Side, setLevel, sideOf, squaredSize, termForms } from "./alternating-side.ts";
import type { Slope } from "./certificate.ts";
import { multiply, unitFor } from "./descent-unit.ts";
import type { Run, RunState, StartFrom } from "./factorizer.ts";
import { provenanceOf } from "./provenance.ts";
import { copyState, restoreState, type Trained } from "./run-state.ts";
import { entrySlots, fillEntries, longestHistory } from "./side-entries.ts";

/** Option rows that both methods have, beside those of common-options.ts. */
export const alternatingOptions = {
  sweeps: (sweeps: number) =>
    ({ type: "whole", default: sweeps, min: 1, max: 10_000, about: "passes over the data, items then users" }) as const,
  initScale: {
    type: "number",
    default: 0.1,
    // From all zeros no factor would ever move.
    min: 1e-6,
    max: 1e3,
    about: "starting factors are normal with this standard deviation over √rank",
  },
} as const;

export interface AlternatingSettings {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly rank: number;
  /** Starting factors are normal with standard deviation initScale / √rank. */
  readonly initScale: number;
  readonly solver: RowSolver;
  readonly objective: SolvedObjective;
}

export type AlternatingLayout = ReturnType<typeof alternatingLayout>;

/** Everything an alternating run keeps in kernel memory, by name. */
export function alternatingLayout(ratings: Ratings, settings: AlternatingSettings) {
  const [users, items] = [ratings.users.size, ratings.items.size];
  const { rank, objective, solver } = settings;
  const biased = { user: hasBias(objective, "user"), item: hasBias(objective, "item") };
  const implicit = objective.kind === "implicit";
  const whitenedRows = implicit && solver.kind === "cg" ? Math.max(users, items) : 0;
  return {
    users: slot.table(users, rank),
    items: slot.table(items, rank),
    userBias: slot.f32(biased.user ? users : 0),
    itemBias: slot.f32(biased.item ? items : 0),
    userLevel: slot.f32(isCenter(objective, "user") ? users : 0),
    itemLevel: slot.f32(isCenter(objective, "item") ? items : 0),
    // What each entry brings to its row's system: the rating (less its row's centre), or the confidence made from it.
    ...entrySlots(ratings, termForms(ratings, objective)),
    userPenalty: slot.f32(users),
    itemPenalty: slot.f32(items),
    userBiasPenalty: slot.f32(biased.user ? users : 0),
    itemBiasPenalty: slot.f32(biased.item ? items : 0),
    gram: slot.f32(implicit ? rowStride(rank) ** 2 : 0),
    whitened: slot.table(whitenedRows, rank),
    forRows: slot.perThread(
      solver.kind === "subspace" ? subspaceScratch(rank, solver.blockSize, longestHistory(ratings)) : 0,
    ),
    // A figure for each row of the side in hand.
    figures: slot.f64(Math.max(users, items)),
  };
}

export class AlternatingRun implements Run {
  readonly lossName: string;
  initialLoss: number | undefined;
  readonly zeroLoss: number | undefined;
  readonly #settings: AlternatingSettings;
  readonly #ratings: Ratings;
  readonly #kernels: Kernels;
  readonly #space: Workspace<AlternatingLayout>;
  readonly #seed: number;
  /** What every score starts from: the mean of all ratings, unless nothing is subtracted */
  readonly #mean: number;
  /** Kernel memory holds explicit ratings and biases divided by this, factors by its root */
  readonly #unit: number;
  #sweep = 0;
  /** The cost without its penalties, after the last sweep made here */
  #unpenalized: number | undefined;
  readonly #users: Side;
  readonly #items: Side;

  /** A run, and the figure that it starts at: one more look at the ratings, where each sweep is many. */
  static async start(
    settings: AlternatingSettings,
    ratings: Ratings,
    kernels: Kernels,
    seed: number,
    from: StartFrom | undefined,
    signal: AbortSignal | undefined,
  ): Promise<AlternatingRun> {
    const run = new AlternatingRun(settings, ratings, kernels, seed, from);
    try {
      // Filling gave no turns.
      if (turnIsOver()) await nextTurn();
      throwIfAborted(settings.name, signal);
      if (from === undefined) run.initialLoss = await run.#startingLoss();
      return run;
    } catch (error) {
      run.close();
      throw error;
    }
  }

  /** Opens the kernel memory and fills it: ratings, penalties, starting factors or those to go on from. */
  constructor(settings: AlternatingSettings, ratings: Ratings, kernels: Kernels, seed: number, from?: StartFrom) {
    this.lossName = settings.objective.kind === "explicit" ? "training RMSE" : "objective per rating";
    this.#settings = settings;
    this.#ratings = ratings;
    this.#kernels = kernels;
    this.#seed = seed;
    const { objective } = settings;
    this.zeroLoss = objective.kind === "explicit" ? standardDeviation(ratings.byUser.value, 0) : undefined;
    this.#mean = objective.kind === "explicit" && objective.center !== "none" ? ratings.mean : 0;
    this.#unit = objective.kind === "explicit" ? exactUnit(unitFor("auto", objective.center, ratings)) : 1;
    this.#space = kernels.open(alternatingLayout(ratings, settings));
    this.#users = sideOf("user", ratings, this.#space.at, objective);
    this.#items = sideOf("item", ratings, this.#space.at, objective);
    try {
      fillEntries(ratings, this.#space.at, termForms(ratings, objective));
      this.#prepare(this.#users, this.#items);
      this.#prepare(this.#items, this.#users);
      if (from === undefined) {
        this.#scatter(this.#users);
        this.#scatter(this.#items);
      } else {
        restoreState(settings.name, this.#trained(), from.state);
        setLevel(this.#users);
        setLevel(this.#items);
        this.#sweep = from.passes;
      }
    } catch (error) {
      this.#space.close();
      throw error;
    }
  }

  /** One sweep a call: each is long enough for the loop. */
  async passes(_most: number, signal: AbortSignal | undefined): Promise<readonly number[]> {
    this.#sweep++;
    await this.#halfSweep(this.#items, this.#users);
    throwIfAborted(this.#settings.name, signal);
    await this.#halfSweep(this.#users, this.#items);
    return [await this.#loss()];
  }

  async #startingLoss(): Promise<number> {
    if (this.#settings.objective.kind === "implicit") {
      await this.#space.gram(this.#items.table, this.#space.at.gram);
    }
    return this.#loss();
  }

  /** Explicit: root mean squared error. Implicit: the whole objective, penalties included, over the number of ratings. */
  async #loss(): Promise<number> {
    const out = this.#space.at.figures;
    // The Gram matrix of the items is there: the user half-sweep that ended the pass was made with it.
    await this.#space.rowLoss(this.#problem(this.#users, this.#items), out);
    let sum = 0;
    for (let r = 0; r < this.#users.table.rows; r++) sum += out[r];
    this.#unpenalized = sum;
    if (this.#settings.objective.kind === "explicit") return this.#unit * Math.sqrt(sum / this.#ratings.size);
    return (sum + penalty(this.#users) + penalty(this.#items)) / this.#ratings.size;
  }

  async slope(): Promise<Slope> {
    const [users, items] = [this.#users, this.#items];
    let squared = await this.#squaredGradient(users, items);
    if (this.#unpenalized === undefined) await this.#loss();
    squared += await this.#squaredGradient(items, users);
    const cost = (this.#unpenalized ?? 0) + penalty(users) + penalty(items);
    const factor = Math.sqrt(this.#unit);
    // Biases count in units of the root, as factors do: the length of a gradient of both has no other that holds on every scale.
    return {
      norm: (this.#unit ** 2 / factor) * Math.sqrt(squared),
      cost: this.#unit ** 2 * cost,
      size: factor * Math.sqrt(squaredSize(users) + squaredSize(items)),
    };
  }

  async #squaredGradient(side: Side, fixed: Side): Promise<number> {
    const { gram, figures } = this.#space.at;
    if (this.#settings.objective.kind === "implicit") await this.#space.gram(fixed.table, gram);
    await this.#space.rowGradients(this.#problem(side, fixed), figures);
    let sum = 0;
    for (let r = 0; r < side.table.rows; r++) sum += figures[r];
    return sum;
  }

  state(): RunState {
    return copyState(this.#trained());
  }

  model(passes: number): FactorModel {
    const { byUser, users, items, hasRatings, min, max } = this.#ratings;
    const { rank, objective } = this.#settings;
    const explicit = objective.kind === "explicit";
    const level = (side: Side) => side.level && multiply(side.level.slice(), this.#unit);
    return {
      kind: "factors",
      rank,
      users,
      items,
      userFactors: multiply(unpadded(this.#users.table), Math.sqrt(this.#unit)),
      itemFactors: multiply(unpadded(this.#items.table), Math.sqrt(this.#unit)),
      userBias: level(this.#users),
      itemBias: level(this.#items),
      mean: this.#mean,
      scale: explicit ? "rating" : "preference",
      range: explicit && hasRatings ? { min, max } : undefined,
      objective,
      history: byUser,
      provenance: provenanceOf(this.#settings, this.#ratings, this.#kernels, this.#seed, passes),
    };
  }

  close(): void {
    this.#space.close();
  }

  /** Conjugate gradient and subspaces start each row from its last value, on both sides. */
  #trained(): Trained {
    const [users, items] = [this.#users, this.#items];
    return { userFactors: users.table, itemFactors: items.table, userBias: users.bias, itemBias: items.bias };
  }

  /** Terms in place of the values that stand there, and what else follows from the ratings of a side. */
  #prepare(side: Side, other: Side): void {
    const objective = inUnit(this.#settings.objective, this.#unit);
    const { start } = side.entries.rows;
    // One for each rating where the side has a centre; else often what the codes of the ratings mean.
    const { table } = side.entries;
    const value = new CellValues(table);
    if (side.center !== undefined) {
      rowCenters(start, value, this.#ratings.mean, side.center);
      withoutCenters(start, value, side.center, table);
      multiply(side.center, 1 / this.#unit);
    }
    if (objective.kind === "explicit") multiply(table, 1 / this.#unit);
    else confidences(objective, value, table);
    setLevel(side);
    regularizations(objective, start, other.table.rows, side.penalty);
    if (side.biasPenalty !== undefined) biasRegularizations(objective, start, side.biasPenalty);
  }

  /** Starting factors, one stream a side. Padding stays zero. */
  #scatter(side: Side): void {
    const { data, rows, rank, stride } = side.table;
    const seed = streamSeed(this.#seed, `${side.word} factors`);
    const scale = this.#settings.initScale / Math.sqrt(rank);
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < rank; c++) data[r * stride + c] = scale * normal(seed, r * rank + c);
    }
  }

  async #halfSweep(side: Side, fixed: Side): Promise<void> {
    if (this.#settings.objective.kind === "implicit") await this.#space.gram(fixed.table, this.#space.at.gram);
    const unstable = await this.#space.solveRows(this.#problem(side, fixed), this.#settings.solver);
    setLevel(side);
    if (unstable === undefined) return;
    const id = side.ids.id(unstable.row);
    throw new DivergenceError(
      `${this.#settings.name}: ${side.word} ${show(id)} has no stable solution in sweep ${this.#sweep} (pivot ` +
        `${unstable.pivot} is ${unstable.value.toPrecision(3)}); raise regularization above ${this.#settings.objective.regularization}`,
      {
        method: this.#settings.name,
        sweep: this.#sweep,
        [side.word]: id,
        pivot: unstable.pivot,
        value: unstable.value,
      },
    );
  }

  #problem(side: Side, fixed: Side): RowProblem {
    const { objective } = this.#settings;
    const { gram, whitened } = this.#space.at;
    switch (objective.kind) {
      case "explicit":
        return {
          kind: "explicit",
          out: side.table,
          outBias: side.bias,
          fixed: fixed.table,
          fixedBias: fixed.level,
          entries: side.entries.rows,
          value: side.entries.numbers,
          offset: this.#mean / this.#unit,
          regularization: side.penalty,
          biasRegularization: side.biasPenalty,
        };
      case "implicit":
        return {
          kind: "implicit",
          out: side.table,
          fixed: fixed.table,
          entries: side.entries.rows,
          confidence: side.entries.numbers,
          gram,
          unobservedWeight: objective.unobservedWeight,
          overlap: overlapOf(objective),
          regularization: side.penalty,
          scratch: this.#settings.solver.kind === "cg" ? { ...whitened, rows: fixed.table.rows } : undefined,
        };
      default:
        return objective satisfies never;
    }
  }
}
