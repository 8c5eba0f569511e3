/**
 * Random numbers without state: the i-th number of a stream is a function of (seed, i) and of nothing else.
 *
 * So the order in which workers draw cannot change what they draw, and a row can be made again on its own. Only integer
 * operations, additions and exact divisions are used, hence the same bits on every engine and machine.
 * The mixer is the 32-bit finalizer of the `lowbias32` family (H. Wellons); golden values are in random.test.ts.
 */

function mix32(x: number): number {
  x ^= x >>> 16;
  x = Math.imul(x, 0x21f0aaad);
  x ^= x >>> 15;
  x = Math.imul(x, 0x735a2d97);
  x ^= x >>> 15;
  return x >>> 0;
}

/** The i-th 32-bit number of stream `seed`, from 0 to 2^32 - 1. */
export function hash32(seed: number, i: number): number {
  return mix32((seed + Math.imul(i + 1, 0x9e3779b9)) >>> 0);
}

/** The i-th number of stream `seed` in [0, 1), a multiple of 2^-24, exact in f32. */
export function unit(seed: number, i: number): number {
  return (hash32(seed, i) >>> 8) / 16777216;
}

/** The i-th number of stream `seed`, uniform in [low, high), rounded once to f32. */
export function uniform(seed: number, i: number, low: number, high: number): number {
  return Math.fround(low + (high - low) * unit(seed, i));
}

/**
 * The i-th number of stream `seed` in [0, 1), a multiple of 2^-48: two draws, 2 i and 2 i + 1, for choices among more
 * than 2^24 or by very unequal chances.
 */
export function unit48(seed: number, i: number): number {
  return unit(seed, 2 * i) + unit(seed, 2 * i + 1) / 16777216;
}

/** The i-th nearly normal number of stream `seed`: mean 0, variance 1, as a sum of 12 uniforms less 6, rounded once to f32. */
export function normal(seed: number, i: number): number {
  let sum = -6;
  // Draws are numbered modulo 2^32, so from here on the numbers would come again: each 2^32 draws get a stream of their own.
  const turn = Math.floor((12 * i) / 4294967296);
  const stream = turn === 0 ? seed : hash32(seed ^ 0x5bd1e995, turn);
  for (let j = 0; j < 12; j++) sum += unit(stream, 12 * i + j);
  return Math.fround(sum);
}

/** A permutation of 0 .. count - 1 (Fisher–Yates from the end), count below 2^31. Draws of 24 bits are even up to 2^24. */
export function shuffled(seed: number, count: number): Uint32Array {
  const order = new Uint32Array(count);
  shuffleInto(seed, order);
  return order;
}

/** As `shuffled`, written into `order`: a permutation of 0 .. order.length - 1, whatever was there. */
export function shuffleInto(seed: number, order: Uint32Array): void {
  const count = order.length;
  for (let i = 0; i < count; i++) order[i] = i;
  const draw = count > 16777216 ? unit48 : unit;
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(draw(seed, count - 1 - i) * (i + 1));
    const swap = order[i];
    order[i] = order[j];
    order[j] = swap;
  }
}

/** A seed for a named purpose, so that two uses of one user seed do not share numbers. */
export function streamSeed(seed: number, purpose: string): number {
  let state = seed >>> 0;
  for (let i = 0; i < purpose.length; i++)
    state = mix32((state + Math.imul(purpose.charCodeAt(i) + 1, 0x9e3779b9)) >>> 0);
  return state;
}
