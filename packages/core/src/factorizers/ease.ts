/**
 * A linear model of items in closed form: every item from all others at once.
 *
 *   minimise  ‖X − X B‖² + λ ‖B‖²  with B_ii = 0           B = I − P · diag(1 / diag P),  P = (Xᵀ X + λ I)⁻¹
 *
 * Sums over all cells: no means and no halves; a cell that nobody chose is 0. The score of user u and item i is Σ_j x_uj B_ji.
 * Source: Steck, "Embarrassingly shallow autoencoders for sparse data", WWW 2019. Cost: Σ_u n_u² + items³ / 2 products, in f64;
 * memory: 8 · items² bytes while training, 4 · items² in the model.
 */
import { inverseBlocks, inverseCost, inverseScratch, type Kernels, slot, squareStride } from "../kernels/index.ts";
import type { HistoryValues, ItemModel } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { DivergenceError, giveTurn, LowrankError, rounded, throwIfAborted, turnIsOver } from "../support/index.ts";
import { MAX_PENALTY } from "./common-options.ts";
import type { Factorizer, StartFrom } from "./factorizer.ts";
import { fillHistories, historyRows, historySlots, startItems, valuesOption, type WeighedItems } from "./items-run.ts";
import { type OptionTable, type Resolved, resolveOptions } from "./options.ts";

export const easeOptions = {
  regularization: {
    type: "number",
    default: 600,
    min: 1e-6,
    max: MAX_PENALTY,
    about: "penalty on the weights between items",
  },
  values: valuesOption(""),
} as const satisfies OptionTable;

/** Options of `ease`; every one may be left out. */
export interface EaseOptions {
  /** λ, above 0. Default 600 */
  readonly regularization?: number;
  /** What an entry of a history counts: 1 (`ones`, default), or its rating or number of events (`given`) */
  readonly values?: HistoryValues;
}

type Options = Resolved<typeof easeOptions>;

/**
 * A linear model of items.
 *
 * @throws OptionError for an unknown option or a value out of range; at the start of a training LowrankError `memory`, with
 *   the bytes and an estimate of the seconds, for more items than can be held
 */
export function ease(given: EaseOptions = {}): Factorizer<ItemModel> {
  const options = resolveOptions("ease", easeOptions, given);
  return {
    name: "ease",
    options,
    rank: undefined,
    passName: "sweeps",
    passes: 1,
    ignores: options.values === "ones" ? ["rating", "time"] : ["time"],
    ranksOnly: true,
    bytesFor: (ratings: Ratings, kernels: Kernels) => kernels.bytesFor(easeLayout(ratings)),
    modelBytes: ({ items }: Ratings) => 4 * items.size ** 2,
    secondsFor: (ratings: Ratings, kernels: Kernels) => needsOf(ratings, kernels).seconds,
    start: async (ratings: Ratings, kernels: Kernels, seed: number, from?: StartFrom) => {
      const needs = needsOf(ratings, kernels);
      if (needs.trainingBytes > kernels.mostBytes) throw tooLarge(needs, kernels);
      return startItems(
        {
          method: "ease",
          options,
          values: options.values,
          lossName: "RMSE over all cells",
          initialLoss: rootOfMean(squaresOf(ratings, options.values), ratings),
          ratings,
          kernels,
          seed,
          weigh: (signal) => easeWeights(ratings, kernels, options, signal),
        },
        from,
      );
    },
  };
}

function easeLayout(ratings: Ratings) {
  const { items } = ratings;
  return {
    ...historySlots(ratings),
    square: slot.f64(squareStride(items.size) ** 2),
    scratch: slot.f64(inverseScratch(items.size)),
  };
}

/** What a training takes, known before it starts. */
interface Needs {
  readonly items: number;
  readonly trainingBytes: number;
  readonly modelBytes: number;
  readonly seconds: number;
}

/**
 * In a second, on one thread of a machine of 2020: multiply-adds of an inverse, products added at scattered places of the square,
 * weights made of the inverse, entries copied. Estimates for one sentence.
 */
const INVERSE_SPEED = 2.5e9;
const PRODUCT_SPEED = 5e8;
const WEIGHT_SPEED = 1e8;
const COPY_SPEED = 1e7;

function needsOf(ratings: Ratings, kernels: Kernels): Needs {
  const items = ratings.items.size;
  const shared = inverseCost(items) / INVERSE_SPEED + productsOf(ratings.byUser) / PRODUCT_SPEED;
  const seconds = shared / kernels.threads + items ** 2 / WEIGHT_SPEED + ratings.size / COPY_SPEED;
  return { items, trainingBytes: kernels.bytesFor(easeLayout(ratings)), modelBytes: 4 * items * items, seconds };
}

/** Σ_u n_u²: each pair of items in a history. */
function productsOf({ rows, start }: Ratings["byUser"]): number {
  let sum = 0;
  for (let u = 0; u < rows; u++) sum += (start[u + 1] - start[u]) ** 2;
  return sum;
}

