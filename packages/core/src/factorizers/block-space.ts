/**
 * What sgd keeps in kernel memory in blocks: ratings as records, two tables and the states of their rows, in a drawn order. Ratings and
 * settings come in; the problem for the kernels, states and models go out, in the order of the ids.
 *
 * Everything is in units of `BlockUnit` here. Users are the left side, items the right.
 */
import {
  type Arrays,
  BIASED_STATE_WIDTH,
  type BlockLoss,
  type BlockProblem,
  type BlockSide,
  blockGrid,
  blockSlots,
  type Kernels,
  type Reals,
  type RealTable,
  STATE,
  STATE_WIDTH,
  slot,
  unpadded,
  type Workspace,
} from "../kernels/index.ts";
import { type Biases, type Center, type FactorModel, isBiased } from "../model/index.ts";
import type { IdMap, Ratings } from "../ratings/index.ts";
import { DataError, streamSeed, throwIfAborted } from "../support/index.ts";
import { drawPlaces, fillBlocks, type Places } from "./block-entries.ts";
import type { BlockUnit } from "./block-options.ts";
import { biasWithCenter, type RowCenters, rowCentersOf } from "./centers.ts";
import { multiply } from "./descent-unit.ts";
import type { RunState, StartFrom, StateArrays } from "./factorizer.ts";
import { provenanceOf } from "./provenance.ts";
import { restoreState } from "./run-state.ts";
import type { Rates } from "./schedules.ts";
import { fillStart, type Start } from "./starting-factors.ts";

/** A training in blocks, every option resolved for its ratings. */
export interface BlockSettings {
  readonly name: string;
  /** For the provenance; `auto` resolved */
  readonly options: Readonly<Record<string, unknown>>;
  readonly rank: number;
  readonly passes: number;
  readonly rates: Rates;
  readonly loss: BlockLoss;
  /** In the ratings' own unit, as the penalties are */
  readonly huberDelta: number;
  readonly regularization: number;
  readonly regularizationL1: number;
  readonly biasRegularization: number;
  readonly nonNegative: boolean;
  readonly biases: Biases;
  readonly center: Center;
  readonly start: Start;
  readonly unit: BlockUnit;
}

/** From this rank on an entry takes so long that the order within a block no longer matters to the processor. */
const SORTED_FROM = 48;
/** Users whose ratings are mixed below that rank, so that one move does not wait for the last one of the same row. */
const MIXED_USERS = 8;

type BlockLayout = ReturnType<typeof blockLayout>;

/** @param calls epochs that one kernel call may make */
export function blockLayout(ratings: Ratings, { rank, biases }: BlockSettings, calls: number) {
  const [users, items] = [ratings.users.size, ratings.items.size];
  const grid = blockGrid(users, items, rank);
  const width = stateWidth(biases);
  return {
    userFactors: slot.realTable(users, rank),
    itemFactors: slot.realTable(items, rank),
    userState: slot.real(users * width),
    itemState: slot.real(items * width),
    blockStart: slot.u32(grid.leftBlocks * grid.rightBlocks + 1),
    record: slot.inPieces(slot.u32(2 * ratings.size)),
    order: slot.u32(calls * grid.leftBlocks),
    rates: slot.f64(calls),
    figures: slot.f64(calls),
    ...blockSlots(grid, calls),
  };
}

function stateWidth(biases: Biases): number {
  return biases === "none" ? STATE_WIDTH : BIASED_STATE_WIDTH;
}

/** The memory of one training, filled. Owned by a run, which closes it. */
export class BlockSpace {
  readonly space: Workspace<BlockLayout>;
  readonly at: Arrays<BlockLayout>;
  readonly problem: BlockProblem;
  readonly settings: BlockSettings;
  readonly ratings: Ratings;
  readonly seed: number;
  readonly #kernels: Kernels;
  readonly #centers: RowCenters;
  readonly #places: { readonly user: Places; readonly item: Places };

  private constructor(settings: BlockSettings, ratings: Ratings, kernels: Kernels, seed: number, calls: number) {
    this.settings = settings;
    this.ratings = ratings;
    this.seed = seed;
    this.#kernels = kernels;
    this.#centers = rowCentersOf(settings.center, ratings);
    this.#places = {
      user: drawPlaces(seed, "user", ratings.users.size),
      item: drawPlaces(seed, "item", ratings.items.size),
    };
    this.space = kernels.open(blockLayout(ratings, settings, calls));
    this.at = this.space.at;
    this.problem = problemOf(settings, ratings, this.at, this.#mean);
  }

