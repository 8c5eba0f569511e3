/**
 * The header of a NumPy array file: its bytes come in, element type, shape and order go out, and back. Runs no code.
 *
 *   \x93NUMPY | major minor | length u16 (version 1) or u32 (2, 3), little-endian | a Python dictionary as text | elements
 *   {'descr': '<f8', 'fortran_order': False, 'shape': (9724, 610), }
 *
 * Format: numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1 to 3.
 */

/** Throws the error of whoever reads. @param why what is wrong @param remedy what to do; default: to write it again */
export type Refuse = (why: string, remedy?: string) => never;

export interface NpyHeader {
  /** As in the file: `<f8` */
  readonly descr: string;
  /** True: the first index runs fastest */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
  /** Where the elements begin */
  readonly dataStart: number;
}

/** The first bytes of every array file. */
export const NPY_MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);
/** Longer headers belong to tables of many fields, which are not read. */
const MAX_HEADER = 1 << 16;
const MAX_DIMENSIONS = 32;
/** Elements begin at a multiple of this, as NumPy writes them. */
const ALIGNMENT = 64;

/** @param bytes the file; only its header is looked at */
export function readNpyHeader(bytes: Uint8Array, refuse: Refuse): NpyHeader {
  if (!NPY_MAGIC.every((byte, at) => bytes[at] === byte))
    refuse(bytes.length === 0 ? "is empty" : "is no NumPy array: it does not begin with \\x93NUMPY");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes[6] === 1 ? 10 : 12;
  if (bytes.length < start) refuse(`is cut short: ${bytes.length} bytes do not hold a header`);
  const [major, minor] = [bytes[6], bytes[7]];
  if (major < 1 || major > 3 || minor !== 0)
    refuse(`is written as version ${major}.${minor} of the format; versions 1.0, 2.0 and 3.0 are read`);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER) refuse(`has a header of ${length} bytes; that of a matrix takes at most ${MAX_HEADER}`);
  const end = start + length;
  if (end > bytes.length)
    refuse(`is cut short: its header takes ${length} bytes, and ${bytes.length - start} are there`);
  const text = new TextDecoder(major === 3 ? "utf-8" : "latin1").decode(bytes.slice(start, end));
  return { ...dictionary(text, refuse), dataStart: end };
}

/** The bytes before the elements, as NumPy 1.14 and later write them; the same array gives the same bytes. */
export function npyHeader(descr: string, shape: readonly number[]): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const length = Math.ceil((10 + text.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(length).fill(0x20);
  bytes.set(NPY_MAGIC);
  bytes.set([1, 0], 6);
  new DataView(bytes.buffer).setUint16(8, length - 10, true);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[length - 1] = 0x0a;
  return bytes;
}

/** A key or value of the dictionary: text, a flag, a number, or a sign such as a bracket. */
interface Token {
  readonly kind: "text" | "flag" | "number" | "sign";
  readonly text: string;
}

const pattern = /\s*(?:'([^'\\]*)'|"([^"\\]*)"|(True|False)|(\d+)L?|([{}()[\],:]))/y;

function tokensOf(text: string, refuse: Refuse): Token[] {
  const tokens: Token[] = [];
  const body = text.trimEnd();
  pattern.lastIndex = 0;
  while (pattern.lastIndex < body.length) {
    const match = pattern.exec(body);
    if (match === null) return refuse("has a header that is no Python dictionary");
    const [, single, double, flag, number, sign] = match;
    if (flag !== undefined) tokens.push({ kind: "flag", text: flag });
    else if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (sign !== undefined) tokens.push({ kind: "sign", text: sign });
    else tokens.push({ kind: "text", text: single ?? double });
  }
  return tokens;
}

/** The three entries of the dictionary, in any order, each once and no others. */
function dictionary(text: string, refuse: Refuse): Omit<NpyHeader, "dataStart"> {
  const reader = new DictionaryReader(tokensOf(text, refuse), refuse);
  const found: { descr?: string; fortranOrder?: boolean; shape?: readonly number[] } = {};
  reader.sign("{");
  while (!reader.isAt("}")) {
    const key = reader.take("text");
    reader.sign(":");
    if (key === "descr" && found.descr === undefined) {
      if (reader.isAt("["))
        refuse(
          "is a table of several fields",
          "write the one that holds the numbers: numpy.save(path, table['rating'])",
        );
      found.descr = reader.take("text");
    } else if (key === "fortran_order" && found.fortranOrder === undefined)
      found.fortranOrder = reader.take("flag") === "True";
    else if (key === "shape" && found.shape === undefined) found.shape = reader.sizes();
    else reader.broken();
    if (!reader.isAt("}")) reader.sign(",");
  }
  reader.sign("}");
  const { descr, fortranOrder, shape } = found;
  if (!reader.isDone || descr === undefined || fortranOrder === undefined || shape === undefined)
    return reader.broken();
  return { descr, fortranOrder, shape };
}

class DictionaryReader {
  readonly #tokens: readonly Token[];
  readonly #refuse: Refuse;
  #at = 0;

  constructor(tokens: readonly Token[], refuse: Refuse) {
    this.#tokens = tokens;
    this.#refuse = refuse;
  }

  get isDone(): boolean {
    return this.#at === this.#tokens.length;
  }

  broken(): never {
    return this.#refuse("has a header that is no dictionary of descr, fortran_order and shape");
  }

  isAt(sign: string): boolean {
    const next = this.#tokens[this.#at];
    return next?.kind === "sign" && next.text === sign;
  }

  sign(sign: string): void {
    if (!this.isAt(sign)) this.broken();
    this.#at++;
  }

  take(kind: Token["kind"]): string {
    const next = this.#tokens[this.#at++];
    return next?.kind === kind ? next.text : this.broken();
  }

  /** `(9724, 610)`, `(610,)` or `()`. */
  sizes(): number[] {
    const sizes: number[] = [];
    this.sign("(");
    while (!this.isAt(")")) {
      const size = Number(this.take("number"));
      if (!Number.isSafeInteger(size) || sizes.length === MAX_DIMENSIONS) this.broken();
      sizes.push(size);
      if (!this.isAt(")")) this.sign(",");
    }
    this.sign(")");
    return sizes;
  }
}
