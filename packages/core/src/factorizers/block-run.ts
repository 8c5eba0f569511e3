/**
 * One training of sgd in blocks: epochs of a drawn order of diagonals, several in one kernel call where they are short.
 *
 * Not here: the arithmetic (kernels/blocks.ts), memory and models (block-space.ts), options (block-options.ts).
 */
import { type BlockLoss, type Kernels, lossAt, rowStride } from "../kernels/index.ts";
import type { FactorModel } from "../model/index.ts";
import { type Ratings, standardDeviation } from "../ratings/index.ts";
import { shuffleInto, streamSeed, throwIfAborted } from "../support/index.ts";
import { blockSlope, meanSquaredError } from "./block-slope.ts";
import { type BlockSettings, BlockSpace, blockLayout } from "./block-space.ts";
import type { Slope } from "./certificate.ts";
import { MAX_PENALTY } from "./common-options.ts";
import { smallError } from "./descent-unit.ts";
import type { Blame } from "./divergence.ts";
import type { Run, RunState, StartFrom } from "./factorizer.ts";
import { worstRow } from "./worst-row.ts";

/** Multiply-adds of one kernel call: some tens of milliseconds. */
const CALL_PRODUCTS = { wasm: 2 ** 28, reference: 2 ** 22 } as const;
/** Losses of a call are kept until it ends, and a progress bar wants to move. */
const MAX_CALL_EPOCHS = 64;
/** Ratings that say how far off a model is, at most: some milliseconds. */
const NOISE_RATINGS = 2 ** 15;
/** Epochs that a slope over all ratings takes as long as, without kernels. */
const SLOPE_EPOCHS = 20;

/** What the mean loss of the ratings is called, and what it is told as. */
const FIGURES: Record<BlockLoss, string> = {
  squared: "RMSE on the way",
  absolute: "mean absolute error on the way",
  huber: "mean Huber loss on the way",
  logistic: "mean log loss on the way",
  kl: "mean KL divergence on the way",
};

function callEpochs(ratings: Ratings, { rank, passes }: BlockSettings, kernels: Kernels): number {
  const fitting = Math.floor(CALL_PRODUCTS[kernels.backend] / (ratings.size * (4 * rowStride(rank) + 64)));
  return Math.max(1, Math.min(fitting, MAX_CALL_EPOCHS, passes));
}

export function blockBytes(ratings: Ratings, settings: BlockSettings, kernels: Kernels): number {
  return kernels.bytesFor(blockLayout(ratings, settings, callEpochs(ratings, settings, kernels)));
}

export async function startBlocks(
  settings: BlockSettings,
  ratings: Ratings,
  kernels: Kernels,
  seed: number,
  from: StartFrom | undefined,
  signal: AbortSignal | undefined,
): Promise<Run> {
  const calls = callEpochs(ratings, settings, kernels);
  const memory = await BlockSpace.open(settings, ratings, kernels, seed, calls, from, signal);
  try {
    const run = new BlockRun(memory, from?.passes ?? 0);
    if (from === undefined) await run.begin();
    return run;
  } catch (error) {
    memory.space.close();
    throw error;
  }
}

class BlockRun implements Run {
  readonly lossName: string;
  readonly options: BlockSettings["options"];
  initialLoss: number | undefined;
  readonly slopePasses = SLOPE_EPOCHS;
  readonly #memory: BlockSpace;
  /** Epochs made, those before a resumption included */
  #done: number;

  constructor(memory: BlockSpace, done: number) {
    const { settings } = memory;
    this.#memory = memory;
    this.#done = done;
    this.lossName = FIGURES[settings.loss];
    this.options = settings.options;
  }

  /** The loss of all ratings at the start: an epoch at rate 0, which moves nothing but what the rates are made of; that is put back. */
  async begin(): Promise<void> {
    const { space, at, problem, ratings } = this.#memory;
    const states = [at.userState, at.itemState].map((state) => ({ state, kept: state.slice() }));
    const order = at.order.subarray(0, problem.grid.leftBlocks);
    for (let i = 0; i < order.length; i++) order[i] = i;
    const sums = at.figures.subarray(0, 1);
    at.rates[0] = 0;
    await space.blockEpochs(problem, { done: 0, rates: at.rates.subarray(0, 1), order }, sums);
    for (const { state, kept } of states) state.set(kept);
    this.initialLoss = this.#figure(sums[0], ratings.size);
  }

  /** The same figure where every prediction is 0, from the ratings as they are. */
  get zeroLoss(): number {
    const { settings, ratings } = this.#memory;
    const { loss, huberDelta } = settings;
    const { value } = ratings.byUser;
    if (loss === "squared") return standardDeviation(value, 0);
    return value.sum((rating) => lossAt(loss, rating, 0, huberDelta)) / value.length;
  }

