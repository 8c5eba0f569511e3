/**
 * NumPy array files (.npy): bytes come in, elements as numbers or text go out; typed arrays come in and bytes go out.
 *
 * Read are truth values, whole numbers of 1 to 8 bytes, floats of 2, 4 and 8 bytes, and text (U), either byte order, C and
 * Fortran order. Nothing is ever unpickled, and no more memory is taken than the file is long.
 */
import { npyHeader, type Refuse, readNpyHeader } from "./npy-header.ts";

/** An array as it stands in a file, checked against its length. */
export interface NpyArray {
  /** b truth values, i and u whole numbers, f floats, U text */
  readonly kind: "b" | "i" | "u" | "f" | "U";
  /** Bytes of an element */
  readonly size: number;
  readonly littleEndian: boolean;
  readonly shape: readonly number[];
  /** True: the first index runs fastest */
  readonly fortranOrder: boolean;
  /** The elements; a view of the file's bytes */
  readonly bytes: Uint8Array;
}

const sizes = { b: [1], i: [1, 2, 4, 8], u: [1, 2, 4, 8], f: [2, 4, 8] } as const;
const TYPES = "truth values, whole numbers of 1 to 8 bytes and floats of 2 to 8 bytes are read";
const AS_FLOATS = "write it as floats: numpy.save(path, Y.astype('f4'))";

/** Element types that are no numbers, or larger ones, by the letter of NumPy. */
const foreignKinds: Readonly<Record<string, readonly [what: string, remedy: string]>> = {
  O: ["Python objects, which only running their code could read", AS_FLOATS],
  c: ["complex numbers", "write their real part: numpy.save(path, Y.real)"],
  S: ["bytes", "write text as text: numpy.save(path, ids.astype('U'))"],
  a: ["bytes", "write text as text: numpy.save(path, ids.astype('U'))"],
  V: ["raw bytes", AS_FLOATS],
  M: ["dates", AS_FLOATS],
  m: ["lengths of time", AS_FLOATS],
  f: ["floats of another size", AS_FLOATS],
};

/** @param bytes the whole file; kept, as the elements are a view of it */
export function decodeNpy(bytes: Uint8Array, refuse: Refuse): NpyArray {
  const { descr, fortranOrder, shape, dataStart } = readNpyHeader(bytes, refuse);
  const { kind, size, littleEndian } = elementOf(descr, refuse);
  const count = shape.reduce((product, length) => product * length, 1);
  const there = bytes.length - dataStart;
  const needed = count * size;
  const says = `its header says ${shapeText(shape)} ${typeText({ kind, size })}, which takes ${needed} bytes, and ${there} are there`;
  if (needed > there) refuse(`is cut short: ${says}`);
  if (needed < there) refuse(`holds more than its array: ${says}`);
  return { kind, size, littleEndian, shape, fortranOrder, bytes: bytes.subarray(dataStart) };
}

function elementOf(descr: string, refuse: Refuse): Pick<NpyArray, "kind" | "size" | "littleEndian"> {
  const [, order, letter, digits] = /^([<>|=]?)([?a-zA-Z])(\d*)/.exec(descr) ?? [];
  const kind = letter === "?" ? "b" : letter;
  const size = letter === "?" ? 1 : Number(digits);
  const littleEndian = order === ">" ? false : order === "<" || hostIsLittle;
  const isWhole = /^[<>|=]?[?a-zA-Z]\d*$/.test(descr);
  if (isWhole && kind === "U" && size > 0 && size <= 2 ** 28) return { kind, size: 4 * size, littleEndian };
  if (isWhole && kind !== undefined && kind in sizes) {
    const known = kind as keyof typeof sizes;
    if ((sizes[known] as readonly number[]).includes(size)) return { kind: known, size, littleEndian };
  }
  const [what, remedy] = foreignKinds[letter ?? ""] ?? ["elements of an unknown type", AS_FLOATS];
  return refuse(`holds ${what} (${JSON.stringify(descr.slice(0, 40))}); ${TYPES}`, remedy);
}

const hostIsLittle = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

const kindNames = { b: "bool", i: "int", u: "uint", f: "float" } as const;

/** `float64`, as NumPy names it. */
export function typeText({ kind, size }: Pick<NpyArray, "kind" | "size">): string {
  if (kind === "U") return `text of ${size / 4}`;
  return kind === "b" ? "bool" : `${kindNames[kind]}${8 * size}`;
}

/** `9724 × 610`; `one number` for an array without dimensions. */
export function shapeText(shape: readonly number[]): string {
  return shape.length === 0 ? "one number" : shape.join(" × ");
}

