/** How the rows of a descent move: what their gradients are multiplied by, and the step of a row and its bias. */
import { Descent, Objective, Side } from "./descent-record";
import { move, moveOne } from "./optimizer";

/** What an error is multiplied by in the gradient of an objective over `count` entries with this Σ error². */
export function dataScale(objective: u32, data: f64, count: u32): f64 {
  if (objective == Objective.NORM) return data == 0 ? 0 : 1 / sqrt<f64>(data);
  if (objective == Objective.SUM) return 2;
  if (objective == Objective.HALF) return 1;
  return count == 0 ? 0 : 2 / <f64>count;
}

/** What regularization · value is multiplied by in the gradient. */
export function ownScale(objective: u32): f32 {
  return objective == Objective.HALF ? 1 : 2;
}

@inline
function at(array: usize, offset: usize): usize {
  return array ? array + offset : 0;
}

/**
 * Moves a row of a side and its bias.
 *
 * @param raw the row's raw gradient, `rawBias` its bias's
 * @param own what regularization · value is multiplied by
 */
export function moveRow(
  d: Descent,
  side: Side,
  row: usize,
  raw: usize,
  rawBias: f32,
  scale: f32,
  own: f32,
  room: usize,
): void {
  const wide = row * d.pitch;
  const ownRow = own * side.regularization;
  move(d, side.value + wide, raw, at(side.first, wide), at(side.second, wide), scale, ownRow, d.width);
  if (!side.bias) return;
  const one = row << 2;
  const ownBias = own * side.biasRegularization;
  moveOne(d, side.bias + one, rawBias, at(side.biasFirst, one), at(side.biasSecond, one), scale, ownBias, room);
}
