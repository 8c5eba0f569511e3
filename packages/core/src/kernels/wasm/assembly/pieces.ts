/**
 * Packed entries of rows, unpacked a piece at a time: the row kernels read u32 indexes and f32 numbers, so some whole rows' entries are
 * written so into a thread's own area before a kernel works on these rows. About 1 ns an entry, beside tens of ns of arithmetic.
 *
 * The kernels find entry e of an array at `base + 4 · e`. A base that puts the first entry of a piece at the beginning of the area is
 * the area's address less 4 · first, modulo 2³²: an address below 0 wraps, and comes back when the kernel adds 4 · first.
 *
 * Arrays may lie outside of this memory (kernels.ts). Their bytes are brought to the end of the area, where unpacking, which goes
 * forward, never writes over what is not read yet.
 */
import { bring } from "./bring";

/** Bytes at the beginning of an area: the bases of indexes and of numbers, for the host. */
const HEADER: usize = 64;

/** Bytes before and behind the entries of an area: what is brought keeps its place within 8 bytes; kernels read whole vectors. */
const MARGIN: usize = 64;

/** Bytes of an area for so many entries. */
export function pieceArea(entries: usize): usize {
  return HEADER + 2 * columnBytes(entries);
}

@inline
function columnBytes(entries: usize): usize {
  return (((entries << 2) + 63) & ~63) + 2 * MARGIN;
}

/**
 * Unpacks as many of the rows `from` to `to` - 1 as there is room for, one at least. Writes the bases of their indexes and numbers at `area`.
 *
 * @param start u32, as in SparseRows
 * @param capacity entries of an area, at least those of the longest row
 * @param indexBuffer 0: this memory, else 1 and more: those outside
 * @param indexAt where entry 0 stands there, a multiple of 64 outside
 * @param indexBytes of an entry: 4 or 2
 * @param numberBytes of an entry: 4, 1 for codes, 0 where all are the first of the table
 * @param table f32, what the codes mean
 * @returns the first row that is left
 */
export function takePiece(
  start: usize,
  capacity: u32,
  indexBuffer: u32,
  indexAt: f64,
  indexBytes: u32,
  numberBuffer: u32,
  numberAt: f64,
  numberBytes: u32,
  table: usize,
  area: usize,
  from: u32,
  to: u32,
): u32 {
  const first = load<u32>(start + (<usize>from << 2));
  let end = from + 1;
  while (end < to && load<u32>(start + (<usize>end << 2), 4) - first <= capacity) end++;
  const count = load<u32>(start + (<usize>end << 2)) - first;
  const indexes = area + HEADER + MARGIN;
  const numbers = indexes + columnBytes(capacity);
  store<usize>(area, take(indexBuffer, indexAt, indexBytes, first, count, capacity, indexes, 0));
  store<usize>(area, take(numberBuffer, numberAt, numberBytes, first, count, capacity, numbers, table), 4);
  return end;
}

/** The base of one column, after its entries have been unpacked to `into` where they are not of 4 bytes here. */
function take(
  buffer: u32,
  at: f64,
  bytes: u32,
  first: u32,
  count: u32,
  capacity: u32,
  into: usize,
  table: usize,
): usize {
  if (bytes == 0) {
    fill(load<f32>(table), into, count);
    return into - (<usize>first << 2);
  }
  if (buffer == 0) {
    if (bytes == 4) return <u32>at;
    unpack(bytes, <u32>at + first * bytes, table, into, count);
    return into - (<usize>first << 2);
  }
  const begin = at + <f64>first * <f64>bytes;
  const whole = floor<f64>(begin / 8) * 8;
  const skipped = <u32>(begin - whole);
  const wanted = (skipped + count * bytes + 7) & ~7;
  if (bytes == 4) {
    bring(buffer, whole, wanted, into);
    return into + skipped - (<usize>first << 2);
  }
  const packed = into + columnBytes(capacity) - MARGIN - wanted;
  bring(buffer, whole, wanted, packed);
  unpack(bytes, packed + skipped, table, into, count);
  return into - (<usize>first << 2);
}

@inline
function unpack(bytes: u32, packed: usize, table: usize, into: usize, count: u32): void {
  if (bytes == 2) widen(packed, into, count);
  else lookUp(packed, table, into, count);
}

/** u16 to u32. */
function widen(packed: usize, into: usize, count: u32): void {
  let left: i32 = count;
  for (; left >= 8; left -= 8) {
    const v = v128.load(packed);
    v128.store(into, i32x4.extend_low_i16x8_u(v));
    v128.store(into, i32x4.extend_high_i16x8_u(v), 16);
    packed += 16;
    into += 32;
  }
  for (; left > 0; left--) {
    store<u32>(into, load<u16>(packed));
    packed += 2;
    into += 4;
  }
}

/** Codes to what they mean. */
function lookUp(packed: usize, table: usize, into: usize, count: u32): void {
  let left: i32 = count;
  for (; left >= 4; left -= 4) {
    const codes = load<u32>(packed);
    store<f32>(into, load<f32>(table + ((codes & 0xff) << 2)));
    store<f32>(into, load<f32>(table + (((codes >>> 8) & 0xff) << 2)), 4);
    store<f32>(into, load<f32>(table + (((codes >>> 16) & 0xff) << 2)), 8);
    store<f32>(into, load<f32>(table + ((codes >>> 24) << 2)), 12);
    packed += 4;
    into += 16;
  }
  for (; left > 0; left--) {
    store<f32>(into, load<f32>(table + (<usize>load<u8>(packed) << 2)));
    packed += 1;
    into += 4;
  }
}

function fill(number: f32, into: usize, count: u32): void {
  const v = f32x4.splat(number);
  for (let left: i32 = count; left > 0; left -= 4) {
    v128.store(into, v);
    into += 16;
  }
}
