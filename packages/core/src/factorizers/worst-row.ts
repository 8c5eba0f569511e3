/** Which user or item has the largest numbers, for the words of a divergence: tables and biases in, one row out. */
import type { Reals, RealTable } from "../kernels/index.ts";
import type { Id, IdMap } from "../ratings/index.ts";

export type WorstRow =
  | {
      readonly word: "user" | "item";
      readonly id: Id;
      /** The largest absolute value of the row, in the ratings' own unit; ∞ where one is not finite */
      readonly size: number;
    }
  /** What belongs to no row is worse than any: layers of a net */
  | { readonly word: "layers"; readonly size: number };

/** What one side's rows are made of. */
export interface SideNumbers {
  readonly word: "user" | "item";
  readonly ids: Pick<IdMap, "size" | "id">;
  /** Each of as many rows as there are ids */
  readonly tables: readonly RealTable[];
  /** [rows], or of length 0 or undefined where there is none */
  readonly bias: Reals | undefined;
  /** What a bias and what a number of the tables is multiplied by, to be in the ratings' own unit. Default 1 */
  readonly unit?: { readonly rating: number; readonly factor: number };
}

/** The first row, users before items, with a number that is not finite; else the one with the largest. */
export function worstRow(sides: readonly SideNumbers[]): WorstRow & { readonly word: "user" | "item" } {
  let [worst, at, size] = [sides[0], 0, -1];
  for (const side of sides) {
    const { rating, factor } = side.unit ?? { rating: 1, factor: 1 };
    for (let row = 0; row < side.ids.size && size < Number.POSITIVE_INFINITY; row++) {
      let own = side.bias === undefined || side.bias.length === 0 ? 0 : rating * sizeOf(side.bias[row]);
      for (const { data, rank, stride } of side.tables) {
        for (let j = row * stride; j < row * stride + rank; j++) own = Math.max(own, factor * sizeOf(data[j]));
      }
      if (own > size) [worst, at, size] = [side, row, own];
    }
  }
  return { word: worst.word, id: worst.ids.id(at), size };
}

/** Absolute value, with NaN as infinite. */
export function sizeOf(value: number): number {
  return Number.isNaN(value) ? Number.POSITIVE_INFINITY : Math.abs(value);
}
