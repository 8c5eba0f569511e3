/**
 * One training by sampled gradients: kernel memory for two tables and what their optimizer keeps, epochs in batches of users,
 * and the model at the end. Users are the left side, items the right.
 *
 * Not here: options (bpr.ts, softmax.ts, warp.ts, logistic.ts), the losses and their arithmetic (kernels/sampled.ts).
 */
import {
  arraysOf,
  type Kernels,
  type MovedTable,
  mostEntries,
  type Optimizer,
  type Reals,
  type RealTable,
  type SampledLoss,
  type SampledProblem,
  type SampledSide,
  sampledSlots,
  slot,
  type Workspace,
} from "../kernels/index.ts";
import {
  type Biases,
  type FactorModel,
  historyShare,
  isBiased,
  type RowObjective,
  type Scale,
} from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import {
  giveTurn,
  logOnePlus,
  normal,
  power,
  shuffleInto,
  streamSeed,
  throwIfAborted,
  turnIsOver,
} from "../support/index.ts";
import type { Blame } from "./divergence.ts";
import type { Run, RunState, StartFrom } from "./factorizer.ts";
import { provenanceOf } from "./provenance.ts";
import { copyState, restoreState, type Trained } from "./run-state.ts";
import { rowsFromHistories } from "./sampled-fold-in.ts";
import { itemRows, userRows } from "./sampled-rows.ts";
import type { Rates } from "./schedules.ts";
import { worstRow } from "./worst-row.ts";

export interface SampledSettings {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly rank: number;
  readonly epochs: number;
  readonly loss: SampledLoss;
  readonly cosine: boolean;
  readonly regularization: number;
  readonly biases: Biases;
  readonly biasRegularization: number;
  readonly scale: Scale;
  readonly optimizer: Optimizer;
  readonly rates: Rates;
  readonly batchSize: number;
  readonly negatives: number;
  readonly historyExponent: number;
  readonly historyWeight: number;
  /** What ln(1 + times chosen) is multiplied by in an item's scores */
  readonly popularity: number;
  readonly initScale: number;
}

/** Multiply-adds of one kernel call, between which the signal is looked at: a few tenths of a second. */
const CALL_PRODUCTS = 2 ** 31;
/** Multiply-adds of one call of `passes`: some milliseconds, so that short epochs do not pay for the loop. */
const PASSES_PRODUCTS = 2 ** 24;
/** The reference is some hundred times slower. */
const REFERENCE_SHARE = 2 ** -7;
const MAX_CALL_PASSES = 1024;
/** Batches that the loss before the first epoch is taken of. */
const FIRST_BATCHES = 16;

type SampledLayout = ReturnType<typeof sampledLayout>;

/** Everything a run keeps in kernel memory, by name. */
export function sampledLayout(ratings: Ratings, settings: SampledSettings) {
  const { rank, optimizer, biases, batchSize, negatives } = settings;
  const [users, items] = [ratings.users.size, ratings.items.size];
  const kept = arraysOf(optimizer);
  const [first, second] = [kept.first ? 1 : 0, kept.second ? 1 : 0];
  const userBias = isBiased(biases, "user") ? users : 0;
  const itemBias = isBiased(biases, "item") ? items : 0;
  const entries = mostEntries(ratings.byUser, batchSize);
  return {
    users: slot.realTable(users, rank),
    usersFirst: slot.realTable(first * users, rank),
    usersSecond: slot.realTable(second * users, rank),
    items: slot.realTable(items, rank),
    itemsFirst: slot.realTable(first * items, rank),
    itemsSecond: slot.realTable(second * items, rank),
    userBias: slot.real(userBias),
    userBiasFirst: slot.real(first * userBias),
    userBiasSecond: slot.real(second * userBias),
    itemBias: slot.real(itemBias),
    itemBiasFirst: slot.real(first * itemBias),
    itemBiasSecond: slot.real(second * itemBias),
    start: slot.u32(users + 1),
    index: slot.u32(ratings.size),
    weight: slot.real(users),
    historyWeight: slot.real(settings.historyWeight === 0 ? 0 : users),
    offset: slot.real(settings.popularity === 0 ? 0 : items),
    order: slot.u32(users),
    ...sampledSlots({ rightRows: items, rank, batchSize, candidates: negatives, entries }),
  };
}

/** Whether rows follow from histories by least squares. */
export function solvesRows({ biases, historyWeight }: Pick<SampledSettings, "biases" | "historyWeight">): boolean {
  return biases === "none" && historyWeight === 0;
}

export class SampledRun implements Run {
  readonly lossName = "loss per chosen item";
  initialLoss: number | undefined;
  readonly options: SampledSettings["options"];
  readonly #settings: SampledSettings;
  readonly #ratings: Ratings;
  readonly #kernels: Kernels;
  readonly #seed: number;
  readonly #space: Workspace<SampledLayout>;
  readonly #problem: SampledProblem;
  /** Epochs made, those before a resumption included */
  #done: number;
  /** Σ weight · n over all users */
  #entries = 0;

