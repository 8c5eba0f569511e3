/**
 * One training by gradient descent: all ratings at once (FullRun) or in batches, down to one at a time (BatchRun).
 *
 * Many passes are made in one kernel call where they are short. How many follows from the size of the data alone, never
 * from a clock, and never changes what they give.
 * Not here: the arithmetic (kernels/descent.ts), memory and models (descent-space.ts), the loop over passes (course.ts).
 */
import type { BatchProblem, FullProblem, Kernels, Reals } from "../kernels/index.ts";
import type { FactorModel } from "../model/index.ts";
import { type Ratings, standardDeviation } from "../ratings/index.ts";
import { nextTurn, shuffleInto, streamSeed, throwIfAborted, turnIsOver } from "../support/index.ts";
import type { Slope } from "./certificate.ts";
import { rowWeight } from "./descent-options.ts";
import { descentRmse, descentSlope, objectiveOf } from "./descent-slope.ts";
import { type Batches, type DescentSettings, DescentSpace, descentLayout, passProducts } from "./descent-space.ts";
import { smallError } from "./descent-unit.ts";
import type { Blame } from "./divergence.ts";
import type { Run, RunState, StartFrom } from "./factorizer.ts";
import { worstRow } from "./worst-row.ts";

/**
 * Multiply-adds of one kernel call, about 30 ms on one thread; the reference takes longer for each. A call of full steps
 * begins with a third of a step more, so it has eight times as many.
 */
const CALL_PRODUCTS = { wasm: 2 ** 25, reference: 2 ** 22 } as const;
const FULL_CALLS = 8;
/** Losses of a call are kept until it ends, and a progress bar wants to move. */
const MAX_CALL_PASSES = 1024;
/** Epochs that a slope over all ratings takes as long as, without kernels. */
const SLOPE_EPOCHS = 10;
/**
 * Least penalty of a folded-in row, in mean squares of the larger table: a history shorter than the rank leaves directions
 * open, which training does not care about and which this closes at 0. Changes a determined row by about 0.1 % at most.
 */
const FOLD_IN_RIDGE = 1e-3;

function callPasses(ratings: Ratings, settings: DescentSettings, kernels: Kernels): number {
  const products = CALL_PRODUCTS[kernels.backend] * (settings.batches === undefined ? FULL_CALLS : 1);
  const fitting = Math.floor(products / passProducts(ratings, settings));
  return Math.max(1, Math.min(fitting, MAX_CALL_PASSES, settings.passes));
}

export function descentBytes(ratings: Ratings, settings: DescentSettings, kernels: Kernels): number {
  return kernels.bytesFor(descentLayout(ratings, settings, callPasses(ratings, settings, kernels)));
}

/** Opens the memory, fills it, and measures where the training starts. */
export async function startDescent(
  settings: DescentSettings,
  ratings: Ratings,
  kernels: Kernels,
  seed: number,
  from: StartFrom | undefined,
  signal: AbortSignal | undefined,
): Promise<Run> {
  const memory = new DescentSpace(settings, ratings, kernels, seed, callPasses(ratings, settings, kernels), from);
  try {
    const { batches } = settings;
    const done = from?.passes ?? 0;
    const run = batches === undefined ? new FullRun(memory, done) : new BatchRun(memory, batches, done);
    if (turnIsOver()) await nextTurn(); // filling gave none
    throwIfAborted(settings.name, signal);
    await run.begin(from === undefined, signal);
    return run;
  } catch (error) {
    memory.space.close();
    throw error;
  }
}

abstract class DescentRun implements Run {
  abstract readonly lossName: string;
  protected readonly memory: DescentSpace;
  /** Passes made, those before a resumption included */
  protected done: number;

  constructor(memory: DescentSpace, done: number) {
    this.memory = memory;
    this.done = done;
  }

  get options(): DescentSettings["options"] {
    return this.memory.settings.options;
  }

  abstract passes(most: number, signal: AbortSignal | undefined): Promise<readonly number[]>;

  state(): RunState {
    return this.memory.state();
  }

