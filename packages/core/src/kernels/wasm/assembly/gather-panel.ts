/**
 * Panels of gathered rows, for the solvers that build a row's matrix: `count` rows of the fixed table, or of some of its columns, side by
 * side, and their weighted sums. `fixed` is where those columns begin in row 0, `pitch` the bytes from one table row to the
 * next, `width` the bytes of those columns, a multiple of 64: also from one row of the panel to the next.
 */
import { madd } from "./simd";

/**
 * One panel of an explicit row: copies `count` gathered rows to `panel`, and adds their sum weighted by `target` to t,
 * their plain sum to s. One chunk of 16 columns (a cache line) at a time, its sums in registers.
 */
export function gatherExplicit(
  fixed: usize,
  index: usize,
  target: usize,
  count: usize,
  panel: usize,
  t: usize,
  s: usize,
  pitch: usize,
  width: usize,
): void {
  const end = index + (count << 2);
  for (let chunk: usize = 0; chunk < width; chunk += 64) {
    let out = panel + chunk;
    let weight = target;
    let t0 = f32x4.splat(0);
    let t1 = t0;
    let t2 = t0;
    let t3 = t0;
    let s0 = t0;
    let s1 = t0;
    let s2 = t0;
    let s3 = t0;
    for (let at = index; at < end; at += 4) {
      const y = fixed + <usize>load<u32>(at) * pitch + chunk;
      const w = v128.load32_splat(weight);
      const y0 = v128.load(y);
      const y1 = v128.load(y, 16);
      const y2 = v128.load(y, 32);
      const y3 = v128.load(y, 48);
      v128.store(out, y0);
      v128.store(out, y1, 16);
      v128.store(out, y2, 32);
      v128.store(out, y3, 48);
      t0 = madd(w, y0, t0);
      t1 = madd(w, y1, t1);
      t2 = madd(w, y2, t2);
      t3 = madd(w, y3, t3);
      s0 = f32x4.add(s0, y0);
      s1 = f32x4.add(s1, y1);
      s2 = f32x4.add(s2, y2);
      s3 = f32x4.add(s3, y3);
      out += width;
      weight += 4;
    }
    addChunk(t + chunk, t0, t1, t2, t3);
    addChunk(s + chunk, s0, s1, s2, s3);
  }
}

/**
 * One panel of an implicit row: gathered rows times `root` to `panel`, so that products of the panel with itself weigh root²,
 * and the sum of the rows weighted by `target` added to t.
 */
export function gatherImplicit(
  fixed: usize,
  index: usize,
  target: usize,
  root: usize,
  count: usize,
  panel: usize,
  t: usize,
  pitch: usize,
  width: usize,
): void {
  const end = index + (count << 2);
  for (let chunk: usize = 0; chunk < width; chunk += 64) {
    let out = panel + chunk;
    let weight = target;
    let scale = root;
    let t0 = f32x4.splat(0);
    let t1 = t0;
    let t2 = t0;
    let t3 = t0;
    for (let at = index; at < end; at += 4) {
      const y = fixed + <usize>load<u32>(at) * pitch + chunk;
      const w = v128.load32_splat(weight);
      const r = v128.load32_splat(scale);
      const y0 = v128.load(y);
      const y1 = v128.load(y, 16);
      const y2 = v128.load(y, 32);
      const y3 = v128.load(y, 48);
      v128.store(out, f32x4.mul(r, y0));
      v128.store(out, f32x4.mul(r, y1), 16);
      v128.store(out, f32x4.mul(r, y2), 32);
      v128.store(out, f32x4.mul(r, y3), 48);
      t0 = madd(w, y0, t0);
      t1 = madd(w, y1, t1);
      t2 = madd(w, y2, t2);
      t3 = madd(w, y3, t3);
      out += width;
      weight += 4;
      scale += 4;
    }
    addChunk(t + chunk, t0, t1, t2, t3);
  }
}

/**
 * root_j = √(confidence_j − overlap), which is never below 0 (kernels.ts), over `count` entries rounded up to whole vectors: what
 * stands behind the confidences is read, and what came of it is looked at by no one.
 */
export function takeRoots(confidence: usize, overlap: f32, count: u32, root: usize): void {
  const o = f32x4.splat(overlap);
  for (let j: usize = 0; j < <usize>count << 2; j += 16) {
    v128.store(root + j, f32x4.sqrt(f32x4.sub(v128.load(confidence + j), o)));
  }
}

@inline
function addChunk(out: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(out, f32x4.add(v128.load(out), a));
  v128.store(out, f32x4.add(v128.load(out, 16), b), 16);
  v128.store(out, f32x4.add(v128.load(out, 32), c), 32);
  v128.store(out, f32x4.add(v128.load(out, 48), d), 48);
}

/** The identity's share: 0 everywhere, `regularization` on the diagonal, 1 on the diagonal of the padding. */
export function setDiagonal(matrix: usize, regularization: f32, rank: usize, width: usize, pitch: usize): void {
  for (let i: usize = 0; i < width; i++) {
    const at = matrix + i * pitch + (i << 2);
    store<f32>(at, i < rank ? load<f32>(at) + regularization : 1);
  }
}
