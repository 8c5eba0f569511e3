/**
 * IdMap: the caller's ids of one side, sorted, each with its row number. Ids outside, indexes inside.
 *
 * Sorting makes the row numbers a function of the set of ids alone, so the order of the input changes nothing.
 * Numbers ascend; strings ascend by UTF-16 code unit, the same in every locale.
 */
import { DataError, type Digest, show } from "../support/index.ts";
import type { Id } from "./records.ts";

export type Side = "user" | "item";

/** JavaScript's Map, by which text is looked up, holds no more. */
export const MAP_LIMIT = 2 ** 24;

/** Strings digested at a time: bounds the text that is joined at once. */
const DIGEST_BLOCK = 4096;

export class IdMap {
  readonly side: Side;
  readonly kind: "number" | "string";
  readonly size: number;
  readonly #numbers: Float64Array;
  readonly #strings: readonly string[];
  /** Made on the first look-up of a string; numbers are found without it */
  #indexOf: Map<string, number> | undefined;

  private constructor(side: Side, ids: Float64Array | readonly string[]) {
    this.side = side;
    this.size = ids.length;
    if (ids instanceof Float64Array) {
      this.kind = "number";
      this.#numbers = ids;
      this.#strings = [];
    } else {
      this.kind = "string";
      this.#numbers = new Float64Array(0);
      this.#strings = ids;
    }
  }

  /**
   * Sorts and checks ids. An empty list gives an empty map of kind "number".
   *
   * @throws DataError for an id that occurs twice, a mix of strings and numbers, a number that is not a safe integer, an
   *   empty string, text that is not well-formed Unicode (it could not be written to a file and read back), or more than
   *   2^24 strings
   */
  static of(ids: Iterable<Id>, side: Side): IdMap {
    const list = ids instanceof Float64Array || Array.isArray(ids) ? (ids as Float64Array | Id[]) : [...ids];
    if (typeof list[0] === "string" && list.length > MAP_LIMIT) throw tooManyIds(side, MAP_LIMIT);
    for (let i = 0; i < list.length; i++) {
      const problem = idProblem(list[i]) ?? (typeof list[i] === typeof list[0] ? undefined : mixed(list[0], list[i]));
      if (problem !== undefined)
        throw new DataError(`ids: ${side} id number ${i + 1} ${problem}`, { side, position: i + 1, got: list[i] });
    }
    const sorted =
      typeof list[0] === "string"
        ? (list as string[]).slice().sort()
        : Float64Array.from(list as ArrayLike<number>, (id) => id + 0).sort();
    for (let i = 1; i < sorted.length; i++) {
      if (sorted[i] === sorted[i - 1])
        throw new DataError(`ids: ${side} ${show(sorted[i])} occurs twice; give every ${side} once`, {
          side,
          got: sorted[i],
        });
    }
    return new IdMap(side, sorted);
  }

  /** @throws RangeError for an index that is not a row number of this map: a mistake in our code, not in the data */
  id(index: number): Id {
    const id = this.kind === "number" ? this.#numbers[index] : this.#strings[index];
    if (id === undefined) throw new RangeError(`${this.side} index ${index} is outside 0 to ${this.size - 1}`);
    return id;
  }

  /** The row number of an id; undefined when the id is unknown, an id of the other kind included. */
  index(id: Id): number | undefined {
    if (this.kind === "number") return typeof id === "number" ? this.#find(id) : undefined;
    if (typeof id !== "string") return undefined;
    if (this.#indexOf === undefined) {
      this.#indexOf = new Map();
      for (let i = 0; i < this.#strings.length; i++) this.#indexOf.set(this.#strings[i], i);
    }
    return this.#indexOf.get(id);
  }

  has(id: Id): boolean {
    return this.index(id) !== undefined;
  }

  /** All ids in order of their indexes. */
  ids(): IterableIterator<Id> {
    return this.kind === "number" ? this.#numbers.values() : this.#strings.values();
  }

  /**
   * Text as typed on a command line or in a URL, as an id of this map's kind. The id need not be in the map.
   *
   * @throws DataError when the ids are numbers and the text is not a whole number
   */
  parse(text: string): Id {
    if (this.kind === "string") return text;
    const id = /^\s*[-+]?\d+\s*$/.test(text) ? Number(text) + 0 : Number.NaN;
    if (Number.isSafeInteger(id)) return id;
    throw new DataError(`${this.side} ids are whole numbers in these data, got ${show(text)}`, {
      side: this.side,
      got: text,
    });
  }

  /** Whether both maps hold the same ids, hence the same indexes. */
  equals(other: IdMap): boolean {
    if (this === other) return true;
    if (this.size !== other.size || (this.kind !== other.kind && this.size > 0)) return false;
    for (let i = 0; i < this.size; i++) if (this.id(i) !== other.id(i)) return false;
    return true;
  }

  /** Adds all ids, so that two maps with the same ids in the same places leave the same digest. */
  digestInto(digest: Digest): void {
    digest.addText(this.kind);
    if (this.kind === "number") {
      digest.add(this.#numbers);
      return;
    }
    for (let from = 0; from < this.size; from += DIGEST_BLOCK) {
      const block = this.#strings.slice(from, from + DIGEST_BLOCK);
      digest.add(Uint32Array.from(block, (id) => id.length));
      digest.addText(block.join(""));
    }
  }

  #find(id: number): number | undefined {
    const ids = this.#numbers;
    if (ids.length === 0) return undefined;
    // Ids without gaps, the usual case, need no search
    const direct = id - ids[0];
    if (ids[direct] === id) return direct + 0;
    let low = 0;
    let high = ids.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (ids[middle] === id) return middle;
      if (ids[middle] < id) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }
}

/** What is wrong with a value as an id, as the end of a sentence; undefined when it is a good id. */
export function idProblem(id: unknown): string | undefined {
  if (typeof id === "number") {
    if (Number.isSafeInteger(id)) return undefined;
    if (Number.isNaN(id)) return "is missing (NaN)";
    return `is ${id}; numbers must be whole and within ±(2^53 - 1), or else be given as strings`;
  }
  if (typeof id === "string") {
    if (id === "") return "is an empty string; leave the record out, or name the id";
    // With the u flag a surrogate matches only when it stands alone
    if (/[\ud800-\udfff]/u.test(id)) return "is not well-formed Unicode; decode the text with its real encoding";
    return undefined;
  }
  if (id === undefined || id === null) return "is missing";
  return `is ${typeof id === "bigint" ? `the bigint ${id}` : show(id)}; use a string or a whole number`;
}

/** The refusal of more ids than a Map holds. */
export function tooManyIds(side: Side, limit: number): DataError {
  return new DataError(
    `ids: more than ${limit} different ${side}s whose ids are text, or numbers below 0 or above ${MAP_LIMIT - 1}; ` +
      "that is all that can be looked up: number them from 0",
    { side, limit },
  );
}

function mixed(first: Id, id: Id): string {
  return `is ${show(id)}, a ${typeof id}, but the first is ${show(first)}, a ${typeof first}; use one kind`;
}
