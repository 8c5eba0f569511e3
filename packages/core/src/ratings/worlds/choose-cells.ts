/**
 * Which cells of a made-up world are observed: an exact number, by how active users are and how popular items are.
 *
 * Each user draws items without replacement, with chances in proportion to weights. Every user's draws come from a
 * stream of its own.
 */
import { hash32, logarithm, unit48 } from "../../support/index.ts";
import { type Indexes, indexArray } from "../cell-values.ts";

export interface Choice {
  readonly users: number;
  readonly items: number;
  /** Cells in all, from 1 to users × items */
  readonly count: number;
  /** f64[users], each above 0 */
  readonly activity: Float64Array;
  /** f64[items], each above 0 */
  readonly popularity: Float64Array;
  /** Multiplies the weights of one user's items, in place; undefined when all users choose alike */
  readonly weigh: ((user: number, weights: Float64Array) => void) | undefined;
  readonly seed: number;
}

/** Rows of users with ascending items. */
export function chooseCells(choice: Choice): { readonly start: Uint32Array; readonly index: Indexes } {
  const { users, items, count, popularity, weigh } = choice;
  const start = new Uint32Array(users + 1);
  const counts = apportion(count, choice.activity, items);
  for (let user = 0; user < users; user++) start[user + 1] = start[user] + counts[user];
  const index = indexArray(count, items);
  const cumulative = cumulated(popularity);
  const weights = new Float64Array(items);
  const keys = new Float64Array(items);
  const taken = new Uint8Array(items);
  for (let user = 0; user < users; user++) {
    const row = index.subarray(start[user], start[user + 1]);
    const stream = hash32(choice.seed, user);
    let found = 0;
    // Few of many items: draw, and draw again what was drawn before. Popular items make that slow for long rows
    if (weigh === undefined && 4 * row.length <= items) found = drawInto(row, cumulative, taken, stream);
    if (found < row.length) {
      weights.set(popularity);
      weigh?.(user, weights);
      takeByKeys(row, found, weights, keys, taken, stream);
    }
    for (let i = 0; i < row.length; i++) taken[row[i]] = 0;
    row.sort();
  }
  return { start, index };
}

/**
 * Shares out `count` in proportion to weights: whole numbers, none above `limit`, everyone at least one where there are
 * enough, and otherwise within one of the exact quota.
 */
export function apportion(count: number, weights: Float64Array, limit: number): Uint32Array {
  const size = weights.length;
  const least = count >= size ? 1 : 0;
  const room = limit - least;
  const shares = new Uint32Array(size).fill(least);
  const full = new Uint8Array(size);
  let left = count - least * size;
  let weight = weights.reduce((sum, one) => sum + one, 0);
  // From the heaviest on: when one does not reach the limit, no later one does
  const order = Array.from(weights.keys()).sort((a, b) => weights[b] - weights[a] || a - b);
  for (const i of order) {
    if ((left * weights[i]) / weight < room) break;
    shares[i] = limit;
    full[i] = 1;
    left -= room;
    weight -= weights[i];
  }
  // The rest by rounding the running sum of quotas, which ends at exactly what is left
  const rest = weights.reduce((sum, one, i) => (full[i] === 1 ? sum : sum + one), 0);
  let running = 0;
  let given = 0;
  for (let i = 0; i < size; i++) {
    if (full[i] === 1) continue;
    running += weights[i];
    const upTo = Math.floor(left * (running / rest) + 0.5);
    shares[i] += upTo - given;
    given = upTo;
  }
  return shares;
}

function cumulated(weights: Float64Array): Float64Array {
  const sums = new Float64Array(weights.length);
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    sum += weights[i];
    sums[i] = sum;
  }
  return sums;
}

/** Draws distinct items until the row is full or drawing gets slow. @returns how many it found */
function drawInto(row: Indexes, cumulative: Float64Array, taken: Uint8Array, stream: number): number {
  const total = cumulative[cumulative.length - 1];
  const patience = 16 * row.length + 64;
  let found = 0;
  for (let draw = 0; draw < patience && found < row.length; draw++) {
    const target = unit48(stream, draw) * total;
    let low = 0;
    let high = cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulative[middle] > target) high = middle;
      else low = middle + 1;
    }
    if (taken[low] === 1) continue;
    taken[low] = 1;
    row[found++] = low;
  }
  return found;
}

/**
 * Fills the row from `found` on with the items of smallest key −ln(u) / weight: the same chances as drawing one by one
 * without replacement (Efraimidis & Spirakis 2006).
 */
function takeByKeys(
  row: Indexes,
  found: number,
  weights: Float64Array,
  keys: Float64Array,
  taken: Uint8Array,
  stream: number,
): void {
  const firstDraw = 1 << 20; // clear of the numbers that drawInto has used
  for (let item = 0; item < keys.length; item++)
    keys[item] =
      taken[item] === 1 ? Number.POSITIVE_INFINITY : -logarithm(1 - unit48(stream, firstDraw + item)) / weights[item];
  const limit = keys.slice().sort()[row.length - found - 1];
  let to = found;
  // Below the limit first, then as many of the keys equal to it as there is room for
  for (let item = 0; item < keys.length; item++) if (keys[item] < limit) row[to++] = item;
  for (let item = 0; to < row.length; item++) if (keys[item] === limit) row[to++] = item;
  for (let i = found; i < row.length; i++) taken[row[i]] = 1;
}