  async model(passes: number, signal?: AbortSignal): Promise<FactorModel> {
    const { settings } = this.memory;
    const { objective, regularization, biasRegularization, biases, center } = settings;
    const entries = settings.batches?.size ?? this.memory.ratings.size;
    const rmse = objective === "norm" ? await this.rmse(signal) : 0;
    const weight = (penalty: number) => rowWeight(objective, penalty, entries, this.memory.ratings.size, rmse);
    return this.memory.model(passes, {
      kind: "explicit",
      regularization: Math.max(weight(regularization), this.#ridge()),
      regularizationExponent: 0,
      center,
      biases,
      biasRegularization: biases === "none" ? undefined : weight(biasRegularization),
      biasRegularizationExponent: 0,
    });
  }

  close(): void {
    this.memory.space.close();
  }

  /** Root mean squared error at the present parameters, in the ratings' own unit, as all figures that a run gives. */
  protected abstract rmse(signal?: AbortSignal): number | Promise<number>;

  /** Learning rates of the next passes, into kernel memory. */
  protected rates(count: number): Float64Array {
    const rates = this.memory.at.rates.subarray(0, count);
    for (let i = 0; i < count; i++) rates[i] = this.memory.settings.rates.at(this.done + i + 1);
    return rates;
  }

  #ridge(): number {
    const { left, right } = this.memory.problem;
    return (
      this.memory.unit.rating *
      FOLD_IN_RIDGE *
      Math.max(meanSquare(left.factors.table), meanSquare(right.factors.table), 2 ** -20)
    );
  }

  /** Root mean square of the ratings, made into the figure that `lossName` names. */
  get zeroLoss(): number {
    return this.lossOf(standardDeviation(this.memory.ratings.byUser.value, 0));
  }

  get smallLoss(): number {
    return this.lossOf(smallError(this.memory.ratings));
  }

  /** What `lossName` names, without penalties, where the root mean squared error is this. */
  protected abstract lossOf(rmse: number): number;

  blame(pass: number): Blame {
    const { rates, name, optimizer, clipNorm } = this.memory.settings;
    const { unit } = this.memory;
    return {
      learningRate: rates.at(Math.max(pass, 1)),
      worst: worstRow(
        this.memory
          .sides()
          .map(({ word, ids, side }) => ({ word, ids, tables: [side.factors.table], bias: side.bias?.value, unit })),
      ),
      // The steps of the others are as long whatever the length of the gradient.
      further:
        name === "gradient" && optimizer.kind === "sgd" && clipNorm === undefined ? 'set clipping "norm"' : undefined,
    };
  }
}

/** Padding is zero. */
function meanSquare({ data, rows, rank }: { data: Reals; rows: number; rank: number }): number {
  return sumOfSquares(data) / (rows * rank);
}

function sumOfSquares(values: Reals): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] * values[i];
  return sum;
}

/** All ratings at once: every row moves in every step. */
class FullRun extends DescentRun {
  readonly lossName: string;
  initialLoss: number | undefined;
  readonly #problem: FullProblem;

