/**
 * The errors of a descent over all ratings, and the slope of its objective, for runs that take them in batches: the kernels
 * give neither over all of them then. Plain TypeScript in f64, once at the start and once at the end of a training.
 */
import type { DescentProblem, DescentSide, Objective } from "../kernels/index.ts";
import { nextTurn, turnIsOver } from "../support/index.ts";
import type { Slope } from "./certificate.ts";
import type { Unit } from "./descent-unit.ts";

/** Gradients of one side: of its factors, in the table's own layout, and of its biases. */
interface Gradient {
  readonly factors: Float64Array;
  readonly bias: Float64Array;
}

const gradientOf = ({ factors: { table } }: DescentSide): Gradient => ({
  factors: new Float64Array(table.data.length),
  bias: new Float64Array(table.rows),
});

/**
 * @param size number of ratings
 * @param unit that the problem is in; the slope is in the ratings' own
 * @param atTurn called whenever others had their turn; what it throws ends the work
 */
export async function descentSlope(
  problem: DescentProblem,
  size: number,
  unit: Unit,
  atTurn: () => void,
): Promise<Slope> {
  const { left, right, objective } = problem;
  const [ofLeft, ofRight] = [gradientOf(left), gradientOf(right)];
  const squared = await addErrors(problem, ofLeft, ofRight, atTurn);
  const { cost, weight, penaltyWeight } = objectiveOf(objective, squared, size);
  let [norm, length, penalty] = [0, 0, 0];
  for (const [side, gradient] of [
    [left, ofLeft],
    [right, ofRight],
  ] as const) {
    const add = (values: ArrayLike<number>, slopes: Float64Array, regularization: number, scale: number) => {
      for (let j = 0; j < values.length; j++) {
        norm += ((weight * slopes[j] + penaltyWeight * 2 * regularization * values[j]) * (unit.cost / scale)) ** 2;
        length += (scale * values[j]) ** 2;
        penalty += regularization * values[j] * values[j];
      }
    };
    add(side.factors.table.data, gradient.factors, side.regularization, unit.factor);
    if (side.bias !== undefined) add(side.bias.value, gradient.bias, side.biasRegularization, unit.rating);
  }
  return { norm: Math.sqrt(norm), cost: unit.cost * (cost + penaltyWeight * penalty), size: Math.sqrt(length) };
}

/**
 * Root mean squared error of all ratings at the present parameters. Takes as long as an epoch of the kernels at rank 32, and one and
 * a half at 128.
 *
 * @param atTurn as in `descentSlope`
 */
export async function descentRmse(problem: DescentProblem, size: number, atTurn: () => void): Promise<number> {
  const { entries, left } = problem;
  let squared = 0;
  for (let row = 0; row < left.factors.table.rows; row++) {
    for (let e = entries.start[row]; e < entries.start[row + 1]; e++) squared += errorOf(problem, row, e) ** 2;
    if (turnIsOver()) {
      await nextTurn();
      atTurn();
    }
  }
  return Math.sqrt(squared / size);
}

/** Of an entry of a left row: prediction less rating. */
function errorOf({ left, right, offset, entries, value }: DescentProblem, row: number, entry: number): number {
  const [x, y] = [left.factors.table, right.factors.table];
  const other = entries.index[entry];
  let error = offset - value[entry];
  if (left.bias !== undefined) error += left.bias.value[row];
  if (right.bias !== undefined) error += right.bias.value[other];
  const l = row * x.stride;
  const r = other * y.stride;
  for (let k = 0; k < x.rank; k++) error += x.data[l + k] * y.data[r + k];
  return error;
}

/** Σ error², and its gradient added to both sides. */
async function addErrors(
  problem: DescentProblem,
  ofLeft: Gradient,
  ofRight: Gradient,
  atTurn: () => void,
): Promise<number> {
  const { left, right, entries } = problem;
  const [x, y] = [left.factors.table, right.factors.table];
  let squared = 0;
  for (let row = 0; row < x.rows; row++) {
    const l = row * x.stride;
    for (let e = entries.start[row]; e < entries.start[row + 1]; e++) {
      const other = entries.index[e];
      const r = other * y.stride;
      const error = errorOf(problem, row, e);
      squared += error * error;
      const twice = 2 * error;
      for (let k = 0; k < x.rank; k++) {
        ofLeft.factors[l + k] += twice * y.data[r + k];
        ofRight.factors[r + k] += twice * x.data[l + k];
      }
      ofLeft.bias[row] += twice;
      ofRight.bias[other] += twice;
    }
    if (turnIsOver()) {
      await nextTurn();
      atTurn();
    }
  }
  return squared;
}

/** The objective without penalties, and what the gradients of Σ error² and of the penalties are multiplied by in it. */
export function objectiveOf(objective: Objective, squared: number, size: number) {
  switch (objective) {
    case "norm": {
      const cost = Math.sqrt(squared);
      return { cost, weight: cost === 0 ? 0 : 1 / (2 * cost), penaltyWeight: 1 };
    }
    case "sum":
      return { cost: squared, weight: 1, penaltyWeight: 1 };
    case "half":
      return { cost: squared / 2, weight: 0.5, penaltyWeight: 0.5 };
    case "mean":
      return { cost: squared / size, weight: 1 / size, penaltyWeight: 1 };
    default:
      return objective satisfies never;
  }
}