  private constructor(
    settings: SampledSettings,
    ratings: Ratings,
    kernels: Kernels,
    seed: number,
    from: StartFrom | undefined,
  ) {
    this.#settings = settings;
    this.options = settings.options;
    this.#ratings = ratings;
    this.#kernels = kernels;
    this.#seed = seed;
    this.#done = from?.passes ?? 0;
    this.#space = kernels.open(sampledLayout(ratings, settings));
    this.#problem = problemOf(settings, this.#space, streamSeed(seed, "negatives"));
  }

  /** Opens the kernel memory and fills it: histories, starting factors or the state to go on from. */
  static async start(
    settings: SampledSettings,
    ratings: Ratings,
    kernels: Kernels,
    seed: number,
    from: StartFrom | undefined,
    signal: AbortSignal | undefined,
  ): Promise<SampledRun> {
    const run = new SampledRun(settings, ratings, kernels, seed, from);
    try {
      await run.#fill(signal);
      if (from !== undefined) restoreState(settings.name, run.#trained(), from.state);
      else {
        await run.#draw(signal);
        run.initialLoss = await run.#firstLoss(signal);
      }
      return run;
    } catch (error) {
      run.close();
      throw error;
    }
  }

  async passes(most: number, signal: AbortSignal | undefined): Promise<readonly number[]> {
    const share = this.#kernels.backend === "reference" ? REFERENCE_SHARE : 1;
    const fitting = Math.floor((share * PASSES_PRODUCTS) / this.#products(this.#ratings.users.size));
    const count = Math.max(1, Math.min(most, fitting, MAX_CALL_PASSES));
    const figures: number[] = [];
    for (let pass = 0; pass < count; pass++) {
      const sum = await this.#epoch(signal);
      figures.push(sum / this.#entries);
      if (!Number.isFinite(sum)) break;
    }
    return figures;
  }

  state(): RunState {
    return copyState(this.#trained());
  }

  async model(passes: number, signal?: AbortSignal): Promise<FactorModel> {
    const { byUser, users, items } = this.#ratings;
    const { rank, biases, scale } = this.#settings;
    const { at } = this.#space;
    const itemFactors = itemRows(at.items, this.#settings);
    const userFactors = await userRows(at.users, itemFactors, byUser, this.#settings, signal);
    const itemBias = isBiased(biases, "item") || at.offset.length > 0 ? new Float32Array(items.size) : undefined;
    for (const part of [at.itemBias, at.offset]) {
      for (let item = 0; item < part.length && itemBias !== undefined; item++) itemBias[item] += part[item];
    }
    return {
      kind: "factors",
      rank,
      users,
      items,
      userFactors,
      itemFactors,
      userBias: isBiased(biases, "user") ? Float32Array.from(at.userBias) : undefined,
      itemBias,
      mean: 0,
      scale,
      range: undefined,
      objective: await this.#objective(userFactors, itemFactors, signal),
      history: byUser,
      provenance: provenanceOf(this.#settings, this.#ratings, this.#kernels, this.#seed, passes),
    };
  }

  /** How rows follow from histories. What a bias of someone new would be nothing tells; that of items is as it is. */
  async #objective(
    userFactors: Float32Array,
    itemFactors: Float32Array,
    signal: AbortSignal | undefined,
  ): Promise<RowObjective | undefined> {
    const { name, rank, biases, historyWeight, cosine } = this.#settings;
    if (historyWeight > 0 && !isBiased(biases, "user")) return { kind: "history", historyWeight, normalized: cosine };
    if (!solvesRows(this.#settings)) return undefined;
    return rowsFromHistories(this.#ratings, rank, userFactors, itemFactors, () => giveTurn(name, signal));
  }

  blame(pass: number): Blame {
    const { at } = this.#space;
    const worst = worstRow([
      { word: "user", ids: this.#ratings.users, tables: [at.users], bias: at.userBias },
      { word: "item", ids: this.#ratings.items, tables: [at.items], bias: at.itemBias },
    ]);
    return { learningRate: this.#settings.rates.at(Math.max(pass, 1)), worst };
  }

  close(): void {
    this.#space.close();
  }

  /** One epoch, in calls between which the signal is looked at. Returns Σ weight · loss of all users. */
  async #epoch(signal: AbortSignal | undefined): Promise<number> {
    const { name, optimizer, batchSize, rates } = this.#settings;
    const { order } = this.#space.at;
    shuffleInto(streamSeed(this.#seed, `order ${this.#done + 1}`), order);
    const batches = Math.ceil(order.length / batchSize);
    const perCall = Math.max(1, Math.floor(CALL_PRODUCTS / this.#products(batchSize)));
    const rate = Float64Array.of(rates.at(this.#done + 1));
    let sum = 0;
    for (let from = 0; from < batches && Number.isFinite(sum); from += perCall) {
      throwIfAborted(name, signal);
      const to = Math.min(batches, from + perCall);
      const done = this.#done * batches + from;
      sum += await this.#space.sampledBatches(this.#problem, { optimizer, done, rates: rate, from, to });
    }
    this.#done++;
    return sum;
  }

  /** The loss of the first batches at the start: steps of length 0, so that nothing moves. */
  async #firstLoss(signal: AbortSignal | undefined): Promise<number> {
    const { at } = this.#space;
    throwIfAborted(this.#settings.name, signal);
    const { batchSize } = this.#settings;
    shuffleInto(streamSeed(this.#seed, "order 0"), at.order);
    const to = Math.min(FIRST_BATCHES, Math.ceil(at.order.length / batchSize));
    const still = { optimizer: { kind: "sgd", momentum: 0 }, done: 0, rates: Float64Array.of(0), from: 0, to } as const;
    const sum = await this.#space.sampledBatches(this.#problem, still);
    let entries = 0;
    for (const user of at.order.subarray(0, to * batchSize)) {
      entries += at.weight[user] * (at.start[user + 1] - at.start[user]);
    }
    return sum / Math.max(entries, Number.MIN_VALUE);
  }

  /** Multiply-adds of this many users, about. */
  #products(users: number): number {
    const { size, users: all } = this.#ratings;
    return Math.max(1, users * 3 * this.#settings.rank * (this.#settings.negatives + (2 * size) / all.size));
  }

  async #fill(signal: AbortSignal | undefined): Promise<void> {
    const { at } = this.#space;
    const { start, index } = this.#ratings.byUser;
    at.start.set(start);
    at.index.set(index);
    const { name, historyExponent: exponent } = this.#settings;
    for (let user = 0; user < at.weight.length; user++) {
      const count = start[user + 1] - start[user];
      // The losses are sums over what a user chose: they grow with its number already.
      at.weight[user] = count === 0 ? 0 : power(count, exponent) / count;
      this.#entries += at.weight[user] * count;
      if (at.historyWeight.length > 0) at.historyWeight[user] = historyShare(this.#settings.historyWeight, count);
      if (turnIsOver()) await giveTurn(name, signal);
    }
    if (at.offset.length === 0) return;
    const { itemCounts } = this.#ratings;
    for (let item = 0; item < at.offset.length; item++) {
      at.offset[item] = this.#settings.popularity * logOnePlus(itemCounts[item]);
      if (turnIsOver()) await giveTurn(name, signal);
    }
  }

  /** Starting factors, one stream a side; biases are 0. */
  async #draw(signal: AbortSignal | undefined): Promise<void> {
    for (const side of ["user", "item"] as const) {
      const { data, rows, rank, stride } = this.#space.at[`${side}s`];
      const seed = streamSeed(this.#seed, `${side} factors`);
      for (let row = 0; row < rows; row++) {
        for (let k = 0; k < rank; k++) {
          data[row * stride + k] = Math.fround(this.#settings.initScale * normal(seed, row * rank + k));
        }
        if (turnIsOver()) await giveTurn(this.#settings.name, signal);
      }
    }
  }

  /** Everything that the next epoch depends on, by name. */
  #trained(): Trained {
    const { at } = this.#space;
    const some = (array: Reals) => (array.length === 0 ? undefined : array);
    const rows = (table: RealTable) => (table.rows === 0 ? undefined : table);
    return {
      userFactors: at.users,
      userFactorsFirst: rows(at.usersFirst),
      userFactorsSecond: rows(at.usersSecond),
      itemFactors: at.items,
      itemFactorsFirst: rows(at.itemsFirst),
      itemFactorsSecond: rows(at.itemsSecond),
      userBias: some(at.userBias),
      userBiasFirst: some(at.userBiasFirst),
      userBiasSecond: some(at.userBiasSecond),
      itemBias: some(at.itemBias),
      itemBiasFirst: some(at.itemBiasFirst),
      itemBiasSecond: some(at.itemBiasSecond),
    };
  }
}

function problemOf(settings: SampledSettings, { at }: Workspace<SampledLayout>, seed: number): SampledProblem {
  const { cosine, loss, biases, batchSize, negatives, regularization, biasRegularization } = settings;
  const table = (own: RealTable, first: RealTable, second: RealTable): MovedTable => ({
    table: own,
    value: own.data,
    first: first.data,
    second: second.data,
  });
  const side = (word: "user" | "item"): SampledSide => ({
    factors: table(at[`${word}s`], at[`${word}sFirst`], at[`${word}sSecond`]),
    bias: isBiased(biases, word)
      ? { value: at[`${word}Bias`], first: at[`${word}BiasFirst`], second: at[`${word}BiasSecond`] }
      : undefined,
    regularization,
    biasRegularization,
  });
  return {
    left: side("user"),
    right: side("item"),
    cosine,
    loss,
    entries: { start: at.start, index: at.index },
    weight: at.weight,
    historyWeight: at.historyWeight.length === 0 ? undefined : at.historyWeight,
    offset: at.offset.length === 0 ? undefined : at.offset,
    order: at.order,
    batchSize,
    candidates: negatives,
    seed,
    work: at,
  };
}
