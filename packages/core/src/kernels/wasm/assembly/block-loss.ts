/** The losses of a descent in blocks (../../blocks.ts): of one entry, and the slope that moves its rows. */
import { Frame } from "./block-record";
import { exp4 } from "./exponential";
import { logarithm } from "./logarithm";

const enum Loss {
  SQUARED,
  ABSOLUTE,
  HUBER,
  LOGISTIC,
  KL,
}

const KL_RANGE: f32 = 16;
const LOG_KL_RANGE: f64 = 2.772588722239781;

/** eˣ, with x held between −87 and 88. */
@inline
function exponential(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}

/** Slope of the loss towards the value, −∂loss/∂score. */
@inline
export function slopeOf(frame: Frame, value: f32, score: f32): f32 {
  if (frame.loss === Loss.SQUARED) return value - score;
  if (frame.loss === Loss.ABSOLUTE) return value > score ? 1 : value < score ? -1 : value - score;
  if (frame.loss === Loss.HUBER) return min(frame.delta, max(-frame.delta, value - score));
  if (frame.loss === Loss.LOGISTIC) {
    return value > 0 ? 1 / (1 + exponential(score)) : -1 / (1 + exponential(-score));
  }
  if (KL_RANGE * score < value) return KL_RANGE - 1;
  return value > 0 ? value / score - 1 : -1;
}

@inline
export function lossOf(frame: Frame, value: f32, score: f32): f64 {
  if (frame.loss === Loss.SQUARED) {
    const error = <f64>(value - score);
    return error * error;
  }
  return otherLoss(frame, value, score);
}

function otherLoss(frame: Frame, value: f32, score: f32): f64 {
  const error = abs(<f64>value - <f64>score);
  if (frame.loss === Loss.ABSOLUTE) return error;
  if (frame.loss === Loss.HUBER) {
    const delta = <f64>frame.delta;
    return error <= delta ? (error * error) / 2 : delta * (error - delta / 2);
  }
  if (frame.loss === Loss.LOGISTIC) {
    const margin = value > 0 ? score : -score;
    return logarithm(1 + <f64>exponential(-abs(margin))) + <f64>max<f32>(0, -margin);
  }
  if (KL_RANGE * score < value) return <f64>value * LOG_KL_RANGE - <f64>(KL_RANGE - 1) * <f64>score;
  const gain: f64 = value > 0 ? <f64>value * logarithm(<f64>value / <f64>score) : 0;
  return gain - <f64>value + <f64>score;
}
