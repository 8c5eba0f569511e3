/** The exact way: the matrix written out in f64, decomposed in one step. For matrices with a short side of some hundreds. */
import { svdF64 } from "../../kernels/index.ts";
import type { StateArrays } from "../factorizer.ts";
import { type Decomposer, fixSigns, type TruncatedSvd } from "./decomposer.ts";
import { centerAt, type SvdMatrix } from "./matrix.ts";

/** A short side up to this is decomposed exactly: some seconds. */
const SHORT_SIDE = 512;
/** So is a longer one when more than a third of all values are wanted, which Krylov steps would take longer for. */
const LONGER_SIDE = 2048;
/** Cells written out at most: 128 MiB. */
const MOST_CELLS = 2 ** 24;

/** Whether a matrix is decomposed exactly: a matter of its size and the rank alone. */
export function suitsExact(users: number, items: number, rank: number): boolean {
  const short = Math.min(users, items);
  if (users * items > MOST_CELLS) return false;
  return short <= SHORT_SIDE || (short <= LONGER_SIDE && 3 * rank > short);
}

export class ExactSvd implements Decomposer {
  readonly #matrix: SvdMatrix;
  readonly #rank: number;
  #result: { readonly svd: TruncatedSvd; readonly rest: number } | undefined;
  #stepped: boolean;

  /** @param stepped the one step was made before: the training is resumed */
  constructor(matrix: SvdMatrix, rank: number, stepped: boolean) {
    this.#matrix = matrix;
    this.#rank = rank;
    this.#stepped = stepped;
  }

  get finished(): boolean {
    return this.#stepped;
  }

  async step(atTurn?: () => void): Promise<number> {
    const { rest } = await this.#decomposed(atTurn);
    this.#stepped = true;
    return rest;
  }

  async result(atTurn?: () => void): Promise<TruncatedSvd> {
    return (await this.#decomposed(atTurn)).svd;
  }

  async #decomposed(atTurn: (() => void) | undefined) {
    this.#result ??= await decompose(this.#matrix, this.#rank, atTurn);
    return this.#result;
  }

  state(): StateArrays {
    return {}; // one step, which is made again
  }

  close(): void {}
}

/** The values wanted, and the sum of the squares of the others: added up, as it may be far smaller than the whole it could be subtracted from. */
async function decompose(matrix: SvdMatrix, wanted: number, atTurn: (() => void) | undefined) {
  const { rows: users, columns: items } = matrix.ratings.byUser;
  const byUser = users <= items;
  const [n, length] = byUser ? [users, items] : [items, users];
  const { values, short, long } = await svdF64(written(matrix, byUser, length), n, length, atTurn);
  const noise = n * 2 ** -52 * values[0];
  let rank = 0;
  while (rank < Math.min(wanted, n) && values[rank] > noise) rank++;
  const vectors = (of: Float64Array, rows: number, scaled: boolean) => {
    const out = new Float64Array(rows * rank);
    for (let j = 0; j < rank; j++) {
      const scale = scaled ? values[j] : 1;
      for (let r = 0; r < rows; r++) out[r * rank + j] = of[j * rows + r] / scale;
    }
    return out;
  };
  const shortVectors = vectors(short, n, false);
  const longVectors = vectors(long, length, true);
  const [userVectors, itemVectors] = byUser ? [shortVectors, longVectors] : [longVectors, shortVectors];
  fixSigns(userVectors, itemVectors, rank);
  const svd: TruncatedSvd = {
    rank,
    userVectors,
    values: values.slice(0, rank),
    itemVectors,
    residuals: new Float64Array(rank).fill(noise),
    errorEstimate: rank === 0 ? 0 : noise / values[rank - 1],
    exact: true,
    stopped: "exact",
    steps: 1,
  };
  const rest = values.subarray(rank).reduceRight((sum, value) => sum + value * value, 0);
  return { svd, rest };
}

/** The matrix row by row of its short side. */
function written({ ratings, center }: SvdMatrix, byUser: boolean, length: number): Float64Array {
  const { rows, start, index, value } = ratings.byUser;
  const out = new Float64Array(rows * ratings.byUser.columns);
  for (let user = 0; user < rows; user++) {
    for (let cell = start[user]; cell < start[user + 1]; cell++) {
      const item = index[cell];
      out[byUser ? user * length + item : item * length + user] = value.at(cell) - centerAt(center, user, item);
    }
  }
  return out;
}
