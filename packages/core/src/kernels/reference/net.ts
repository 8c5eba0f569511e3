/** Nets over two tables in plain loops: the definition of the routines in ../net.ts. */
import type { Trained } from "../descent.ts";
import type { Reals, RealTable } from "../kernels.ts";
import {
  type Moved,
  type NetBatches,
  type NetPairsProblem,
  type NetPlaces,
  type NetProblem,
  type NetScoresProblem,
  type NetShape,
  type NetSide,
  netPlaces,
  type ScoringNet,
} from "../net.ts";
import { type Move, mover } from "./optimizer.ts";

/** What is needed of one side to score a pair. */
interface Half {
  readonly table: RealTable;
  readonly product: RealTable | undefined;
  readonly bias: Reals | undefined;
}

/** A net with room for the values of one pair. */
class Pass {
  readonly #layers: Reals;
  readonly #left: Half;
  readonly #right: Half;
  readonly #offset: number;
  readonly shape: NetShape;
  readonly places: NetPlaces;
  /** Inputs, then each hidden layer's outputs */
  readonly values: Float64Array[];

  constructor(shape: NetShape, layers: Reals, left: Half, right: Half, offset: number) {
    this.shape = shape;
    this.places = netPlaces(shape);
    this.#layers = layers;
    this.#left = left;
    this.#right = right;
    this.#offset = offset;
    this.values = [2 * shape.rank, ...shape.hidden].map((width) => new Float64Array(width));
  }

  score(l: number, r: number): number {
    const { rank } = this.shape;
    const { layers: places, top, product, bias } = this.places;
    const { values } = this;
    const layers = this.#layers;
    for (let k = 0; k < rank; k++) {
      values[0][k] = this.#left.table.data[l * this.#left.table.stride + k];
      values[0][rank + k] = this.#right.table.data[r * this.#right.table.stride + k];
    }
    for (const [h, place] of places.entries()) {
      for (let o = 0; o < place.outputs; o++) {
        let sum = layers[place.bias + o];
        for (let i = 0; i < place.inputs; i++) sum += values[h][i] * layers[place.weight + i * place.stride + o];
        values[h + 1][o] = Math.max(sum, 0);
      }
    }
    let score = this.#offset + layers[bias] + (this.#left.bias?.[l] ?? 0) + (this.#right.bias?.[r] ?? 0);
    const last = values[values.length - 1];
    for (let i = 0; i < last.length; i++) score += layers[top + i] * last[i];
    if (product !== undefined && this.#left.product !== undefined && this.#right.product !== undefined) {
      const a = this.#left.product;
      const b = this.#right.product;
      for (let k = 0; k < rank; k++) {
        score += layers[product + k] * a.data[l * a.stride + k] * b.data[r * b.stride + k];
      }
    }
    return score;
  }
}

export function netScores(problem: NetScoresProblem): void {
  const pass = scorerPass(problem);
  const { query, out } = problem;
  const { rows } = problem.right.table;
  for (let q = 0; q < query.length; q++) {
    for (let r = 0; r < rows; r++) out[q * rows + r] = pass.score(query[q], r);
  }
}

export function netPairs(problem: NetPairsProblem): void {
  const pass = scorerPass(problem);
  const { leftRow, rightRow, out } = problem;
  for (let p = 0; p < leftRow.length; p++) out[p] = pass.score(leftRow[p], rightRow[p]);
}

function scorerPass({ shape, layers, left, right, offset }: ScoringNet): Pass {
  return new Pass(shape, layers, left, right, offset);
}

/** An array that moves, with the gradient of a batch beside it. */
function trained({ value, first, second }: Moved): Trained {
  return { value, gradient: new Float64Array(value.length), first, second };
}

interface TrainedSide {
  readonly side: NetSide;
  readonly factors: Trained;
  readonly product: Trained | undefined;
  readonly bias: Trained | undefined;
  /** Entries of the batch on each row */
  readonly count: Uint32Array;
}

function trainedSide(side: NetSide): TrainedSide {
  return {
    side,
    factors: trained(side.factors),
    product: side.product && trained(side.product),
    bias: side.bias && trained(side.bias),
    count: new Uint32Array(side.factors.table.rows),
  };
}