  static async open(
    settings: BlockSettings,
    ratings: Ratings,
    kernels: Kernels,
    seed: number,
    calls: number,
    from: StartFrom | undefined,
    signal: AbortSignal | undefined,
  ): Promise<BlockSpace> {
    const memory = new BlockSpace(settings, ratings, kernels, seed, calls);
    try {
      if (from === undefined) memory.#start();
      else memory.#restore(from.state);
      await memory.#fill(() => throwIfAborted(settings.name, signal));
      return memory;
    } catch (error) {
      memory.space.close();
      throw error;
    }
  }

  get #mean(): number {
    return this.settings.center === "none" ? 0 : this.ratings.mean;
  }

  async #fill(atTurn: () => void): Promise<void> {
    const { at, problem, settings } = this;
    const levels = { ...this.#centers, unit: settings.unit.rating };
    await fillBlocks(this.ratings, problem.grid, this.#places, levels, at, atTurn);
    const group = settings.rank < SORTED_FROM ? MIXED_USERS : 1;
    await this.space.shuffleBlocks(problem, group, streamSeed(this.seed, "entries"));
  }

  #start(): void {
    const { at, settings, ratings } = this;
    const bias = (word: "user" | "item") =>
      isBiased(settings.biases, word) ? new Float64Array(at[`${word}Factors`].rows) : undefined;
    const tables = {
      users: at.userFactors,
      items: at.itemFactors,
      userBias: bias("user"),
      itemBias: bias("item"),
      userPlace: this.#places.user.placeOf,
      itemPlace: this.#places.item.placeOf,
    };
    fillStart(settings.name, settings.start, tables, ratings, this.seed);
    const given = settings.start.kind === "given";
    for (const { word, table, state, placeOf } of this.#sides()) {
      if (given) multiply(table.data, 1 / settings.unit.factor);
      if (settings.nonNegative) this.#checkSigns(word, table);
      state.fill(1);
      const biases = tables[`${word}Bias`];
      const width = stateWidth(settings.biases);
      if (width === STATE_WIDTH) continue;
      for (let row = 0; row < table.rows; row++) {
        const own = biases === undefined ? 0 : biases[row];
        state[placeOf[row] * width + STATE.bias] = given ? own / settings.unit.rating : own;
      }
    }
  }

  #checkSigns(word: "user" | "item", table: RealTable): void {
    if (table.data.every((factor) => factor >= 0)) return;
    const { name } = this.settings;
    throw new DataError(`${name}: initial.${word}Factors has numbers below 0, which nonNegative does not allow`, {
      method: name,
      array: `${word}Factors`,
    });
  }

  state(): RunState {
    const arrays: Record<string, StateArrays[string]> = {};
    for (const { name, values } of this.#stateParts()) arrays[name] = values;
    return { arrays };
  }

  /** Everything that moves, copied, rows in the order of the ids. */
  #stateParts() {
    const parts: { name: string; values: Float32Array | Float64Array; put: (values: Reals) => void }[] = [];
    const width = stateWidth(this.settings.biases);
    for (const { word, table, state, placeOf } of this.#sides()) {
      const { data, rows, rank, stride } = table;
      const part = (name: string, from: Reals, step: number, first: number, count: number) => {
        const values = from instanceof Float64Array ? new Float64Array(rows * count) : new Float32Array(rows * count);
        const at = (row: number) => placeOf[row] * step + first;
        for (let row = 0; row < rows; row++) values.set(from.subarray(at(row), at(row) + count), row * count);
        const put = (kept: Reals) => {
          for (let row = 0; row < rows; row++) from.set(kept.subarray(row * count, (row + 1) * count), at(row));
        };
        parts.push({ name, values, put });
      };
      part(`${word}Factors`, data, stride, 0, rank);
      part(`${word}Sums`, state, width, STATE.slow, 2);
      if (isBiased(this.settings.biases, word)) part(`${word}Bias`, state, width, STATE.bias, 2);
    }
    return parts;
  }

  #restore(state: RunState): void {
    for (const { state } of this.#sides()) state.fill(1);
    const parts = this.#stateParts();
    restoreState(this.settings.name, Object.fromEntries(parts.map(({ name, values }) => [name, values])), state);
    for (const { values, put } of parts) put(values);
  }

  /** Without an objective: how rows follow from histories is the run's to say. */
  model(passes: number): FactorModel {
    const { users, items, byUser, min, max } = this.ratings;
    const { rank, loss, unit } = this.settings;
    const [user, item] = this.#sides().map((side) => this.#rowsOf(side));
    return {
      kind: "factors",
      rank,
      users,
      items,
      userFactors: user.factors,
      itemFactors: item.factors,
      userBias: biasWithCenter(user.bias, unit.rating, this.#centers.user),
      itemBias: biasWithCenter(item.bias, unit.rating, this.#centers.item),
      mean: this.#mean,
      scale: loss === "logistic" ? "logit" : "rating",
      range: loss === "logistic" ? undefined : { min, max },
      objective: undefined,
      history: byUser,
      provenance: provenanceOf(this.settings, this.ratings, this.#kernels, this.seed, passes),
    };
  }

  /** Factors of one side in the ratings' unit, and biases. Rows without ratings get the mean of those with some. */
  #rowsOf({ word, table, state, placeOf }: OneSide): { factors: Float32Array; bias: Float64Array | undefined } {
    const { rows, rank } = table;
    const width = stateWidth(this.settings.biases);
    const factors = multiply(unpadded(table, placeOf), this.settings.unit.factor);
    const bias = isBiased(this.settings.biases, word)
      ? Float64Array.from(placeOf, (place) => state[place * width + STATE.bias])
      : undefined;
    const { start } = this.ratings.byUser;
    const { itemCounts } = this.ratings;
    const isEmpty = (row: number) => (word === "user" ? start[row + 1] === start[row] : itemCounts[row] === 0);
    fillEmptyRows(factors, rows, rank, isEmpty);
    if (bias !== undefined) fillEmptyRows(bias, rows, 1, isEmpty);
    return { factors, bias };
  }

  #sides(): OneSide[] {
    return (["user", "item"] as const).map((word) => ({
      word,
      ids: this.ratings[`${word}s`],
      table: this.at[`${word}Factors`],
      state: this.at[`${word}State`],
      placeOf: this.#places[word].placeOf,
      rowAt: this.#places[word].rowAt,
    }));
  }

  /** For the words of a divergence: ids by place, the table of each side, and its biases. */
  numbers() {
    const width = stateWidth(this.settings.biases);
    return this.#sides().map(({ word, ids, table, state, rowAt }) => ({
      word,
      ids: { size: ids.size, id: (place: number) => ids.id(rowAt[place]) },
      tables: [table],
      unit: this.settings.unit,
      bias: isBiased(this.settings.biases, word)
        ? Float64Array.from({ length: table.rows }, (_, place) => state[place * width + STATE.bias])
        : undefined,
    }));
  }
}

