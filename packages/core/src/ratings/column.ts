/**
 * A typed column that grows in blocks: appending never moves what is there, and the blocks are freed at the end.
 *
 * Doubling one array would hold old and new at once; at 20 million ratings that is the difference that counts.
 */
export type Numbers = Float32Array | Float64Array | Uint32Array | Uint16Array | Uint8Array;

const MIN_BLOCK = 1 << 10;
const MAX_BLOCK = 1 << 18;

export class Column<T extends Numbers> {
  length = 0;
  readonly #make: (length: number) => T;
  readonly #blocks: T[] = [];
  #last: T;
  /** Entries in use in the last block */
  #used = 0;

  /** @param expected entries to come, if known: the size of the first block */
  constructor(make: (length: number) => T, expected = 0) {
    this.#make = make;
    this.#last = make(expected);
    this.#blocks.push(this.#last);
  }

  push(value: number): void {
    if (this.#used === this.#last.length) this.#grow();
    this.#last[this.#used++] = value;
    this.length++;
  }

  append(values: ArrayLike<number>, from = 0, to = values.length): void {
    let at = from;
    while (at < to) {
      if (this.#used === this.#last.length) this.#grow();
      const count = Math.min(to - at, this.#last.length - this.#used);
      if (Array.isArray(values)) {
        for (let i = 0; i < count; i++) this.#last[this.#used + i] = values[at + i];
      } else {
        this.#last.set((values as Numbers).subarray(at, at + count), this.#used);
      }
      this.#used += count;
      this.length += count; // blocks grow with it
      at += count;
    }
  }

  /** The blocks in order, each cut to the entries in use. */
  blocks(): T[] {
    return this.#blocks.map((block, i) =>
      i === this.#blocks.length - 1 ? (block.subarray(0, this.#used) as T) : block,
    );
  }

  /** Replaces every entry x by table[x]. */
  translate(table: Uint32Array): this {
    for (const block of this.blocks()) for (let i = 0; i < block.length; i++) block[i] = table[block[i]];
    return this;
  }

  /** out[destination[i]] = this[i] for every i, then frees the column. */
  scatterInto<O extends Numbers>(destination: Uint32Array, out: O): O {
    let at = 0;
    for (const block of this.blocks()) {
      const { length } = block;
      for (let i = 0; i < length; i++) out[destination[at + i]] = block[i];
      at += length;
      free(block);
    }
    this.clear();
    return out;
  }

  /** Frees the column. Views that `blocks` gave must not be used afterwards. */
  clear(): void {
    for (const block of this.#blocks) free(block);
    this.#blocks.length = 0;
    this.#last = this.#make(0);
    this.#blocks.push(this.#last);
    this.#used = 0;
    this.length = 0;
  }

  #grow(): void {
    this.#last = this.#make(Math.min(MAX_BLOCK, Math.max(MIN_BLOCK, this.length)));
    this.#blocks.push(this.#last);
    this.#used = 0;
  }
}

/** Gives an array's memory back at once where the engine can (V8 from 11.4): until garbage is collected, columns of millions would count twice. */
export function free({ buffer }: Numbers): void {
  const { transfer } = buffer as { transfer?: (length: number) => ArrayBuffer };
  if (buffer.byteLength > 0) transfer?.call(buffer, 0);
}