export function netBatches(problem: NetProblem, batches: NetBatches): number {
  const { order, batchSize, shape, value, offset } = problem;
  const { optimizer, done, rates, from, to } = batches;
  const left = trainedSide(problem.left);
  const right = trainedSide(problem.right);
  const layers = trained(problem.layers);
  const half = ({ factors, product, bias }: NetSide) => ({
    table: factors.table,
    product: product?.table,
    bias: bias?.value,
  });
  const pass = new Pass(shape, problem.layers.value, half(problem.left), half(problem.right), offset);
  let squares = 0;
  for (let batch = from; batch < to; batch++) {
    const entries = order.subarray(batch * batchSize, (batch + 1) * batchSize);
    layers.gradient.fill(0);
    for (const { factors, product, bias, count } of [left, right]) {
      for (const each of [factors, product, bias]) each?.gradient.fill(0);
      count.fill(0);
    }
    for (const entry of entries) {
      const l = left.side.row[entry];
      const r = right.side.row[entry];
      const error = pass.score(l, r) - value[entry];
      squares += error ** 2;
      left.count[l]++;
      right.count[r]++;
      addGradient(pass, layers, left, right, l, r, (2 * error) / entries.length);
    }
    const rate = rates.length === 1 ? rates[0] : rates[batch - from];
    const move = mover(optimizer, rate, done + batch - from + 1);
    for (let i = 0; i < layers.value.length; i++) {
      layers.gradient[i] += 2 * problem.layerRegularization * layers.value[i];
      move(layers, i);
    }
    moveRows(left, entries.length, move);
    moveRows(right, entries.length, move);
  }
  return squares;
}

/** Adds the gradients of one entry, whose values are in `pass`. @param g the derivative of the loss by the score */
function addGradient(
  pass: Pass,
  layers: Trained,
  left: TrainedSide,
  right: TrainedSide,
  l: number,
  r: number,
  g: number,
): void {
  const { values, places, shape } = pass;
  const { rank } = shape;
  const { value, gradient } = layers;
  gradient[places.bias] += g;
  if (left.bias !== undefined) left.bias.gradient[l] += g;
  if (right.bias !== undefined) right.bias.gradient[r] += g;
  const stride = left.side.factors.table.stride;
  if (places.product !== undefined && left.product !== undefined && right.product !== undefined) {
    for (let k = 0; k < rank; k++) {
      const a = left.product.value[l * stride + k];
      const b = right.product.value[r * stride + k];
      const weight = value[places.product + k];
      gradient[places.product + k] += g * a * b;
      left.product.gradient[l * stride + k] += g * weight * b;
      right.product.gradient[r * stride + k] += g * weight * a;
    }
  }
  let above = Float64Array.from(values[values.length - 1], (out, i) => {
    gradient[places.top + i] += g * out;
    return out > 0 ? g * value[places.top + i] : 0;
  });
  for (let h = places.layers.length - 1; h >= 0; h--) {
    const place = places.layers[h];
    const below = new Float64Array(place.inputs);
    for (let o = 0; o < place.outputs; o++) gradient[place.bias + o] += above[o];
    for (let i = 0; i < place.inputs; i++) {
      const at = place.weight + i * place.stride;
      for (let o = 0; o < place.outputs; o++) {
        gradient[at + o] += above[o] * values[h][i];
        below[i] += above[o] * value[at + o];
      }
      if (h > 0 && !(values[h][i] > 0)) below[i] = 0;
    }
    above = below;
  }
  for (let k = 0; k < rank; k++) {
    left.factors.gradient[l * stride + k] += above[k];
    right.factors.gradient[r * stride + k] += above[rank + k];
  }
}

/** Moves the rows that the batch of n entries touched. */
function moveRows({ side, factors, product, bias, count }: TrainedSide, n: number, move: Move): void {
  const { stride, rank } = side.factors.table;
  for (let row = 0; row < count.length; row++) {
    if (count[row] === 0) continue;
    const share = (2 * count[row]) / n;
    for (const table of [factors, product]) {
      if (table === undefined) continue;
      for (let i = row * stride; i < row * stride + rank; i++) {
        table.gradient[i] += share * side.regularization * table.value[i];
        move(table, i);
      }
    }
    if (bias === undefined) continue;
    bias.gradient[row] += share * side.biasRegularization * bias.value[row];
    move(bias, row);
  }
}
