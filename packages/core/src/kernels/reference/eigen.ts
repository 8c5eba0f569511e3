/**
 * Eigenvalues and eigenvectors of a symmetric matrix in double precision, and from them the exact singular value
 * decomposition of a small dense matrix. For callers who need one small system; large ones go through products.ts.
 *
 * Householder reduction to tridiagonal form, then implicit QL with Wilkinson's shift (Wilkinson & Reinsch, Handbook for
 * Automatic Computation II, 1971, II/2 to II/4); one-sided Jacobi (Hestenes 1958; Demmel & Veselić 1992).
 * Everything here is asynchronous so that others have their turn, and nothing is kept between calls.
 * `atTurn` of each is called at those turns, every few milliseconds: it stops the work by throwing.
 */
import { LowrankError, nextTurn, turnIsOver } from "../../support/index.ts";

const EPSILON = 2 ** -52;
/** Looks whether the work is still wanted, and throws when it is not. */
type AtTurn = () => void;

/** QL needs fewer than 2 rounds per value on average; this many means the matrix holds something that is not a number. */
const MOST_ROUNDS = 60;

/**
 * Eigenvalues of a symmetric matrix, descending, and C · V for given rows C, V the eigenvectors as columns in that order.
 * With C the identity that is V itself; with fewer rows it costs accordingly less.
 *
 * @param a f64[n × n], of which the lower triangle is read; destroyed
 * @param carried rows C, f64[rows × n]; left alone
 * @param atTurn called whenever others had their turn; what it throws ends the work
 * @returns values f64[n], off by some 2⁻⁵² of the largest; rows f64[rows × n], C · V. Cost: (2/3 + 4 · rows/n) · n³ multiply-adds
 * @throws LowrankError `not-finite` when the matrix holds NaN or ∞
 */
export async function eigenF64(
  a: Float64Array,
  n: number,
  carried: Float64Array,
  atTurn?: AtTurn,
): Promise<{ values: Float64Array; rows: Float64Array }> {
  const count = n === 0 ? 0 : carried.length / n;
  // Transposed, so that a rotation of two columns touches two stretches of memory.
  const columns = new Float64Array(n * count);
  for (let r = 0; r < count; r++) for (let c = 0; c < n; c++) columns[c * count + r] = carried[r * n + c];
  const diagonal = new Float64Array(n);
  const beside = new Float64Array(n);
  await tridiagonalize(a, n, columns, count, diagonal, beside, atTurn);
  await implicitQl(diagonal, beside, n, columns, count, atTurn);
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => diagonal[j] - diagonal[i] || i - j);
  const rows = new Float64Array(count * n);
  for (let c = 0; c < n; c++) for (let r = 0; r < count; r++) rows[r * n + c] = columns[order[c] * count + r];
  return { values: Float64Array.from(order, (i) => diagonal[i]), rows };
}

/** The n × n identity, for `eigenF64`. */
export function identityF64(n: number): Float64Array {
  const one = new Float64Array(n * n);
  for (let i = 0; i < n; i++) one[i * n + i] = 1;
  return one;
}

/** Pᵀ · a · P tridiagonal by reflections I − 2 v vᵀ; `columns` becomes that of C · P. beside[i] is the entry (i, i + 1). */
async function tridiagonalize(
  a: Float64Array,
  n: number,
  columns: Float64Array,
  count: number,
  diagonal: Float64Array,
  beside: Float64Array,
  atTurn: AtTurn | undefined,
): Promise<void> {
  const v = new Float64Array(n);
  const p = new Float64Array(n);
  const along = new Float64Array(count);
  for (let k = 0; k < n; k++) {
    diagonal[k] = a[k * n + k];
    if (k === n - 1) break;
    const length = reflector(a, n, k, v);
    beside[k] = length;
    if (v[k + 1] === 0) continue;
    reflectSymmetric(a, n, k + 1, v, p);
    along.fill(0);
    for (let i = k + 1; i < n; i++) for (let r = 0; r < count; r++) along[r] += v[i] * columns[i * count + r];
    for (let i = k + 1; i < n; i++) {
      const twice = 2 * v[i];
      for (let r = 0; r < count; r++) columns[i * count + r] -= twice * along[r];
    }
    if (turnIsOver()) await turn(atTurn);
  }
}

async function turn(atTurn: AtTurn | undefined): Promise<void> {
  await nextTurn();
  atTurn?.();
}