  get smallLoss(): number | undefined {
    const { settings, ratings } = this.#memory;
    return settings.loss === "squared" ? smallError(ratings) : undefined;
  }

  async passes(most: number): Promise<readonly number[]> {
    const { space, at, problem, settings, seed } = this.#memory;
    const { leftBlocks } = problem.grid;
    const count = Math.min(most, at.rates.length);
    for (let epoch = 0; epoch < count; epoch++) {
      const pass = this.#done + epoch + 1;
      at.rates[epoch] = settings.rates.at(pass);
      this.#drawOrder(
        streamSeed(seed, `order ${pass}`),
        at.order.subarray(epoch * leftBlocks, (epoch + 1) * leftBlocks),
      );
    }
    const sums = at.figures.subarray(0, count);
    const rates = at.rates.subarray(0, count);
    const order = at.order.subarray(0, count * leftBlocks);
    await space.blockEpochs(problem, { done: this.#done, rates, order }, sums);
    this.#done += count;
    return Array.from(sums, (sum) => this.#figure(sum, this.#memory.ratings.size));
  }

  /** Strips in a drawn order, and the diagonals of each. */
  #drawOrder(seed: number, order: Uint32Array): void {
    const { leftBlocks, rightBlocks } = this.#memory.problem.grid;
    const strips = new Uint32Array(leftBlocks / rightBlocks);
    shuffleInto(streamSeed(seed, "strips"), strips);
    for (const [place, strip] of strips.entries()) {
      const diagonals = order.subarray(place * rightBlocks, (place + 1) * rightBlocks);
      shuffleInto(streamSeed(seed, `diagonals ${strip}`), diagonals);
      for (let i = 0; i < rightBlocks; i++) diagonals[i] += strip * rightBlocks;
    }
  }

  /** @param sum of the losses of `count` ratings, in kernel memory's unit */
  #figure(sum: number, count: number): number {
    const { loss, unit } = this.#memory.settings;
    return loss === "squared" ? unit.rating * Math.sqrt(sum / count) : unit.cost * (sum / count);
  }

  blame(pass: number): Blame {
    const learningRate = this.#memory.settings.rates.at(Math.max(pass, 1));
    return { learningRate, worst: worstRow(this.#memory.numbers()) };
  }

  state(): RunState {
    return this.#memory.state();
  }

  /** Rows of squared loss alone are ridge regressions, so that people who are new can be folded in. */
  model(passes: number): FactorModel {
    const { loss, nonNegative, regularizationL1 } = this.#memory.settings;
    const model = this.#memory.model(passes);
    const isRidge = loss === "squared" && !nonNegative && regularizationL1 === 0;
    return isRidge ? { ...model, objective: this.#objective(model) } : model;
  }

  /**
   * How a new row follows from its ratings: as the most likely one, if new rows are spread as the trained ones are. The penalties of the
   * training are no help: there, rows with few ratings stay small because an epoch moves them little.
   */
  #objective(model: FactorModel): FactorModel["objective"] {
    const { problem, settings, ratings } = this.#memory;
    const { regularization, biasRegularization, biases, center, unit } = settings;
    const noise = unit.rating ** 2 * meanSquaredError(problem, Math.ceil(ratings.size / NOISE_RATINGS));
    const penalty = (spread: number, least: number) => {
      const ratio = noise / spread;
      return Number.isFinite(ratio) ? Math.min(Math.max(ratio, least), MAX_PENALTY) : least;
    };
    const fitted = this.#memory.numbers().find(({ bias }) => bias !== undefined)?.bias;
    return {
      kind: "explicit",
      regularization: penalty(meanSquare(model.userFactors), regularization),
      regularizationExponent: 0,
      center,
      biases,
      biasRegularization:
        fitted === undefined ? undefined : penalty(unit.rating ** 2 * meanSquare(fitted), biasRegularization),
      biasRegularizationExponent: 0,
    };
  }

  close(): void {
    this.#memory.space.close();
  }

  /** Of the cost over all ratings; none where it has corners. It is not made by kernels. */
  get slope(): ((signal?: AbortSignal) => Promise<Slope>) | undefined {
    const { problem, settings } = this.#memory;
    const { name, unit, loss, nonNegative, regularizationL1 } = settings;
    const corners = loss === "absolute" || nonNegative || regularizationL1 !== 0;
    return corners ? undefined : (signal) => blockSlope(problem, unit, () => throwIfAborted(name, signal));
  }
}

function meanSquare(values: Float32Array | Float64Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return sum / values.length;
}
