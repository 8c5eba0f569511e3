/**
 * Records as they stream in, block by block, each held as tightly as its own numbers allow: codes of ids as their difference to the
 * smallest of the block in two bytes where these are enough, ratings as codes while at most 256 different ones have come.
 *
 * A block is filled wide and packed when it is full, so 4 to 9 bytes a record are held (8 more with times), and blocks can be freed one by one.
 */
import { CellValues, type Indexes, ValueCodes } from "./cell-values.ts";

/** Records of a block, but the first blocks are smaller: little data take little memory. */
const MAX_BLOCK = 1 << 18;
const MIN_BLOCK = 1 << 10;

/** Codes of ids: `base + offset[i]`. */
export interface PackedCodes {
  readonly base: number;
  readonly offset: Indexes;
}

export interface RecordBlock {
  readonly length: number;
  readonly user: PackedCodes;
  readonly item: PackedCodes;
  /** u8: codes of ratings, by `RecordBlocks.codes`. Undefined for records without */
  readonly rating: Uint8Array | Float32Array | undefined;
  readonly time: Float64Array | undefined;
}

/** The block in hand, wide; entries from `used` on are free. */
export interface OpenBlock {
  readonly user: Uint32Array;
  readonly item: Uint32Array;
  readonly rating: Float32Array;
  readonly time: Float64Array;
}

export class RecordBlocks {
  #blocks: (RecordBlock | undefined)[] = [];
  #open: OpenBlock = openBlock(0, false, false);
  #used = 0;
  #packed = 0;
  /** What the ratings are codes of; undefined once there were too many different ones */
  codes: ValueCodes | undefined = new ValueCodes();

  get length(): number {
    return this.#packed + this.#used;
  }

  /** Room for at least one record more: where to write, from which entry on, and how many entries are free there. */
  room(hasRatings: boolean, hasTimes: boolean): { readonly to: OpenBlock; readonly at: number; readonly free: number } {
    if (this.#used === this.#open.user.length) this.#next(hasRatings, hasTimes);
    return { to: this.#open, at: this.#used, free: this.#open.user.length - this.#used };
  }

  /** Counts records that were written into `room`. */
  add(count: number): void {
    this.#used += count;
  }

  /** Packs what is open; then every block in order, which the caller may free. Nothing is kept here. */
  *take(): IterableIterator<RecordBlock> {
    this.#pack(this.#open.rating.length > 0, this.#open.time.length > 0);
    this.#open = openBlock(0, false, false);
    const blocks = this.#blocks;
    this.#blocks = [];
    for (let i = 0; i < blocks.length; i++) {
      yield blocks[i]!;
      blocks[i] = undefined;
    }
  }

  /** Every block in order, after the one in hand is packed. */
  all(): readonly RecordBlock[] {
    this.#pack(this.#open.rating.length > 0, this.#open.time.length > 0);
    return this.#blocks as RecordBlock[];
  }

  /** The block in hand is full: it is packed, or while there is little, doubled. */
  #next(hasRatings: boolean, hasTimes: boolean): void {
    const { length } = this.#open.user;
    if (length === MAX_BLOCK) {
      this.#pack(hasRatings, hasTimes);
      return;
    }
    const larger = openBlock(Math.max(MIN_BLOCK, 2 * length), hasRatings, hasTimes);
    larger.user.set(this.#open.user);
    larger.item.set(this.#open.item);
    larger.rating.set(this.#open.rating);
    larger.time.set(this.#open.time);
    this.#open = larger;
  }

  #pack(hasRatings: boolean, hasTimes: boolean): void {
    const count = this.#used;
    if (count === 0) return;
    this.#blocks.push({
      length: count,
      user: packedCodes(this.#open.user.subarray(0, count)),
      item: packedCodes(this.#open.item.subarray(0, count)),
      rating: hasRatings ? this.#packedRatings(this.#open.rating.subarray(0, count)) : undefined,
      time: hasTimes ? this.#open.time.slice(0, count) : undefined,
    });
    this.#packed += count;
    this.#used = 0;
  }

  #packedRatings(ratings: Float32Array): Uint8Array | Float32Array {
    if (this.codes !== undefined) {
      const code = new Uint8Array(ratings.length);
      if (this.codes.encode(ratings, code) === ratings.length) return code;
      this.#decode(this.codes.table);
      this.codes = undefined;
    }
    return ratings.slice();
  }

  /** More than 256 different ratings have come: those that were packed before are numbers from now on, too. */
  #decode(table: Float32Array): void {
    for (const [b, block] of this.#blocks.entries()) {
      if (!(block?.rating instanceof Uint8Array)) continue;
      const rating = new CellValues(table, block.rating).toFloats();
      free(block.rating);
      this.#blocks[b] = { ...block, rating };
    }
  }
}

/** Gives an array's memory back at once where the engine can (V8 from 11.4): until garbage is collected, columns of millions would count twice. */
export function free(array: Uint8Array | Indexes | Float32Array | Float64Array | undefined): void {
  const buffer = array?.buffer as (ArrayBufferLike & { transfer?: (length: number) => ArrayBuffer }) | undefined;
  if (buffer !== undefined && buffer.byteLength > 0) buffer.transfer?.(0);
}

export function freeBlock({ user, item, rating, time }: RecordBlock): void {
  for (const array of [user.offset, item.offset, rating, time]) free(array);
}

function openBlock(length: number, hasRatings: boolean, hasTimes: boolean): OpenBlock {
  return {
    user: new Uint32Array(length),
    item: new Uint32Array(length),
    rating: new Float32Array(hasRatings ? length : 0),
    time: new Float64Array(hasTimes ? length : 0),
  };
}

function packedCodes(codes: Uint32Array): PackedCodes {
  let base = codes[0];
  let most = base;
  for (let i = 1; i < codes.length; i++) {
    const code = codes[i];
    if (code < base) base = code;
    if (code > most) most = code;
  }
  if (most - base >= 2 ** 16) return { base: 0, offset: codes.slice() };
  const offset = new Uint16Array(codes.length);
  for (let i = 0; i < codes.length; i++) offset[i] = codes[i] - base;
  return { base, offset };
}