/** v of unit length so that the reflection takes column k below the diagonal to (result, 0, …); v = 0 when it is that. */
function reflector(a: Float64Array, n: number, k: number, v: Float64Array): number {
  let rest = 0;
  let largest = 0;
  for (let i = k + 1; i < n; i++) largest = Math.max(largest, Math.abs(a[i * n + k]));
  v.fill(0);
  const head = a[(k + 1) * n + k];
  if (largest === 0) return 0;
  for (let i = k + 2; i < n; i++) rest += (a[i * n + k] / largest) ** 2;
  if (rest === 0) return head;
  const size = largest * Math.sqrt(rest + (head / largest) ** 2);
  const result = head > 0 ? -size : size;
  v[k + 1] = (head - result) / largest;
  for (let i = k + 2; i < n; i++) v[i] = a[i * n + k] / largest;
  const norm = Math.sqrt(rest + v[k + 1] ** 2);
  for (let i = k + 1; i < n; i++) v[i] /= norm;
  return result;
}

/** a ← H a H over rows and columns from `first`, lower triangle: a − v wᵀ − w vᵀ with w = 2 (a v − (vᵀ a v) v). */
function reflectSymmetric(a: Float64Array, n: number, first: number, v: Float64Array, w: Float64Array): void {
  w.fill(0, first);
  for (let i = first; i < n; i++) {
    const row = i * n;
    const vi = v[i];
    let sum = 0;
    for (let j = first; j < i; j++) {
      const entry = a[row + j];
      sum += entry * v[j];
      w[j] += entry * vi;
    }
    w[i] = sum + a[row + i] * vi;
  }
  let overlap = 0;
  for (let i = first; i < n; i++) overlap += w[i] * v[i];
  for (let i = first; i < n; i++) w[i] = 2 * (w[i] - overlap * v[i]);
  for (let i = first; i < n; i++) {
    const row = i * n;
    const vi = v[i];
    const wi = w[i];
    for (let j = first; j <= i; j++) a[row + j] -= vi * w[j] + wi * v[j];
  }
}

/** Eigenvalues of a tridiagonal matrix into `diagonal`; the rotations are applied to `columns`. */
async function implicitQl(
  diagonal: Float64Array,
  beside: Float64Array,
  n: number,
  columns: Float64Array,
  count: number,
  atTurn: AtTurn | undefined,
): Promise<void> {
  // Beside the largest, as in tql2: in the rest that a matrix of low rank leaves, all is rounding, and nothing is small beside its neighbours.
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, Math.abs(diagonal[i]) + Math.abs(beside[i]));
  const noise = EPSILON * largest;
  for (let l = 0; l < n; l++) {
    for (let round = 0; ; round++) {
      const m = endOfBlock(beside, l, n, noise);
      if (m === l) break;
      if (round === MOST_ROUNDS) {
        throw new LowrankError("not-finite", "eigenF64: the matrix holds numbers that are not finite");
      }
      qlRound(diagonal, beside, l, m, columns, count);
      if (turnIsOver()) await turn(atTurn);
    }
  }
}

/** The first place from l on where the entry beside the diagonal is rounding noise. */
function endOfBlock(beside: Float64Array, l: number, n: number, noise: number): number {
  let m = l;
  while (m < n - 1 && !(Math.abs(beside[m]) <= noise)) m++;
  return m;
}

function qlRound(d: Float64Array, e: Float64Array, l: number, m: number, columns: Float64Array, count: number): void {
  let g = (d[l + 1] - d[l]) / (2 * e[l]);
  let r = hypotenuse(g, 1);
  g = d[m] - d[l] + e[l] / (g + (g >= 0 ? r : -r));
  let s = 1;
  let c = 1;
  let p = 0;
  for (let i = m - 1; i >= l; i--) {
    const f = s * e[i];
    const b = c * e[i];
    r = hypotenuse(f, g);
    if (i + 1 < m) e[i + 1] = r;
    if (r === 0) {
      d[i + 1] -= p;
      e[m] = 0;
      return;
    }
    s = f / r;
    c = g / r;
    g = d[i + 1] - p;
    r = (d[i] - g) * s + 2 * c * b;
    p = s * r;
    d[i + 1] = g + p;
    g = c * r - b;
    rotate(columns, i * count, (i + 1) * count, count, c, s);
  }
  d[l] -= p;
  e[l] = g;
}

/** Math.hypot may differ between engines in the last bit. */
function hypotenuse(a: number, b: number): number {
  return Math.sqrt(a * a + b * b);
}

