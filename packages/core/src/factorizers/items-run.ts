/**
 * One training of a method whose model is weights between items: computed in a single pass, whatever computes them.
 *
 * Nothing of a pass is worth keeping half-way, so a checkpoint holds no arrays: a training that is resumed from its end
 * computes the weights again and ends in the same bytes.
 */
import { type Arrays, type Kernels, slot } from "../kernels/index.ts";
import type { HistoryValues, ItemModel, ItemWeights } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { DataError, giveTurn, show, turnIsOver } from "../support/index.ts";
import type { Run, RunState, StartFrom } from "./factorizer.ts";
import { provenanceOf } from "./provenance.ts";

export const valuesOption = (meaning: string) =>
  ({
    type: "choice",
    default: "ones",
    choices: ["ones", "given"],
    about: `what an entry of a history counts: 1, or its rating or number of events${meaning}`,
  }) as const;

/** What a method computes. */
export interface WeighedItems {
  readonly weights: ItemWeights;
  /** The figure that `lossName` names */
  readonly figure: number;
}

export interface ItemsTraining {
  readonly method: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly values: HistoryValues;
  readonly lossName: string;
  readonly initialLoss?: number | undefined;
  readonly ratings: Ratings;
  readonly kernels: Kernels;
  readonly seed: number;
  /** Takes and gives back its own memory. @throws AbortedError */
  weigh(signal: AbortSignal | undefined): Promise<WeighedItems>;
}

/** @throws DataError for entries that count less than nothing, or a state that is of another training */
export function startItems(training: ItemsTraining, from: StartFrom | undefined): Run<ItemModel> {
  const { method, values, ratings } = training;
  if (values === "given" && ratings.min < 0) {
    throw new DataError(
      `${method}: the smallest rating is ${ratings.min}, and what a history counts cannot be below 0; use values "ones", leave out the records that mean dislike, or add to all ratings`,
      { method, min: ratings.min },
    );
  }
  const [array] = Object.keys(from?.state.arrays ?? {});
  if (array !== undefined) {
    throw new DataError(
      `${method}: the state to resume from does not fit: ${show(array)} has no place here; it is of another method`,
      { method, array },
    );
  }
  return new ItemsRun(training, (from?.passes ?? 0) > 0);
}

/** Kernel memory for histories by item and by user, with what their entries count or weigh. */
export const historySlots = ({ users, items, size }: Ratings) => ({
  rowStart: slot.u32(items.size + 1),
  rowIndex: slot.u32(size),
  rowValue: slot.f32(size),
  columnStart: slot.u32(users.size + 1),
  columnIndex: slot.u32(size),
  columnValue: slot.f32(size),
});

type HistoryArrays = Arrays<ReturnType<typeof historySlots>>;

/** Fills them with what each entry counts. @throws AbortedError */
export async function fillHistories(
  who: string,
  ratings: Ratings,
  at: HistoryArrays,
  values: HistoryValues,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { start, index, value } = ratings.byUser;
  const isGiven = values === "given";
  // Straight into kernel memory: the ratings by item are needed nowhere else.
  ratings.writeByItem({ start: at.rowStart, index: at.rowIndex, value: isGiven ? at.rowValue : undefined });
  if (turnIsOver()) await giveTurn(who, signal);
  at.columnStart.set(start);
  at.columnIndex.set(index);
  if (isGiven) value.writeTo(at.columnValue);
  else {
    at.rowValue.fill(1);
    at.columnValue.fill(1);
  }
  if (turnIsOver()) await giveTurn(who, signal);
}

/** As kernels/squares.ts takes them. */
export const historyRows = (at: HistoryArrays) => ({
  rows: { start: at.rowStart, index: at.rowIndex },
  rowValue: at.rowValue,
  columns: { start: at.columnStart, index: at.columnIndex },
  columnValue: at.columnValue,
});

class ItemsRun implements Run<ItemModel> {
  readonly lossName: string;
  readonly initialLoss: number | undefined;
  readonly #training: ItemsTraining;
  readonly #resumed: boolean;
  #weighed: WeighedItems | undefined;

  constructor(training: ItemsTraining, resumed: boolean) {
    this.lossName = training.lossName;
    this.initialLoss = resumed ? undefined : training.initialLoss;
    this.#training = training;
    this.#resumed = resumed;
  }

  get finished(): boolean {
    return this.#resumed || this.#weighed !== undefined;
  }

  async passes(_most: number, signal: AbortSignal | undefined): Promise<readonly number[]> {
    this.#weighed = await this.#training.weigh(signal);
    return [this.#weighed.figure];
  }

  state(): RunState {
    return { arrays: {} };
  }

  async model(passes: number, signal?: AbortSignal): Promise<ItemModel> {
    const { method, options, values, ratings, kernels, seed } = this.#training;
    const { byUser, users, items, hasRatings, min, max } = ratings;
    const weights = passes === 0 ? nothing(items.size) : (await this.#once(signal)).weights;
    return {
      kind: "items",
      users,
      items,
      scale: "preference",
      values,
      weights,
      range: hasRatings ? { min, max } : undefined,
      history: byUser,
      provenance: provenanceOf({ name: method, options }, ratings, kernels, seed, passes),
    };
  }

  close(): void {}

  async #once(signal: AbortSignal | undefined): Promise<WeighedItems> {
    this.#weighed ??= await this.#training.weigh(signal);
    return this.#weighed;
  }
}

/** What is known before the pass. */
function nothing(items: number): ItemWeights {
  return {
    kind: "sparse",
    start: new Uint32Array(items + 1),
    index: new Uint32Array(0),
    value: new Float32Array(0),
  };
}