interface OneSide {
  readonly word: "user" | "item";
  readonly ids: IdMap;
  readonly table: RealTable;
  readonly state: Reals;
  readonly placeOf: Uint32Array;
  readonly rowAt: Uint32Array;
}

/** @param values [rows × width] */
function fillEmptyRows(
  values: Float32Array | Float64Array,
  rows: number,
  width: number,
  isEmpty: (row: number) => boolean,
): void {
  const mean = new Float64Array(width);
  let count = 0;
  for (let row = 0; row < rows; row++) {
    if (isEmpty(row)) continue;
    count++;
    for (let k = 0; k < width; k++) mean[k] += values[row * width + k];
  }
  if (count === rows) return;
  for (let k = 0; k < width; k++) mean[k] /= Math.max(count, 1);
  for (let row = 0; row < rows; row++) if (isEmpty(row)) values.set(mean, row * width);
}

function problemOf(settings: BlockSettings, ratings: Ratings, at: Arrays<BlockLayout>, mean: number): BlockProblem {
  const { rank, biases, unit, loss, huberDelta, nonNegative, regularizationL1 } = settings;
  const side = (word: "user" | "item"): BlockSide => ({
    table: at[`${word}Factors`],
    state: at[`${word}State`],
    biased: isBiased(biases, word),
    regularization: (settings.regularization * unit.factor ** 2) / unit.cost,
    regularizationL1: (regularizationL1 * unit.factor) / unit.cost,
    biasRegularization: (settings.biasRegularization * unit.rating ** 2) / unit.cost,
  });
  return {
    left: side("user"),
    right: side("item"),
    grid: blockGrid(ratings.users.size, ratings.items.size, rank),
    stateWidth: stateWidth(biases),
    blockStart: at.blockStart,
    record: at.record,
    offset: mean / unit.rating,
    loss,
    delta: huberDelta / unit.rating,
    nonNegative,
    slowStart: regularizationL1 === 0,
    work: at,
  };
}
