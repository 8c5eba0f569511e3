/**
 * One optimizer step on 4 numbers, or on 1: the formulas of kernels/descent.ts. Gradient in, value and moments moved in
 * place.
 */
import { Frame } from "./net-frame";
import { madd } from "./simd";

/** What a batch's step is made with, in `frame.rates`: α, α / (1 − β₁ᵗ), 1 / √(1 − β₂ᵗ). */
@inline
export function ratesOf(frame: Frame, batch: u32): usize {
  return frame.rates + <usize>batch * 12;
}

/** Four numbers. @param rates as `ratesOf` gives them; moments at 0 are not looked at where the optimizer has none */
@inline
export function step4(frame: Frame, rates: usize, g: v128, value: usize, first: usize, second: usize): void {
  const v = v128.load(value);
  if (frame.optimizer === 0) {
    v128.store(value, madd(f32x4.neg(v128.load32_splat(rates)), g, v));
    return;
  }
  if (frame.optimizer === 1) {
    const m = madd(f32x4.splat(frame.beta1), v128.load(first), g);
    v128.store(first, m);
    v128.store(value, madd(f32x4.neg(v128.load32_splat(rates)), m, v));
    return;
  }
  if (frame.optimizer === 2) {
    const b1 = f32x4.splat(frame.beta1);
    const b2 = f32x4.splat(frame.beta2);
    const one = f32x4.splat(1);
    const m = madd(b1, v128.load(first), f32x4.mul(f32x4.sub(one, b1), g));
    const s = madd(b2, v128.load(second), f32x4.mul(f32x4.sub(one, b2), f32x4.mul(g, g)));
    v128.store(first, m);
    v128.store(second, s);
    const size = madd(f32x4.sqrt(s), v128.load32_splat(rates, 8), f32x4.splat(frame.epsilon));
    const decay = f32x4.splat(1 - load<f32>(rates) * frame.weightDecay);
    const move = f32x4.div(f32x4.mul(v128.load32_splat(rates, 4), m), size);
    v128.store(value, f32x4.sub(f32x4.mul(decay, v), move));
    return;
  }
  const s = madd(g, g, v128.load(second));
  v128.store(second, s);
  const size = f32x4.add(f32x4.sqrt(s), f32x4.splat(frame.epsilon));
  v128.store(value, f32x4.sub(v, f32x4.div(f32x4.mul(v128.load32_splat(rates), g), size)));
}

/** One number: through the vector formulas, so that the two cannot differ. @param lane 48 bytes of scratch */
export function step1(
  frame: Frame,
  rates: usize,
  g: f32,
  value: usize,
  first: usize,
  second: usize,
  lane: usize,
): void {
  store<f32>(lane, load<f32>(value));
  if (first) store<f32>(lane, load<f32>(first), 16);
  if (second) store<f32>(lane, load<f32>(second), 32);
  step4(frame, rates, f32x4.splat(g), lane, lane + 16, lane + 32);
  store<f32>(value, load<f32>(lane));
  if (first) store<f32>(first, load<f32>(lane, 16));
  if (second) store<f32>(second, load<f32>(lane, 32));
}
