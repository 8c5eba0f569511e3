/**
 * The numbers of cells, held as tightly as they allow: one byte a cell where at most 256 different values occur (half stars, small
 * counts), nothing where all are the same (clicks), 32-bit floats otherwise. Indexes take two bytes where 65,536 rows are not exceeded.
 */

/** Row numbers of the other side: two bytes each where these are enough. */
export type Indexes = Uint16Array | Uint32Array;

/** Different values that one byte tells apart. */
export const MAX_CODES = 256;

/** Cells decoded at a time. */
const BLOCK = 4096;

/** u16[length] where `columns` is at most 65,536, else u32[length]. */
export function indexArray(length: number, columns: number): Indexes {
  return new (indexArrayOf(columns))(length);
}

/** The class of `indexArray`: for copies by `from`. */
export function indexArrayOf(columns: number): Uint16ArrayConstructor | Uint32ArrayConstructor {
  return columns <= 2 ** 16 ? Uint16Array : Uint32Array;
}

/** As `indexArray` would hold them: the array itself, or a copy. */
export function narrowIndexes(index: Uint32Array, columns: number): Indexes {
  return columns <= 2 ** 16 ? new Uint16Array(index) : index;
}

/** As 32-bit numbers: the array itself, or a copy. */
export function wideIndexes(index: Indexes): Uint32Array {
  return index instanceof Uint32Array ? index : new Uint32Array(index);
}

/** As `wideIndexes`, some thousand at a time where it is a copy; each block is overwritten by the next. */
export function* wideBlocks(index: Indexes): IterableIterator<Uint32Array> {
  if (index instanceof Uint32Array) {
    yield index;
    return;
  }
  const block = new Uint32Array(Math.min(BLOCK, index.length));
  for (let from = 0; from < index.length; from += BLOCK) {
    const part = index.subarray(from, from + BLOCK);
    block.set(part);
    yield block.subarray(0, part.length);
  }
}

/**
 * Value of cell c: `table[code[c]]`. Without `code` it is `table[c]`, or `table[0]` throughout where the table has one entry. Read-only for everyone.
 *
 * A table may hold values that no cell has: parts of a split share the table of the whole.
 */
export class CellValues implements Iterable<number> {
  readonly length: number;
  readonly code: Uint8Array | undefined;
  readonly table: Float32Array;
  /** How often each code occurs, once somebody asked */
  #countOf: Float64Array | undefined;
  #facts: { readonly mean: number; readonly min: number; readonly max: number } | undefined;

  /**
   * Arrays are taken over, not copied, and taken as correct.
   *
   * @param table f32[cells] without `code`, f32[1] for cells that are all the same, else up to f32[256]
   * @param code u8[cells], below `table.length`
   */
  constructor(table: Float32Array, code?: Uint8Array | undefined, length = code?.length ?? table.length) {
    this.table = table;
    this.code = code;
    this.length = length;
  }

  /** The same numbers as tightly as they allow, rounded to f32, -0 as 0. @param values taken over where it is a Float32Array */
  static of(values: ArrayLike<number>): CellValues {
    const floats = values instanceof Float32Array ? values : Float32Array.from(values);
    const codes = new ValueCodes();
    const code = new Uint8Array(floats.length);
    if (codes.encode(floats, code) === floats.length) return CellValues.ofCodes(codes.table, code);
    for (let cell = 0; cell < floats.length; cell++) floats[cell] += 0;
    return new CellValues(floats);
  }

  /**
   * Of codes of any table: the table then ascends and holds what occurs, so it is the same for the same cells.
   *
   * @param table up to f32[256], different values; copied
   * @param code u8[cells], taken over and overwritten
   */
  static ofCodes(table: Float32Array, code: Uint8Array): CellValues {
    const counts = new Float64Array(table.length);
    for (let cell = 0; cell < code.length; cell++) counts[code[cell]]++;
    const order = Array.from(counts.keys()).filter((one) => counts[one] > 0);
    order.sort((a, b) => table[a] - table[b]);
    const own = Float32Array.from(order, (one) => table[one]);
    if (own.length === 1) return new CellValues(own, undefined, code.length);
    const rank = new Uint8Array(table.length);
    for (let place = 0; place < order.length; place++) rank[order[place]] = place;
    for (let cell = 0; cell < code.length; cell++) code[cell] = rank[code[cell]];
    return new CellValues(own, code);
  }

  /** @param cell from 0 to length - 1; outside of them the answer means nothing */
  at(cell: number): number {
    if (this.code !== undefined) return this.table[this.code[cell]];
    return this.table[this.table.length === 1 ? 0 : cell];
  }

  /** A view of cells from .. to - 1. */
  subarray(from: number, to: number): CellValues {
    if (this.code !== undefined) return new CellValues(this.table, this.code.subarray(from, to));
    return this.table.length === 1
      ? new CellValues(this.table, undefined, to - from)
      : new CellValues(this.table.subarray(from, to));
  }

  /** out[i] = value of cell from + i, for cells from .. to - 1. */
  writeTo(out: Float32Array | Float64Array, from = 0, to = this.length): void {
    const { code, table } = this;
    if (code !== undefined) for (let cell = from; cell < to; cell++) out[cell - from] = table[code[cell]];
    else if (table.length === 1) out.fill(table[0], 0, to - from);
    else out.set(table.subarray(from, to));
  }

