/**
 * One training of a net: kernel memory for tables, layers and moments, epochs in batches, and the model at the end.
 *
 * Not here: options (net-options.ts), the start (net-start.ts), the arithmetic (kernels/net.ts).
 */
import {
  arraysOf,
  type Kernels,
  type MovedTable,
  type NetProblem,
  type NetShape,
  type NetSide,
  netPlaces,
  netTrainingSlots,
  type Optimizer,
  type Reals,
  type RealTable,
  type ScoringSide,
  slot,
  unpadded,
  type Workspace,
} from "../kernels/index.ts";
import { type Biases, type Center, flatToLayers, isBiased, type NetModel } from "../model/index.ts";
import { type CompressedRows, type Ratings, standardDeviation } from "../ratings/index.ts";
import { nextTurn, shuffleInto, streamSeed, throwIfAborted, turnIsOver } from "../support/index.ts";
import { biasWithCenter, type RowCenters, ratingsWithoutCenters, rowCentersOf } from "./centers.ts";
import { multiply, smallError } from "./descent-unit.ts";
import type { Blame } from "./divergence.ts";
import type { Run, RunState, StartFrom } from "./factorizer.ts";
import { drawNet, fillInitial, type InitialNet } from "./net-start.ts";
import { provenanceOf } from "./provenance.ts";
import { copyState, restoreState } from "./run-state.ts";
import type { Rates } from "./schedules.ts";
import { type SideNumbers, sizeOf, type WorstRow, worstRow } from "./worst-row.ts";

export interface NetSettings {
  readonly name: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly shape: NetShape;
  readonly epochs: number;
  readonly batchSize: number;
  readonly order: "rows" | "shuffled" | "shuffledOnce";
  readonly optimizer: Optimizer;
  readonly rates: Rates;
  readonly regularization: number;
  readonly biasRegularization: number;
  readonly layerRegularization: number;
  readonly biases: Biases;
  readonly center: Center;
  /** What ratings are divided by in kernel memory: scores, and with them the layer to the score and biases, are in this unit */
  readonly unit: number;
  readonly initScale: number;
  readonly initial: InitialNet | undefined;
}

/** Entries times widths of one kernel call, between which the signal is looked at: a few tenths of a second. */
const CALL_PRODUCTS = { wasm: 2 ** 31, reference: 2 ** 24 } as const;
/** Entries times widths of one call of `passes`: some milliseconds, so that short epochs do not pay for the loop. */
const PASSES_PRODUCTS = { wasm: 2 ** 24, reference: 2 ** 17 } as const;
const MAX_CALL_PASSES = 1024;
/** Ratings whose scores are made together where the error of the start is measured. */
const SCORED_RATINGS = 2 ** 14;

type NetLayout = ReturnType<typeof netLayout>;

/** Everything a run keeps in kernel memory, by name. */
export function netLayout(ratings: Ratings, settings: NetSettings) {
  const { shape, biases, optimizer } = settings;
  const batchSize = batchOf(ratings, settings);
  const users = ratings.users.size;
  const items = ratings.items.size;
  const product = shape.product ? 1 : 0;
  const moments = arraysOf(optimizer);
  const first = Number(moments.first);
  const second = Number(moments.second);
  const table = (rows: number, share: number) => slot.realTable(rows * share, shape.rank);
  const userBias = isBiased(biases, "user") ? users : 0;
  const itemBias = isBiased(biases, "item") ? items : 0;
  const { length } = netPlaces(shape);
  return {
    users: table(users, 1),
    usersFirst: table(users, first),
    usersSecond: table(users, second),
    items: table(items, 1),
    itemsFirst: table(items, first),
    itemsSecond: table(items, second),
    userProduct: table(users, product),
    userProductFirst: table(users, product * first),
    userProductSecond: table(users, product * second),
    itemProduct: table(items, product),
    itemProductFirst: table(items, product * first),
    itemProductSecond: table(items, product * second),
    userBias: slot.real(userBias),
    userBiasFirst: slot.real(userBias * first),
    userBiasSecond: slot.real(userBias * second),
    itemBias: slot.real(itemBias),
    itemBiasFirst: slot.real(itemBias * first),
    itemBiasSecond: slot.real(itemBias * second),
    layers: slot.real(length),
    layersFirst: slot.real(length * first),
    layersSecond: slot.real(length * second),
    userRow: slot.u32(ratings.size),
    itemRow: slot.u32(ratings.size),
    order: slot.u32(ratings.size),
    value: slot.real(ratings.size),
    score: slot.f32(Math.min(SCORED_RATINGS, ratings.size)),
    ...netTrainingSlots(shape, users, items, batchSize),
  };
}

