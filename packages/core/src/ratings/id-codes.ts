/**
 * Ids to codes while records stream in: the code of an id is its place in the order of first appearance.
 *
 * Small non-negative numbers, the usual case, are looked up in a table; other numbers and strings in a Map.
 */
import { DataError, show } from "../support/index.ts";
import { IdMap, idProblem, MAP_LIMIT, type Side, tooManyIds } from "./id-map.ts";
import type { Id, RatingColumns } from "./records.ts";

type IdColumn = RatingColumns["user"];

/** Numbers below this are looked up in a table, made page by page as ids turn up: 64 MB at the most. */
const TABLE_LIMIT = 1 << 24;
const PAGE_BITS = 12;
const PAGE_MASK = (1 << PAGE_BITS) - 1;

export class IdCodes {
  readonly #side: Side;
  readonly #mapLimit: number;
  #first: Id | undefined;
  /** Code + 1 by id; 0 is an id not seen */
  #pages: (Uint32Array | undefined)[] = [];
  #map = new Map<Id, number>();
  #ids: Id[] = [];

  /** @param mapLimit ids outside the table that can be told apart */
  constructor(side: Side, mapLimit = MAP_LIMIT) {
    this.#side = side;
    this.#mapLimit = mapLimit;
  }

  /** @throws DataError for the first id of the column that cannot be used; `row` numbers the column's first record */
  check(column: IdColumn, row: number): void {
    const first = this.#first ?? column[0];
    if (column instanceof Int32Array || column instanceof Float64Array) {
      if (typeof first === "string" && column.length > 0) this.#refuseMixed(column[0], row, first);
      if (column instanceof Int32Array) return;
      for (let i = 0; i < column.length; i++) if (!Number.isSafeInteger(column[i])) this.#refuse(column[i], row + i);
      return;
    }
    for (let i = 0; i < column.length; i++) this.checkOne(column[i], row + i, first);
  }

  checkOne(id: Id, row: number, first: Id = this.#first ?? id): void {
    if (idProblem(id) !== undefined) this.#refuse(id, row);
    if (typeof id !== typeof first) this.#refuseMixed(id, row, first);
  }

  /** out[at], … = the codes of entries from .. to - 1 of a checked column. */
  encode(column: IdColumn, from: number, to: number, out: Uint32Array, at: number): void {
    const isTyped = column instanceof Float64Array || column instanceof Int32Array;
    if (isTyped) this.#encodeNumbers(column.subarray(from, to), out.subarray(at, at + to - from));
    else for (let i = from; i < to; i++) out[at + i - from] = this.code(column[i]);
  }

  /** As `code` for each, with the usual case, a number seen before, in a loop of its own: half the time. */
  #encodeNumbers(ids: Float64Array | Int32Array, codes: Uint32Array): void {
    const pages = this.#pages;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      if (id >= 0 && id < TABLE_LIMIT) {
        const page = pages[id >>> PAGE_BITS];
        const known = page === undefined ? 0 : page[id & PAGE_MASK];
        codes[i] = known === 0 ? this.code(id) : known - 1;
      } else codes[i] = this.code(id);
    }
  }

  /** The code of a checked id. @throws DataError when there are more ids than can be told apart */
  code(id: Id): number {
    if (typeof id === "number" && id >= 0 && id < TABLE_LIMIT) {
      let page = this.#pages[id >>> PAGE_BITS];
      if (page === undefined) page = this.#newPage(id >>> PAGE_BITS);
      const known = page[id & PAGE_MASK];
      if (known !== 0) return known - 1;
      page[id & PAGE_MASK] = this.#ids.length + 1;
    } else {
      const known = this.#map.get(id);
      if (known !== undefined) return known;
      if (this.#map.size >= this.#mapLimit) throw tooManyIds(this.#side, this.#mapLimit);
      this.#map.set(id, this.#ids.length);
    }
    this.#first ??= id;
    return this.#ids.push(id === 0 ? 0 : id) - 1;
  }

  /** The sorted ids, and for each code the index of its id. Frees the look-up tables. */
  finish(): { readonly ids: IdMap; readonly indexOf: Uint32Array } {
    const ids = IdMap.of(this.#ids, this.#side);
    const indexOf = new Uint32Array(ids.size);
    for (let i = 0; i < ids.size; i++) indexOf[this.code(ids.id(i))] = i;
    this.#pages = [];
    this.#map = new Map();
    this.#ids = [];
    return { ids, indexOf };
  }

  #newPage(number: number): Uint32Array {
    // No holes, so that the engine keeps this a plain array
    while (this.#pages.length <= number) this.#pages.push(undefined);
    const page = new Uint32Array(1 << PAGE_BITS);
    this.#pages[number] = page;
    return page;
  }

  #refuse(id: unknown, row: number): never {
    throw new DataError(`ratings: record ${row}: the ${this.#side} id ${idProblem(id)}`, {
      row,
      column: this.#side,
      got: id,
    });
  }

  #refuseMixed(id: Id, row: number, first: Id): never {
    throw new DataError(
      `ratings: record ${row} has ${this.#side} id ${show(id)}, a ${typeof id}, but record 1 has ${show(first)}, ` +
        `a ${typeof first}; use one kind of id for all ${this.#side}s`,
      { row, firstRow: 1, column: this.#side, got: id, first },
    );
  }
}
