/**
 * The next block of a Krylov basis: columns made orthogonal to the basis and to each other. A direction that is only
 * rounding noise is replaced by a random one; when the space has no more directions its column is zero, which stands for
 * nothing and does no harm.
 */
import { eigenF64, identityF64, type Table, type Workspace } from "../../kernels/index.ts";
import { normal } from "../../support/index.ts";
import { BLOCK, type KrylovLayout } from "./krylov-layout.ts";

/** Rounds of removing and scaling; two give full accuracy, random directions need two of their own. */
const MOST_ROUNDS = 6;
/** Smallest share of the largest squared size at which a direction is more than rounding of the others. */
const LEAST_SQUARE = 2 ** -34;
/** Columns count as orthonormal when no inner product is off by more. */
const ORTHONORMAL = 2 ** -19;

export class Orthogonalizer {
  readonly #space: Workspace<KrylovLayout>;
  readonly #seed: number;
  /** Random columns drawn so far */
  drawn = 0;

  constructor(space: Workspace<KrylovLayout>, seed: number) {
    this.#space = space;
    this.#seed = seed;
  }

  /** Makes the first block orthonormal; it comes filled with random numbers. */
  async start(): Promise<void> {
    const { work, block } = this.#space.at;
    work.data.set(block.data);
    await this.next(0, 0);
  }

  /** Takes from `work` its part in the first `columns` of the basis. @returns basisᵀ · work, as it was: f64[columns × 16] */
  async remove(columns: number): Promise<Float64Array> {
    const { basis, work, inner, scratch, coefficient } = this.#space.at;
    const left: Table = { ...basis, rank: columns };
    await this.#space.innerProducts({ left, right: work, out: inner, scratch });
    const out = inner.slice(0, columns * BLOCK);
    for (let i = 0; i < out.length; i++) coefficient.data[i] = -out[i];
    const matrix: Table = { ...coefficient, rows: columns };
    await this.#space.tallProduct({ left, matrix, out: work, add: true });
    return out;
  }

  /** workᵀ · work: f64[16 × 16]. */
  async innerProducts(): Promise<Float64Array> {
    const { work, inner, scratch } = this.#space.at;
    await this.#space.innerProducts({ left: work, right: work, out: inner, scratch });
    return inner.slice(0, BLOCK * BLOCK);
  }

  /** tableᵀ · table for a table of any rank, 16 columns at a time: f64[rank × rank]. */
  async gram(table: Table): Promise<Float64Array> {
    const { inner, scratch } = this.#space.at;
    const { rank } = table;
    const out = new Float64Array(rank * rank);
    for (let first = 0; first < rank; first += BLOCK) {
      const count = Math.min(BLOCK, rank - first);
      const right: Table = { ...table, data: table.data.subarray(first), rank: count };
      await this.#space.innerProducts({ left: table, right, out: inner, scratch });
      for (let r = 0; r < rank; r++) {
        for (let j = 0; j < count; j++) out[r * rank + first + j] = inner[r * count + j];
      }
    }
    for (let r = 0; r < rank; r++) {
      for (let c = 0; c < r; c++) {
        out[r * rank + c] = out[c * rank + r] = (out[r * rank + c] + out[c * rank + r]) / 2;
      }
    }
    return out;
  }

  /**
   * `block` = orthonormal columns that span what `work` holds, orthogonal to the first `columns` of the basis.
   *
   * @param noise a column of `work` of this length is rounding
   */
  async next(columns: number, noise: number): Promise<void> {
    const { work, block } = this.#space.at;
    let least = noise * noise;
    let fresh = true;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      // What is orthogonal to the basis stays so when it is only mixed.
      if (round > 0 && fresh && columns > 0) await this.remove(columns);
      const products = await this.innerProducts();
      const { values, rows } = await eigenF64(products.slice(), BLOCK, identityF64(BLOCK));
      const floor = Math.max(least, LEAST_SQUARE * values[0]);
      const found = values.reduce((count, value) => count + (value > floor ? 1 : 0), 0);
      if (round > 0 && found === BLOCK && isIdentity(products)) break;
      await this.#scale(values, rows, found);
      fresh = round === 0 || found < BLOCK;
      // Random directions get two rounds to become orthogonal, in which they may turn out to be nothing new.
      if (round < MOST_ROUNDS - 3) this.#replace(found);
      least = 2 ** -24; // from here on columns are of length 1 before they are removed from
    }
    block.data.set(work.data);
  }

  /** work ← work · vectors / √values, the first `found` of them; the other columns become zero. */
  async #scale(values: Float64Array, vectors: Float64Array, found: number): Promise<void> {
    const { work, spare, coefficient } = this.#space.at;
    coefficient.data.fill(0, 0, BLOCK * BLOCK);
    for (let r = 0; r < BLOCK; r++) {
      for (let j = 0; j < found; j++) coefficient.data[r * BLOCK + j] = vectors[r * BLOCK + j] / Math.sqrt(values[j]);
    }
    await this.#space.tallProduct({ left: work, matrix: { ...coefficient, rows: BLOCK }, out: spare, add: false });
    work.data.set(spare.data);
  }

  #replace(found: number): void {
    const { work } = this.#space.at;
    const scale = 1 / Math.sqrt(work.rows);
    for (let j = found; j < BLOCK; j++) {
      const first = this.drawn++ * work.rows;
      for (let r = 0; r < work.rows; r++) work.data[r * BLOCK + j] = scale * normal(this.#seed, first + r);
    }
  }
}

function isIdentity(products: Float64Array): boolean {
  for (let i = 0; i < BLOCK; i++) {
    for (let j = 0; j < BLOCK; j++) {
      if (Math.abs(products[i * BLOCK + j] - (i === j ? 1 : 0)) > ORTHONORMAL) return false;
    }
  }
  return true;
}
