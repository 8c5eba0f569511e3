/**
 * How a row follows from a history alone for methods trained by sampled gradients, whose own objectives have no closed form:
 * the weighted least squares of ials on the item factors, aimed at a target that puts folded-in rows on the scale of the
 * trained ones. Ratings and a model's tables in, the objective out.
 */
import type { SolvedObjective } from "../model/index.ts";
import type { CompressedRows, Ratings } from "../ratings/index.ts";
import { turnIsOver } from "../support/index.ts";

/** Weight of an unseen cell in the mean of its row, and the penalty beside the mean square of a factor; see docs/softmax.md. */
const UNSEEN_SHARE = 10;
const RIDGE = 0.01;

/** Users whose rows the target is taken from, as many as are allowed for, and items that stand for all in their Gram matrix. */
const MOST_USERS = 64;
const LEAST_USERS = 32;
const SAMPLE_ITEMS = 2048;
/** Multiply-adds that more than the fewest users may take: some tenths of a second. */
const SAMPLE_PRODUCTS = 2 ** 27;

/** Steps of a conjugate gradient at most; it ends when the squared residual has fallen by this factor: a target needs no more. */
const STEPS = 64;
const ENOUGH = 1e-8;

/** The item factors as far as systems of the sample need them. */
interface Sampled {
  readonly rank: number;
  readonly itemFactors: Float32Array;
  /** f64[rank × rank]: Σ y yᵀ over all items, times the weight of an unseen cell */
  readonly gram: Float64Array;
}

/** @param rest gives others their turn, and throws where the training is to stop */
export async function rowsFromHistories(
  ratings: Ratings,
  rank: number,
  userFactors: Float32Array,
  itemFactors: Float32Array,
  rest: () => Promise<void>,
): Promise<SolvedObjective> {
  const [users, items] = [ratings.users.size, ratings.items.size];
  const unobservedWeight = Math.min(1, (UNSEEN_SHARE * ratings.size) / (users * items));
  let squares = 0;
  for (const value of itemFactors) squares += value * value;
  const objective = {
    kind: "implicit",
    regularization: (RIDGE * squares) / itemFactors.length,
    regularizationExponent: 1,
    unobservedWeight,
    observedInUnobserved: true,
    confidence: "constant",
    confidenceScale: 1,
  } as const;
  const gram = await sampledGram(itemFactors, items, rank, unobservedWeight, rest);
  const target = await targetOf(objective, ratings, { rank, itemFactors, gram }, userFactors, rest);
  return { ...objective, target };
}

/** Bytes that `rowsFromHistories` takes beside what it is given. */
export function foldInBytes(rank: number): number {
  return 8 * rank * (rank + 4);
}

/** Σ trained · folded / Σ folded · folded over a sample of users: the multiple of folded-in rows that is nearest. */
async function targetOf(
  { regularization, unobservedWeight }: { readonly regularization: number; readonly unobservedWeight: number },
  { byUser, items }: Ratings,
  sampled: Sampled,
  userFactors: Float32Array,
  rest: () => Promise<void>,
): Promise<number> {
  const { rank } = sampled;
  const fitting = Math.floor(SAMPLE_PRODUCTS / (STEPS * rank ** 2));
  let [together, own] = [0, 0];
  for (const user of sampledUsers(byUser, Math.max(LEAST_USERS, Math.min(MOST_USERS, fitting)))) {
    const history = byUser.index.subarray(byUser.start[user], byUser.start[user + 1]);
    const penalty = regularization * (history.length + unobservedWeight * items.size);
    const row = await foldedRow(sampled, history, penalty, rest);
    for (let k = 0; k < rank; k++) {
      together += row[k] * userFactors[user * rank + k];
      own += row[k] * row[k];
    }
  }
  return together > 0 && own > 0 ? together / own : 1;
}

/** At most so many users with a history, spread over all of them. */
function sampledUsers({ rows, start }: CompressedRows, most: number): number[] {
  let having = 0;
  for (let user = 0; user < rows; user++) if (start[user + 1] > start[user]) having++;
  const count = Math.min(having, most);
  const users: number[] = [];
  let met = 0;
  for (let user = 0; user < rows; user++) {
    if (start[user + 1] === start[user]) continue;
    if (met === Math.floor((users.length * having) / count)) users.push(user);
    met++;
  }
  return users;
}

/** Σ y yᵀ over all items, estimated from some, times `weight`. */
async function sampledGram(
  factors: Float32Array,
  items: number,
  rank: number,
  weight: number,
  rest: () => Promise<void>,
): Promise<Float64Array> {
  const gram = new Float64Array(rank * rank);
  const count = Math.min(items, SAMPLE_ITEMS);
  const share = (weight * items) / count;
  for (let i = 0; i < count; i++) {
    const at = Math.floor((i * items) / count) * rank;
    for (let r = 0; r < rank; r++) {
      const scaled = share * factors[at + r];
      for (let c = 0; c <= r; c++) gram[r * rank + c] += scaled * factors[at + c];
    }
    if (turnIsOver()) await rest();
  }
  for (let r = 0; r < rank; r++) for (let c = 0; c < r; c++) gram[c * rank + r] = gram[r * rank + c];
  return gram;
}

/** The z with (gram + Σ y yᵀ + penalty) z = Σ y over the history, by conjugate gradient from 0. */
async function foldedRow(
  sampled: Sampled,
  history: CompressedRows["index"],
  penalty: number,
  rest: () => Promise<void>,
): Promise<Float64Array> {
  const { rank, itemFactors } = sampled;
  const row = new Float64Array(rank);
  const residual = new Float64Array(rank);
  for (let e = 0; e < history.length; e++) {
    for (let k = 0; k < rank; k++) residual[k] += itemFactors[history[e] * rank + k];
  }
  const direction = residual.slice();
  const image = new Float64Array(rank);
  const first = dot(residual, residual);
  let size = first;
  for (let step = 0; step < STEPS && size > ENOUGH * first; step++) {
    multiplyInto(image, sampled, history, penalty, direction);
    const length = size / dot(direction, image);
    for (let k = 0; k < rank; k++) {
      row[k] += length * direction[k];
      residual[k] -= length * image[k];
    }
    const left = dot(residual, residual);
    for (let k = 0; k < rank; k++) direction[k] = residual[k] + (left / size) * direction[k];
    size = left;
    if (turnIsOver()) await rest();
  }
  return row;
}

/** out = (gram + Σ y yᵀ + penalty) z */
function multiplyInto(
  out: Float64Array,
  { rank, itemFactors, gram }: Sampled,
  history: CompressedRows["index"],
  penalty: number,
  z: Float64Array,
): void {
  for (let r = 0; r < rank; r++) {
    let sum = penalty * z[r];
    for (let c = 0; c < rank; c++) sum += gram[r * rank + c] * z[c];
    out[r] = sum;
  }
  for (let e = 0; e < history.length; e++) {
    const from = history[e] * rank;
    let product = 0;
    for (let k = 0; k < rank; k++) product += itemFactors[from + k] * z[k];
    for (let k = 0; k < rank; k++) out[k] += product * itemFactors[from + k];
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}