function tooLarge(needs: Needs, { mostBytes }: Kernels, cause?: unknown): LowrankError {
  const { items, trainingBytes, modelBytes, seconds } = needs;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(2)} GB`;
  const minutes = seconds < 90 ? `${Math.ceil(seconds)} seconds` : `${Math.round(seconds / 60)} minutes`;
  const limit =
    trainingBytes > mostBytes
      ? `a workspace holds at most ${gigabytes(mostBytes)}, some ${Math.floor(Math.sqrt(mostBytes / 8) / 1000)},000 items`
      : "this host does not give that much";
  return new LowrankError(
    "memory",
    `ease: the weights between ${items} items take ${gigabytes(trainingBytes)} while training, ${gigabytes(modelBytes)} in the model and about ${minutes}; ` +
      `${limit}: leave out items with few ratings, or use itemKnn, whose memory does not grow with the square of the items`,
    { ...needs, mostBytes },
    cause,
  );
}

async function easeWeights(
  ratings: Ratings,
  kernels: Kernels,
  options: Options,
  signal: AbortSignal | undefined,
): Promise<WeighedItems> {
  const items = ratings.items.size;
  const space = openSpace(ratings, kernels);
  const { at } = space;
  try {
    const value = weightsArray(ratings, kernels);
    await fillHistories("ease", ratings, at, options.values, signal);
    const rows = { ...historyRows(at), diagonal: options.regularization, out: at.square };
    for (let first = 0; first < items; ) {
      throwIfAborted("ease", signal);
      const last = endOfCall(rows, first, items);
      await space.squareOfRows({ ...rows, first, last });
      first = last;
    }
    const problem = { matrix: at.square, size: items, scratch: at.scratch };
    for (let block = 0; block < inverseBlocks(items); block++) {
      throwIfAborted("ease", signal);
      const bad = await space.invert({ ...problem, first: block, last: block + 1 });
      if (bad !== undefined) throw notDefinite(options.regularization, ratings, bad.row, bad.value);
    }
    const squares = await weightsFrom(at.square, value, items, options.regularization, signal);
    return { weights: { kind: "dense", value }, figure: rootOfMean(squares, ratings) };
  } finally {
    space.close();
  }
}

/** Products between looks at the signal: some tenths of a second. */
const CALL_PRODUCTS = 2 ** 26;

/** Rows of the square from `first` on that one call makes, at least one. */
function endOfCall({ rows, columns }: ReturnType<typeof historyRows>, first: number, items: number): number {
  let last = first;
  for (let products = 0; last < items && (last === first || products < CALL_PRODUCTS); last++) {
    for (let e = rows.start[last]; e < rows.start[last + 1]; e++) {
      products += columns.start[rows.index[e] + 1] - columns.start[rows.index[e]];
    }
  }
  return last;
}

function openSpace(ratings: Ratings, kernels: Kernels) {
  try {
    return kernels.open(easeLayout(ratings));
  } catch (cause) {
    if (cause instanceof LowrankError && cause.code === "memory")
      throw tooLarge(needsOf(ratings, kernels), kernels, cause);
    throw cause;
  }
}

function weightsArray(ratings: Ratings, kernels: Kernels): Float32Array {
  try {
    return new Float32Array(ratings.items.size ** 2);
  } catch (cause) {
    throw tooLarge(needsOf(ratings, kernels), kernels, cause);
  }
}

/**
 * B from P, row by row, into `out`: f32[items × items]. Returns ‖X − X B‖², which P alone says:
 * Σ_i (P_ii − λ |P_i|²) / P_ii².
 */
async function weightsFrom(
  inverse: Float64Array,
  out: Float32Array,
  items: number,
  penalty: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const stride = squareStride(items);
  let total = 0;
  for (let j = 0; j < items; j++) {
    let squares = 0;
    for (let i = 0; i < items; i++) {
      const p = inverse[j * stride + i];
      squares += p * p;
      out[j * items + i] = -p / inverse[i * stride + i];
    }
    out[j * items + j] = 0;
    const own = inverse[j * stride + j];
    total += (own - penalty * squares) / (own * own);
    if (turnIsOver()) await giveTurn("ease", signal);
  }
  return total;
}

function squaresOf({ byUser, size }: Ratings, values: HistoryValues): number {
  return values === "ones" ? size : byUser.value.sum((value) => value ** 2);
}

function rootOfMean(squares: number, { users, items }: Ratings): number {
  return Math.sqrt(Math.max(0, squares) / (users.size * items.size));
}

function notDefinite(regularization: number, { items }: Ratings, column: number, value: number): DivergenceError {
  return new DivergenceError(
    `ease: the square of the items cannot be inverted in double precision (pivot ${column} is ${rounded(value)}); raise regularization above ${rounded(regularization)}`,
    { method: "ease", pivot: column, value, item: items.id(column), regularization },
  );
}