  /** f32[length], a copy. */
  toFloats(): Float32Array {
    const out = new Float32Array(this.length);
    this.writeTo(out);
    return out;
  }

  /** All values in order, some thousand at a time; each block is overwritten by the next. */
  *blocks(): IterableIterator<Float32Array> {
    const block = new Float32Array(Math.min(BLOCK, this.length));
    for (let from = 0; from < this.length; from += BLOCK) {
      const count = Math.min(BLOCK, this.length - from);
      this.writeTo(block, from, from + count);
      yield block.subarray(0, count);
    }
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (let cell = 0; cell < this.length; cell++) yield this.at(cell);
  }

  /** Whether the value of every cell passes; true where there is no cell. A value may be tested once or many times. */
  every(test: (value: number) => boolean): boolean {
    const { code, table } = this;
    if (code === undefined) return this.length === 0 || table.every(test);
    const passes = table.map((value) => (test(value) ? 1 : 0));
    for (let cell = 0; cell < code.length; cell++) if (passes[code[cell]] === 0) return false;
    return true;
  }

  /** How often each value occurs, ascending; undefined where there are more than `most` different ones. */
  counts(most: number): { value: number; count: number }[] | undefined {
    const counts = new Map<number, number>();
    if (this.code === undefined) {
      for (let cell = 0; cell < this.length; cell++) {
        const value = this.at(cell);
        counts.set(value, (counts.get(value) ?? 0) + 1);
        if (counts.size > most) return undefined;
      }
    } else {
      const countOf = this.#countsOf(this.code);
      for (let code = 0; code < countOf.length; code++)
        if (countOf[code] > 0) counts.set(this.table[code], countOf[code]);
    }
    if (counts.size > most) return undefined;
    return Array.from(counts, ([value, count]) => ({ value, count })).sort((a, b) => a.value - b.value);
  }

  /**
   * Σ of(value) over all cells in f64: over codes as Σ count · of(value) in the order of the table, else in the order of the cells.
   *
   * @param of of a value alone; called once for each value of the table, or for each cell
   */
  sum(of: (value: number) => number): number {
    const { code, table, length } = this;
    let sum = 0;
    if (code !== undefined) {
      const countOf = this.#countsOf(code);
      for (let i = 0; i < countOf.length; i++) if (countOf[i] > 0) sum += countOf[i] * of(table[i]);
    } else if (table.length === 1) sum = length * of(table[0]);
    else for (let cell = 0; cell < length; cell++) sum += of(table[cell]);
    return sum;
  }

  /** Of the cells' values; NaN, Infinity and -Infinity where there is no cell. */
  get facts(): { readonly mean: number; readonly min: number; readonly max: number } {
    if (this.#facts === undefined) {
      let min = Number.POSITIVE_INFINITY;
      let max = Number.NEGATIVE_INFINITY;
      const mean =
        this.sum((value) => {
          if (value < min) min = value;
          if (value > max) max = value;
          return value;
        }) / this.length;
      this.#facts = { mean, min, max };
    }
    return this.#facts;
  }

  #countsOf(code: Uint8Array): Float64Array {
    if (this.#countOf === undefined) {
      const counts = new Uint32Array(this.table.length);
      for (let cell = 0; cell < code.length; cell++) counts[code[cell]]++;
      this.#countOf = Float64Array.from(counts);
    }
    return this.#countOf;
  }

  get byteLength(): number {
    return this.table.byteLength + (this.code?.byteLength ?? 0);
  }

  /** Where each cell's number or code lies: what moves when cells move. Undefined where all cells are the same. */
  get stored(): Uint8Array | Float32Array | undefined {
    return this.code ?? (this.table.length === 1 ? undefined : this.table);
  }

  /** Room for the numbers or codes of other cells. */
  room(length: number): Uint8Array | Float32Array | undefined {
    if (this.code !== undefined) return new Uint8Array(length);
    return this.table.length === 1 ? undefined : new Float32Array(length);
  }

  /** The values of what was put into `room`. */
  madeOf(room: Uint8Array | Float32Array | undefined, length: number): CellValues {
    if (room instanceof Float32Array) return new CellValues(room);
    return new CellValues(this.table, room, length);
  }
}

/** The bits of -0. */
const MINUS_ZERO = 0x80000000 | 0;

/** Codes for up to 256 different numbers of 32 bits, in the order in which they come. */
export class ValueCodes {
  /** The number of each code that was given */
  readonly table = new Float32Array(MAX_CODES);
  #size = 0;
  /** Code + 1 by hash of the bits, the next free place where that is taken; 0 is free */
  readonly #places = new Uint16Array(4 * MAX_CODES);

  /**
   * out[i] = code of values[i], -0 as 0, up to the first that finds all 256 codes taken.
   *
   * @returns how many got one
   */
  encode(values: Float32Array, out: Uint8Array): number {
    const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
    const ofCode = new Int32Array(this.table.buffer);
    const places = this.#places;
    for (let i = 0; i < bits.length; i++) {
      const word = bits[i] === MINUS_ZERO ? 0 : bits[i];
      let place = Math.imul(word, 0x9e3779b1 | 0) >>> 22;
      while (places[place] !== 0 && ofCode[places[place] - 1] !== word) place = (place + 1) & (places.length - 1);
      if (places[place] === 0) {
        if (this.#size === MAX_CODES) return i;
        ofCode[this.#size] = word;
        places[place] = ++this.#size;
      }
      out[i] = places[place] - 1;
    }
    return bits.length;
  }
}