/** (x, y) ← (c x − s y, s x + c y) over two stretches. */
function rotate(values: Float64Array, x: number, y: number, count: number, c: number, s: number): void {
  for (let t = 0; t < count; t++) {
    const one = values[x + t];
    const other = values[y + t];
    values[x + t] = c * one - s * other;
    values[y + t] = s * one + c * other;
  }
}

/** A singular value decomposition: a = Σ_j values_j · left_j · right_jᵀ, values descending. */
export interface SmallSvd {
  /** f64[n] */
  readonly values: Float64Array;
  /** f64[n × n]: row j is the j-th singular vector of the short side, of length 1 */
  readonly short: Float64Array;
  /** f64[n × length]: row j is the j-th singular vector of the long side times its value */
  readonly long: Float64Array;
}

/**
 * Exact singular value decomposition of a dense matrix given by its n rows, n the shorter side.
 *
 * The eigenvectors of the Gram matrix make the rows nearly orthogonal; one-sided Jacobi makes them orthogonal to working
 * precision, so that small values are as accurate beside the largest as f64 allows (error ≤ n · 2⁻⁵² · values_0).
 *
 * @param rows f64[n × length]; becomes `long` of the result
 * @param atTurn called whenever others had their turn; what it throws ends the work
 */
export async function svdF64(rows: Float64Array, n: number, length: number, atTurn?: AtTurn): Promise<SmallSvd> {
  const gram = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) gram[i * n + j] = gram[j * n + i] = dotAt(rows, i * length, j * length, length);
    if (turnIsOver()) await turn(atTurn);
  }
  const { rows: vectors } = await eigenF64(gram, n, identityF64(n), atTurn);
  const short = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) short[j * n + i] = vectors[i * n + j];
  const long = await product(short, rows, n, length, atTurn);
  await jacobi(long, short, n, length, atTurn);
  const norms = Float64Array.from({ length: n }, (_, i) => Math.sqrt(dotAt(long, i * length, i * length, length)));
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => norms[j] - norms[i] || i - j);
  const sorted = { values: new Float64Array(n), short: new Float64Array(n * n), long: rows };
  for (const [to, i] of order.entries()) {
    sorted.values[to] = norms[i];
    sorted.short.set(short.subarray(i * n, (i + 1) * n), to * n);
    sorted.long.set(long.subarray(i * length, (i + 1) * length), to * length);
  }
  return sorted;
}

async function product(
  left: Float64Array,
  rows: Float64Array,
  n: number,
  length: number,
  atTurn: AtTurn | undefined,
): Promise<Float64Array> {
  const out = new Float64Array(n * length);
  for (let i = 0; i < n; i++) {
    const to = out.subarray(i * length, (i + 1) * length);
    for (let j = 0; j < n; j++) {
      const weight = left[i * n + j];
      const from = j * length;
      for (let t = 0; t < length; t++) to[t] += weight * rows[from + t];
    }
    if (turnIsOver()) await turn(atTurn);
  }
  return out;
}

/** Rotates rows of `long`, and those of `short` alike, until all are orthogonal or below the noise of the largest. */
async function jacobi(
  long: Float64Array,
  short: Float64Array,
  n: number,
  length: number,
  atTurn: AtTurn | undefined,
): Promise<void> {
  const square = Float64Array.from({ length: n }, (_, i) => dotAt(long, i * length, i * length, length));
  const noise = square.reduce((most, one) => Math.max(most, one), 0) * (n * EPSILON) ** 2;
  for (let sweep = 0, rotated = true; rotated && sweep < MOST_ROUNDS; sweep++) {
    rotated = false;
    for (let p = 0; p < n - 1; p++) {
      for (let q = p + 1; q < n; q++) {
        if (square[p] <= noise || square[q] <= noise) continue;
        const inner = dotAt(long, p * length, q * length, length);
        if (!(Math.abs(inner) > 4 * EPSILON * Math.sqrt(square[p] * square[q] * length))) continue;
        rotated = true;
        const zeta = (square[q] - square[p]) / (2 * inner);
        const tangent = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + hypotenuse(1, zeta));
        const cosine = 1 / hypotenuse(1, tangent);
        rotate(long, p * length, q * length, length, cosine, cosine * tangent);
        rotate(short, p * n, q * n, n, cosine, cosine * tangent);
        square[p] = dotAt(long, p * length, p * length, length);
        square[q] = dotAt(long, q * length, q * length, length);
      }
      if (turnIsOver()) await turn(atTurn);
    }
  }
}

function dotAt(values: Float64Array, x: number, y: number, length: number): number {
  let sum = 0;
  for (let t = 0; t < length; t++) sum += values[x + t] * values[y + t];
  return sum;
}
