/**
 * How a row follows from a history alone for methods trained by sampled gradients, whose own objectives have no closed form:
 * the weighted least squares of ials on the item factors, aimed at a target that puts folded-in rows on the scale of the
 * trained ones. Ratings and a model's tables in, the objective out.
 */
import { choleskyF64, solveCholeskyF64 } from "../kernels/index.ts";
import type { SolvedObjective } from "../model/index.ts";
import type { Ratings } from "../ratings/index.ts";
import { nextTurn } from "../support/index.ts";

/** Weight of an unseen cell in the mean of its row, and the penalty beside the mean square of a factor; see docs/softmax.md. */
const UNSEEN_SHARE = 10;
const RIDGE = 0.01;

/** Users whose rows the target is taken from, and items that stand for all in their Gram matrix. */
const SAMPLE_USERS = 64;
const SAMPLE_ITEMS = 2048;
/** Multiply-adds that the sample may take: some tenths of a second. */
const SAMPLE_PRODUCTS = 2 ** 27;

/** @param look called wherever others had their turn: throws where the training is to stop */
export async function rowsFromHistories(
  ratings: Ratings,
  rank: number,
  userFactors: Float32Array,
  itemFactors: Float32Array,
  look: () => void,
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
  const target = await targetOf(objective, ratings, rank, userFactors, itemFactors, look);
  return { ...objective, target };
}

/** Σ trained · folded / Σ folded · folded over a sample of users: the multiple of folded-in rows that is nearest. */
async function targetOf(
  { regularization, unobservedWeight }: { readonly regularization: number; readonly unobservedWeight: number },
  { byUser, items }: Ratings,
  rank: number,
  userFactors: Float32Array,
  itemFactors: Float32Array,
  look: () => void,
): Promise<number> {
  const gram = sampledGram(itemFactors, items.size, rank);
  const fitting = Math.floor(SAMPLE_PRODUCTS / rank ** 3);
  const count = Math.min(byUser.rows, Math.max(1, Math.min(SAMPLE_USERS, fitting)));
  const system = new Float64Array(rank * rank);
  const row = new Float64Array(rank);
  let [together, own] = [0, 0];
  for (let i = 0; i < count; i++) {
    const user = Math.floor((i * byUser.rows) / count);
    const [from, to] = [byUser.start[user], byUser.start[user + 1]];
    if (from === to) continue;
    const penalty = regularization * (to - from + unobservedWeight * items.size);
    for (let k = 0; k < system.length; k++) system[k] = unobservedWeight * gram[k];
    row.fill(0);
    for (let e = from; e < to; e++) addEntry(system, row, itemFactors, byUser.index[e], rank);
    for (let k = 0; k < rank; k++) system[k * rank + k] += penalty;
    if (choleskyF64(system, rank) !== undefined) continue;
    solveCholeskyF64(system, rank, row);
    for (let k = 0; k < rank; k++) {
      together += row[k] * userFactors[user * rank + k];
      own += row[k] * row[k];
    }
    look();
    await nextTurn();
  }
  return together > 0 && own > 0 ? together / own : 1;
}

/** Lower triangle of Σ y yᵀ over all items, estimated from some. */
function sampledGram(factors: Float32Array, items: number, rank: number): Float64Array {
  const gram = new Float64Array(rank * rank);
  const count = Math.min(items, SAMPLE_ITEMS);
  const share = items / count;
  for (let i = 0; i < count; i++) {
    const at = Math.floor((i * items) / count) * rank;
    for (let r = 0; r < rank; r++) {
      const scaled = share * factors[at + r];
      for (let c = 0; c <= r; c++) gram[r * rank + c] += scaled * factors[at + c];
    }
  }
  return gram;
}

function addEntry(system: Float64Array, row: Float64Array, factors: Float32Array, item: number, rank: number): void {
  for (let r = 0; r < rank; r++) {
    const value = factors[item * rank + r];
    row[r] += value;
    for (let c = 0; c <= r; c++) system[r * rank + c] += value * factors[item * rank + c];
  }
}
