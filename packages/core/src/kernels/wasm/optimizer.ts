/** An optimizer as the kernels read it: field by field as assembly/optimizer.ts has them. */
import type { Optimizer } from "../descent.ts";

/** Bytes of the record; the kernels' own fields in it begin as zeros. */
export const OPTIMIZER_BYTES = 64;
const FIGURES = 5;

/** @param at a multiple of 8 */
export function writeOptimizer(buffer: ArrayBufferLike, at: number, optimizer: Optimizer): void {
  const { kind, figures } = fieldsOf(optimizer);
  new Uint8Array(buffer, at, OPTIMIZER_BYTES).fill(0);
  new Float64Array(buffer, at, FIGURES).set(figures);
  new Uint32Array(buffer, at + 8 * FIGURES, 1)[0] = kind;
}

/** The number of its kind, and its momentum, beta1, beta2, epsilon and weightDecay as far as it has them. */
function fieldsOf(optimizer: Optimizer): { kind: number; figures: readonly number[] } {
  switch (optimizer.kind) {
    case "sgd":
      return { kind: optimizer.momentum === 0 ? 0 : 1, figures: [optimizer.momentum] };
    case "adam":
      return { kind: 2, figures: [0, optimizer.beta1, optimizer.beta2, optimizer.epsilon, 0] };
    case "adamw":
      return { kind: 2, figures: [0, optimizer.beta1, optimizer.beta2, optimizer.epsilon, optimizer.weightDecay] };
    case "adagrad":
      return { kind: 3, figures: [0, 0, 0, optimizer.epsilon, 0] };
    default:
      return optimizer satisfies never;
  }
}