/**
 * The elements in the file's order, as numbers; 64-bit whole numbers are rounded to doubles.
 *
 * @returns a view of the file's bytes where that is possible
 */
export function numbersOf(array: NpyArray, refuse: Refuse): ArrayLike<number> {
  const { kind, size } = array;
  if (kind === "U") return refuse(`holds text; ${TYPES}`, AS_FLOATS);
  const bytes = inHostOrder(array);
  const { buffer, byteOffset } = bytes;
  const length = bytes.byteLength / size;
  switch (`${kind}${size}`) {
    case "b1":
    case "u1":
      return bytes;
    case "u2":
      return new Uint16Array(buffer, byteOffset, length);
    case "u4":
      return new Uint32Array(buffer, byteOffset, length);
    case "u8":
      return Float64Array.from(new BigUint64Array(buffer, byteOffset, length), Number);
    case "i1":
      return new Int8Array(buffer, byteOffset, length);
    case "i2":
      return new Int16Array(buffer, byteOffset, length);
    case "i4":
      return new Int32Array(buffer, byteOffset, length);
    case "i8":
      return Float64Array.from(new BigInt64Array(buffer, byteOffset, length), Number);
    case "f2":
      return Float32Array.from(new Uint16Array(buffer, byteOffset, length), halfToNumber);
    case "f4":
      return new Float32Array(buffer, byteOffset, length);
    default:
      return new Float64Array(buffer, byteOffset, length);
  }
}

/** The elements of a text array in the file's order; NumPy fills short ones up with zeros, which are left out. */
export function textsOf(array: NpyArray, refuse: Refuse): string[] {
  const bytes = inHostOrder({ ...array, size: 4 });
  const codes = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const width = array.size / 4;
  const texts: string[] = [];
  for (let start = 0; start < codes.length; start += width) {
    let end = start + width;
    while (end > start && codes[end - 1] === 0) end--;
    let text = "";
    for (let at = start; at < end; at++) {
      if (codes[at] > 0x10ffff)
        return refuse(
          `holds text with the number ${codes[at]}, which is no Unicode character, in element ${texts.length}`,
        );
      text += String.fromCodePoint(codes[at]);
    }
    texts.push(text);
  }
  return texts;
}

/** The bytes where typed arrays can look at them: in the machine's order, and beginning at a multiple of the size. */
function inHostOrder({ bytes, size, littleEndian }: NpyArray): Uint8Array {
  if (size === 1) return bytes;
  const isAligned = bytes.byteOffset % size === 0;
  if (littleEndian === hostIsLittle) return isAligned ? bytes : new Uint8Array(bytes);
  const turned = new Uint8Array(bytes.length);
  for (let start = 0; start < bytes.length; start += size)
    for (let at = 0; at < size; at++) turned[start + at] = bytes[start + size - 1 - at];
  return turned;
}

/** IEEE 754 half precision. */
function halfToNumber(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** What can be written: each typed array as its own element type, text as U. */
export type NpyElements = Float32Array | Float64Array | BigInt64Array | readonly string[];

/**
 * An array file as parts to be written one after another; numbers are given as views, not copies.
 *
 * @param elements row-major, as many as `shape` asks for
 */
export function npyParts(elements: NpyElements, shape: readonly number[]): Uint8Array[] {
  if (elements instanceof Float32Array) return parts("<f4", elements, shape);
  if (elements instanceof Float64Array) return parts("<f8", elements, shape);
  if (elements instanceof BigInt64Array) return parts("<i8", elements, shape);
  let width = 1;
  for (const text of elements) width = Math.max(width, charactersOf(text));
  const codes = new Uint32Array(width * elements.length);
  for (const [row, text] of elements.entries()) {
    let at = row * width;
    for (const character of text) codes[at++] = character.codePointAt(0) as number;
  }
  return parts(`<U${width}`, codes, shape);
}

/** Unicode characters of a text, each of which takes 4 bytes. */
function charactersOf(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

function parts(
  descr: string,
  { buffer, byteOffset, byteLength, BYTES_PER_ELEMENT }: Float32Array | Float64Array | BigInt64Array | Uint32Array,
  shape: readonly number[],
): Uint8Array[] {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  const data = hostIsLittle
    ? bytes
    : inHostOrder({ kind: "u", size: BYTES_PER_ELEMENT, littleEndian: true, shape, fortranOrder: false, bytes });
  return [npyHeader(descr, shape), data];
}