/** A batch is never more than all ratings. */
function batchOf(ratings: Ratings, { batchSize }: NetSettings): number {
  return Math.min(batchSize, ratings.size);
}

export class NetRun implements Run<NetModel> {
  readonly lossName = "RMSE on the way";
  readonly #settings: NetSettings;
  readonly #ratings: Ratings;
  readonly #kernels: Kernels;
  readonly #seed: number;
  readonly #space: Workspace<NetLayout>;
  readonly #problem: NetProblem;
  readonly #centers: RowCenters;
  /** Epochs made, those before a resumption included */
  #done: number;
  /** RMSE at the start; undefined when resumed */
  initialLoss: number | undefined;

  /**
   * Opens the kernel memory and fills it: ratings without their centre, starting values or the state to go on from. Measures
   * where a new training starts.
   */
  static async start(
    settings: NetSettings,
    ratings: Ratings,
    kernels: Kernels,
    seed: number,
    from: StartFrom | undefined,
    signal: AbortSignal | undefined,
  ): Promise<NetRun> {
    const run = new NetRun(settings, ratings, kernels, seed, from);
    try {
      if (from === undefined) run.initialLoss = await run.#rmse(signal);
      return run;
    } catch (error) {
      run.close();
      throw error;
    }
  }

  private constructor(
    settings: NetSettings,
    ratings: Ratings,
    kernels: Kernels,
    seed: number,
    from: StartFrom | undefined,
  ) {
    this.#settings = settings;
    this.#ratings = ratings;
    this.#kernels = kernels;
    this.#seed = seed;
    this.#done = from?.passes ?? 0;
    this.#space = kernels.open(netLayout(ratings, settings));
    const { at } = this.#space;
    this.#problem = problemOf(settings, ratings, this.#space);
    try {
      this.#centers = rowCentersOf(settings.center, ratings);
      fillEntries(ratings.byUser, at, this.#centers);
      multiply(at.value, 1 / settings.unit);
      if (settings.order === "shuffledOnce") shuffleInto(streamSeed(seed, "order"), at.order);
      const tables = { ...at, layers: at.layers };
      if (from !== undefined) restoreState(settings.name, this.#trained(), from.state);
      else if (settings.initial !== undefined) {
        fillInitial(settings.shape, settings.initial, tables);
        multiply(at.layers.subarray(netPlaces(settings.shape).top), 1 / settings.unit);
      } else drawNet(settings.shape, settings.initScale, seed, tables);
    } catch (error) {
      this.#space.close();
      throw error;
    }
  }

  async passes(most: number, signal: AbortSignal | undefined): Promise<readonly number[]> {
    const products = this.#ratings.size * widthsOf(this.#settings.shape);
    const fitting = Math.floor(PASSES_PRODUCTS[this.#kernels.backend] / products);
    const count = Math.max(1, Math.min(most, fitting, MAX_CALL_PASSES));
    const figures: number[] = [];
    for (let pass = 0; pass < count; pass++) {
      const squares = await this.#epoch(signal);
      const figure = this.#settings.unit * Math.sqrt(squares / this.#ratings.size);
      figures.push(figure);
      if (!Number.isFinite(figure)) break;
    }
    return figures;
  }

  state(): RunState {
    return copyState(this.#trained());
  }

  model(passes: number): NetModel {
    const { byUser, users, items, mean, min, max } = this.#ratings;
    const { shape, biases, center, unit } = this.#settings;
    const { at } = this.#space;
    const layers = at.layers.slice();
    multiply(layers.subarray(netPlaces(shape).top), unit);
    return {
      kind: "net",
      rank: shape.rank,
      users,
      items,
      userFactors: unpadded(at.users),
      itemFactors: unpadded(at.items),
      userBias: biasWithCenter(isBiased(biases, "user") ? at.userBias : undefined, unit, this.#centers.user),
      itemBias: biasWithCenter(isBiased(biases, "item") ? at.itemBias : undefined, unit, this.#centers.item),
      mean: center === "none" ? 0 : mean,
      activation: "relu",
      layers: flatToLayers(shape, layers),
      product: shape.product
        ? { userFactors: unpadded(at.userProduct), itemFactors: unpadded(at.itemProduct) }
        : undefined,
      scale: "rating",
      range: { min, max },
      history: byUser,
      provenance: provenanceOf(this.#settings, this.#ratings, this.#kernels, this.#seed, passes),
    };
  }

  close(): void {
    this.#space.close();
  }

  /** One epoch, in calls between which the signal is looked at. Returns Σ error² on the way, in the unit. */
  async #epoch(signal: AbortSignal | undefined): Promise<number> {
    const { name, order, optimizer, shape } = this.#settings;
    const { batchSize } = this.#problem;
    if (order === "shuffled") shuffleInto(streamSeed(this.#seed, `order ${this.#done + 1}`), this.#space.at.order);
    const batches = Math.ceil(this.#ratings.size / batchSize);
    const most = CALL_PRODUCTS[this.#kernels.backend];
    const perCall = Math.max(1, Math.floor(most / (batchSize * widthsOf(shape))));
    const rates = Float64Array.of(this.#settings.rates.at(this.#done + 1));
    let squares = 0;
    for (let from = 0; from < batches && Number.isFinite(squares); from += perCall) {
      // The reference gives no turns, in which a signal could fire.
      if (turnIsOver()) await nextTurn();
      throwIfAborted(name, signal);
      const to = Math.min(batches, from + perCall);
      const done = this.#done * batches + from;
      squares += await this.#space.netBatches(this.#problem, { optimizer, done, rates, from, to });
    }
    this.#done++;
    return squares;
  }

  /** Root mean squared error over all ratings, at the present parameters, in the ratings' own unit. */
  async #rmse(signal: AbortSignal | undefined): Promise<number> {
    const { shape, left, right, layers, offset, work } = this.#problem;
    const { userRow, itemRow, value, score } = this.#space.at;
    const side = ({ factors, product, bias }: NetSide): ScoringSide => ({
      table: factors.table,
      product: product?.table,
      bias: bias?.value,
    });
    const net = { shape, left: side(left), right: side(right), layers: layers.value, offset, work };
    let squares = 0;
    for (let from = 0; from < value.length; from += score.length) {
      const to = Math.min(value.length, from + score.length);
      if (turnIsOver()) await nextTurn();
      throwIfAborted(this.#settings.name, signal);
      const [leftRow, rightRow] = [userRow.subarray(from, to), itemRow.subarray(from, to)];
      await this.#space.netPairs({ ...net, leftRow, rightRow, out: score });
      for (let i = from; i < to; i++) squares += (score[i - from] - value[i]) ** 2;
    }
    return this.#settings.unit * Math.sqrt(squares / value.length);
  }

  /** Everything that the next epoch depends on, by name. */
  #trained() {
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
      userProduct: rows(at.userProduct),
      userProductFirst: rows(at.userProductFirst),
      userProductSecond: rows(at.userProductSecond),
      itemProduct: rows(at.itemProduct),
      itemProductFirst: rows(at.itemProductFirst),
      itemProductSecond: rows(at.itemProductSecond),
      userBias: some(at.userBias),
      userBiasFirst: some(at.userBiasFirst),
      userBiasSecond: some(at.userBiasSecond),
      itemBias: some(at.itemBias),
      itemBiasFirst: some(at.itemBiasFirst),
      itemBiasSecond: some(at.itemBiasSecond),
      layers: at.layers,
      layersFirst: some(at.layersFirst),
      layersSecond: some(at.layersSecond),
    };
  }

  get smallLoss(): number {
    return smallError(this.#ratings);
  }

  /** Root mean square of the ratings. */
  get zeroLoss(): number {
    return standardDeviation(this.#ratings.byUser.value, 0);
  }

  blame(pass: number): Blame {
    const { at } = this.#space;
    const side = (word: "user" | "item"): SideNumbers => ({
      word,
      ids: this.#ratings[`${word}s`],
      tables: this.#settings.shape.product ? [at[`${word}s`], at[`${word}Product`]] : [at[`${word}s`]],
      bias: at[`${word}Bias`],
      unit: { rating: this.#settings.unit, factor: 1 },
    });
    const row = worstRow([side("user"), side("item")]);
    let layers = 0;
    for (let i = 0; i < at.layers.length; i++) layers = Math.max(layers, sizeOf(at.layers[i]));
    const inLayers = layers === Number.POSITIVE_INFINITY && Number.isFinite(row.size);
    const worst: WorstRow = inLayers ? { word: "layers", size: layers } : row;
    return { learningRate: this.#settings.rates.at(Math.max(pass, 1)), worst };
  }
}

/** Multiply-adds of an entry, forward and back, about. */
function widthsOf({ rank, hidden }: NetShape): number {
  let sum = 8 * rank;
  let inputs = 2 * rank;
  for (const outputs of hidden) {
    sum += inputs * outputs;
    inputs = outputs;
  }
  return 3 * (sum + inputs);
}

/** Entries user by user, with their ratings less the centre of their row, if that is one. The global mean is the offset. */
function fillEntries(
  byUser: CompressedRows,
  at: { userRow: Uint32Array; itemRow: Uint32Array; order: Uint32Array; value: Reals },
  centers: RowCenters,
): void {
  const { rows, start, index } = byUser;
  for (let user = 0; user < rows; user++) at.userRow.fill(user, start[user], start[user + 1]);
  at.itemRow.set(index);
  ratingsWithoutCenters(byUser, centers, at.value);
  for (let entry = 0; entry < at.order.length; entry++) at.order[entry] = entry;
}

function problemOf(settings: NetSettings, ratings: Ratings, { at }: Workspace<NetLayout>): NetProblem {
  const { shape, biases, regularization, biasRegularization, layerRegularization, center } = settings;
  const table = (own: RealTable, first: RealTable, second: RealTable): MovedTable => ({
    table: own,
    value: own.data,
    first: first.data,
    second: second.data,
  });
  const side = (word: "user" | "item"): NetSide => ({
    factors: table(at[`${word}s`], at[`${word}sFirst`], at[`${word}sSecond`]),
    product: shape.product
      ? table(at[`${word}Product`], at[`${word}ProductFirst`], at[`${word}ProductSecond`])
      : undefined,
    bias: isBiased(biases, word)
      ? { value: at[`${word}Bias`], first: at[`${word}BiasFirst`], second: at[`${word}BiasSecond`] }
      : undefined,
    row: at[`${word}Row`],
    regularization,
    biasRegularization,
  });
  return {
    shape,
    left: side("user"),
    right: side("item"),
    layers: { value: at.layers, first: at.layersFirst, second: at.layersSecond },
    layerRegularization,
    offset: center === "none" ? 0 : ratings.mean / settings.unit,
    value: at.value,
    order: at.order,
    batchSize: batchOf(ratings, settings),
    work: at,
  };
}
