/** Random numbers without state: the very bits of support/random.ts. */

@inline
function mix32(x: u32): u32 {
  x ^= x >>> 16;
  x *= 0x21f0aaad;
  x ^= x >>> 15;
  x *= 0x735a2d97;
  return x ^ (x >>> 15);
}

/** The i-th 32-bit number of stream `seed`. */
@inline
export function hash32(seed: u32, i: u32): u32 {
  return mix32(seed + (i + 1) * 0x9e3779b9);
}
