/**
 * Block Krylov iteration for the leading singular values of a large matrix.
 *
 * From a random block Q₁ of 16 columns on the shorter side the basis grows by AᵀA·Q_j, made orthogonal to all columns
 * before it, twice; the best values are those of the small matrix T = QᵀAᵀAQ (Rayleigh–Ritz). When the basis is full it
 * is cut down to its best columns and grows again (thick restart). At the end the best columns V are multiplied once more,
 * and the values are those of A·V itself, so that they are as accurate as single precision allows.
 *
 * Source: Musco & Musco, NeurIPS 2015; small blocks as in Meyer, Musco & Musco, SODA 2024 (16 columns need 0.75 of the
 * products of 32 and half of those of 64 on Gowalla at rank 64); restart as in Wu & Simon, SIAM J. Matrix Anal. 2000;
 * orthonormal columns from the eigenvectors of their inner products, Stathopoulos & Wu, SIAM J. Sci. Comput. 2002.
 * Cells are multiplied by a power of two that takes the largest near 1, so that no product leaves the range of f32; the bits
 * of everything else stay as they are.
 * Cost of a step: 32 multiply-adds per rating, and 64 · rows of the shorter side · basis columns.
 * A singular value that occurs more than 16 times exactly may be found fewer times than it occurs.
 */
import { eigenF64, identityF64, type Kernels, type Table, type Workspace } from "../../kernels/index.ts";
import { DataError, normal, streamSeed } from "../../support/index.ts";
import type { StateArrays } from "../factorizer.ts";
import { type Decomposer, fixSigns, type TruncatedSvd } from "./decomposer.ts";
import { BLOCK, type KrylovLayout, type KrylovSizes, krylovLayout, sizesOf } from "./krylov-layout.ts";
import { centeredCells, largestCell, type SvdMatrix } from "./matrix.ts";
import { Orthogonalizer } from "./orthogonal.ts";

/** Residuals of AᵀA below this share of the largest value's square are rounding of f32. */
const NOISE = 2 ** -21;
/** Values below this share of the largest are rounding of f32. */
export const LEAST_SHARE = 2 ** -20;

export interface KrylovSettings {
  readonly rank: number;
  /** Wanted ‖Aᵀu − σv‖ / σ */
  readonly accuracy: number;
  readonly seed: number;
}

export class KrylovSvd implements Decomposer {
  readonly #settings: KrylovSettings;
  /** Σ of the squares of all cells */
  readonly #squared: number;
  readonly #sizes: KrylovSizes;
  readonly #space: Workspace<KrylovLayout>;
  readonly #orthogonal: Orthogonalizer;
  /** Columns of the basis that T knows; the block that comes next is not among them yet */
  #columns = 0;
  /** f64[capacity × capacity] */
  readonly #projected: Float64Array;
  #steps = 0;
  #stopped: "accuracy" | "precision" | undefined;
  /** What cells are multiplied by in kernel memory */
  readonly #scale: number;
  #result: TruncatedSvd | undefined;

