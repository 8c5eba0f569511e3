/** One parameter's step of each optimizer, as PyTorch 1.13 makes it; formulas in ../descent.ts. */
import type { Optimizer, Trained } from "../descent.ts";

/** One step of an optimizer, its factors made once. */
export type Move = (trained: Trained, i: number) => void;

/** @param t steps made, this one included */
export function mover(optimizer: Optimizer, rate: number, t: number): Move {
  switch (optimizer.kind) {
    case "sgd": {
      const { momentum } = optimizer;
      if (momentum === 0) {
        return ({ value, gradient }, i) => {
          value[i] -= rate * gradient[i];
        };
      }
      return ({ value, gradient, first }, i) => {
        first[i] = momentum * first[i] + gradient[i];
        value[i] -= rate * first[i];
      };
    }
    case "adam":
      return adam(optimizer, rate, t, 0);
    case "adamw":
      return adam(optimizer, rate, t, optimizer.weightDecay);
    case "adagrad":
      return ({ value, gradient, second }, i) => {
        second[i] += gradient[i] ** 2;
        value[i] -= (rate * gradient[i]) / (Math.sqrt(second[i]) + optimizer.epsilon);
      };
    default:
      return optimizer satisfies never;
  }
}

function adam(
  { beta1, beta2, epsilon }: { beta1: number; beta2: number; epsilon: number },
  rate: number,
  t: number,
  weightDecay: number,
): Move {
  const stepSize = rate / (1 - power(beta1, t));
  const secondScale = Math.sqrt(1 - power(beta2, t));
  return ({ value, gradient, first, second }, i) => {
    const g = gradient[i];
    value[i] -= rate * weightDecay * value[i];
    first[i] = beta1 * first[i] + (1 - beta1) * g;
    second[i] = beta2 * second[i] + (1 - beta2) * g * g;
    value[i] -= (stepSize * first[i]) / (Math.sqrt(second[i]) / secondScale + epsilon);
  };
}

/** base to a whole power ≥ 0, by squaring: the same bits on every engine, which Math.pow does not promise. */
export function power(base: number, exponent: number): number {
  let result = 1;
  for (let square = base, left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