  constructor(memory: DescentSpace, done: number) {
    super(memory, done);
    this.lossName = "loss";
    const { at, problem, ratings } = memory;
    const complete = ratings.isComplete;
    this.#problem = {
      ...problem,
      complete,
      across: complete ? undefined : { start: at.itemStart, index: at.itemIndex },
      place: complete ? undefined : at.place,
      error: at.error,
      rowSum: at.rowSum,
    };
  }

  /** The errors of the start, which the first step moves by. */
  async begin(isNew: boolean): Promise<void> {
    const loss = await this.memory.space.loss(this.#problem);
    if (isNew) this.initialLoss = this.memory.unit.cost * loss;
  }

  async passes(most: number): Promise<readonly number[]> {
    const { space, at, settings } = this.memory;
    const count = Math.min(most, at.rates.length);
    const { optimizer, clipNorm } = settings;
    const losses = at.figures.subarray(0, count);
    const steps = { optimizer, done: this.done, rates: this.rates(count), clipNorm };
    const made = await space.descend(this.#problem, steps, losses);
    this.done += made;
    return Array.from(losses.subarray(0, made), (loss) => this.memory.unit.cost * loss);
  }

  async slope(): Promise<Slope> {
    const { space, unit } = this.memory;
    const cost = unit.cost * (await space.loss(this.#problem));
    await space.gradients(this.#problem);
    let [norm, size] = [0, 0];
    for (const { side } of this.memory.sides()) {
      norm += (unit.cost / unit.factor) ** 2 * sumOfSquares(side.factors.gradient);
      size += unit.factor ** 2 * sumOfSquares(side.factors.value);
      if (side.bias === undefined) continue;
      norm += (unit.cost / unit.rating) ** 2 * sumOfSquares(side.bias.gradient);
      size += unit.rating ** 2 * sumOfSquares(side.bias.value);
    }
    return { norm: Math.sqrt(norm), cost, size: Math.sqrt(size) };
  }

  /** Errors and gradients of all ratings, as a step makes them. */
  readonly slopePasses = 1;

  protected rmse(): number {
    const { unit, at, ratings } = this.memory;
    return unit.rating * Math.sqrt(sumOfSquares(at.error) / ratings.size);
  }

  protected lossOf(rmse: number): number {
    const { size } = this.memory.ratings;
    return objectiveOf(this.memory.settings.objective, rmse * rmse * size, size).cost;
  }
}

/** Ratings in an order, a batch at a time: the rows of a batch move. */
class BatchRun extends DescentRun {
  readonly lossName = "RMSE on the way";
  initialLoss: number | undefined;
  readonly #batches: Batches;

  constructor(memory: DescentSpace, batches: Batches, done: number) {
    super(memory, done);
    this.#batches = batches;
    const { order } = memory.at;
    if (batches.order === "rows") for (let i = 0; i < order.length; i++) order[i] = i;
    if (batches.order === "shuffledOnce") shuffleInto(streamSeed(memory.seed, "order"), order);
  }

  async begin(isNew: boolean, signal: AbortSignal | undefined): Promise<void> {
    if (isNew) this.initialLoss = await this.rmse(signal);
  }

  async passes(most: number, signal: AbortSignal | undefined): Promise<readonly number[]> {
    const { space, at, settings, ratings, seed } = this.memory;
    const { order, size } = this.#batches;
    const count = Math.min(most, at.rates.length);
    if (order === "shuffled") {
      for (let i = 0; i < count; i++) {
        const place = at.order.subarray(i * ratings.size, (i + 1) * ratings.size);
        shuffleInto(streamSeed(seed, `order ${this.done + i + 1}`), place);
      }
      throwIfAborted(settings.name, signal);
    }
    const perEpoch = Math.ceil(ratings.size / size);
    const sums = at.figures.subarray(0, count);
    const { optimizer, clipNorm } = settings;
    const epochs = { optimizer, done: this.done * perEpoch, rates: this.rates(count), clipNorm };
    const made = await space.epochs(this.#problem(count), epochs, sums);
    this.done += made;
    return Array.from(sums.subarray(0, made), (sum) => this.memory.unit.rating * Math.sqrt(sum / ratings.size));
  }

  /**
   * Of the objective over all ratings, of which an epoch's batches add up to a multiple; the norms of batches do not. It is
   * not made by kernels, and takes as long as some epochs.
   */
  get slope(): ((signal?: AbortSignal) => Promise<Slope>) | undefined {
    const { problem, settings, ratings, unit } = this.memory;
    if (settings.objective === "norm") return undefined;
    return (signal) => descentSlope(problem, ratings.size, unit, () => throwIfAborted(settings.name, signal));
  }

  readonly slopePasses = SLOPE_EPOCHS;

  #problem(epochs: number): BatchProblem {
    const { at, problem, ratings } = this.memory;
    const { order, size, update } = this.#batches;
    return {
      ...problem,
      leftRow: at.leftRow,
      rightCount: at.rightCount,
      order: order === "shuffled" ? at.order.subarray(0, epochs * ratings.size) : at.order,
      batchSize: size,
      update,
      share: at.share,
      touched: at.touched,
    };
  }

  protected async rmse(signal?: AbortSignal): Promise<number> {
    const { problem, ratings, unit, settings } = this.memory;
    return unit.rating * (await descentRmse(problem, ratings.size, () => throwIfAborted(settings.name, signal)));
  }

  protected lossOf(rmse: number): number {
    return rmse;
  }
}