  constructor(matrix: SvdMatrix, settings: KrylovSettings, kernels: Kernels, from?: StateArrays) {
    const { byUser, byItem } = matrix.ratings;
    this.#settings = settings;
    this.#squared = matrix.squared;
    this.#sizes = sizesOf(byUser.rows, byItem.rows, settings.rank);
    this.#space = kernels.open(krylovLayout(this.#sizes, matrix.ratings.size));
    this.#projected = new Float64Array(this.#sizes.capacity ** 2);
    this.#scale = scaleFor(largestCell(matrix));
    const { at } = this.#space;
    const [short, long] = this.#sizes.byUser ? [byUser, byItem] : [byItem, byUser];
    at.shortStart.set(short.start);
    at.shortIndex.set(short.index);
    centeredCells(matrix, this.#sizes.byUser ? "user" : "item", this.#scale, at.shortValue);
    at.longStart.set(long.start);
    at.longIndex.set(long.index);
    centeredCells(matrix, this.#sizes.byUser ? "item" : "user", this.#scale, at.longValue);
    this.#orthogonal = new Orthogonalizer(this.#space, streamSeed(settings.seed, "krylov"));
    try {
      if (from === undefined) this.#scatter();
      else this.#restore(from);
    } catch (error) {
      this.#space.close();
      throw error;
    }
  }

  get finished(): boolean {
    return this.#stopped !== undefined;
  }

  async step(atTurn?: () => void): Promise<number> {
    const { at } = this.#space;
    this.#result = undefined;
    if (this.#steps === 0) await this.#orthogonal.start();
    if (this.#columns + BLOCK > this.#sizes.capacity) await this.#restart(atTurn);
    copyColumns(at.block, at.basis, this.#columns);
    this.#columns += BLOCK;
    this.#steps++;
    await this.#multiply(at.block, at.image);
    await this.#multiplyBack(at.image, at.work);
    const coefficients = await this.#orthogonal.remove(this.#columns);
    this.#project(coefficients);
    const coupling = await this.#orthogonal.innerProducts();
    const { squares, residuals } = await this.#estimate(coupling, atTurn);
    await this.#orthogonal.next(this.#columns, NOISE * squares[0]);
    this.#judge(squares, residuals);
    const sum = squares.subarray(0, this.#wanted).reduce((total, square) => total + Math.max(0, square), 0);
    return Math.max(0, this.#squared - sum / this.#scale ** 2);
  }

  async result(atTurn?: () => void): Promise<TruncatedSvd> {
    this.#result ??= await this.#vectors(atTurn);
    return this.#result;
  }

  /** The best columns of the basis, multiplied once more. */
  async #vectors(atTurn: (() => void) | undefined): Promise<TruncatedSvd> {
    const { at } = this.#space;
    const wanted = Math.min(this.#wanted, this.#columns);
    const { rows } = await eigenF64(this.#packed(1), this.#columns, identityF64(this.#columns), atTurn);
    await this.#combine(rows, wanted);
    const vectors: Table = { ...at.vectors, rank: wanted };
    const images: Table = { ...at.images, rank: wanted };
    await this.#multiply(vectors, images);
    const gram = await this.#orthogonal.gram(images);
    const { values: squares, rows: turn } = await eigenF64(gram, wanted, identityF64(wanted), atTurn);
    const values = Float64Array.from(squares, (square) => Math.sqrt(Math.max(0, square)));
    let rank = 0;
    while (rank < wanted && values[rank] > LEAST_SHARE * values[0]) rank++;
    const { short, long } = this.#sizes;
    const shortVectors = new Float64Array(short * rank);
    const longVectors = new Float64Array(long * rank);
    const residuals = new Float64Array(rank);
    for (let first = 0; first < rank; first += BLOCK) {
      const count = Math.min(BLOCK, rank - first);
      await this.#turned(vectors, turn, first, count, undefined, at.spare);
      await this.#turned(images, turn, first, count, values, at.image);
      readColumns(at.spare, count, shortVectors, rank, first);
      readColumns(at.image, count, longVectors, rank, first);
      await this.#multiplyBack(at.image, at.work);
      for (let j = 0; j < count; j++) {
        residuals[first + j] = distance(at.work, at.spare, j, values[first + j]);
      }
    }
    const errorEstimate = residuals.reduce((most, residual, j) => Math.max(most, residual / values[j]), 0);
    const [userVectors, itemVectors] = this.#sizes.byUser ? [shortVectors, longVectors] : [longVectors, shortVectors];
    fixSigns(userVectors, itemVectors, rank);
    return {
      rank,
      userVectors,
      values: values.subarray(0, rank).map((value) => value / this.#scale),
      itemVectors,
      residuals: residuals.map((residual) => residual / this.#scale),
      errorEstimate,
      exact: false,
      stopped: this.#stopped ?? "steps",
      steps: this.#steps,
    };
  }

  state(): StateArrays {
    const { basis, block } = this.#space.at;
    const columns = this.#columns;
    const kept = new Float32Array(basis.rows * columns);
    for (let r = 0; r < basis.rows; r++) {
      kept.set(basis.data.subarray(r * basis.stride, r * basis.stride + columns), r * columns);
    }
    const stopped = this.#stopped === undefined ? 0 : this.#stopped === "accuracy" ? 1 : 2;
    return {
      basis: kept,
      block: block.data.slice(0, block.rows * block.stride),
      projected: this.#packed(1 / this.#scale ** 2),
      place: Uint32Array.of(columns, this.#steps, stopped, this.#orthogonal.drawn),
    };
  }

  close(): void {
    this.#space.close();
  }

  get #wanted(): number {
    return Math.min(this.#settings.rank, this.#sizes.short);
  }

  #scatter(): void {
    const { data } = this.#space.at.block;
    const seed = streamSeed(this.#settings.seed, "krylov start");
    for (let i = 0; i < data.length; i++) data[i] = normal(seed, i);
  }

  #restore(from: StateArrays): void {
    const { at } = this.#space;
    checkState(from, this.#sizes);
    const { basis, block, projected, place } = from;
    const [columns, steps, stopped, drawn] = place;
    for (let r = 0; r < at.basis.rows; r++) {
      at.basis.data.set(basis.subarray(r * columns, (r + 1) * columns), r * at.basis.stride);
    }
    at.block.data.set(block);
    for (let r = 0; r < columns; r++) {
      for (let c = 0; c < columns; c++) {
        this.#projected[r * this.#sizes.capacity + c] = projected[r * columns + c] * this.#scale ** 2;
      }
    }
    this.#columns = columns;
    this.#steps = steps;
    this.#stopped = stopped === 0 ? undefined : stopped === 1 ? "accuracy" : "precision";
    this.#orthogonal.drawn = drawn;
  }

  /** out (long side) = A · right (short side). */
  #multiply(right: Table, out: Table): Promise<void> {
    const { longStart, longIndex, longValue } = this.#space.at;
    const entries = { start: longStart, index: longIndex };
    return this.#space.sparseProduct({ entries, value: longValue, right, out });
  }

  /** out (short side) = Aᵀ · right (long side). */
  #multiplyBack(right: Table, out: Table): Promise<void> {
    const { shortStart, shortIndex, shortValue } = this.#space.at;
    const entries = { start: shortStart, index: shortIndex };
    return this.#space.sparseProduct({ entries, value: shortValue, right, out });
  }

  /** The last block's row and column of T. */
  #project(coefficients: Float64Array): void {
    const { capacity } = this.#sizes;
    const first = this.#columns - BLOCK;
    for (let r = 0; r < this.#columns; r++) {
      for (let j = 0; j < BLOCK; j++) {
        const value = coefficients[r * BLOCK + j];
        const mirrored = r < first ? value : coefficients[(first + j) * BLOCK + (r - first)];
        const symmetric = (value + mirrored) / 2;
        this.#projected[r * capacity + first + j] = symmetric;
        this.#projected[(first + j) * capacity + r] = symmetric;
      }
    }
  }

  /** T without the room to grow, times `scale`: f64[columns × columns], a copy. */
  #packed(scale: number): Float64Array {
    const columns = this.#columns;
    const out = new Float64Array(columns * columns);
    for (let r = 0; r < columns; r++) {
      const from = r * this.#sizes.capacity;
      for (let c = 0; c < columns; c++) out[r * columns + c] = scale * this.#projected[from + c];
    }
    return out;
  }

  /** Squares of the values, and ‖AᵀAv − σ²v‖ of each from what the last block left outside the basis. */
  async #estimate(
    coupling: Float64Array,
    atTurn: (() => void) | undefined,
  ): Promise<{ squares: Float64Array; residuals: Float64Array }> {
    const columns = this.#columns;
    const last = new Float64Array(BLOCK * columns);
    for (let j = 0; j < BLOCK; j++) last[j * columns + columns - BLOCK + j] = 1;
    const { values: squares, rows } = await eigenF64(this.#packed(1), columns, last, atTurn);
    const residuals = new Float64Array(columns);
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let i = 0; i < BLOCK; i++) {
        for (let j = 0; j < BLOCK; j++) sum += rows[i * columns + c] * coupling[i * BLOCK + j] * rows[j * columns + c];
      }
      residuals[c] = Math.sqrt(Math.max(0, sum));
    }
    return { squares, residuals };
  }

  #judge(squares: Float64Array, residuals: Float64Array): void {
    if (this.#columns < this.#wanted) return;
    const noise = NOISE * squares[0];
    let byNoise = false;
    for (let i = 0; i < this.#wanted; i++) {
      if (residuals[i] <= this.#settings.accuracy * squares[i]) continue;
      if (residuals[i] > noise && this.#columns < this.#sizes.short) return;
      byNoise ||= squares[i] > LEAST_SHARE ** 2 * squares[0];
    }
    this.#stopped = byNoise ? "precision" : "accuracy";
  }

  /** Cuts the basis down to its best columns; T becomes their values. */
  async #restart(atTurn: (() => void) | undefined): Promise<void> {
    const { at } = this.#space;
    const { kept, capacity } = this.#sizes;
    const { values, rows } = await eigenF64(this.#packed(1), this.#columns, identityF64(this.#columns), atTurn);
    await this.#combine(rows, kept);
    const { vectors, basis } = at;
    for (let r = 0; r < basis.rows; r++) {
      basis.data.set(vectors.data.subarray(r * vectors.stride, r * vectors.stride + kept), r * basis.stride);
    }
    this.#projected.fill(0);
    for (let i = 0; i < kept; i++) this.#projected[i * capacity + i] = values[i];
    this.#columns = kept;
  }

  /** vectors = basis · the first `count` columns of `rows`, f64[columns × columns]. */
  async #combine(rows: Float64Array, count: number): Promise<void> {
    const { basis, ritz, vectors } = this.#space.at;
    const columns = this.#columns;
    ritz.data.fill(0);
    for (let r = 0; r < columns; r++) {
      for (let c = 0; c < count; c++) ritz.data[r * ritz.stride + c] = rows[r * columns + c];
    }
    const matrix: Table = { ...ritz, rows: columns, rank: count };
    const out: Table = { ...vectors, rank: count };
    await this.#space.tallProduct({ left: { ...basis, rank: columns }, matrix, out, add: false });
  }

  /** out's columns = table · columns `first` to `first + count` of `turn`, each over its value when values are given. */
  async #turned(
    table: Table,
    turn: Float64Array,
    first: number,
    count: number,
    values: Float64Array | undefined,
    out: Table,
  ): Promise<void> {
    const { coefficient } = this.#space.at;
    const n = table.rank;
    coefficient.data.fill(0);
    for (let r = 0; r < n; r++) {
      for (let j = 0; j < count; j++) {
        const over = values === undefined ? 1 : values[first + j];
        coefficient.data[r * coefficient.stride + j] = turn[r * n + first + j] / over;
      }
    }
    await this.#space.tallProduct({ left: table, matrix: { ...coefficient, rows: n }, out, add: false });
  }
}

/** A power of two that takes `largest` to between 1 and 2; 1 for 0. */
function scaleFor(largest: number): number {
  let scale = 1;
  if (largest === 0) return scale;
  while (largest * scale >= 2) scale /= 2;
  while (largest * scale < 1) scale *= 2;
  return scale;
}

/** @throws DataError when the arrays of a state are not those that `state` gave for a matrix of this size */
function checkState({ basis, block, projected, place }: StateArrays, { short, capacity }: KrylovSizes): void {
  const columns = place?.[0] ?? -1;
  const fits =
    place?.length === 4 &&
    columns <= capacity &&
    basis?.length === short * columns &&
    projected?.length === columns * columns &&
    block?.length === short * BLOCK;
  if (!fits) {
    throw new DataError("svd: the state to resume from does not fit: it is of other ratings or settings", {
      method: "svd",
    });
  }
}

function copyColumns(from: Table, to: Table, first: number): void {
  for (let r = 0; r < from.rows; r++) {
    to.data.set(from.data.subarray(r * from.stride, r * from.stride + BLOCK), r * to.stride + first);
  }
}

function readColumns(from: Table, count: number, out: Float64Array, rank: number, first: number): void {
  for (let r = 0; r < from.rows; r++) {
    for (let j = 0; j < count; j++) out[r * rank + first + j] = from.data[r * from.stride + j];
  }
}

/** ‖column j of `work` − value · column j of `vectors`‖. */
function distance(work: Table, vectors: Table, j: number, value: number): number {
  let sum = 0;
  for (let r = 0; r < work.rows; r++) {
    const at = r * work.stride + j;
    sum += (work.data[at] - value * vectors.data[at]) ** 2;
  }
  return Math.sqrt(sum);
}
